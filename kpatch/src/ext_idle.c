// SPDX-License-Identifier: GPL-2.0-only
/*
 * The lower file of a reader that is done, kept for the next one: most of what
 * opening a registered file costs is opening and closing that. One for each, as
 * long as it is registered.
 *
 * Kept is what a reader of the same LSM label cannot tell from a file that was
 * opened for it. So only files on local file systems, whose open() and flush()
 * fetch nothing and tell nobody, and only while nobody watches there.
 */
#include "fuse_i.h"

#include <linux/backing-file.h>
#include <linux/file.h>
#include <linux/filelock.h>
#include <linux/fsnotify.h>
#include <linux/pagemap.h>
#include <linux/security.h>

/* In fuse_backing.ext_idle: room for one. NULL: none is kept (any more). */
#define EXT_IDLE_ROOM ((struct file *)1)

/* What open() was asked for, beyond reading. */
static bool ext_idle_plain(unsigned int flags)
{
	return (flags & ~(O_CLOEXEC | O_NOFOLLOW)) == (O_RDONLY | O_LARGEFILE);
}

/* Nobody may know of a kept file by what it was opened for: a mount to be busy, say. */
static void ext_idle_set_user_path(struct file *lower, const struct path *path)
{
	struct path *user_path = backing_file_user_path(lower);

	path_put(user_path);
	*user_path = *path;
}

void ext_idle_init(struct fuse_backing *fb)
{
	fb->ext_idle = EXT_IDLE_ROOM;
}

void ext_idle_drop(struct fuse_backing *fb)
{
	struct file *lower = xchg(&fb->ext_idle, NULL);

	if (lower && lower != EXT_IDLE_ROOM)
		fput(lower);
}

/* As open() leaves it. */
static int ext_idle_reopen(struct file *lower, const struct file *file)
{
	path_get(&file->f_path);
	ext_idle_set_user_path(lower, &file->f_path);
	lower->f_pos = 0;
	lower->f_mode &= ~(FMODE_RANDOM | FMODE_NOREUSE);
	lower->f_wb_err = filemap_sample_wb_err(lower->f_mapping);
	lower->f_sb_err = file_sample_sb_err(lower);
	file_ra_state_init(&lower->f_ra, lower->f_mapping->host->i_mapping);
	return break_lease(file_inode(lower), O_RDONLY);
}

/* In place of backing_file_open(). NULL: there is none for this opener. */
struct file *ext_idle_take(struct fuse_backing *fb, const struct file *file, unsigned int flags,
			   u32 *label)
{
	struct file *lower = READ_ONCE(fb->ext_idle);
	int err;

	security_cred_getsecid(current_cred(), label);
	/* What LSMs keep of a stack of mounts is in the file, and holds them. */
	if (!lower || lower == EXT_IDLE_ROOM || (file->f_mode & FMODE_BACKING) ||
	    !ext_idle_plain(flags) ||
	    cmpxchg(&fb->ext_idle, lower, EXT_IDLE_ROOM) != lower)
		return NULL;
	/* Nobody else has it now. */
	if (lower->f_pos != *label || fsnotify_sb_has_watchers(file_inode(lower)->i_sb)) {
		fput(lower);
		return NULL;
	}
	err = ext_idle_reopen(lower, file);
	if (err) {
		fput(lower);
		return ERR_PTR(err);
	}
	return lower;
}

/* In place of fput(). */
void ext_idle_put(struct fuse_file *ff, struct fuse_backing *fb)
{
	static const struct path nowhere;
	struct file *lower = ff->passthrough;

	/* Whoever maps it, or reads from it asynchronously, has a reference. */
	if (test_bit(EXT_FILE_LOCAL, &ff->ext.state) && ext_idle_plain(lower->f_flags) &&
	    READ_ONCE(fb->ext_idle) == EXT_IDLE_ROOM && file_count(lower) == 1 &&
	    !fsnotify_sb_has_watchers(file_inode(lower)->i_sb)) {
		ext_idle_set_user_path(lower, &nowhere);
		/* A position is what it has no use for. */
		lower->f_pos = ff->ext.label;
		/* Pairs with the one in ext_idle_take() */
		if (cmpxchg(&fb->ext_idle, EXT_IDLE_ROOM, lower) == EXT_IDLE_ROOM)
			return;
	}
	fput(lower);
}
