// SPDX-License-Identifier: GPL-2.0-only
/*
 * As hostile.bpf.c, for operations on one node that are answered with bytes or a
 * status: answers what it is told, right or wrong.
 */
#include <extfuse/handler.bpf.h>

#include "hostile_object.h"

struct hostile_object_orders orders = {};
__u8 data[8192] = {};

static __always_inline int asked(__u64 nodeid, __u32 op)
{
	if (nodeid != orders.node || op != orders.op)
		return 0;
	__sync_fetch_and_add(&orders.calls, 1);
	return 1;
}

static __noinline int bytes(struct extfuse_bytes_out *out, __u64 word, int dir)
{
	__u32 i;

	for (i = 0; i < 4 && i < orders.times; i++)
		orders.put_result =
			dir ? extfuse_dirents_put(out, data, sizeof(data), orders.start, orders.put)
			    : extfuse_bytes_put(out, data, sizeof(data), orders.put);
	out->word = word + orders.word_add;
	out->size = orders.size;
	out->flags = orders.flags;
	return orders.ret;
}

SEC("struct_ops/getxattr")
int BPF_PROG(getxattr, const struct extfuse_getxattr_in *in, struct extfuse_bytes_out *out)
{
	if (!asked(in->nodeid, EXTFUSE_OP_GETXATTR))
		return EXTFUSE_UPCALL;
	return bytes(out, orders.flags & EXTFUSE_OUT_XATTR_WORD ? in->xattr_word : in->word,
		     orders.put_by_other);
}

SEC("struct_ops/listxattr")
int BPF_PROG(listxattr, const struct extfuse_bytes_in *in, struct extfuse_bytes_out *out)
{
	return asked(in->nodeid, EXTFUSE_OP_LISTXATTR) ? bytes(out, in->word, orders.put_by_other)
						       : EXTFUSE_UPCALL;
}

SEC("struct_ops/readlink")
int BPF_PROG(readlink, const struct extfuse_bytes_in *in, struct extfuse_bytes_out *out)
{
	return asked(in->nodeid, EXTFUSE_OP_READLINK) ? bytes(out, in->word, orders.put_by_other)
						      : EXTFUSE_UPCALL;
}

SEC("struct_ops/readdir")
int BPF_PROG(readdir, const struct extfuse_bytes_in *in, struct extfuse_bytes_out *out)
{
	return asked(in->nodeid, EXTFUSE_OP_READDIR) ? bytes(out, in->word, !orders.put_by_other)
						     : EXTFUSE_UPCALL;
}

SEC("struct_ops/statfs")
int BPF_PROG(statfs, const struct extfuse_statfs_in *in, struct extfuse_statfs_out *out)
{
	if (!asked(in->nodeid, EXTFUSE_OP_STATFS))
		return EXTFUSE_UPCALL;
	out->word = in->word + orders.word_add;
	out->flags = orders.flags;
	out->st = orders.st;
	return orders.ret;
}

SEC("struct_ops/access")
int BPF_PROG(access, const struct extfuse_access_in *in, struct extfuse_access_out *out)
{
	if (!asked(in->nodeid, EXTFUSE_OP_ACCESS))
		return EXTFUSE_UPCALL;
	out->word = in->word + orders.word_add;
	out->flags = orders.flags;
	out->error = orders.error;
	return orders.ret;
}

SEC("struct_ops/lseek")
int BPF_PROG(lseek, const struct extfuse_lseek_in *in, struct extfuse_lseek_out *out)
{
	if (!asked(in->nodeid, EXTFUSE_OP_LSEEK))
		return EXTFUSE_UPCALL;
	out->word = in->word + orders.word_add;
	out->flags = orders.flags;
	out->offset = orders.offset;
	return orders.ret;
}

SEC("struct_ops/lookup")
int BPF_PROG(lookup, const struct extfuse_lookup_in *in, struct extfuse_lookup_out *out)
{
	if (orders.op != EXTFUSE_OP_LOOKUP || in->parent != orders.parent)
		return EXTFUSE_UPCALL;
	out->word = in->word;
	out->nodeid = orders.lookup_nodeid;
	out->behind = orders.lookup_behind + orders.lookup_behind_add;
	out->flags = orders.flags;
	__sync_fetch_and_add(&orders.calls, 1);
	return orders.ret;
}

EXTFUSE_OPS(hostile_object, .lookup = (void *)lookup, .getxattr = (void *)getxattr,
	    .listxattr = (void *)listxattr, .readlink = (void *)readlink, .statfs = (void *)statfs,
	    .access = (void *)access, .lseek = (void *)lseek, .readdir = (void *)readdir);

char LICENSE[] SEC("license")
= "GPL";
