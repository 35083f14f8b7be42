// SPDX-License-Identifier: GPL-2.0-only
// A result of the program's own making: the driver would look around it for the
// reply's buffer.
// EXPECT: arg#0 pointer type STRUCT extfuse_bytes_out must point to scalar
#include <extfuse/handler.bpf.h>

SEC("struct_ops/readlink")
int BPF_PROG(readlink, const struct extfuse_bytes_in *in, struct extfuse_bytes_out *out)
{
	struct extfuse_bytes_out mine = {};
	char data[8] = {};

	return extfuse_bytes_put(&mine, data, sizeof(data), sizeof(data));
}

EXTFUSE_OPS(reject, .readlink = (void *)readlink);

char LICENSE[] SEC("license")
= "GPL";
