/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Operations, as the hooks in fs/fuse see them. Included by ext.h.
 */
#ifndef _EXT_OPS_H
#define _EXT_OPS_H

/*
 * Is the dentry remembered, and has nothing moved since? What is remembered does
 * not depend on who may search the directory, and the directory cannot be
 * forgotten under its child: name word and mount word are enough. An abort or a
 * change of handlers moves the mount word: neither needs to be looked at.
 */
static inline bool ext_dentry_warm(const struct dentry *dentry, struct ext_conn *ec)
{
	u64 remembered = READ_ONCE(dentry->d_time);
	u32 index;

	/* Moved since, by d_splice_alias() say: it speaks of another name. */
	if (((remembered ^ READ_ONCE(dentry->d_seq.seqcount.sequence)) & EXT_DENTRY_SEQ_MASK) !=
	    EXT_WARM)
		return false;
	index = (remembered >> EXT_DENTRY_INDEX_SHIFT) & (EXTFUSE_WORD_COUNT - 1);
	if ((remembered & ~EXTFUSE_INFLIGHT_MASK) !=
		    ext_sum(ec, (EXT_NAME << EXTFUSE_WORD_COUNT_LOG2) | index) &&
	    !EXT_MISTAKE(WORD_UNCOMPARED))
		return false;
	ext_count(ec, EXTFUSE_OP_LOOKUP, warm);
	return true;
}

/* d_revalidate: the remembered word, the handler, fuse_dentry_revalidate(). */
int ext_dentry_revalidate(struct dentry *entry, unsigned int flags);
#include "ext_lookup.h"

int ext_dentry_init(struct dentry *dentry);
/*
 * The inode of an answer whose entries are stable, with a reference: it is made if
 * the kernel has none. NULL: not without the daemon. May sleep.
 */
struct inode *ext_stable_inode(struct super_block *sb, const struct extfuse_lookup_out *out);
long ext_ioctl_declare(struct ext_conn *ec, struct extfuse_declare __user *arg);
/* An inode leaves the cache. */
void ext_stable_evict(struct inode *inode);
/* May the kernel take this inode for what a lookup has found? */
bool ext_inode_fits(const struct inode *inode, const struct extfuse_lookup_out *out);
/* For find_inode_rcu(): is this the inode of the node id? */
int ext_inode_is(struct inode *inode, void *nodeid);

/* The name and the parent of a dentry, which belong together and stay readable. */
struct ext_place {
	struct dentry *parent;
	struct name_snapshot name;
	unsigned int seq;
};

void ext_place_get(struct dentry *dentry, struct ext_place *place);
/* True: the dentry was there all the time. */
bool ext_place_put(struct dentry *dentry, struct ext_place *place);
/*
 * d_splice_alias() that tells of the dentry it moves. A walk that found it under
 * its old name, and asks now, asks about the new one. To be looked at after the
 * name, wherever the directory is not locked.
 */
struct dentry *ext_splice_alias(struct inode *inode, struct dentry *entry);
bool ext_dentry_moved_since(u32 moved);

static inline bool ext_dentry_moved_lately(const struct dentry *dentry)
{
	unsigned long moved = READ_ONCE(dentry->d_time);

	return unlikely((moved & EXT_DENTRY_SEQ_MASK) == EXT_DENTRY_MOVED) &&
	       ext_dentry_moved_since(moved >> EXT_DENTRY_INDEX_SHIFT);
}

/*
 * d_revalidate() of a dentry that is not where the walk found it: what was asked
 * says nothing, so the walk has to begin again. The second time (LOOKUP_REVAL) the
 * dentry is dropped, and the name looked up.
 */
static inline int ext_dentry_misplaced(unsigned int flags)
{
	return flags & LOOKUP_REVAL ? 0 : -ESTALE;
}

static inline void ext_dentry_forget(struct dentry *dentry, unsigned long instead)
{
	unsigned long remembered = READ_ONCE(dentry->d_time);

	/* Not if it is being moved right now. */
	if (remembered != instead && !ext_dentry_moved_lately(dentry))
		cmpxchg(&dentry->d_time, remembered, instead);
}

static inline void ext_dentry_reset(struct dentry *dentry)
{
	ext_dentry_forget(dentry, 0);
}

/* Attributes wanted that something in the kernel has declared outdated. */
static inline bool ext_outdated(struct inode *inode, u32 request_mask)
{
	u32 outdated = request_mask & READ_ONCE(get_fuse_inode(inode)->inval_mask);

	return unlikely(outdated) && (outdated & ~fuse_get_cache_mask(inode));
}

/*
 * Attributes are used where they lie, in the inode, after they were found to be
 * fresh. Whoever changes them moves fi->attr_version first: if that is the same
 * before the question and after the use, they were the fresh ones.
 */
static inline u64 ext_attr_version(struct inode *inode)
{
	/* Pairs with the locks that attributes are changed under. */
	return smp_load_acquire(&get_fuse_inode(inode)->attr_version);
}

static inline bool ext_attr_unchanged(struct inode *inode, u64 version)
{
	/* Pairs with the locks that attributes are changed under. */
	smp_rmb();
	return READ_ONCE(get_fuse_inode(inode)->attr_version) == version;
}

/* Are the inode's attributes remembered, and has nothing moved since? */
static inline bool ext_attr_warm(struct ext_conn *ec, struct inode *inode, u32 request_mask)
{
	struct fuse_inode *fi = get_fuse_inode(inode);
	/* Pairs with the release in ext_attr_label(): node_index and version */
	u64 remembered = smp_load_acquire(&fi->ext.attr_word);

	if (!(remembered & EXT_WARM) ||
	    ((remembered & ~EXT_WARM) != ext_sum(ec, fi->ext.node_index) &&
	     !EXT_MISTAKE(WORD_UNCOMPARED)) ||
	    READ_ONCE(fi->attr_version) != READ_ONCE(fi->ext.attr_version) ||
	    ext_outdated(inode, request_mask))
		return false;
	ext_count(ec, EXTFUSE_OP_GETATTR, warm);
	return true;
}

/*
 * Ask the handler. may_sleep: attributes may be applied to the inode. stat: to be
 * filled if the answer is for this caller only; may be NULL. EXT_UPCALL,
 * EXT_IN_INODE, 0 with *stat filled, or a handler's error. *version: of the
 * attributes in the inode before; set if they were replaced by the answer.
 */
int ext_attr_ask(struct mnt_idmap *idmap, struct inode *inode, struct kstat *stat,
		 u32 request_mask, bool may_sleep, u64 *version);

/* getattr: from the inode, from the handler, else fuse_getattr(). */
int ext_inode_getattr(struct mnt_idmap *idmap, const struct path *path, struct kstat *stat,
		      u32 request_mask, unsigned int flags);

/* Have fresh attributes in the inode. 0, EXT_UPCALL, or a handler's error. */
int ext_update_attributes(struct inode *inode, u32 request_mask, bool may_sleep);

/*
 * Version for a GETATTR reply, asked for under this token and when the connection's
 * version was the one given: a newer one if nothing has changed meanwhile. Then the
 * reply is current, whatever was applied since it was sent.
 */
static inline u64 ext_reply_version(struct inode *inode, u64 token, u64 version)
{
	struct fuse_conn *fc = get_fuse_conn(inode);
	u64 now = fuse_get_attr_version(fc);

	/* Whoever applies a change has begun it in the words before. */
	smp_rmb();
	return ext_cacheable(token) && token == ext_token_of(inode) ? now : version;
}

/* fuse_do_getattr() until its reply is not dropped: the caller goes by the inode. */
int ext_fetch_attributes(struct inode *inode);

/* permission of directories: what needs no question, then fuse_permission(). */
int ext_dir_permission(struct mnt_idmap *idmap, struct inode *inode, int mask);

/*
 * A directory that its owner, or everybody, may search, and no ACL that could say
 * otherwise: what generic_permission() would find out, at a tenth of its price.
 */
static inline bool ext_may_search(struct mnt_idmap *idmap, const struct inode *inode, int mask)
{
	if ((mask & ~(MAY_NOT_BLOCK | MAY_CHDIR)) != MAY_EXEC || !S_ISDIR(inode->i_mode))
		return false;
	/* An owner is judged by the owner's bits alone, ACL or not. */
	if (idmap == &nop_mnt_idmap && uid_eq(inode->i_uid, current_fsuid()))
		return inode->i_mode & 0100;
	return (inode->i_mode & 0111) == 0111 &&
	       (!get_fuse_conn((struct inode *)inode)->posix_acl || !READ_ONCE(inode->i_acl));
}

/* Attributes of whatever origin are being applied. Under fi->lock. */
static inline void ext_attr_applied(struct fuse_inode *fi)
{
	WRITE_ONCE(fi->ext.attr_word, 0);
	WRITE_ONCE(fi->ext.attr_version, fi->attr_version);
	fi->ext.applied_by = current;
	fi->ext.applied++;
}

bool ext_read(struct fuse_mount *fm, struct fuse_args *args, bool background, ssize_t *ret);
/* True: the page cache is not outdated, or has been emptied (if that may sleep). */
bool ext_pages_current(struct inode *inode, bool may_sleep);

static inline void ext_drop_outdated_pages(struct inode *inode)
{
	ext_pages_current(inode, true);
}

/* In place of fuse_file_open(): a handler's answer, or the daemon's. */
struct fuse_file *ext_file_open(struct fuse_mount *fm, u64 nodeid, struct file *file, bool isdir);
/* Tell the daemon of an open that a handler answered. May sleep. */
int ext_file_tell(struct fuse_file *ff);

static inline bool ext_file_seen(const struct fuse_file *ff)
{
	return !test_bit_acquire(EXT_FILE_UNSEEN, &ff->ext.state);
}

/* Before ff->fh is used. */
static inline int ext_file_ready(struct fuse_file *ff)
{
	return likely(ext_file_seen(ff)) ? 0 : ext_file_tell(ff);
}

/*
 * The request's first argument begins with the handle of this file: as it was
 * when that was filled in, which may be before another thread had got it.
 */
static inline void ext_args_file(struct fuse_args *args, struct fuse_file *ff)
{
	if (test_bit(EXT_FILE_LATE, &ff->ext.state))
		args->ext.file = ff;
}

/* The request is not answered here: a handle that it needs is needed now. */
static inline int ext_args_ready(struct fuse_args *args)
{
	struct fuse_file *ff = args->ext.file;
	int err;

	if (likely(!ff))
		return 0;
	err = ext_file_ready(ff);
	if (!err)
		*(u64 *)args->in_args[0].value = ff->fh;
	return err;
}

/* EXT_UPCALL, or what close() returns. first: before anything is written back. */
int ext_flush(struct file *file, fl_owner_t id, bool first);
/* True: no request, ff is gone as soon as its arguments are. */
bool ext_release(struct fuse_file *ff, struct fuse_args *args);
/* A lock was asked of the daemon. */
static inline void ext_locked(struct inode *inode)
{
	WRITE_ONCE(get_fuse_inode(inode)->ext.locked, true);
}

#include "ext_backing.h"

/*
 * CREATE must not truncate a file that nobody knows the node of: the driver
 * does it by SETATTR afterwards, on a node it can mark.
 */
bool ext_create_keeps_size(struct fuse_conn *fc, struct fuse_args *args,
			   struct fuse_create_in *in);
/* ... and this is afterwards: attr is what CREATE replied. */
int ext_truncate_created(struct mnt_idmap *idmap, struct dentry *entry, struct file *file,
			 const struct fuse_attr *attr);

void ext_passthrough_open(struct file *file, struct fuse_file *ff);
void ext_passthrough_release(struct fuse_file *ff);
int ext_passthrough_mmap(struct file *file, struct vm_area_struct *vma);
void ext_evict(struct inode *inode);

/* fuse_readdir() with the handler's choice of what its reader sees: op_dirent.c */
int ext_iterate_dir(struct file *file, struct dir_context *ctx);

/* Answered with bytes or a status: op_object.c, op_readdir.c */
#define EXT_OBJECT_OPCODES \
	(BIT_ULL(FUSE_GETXATTR) | BIT_ULL(FUSE_LISTXATTR) | BIT_ULL(FUSE_READLINK) | \
	 BIT_ULL(FUSE_STATFS) | BIT_ULL(FUSE_ACCESS) | BIT_ULL(FUSE_LSEEK) | \
	 BIT_ULL(FUSE_READDIR) | BIT_ULL(FUSE_READDIRPLUS))

bool ext_object(struct fuse_mount *fm, struct fuse_args *args, ssize_t *ret);
/* Does the handler know, for everybody, that there are none? token: of the xattrs. */
bool ext_has_no_caps(struct inode *inode, u64 token);

/* No handler is there any more that could go on with a listing: ext_listing.c */
bool ext_listing_goes_on(struct fuse_mount *fm, struct fuse_args *args, ssize_t *ret);

/* Of which observers are told: op_change.c */
#define EXT_CHANGE_OPCODES \
	(BIT_ULL(FUSE_WRITE) | BIT_ULL(FUSE_FALLOCATE) | BIT_ULL(FUSE_COPY_FILE_RANGE) | \
	 BIT_ULL(FUSE_SETATTR) | BIT_ULL(FUSE_CREATE) | BIT_ULL(FUSE_MKNOD) | \
	 BIT_ULL(FUSE_MKDIR) | BIT_ULL(FUSE_SYMLINK) | BIT_ULL(FUSE_LINK) | \
	 BIT_ULL(FUSE_TMPFILE) | BIT_ULL(FUSE_RENAME) | BIT_ULL(FUSE_RENAME2))

u64 ext_observed_by(const struct extfuse_handler_ops *ops);

/* Is it worth asking? Most handlers do not observe changes. opcode: of those above */
static inline bool ext_observed(const struct ext_conn *ec, u32 opcode)
{
	return READ_ONCE(ec->observed) & BIT_ULL(opcode);
}

/* 0, or the error that the change is forbidden with. Does not sleep. */
int ext_change(struct fuse_mount *fm, struct fuse_args *args, bool background);
/* The same for OPEN with O_TRUNC: what else is in flight meanwhile is added to marks. */
int ext_change_truncate(struct fuse_mount *fm, u64 nodeid, struct ext_marks *marks);
/* The same for what goes to the backing file of an open one; flags: EXTFUSE_WRITE_* */
int ext_change_backing(struct file *file, loff_t pos, u64 len, u32 flags, u32 mode);
/* Written pages that are not sent are lost: fsync says so. err as it was. */
int ext_writepage_failed(struct inode *inode, int err);

static inline bool ext_writes_observed(const struct ext_conn *ec)
{
	return unlikely(ext_observed(ec, FUSE_WRITE));
}

/*
 * Under the inode's lock: by who appends, alone, the end of the file is not moved any
 * more. Where it goes is said by the call, not by the file (RWF_APPEND, RWF_NOAPPEND).
 */
static inline int ext_passthrough_write(const struct kiocb *iocb, size_t len)
{
	struct file *file = iocb->ki_filp;
	loff_t pos = iocb->ki_pos;

	if (likely(!ext_writes_observed(get_fuse_conn(file_inode(file))->ext)))
		return 0;
	if (iocb->ki_flags & IOCB_APPEND)
		pos = i_size_read(file_inode(fuse_file_passthrough(file->private_data)));
	return ext_change_backing(file, pos, len, 0, 0);
}

static inline int ext_passthrough_splice(struct file *file, loff_t pos, size_t len)
{
	return ext_writes_observed(get_fuse_conn(file_inode(file))->ext) ?
		       ext_change_backing(file, pos, len, 0, 0) : 0;
}

/*
 * What fuse_lock_owner_id() makes of this owner, if it was the last on this CPU: its
 * cipher takes 900 instructions, and who closes one file closes others.
 */
static inline bool ext_owner_known(const struct ext_conn *ec, fl_owner_t owner, u64 *id)
{
	const struct ext_counters *counters;
	bool known;

	if (!ec || !owner)
		return false;
	preempt_disable();
	counters = this_cpu_ptr(ec->counters);
	known = counters->owner == owner;
	if (known)
		*id = counters->owner_id;
	preempt_enable();
	return known;
}

/* Returns the id. */
static inline u64 ext_owner_remember(const struct ext_conn *ec, fl_owner_t owner, u64 id)
{
	struct ext_counters *counters;

	if (!ec || !owner)
		return id;
	preempt_disable();
	counters = this_cpu_ptr(ec->counters);
	counters->owner = owner;
	counters->owner_id = id;
	preempt_enable();
	return id;
}

/* Requests that a handler can answer where they are sent. */
static inline bool ext_answer(struct fuse_mount *fm, struct fuse_args *args, ssize_t *ret)
{
	if (args->opcode == FUSE_READ) {
		if (args->ext.asked || !ext_usable(fm->fc))
			return false;
		args->ext.asked = true;
		return ext_read(fm, args, false, ret);
	}
	if (args->opcode >= 64 || !fm->fc->ext ||
	    !(BIT_ULL(args->opcode) & (EXT_OBJECT_OPCODES | READ_ONCE(fm->fc->ext->observed))))
		return false;
	if (likely(ext_usable(fm->fc)))
		return ext_object(fm, args, ret);
	return unlikely(args->ext.file) && ext_listing_goes_on(fm, args, ret);
}

static inline bool ext_answer_background(struct fuse_mount *fm, struct fuse_args *args)
{
	ssize_t ret;

	if (args->opcode != FUSE_READ || !ext_usable(fm->fc) || !args->end ||
	    !ext_read(fm, args, true, &ret))
		return false;
	args->end(fm, args, ret < 0 ? ret : 0);
	return true;
}

/* The request is about to be sent in background: as ext_answer() and ext_args_ready(). */
static inline int ext_background_ready(struct fuse_mount *fm, struct fuse_args *args)
{
	int err = 0;

	if (args->opcode == FUSE_WRITE && ext_usable(fm->fc) &&
	    ext_observed(fm->fc->ext, FUSE_WRITE))
		err = ext_change(fm, args, true);
	return err ?: ext_args_ready(args);
}

#endif /* _EXT_OPS_H */
