// SPDX-License-Identifier: GPL-2.0-only
// The current task may be anybody's, and its ids are not the request's.
// EXPECT: program of this type cannot use helper bpf_get_current_task
#include <extfuse/handler.bpf.h>

SEC("struct_ops/lookup")
int BPF_PROG(lookup, const struct extfuse_lookup_in *in, struct extfuse_lookup_out *out)
{
	out->nodeid = bpf_get_current_task();
	return EXTFUSE_UPCALL;
}

EXTFUSE_OPS(reject, .lookup = (void *)lookup);

char LICENSE[] SEC("license")
= "GPL";
