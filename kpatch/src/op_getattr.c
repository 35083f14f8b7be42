// SPDX-License-Identifier: GPL-2.0-only
/*
 * GETATTR: attributes from the inode while its word holds, else from a handler,
 * which are applied to the inode and served from there.
 */
#include "fuse_i.h"

#include <linux/posix_acl.h>

static_assert(sizeof(struct extfuse_attr) == sizeof(struct fuse_attr));
static_assert(offsetof(struct extfuse_attr, atimensec) == offsetof(struct fuse_attr, atimensec));
static_assert(offsetof(struct extfuse_attr, mode) == offsetof(struct fuse_attr, mode));
static_assert(offsetof(struct extfuse_attr, blksize) == offsetof(struct fuse_attr, blksize));

/* Attributes wanted that something in the kernel has declared outdated. */
static u32 ext_outdated(struct inode *inode, u32 request_mask)
{
	struct fuse_inode *fi = get_fuse_inode(inode);

	return request_mask & READ_ONCE(fi->inval_mask) & ~fuse_get_cache_mask(inode);
}

static bool ext_attr_warm(struct inode *inode, u32 request_mask)
{
	struct fuse_inode *fi = get_fuse_inode(inode);
	struct ext_conn *ec = get_fuse_conn(inode)->ext;
	u64 remembered = READ_ONCE(fi->ext.attr_word);

	return (remembered & EXT_WARM) &&
	       (remembered & ~EXT_WARM) == ext_node_token(ec, fi->nodeid) &&
	       !ext_outdated(inode, request_mask);
}

/* Under rcu_read_lock(). EXTFUSE_HIT: fresh after it was given, and valid. */
static int ext_getattr_ask(struct ext_getattr_call *call, struct inode *inode)
{
	struct fuse_conn *fc = get_fuse_conn(inode);
	const struct extfuse_handler_ops *ops = ext_ops(fc->ext);
	struct extfuse_getattr_out *out = &call->out;
	int ret;

	if (!ops || !ops->getattr)
		return EXT_UPCALL;
	call->fc = fc;
	if (!ext_caller_fill(fc, &call->in.caller))
		return EXT_UPCALL;
	call->in.nodeid = get_node_id(inode);
	call->in.word = ext_node_token(fc->ext, call->in.nodeid);
	call->in.op = EXTFUSE_OP_GETATTR;
	call->in.flags = 0;
	*out = (struct extfuse_getattr_out){};

	ret = ops->getattr(&call->in, out);
	ret = ext_verdict(fc, EXTFUSE_OP_GETATTR, ret, out->flags);
	if (ret != EXTFUSE_HIT)
		return ret;
	if (!ext_cacheable(out->word) ||
	    out->word != ext_node_token(fc->ext, call->in.nodeid)) {
		ext_count(fc->ext, EXTFUSE_OP_GETATTR, stale);
		return EXT_UPCALL;
	}
	if (!ext_attr_valid(inode, &out->attr)) {
		ext_count(fc->ext, EXTFUSE_OP_GETATTR, invalid);
		return EXT_UPCALL;
	}
	return EXTFUSE_HIT;
}

/*
 * Does the inode hold, and still hold, what was applied last, and was that read
 * under this word? seq: ext.attr_seq before it was applied.
 */
static bool ext_attr_label(struct inode *inode, u32 seq, u64 word, bool warm)
{
	struct fuse_inode *fi = get_fuse_inode(inode);
	bool labelled = false;

	spin_lock(&fi->lock);
	if (fi->ext.attr_seq == seq + 1 && !test_bit(FUSE_I_SIZE_UNSTABLE, &fi->state) &&
	    word == ext_node_token(get_fuse_conn(inode)->ext, fi->nodeid)) {
		WRITE_ONCE(fi->ext.attr_word, word | (warm ? EXT_WARM : 0));
		labelled = true;
	}
	spin_unlock(&fi->lock);
	return labelled;
}

/* May sleep. False: somebody else was applying attributes; ask the daemon. */
static bool ext_attr_apply(struct inode *inode, struct extfuse_getattr_out *out, bool warm)
{
	struct fuse_inode *fi = get_fuse_inode(inode);
	u32 seq = READ_ONCE(fi->ext.attr_seq);

	if (test_bit(FUSE_I_SIZE_UNSTABLE, &fi->state))
		return false;
	forget_all_cached_acls(inode);
	fuse_change_attributes(inode, (struct fuse_attr *)&out->attr, NULL, 0, 0);
	return ext_attr_label(inode, seq, out->word, warm);
}

/* The inode already holds what was read under this word. */
static bool ext_attr_held(struct inode *inode, u64 word, bool warm)
{
	struct fuse_inode *fi = get_fuse_inode(inode);
	u64 remembered = READ_ONCE(fi->ext.attr_word);

	if ((remembered & ~EXT_WARM) != word || ext_outdated(inode, STATX_BASIC_STATS))
		return false;
	if (warm && !(remembered & EXT_WARM))
		cmpxchg(&fi->ext.attr_word, remembered, remembered | EXT_WARM);
	return true;
}

/* may_sleep: attributes may be applied to the inode */
static bool ext_attr_fresh(struct inode *inode, u32 request_mask, bool may_sleep)
{
	struct fuse_conn *fc = get_fuse_conn(inode);
	struct ext_getattr_call call;
	bool warm, fresh;
	int ret;

	if (ext_attr_warm(inode, request_mask)) {
		ext_count(fc->ext, EXTFUSE_OP_GETATTR, warm);
		return true;
	}
	if (!ext_usable(fc))
		return false;

	rcu_read_lock();
	ret = ext_getattr_ask(&call, inode);
	rcu_read_unlock();
	if (ret != EXTFUSE_HIT)
		return false;

	warm = ext_may_remember(fc, call.out.flags);
	fresh = ext_attr_held(inode, call.out.word, warm) ||
		(may_sleep && ext_attr_apply(inode, &call.out, warm) &&
		 !ext_outdated(inode, request_mask));
	if (fresh)
		ext_count(fc->ext, EXTFUSE_OP_GETATTR, hit);
	return fresh;
}

bool ext_getattr(struct inode *inode, u32 request_mask, unsigned int flags)
{
	if (flags & AT_STATX_FORCE_SYNC)
		return false;
	return ext_attr_fresh(inode, request_mask, true);
}

bool ext_perm_getattr(struct inode *inode, u32 request_mask, int mask)
{
	return ext_attr_fresh(inode, request_mask, !(mask & MAY_NOT_BLOCK));
}

void ext_sample_begin(struct inode *inode, struct ext_sample *sample)
{
	struct ext_conn *ec = get_fuse_conn(inode)->ext;

	sample->token = ext_node_token(ec, get_node_id(inode));
	sample->seq = READ_ONCE(get_fuse_inode(inode)->ext.attr_seq);
}

/*
 * The daemon's attributes were applied; nobody said that they may be served to
 * others, but a handler's answer under the same word need not be applied again.
 */
void ext_sample_end(struct inode *inode, struct ext_sample *sample)
{
	if (ext_cacheable(sample->token))
		ext_attr_label(inode, sample->seq, sample->token, false);
}

/*
 * A READ, READLINK or READDIR has gone to the daemon. By the kernel's rule for
 * relatime the access time of the lower file moves if it is not after mtime and
 * ctime, or a day old. If we know that it did not move, cached attributes stay
 * good; else they are outdated.
 */
bool ext_atime_changed(struct inode *inode)
{
	struct fuse_inode *fi = get_fuse_inode(inode);
	struct ext_conn *ec = get_fuse_conn(inode)->ext;
	u64 token = ext_node_token(ec, fi->nodeid);

	if (ext_cacheable(token) && (READ_ONCE(fi->ext.attr_word) & ~EXT_WARM) == token &&
	    !(READ_ONCE(fi->inval_mask) & (STATX_ATIME | STATX_MTIME | STATX_CTIME))) {
		struct timespec64 atime = inode_get_atime(inode);
		struct timespec64 mtime = inode_get_mtime(inode);
		struct timespec64 ctime = inode_get_ctime(inode);

		if (timespec64_compare(&atime, &mtime) > 0 &&
		    timespec64_compare(&atime, &ctime) > 0 &&
		    ktime_get_real_seconds() - atime.tv_sec < 24 * 60 * 60)
			return false;
	}
	ext_changed(ec, ext_node_index(ec, EXT_NODE, fi->nodeid));
	return true;
}
