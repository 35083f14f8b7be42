// SPDX-License-Identifier: GPL-2.0-only
// A helper as a detour to the input.
// EXPECT: bpf_dynptr_from_mem() may write into memory pointed by R1 type=trusted_ptr_
#include <extfuse/handler.bpf.h>

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} ring SEC(".maps");

SEC("struct_ops/lookup")
int BPF_PROG(lookup, const struct extfuse_lookup_in *in, struct extfuse_lookup_out *out)
{
	struct bpf_dynptr data;
	char word[8] = {};

	bpf_dynptr_from_mem((void *)in, 8, 0, &data);
	bpf_dynptr_write(&data, 0, word, sizeof(word), 0);
	return EXTFUSE_UPCALL;
}

EXTFUSE_OPS(reject, .lookup = (void *)lookup);

char LICENSE[] SEC("license")
= "GPL";
