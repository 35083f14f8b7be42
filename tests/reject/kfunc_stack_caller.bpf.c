// SPDX-License-Identifier: GPL-2.0-only
// A caller of the program's own making: the driver would take what lies before it
// on the stack for the connection.
// EXPECT: arg#0 pointer type STRUCT extfuse_caller must point to scalar
#include <extfuse/handler.bpf.h>

SEC("struct_ops/lookup")
int BPF_PROG(lookup, const struct extfuse_lookup_in *in, struct extfuse_lookup_out *out)
{
	struct extfuse_caller mine = {};

	mine.flags = EXTFUSE_CALLER_CURRENT;
	out->nodeid = extfuse_caller_digest(&mine);
	return EXTFUSE_UPCALL;
}

EXTFUSE_OPS(reject, .lookup = (void *)lookup);

char LICENSE[] SEC("license")
= "GPL";
