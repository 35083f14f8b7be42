// SPDX-License-Identifier: GPL-2.0-only
// A write that begins inside the result and ends outside.
// EXPECT: are outside the result
#include <extfuse/handler.bpf.h>

SEC("struct_ops/lookup")
int BPF_PROG(lookup, const struct extfuse_lookup_in *in, struct extfuse_lookup_out *out)
{
	*(volatile __u64 *)((char *)out + sizeof(*out) - 4) = 1;
	return EXTFUSE_UPCALL;
}

EXTFUSE_OPS(reject, .lookup = (void *)lookup);

char LICENSE[] SEC("license")
= "GPL";
