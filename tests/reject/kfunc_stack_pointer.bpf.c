// SPDX-License-Identifier: GPL-2.0-only
// A result of the program's own making: the driver would look around it for its
// private structure.
// EXPECT: arg#0 pointer type STRUCT extfuse_read_out must point to scalar
#include <extfuse/handler.bpf.h>

SEC("struct_ops/read")
int BPF_PROG(read, const struct extfuse_read_in *in, struct extfuse_read_out *out)
{
	struct extfuse_read_out mine = {};
	char data[8] = {};

	return extfuse_read_fill(&mine, data, sizeof(data), 0, sizeof(data));
}

EXTFUSE_OPS(reject, .read = (void *)read);

char LICENSE[] SEC("license")
= "GPL";
