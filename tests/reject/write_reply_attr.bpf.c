// SPDX-License-Identifier: GPL-2.0-only
// A reply is shown, not to be changed.
// EXPECT: extfuse: only the result structure of an operation may be written
#include <extfuse/handler.bpf.h>

SEC("struct_ops/reply_attr")
int BPF_PROG(reply_attr, struct extfuse_reply_attr_in *in)
{
	in->attr.size = 1;
	return 0;
}

EXTFUSE_OPS(reject, .reply_attr = (void *)reply_attr);

char LICENSE[] SEC("license")
= "GPL";
