// SPDX-License-Identifier: GPL-2.0-only
// More is copied than there is room for.
// EXPECT: invalid
#include <extfuse/handler.bpf.h>

SEC("struct_ops/reply_bytes")
int BPF_PROG(reply_bytes, const struct extfuse_reply_bytes_in *in)
{
	char data[8];

	return extfuse_reply_bytes(in, data, 64);
}

EXTFUSE_OPS(reject, .reply_bytes = (void *)reply_bytes);

char LICENSE[] SEC("license")
= "GPL";
