// SPDX-License-Identifier: GPL-2.0-only
// Somewhere inside the input: not where the private structure ends.
// EXPECT: args#0 expected pointer to STRUCT extfuse_lookup_in but R1 has a pointer
#include <extfuse/handler.bpf.h>

SEC("struct_ops/lookup")
int BPF_PROG(lookup, const struct extfuse_lookup_in *in, struct extfuse_lookup_out *out)
{
	char name[32];

	return extfuse_name_copy((const void *)((const char *)in + 8), name, sizeof(name));
}

EXTFUSE_OPS(reject, .lookup = (void *)lookup);

char LICENSE[] SEC("license")
= "GPL";
