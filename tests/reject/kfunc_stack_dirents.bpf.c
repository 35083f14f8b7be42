// SPDX-License-Identifier: GPL-2.0-only
// A result of the program's own making: the driver would look around it for the
// reply's buffer.
// EXPECT: arg#0 pointer type STRUCT extfuse_bytes_out must point to scalar
#include <extfuse/handler.bpf.h>

SEC("struct_ops/readdir")
int BPF_PROG(readdir, const struct extfuse_bytes_in *in, struct extfuse_bytes_out *out)
{
	struct extfuse_bytes_out mine = {};
	char data[8] = {};

	return extfuse_dirents_put(&mine, data, sizeof(data), 0, sizeof(data));
}

EXTFUSE_OPS(reject, .readdir = (void *)readdir);

char LICENSE[] SEC("license")
= "GPL";
