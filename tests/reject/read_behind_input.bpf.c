// SPDX-License-Identifier: GPL-2.0-only
// Behind the input of a lookup lies the pointer to the name.
// EXPECT: access beyond struct extfuse_lookup_in
#include <extfuse/handler.bpf.h>

SEC("struct_ops/lookup")
int BPF_PROG(lookup, const struct extfuse_lookup_in *in, struct extfuse_lookup_out *out)
{
	out->nodeid = *(volatile __u64 *)((const char *)in + sizeof(*in) + sizeof(*out));
	return EXTFUSE_UPCALL;
}

EXTFUSE_OPS(reject, .lookup = (void *)lookup);

char LICENSE[] SEC("license")
= "GPL";
