// SPDX-License-Identifier: GPL-2.0-only
// The offset is written where there is no room for one.
// EXPECT: invalid
#include <extfuse/handler.bpf.h>

SEC("struct_ops/reply_dirents")
int BPF_PROG(reply_dirents, const struct extfuse_reply_dirents_in *in)
{
	char data[64] = {};
	__u32 next = 0;

	return extfuse_reply_dirents(in, data, sizeof(data), 0, (__u64 *)((char *)&next + 1));
}

EXTFUSE_OPS(reject, .reply_dirents = (void *)reply_dirents);

char LICENSE[] SEC("license")
= "GPL";
