// SPDX-License-Identifier: GPL-2.0-only
// Behind the result lie the driver's own fields.
// EXPECT: are outside the result
#include <extfuse/handler.bpf.h>

SEC("struct_ops/lseek")
int BPF_PROG(lseek, const struct extfuse_lseek_in *in, struct extfuse_lseek_out *out)
{
	*(volatile __u64 *)((char *)out + sizeof(*out)) = 1;
	return EXTFUSE_UPCALL;
}

EXTFUSE_OPS(reject, .lseek = (void *)lseek);

char LICENSE[] SEC("license")
= "GPL";
