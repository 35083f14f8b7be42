// SPDX-License-Identifier: GPL-2.0-only
// The caller inside the input is no more writable than the rest.
// EXPECT: extfuse: only the result structure of an operation may be written
#include <extfuse/handler.bpf.h>

SEC("struct_ops/lookup")
int BPF_PROG(lookup, struct extfuse_lookup_in *in, struct extfuse_lookup_out *out)
{
	in->caller.uid = 0;
	return EXTFUSE_UPCALL;
}

EXTFUSE_OPS(reject, .lookup = (void *)lookup);

char LICENSE[] SEC("license")
= "GPL";
