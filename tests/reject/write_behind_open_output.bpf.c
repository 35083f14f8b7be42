// SPDX-License-Identifier: GPL-2.0-only
// Behind the result lies what the driver keeps of the call.
// EXPECT: are outside the result
#include <extfuse/handler.bpf.h>

SEC("struct_ops/opendir")
int BPF_PROG(opendir, const struct extfuse_open_in *in, struct extfuse_open_out *out)
{
	*(volatile __u32 *)((char *)out + sizeof(*out)) = 1;
	return EXTFUSE_UPCALL;
}

EXTFUSE_OPS(reject, .opendir = (void *)opendir);

char LICENSE[] SEC("license")
= "GPL";
