// SPDX-License-Identifier: GPL-2.0-only
/* Answers one operation with an error, whichever that is; the others go up. */
#include <extfuse/handler.bpf.h>

#include "refuse.h"

struct refuse_orders orders = {.op = EXTFUSE_OP_COUNT};

static __always_inline int refused(__u32 op)
{
	if (orders.op != op)
		return EXTFUSE_UPCALL;
	__sync_fetch_and_add(&orders.calls, 1);
	return orders.ret;
}

SEC("struct_ops/lookup")
int BPF_PROG(lookup, const struct extfuse_lookup_in *in, struct extfuse_lookup_out *out)
{
	return refused(EXTFUSE_OP_LOOKUP);
}

SEC("struct_ops/getattr")
int BPF_PROG(getattr, const struct extfuse_getattr_in *in, struct extfuse_getattr_out *out)
{
	return refused(EXTFUSE_OP_GETATTR);
}

SEC("struct_ops/read")
int BPF_PROG(read, const struct extfuse_read_in *in, struct extfuse_read_out *out)
{
	if (orders.op == EXTFUSE_OP_READ && (in->flags & EXTFUSE_READ_BACKGROUND))
		__sync_fetch_and_add(&orders.background, 1);
	return refused(EXTFUSE_OP_READ);
}

SEC("struct_ops/getxattr")
int BPF_PROG(getxattr, const struct extfuse_getxattr_in *in, struct extfuse_bytes_out *out)
{
	return refused(EXTFUSE_OP_GETXATTR);
}

SEC("struct_ops/listxattr")
int BPF_PROG(listxattr, const struct extfuse_bytes_in *in, struct extfuse_bytes_out *out)
{
	return refused(EXTFUSE_OP_LISTXATTR);
}

SEC("struct_ops/readlink")
int BPF_PROG(readlink, const struct extfuse_bytes_in *in, struct extfuse_bytes_out *out)
{
	return refused(EXTFUSE_OP_READLINK);
}

SEC("struct_ops/statfs")
int BPF_PROG(statfs, const struct extfuse_statfs_in *in, struct extfuse_statfs_out *out)
{
	return refused(EXTFUSE_OP_STATFS);
}

SEC("struct_ops/access")
int BPF_PROG(access, const struct extfuse_access_in *in, struct extfuse_access_out *out)
{
	return refused(EXTFUSE_OP_ACCESS);
}

SEC("struct_ops/lseek")
int BPF_PROG(lseek, const struct extfuse_lseek_in *in, struct extfuse_lseek_out *out)
{
	return refused(EXTFUSE_OP_LSEEK);
}

SEC("struct_ops/readdir")
int BPF_PROG(readdir, const struct extfuse_bytes_in *in, struct extfuse_bytes_out *out)
{
	return refused(EXTFUSE_OP_READDIR);
}

SEC("struct_ops/open")
int BPF_PROG(open, const struct extfuse_open_in *in, struct extfuse_open_out *out)
{
	return refused(EXTFUSE_OP_OPEN);
}

SEC("struct_ops/opendir")
int BPF_PROG(opendir, const struct extfuse_open_in *in, struct extfuse_open_out *out)
{
	return refused(EXTFUSE_OP_OPENDIR);
}

SEC("struct_ops/flush")
int BPF_PROG(flush, const struct extfuse_close_in *in, struct extfuse_close_out *out)
{
	return refused(EXTFUSE_OP_FLUSH);
}

SEC("struct_ops/release")
int BPF_PROG(release, const struct extfuse_close_in *in, struct extfuse_close_out *out)
{
	return refused(EXTFUSE_OP_RELEASE);
}

SEC("struct_ops/releasedir")
int BPF_PROG(releasedir, const struct extfuse_close_in *in, struct extfuse_close_out *out)
{
	return refused(EXTFUSE_OP_RELEASEDIR);
}

EXTFUSE_OPS(refuse, .lookup = (void *)lookup, .getattr = (void *)getattr, .read = (void *)read,
	    .getxattr = (void *)getxattr, .listxattr = (void *)listxattr,
	    .readlink = (void *)readlink, .statfs = (void *)statfs, .access = (void *)access,
	    .lseek = (void *)lseek, .readdir = (void *)readdir, .open = (void *)open,
	    .opendir = (void *)opendir, .flush = (void *)flush, .release = (void *)release,
	    .releasedir = (void *)releasedir);

char LICENSE[] SEC("license")
= "GPL";
