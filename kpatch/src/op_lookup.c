// SPDX-License-Identifier: GPL-2.0-only
/*
 * LOOKUP: is a dentry still valid, and what is a name that has none.
 */
#include "ext_call.h"
#include "ext_validate.h"

#include <linux/namei.h>

int ext_dentry_init(struct dentry *dentry)
{
	dentry->d_time = 0;
	return 0;
}

/*
 * Remember that the dentry held under this word. Not if it was moved since its
 * name was read: it would vouch for the new name by the word of the old one.
 * Nobody can move it while d_lock is held.
 */
static void ext_dentry_remember(struct dentry *dentry, unsigned int seq, u32 index, u64 word)
{
	if (!ext_cacheable(word) || !spin_trylock(&dentry->d_lock))
		return;
	if (!read_seqcount_retry(&dentry->d_seq, seq) && !ext_dentry_moved_lately(dentry)) {
		index &= EXTFUSE_WORD_COUNT - 1;
		WRITE_ONCE(dentry->d_time, word | ((u64)index << EXT_DENTRY_INDEX_SHIFT) |
						   (seq & EXT_DENTRY_SEQ_MASK) | EXT_WARM);
	}
	spin_unlock(&dentry->d_lock);
}

/* Is the answer of this call fresh now? In line: it is half of a hit's price. */
static __always_inline bool ext_lookup_fresh(const struct ext_conn *ec,
					     const struct ext_lookup_call *call)
{
	const struct extfuse_lookup_out *out = &call->out;

	if (out->word != call->in.word || !ext_cacheable(out->word) ||
	    out->word != atomic64_read_acquire(call->behind) +
				 ext_sum(ec, ext_name_index(call->in.hash)))
		return false;
	if (likely(out->nodeid))
		return out->behind == ext_behind(ec, out->nodeid);
	return !(out->flags & EXTFUSE_OUT_COMPLETE) ||
	       (ext_cacheable(out->behind) &&
		out->behind == ext_node_token(ec, call->in.parent));
}

/*
 * Ask the handler. call->name, .in.parent, .in.name_len, .in.flags are set.
 * In an RCU read section. EXTFUSE_HIT: the answer was fresh after it was given.
 */
static __always_inline int ext_lookup_ask(struct ext_lookup_call *call,
					  const struct super_block *sb)
{
	const struct extfuse_handler_ops *ops;
	struct fuse_conn *fc = call->fc;
	struct ext_conn *ec = fc->ext;
	struct extfuse_lookup_in *in = &call->in;
	struct extfuse_lookup_out *out = &call->out;
	int ret;

	if (!ext_caller_fill(fc, sb, &in->caller))
		return EXT_UPCALL;
	in->hash = ext_name_load(ec, in->parent, call->name, in->name_len, in->name);
	call->behind = &ec->words[ext_node_index(ec, EXT_BEHIND, in->parent)];
	in->word = ext_sum(ec, ext_name_index(in->hash)) + atomic64_read_acquire(call->behind);
	in->op = EXTFUSE_OP_LOOKUP;
	in->reserved = 0;
	*out = (struct extfuse_lookup_out){};

	/*
	 * After the token: a handler that was replaced in between has an answer to
	 * a mount word of the past.
	 */
	ops = ext_ops(ec);
	if (!ops || !ops->lookup)
		return EXT_UPCALL;
	ret = ops->lookup(in, out);
	ret = ext_verdict(fc, EXTFUSE_OP_LOOKUP, ret, out->flags & ~EXTFUSE_OUT_COMPLETE);
	if (ret != EXTFUSE_HIT)
		return ret;

	if (!ext_lookup_fresh(ec, call)) {
		ext_count(ec, EXTFUSE_OP_LOOKUP, stale);
		return EXT_UPCALL;
	}
	if (out->nodeid && (!ext_target_valid(in->parent, out) ||
			    (out->flags & EXTFUSE_OUT_COMPLETE))) {
		ext_count(ec, EXTFUSE_OP_LOOKUP, invalid);
		return EXT_UPCALL;
	}
	return EXTFUSE_HIT;
}

/*
 * The same answer as the dentry gives? inode: of the dentry, NULL: negative.
 * Another one is left to the daemon to confirm: what a dentry means is never
 * changed on a handler's word.
 */
static bool ext_lookup_agrees(const struct extfuse_lookup_out *out, const struct inode *inode)
{
	if (!inode)
		return !out->nodeid;
	return out->nodeid == get_node_id((struct inode *)inode) &&
	       out->generation == inode->i_generation;
}

/*
 * What asks the daemon even while a timeout has not run out. Not LOOKUP_EXCL: who
 * makes a name needs no better answer than a fresh one, and with it, that the name is
 * there already.
 */
#define EXT_LOOKUP_ALWAYS (LOOKUP_REVAL | LOOKUP_RENAME_TARGET)

/* Is it the last component, and about to be made? */
static bool ext_lookup_makes(unsigned int flags)
{
	return (flags & (LOOKUP_CREATE | LOOKUP_RENAME_TARGET)) && !(flags & LOOKUP_PARENT);
}

/*
 * What d_revalidate() says where a handler has forbidden the name. Hidden is as good
 * as not there, but where it is about to be made: that it is there is not to be told,
 * and a negative dentry may be there for having been hidden before.
 */
static int ext_lookup_denied(int err, const struct inode *inode, unsigned int flags)
{
	if (err != -ENOENT)
		return err;
	if (ext_lookup_makes(flags))
		return inode ? -EACCES : 0;
	return inode ? err : 1;
}

/*
 * Does the dentry (with its inode, or negative) still hold? RCU walk or not. 1: yes; 0:
 * not known; or what the handler forbids its caller with, which says nothing about the
 * dentry.
 */
static noinline int ext_revalidate(struct dentry *entry, struct inode *inode, unsigned int flags,
				   struct fuse_conn *fc)
{
	struct ext_lookup_call call __uninitialized;
	struct inode *dir;
	unsigned int seq;
	int valid = 0;
	u64 word;
	int ret;

	preempt_disable();
	/*
	 * The dentry may be renamed under us, in RCU walk and in ref walk. Name
	 * and length belong together if d_seq says so; then the bytes stay
	 * readable, being part of the dentry or freed by RCU, and whether they
	 * were the right ones is seen when the handler has answered.
	 */
	seq = raw_seqcount_begin(&entry->d_seq);
	dir = d_inode_rcu(READ_ONCE(entry->d_parent));
	call.name = READ_ONCE(entry->d_name.name);
	call.in.name_len = READ_ONCE(entry->d_name.len);
	if (read_seqcount_retry(&entry->d_seq, seq) || !dir || d_inode_rcu(entry) != inode)
		goto out;
	if (call.in.name_len - 1 >= EXTFUSE_NAME_MAX)
		goto out;

	call.fc = fc;
	call.in.parent = get_node_id(dir);
	call.in.nodeid = inode ? get_node_id(inode) : 0;
	call.in.flags = EXTFUSE_LOOKUP_REVALIDATE | (flags & LOOKUP_RCU ? EXTFUSE_LOOKUP_RCU : 0);
	ret = ext_lookup_ask(&call, entry->d_sb);
	if (unlikely(ret != EXTFUSE_HIT)) {
		/* A denial of another name by now is none of this one. */
		valid = ret < 0 && !read_seqcount_retry(&entry->d_seq, seq) ? ret : 0;
		goto out;
	}
	if (!ext_lookup_agrees(&call.out, inode)) {
		ext_count(fc->ext, EXTFUSE_OP_LOOKUP, dead);
		goto out;
	}
	if (read_seqcount_retry(&entry->d_seq, seq))
		goto out;

	ext_count(fc->ext, EXTFUSE_OP_LOOKUP, hit);
	valid = 1;
	/*
	 * Not while the directory is locked: a rename or unlink may be over for the
	 * words and still have to move or unhash the dentry.
	 */
	if (ext_may_remember(call.out.flags) && !inode_is_locked(dir)) {
		/* The parent's behind word was part of the token; take it out. */
		word = call.out.word - atomic64_read_acquire(call.behind);
		ext_dentry_remember(entry, seq, ext_name_index(call.in.hash), word);
	}
out:
	preempt_enable();
	return valid;
}

/* Would the daemon be asked, and may the handler be? Its timeouts go first. */
static __always_inline bool ext_dentry_expired(const struct dentry *entry,
						const struct fuse_conn *fc)
{
	return ext_usable(fc) && time_before64((u64)entry->d_fsdata, get_jiffies_64());
}

/* The mark of this task, see EXT_DENTRY_ASKED. Its time: numbers come again. */
static unsigned long ext_dentry_asked(void)
{
	return EXT_DENTRY_ASKED | (unsigned long)current->pid << EXT_DENTRY_INDEX_SHIFT |
	       current->start_time << (32 + EXT_DENTRY_INDEX_SHIFT);
}

/* Where RCU walk was left, or never was. */
static noinline int ext_dentry_revalidate_ref(struct dentry *entry, struct inode *inode,
					      unsigned int flags, struct fuse_conn *fc)
{
	int valid;

	if (unlikely(flags & EXT_LOOKUP_ALWAYS)) {
		/* The daemon decides, but for what the handler forbids. */
		valid = ext_usable(fc) && !ext_dentry_moved_lately(entry) ?
				ext_revalidate(entry, inode, flags, fc) : 0;
		if (valid < 0)
			valid = ext_lookup_denied(valid, inode, flags);
		return valid < 0 ? valid : fuse_dentry_revalidate(entry, flags);
	}
	if (READ_ONCE(entry->d_time) == ext_dentry_asked())
		return fuse_dentry_revalidate(entry, flags);
	if (ext_dentry_warm(entry, fc->ext))
		return 1;
	if (!ext_dentry_expired(entry, fc))
		return fuse_dentry_revalidate(entry, flags);
	if (ext_dentry_moved_lately(entry))
		return ext_dentry_misplaced(flags);
	valid = ext_revalidate(entry, inode, flags, fc);
	if (valid && ext_dentry_moved_lately(entry))
		return ext_dentry_misplaced(flags);
	if (valid)
		return likely(valid > 0) ? 1 : ext_lookup_denied(valid, inode, flags);
	return fuse_dentry_revalidate(entry, flags);
}

/*
 * In front of fuse_dentry_revalidate() and not in it: its frame alone costs more
 * than a remembered word.
 */
int ext_dentry_revalidate(struct dentry *entry, unsigned int flags)
{
	struct fuse_conn *fc = get_fuse_conn_super(entry->d_sb);
	struct inode *inode = d_inode_rcu(entry);
	int valid;

	if (inode && fuse_is_bad(inode))
		return fuse_dentry_revalidate(entry, flags);
	if ((flags & (LOOKUP_RCU | EXT_LOOKUP_ALWAYS)) != LOOKUP_RCU)
		return ext_dentry_revalidate_ref(entry, inode, flags, fc);

	if (ext_dentry_warm(entry, fc->ext))
		return 1;
	if (ext_dentry_expired(entry, fc)) {
		valid = ext_revalidate(entry, inode, flags, fc);
		if (likely(valid > 0))
			return 1;
		if (valid)
			return ext_lookup_denied(valid, inode, flags);
		ext_dentry_forget(entry, ext_dentry_asked());
	}
	return fuse_dentry_revalidate(entry, flags);
}

int ext_inode_is(struct inode *inode, void *nodeid)
{
	return get_node_id(inode) == *(u64 *)nodeid;
}

/*
 * What is looked at does not change in the life of an inode, or only for the worse.
 * Directories that have a place in the dcache already are left to the daemon:
 * taking them in under another name moves that place.
 */
bool ext_inode_fits(const struct inode *inode, const struct extfuse_lookup_out *out)
{
	return !fuse_is_bad((struct inode *)inode) && inode->i_generation == out->generation &&
	       !IS_AUTOMOUNT(inode) &&
	       !(S_ISDIR(inode->i_mode) && !hlist_empty(&inode->i_dentry));
}

/*
 * The inode of an answer, with a reference, if the kernel holds it now: then the
 * daemon counts a lookup for it, or does not need to, and none is added here.
 */
static struct inode *ext_find_alive(struct super_block *sb, const struct extfuse_lookup_out *out)
{
	u64 nodeid = out->nodeid;
	struct inode *inode;

	/* Under rcu_read_lock() */
	inode = find_inode_rcu(sb, nodeid, ext_inode_is, &nodeid);
	if (!inode || (READ_ONCE(inode->i_state) & I_NEW) || !ext_inode_fits(inode, out) ||
	    (!READ_ONCE(get_fuse_inode(inode)->nlookup) &&
	     !READ_ONCE(get_fuse_conn_super(sb)->ext->stable)))
		return NULL;
	return igrab(inode);
}

int ext_lookup(struct inode *dir, const struct qstr *name, unsigned int flags,
	       struct fuse_entry_out *outarg, struct inode **inode)
{
	struct super_block *sb = dir->i_sb;
	struct fuse_conn *fc = get_fuse_conn_super(sb);
	struct ext_lookup_call call __uninitialized;
	struct inode *outdated = NULL;
	int ret = EXT_UPCALL;

	if (!ext_usable(fc) || name->len - 1 >= EXTFUSE_NAME_MAX)
		return EXT_UPCALL;

	rcu_read_lock();
	call.fc = fc;
	call.name = name->name;
	call.in.name_len = name->len;
	call.in.parent = get_node_id(dir);
	call.in.nodeid = 0;
	call.in.flags = 0;
	ret = ext_lookup_ask(&call, sb);
	if (ret != EXTFUSE_HIT) {
		if (ret == -ENOENT && ext_lookup_makes(flags))
			ret = EXT_HIDDEN;
		goto out;
	}
	if (call.out.nodeid) {
		*inode = ext_find_alive(sb, &call.out);
		if (!*inode && READ_ONCE(fc->ext->stable)) {
			rcu_read_unlock();
			*inode = ext_stable_inode(sb, &call.out);
			rcu_read_lock();
		}
		if (!*inode) {
			ext_count(fc->ext, EXTFUSE_OP_LOOKUP, dead);
			ret = EXT_UPCALL;
			goto out;
		}
		/* Forgotten, and the id given to another file, before we held it? */
		if (!ext_lookup_fresh(fc->ext, &call)) {
			ext_count(fc->ext, EXTFUSE_OP_LOOKUP, stale);
			outdated = *inode;
			*inode = NULL;
			ret = EXT_UPCALL;
			goto out;
		}
		memset(outarg, 0, sizeof(*outarg));
		outarg->nodeid = call.out.nodeid;
		outarg->generation = call.out.generation;
		ret = 0;
	} else {
		ret = -ENOENT;
	}
	ext_count(fc->ext, EXTFUSE_OP_LOOKUP, hit);
out:
	rcu_read_unlock();
	iput(outdated);
	return ret;
}

/* Whether it is there is the daemon's to say; what is there, nobody's. */
int ext_lookup_hidden(struct inode *dir, const struct qstr *name,
		      struct fuse_entry_out *outarg, struct inode **inode)
{
	int err = fuse_lookup_name(dir->i_sb, get_node_id(dir), name, outarg, inode);

	if (err || !*inode)
		return err;
	iput(*inode);
	*inode = NULL;
	return -EACCES;
}
