// SPDX-License-Identifier: GPL-2.0-only
// Forgot to say.
// ERRNO: 71
#include <extfuse/handler.bpf.h>

SEC("struct_ops/lookup")
int BPF_PROG(lookup, const struct extfuse_lookup_in *in, struct extfuse_lookup_out *out)
{
	return EXTFUSE_UPCALL;
}

SEC(".struct_ops.link")
struct extfuse_handler_ops reject = {
	.lookup = (void *)lookup,
	.name = "reject",
};

char LICENSE[] SEC("license")
= "GPL";
