// SPDX-License-Identifier: GPL-2.0-only
// Eight bytes of which the last four are not the result's.
// EXPECT: are outside the result
#include <extfuse/handler.bpf.h>

SEC("struct_ops/release")
int BPF_PROG(release, const struct extfuse_close_in *in, struct extfuse_close_out *out)
{
	*(volatile __u64 *)((char *)out + sizeof(*out) - 4) = 1;
	return EXTFUSE_UPCALL;
}

EXTFUSE_OPS(reject, .release = (void *)release);

char LICENSE[] SEC("license")
= "GPL";
