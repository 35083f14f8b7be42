// SPDX-License-Identifier: GPL-2.0-only
// ERRNO: 22
#include <extfuse/handler.bpf.h>

SEC("struct_ops/lookup")
int BPF_PROG(lookup, const struct extfuse_lookup_in *in, struct extfuse_lookup_out *out)
{
	return EXTFUSE_UPCALL;
}

SEC(".struct_ops.link")
struct extfuse_handler_ops reject = {
	.lookup = (void *)lookup,
	.abi_version = EXTFUSE_ABI_VERSION,
	.name = {'0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'},
};

char LICENSE[] SEC("license")
= "GPL";
