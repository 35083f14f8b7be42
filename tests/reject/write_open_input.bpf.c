// SPDX-License-Identifier: GPL-2.0-only
// How the file is opened is the opener's to say.
// EXPECT: extfuse: only the result structure of an operation may be written
#include <extfuse/handler.bpf.h>

SEC("struct_ops/open")
int BPF_PROG(open, struct extfuse_open_in *in, struct extfuse_open_out *out)
{
	in->file_flags = 0;
	return EXTFUSE_UPCALL;
}

EXTFUSE_OPS(reject, .open = (void *)open);

char LICENSE[] SEC("license")
= "GPL";
