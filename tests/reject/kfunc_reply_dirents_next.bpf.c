// SPDX-License-Identifier: GPL-2.0-only
// The offset is written into the input.
// EXPECT: extfuse_reply_dirents args#4 pointer type INT long long unsigned int is not supported
#include <extfuse/handler.bpf.h>

SEC("struct_ops/reply_dirents")
int BPF_PROG(reply_dirents, const struct extfuse_reply_dirents_in *in)
{
	char data[64] = {};

	return extfuse_reply_dirents(in, data, sizeof(data), 0, (__u64 *)&in->word);
}

EXTFUSE_OPS(reject, .reply_dirents = (void *)reply_dirents);

char LICENSE[] SEC("license")
= "GPL";
