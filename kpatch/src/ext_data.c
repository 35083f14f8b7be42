// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads and writes of registered files, at the lower file system's speed. Writes
 * that change neither size nor privileges run in parallel, as far as it lets them.
 *
 * On local file systems its methods are called as if the caller had opened the
 * file there. What backing_file_read_iter() and backing_file_write_iter() do
 * besides is needed where somebody watches, and where an LSM may have changed its
 * mind about the registrant: it is asked with the first one of an open file, and
 * again after a second. The calls that need nothing of it are found by one test,
 * what the others need stands out of their way.
 */
#include "fuse_i.h"

#include <linux/backing-file.h>
#include <linux/cred.h>
#include <linux/fsnotify.h>
#include <linux/jiffies.h>

/* What a synchronous write may be besides, to be called on the lower file. */
#define EXT_PLAIN_WRITE (IOCB_WRITE | IOCB_DIRECT | IOCB_DSYNC | IOCB_SYNC)

/* Those of fuse but for these two; constant after ext_data_init(). */
static typeof(*(struct file_operations *const)NULL) ext_backing_operations __ro_after_init;

static bool ext_lsm_asked(const unsigned long *when)
{
	unsigned long asked = READ_ONCE(*when);

	return asked && time_before(jiffies, asked + HZ);
}

/* Only of files on local file systems: others are not called as if opened there. */
static void ext_lsm_agreed(const struct fuse_file *ff, unsigned long *when)
{
	if (test_bit(EXT_FILE_LOCAL, &ff->ext.state))
		WRITE_ONCE(*when, jiffies | 1);
}

static bool ext_unwatched(const struct file *lower)
{
	return !fsnotify_sb_has_watchers(file_inode(lower)->i_sb);
}

static bool ext_same_flags(const struct file *file, const struct file *lower)
{
	return !((file->f_flags ^ lower->f_flags) & EXT_LOWER_FLAGS);
}

static noinline ssize_t ext_backing_read_slow(struct kiocb *iocb, struct iov_iter *to)
{
	struct fuse_file *ff = iocb->ki_filp->private_data;
	ssize_t ret;

	if (fuse_is_bad(file_inode(iocb->ki_filp)))
		return -EIO;
	ret = fuse_passthrough_read_iter(iocb, to);
	if (ret > 0)
		ext_lsm_agreed(ff, &ff->ext.read_asked);
	return ret;
}

static ssize_t ext_backing_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct file *file = iocb->ki_filp;
	struct fuse_file *ff = file->private_data;
	struct file *lower = ff->passthrough;
	ssize_t ret;

	if (unlikely(!is_sync_kiocb(iocb) || iocb->ki_flags || !iov_iter_count(to) ||
		     fuse_is_bad(file_inode(file)) || !ext_same_flags(file, lower) ||
		     !ext_lsm_asked(&ff->ext.read_asked) || !ext_unwatched(lower)))
		return ext_backing_read_slow(iocb, to);
	iocb->ki_filp = lower;
	ret = lower->f_op->read_iter(iocb, to);
	iocb->ki_filp = file;
	if (ext_passthrough_accessed(file))
		fuse_invalidate_atime(file_inode(file));
	return ret;
}

static noinline bool ext_learn_no_caps(struct inode *inode, const struct ext_conn *ec)
{
	struct fuse_inode *fi = get_fuse_inode(inode);
	u32 index = ext_node_index(ec, EXT_XATTR, fi->nodeid);
	u64 token = ext_sum(ec, index);

	if (!ext_cacheable(token) || !ext_has_no_caps(inode, token))
		return false;
	fi->ext.no_caps_index = index;
	/* Pairs with the acquire in ext_privileges_stay() */
	smp_store_release(&fi->ext.no_caps_word, token | EXT_WARM);
	return true;
}

/*
 * Can the caller's write take away no privilege that the file gives to who
 * executes it? Remembered as long as nobody changes attributes of that kind.
 */
static __always_inline bool ext_privileges_stay(struct inode *inode, const struct ext_conn *ec)
{
	struct fuse_inode *fi = get_fuse_inode(inode);
	u64 remembered;

	if (inode->i_mode & (S_ISUID | S_ISGID))
		return false;
	if (IS_NOSEC(inode))
		return true;
	/* Pairs with the release in ext_learn_no_caps(): the index is there. */
	remembered = smp_load_acquire(&fi->ext.no_caps_word);
	return likely(remembered && remembered - EXT_WARM == ext_sum(ec, fi->ext.no_caps_index)) ||
	       ext_learn_no_caps(inode, ec);
}

/*
 * As override_creds(), without a reference: what is called here returns before the
 * open file, which holds its credentials, can go.
 */
static const struct cred *ext_exchange_creds(const struct cred *cred)
{
	return rcu_replace_pointer(current->cred, cred, true);
}

static ssize_t ext_lower_write(struct kiocb *iocb, struct iov_iter *from)
{
	struct file *file = iocb->ki_filp;
	struct fuse_file *ff = file->private_data;
	struct file *lower = ff->passthrough;
	const struct cred *old;
	ssize_t ret;

	if ((iocb->ki_flags & IOCB_DIRECT) && !(lower->f_mode & FMODE_CAN_ODIRECT))
		return -EINVAL;
	old = ext_exchange_creds(ff->cred);
	if (!(iocb->ki_flags & ~EXT_PLAIN_WRITE) && ext_lsm_asked(&ff->ext.write_asked) &&
	    ext_unwatched(lower)) {
		file_start_write(lower);
		iocb->ki_filp = lower;
		ret = lower->f_op->write_iter(iocb, from);
		iocb->ki_filp = file;
		file_end_write(lower);
	} else {
		ret = vfs_iter_write(lower, from, &iocb->ki_pos,
				     (__force rwf_t)(iocb->ki_flags &
						     (IOCB_HIPRI | IOCB_DSYNC | IOCB_SYNC)));
		if (ret > 0)
			ext_lsm_agreed(ff, &ff->ext.write_asked);
	}
	ext_exchange_creds(old);
	return ret;
}

static noinline ssize_t ext_backing_write_slow(struct kiocb *iocb, struct iov_iter *from)
{
	struct file *file = iocb->ki_filp;
	struct inode *inode = file_inode(file);
	ssize_t ret;

	if (fuse_is_bad(inode))
		return -EIO;
	if (!is_sync_kiocb(iocb) || (iocb->ki_flags & (IOCB_APPEND | IOCB_NOWAIT)) ||
	    !iov_iter_count(from))
		return fuse_passthrough_write_iter(iocb, from);
	inode_lock_shared(inode);
	if (iocb->ki_pos + iov_iter_count(from) > i_size_read(inode) ||
	    !ext_privileges_stay(inode, get_fuse_conn(inode)->ext)) {
		inode_unlock_shared(inode);
		return fuse_passthrough_write_iter(iocb, from);
	}
	ret = ext_passthrough_write(iocb, iov_iter_count(from));
	if (!ret) {
		ext_passthrough_flags(file);
		ret = ext_lower_write(iocb, from);
		fuse_write_update_attr(inode, iocb->ki_pos, ret);
	}
	inode_unlock_shared(inode);
	return ret;
}

/* fuse_write_update_attr() of a write that ends within the file. */
static void ext_write_changed(struct fuse_conn *fc, struct fuse_inode *fi)
{
	spin_lock(&fi->lock);
	fi->attr_version = atomic64_inc_return(&fc->attr_version);
	spin_unlock(&fi->lock);
	/*
	 * Replies that were asked for before are not applied from here on, so what is
	 * found to be invalid stays so until somebody asks anew.
	 */
	if ((READ_ONCE(fi->inval_mask) & FUSE_STATX_MODSIZE) != FUSE_STATX_MODSIZE)
		set_mask_bits(&fi->inval_mask, 0, FUSE_STATX_MODSIZE);
}

/*
 * The inode's lock is shared by writes that go on within the file; the lower file
 * system orders them. Truncation, and changes of mode and xattrs, have it alone.
 * Where somebody has, or the lower file system is being frozen, it is waited for
 * on the slow path.
 */
static ssize_t ext_backing_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	struct file *file = iocb->ki_filp;
	struct fuse_file *ff = file->private_data;
	struct inode *inode = file_inode(file);
	struct file *lower = ff->passthrough;
	struct super_block *lower_sb = file_inode(lower)->i_sb;
	struct fuse_conn *fc = ff->fm->fc;
	const struct cred *old;
	ssize_t ret;

	if (unlikely(!is_sync_kiocb(iocb) || (iocb->ki_flags & ~IOCB_WRITE) ||
		     !iov_iter_count(from) || fuse_is_bad(inode) || !ext_same_flags(file, lower) ||
		     !ext_lsm_asked(&ff->ext.write_asked) || !ext_unwatched(lower) ||
		     ext_writes_observed(fc->ext) || !inode_trylock_shared(inode)))
		return ext_backing_write_slow(iocb, from);
	if (unlikely(iocb->ki_pos + iov_iter_count(from) > i_size_read(inode) ||
		     !ext_privileges_stay(inode, fc->ext) || !sb_start_write_trylock(lower_sb))) {
		inode_unlock_shared(inode);
		return ext_backing_write_slow(iocb, from);
	}
	old = ext_exchange_creds(ff->cred);
	iocb->ki_filp = lower;
	ret = lower->f_op->write_iter(iocb, from);
	iocb->ki_filp = file;
	ext_exchange_creds(old);
	sb_end_write(lower_sb);
	ext_write_changed(fc, get_fuse_inode(inode));
	inode_unlock_shared(inode);
	return ret;
}

/* Before anybody else sees the file. */
void ext_backing_operate(struct file *file)
{
	file->f_op = &ext_backing_operations;
}

void ext_data_init(void)
{
	ext_backing_operations = fuse_file_operations;
	ext_backing_operations.read_iter = ext_backing_read_iter;
	ext_backing_operations.write_iter = ext_backing_write_iter;
}
