// SPDX-License-Identifier: GPL-2.0-only
/*
 * The smallest useful handler: no map, one rule. File managers of another system
 * look for a "._NAME" beside every file; a daemon that never has such files can
 * say so in the kernel.
 *
 * The answer follows from the name alone, so it holds for every caller and its
 * word is the current one.
 */
#include <extfuse/handler.bpf.h>

SEC("struct_ops/lookup")
int BPF_PROG(lookup, const struct extfuse_lookup_in *in, struct extfuse_lookup_out *out)
{
	if ((in->name[0] & 0xffff) != ('.' | '_' << 8))
		return EXTFUSE_UPCALL;
	out->word = in->word;
	out->nodeid = 0;
	out->flags = extfuse_out_flags(EXTFUSE_SCOPE_ALL, EXTFUSE_OUT_REMEMBER);
	return EXTFUSE_HIT;
}

EXTFUSE_OPS(minimal, .lookup = (void *)lookup);

SEC("license")
char LICENSE[] = "GPL";
