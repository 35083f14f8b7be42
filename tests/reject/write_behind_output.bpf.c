// SPDX-License-Identifier: GPL-2.0-only
// Behind the result lie the driver's own fields.
// EXPECT: are outside the result
#include <extfuse/handler.bpf.h>

SEC("struct_ops/read")
int BPF_PROG(read, const struct extfuse_read_in *in, struct extfuse_read_out *out)
{
	*(volatile __u64 *)((char *)out + sizeof(*out)) = 1;
	return EXTFUSE_UPCALL;
}

EXTFUSE_OPS(reject, .read = (void *)read);

char LICENSE[] SEC("license")
= "GPL";
