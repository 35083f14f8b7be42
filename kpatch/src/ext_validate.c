// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every check on what a handler answers. A handler is no more trusted than a
 * daemon, and its maps are written by one: at worst it spoils its own mount.
 */
#include "fuse_i.h"

bool ext_out_flags_valid(u32 flags)
{
	return !(flags & ~(EXTFUSE_OUT_ANSWERED | EXTFUSE_OUT_REMEMBER | EXTFUSE_OUT_SCOPE_MASK));
}

static enum extfuse_scope ext_scope(u32 flags)
{
	return (flags & EXTFUSE_OUT_SCOPE_MASK) >> EXTFUSE_OUT_SCOPE_SHIFT;
}

/* Was it declared who may be served, and does the mount keep to it? */
bool ext_scope_granted(struct fuse_conn *fc, u32 flags)
{
	switch (ext_scope(flags)) {
	case EXTFUSE_SCOPE_KERNEL:
		return fc->default_permissions;
	case EXTFUSE_SCOPE_ALL:
	case EXTFUSE_SCOPE_UID:
	case EXTFUSE_SCOPE_CALLER:
		return true;
	default:
		return false;
	}
}

/* May the answer be given to the next caller without asking the handler? */
bool ext_may_remember(struct fuse_conn *fc, u32 flags)
{
	enum extfuse_scope scope = ext_scope(flags);

	return (flags & EXTFUSE_OUT_REMEMBER) &&
	       (scope == EXTFUSE_SCOPE_ALL ||
		(scope == EXTFUSE_SCOPE_KERNEL && fc->default_permissions));
}

bool ext_error_allowed(enum extfuse_op op, int err)
{
	switch (err) {
	case -EACCES:
	case -EPERM:
	case -EIO:
		return true;
	case -ENOENT:
		return op == EXTFUSE_OP_LOOKUP;
	default:
		return false;
	}
}

int ext_verdict(struct fuse_conn *fc, enum extfuse_op op, int ret, u32 out_flags)
{
	struct ext_conn *ec = fc->ext;

	if (likely(ret == EXTFUSE_HIT && (out_flags & EXTFUSE_OUT_ANSWERED))) {
		if (unlikely(!ext_out_flags_valid(out_flags))) {
			ext_count(ec, op, invalid);
			return EXT_UPCALL;
		}
		if (unlikely(!ext_scope_granted(fc, out_flags))) {
			ext_count(ec, op, scope);
			return EXT_UPCALL;
		}
		return EXTFUSE_HIT;
	}
	if (ret == EXTFUSE_UPCALL) {
		ext_count(ec, op, upcall);
		return EXT_UPCALL;
	}
	if (ext_error_allowed(op, ret)) {
		ext_count(ec, op, error);
		return ret;
	}
	ext_count(ec, op, invalid);
	return EXT_UPCALL;
}

/*
 * What fuse_invalid_attr() and inode_wrong_type() ask of a reply; and no flags,
 * which would turn the inode into something else.
 */
bool ext_attr_valid(struct inode *inode, const struct extfuse_attr *attr)
{
	return !inode_wrong_type(inode, attr->mode) && attr->size <= LLONG_MAX && !attr->flags;
}

/* Neither the root nor the directory itself is found under a name in it. */
bool ext_target_valid(u64 parent, const struct extfuse_lookup_out *out)
{
	return out->nodeid != FUSE_ROOT_ID && out->nodeid != parent;
}
