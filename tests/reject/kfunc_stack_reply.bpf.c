// SPDX-License-Identifier: GPL-2.0-only
// A reply of the program's own making: the driver would look around it for the data.
// EXPECT: arg#0 pointer type STRUCT extfuse_reply_read_in must point to scalar
#include <extfuse/handler.bpf.h>

SEC("struct_ops/reply_read")
int BPF_PROG(reply_read, const struct extfuse_reply_read_in *in)
{
	struct extfuse_reply_read_in mine = {};
	char data[8] = {};

	mine.size = 8;
	return extfuse_reply_read(&mine, data, sizeof(data), 0);
}

EXTFUSE_OPS(reject, .reply_read = (void *)reply_read);

char LICENSE[] SEC("license")
= "GPL";
