/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every check on what a handler answers. A handler is no more trusted than a
 * daemon, and its maps are written by one: at worst it spoils its own mount.
 *
 * In a header because each call and return costs as much as the check itself.
 */
#ifndef _EXT_VALIDATE_H
#define _EXT_VALIDATE_H

#include "fuse_i.h"

#define EXT_OUT_FLAGS (EXTFUSE_OUT_ANSWERED | EXTFUSE_OUT_REMEMBER | EXTFUSE_OUT_HELD | \
		       EXTFUSE_OUT_SCOPE_MASK)

/* Was it declared who may be served, and does the mount keep to it? */
static inline bool ext_scope_granted(const struct fuse_conn *fc, u32 flags)
{
	switch ((flags & EXTFUSE_OUT_SCOPE_MASK) >> EXTFUSE_OUT_SCOPE_SHIFT) {
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

/* Is a granted answer the same for all callers? */
static inline bool ext_scope_shared(u32 flags)
{
	u32 scope = (flags & EXTFUSE_OUT_SCOPE_MASK) >> EXTFUSE_OUT_SCOPE_SHIFT;

	return scope == EXTFUSE_SCOPE_ALL || scope == EXTFUSE_SCOPE_KERNEL;
}

/* May a granted answer be given to the next caller without asking the handler? */
static inline bool ext_may_remember(u32 flags)
{
	return (flags & EXTFUSE_OUT_REMEMBER) && ext_scope_shared(flags);
}

/* For every operation alike; the struct of its result says so. */
static inline bool ext_error_allowed(int err)
{
	return err == -EACCES || err == -EPERM || err == -EIO;
}

/* Of lookups. ENOENT: this caller is not to know of the name, whatever it means. */
static inline bool ext_error_allowed_of(enum extfuse_op op, int err)
{
	return ext_error_allowed(err) || (op == EXTFUSE_OP_LOOKUP && err == -ENOENT);
}

/* Of observers. Not ENOSYS, say, which would turn the request off for good. */
static inline bool ext_denial_allowed(int err)
{
	return ext_error_allowed(err) || err == -EROFS || err == -ENOSPC || err == -EDQUOT;
}

/* What an observer returned: 0 with EXTFUSE_CHANGE_* in *flags, or a denial. Counts. */
static inline int ext_change_verdict(struct ext_conn *ec, enum extfuse_op op, int ret, u32 *flags)
{
	if (ret < 0 && ext_denial_allowed(ret)) {
		ext_count(ec, op, error);
		return ret;
	}
	if (ret == EXTFUSE_UPCALL &&
	    !(*flags & ~(EXTFUSE_CHANGE_INVALIDATE | EXTFUSE_CHANGE_PAGES))) {
		ext_count(ec, op, upcall);
		return 0;
	}
	ext_count(ec, op, invalid);
	*flags = 0;
	return 0;
}

/*
 * What to do with a handler's return value: EXTFUSE_HIT if flags and scope are in
 * order, EXT_UPCALL, or a definite error. Counts all but the hit.
 */
static inline int ext_verdict(struct fuse_conn *fc, enum extfuse_op op, int ret, u32 flags)
{
	struct ext_conn *ec = fc->ext;

	if (ret == EXTFUSE_UPCALL) {
		ext_count(ec, op, upcall);
		return EXT_UPCALL;
	}
	if (likely(ret == EXTFUSE_HIT && (flags & EXTFUSE_OUT_ANSWERED) &&
		   !(flags & ~EXT_OUT_FLAGS))) {
		if (likely(ext_scope_granted(fc, flags)))
			return EXTFUSE_HIT;
		ext_count(ec, op, scope);
		return EXT_UPCALL;
	}
	if (ret < 0 && ext_error_allowed_of(op, ret)) {
		ext_count(ec, op, error);
		return ret;
	}
	ext_count(ec, op, invalid);
	return EXT_UPCALL;
}

/*
 * Of an answer under a token that was `before` when the program was called and is
 * `now` after it: EXTFUSE_HIT, EXT_UPCALL, or a handler's definite error.
 */
static inline int ext_fresh_verdict(struct fuse_conn *fc, enum extfuse_op op, int ret, u32 flags,
				    u64 word, u64 before, u64 now)
{
	ret = ext_verdict(fc, op, ret, flags);
	if (ret == EXTFUSE_HIT && (!ext_cacheable(word) || word != before || word != now)) {
		ext_count(fc->ext, op, stale);
		return EXT_UPCALL;
	}
	return ret;
}

/*
 * What fuse_invalid_attr() and inode_wrong_type() ask of a reply; and no flags,
 * which would turn the inode into something else.
 */
static inline bool ext_attr_valid(const struct inode *inode, const struct extfuse_attr *attr)
{
	return !inode_wrong_type(inode, attr->mode) && attr->size <= LLONG_MAX && !attr->flags;
}

/* The same, where the attributes say what type it is. */
static inline bool ext_attr_makes_inode(const struct extfuse_attr *attr)
{
	return fuse_valid_type(attr->mode) && attr->size <= LLONG_MAX && !attr->flags;
}

/* Neither the root nor the directory itself is found under a name in it. */
static inline bool ext_target_valid(u64 parent, const struct extfuse_lookup_out *out)
{
	return out->nodeid != FUSE_ROOT_ID && out->nodeid != parent;
}

#endif /* _EXT_VALIDATE_H */
