// SPDX-License-Identifier: GPL-2.0-only
// Programs that may sleep are not protected by RCU.
// EXPECT: attach to unsupported member lookup of struct extfuse_handler_ops
#include <extfuse/handler.bpf.h>

SEC("struct_ops.s/lookup")
int BPF_PROG(lookup, const struct extfuse_lookup_in *in, struct extfuse_lookup_out *out)
{
	return EXTFUSE_UPCALL;
}

EXTFUSE_OPS(reject, .lookup = (void *)lookup);

char LICENSE[] SEC("license")
= "GPL";
