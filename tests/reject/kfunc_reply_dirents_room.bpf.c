// SPDX-License-Identifier: GPL-2.0-only
// More entries are copied than there is room for.
// EXPECT: invalid
#include <extfuse/handler.bpf.h>

SEC("struct_ops/reply_dirents")
int BPF_PROG(reply_dirents, const struct extfuse_reply_dirents_in *in)
{
	char data[8];
	__u64 next = 0;

	return extfuse_reply_dirents(in, data, 64, 0, &next);
}

EXTFUSE_OPS(reject, .reply_dirents = (void *)reply_dirents);

char LICENSE[] SEC("license")
= "GPL";
