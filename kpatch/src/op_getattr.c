// SPDX-License-Identifier: GPL-2.0-only
/*
 * GETATTR: attributes from the inode while its word holds, else from a handler,
 * which are applied to the inode and served from there.
 */
#include "ext_call.h"
#include "ext_validate.h"

#include <linux/posix_acl.h>

static_assert(sizeof(struct extfuse_attr) == sizeof(struct fuse_attr));
static_assert(offsetof(struct extfuse_attr, atimensec) == offsetof(struct fuse_attr, atimensec));
static_assert(offsetof(struct extfuse_attr, mode) == offsetof(struct fuse_attr, mode));
static_assert(offsetof(struct extfuse_attr, blksize) == offsetof(struct fuse_attr, blksize));

/* Token under which the inode's attributes were read, if they are still those. */
static u64 ext_attr_held_word(struct inode *inode)
{
	struct fuse_inode *fi = get_fuse_inode(inode);
	/* Pairs with the release in ext_attr_label() */
	u64 remembered = smp_load_acquire(&fi->ext.attr_word);

	if (READ_ONCE(fi->attr_version) != READ_ONCE(fi->ext.attr_version) ||
	    ext_outdated(inode, STATX_BASIC_STATS))
		return 0;
	return remembered & ~EXT_WARM;
}

/* One store a word: the compiler's rep stos takes twice as long for so few. */
static __always_inline void ext_getattr_out_clear(struct extfuse_getattr_out *out)
{
	u64 *word = (u64 *)out;
	unsigned int i;

	static_assert(sizeof(*out) == 13 * sizeof(u64));
#pragma GCC unroll 13
	for (i = 0; i < 13; i++)
		WRITE_ONCE(word[i], 0);
}

/*
 * With preemption disabled; held: token of the attributes in the inode.
 * EXTFUSE_HIT: fresh after it was given.
 */
static __always_inline int ext_getattr_call(struct ext_getattr_call *call, struct fuse_conn *fc,
					    const struct super_block *sb, u64 nodeid, u64 held)
{
	struct extfuse_getattr_out *out = &call->out;
	const struct extfuse_handler_ops *ops;
	u32 index;
	int ret;

	call->fc = fc;
	if (!ext_caller_fill(fc, sb, &call->in.caller))
		return EXT_UPCALL;
	call->in.nodeid = nodeid;
	call->in.hash = extfuse_node_hash(fc->ext->seed, call->in.nodeid);
	index = (EXT_NODE << EXTFUSE_WORD_COUNT_LOG2) |
		EXTFUSE_WORD_INDEX(call->in.hash, EXTFUSE_WORD_COUNT);
	call->in.word = ext_sum(fc->ext, index);
	call->in.op = EXTFUSE_OP_GETATTR;
	call->in.flags = 0;
	call->in.held = held;
	ext_getattr_out_clear(out);

	/* After the token, see ext_lookup_ask() */
	ops = ext_ops(fc->ext);
	if (!ops || !ops->getattr)
		return EXT_UPCALL;
	ret = ops->getattr(&call->in, out);
	ret = ext_verdict(fc, EXTFUSE_OP_GETATTR, ret, out->flags);
	if (ret != EXTFUSE_HIT)
		return ret;
	if (!ext_cacheable(out->word) || out->word != call->in.word ||
	    out->word != ext_sum(fc->ext, index)) {
		ext_count(fc->ext, EXTFUSE_OP_GETATTR, stale);
		return EXT_UPCALL;
	}
	return EXTFUSE_HIT;
}

/* With preemption disabled. EXTFUSE_HIT: fresh after it was given, and valid. */
static int ext_getattr_ask(struct ext_getattr_call *call, struct inode *inode)
{
	struct fuse_conn *fc = get_fuse_conn(inode);
	struct extfuse_getattr_out *out = &call->out;
	int ret;

	ret = ext_getattr_call(call, fc, inode->i_sb, get_node_id(inode),
			       ext_attr_held_word(inode));
	if (ret != EXTFUSE_HIT)
		return ret;
	if (out->flags & EXTFUSE_OUT_HELD) {
		/* No attributes given: those of this word, which the inode had. */
		if (out->word == call->in.held)
			return EXTFUSE_HIT;
		ext_count(fc->ext, EXTFUSE_OP_GETATTR, invalid);
		return EXT_UPCALL;
	}
	if (!ext_attr_valid(inode, &out->attr)) {
		ext_count(fc->ext, EXTFUSE_OP_GETATTR, invalid);
		return EXT_UPCALL;
	}
	return EXTFUSE_HIT;
}

int ext_getattr_node(struct ext_getattr_call *call, const struct super_block *sb, u64 nodeid)
{
	struct fuse_conn *fc = get_fuse_conn_super((struct super_block *)sb);
	int ret;

	preempt_disable();
	ret = ext_getattr_call(call, fc, sb, nodeid, 0);
	preempt_enable();
	if (ret != EXTFUSE_HIT)
		return EXT_UPCALL;
	if (!ext_scope_shared(call->out.flags))
		return EXT_UPCALL;
	if ((call->out.flags & EXTFUSE_OUT_HELD) || !ext_attr_makes_inode(&call->out.attr)) {
		ext_count(fc->ext, EXTFUSE_OP_GETATTR, invalid);
		return EXT_UPCALL;
	}
	ext_count(fc->ext, EXTFUSE_OP_GETATTR, hit);
	return EXTFUSE_HIT;
}

/*
 * Say of the attributes in the inode that they were read under this word: if this
 * task applied them, nobody else since (applied: fi->ext.applied before), nothing
 * in the kernel has changed them, and the word still holds. version: theirs.
 */
static bool ext_attr_label(struct inode *inode, u32 applied, u64 word, bool warm, u64 *version)
{
	struct fuse_inode *fi = get_fuse_inode(inode);
	struct ext_conn *ec = get_fuse_conn(inode)->ext;
	u32 index = ext_node_index(ec, EXT_NODE, fi->nodeid);
	bool labelled = false;

	spin_lock(&fi->lock);
	if (fi->ext.applied == applied + 1 && fi->ext.applied_by == current &&
	    fi->ext.attr_version == fi->attr_version &&
	    !test_bit(FUSE_I_SIZE_UNSTABLE, &fi->state) && word == ext_sum(ec, index)) {
		fi->ext.node_index = index;
		/* Pairs with the acquire in ext_attr_warm() */
		smp_store_release(&fi->ext.attr_word, word | (warm ? EXT_WARM : 0));
		*version = fi->attr_version;
		labelled = true;
	}
	spin_unlock(&fi->lock);
	return labelled;
}

void ext_attr_made(struct inode *inode, const struct extfuse_getattr_out *out)
{
	u64 version;

	/* Applied once, by who made it: nobody else has seen the inode. */
	ext_attr_label(inode, 0, out->word, ext_may_remember(out->flags), &version);
}

/* The inode already holds what was read under this word. */
static bool ext_attr_held(struct inode *inode, u64 word, bool warm)
{
	struct fuse_inode *fi = get_fuse_inode(inode);

	if (ext_attr_held_word(inode) != word)
		return false;
	/* Unless somebody has applied others meanwhile. */
	if (warm && READ_ONCE(fi->ext.attr_word) == word)
		cmpxchg(&fi->ext.attr_word, word, word | EXT_WARM);
	return true;
}

/*
 * As a reply of the daemon is applied: dropped if the inode's attributes have
 * changed since before the handler was asked. May sleep.
 */
static void ext_attr_apply(struct inode *inode, struct extfuse_getattr_out *out, u64 version)
{
	forget_all_cached_acls(inode);
	fuse_change_attributes(inode, (struct fuse_attr *)&out->attr, NULL, 0, version);
}

/*
 * An answer that does not depend on the caller: into the inode, served from there.
 * before: connection's version before the handler was asked.
 */
static bool ext_attr_share(struct inode *inode, struct extfuse_getattr_out *out, u64 before,
			   bool may_sleep, u64 *version)
{
	bool warm = ext_may_remember(out->flags);
	u32 applied;

	if (ext_attr_held(inode, out->word, warm))
		return true;
	if (!may_sleep || (out->flags & EXTFUSE_OUT_HELD))
		return false;
	applied = READ_ONCE(get_fuse_inode(inode)->ext.applied);
	ext_attr_apply(inode, out, before);
	return ext_attr_label(inode, applied, out->word, warm, version);
}

int ext_attr_ask(struct mnt_idmap *idmap, struct inode *inode, struct kstat *stat,
		 u32 request_mask, bool may_sleep, u64 *version)
{
	struct fuse_conn *fc = get_fuse_conn(inode);
	struct ext_getattr_call call __uninitialized;
	u64 before;
	int ret;

	if (!ext_usable(fc))
		return EXT_UPCALL;

	before = fuse_get_attr_version(fc);
	preempt_disable();
	ret = ext_getattr_ask(&call, inode);
	preempt_enable();
	if (ret != EXTFUSE_HIT)
		return ret;

	if (likely(ext_scope_shared(call.out.flags))) {
		if (!ext_attr_share(inode, &call.out, before, may_sleep, version) ||
		    ((request_mask & ~STATX_BASIC_STATS) && ext_outdated(inode, request_mask)))
			return EXT_UPCALL;
		ret = EXT_IN_INODE;
	} else {
		/*
		 * For callers like this one: never left in the inode under a word,
		 * and filled in from the answer itself, as a reply is.
		 */
		if (!may_sleep || (call.out.flags & EXTFUSE_OUT_HELD) ||
		    (request_mask & ~STATX_BASIC_STATS))
			return EXT_UPCALL;
		ext_attr_apply(inode, &call.out, before);
		ret = EXT_IN_INODE;
		if (stat) {
			fuse_fillattr(idmap, inode, (struct fuse_attr *)&call.out.attr, stat);
			ret = 0;
		}
	}
	ext_count(fc->ext, EXTFUSE_OP_GETATTR, hit);
	return ret;
}

/* Would the daemon be asked? */
static bool ext_attr_expired(struct inode *inode, u32 request_mask)
{
	return time_before64(get_fuse_inode(inode)->i_time, get_jiffies_64()) ||
	       ext_outdated(inode, request_mask);
}

int ext_update_attributes(struct inode *inode, u32 request_mask, bool may_sleep)
{
	u64 version;
	int ret;

	if (ext_attr_warm(get_fuse_conn(inode)->ext, inode, request_mask))
		return 0;
	if (!ext_attr_expired(inode, request_mask))
		return EXT_UPCALL;
	ret = ext_attr_ask(&nop_mnt_idmap, inode, NULL, request_mask, may_sleep, &version);
	return ret == EXT_IN_INODE ? 0 : ret;
}

int ext_fetch_attributes(struct inode *inode)
{
	struct fuse_inode *fi = get_fuse_inode(inode);
	u32 applied;
	int err;

	/* Dropped means that somebody else's was applied in between. */
	do {
		applied = READ_ONCE(fi->ext.applied);
		err = fuse_do_getattr(&nop_mnt_idmap, inode, NULL, NULL);
	} while (!err && READ_ONCE(fi->ext.applied) != applied &&
		 READ_ONCE(fi->ext.applied_by) != current && !fatal_signal_pending(current));
	return err;
}

/*
 * In front of fuse_getattr(), whose frame and that of what it calls cost as much
 * as a remembered word.
 */
int ext_inode_getattr(struct mnt_idmap *idmap, const struct path *path, struct kstat *stat,
		      u32 request_mask, unsigned int flags)
{
	struct inode *inode = d_inode(path->dentry);
	struct fuse_inode *fi = get_fuse_inode(inode);
	struct fuse_conn *fc = get_fuse_conn(inode);
	u32 wanted = STATX_BASIC_STATS;
	u64 version;
	int ret;

	if (unlikely(!fc->no_statx))
		wanted |= STATX_BTIME;
	wanted &= request_mask;
	if (unlikely(!wanted || (flags & AT_STATX_SYNC_TYPE) || fuse_is_bad(inode)) ||
	    !fuse_allow_current_process(fc))
		return fuse_getattr(idmap, path, stat, request_mask, flags);
	do {
		version = ext_attr_version(inode);
		if (!ext_attr_warm(fc->ext, inode, wanted)) {
			ret = EXT_UPCALL;
			if (ext_attr_expired(inode, wanted))
				ret = ext_attr_ask(idmap, inode, stat, wanted, true, &version);
			if (ret == EXT_UPCALL)
				return fuse_getattr(idmap, path, stat, request_mask, flags);
			if (ret != EXT_IN_INODE)
				return ret;
		}
		/* As fuse_update_get_attr() does with attributes that are valid. */
		generic_fillattr(idmap, wanted, inode, stat);
		stat->mode = fi->orig_i_mode;
		stat->ino = fi->orig_ino;
		if (test_bit(FUSE_I_BTIME, &fi->state)) {
			stat->btime = fi->i_btime;
			stat->result_mask |= STATX_BTIME;
		}
	} while (!ext_attr_unchanged(inode, version));
	return 0;
}

/*
 * In front of fuse_permission(), for what a path walk asks of every directory: as
 * there, but the attributes are remembered ones, and the mode is clear; without
 * default_permissions nothing is asked. The frame of the whole costs more.
 */
int ext_dir_permission(struct mnt_idmap *idmap, struct inode *inode, int mask)
{
	struct fuse_conn *fc = get_fuse_conn(inode);
	u64 version = ext_attr_version(inode);

	if (fuse_is_bad(inode))
		return -EIO;
	if (!fuse_allow_current_process(fc))
		return -EACCES;
	if (!fc->default_permissions) {
		if (!(mask & (MAY_ACCESS | MAY_CHDIR)))
			return 0;
	} else if (ext_attr_warm(fc->ext, inode, STATX_MODE | STATX_UID | STATX_GID) &&
		   ext_may_search(idmap, inode, mask) && ext_attr_unchanged(inode, version)) {
		return 0;
	}
	return fuse_permission(idmap, inode, mask);
}

/*
 * A read went to the daemon. By the kernel's rule for relatime, the access time of
 * the lower file moves if it is not after mtime and ctime, or is a day old. Then
 * cached attributes are outdated; once: a second read moves it no more.
 */
static bool ext_atime_lazy(const struct ext_conn *ec)
{
	const struct extfuse_handler_ops *ops = ext_ops(ec);

	return ops && (ops->flags & EXTFUSE_HANDLER_LAZY_ATIME);
}

static bool ext_atime_may_move(struct inode *inode, u64 token)
{
	struct timespec64 atime = inode_get_atime(inode);
	struct timespec64 mtime = inode_get_mtime(inode);
	struct timespec64 ctime = inode_get_ctime(inode);

	if (READ_ONCE(get_fuse_inode(inode)->ext.atime_word) == token)
		return false;
	return timespec64_compare(&atime, &mtime) <= 0 ||
	       timespec64_compare(&atime, &ctime) <= 0 ||
	       ktime_get_real_seconds() - atime.tv_sec >= 24 * 60 * 60;
}

bool ext_atime_moved(struct fuse_mount *fm, u64 nodeid)
{
	struct ext_conn *ec = fm->fc->ext;
	struct inode *inode;
	bool moved;
	u32 index;
	u64 token;

	if (!ec || !fm->sb)
		return false;
	index = ext_node_index(ec, EXT_NODE, nodeid);
	token = ext_sum(ec, index);
	rcu_read_lock();
	inode = find_inode_rcu(fm->sb, nodeid, ext_inode_is, &nodeid);
	moved = !ext_atime_lazy(ec) && (!inode || ext_atime_may_move(inode, token));
	if (moved) {
		ext_changed(ec, index);
		if (inode && ext_cacheable(token))
			WRITE_ONCE(get_fuse_inode(inode)->ext.atime_word,
				   token + EXTFUSE_EPOCH_ONE);
	}
	rcu_read_unlock();
	return moved;
}
