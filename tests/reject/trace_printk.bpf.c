// SPDX-License-Identifier: GPL-2.0-only
// EXPECT: program of this type cannot use helper bpf_trace_printk
#include <extfuse/handler.bpf.h>

SEC("struct_ops/lookup")
int BPF_PROG(lookup, const struct extfuse_lookup_in *in, struct extfuse_lookup_out *out)
{
	bpf_printk("%d", 1);
	return EXTFUSE_UPCALL;
}

EXTFUSE_OPS(reject, .lookup = (void *)lookup);

char LICENSE[] SEC("license")
= "GPL";
