/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Registered files: ext_backing.c, ext_idle.c, ext_data.c. Included by ext.h.
 */
#ifndef _EXT_BACKING_H
#define _EXT_BACKING_H

int ext_backings_init(struct ext_conn *ec);
void ext_backings_free(struct ext_conn *ec);
/* Drop all, and take no more. */
void ext_backings_drop(struct ext_conn *ec);
void ext_backing_forget(struct ext_conn *ec, u64 nodeid);
bool ext_backing_registered(struct ext_conn *ec, u64 nodeid);
/* With a reference; NULL: none. */
struct fuse_backing *ext_backing_get(struct ext_conn *ec, u64 nodeid);
/* May its lower file system forbid writing where modes allow it? */
bool ext_backing_guarded(const struct fuse_backing *fb);
u32 ext_backing_count(const struct ext_conn *ec);
long ext_ioctl_backing(struct ext_conn *ec, unsigned int cmd, struct extfuse_backing __user *arg);

/* Before fuse_file_io_open() decides; EXT_UPCALL: that is for it. */
int ext_backing_io_open(struct file *file, struct inode *inode);
/* It cannot open in the mode that was wanted. */
int ext_backing_conflict(struct file *file, struct inode *inode, int err);

/* The lower file of a reader that is done, for the next one: ext_idle.c */
void ext_idle_init(struct fuse_backing *fb);
void ext_idle_drop(struct fuse_backing *fb);
struct file *ext_idle_take(struct fuse_backing *fb, const struct file *file, unsigned int flags,
			   u32 *label);
void ext_idle_put(struct fuse_file *ff, struct fuse_backing *fb);

/* Is this file served by one that is registered? */
static inline bool ext_backed(const struct file *file)
{
	const struct fuse_file *ff = file->private_data;

	return test_bit(EXT_FILE_BACKING, &ff->ext.state);
}

/* ext_data.c: reads and writes of such a file; the rest of its operations is fuse's. */
extern const struct file_operations fuse_file_operations;
void ext_data_init(void);
void ext_backing_operate(struct file *file);

int ext_backing_flush(struct file *file, fl_owner_t id);
int ext_backing_fsync(struct file *file, loff_t start, loff_t end, int datasync);
loff_t ext_backing_llseek(struct file *file, loff_t offset, int whence);
long ext_backing_fallocate(struct file *file, int mode, loff_t offset, loff_t length);
int ext_copy_ready(struct file *in, struct file *out);
void ext_passthrough_set_flags(struct file *file);
bool ext_passthrough_new_atime(struct file *file, struct timespec64 atime);

/* F_SETFL may have changed them; O_APPEND goes with each write. */
#define EXT_LOWER_FLAGS (O_DIRECT | O_NOATIME)

static inline void ext_passthrough_flags(struct file *file)
{
	const struct file *lower = fuse_file_passthrough(file->private_data);

	if (unlikely((file->f_flags ^ lower->f_flags) & EXT_LOWER_FLAGS))
		ext_passthrough_set_flags(file);
}

/*
 * The lower file was read. Has its access time moved since that was last noticed?
 * Then the attributes that are cached are outdated.
 */
static inline bool ext_passthrough_accessed(struct file *file)
{
	const struct file *lower = fuse_file_passthrough(file->private_data);
	struct timespec64 atime = inode_get_atime(file_inode(lower));

	return !timespec64_equal(&atime, &get_fuse_inode(file_inode(file))->ext.backing_atime) &&
	       ext_passthrough_new_atime(file, atime);
}

#endif /* _EXT_BACKING_H */
