// SPDX-License-Identifier: GPL-2.0-only
// The name's length decides how much of it the functions of the driver copy.
// EXPECT: extfuse: only the result structure of an operation may be written
#include <extfuse/handler.bpf.h>

SEC("struct_ops/create")
int BPF_PROG(create, struct extfuse_create_in *in, struct extfuse_change_out *out)
{
	in->entry.name_len = 4096;
	return EXTFUSE_UPCALL;
}

EXTFUSE_OPS(reject, .create = (void *)create);

char LICENSE[] SEC("license")
= "GPL";
