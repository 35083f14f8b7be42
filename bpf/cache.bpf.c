// SPDX-License-Identifier: GPL-2.0-only
/* The stock handler: answers from caches that libextfuse fills. */
#include <extfuse/maps.bpf.h>

#include "ops/getattr.bpf.h"
#include "ops/lookup.bpf.h"
#include "ops/object.bpf.h"
#include "ops/open.bpf.h"
#include "ops/read.bpf.h"
#include "ops/readdir.bpf.h"
#include "ops/reply.bpf.h"
#include "ops/reply_object.bpf.h"

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

SEC("struct_ops/open")
int BPF_PROG(open, const struct extfuse_open_in *in, struct extfuse_open_out *out)
{
	return op_open(in, out);
}

SEC("struct_ops/opendir")
int BPF_PROG(opendir, const struct extfuse_open_in *in, struct extfuse_open_out *out)
{
	return op_open(in, out);
}

SEC("struct_ops/flush")
int BPF_PROG(flush, const struct extfuse_close_in *in, struct extfuse_close_out *out)
{
	return op_close(in, out, EXTFUSE_FILE_NO_FLUSH);
}

SEC("struct_ops/release")
int BPF_PROG(release, const struct extfuse_close_in *in, struct extfuse_close_out *out)
{
	return op_close(in, out, EXTFUSE_FILE_NO_RELEASE);
}

SEC("struct_ops/releasedir")
int BPF_PROG(releasedir, const struct extfuse_close_in *in, struct extfuse_close_out *out)
{
	return op_close(in, out, EXTFUSE_FILE_NO_RELEASE);
}

/* Replies: for daemons that mark them, see libextfuse. */
SEC("?struct_ops/reply_entry")
int BPF_PROG(reply_entry, const struct extfuse_reply_entry_in *in)
{
	return op_reply_entry(in);
}

SEC("?struct_ops/reply_attr")
int BPF_PROG(reply_attr, const struct extfuse_reply_attr_in *in)
{
	return op_reply_attr(in);
}

SEC("?struct_ops/reply_bytes")
int BPF_PROG(reply_bytes, const struct extfuse_reply_bytes_in *in)
{
	return op_reply_bytes(in);
}

SEC("?struct_ops/reply_read")
int BPF_PROG(reply_read, const struct extfuse_reply_read_in *in)
{
	return op_reply_read(in);
}

EXTFUSE_OPS(cache, .lookup = (void *)lookup, .getattr = (void *)getattr, .read = (void *)read,
	    .getxattr = (void *)getxattr, .listxattr = (void *)listxattr,
	    .readlink = (void *)readlink, .statfs = (void *)statfs, .access = (void *)access,
	    .lseek = (void *)lseek, .readdir = (void *)readdir, .open = (void *)open,
	    .opendir = (void *)opendir, .flush = (void *)flush, .release = (void *)release,
	    .releasedir = (void *)releasedir, .reply_entry = (void *)reply_entry,
	    .reply_attr = (void *)reply_attr, .reply_bytes = (void *)reply_bytes,
	    .reply_read = (void *)reply_read);

SEC("license")
char LICENSE[] = "GPL";
