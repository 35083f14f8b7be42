// SPDX-License-Identifier: GPL-2.0-only
// A reply is shown, not to be changed.
// EXPECT: extfuse: only the result structure of an operation may be written
#include <extfuse/handler.bpf.h>

SEC("struct_ops/reply_open")
int BPF_PROG(reply_open, struct extfuse_reply_open_in *in)
{
	in->open_flags = 0;
	return 0;
}

EXTFUSE_OPS(reject, .reply_open = (void *)reply_open);

char LICENSE[] SEC("license")
= "GPL";
