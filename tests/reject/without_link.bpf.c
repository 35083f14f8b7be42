// SPDX-License-Identifier: GPL-2.0-only
// A map without BPF_F_LINK cannot be named by a descriptor: it attaches nothing.
// ERRNO: 95
#include <extfuse/handler.bpf.h>

SEC("struct_ops/lookup")
int BPF_PROG(lookup, const struct extfuse_lookup_in *in, struct extfuse_lookup_out *out)
{
	return EXTFUSE_UPCALL;
}

SEC(".struct_ops")
struct extfuse_handler_ops reject = {
	.lookup = (void *)lookup,
	.abi_version = EXTFUSE_ABI_VERSION,
	.name = "reject",
};

char LICENSE[] SEC("license")
= "GPL";
