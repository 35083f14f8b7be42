// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads and writes of registered files, at the lower file system's speed. Writes
 * that change neither size nor privileges run in parallel, as far as it lets them.
 *
 * On local file systems its methods are called as if the caller had opened the
 * file there. What backing_file_read_iter() and backing_file_write_iter() do
 * besides is needed where somebody watches, and where an LSM may have changed its
 * mind about the registrant: it is asked with the first one of an open file, and
 * again after a second.
 */
#include "fuse_i.h"

#include <linux/backing-file.h>
#include <linux/cred.h>
#include <linux/fsnotify.h>
#include <linux/jiffies.h>

/* What a synchronous call may be besides reading or writing, to be a plain one. */
#define EXT_PLAIN_READ 0
#define EXT_PLAIN_WRITE (IOCB_WRITE | IOCB_DIRECT | IOCB_DSYNC | IOCB_SYNC)

static bool ext_lsm_asked(const unsigned long *when)
{
	unsigned long asked = READ_ONCE(*when);

	return asked && time_before(jiffies, asked + HZ);
}

static void ext_lsm_agreed(unsigned long *when)
{
	WRITE_ONCE(*when, jiffies | 1);
}

static bool ext_unwatched(const struct file *lower)
{
	return !fsnotify_sb_has_watchers(file_inode(lower)->i_sb);
}

ssize_t ext_backing_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct file *file = iocb->ki_filp;
	struct fuse_file *ff = file->private_data;
	struct file *lower = ff->passthrough;
	ssize_t ret;

	if (!is_sync_kiocb(iocb) || (iocb->ki_flags & ~EXT_PLAIN_READ) ||
	    !ext_lsm_asked(&ff->ext.read_asked) || !ext_unwatched(lower) ||
	    !iov_iter_count(to)) {
		ret = fuse_passthrough_read_iter(iocb, to);
		if (ret > 0)
			ext_lsm_agreed(&ff->ext.read_asked);
		return ret;
	}
	ext_passthrough_flags(file);
	iocb->ki_filp = lower;
	ret = lower->f_op->read_iter(iocb, to);
	iocb->ki_filp = file;
	if (ext_passthrough_accessed(file))
		fuse_invalidate_atime(file_inode(file));
	return ret;
}

/*
 * Can the caller's write take away no privilege that the file gives to who
 * executes it? Remembered as long as nobody changes attributes of that kind.
 */
static bool ext_privileges_stay(struct inode *inode)
{
	struct fuse_inode *fi = get_fuse_inode(inode);
	struct ext_conn *ec = get_fuse_conn(inode)->ext;
	u64 token;

	if (inode->i_mode & (S_ISUID | S_ISGID))
		return false;
	if (IS_NOSEC(inode))
		return true;
	token = ext_sum(ec, ext_node_index(ec, EXT_XATTR, fi->nodeid));
	if (READ_ONCE(fi->ext.no_caps_word) == (token | EXT_WARM))
		return true;
	if (!ext_cacheable(token) || !ext_has_no_caps(inode, token))
		return false;
	WRITE_ONCE(fi->ext.no_caps_word, token | EXT_WARM);
	return true;
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
	old = override_creds(ff->cred);
	if (test_bit(EXT_FILE_LOCAL, &ff->ext.state) && !(iocb->ki_flags & ~EXT_PLAIN_WRITE) &&
	    ext_lsm_asked(&ff->ext.write_asked) && ext_unwatched(lower)) {
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
			ext_lsm_agreed(&ff->ext.write_asked);
	}
	revert_creds(old);
	return ret;
}

/*
 * The inode's lock is shared by writes that go on within the file; the lower file
 * system orders them. Truncation, and changes of mode and xattrs, have it alone.
 */
ssize_t ext_backing_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	struct file *file = iocb->ki_filp;
	struct inode *inode = file_inode(file);
	ssize_t ret;

	if (!is_sync_kiocb(iocb) || (iocb->ki_flags & (IOCB_APPEND | IOCB_NOWAIT)) ||
	    !iov_iter_count(from))
		return fuse_passthrough_write_iter(iocb, from);
	inode_lock_shared(inode);
	if (iocb->ki_pos + iov_iter_count(from) > i_size_read(inode) ||
	    !ext_privileges_stay(inode)) {
		inode_unlock_shared(inode);
		return fuse_passthrough_write_iter(iocb, from);
	}
	ret = ext_passthrough_write(file, iocb->ki_pos, iov_iter_count(from));
	if (!ret) {
		ext_passthrough_flags(file);
		ret = ext_lower_write(iocb, from);
		fuse_write_update_attr(inode, iocb->ki_pos, ret);
	}
	inode_unlock_shared(inode);
	return ret;
}
