// SPDX-License-Identifier: GPL-2.0-only
// The input is the driver's: a changed node id would be another file's answer.
// EXPECT: only the result structure of an operation may be written
#include <extfuse/handler.bpf.h>

SEC("struct_ops/getxattr")
int BPF_PROG(getxattr, const struct extfuse_getxattr_in *in, struct extfuse_bytes_out *out)
{
	((struct extfuse_getxattr_in *)in)->nodeid = 1;
	return EXTFUSE_UPCALL;
}

EXTFUSE_OPS(reject, .getxattr = (void *)getxattr);

char LICENSE[] SEC("license")
= "GPL";
