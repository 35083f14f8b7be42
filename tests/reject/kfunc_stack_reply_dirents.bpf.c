// SPDX-License-Identifier: GPL-2.0-only
// A directory of the program's own making: the driver would look around it for entries.
// EXPECT: arg#0 pointer type STRUCT extfuse_reply_dirents_in must point to scalar
#include <extfuse/handler.bpf.h>

SEC("struct_ops/reply_dirents")
int BPF_PROG(reply_dirents, const struct extfuse_reply_dirents_in *in)
{
	struct extfuse_reply_dirents_in mine = {};
	char data[64] = {};
	__u64 next = 0;

	mine.size = 64;
	return extfuse_reply_dirents(&mine, data, sizeof(data), 0, &next);
}

EXTFUSE_OPS(reject, .reply_dirents = (void *)reply_dirents);

char LICENSE[] SEC("license")
= "GPL";
