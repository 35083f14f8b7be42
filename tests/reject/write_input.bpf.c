// SPDX-License-Identifier: GPL-2.0-only
// The input is read-only, though the pointer is not to const here.
// EXPECT: extfuse: only the result structure of an operation may be written
#include <extfuse/handler.bpf.h>

SEC("struct_ops/getattr")
int BPF_PROG(getattr, struct extfuse_getattr_in *in, struct extfuse_getattr_out *out)
{
	in->nodeid = 1;
	return EXTFUSE_UPCALL;
}

EXTFUSE_OPS(reject, .getattr = (void *)getattr);

char LICENSE[] SEC("license")
= "GPL";
