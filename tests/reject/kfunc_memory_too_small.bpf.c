// SPDX-License-Identifier: GPL-2.0-only
// More bytes than the buffer has.
// EXPECT: invalid
#include <extfuse/handler.bpf.h>

SEC("struct_ops/lookup")
int BPF_PROG(lookup, const struct extfuse_lookup_in *in, struct extfuse_lookup_out *out)
{
	char name[32];

	return extfuse_name_copy(in, name, 300);
}

EXTFUSE_OPS(reject, .lookup = (void *)lookup);

char LICENSE[] SEC("license")
= "GPL";
