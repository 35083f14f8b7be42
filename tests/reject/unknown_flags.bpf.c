// SPDX-License-Identifier: GPL-2.0-only
// Flags of the table that nobody has defined.
// ERRNO: 22
#include <extfuse/handler.bpf.h>

SEC("struct_ops/lookup")
int BPF_PROG(lookup, const struct extfuse_lookup_in *in, struct extfuse_lookup_out *out)
{
	return EXTFUSE_UPCALL;
}

EXTFUSE_OPS(reject, .lookup = (void *)lookup, .flags = 1U << 31);

char LICENSE[] SEC("license")
= "GPL";
