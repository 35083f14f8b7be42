// SPDX-License-Identifier: GPL-2.0-only
// A reply is shown, not to be changed.
// EXPECT: extfuse: only the result structure of an operation may be written
#include <extfuse/handler.bpf.h>

SEC("struct_ops/reply_entry")
int BPF_PROG(reply_entry, struct extfuse_reply_entry_in *in)
{
	in->lookup.word = 1;
	return 0;
}

EXTFUSE_OPS(reject, .reply_entry = (void *)reply_entry);

char LICENSE[] SEC("license")
= "GPL";
