// SPDX-License-Identifier: GPL-2.0-only
// Behind the result lie the driver's own fields.
// EXPECT: are outside the result
#include <extfuse/handler.bpf.h>

SEC("struct_ops/access")
int BPF_PROG(access, const struct extfuse_access_in *in, struct extfuse_access_out *out)
{
	*(volatile __u64 *)((char *)out + sizeof(*out)) = 1;
	return EXTFUSE_UPCALL;
}

EXTFUSE_OPS(reject, .access = (void *)access);

char LICENSE[] SEC("license")
= "GPL";
