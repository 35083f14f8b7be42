// SPDX-License-Identifier: GPL-2.0-only
/*
 * An observer of changes: forbids what it is told to, by caller, node or name, or
 * has it count as a change of more, and notes what it is asked about.
 */
#include <extfuse/handler.bpf.h>

#include "observer.h"

struct observer_orders orders = {};
struct observer_seen seen = {};
__u32 no_xattrs; /* 1: no file has any */

#define NOTE(to, field) ((to).field = in->field)

static __always_inline void note_caller(struct extfuse_caller *to, const struct extfuse_caller *in)
{
	to->uid = in->uid;
	to->gid = in->gid;
	to->pid = in->pid;
	to->flags = in->flags;
}

static __always_inline int meant(__u32 op, __u64 node, __u32 flags,
				 const struct extfuse_caller *caller)
{
	__sync_fetch_and_add(&seen.calls[op], 1);
	return orders.op == op && (!orders.node || orders.node == node) &&
	       (!orders.by_uid || orders.uid == caller->uid) &&
	       (!orders.by_flags || (orders.by_flags & flags));
}

SEC("struct_ops/write")
int BPF_PROG(write, const struct extfuse_write_in *in, struct extfuse_change_out *out)
{
	note_caller(&seen.write.caller, &in->caller);
	NOTE(seen.write, nodeid);
	NOTE(seen.write, word);
	NOTE(seen.write, hash);
	NOTE(seen.write, offset);
	NOTE(seen.write, size);
	NOTE(seen.write, file_flags);
	NOTE(seen.write, op);
	NOTE(seen.write, flags);
	NOTE(seen.write, mode);
	if (!meant(EXTFUSE_OP_WRITE, in->nodeid, in->flags, &in->caller))
		return EXTFUSE_UPCALL;
	out->flags = orders.flags;
	return orders.ret;
}

SEC("struct_ops/setattr")
int BPF_PROG(setattr, const struct extfuse_setattr_in *in, struct extfuse_change_out *out)
{
	note_caller(&seen.setattr.caller, &in->caller);
	NOTE(seen.setattr, nodeid);
	NOTE(seen.setattr, word);
	NOTE(seen.setattr, hash);
	NOTE(seen.setattr, size);
	NOTE(seen.setattr, atime);
	NOTE(seen.setattr, mtime);
	NOTE(seen.setattr, ctime);
	NOTE(seen.setattr, atimensec);
	NOTE(seen.setattr, mtimensec);
	NOTE(seen.setattr, ctimensec);
	NOTE(seen.setattr, mode);
	NOTE(seen.setattr, uid);
	NOTE(seen.setattr, gid);
	NOTE(seen.setattr, valid);
	NOTE(seen.setattr, op);
	NOTE(seen.setattr, flags);
	NOTE(seen.setattr, reserved);
	if (!meant(EXTFUSE_OP_SETATTR, in->nodeid, in->flags, &in->caller))
		return EXTFUSE_UPCALL;
	out->flags = orders.flags;
	return orders.ret;
}

SEC("struct_ops/create")
int BPF_PROG(create, const struct extfuse_create_in *in, struct extfuse_change_out *out)
{
	note_caller(&seen.create.entry.caller, &in->entry.caller);
	NOTE(seen.create, entry.parent);
	NOTE(seen.create, entry.hash);
	NOTE(seen.create, entry.word);
	NOTE(seen.create, entry.nodeid);
	NOTE(seen.create, entry.op);
	NOTE(seen.create, entry.flags);
	NOTE(seen.create, entry.name_len);
	NOTE(seen.create, entry.reserved);
	NOTE(seen.create, entry.name[0]);
	NOTE(seen.create, entry.name[1]);
	NOTE(seen.create, entry.name[2]);
	NOTE(seen.create, entry.name[3]);
	NOTE(seen.create, kind);
	NOTE(seen.create, mode);
	NOTE(seen.create, umask);
	NOTE(seen.create, rdev);
	NOTE(seen.create, file_flags);
	NOTE(seen.create, reserved);
	seen.in_group = extfuse_in_group(&in->entry.caller, 5);
	seen.name_copied = extfuse_name_copy(&in->entry, seen.name, sizeof(seen.name));
	if (!meant(EXTFUSE_OP_CREATE, in->entry.parent, 0, &in->entry.caller))
		return EXTFUSE_UPCALL;
	if (orders.by_name && (orders.name_len != in->entry.name_len ||
			       !extfuse_name_equal(&in->entry, orders.name, sizeof(orders.name))))
		return EXTFUSE_UPCALL;
	out->flags = orders.flags;
	return orders.ret;
}

/* "._NAME" is not there, and that may be remembered. */
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

SEC("struct_ops/getxattr")
int BPF_PROG(getxattr, const struct extfuse_getxattr_in *in, struct extfuse_bytes_out *out)
{
	if (!no_xattrs)
		return EXTFUSE_UPCALL;
	out->flags = extfuse_out_flags(EXTFUSE_SCOPE_ALL, EXTFUSE_OUT_REMEMBER) |
		     EXTFUSE_OUT_ABSENT | EXTFUSE_OUT_XATTR_WORD;
	out->word = in->xattr_word;
	return EXTFUSE_HIT;
}

EXTFUSE_OPS(observer, .lookup = (void *)lookup, .getxattr = (void *)getxattr,
	    .write = (void *)write, .setattr = (void *)setattr, .create = (void *)create);

/* Of the same, those that see no changes, or of one kind only. */
EXTFUSE_OPS(blind, .lookup = (void *)lookup, .getxattr = (void *)getxattr);
EXTFUSE_OPS(writes, .write = (void *)write);
EXTFUSE_OPS(attributes, .setattr = (void *)setattr);
EXTFUSE_OPS(names, .create = (void *)create);

char LICENSE[] SEC("license")
= "GPL";
