// SPDX-License-Identifier: GPL-2.0-only
// The driver finds the whole name around its argument: it must be its own.
// EXPECT: arg#0 pointer type STRUCT extfuse_lookup_in must point to scalar, or struct with scalar
#include <extfuse/handler.bpf.h>

SEC("struct_ops/create")
int BPF_PROG(create, const struct extfuse_create_in *in, struct extfuse_change_out *out)
{
	struct extfuse_create_in mine = {};
	char name[16];

	mine.entry.name_len = sizeof(name);
	extfuse_name_copy(&mine.entry, name, sizeof(name));
	return name[0] ? EXTFUSE_UPCALL : -EPERM;
}

EXTFUSE_OPS(reject, .create = (void *)create);

char LICENSE[] SEC("license")
= "GPL";
