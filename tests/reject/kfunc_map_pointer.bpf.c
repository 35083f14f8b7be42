// SPDX-License-Identifier: GPL-2.0-only
// An input in a map, which user space writes: the driver would read the name from
// where it points.
// EXPECT: arg#0 pointer type STRUCT extfuse_lookup_in must point to scalar
#include <extfuse/handler.bpf.h>

struct extfuse_lookup_in mine = {};

SEC("struct_ops/lookup")
int BPF_PROG(lookup, const struct extfuse_lookup_in *in, struct extfuse_lookup_out *out)
{
	char name[32];

	return extfuse_name_copy(&mine, name, sizeof(name));
}

EXTFUSE_OPS(reject, .lookup = (void *)lookup);

char LICENSE[] SEC("license")
= "GPL";
