// SPDX-License-Identifier: GPL-2.0-only
// Behind the only argument: the number of this member is that of an attach type whose
// programs find a return value there. Here it is what the stack held before.
// EXPECT: invalid bpf_context access off=8
#include <extfuse/handler.bpf.h>

SEC("struct_ops/dirent")
int dirent(unsigned long long *ctx)
{
	return ctx[1];
}

EXTFUSE_OPS(reject, .dirent = (void *)dirent);

char LICENSE[] SEC("license")
= "GPL";
