// SPDX-License-Identifier: GPL-2.0-only
// Reading any address is not among the helpers.
// EXPECT: program of this type cannot use helper bpf_probe_read_kernel
#include <extfuse/handler.bpf.h>

SEC("struct_ops/lookup")
int BPF_PROG(lookup, const struct extfuse_lookup_in *in, struct extfuse_lookup_out *out)
{
	__u64 word = 0;

	bpf_probe_read_kernel(&word, sizeof(word), (const void *)in->parent);
	out->nodeid = word;
	return EXTFUSE_UPCALL;
}

EXTFUSE_OPS(reject, .lookup = (void *)lookup);

char LICENSE[] SEC("license")
= "GPL";
