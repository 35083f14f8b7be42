// SPDX-License-Identifier: GPL-2.0-only
// A reply is shown, not to be changed.
// EXPECT: extfuse: only the result structure of an operation may be written
#include <extfuse/handler.bpf.h>

SEC("struct_ops/reply_bytes")
int BPF_PROG(reply_bytes, struct extfuse_reply_bytes_in *in)
{
	in->word = 1;
	return 0;
}

EXTFUSE_OPS(reject, .reply_bytes = (void *)reply_bytes);

char LICENSE[] SEC("license")
= "GPL";
