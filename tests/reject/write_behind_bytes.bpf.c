// SPDX-License-Identifier: GPL-2.0-only
// Behind the result lie the driver's own fields.
// EXPECT: are outside the result
#include <extfuse/handler.bpf.h>

SEC("struct_ops/readlink")
int BPF_PROG(readlink, const struct extfuse_bytes_in *in, struct extfuse_bytes_out *out)
{
	*(volatile __u64 *)((char *)out + sizeof(*out)) = 1;
	return EXTFUSE_UPCALL;
}

EXTFUSE_OPS(reject, .readlink = (void *)readlink);

char LICENSE[] SEC("license")
= "GPL";
