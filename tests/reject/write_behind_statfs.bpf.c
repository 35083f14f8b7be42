// SPDX-License-Identifier: GPL-2.0-only
// Behind the result lie the driver's own fields.
// EXPECT: are outside the result
#include <extfuse/handler.bpf.h>

SEC("struct_ops/statfs")
int BPF_PROG(statfs, const struct extfuse_statfs_in *in, struct extfuse_statfs_out *out)
{
	*(volatile __u64 *)((char *)out + sizeof(*out)) = 1;
	return EXTFUSE_UPCALL;
}

EXTFUSE_OPS(reject, .statfs = (void *)statfs);

char LICENSE[] SEC("license")
= "GPL";
