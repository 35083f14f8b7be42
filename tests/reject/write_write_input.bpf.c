// SPDX-License-Identifier: GPL-2.0-only
// What is written where is the caller's to say.
// EXPECT: extfuse: only the result structure of an operation may be written
#include <extfuse/handler.bpf.h>

SEC("struct_ops/write")
int BPF_PROG(write, struct extfuse_write_in *in, struct extfuse_change_out *out)
{
	in->offset = 0;
	return EXTFUSE_UPCALL;
}

EXTFUSE_OPS(reject, .write = (void *)write);

char LICENSE[] SEC("license")
= "GPL";
