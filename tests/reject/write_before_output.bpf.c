// SPDX-License-Identifier: GPL-2.0-only
// Before the result lies the input.
// EXPECT: is ptr_extfuse_lookup_out invalid negative access
#include <extfuse/handler.bpf.h>

SEC("struct_ops/lookup")
int BPF_PROG(lookup, const struct extfuse_lookup_in *in, struct extfuse_lookup_out *out)
{
	*(volatile __u64 *)((char *)out - 8) = 1;
	return EXTFUSE_UPCALL;
}

EXTFUSE_OPS(reject, .lookup = (void *)lookup);

char LICENSE[] SEC("license")
= "GPL";
