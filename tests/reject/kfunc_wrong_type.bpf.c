// SPDX-License-Identifier: GPL-2.0-only
// The input of another operation is not a lookup's.
// EXPECT: args#0 expected pointer to STRUCT extfuse_lookup_in but R1 has a pointer
#include <extfuse/handler.bpf.h>

SEC("struct_ops/getattr")
int BPF_PROG(getattr, const struct extfuse_getattr_in *in, struct extfuse_getattr_out *out)
{
	char name[32];

	return extfuse_name_copy((const void *)in, name, sizeof(name));
}

EXTFUSE_OPS(reject, .getattr = (void *)getattr);

char LICENSE[] SEC("license")
= "GPL";
