// SPDX-License-Identifier: GPL-2.0-only
/* The stock handler: answers from caches that libextfuse fills. */
#include <extfuse/maps.bpf.h>

#include "ops/getattr.bpf.h"
#include "ops/lookup.bpf.h"
#include "ops/read.bpf.h"

SEC("struct_ops/lookup")
int BPF_PROG(lookup, const struct extfuse_lookup_in *in, struct extfuse_lookup_out *out)
{
	return op_lookup(in, out);
}

SEC("struct_ops/getattr")
int BPF_PROG(getattr, const struct extfuse_getattr_in *in, struct extfuse_getattr_out *out)
{
	return op_getattr(in, out);
}

SEC("struct_ops/read")
int BPF_PROG(read, const struct extfuse_read_in *in, struct extfuse_read_out *out)
{
	return op_read(in, out);
}

EXTFUSE_OPS(cache, .lookup = (void *)lookup, .getattr = (void *)getattr, .read = (void *)read);

SEC("license")
char LICENSE[] = "GPL";
