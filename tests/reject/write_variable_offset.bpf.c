// SPDX-License-Identifier: GPL-2.0-only
// A place in the result that only the run time knows.
// EXPECT: variable
#include <extfuse/handler.bpf.h>

SEC("struct_ops/getattr")
int BPF_PROG(getattr, const struct extfuse_getattr_in *in, struct extfuse_getattr_out *out)
{
	*((volatile char *)out + (in->nodeid & 15)) = 1;
	return EXTFUSE_UPCALL;
}

EXTFUSE_OPS(reject, .getattr = (void *)getattr);

char LICENSE[] SEC("license")
= "GPL";
