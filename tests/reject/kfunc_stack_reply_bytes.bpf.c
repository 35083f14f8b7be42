// SPDX-License-Identifier: GPL-2.0-only
// A reply of the program's own making: the driver would look around it for the data.
// EXPECT: arg#0 pointer type STRUCT extfuse_reply_bytes_in must point to scalar
#include <extfuse/handler.bpf.h>

SEC("struct_ops/reply_bytes")
int BPF_PROG(reply_bytes, const struct extfuse_reply_bytes_in *in)
{
	struct extfuse_reply_bytes_in mine = {};
	char data[8] = {};

	mine.size = 8;
	return extfuse_reply_bytes(&mine, data, sizeof(data));
}

EXTFUSE_OPS(reject, .reply_bytes = (void *)reply_bytes);

char LICENSE[] SEC("license")
= "GPL";
