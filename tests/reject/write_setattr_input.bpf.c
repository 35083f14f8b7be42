// SPDX-License-Identifier: GPL-2.0-only
// An observer does not change the change.
// EXPECT: extfuse: only the result structure of an operation may be written
#include <extfuse/handler.bpf.h>

SEC("struct_ops/setattr")
int BPF_PROG(setattr, struct extfuse_setattr_in *in, struct extfuse_change_out *out)
{
	in->mode &= 0777;
	return EXTFUSE_UPCALL;
}

EXTFUSE_OPS(reject, .setattr = (void *)setattr);

char LICENSE[] SEC("license")
= "GPL";
