// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files that the daemon registered for its nodes. A registration is bound to the
 * node by its behind word: a FORGET moves it, and so does the daemon when another
 * file is behind the node. What is open keeps its own reference, in the inode.
 */
#include "fuse_i.h"

#include <linux/backing-file.h>
#include <linux/falloc.h>
#include <linux/file.h>
#include <linux/magic.h>
#include <linux/xarray.h>

struct ext_backing {
	u64 nodeid;
	u64 behind;			/* word under which it was registered */
	/*
	 * A reference. Exchanged under the lock, once the one that replaces it is in the
	 * array: who reads it under RCU and gets no reference finds that one.
	 */
	struct fuse_backing *fb;
	struct list_head clock;		/* in ext_backings.clock */
	u64 used;			/* ext_backings.now when it was opened last; no lock */
	struct rcu_head rcu;
};

/* Written under the lock of the array; readers of that under RCU. */
struct ext_backings {
	struct xarray files;		/* struct ext_backing by node id */
	struct list_head clock;		/* first: looked at longest ago */
	u64 now;			/* counts registrations; read without lock */
	u32 count;			/* read without lock */
	u32 limit;
	bool dead;			/* the connection has ended */
	bool ever;			/* one was registered; read without lock */
};

/* Of so many, in turn, the one that was not used for longest has to go. */
#define EXT_CLOCK_SAMPLE 64

int ext_backings_init(struct ext_conn *ec)
{
	struct ext_backings *backings = kzalloc(sizeof(*backings), GFP_KERNEL_ACCOUNT);

	if (!backings)
		return -ENOMEM;
	xa_init(&backings->files);
	INIT_LIST_HEAD(&backings->clock);
	backings->limit = EXTFUSE_BACKING_DEFAULT;
	ec->backings = backings;
	return 0;
}

/* After ext_backings_drop(): there is nothing in the array. May be called by RCU. */
void ext_backings_free(struct ext_conn *ec)
{
	WARN_ON_ONCE(!xa_empty(&ec->backings->files));
	kfree(ec->backings);
}

u32 ext_backing_count(const struct ext_conn *ec)
{
	return READ_ONCE(ec->backings->count);
}

static void ext_backing_remove(struct ext_backings *backings, struct ext_backing *b)
{
	lockdep_assert_held(&backings->files.xa_lock);
	__xa_erase(&backings->files, b->nodeid);
	list_del(&b->clock);
	WRITE_ONCE(backings->count, backings->count - 1);
}

/* Not under the lock: may be the last one to hold the file. NULL: nothing. */
static void ext_backing_put(struct ext_backing *b)
{
	if (!b)
		return;
	ext_idle_drop(b->fb);
	fuse_backing_put(b->fb);
	kfree_rcu(b, rcu);
}

void ext_backings_drop(struct ext_conn *ec)
{
	struct ext_backings *backings = ec->backings;
	struct ext_backing *b, *next;
	LIST_HEAD(all);

	xa_lock(&backings->files);
	backings->dead = true;
	list_splice_init(&backings->clock, &all);
	list_for_each_entry(b, &all, clock)
		__xa_erase(&backings->files, b->nodeid);
	WRITE_ONCE(backings->count, 0);
	xa_unlock(&backings->files);
	list_for_each_entry_safe(b, next, &all, clock)
		ext_backing_put(b);
}

static bool ext_backing_clear(struct ext_backings *backings, u64 nodeid)
{
	struct ext_backing *b;

	xa_lock(&backings->files);
	b = xa_load(&backings->files, nodeid);
	if (b)
		ext_backing_remove(backings, b);
	xa_unlock(&backings->files);
	ext_backing_put(b);
	return b;
}

/* After the behind word has moved, see ext_backing_insert(). */
void ext_backing_forget(struct ext_conn *ec, u64 nodeid)
{
	if (ext_backing_count(ec))
		ext_backing_clear(ec->backings, nodeid);
}

/* Under RCU. NULL: none, or one that was registered for another file. */
static struct ext_backing *ext_backing_find(struct ext_conn *ec, u64 nodeid)
{
	struct ext_backing *b;

	if (!ext_backing_count(ec))
		return NULL;
	b = xa_load(&ec->backings->files, nodeid);
	return b && b->behind == ext_behind(ec, nodeid) ? b : NULL;
}

bool ext_backing_registered(struct ext_conn *ec, u64 nodeid)
{
	bool found;

	if (!ext_backing_count(ec))
		return false;
	rcu_read_lock();
	found = ext_backing_find(ec, nodeid);
	rcu_read_unlock();
	return found;
}

struct fuse_backing *ext_backing_get(struct ext_conn *ec, u64 nodeid)
{
	struct fuse_backing *fb = NULL;
	struct ext_backing *b;

	rcu_read_lock();
	/* Without a reference any more: it has been replaced since it was found. */
	while (!fb && (b = ext_backing_find(ec, nodeid)))
		fb = fuse_backing_get(READ_ONCE(b->fb));
	if (fb && READ_ONCE(b->used) != READ_ONCE(ec->backings->now))
		WRITE_ONCE(b->used, READ_ONCE(ec->backings->now));
	rcu_read_unlock();
	return fb;
}

bool ext_backing_guarded(const struct fuse_backing *fb)
{
	const struct inode *lower = file_inode(fb->file);

	return IS_APPEND(lower) || IS_IMMUTABLE(lower);
}

/* ------------------------------------------------------------------------ */
/* Registering                                                              */

/* One that has not been used for long, if there are too many. Never keep itself. */
static struct ext_backing *ext_backing_evict(struct ext_backings *backings,
					     const struct ext_backing *keep)
{
	struct ext_backing *b, *oldest = NULL;
	u32 n;

	lockdep_assert_held(&backings->files.xa_lock);
	if (backings->count <= backings->limit)
		return NULL;
	for (n = min_t(u32, backings->count, EXT_CLOCK_SAMPLE); n; n--) {
		b = list_first_entry(&backings->clock, struct ext_backing, clock);
		list_move_tail(&b->clock, &backings->clock);
		if (b != keep && (!oldest || READ_ONCE(b->used) < READ_ONCE(oldest->used)))
			oldest = b;
	}
	if (oldest)
		ext_backing_remove(backings, oldest);
	return oldest;
}

static void ext_backing_shrink(struct ext_backings *backings, const struct ext_backing *keep)
{
	struct ext_backing *b;

	do {
		xa_lock(&backings->files);
		b = ext_backing_evict(backings, keep);
		xa_unlock(&backings->files);
		ext_backing_put(b);
	} while (b);
}

/*
 * b takes the place of old, if that is one: readers find the one or the other, and never
 * none, for who opens without a file is in the way of those that come after. An error:
 * nothing was done.
 */
static int ext_backing_store(struct ext_backings *backings, struct ext_backing *b,
			     struct ext_backing *old)
{
	struct fuse_backing *fresh = b->fb;
	bool same = old && path_equal(&old->fb->file->f_path, &fresh->file->f_path);
	int err;

	lockdep_assert_held(&backings->files.xa_lock);
	/* The same file again: those that have it open stay compatible. */
	if (same)
		b->fb = old->fb;
	err = xa_err(__xa_store(&backings->files, b->nodeid, b, GFP_ATOMIC));
	if (err) {
		b->fb = fresh;
		return err;
	}
	if (same)
		WRITE_ONCE(old->fb, fresh);
	if (old)
		list_del(&old->clock);
	else
		WRITE_ONCE(backings->count, backings->count + 1);
	list_add_tail(&b->clock, &backings->clock);
	WRITE_ONCE(backings->now, backings->now + 1);
	WRITE_ONCE(b->used, backings->now);
	WRITE_ONCE(backings->ever, true);
	return 0;
}

/* Takes b over, also where it fails. */
static int ext_backing_insert(struct ext_conn *ec, struct ext_backing *b)
{
	struct ext_backings *backings = ec->backings;
	struct ext_backing *old;
	int err;

	err = xa_reserve(&backings->files, b->nodeid, GFP_KERNEL_ACCOUNT);
	if (err) {
		ext_backing_put(b);
		return err;
	}
	xa_lock(&backings->files);
	old = xa_load(&backings->files, b->nodeid);
	if (backings->dead)
		err = -ENOTCONN;
	else if (b->behind != ext_behind(ec, b->nodeid))
		err = -ESTALE;
	else
		err = ext_backing_store(backings, b, old);
	if (!err) {
		/*
		 * Pairs with the move of the word in ext_forget(): either this sees
		 * it, or ext_backing_forget() sees the count.
		 */
		smp_mb();
		if (b->behind != ext_behind(ec, b->nodeid)) {
			ext_backing_remove(backings, b);
			err = -ESTALE;
		}
	} else if (!old) {
		__xa_erase(&backings->files, b->nodeid); /* what was reserved */
	} else if (old->behind != ext_behind(ec, b->nodeid)) {
		ext_backing_remove(backings, old); /* nobody can open it any more */
	} else {
		old = NULL; /* newer than b: it stays */
	}
	xa_unlock(&backings->files);
	ext_backing_put(old);
	if (err)
		ext_backing_put(b);
	else
		ext_backing_shrink(backings, b);
	return err;
}

static int ext_backing_check(const struct fuse_conn *fc, const struct file *file)
{
	if (!d_is_reg(file->f_path.dentry))
		return -EINVAL;
	return file_inode(file)->i_sb->s_stack_depth >= fc->max_stack_depth ? -ELOOP : 0;
}

static int ext_backing_set(struct ext_conn *ec, const struct extfuse_backing *arg)
{
	struct ext_backing *b;
	struct file *file;
	int err;

	file = fget_raw(arg->fd);
	if (!file)
		return -EBADF;
	err = ext_backing_check(ec->fc, file);
	if (err)
		goto out_file;

	err = -ENOMEM;
	b = kzalloc(sizeof(*b), GFP_KERNEL_ACCOUNT);
	if (!b)
		goto out_file;
	b->fb = kzalloc(sizeof(*b->fb), GFP_KERNEL_ACCOUNT);
	if (!b->fb)
		goto out_backing;
	b->fb->cred = prepare_creds();
	if (!b->fb->cred)
		goto out_fb;
	refcount_set(&b->fb->count, 1);
	b->fb->file = file;
	ext_idle_init(b->fb);
	b->nodeid = arg->nodeid;
	b->behind = arg->behind;
	if (arg->limit)
		WRITE_ONCE(ec->backings->limit, arg->limit);
	return ext_backing_insert(ec, b);

out_fb:
	kfree(b->fb);
out_backing:
	kfree(b);
out_file:
	fput(file);
	return err;
}

long ext_ioctl_backing(struct ext_conn *ec, unsigned int cmd, struct extfuse_backing __user *uarg)
{
	struct extfuse_backing arg;

	/* As for FUSE_DEV_IOC_BACKING_OPEN */
	if (!ec->fc->passthrough || !capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (copy_from_user(&arg, uarg, sizeof(arg)))
		return -EFAULT;
	if (arg.size != sizeof(arg) || arg.flags || !arg.nodeid || arg.limit > EXTFUSE_BACKING_MAX)
		return -EINVAL;
	if (cmd == EXTFUSE_IOC_BACKING_SET)
		return ext_backing_set(ec, &arg);
	if (arg.fd != -1)
		return -EINVAL;
	return ext_backing_clear(ec->backings, arg.nodeid) ? 0 : -ENOENT;
}

/* ------------------------------------------------------------------------ */
/* Opening                                                                  */

/* On a file system that fetches nothing and tells nobody at open and close. */
static bool ext_backing_local(const struct file *lower)
{
	const struct super_block *sb = file_inode(lower)->i_sb;

	return !lower->f_op->flush && lower->f_op->read_iter && lower->f_op->write_iter &&
	       ((sb->s_type->fs_flags & FS_REQUIRES_DEV) || sb->s_magic == TMPFS_MAGIC);
}

/* A file for each open, so that flags and position are its own. fb: as it was. */
static int ext_backing_open(struct file *file, struct fuse_backing *fb)
{
	struct fuse_file *ff = file->private_data;
	/* Truncation is the daemon's: it was asked to. To append is said with each write. */
	unsigned int flags = file->f_flags & ~(O_TRUNC | O_APPEND);
	struct file *lower;

	lower = ext_idle_take(fb, file, flags, &ff->ext.label);
	if (!lower)
		lower = backing_file_open(file, flags, &fb->file->f_path, fb->cred);
	if (IS_ERR(lower))
		return PTR_ERR(lower);
	ff->passthrough = lower;
	ff->cred = get_cred(fb->cred);
	ext_passthrough_open(file, ff);
	return 0;
}

/* The file that serves the inode now, with a reference. cached: the page cache does. */
static struct fuse_backing *ext_backing_in_use(struct fuse_inode *fi, bool *cached)
{
	struct fuse_backing *fb;

	spin_lock(&fi->lock);
	fb = fuse_backing_get(fuse_inode_backing(fi));
	*cached = fi->iocachectr > 0;
	spin_unlock(&fi->lock);
	return fb;
}

/*
 * Is this file, which serves the inode, the node's still? No other one is
 * registered, and the node is behind its id that was when it came into use.
 */
static bool ext_backing_current(struct ext_conn *ec, const struct fuse_inode *fi,
				const struct fuse_backing *fb)
{
	struct fuse_backing *registered;
	bool same;

	if (READ_ONCE(fi->ext.backing_behind) != ext_behind(ec, fi->nodeid))
		return false;
	registered = ext_backing_get(ec, fi->nodeid);
	same = !registered || registered == fb ||
	       path_equal(&registered->file->f_path, &fb->file->f_path);
	fuse_backing_put(registered);
	return same;
}

/* By the daemon, past the page cache and any backing file. */
static int ext_backing_go_past(struct fuse_file *ff)
{
	int err = ext_file_ready(ff);

	if (!err)
		ff->open_flags |= FOPEN_DIRECT_IO;
	return err;
}

/*
 * All that have an inode open read and write the same place: its page cache, or
 * one backing file. Who comes second joins, whatever it was to be, unless that
 * file is not the node's any more; what goes by the daemon, past both, is the last
 * resort.
 */
static int ext_backing_join(struct file *file, struct inode *inode, struct fuse_backing *fb)
{
	struct fuse_file *ff = file->private_data;
	struct fuse_inode *fi = get_fuse_inode(inode);
	struct ext_conn *ec = get_fuse_conn(inode)->ext;
	struct fuse_backing *now;
	bool cached;
	u64 behind;
	int err;

	ff->open_flags &= ~FOPEN_PASSTHROUGH;
	for (;;) {
		behind = ext_behind(ec, ff->nodeid);
		now = ext_backing_in_use(fi, &cached);
		if (now) {
			fuse_backing_put(fb);
			fb = now;
			if (!ext_backing_current(ec, fi, now)) {
				err = ext_backing_go_past(ff);
				break;
			}
		}
		if (!fb || (cached && !now)) {
			/* Written pages need a handle where none can be waited for. */
			err = file->f_mode & FMODE_WRITE ? ext_file_ready(ff) : 0;
			if (err || (ff->open_flags & FOPEN_DIRECT_IO))
				break;
			err = fuse_file_cached_io_open(inode, ff);
			if (err != -ETXTBSY)
				break;
			/* On a backing file since we looked. */
			continue;
		}
		err = ext_backing_open(file, fb);
		if (err) {
			/* The daemon has opened it, and can serve it. */
			if (ext_file_seen(ff))
				err = ext_backing_go_past(ff);
			break;
		}
		err = fuse_inode_uncached_io_start(fi, fb);
		if (!err) {
			if (!now)
				WRITE_ONCE(fi->ext.backing_behind, behind);
			ff->iomode = IOM_UNCACHED;
			ff->open_flags &= ~(FOPEN_KEEP_CACHE | FOPEN_DIRECT_IO |
					    FOPEN_PARALLEL_DIRECT_WRITES);
			ff->open_flags |= FOPEN_PASSTHROUGH;
			set_bit(EXT_FILE_BACKING, &ff->ext.state);
			if (!(file->f_mode & FMODE_BACKING) && ext_backing_local(ff->passthrough))
				set_bit(EXT_FILE_LOCAL, &ff->ext.state);
			ext_backing_operate(file);
			this_cpu_inc(ec->counters->backing_opens);
			return 0;
		}
		fuse_passthrough_release(ff, fb);
	}
	fuse_backing_put(fb);
	return err;
}

int ext_backing_io_open(struct file *file, struct inode *inode)
{
	struct fuse_file *ff = file->private_data;
	struct fuse_backing *fb = ff->ext.fb;

	ff->ext.fb = NULL;
	if (!fb && ((ff->open_flags & FOPEN_PASSTHROUGH) ||
		    !fuse_inode_backing(get_fuse_inode(inode))))
		return EXT_UPCALL;
	return ext_backing_join(file, inode, fb);
}

int ext_backing_conflict(struct file *file, struct inode *inode, int err)
{
	const struct fuse_file *ff = file->private_data;

	/* Without registered files: as on stock. */
	if (!READ_ONCE(get_fuse_conn(inode)->ext->backings->ever))
		return -EIO;
	/* EINVAL: not for passthrough, and others have the inode open for that since we looked. */
	if (err != -EBUSY && err != -ETXTBSY &&
	    (err != -EINVAL || (ff->open_flags & FOPEN_PASSTHROUGH)))
		return -EIO;
	return ext_backing_join(file, inode, NULL);
}

/* ------------------------------------------------------------------------ */
/* Operations that fs/fuse/passthrough.c leaves to the daemon               */

int ext_backing_flush(struct file *file, fl_owner_t id)
{
	struct fuse_file *ff = file->private_data;
	struct file *lower = fuse_file_passthrough(ff);
	const struct cred *old;
	int err = 0;

	if (lower->f_op->flush) {
		old = override_creds(ff->cred);
		err = lower->f_op->flush(lower, id);
		revert_creds(old);
	}
	return err;
}

int ext_backing_fsync(struct file *file, loff_t start, loff_t end, int datasync)
{
	struct fuse_file *ff = file->private_data;
	const struct cred *old = override_creds(ff->cred);
	int err = vfs_fsync_range(fuse_file_passthrough(ff), start, end, datasync);

	revert_creds(old);
	return err;
}

loff_t ext_backing_llseek(struct file *file, loff_t offset, int whence)
{
	struct fuse_file *ff = file->private_data;
	struct file *lower = fuse_file_passthrough(ff);
	struct inode *inode = file_inode(file);
	const struct cred *old;
	loff_t ret;

	switch (whence) {
	case SEEK_END:
		return generic_file_llseek_size(file, offset, whence, inode->i_sb->s_maxbytes,
						i_size_read(file_inode(lower)));
	case SEEK_HOLE:
	case SEEK_DATA:
		/* The lower file's position is nobody's but ours. */
		inode_lock(inode);
		old = override_creds(ff->cred);
		ret = vfs_llseek(lower, offset, whence);
		revert_creds(old);
		inode_unlock(inode);
		return ret < 0 ? ret : vfs_setpos(file, ret, inode->i_sb->s_maxbytes);
	default:
		return generic_file_llseek(file, offset, whence);
	}
}

long ext_backing_fallocate(struct file *file, int mode, loff_t offset, loff_t length)
{
	struct fuse_file *ff = file->private_data;
	struct file *lower = fuse_file_passthrough(ff);
	struct inode *inode = file_inode(file);
	const struct cred *old;
	long err;

	err = ext_change_backing(file, offset, length, EXTFUSE_WRITE_FALLOCATE, mode);
	if (err)
		return err;
	inode_lock(inode);
	/* By who writes: the registrant may keep set-id bits, the caller may not. */
	err = file_remove_privs(file);
	if (!err) {
		old = override_creds(ff->cred);
		err = vfs_fallocate(lower, mode, offset, length);
		revert_creds(old);
	}
	if (!err && i_size_read(file_inode(lower)) > i_size_read(inode))
		fuse_write_update_attr(inode, i_size_read(file_inode(lower)), length);
	fuse_invalidate_attr_mask(inode, FUSE_STATX_MODSIZE);
	inode_unlock(inode);
	return err;
}

/* Copied between two files by splice, if one of them is not the daemon's. */
int ext_copy_ready(struct file *in, struct file *out)
{
	struct fuse_file *ff_in = in->private_data, *ff_out = out->private_data;
	int err;

	if (test_bit(EXT_FILE_BACKING, &ff_in->ext.state) ||
	    test_bit(EXT_FILE_BACKING, &ff_out->ext.state))
		return -EOPNOTSUPP;
	err = ext_file_ready(ff_in);
	return err ?: ext_file_ready(ff_out);
}

void ext_passthrough_set_flags(struct file *file)
{
	struct file *lower = fuse_file_passthrough(file->private_data);

	spin_lock(&lower->f_lock);
	lower->f_flags = (lower->f_flags & ~EXT_LOWER_FLAGS) | (file->f_flags & EXT_LOWER_FLAGS);
	lower->f_iocb_flags = iocb_flags(lower);
	spin_unlock(&lower->f_lock);
}

bool ext_passthrough_new_atime(struct file *file, struct timespec64 atime)
{
	struct inode *inode = file_inode(file);
	struct fuse_inode *fi = get_fuse_inode(inode);
	struct ext_conn *ec = get_fuse_conn(inode)->ext;
	struct timespec64 cached = inode_get_atime(inode);

	fi->ext.backing_atime = atime;
	if (timespec64_equal(&atime, &cached))
		return false;
	ext_changed(ec, ext_node_index(ec, EXT_NODE, fi->nodeid));
	return true;
}
