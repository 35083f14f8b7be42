// SPDX-License-Identifier: GPL-2.0-only
// A reply is shown, not to be changed.
// EXPECT: extfuse: only the result structure of an operation may be written
#include <extfuse/handler.bpf.h>

SEC("struct_ops/reply_dirents")
int BPF_PROG(reply_dirents, struct extfuse_reply_dirents_in *in)
{
	in->size = 1 << 20;
	return 0;
}

EXTFUSE_OPS(reject, .reply_dirents = (void *)reply_dirents);

char LICENSE[] SEC("license")
= "GPL";
