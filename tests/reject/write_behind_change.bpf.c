// SPDX-License-Identifier: GPL-2.0-only
// EXPECT: are outside the result (8 bytes)
#include <extfuse/handler.bpf.h>

SEC("struct_ops/write")
int BPF_PROG(write, const struct extfuse_write_in *in, struct extfuse_change_out *out)
{
	*(volatile __u32 *)((char *)out + sizeof(*out)) = 1;
	return EXTFUSE_UPCALL;
}

EXTFUSE_OPS(reject, .write = (void *)write);

char LICENSE[] SEC("license")
= "GPL";
