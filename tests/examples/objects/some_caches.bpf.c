// SPDX-License-Identifier: GPL-2.0-only
/* One of the library's maps, by name, and none of the others. */
#include <extfuse/handler.bpf.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct extfuse_name_bucket);
} ext_names SEC(".maps");

SEC("struct_ops/lookup")
int BPF_PROG(lookup, const struct extfuse_lookup_in *in, struct extfuse_lookup_out *out)
{
	return EXTFUSE_UPCALL;
}

EXTFUSE_OPS(some, .lookup = (void *)lookup);

SEC("license")
char LICENSE[] = "GPL";
