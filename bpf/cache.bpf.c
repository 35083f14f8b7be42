// SPDX-License-Identifier: GPL-2.0-only
/* The stock handler: answers from caches that libextfuse fills. */
#include <extfuse/maps.bpf.h>

#include "ops/getattr.bpf.h"
#include "ops/lookup.bpf.h"
#include "ops/object.bpf.h"
#include "ops/read.bpf.h"
#include "ops/readdir.bpf.h"

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

SEC("struct_ops/getxattr")
int BPF_PROG(getxattr, const struct extfuse_getxattr_in *in, struct extfuse_bytes_out *out)
{
	return op_getxattr(in, out);
}

SEC("struct_ops/listxattr")
int BPF_PROG(listxattr, const struct extfuse_bytes_in *in, struct extfuse_bytes_out *out)
{
	return op_bytes(in, out, EXTFUSE_OP_LISTXATTR);
}

SEC("struct_ops/readlink")
int BPF_PROG(readlink, const struct extfuse_bytes_in *in, struct extfuse_bytes_out *out)
{
	return op_bytes(in, out, EXTFUSE_OP_READLINK);
}

SEC("struct_ops/statfs")
int BPF_PROG(statfs, const struct extfuse_statfs_in *in, struct extfuse_statfs_out *out)
{
	return op_statfs(in, out);
}

SEC("struct_ops/access")
int BPF_PROG(access, const struct extfuse_access_in *in, struct extfuse_access_out *out)
{
	return op_access(in, out);
}

SEC("struct_ops/lseek")
int BPF_PROG(lseek, const struct extfuse_lseek_in *in, struct extfuse_lseek_out *out)
{
	return op_lseek(in, out);
}

SEC("struct_ops/readdir")
int BPF_PROG(readdir, const struct extfuse_bytes_in *in, struct extfuse_bytes_out *out)
{
	return op_readdir(in, out);
}

EXTFUSE_OPS(cache, .lookup = (void *)lookup, .getattr = (void *)getattr, .read = (void *)read,
	    .getxattr = (void *)getxattr, .listxattr = (void *)listxattr,
	    .readlink = (void *)readlink, .statfs = (void *)statfs, .access = (void *)access,
	    .lseek = (void *)lseek, .readdir = (void *)readdir);

SEC("license")
char LICENSE[] = "GPL";
