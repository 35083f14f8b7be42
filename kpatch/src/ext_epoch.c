// SPDX-License-Identifier: GPL-2.0-only
/*
 * Words: which requests change what. A change is in flight from before its
 * request is sent until after its answer, failure or abort has been seen.
 */
#include "ext_call.h"

#include <linux/termios.h>

static void ext_word_begin(struct ext_conn *ec, atomic64_t *word)
{
	u64 now;

	if (EXT_MISTAKE(EPOCH_AT_BEGIN)) {
		atomic64_add_return(EXTFUSE_EPOCH_ONE, word);
		return;
	}
	now = atomic64_inc_return(word);

	/*
	 * So many changes in flight that the count could run into the epoch: from
	 * here on nothing of this mount is cacheable any more.
	 */
	if (unlikely((now & EXTFUSE_INFLIGHT_MASK) > EXTFUSE_INFLIGHT_MASK / 2) &&
	    !atomic_xchg(&ec->aborted, 1))
		atomic64_inc(ext_mount_word(ec));
}

/*
 * Before the word gets its new epoch: who finds the count unchanged after the new
 * epoch was seen read the store after the change. The additions that follow are
 * full barriers.
 */
static void ext_count_change(struct ext_conn *ec)
{
	atomic64_inc((atomic64_t *)&ext_header(ec)->changes);
}

void ext_mark_begin(struct ext_conn *ec, u32 index)
{
	ext_word_begin(ec, ext_word(ec, index));
	if (ext_is_node(index))
		ext_word_begin(ec, ext_change_word(ec));
}

static void ext_word_end(struct ext_conn *ec, u32 index)
{
	if (EXT_MISTAKE(EPOCH_AT_BEGIN))
		return;
	if (EXT_MISTAKE(END_KEEPS_EPOCH)) {
		if (ext_is_node(index))
			atomic64_dec(ext_change_word(ec));
		atomic64_dec(ext_word(ec, index));
		return;
	}
	if (ext_is_node(index))
		atomic64_add_return(EXTFUSE_WORD_END, ext_change_word(ec));
	atomic64_add_return(EXTFUSE_WORD_END, ext_word(ec, index));
}

void ext_mark_end(struct ext_conn *ec, u32 index)
{
	ext_count_change(ec);
	ext_word_end(ec, index);
}

void ext_changed(struct ext_conn *ec, u32 index)
{
	ext_count_change(ec);
	if (ext_is_node(index))
		atomic64_add_return(EXTFUSE_EPOCH_ONE, ext_change_word(ec));
	atomic64_add_return(EXTFUSE_EPOCH_ONE, ext_word(ec, index));
}

/* The daemon's notifications, and others that name a node only. */
void ext_changed_node(struct fuse_conn *fc, u64 nodeid)
{
	struct ext_conn *ec = fc->ext;

	if (!ec)
		return;
	ext_changed(ec, ext_node_index(ec, EXT_NODE, nodeid));
	ext_changed(ec, ext_node_index(ec, EXT_XATTR, nodeid));
}

/* child 0: not named */
void ext_changed_entry(struct fuse_conn *fc, u64 parent, u64 child, const struct qstr *name)
{
	u64 words[EXTFUSE_NAME_WORDS];

	if (!fc->ext || !name->len)
		return;
	ext_changed(fc->ext, ext_name_index(ext_name_load(fc->ext, parent, name->name, name->len,
							  words)));
	ext_changed_node(fc, parent);
	if (child)
		ext_changed_node(fc, child);
}

/*
 * The kernel gives its references back: the id may be used for another file as
 * soon as the daemon has seen it. Called before the request is queued.
 */
void ext_forget(struct fuse_conn *fc, u64 nodeid)
{
	struct ext_conn *ec = fc->ext;

	/* A stable id means what it meant, and what is cached of it stays right. */
	if (!ec || READ_ONCE(ec->stable))
		return;
	ext_changed(ec, ext_node_index(ec, EXT_NODE, nodeid));
	ext_changed(ec, ext_node_index(ec, EXT_BEHIND, nodeid));
	ext_changed(ec, ext_node_index(ec, EXT_XATTR, nodeid));
	ext_backing_forget(ec, nodeid);
}

/* An aborted request may still be carried out by a living daemon. */
void ext_abort(struct fuse_conn *fc)
{
	if (!fc->ext)
		return;
	if (!atomic_xchg(&fc->ext->aborted, 1))
		atomic64_inc(ext_mount_word(fc->ext));
	ext_backings_drop(fc->ext);
}

void ext_touch(struct ext_marks *marks, u32 index)
{
	u32 i;

	/*
	 * Once each: a change that is in flight twice would never let the daemon
	 * predict the word that this request leaves behind.
	 */
	for (i = 0; i < marks->count; i++)
		if (marks->word[i] == index)
			return;
	if (marks->count >= EXT_MARKS_REPLY)
		marks->reply = 0; /* its place is needed */
	if (WARN_ON_ONCE(marks->count == EXT_MARKS_MAX)) {
		marks->word[0] = EXT_MOUNT_WORD;
		return;
	}
	marks->word[marks->count++] = index;
}

static void ext_touch_node(struct ext_conn *ec, struct ext_marks *marks, u64 nodeid)
{
	ext_touch(marks, ext_node_index(ec, EXT_NODE, nodeid));
}

/* arg: a name with its terminating zero, as the protocol sends it */
static void ext_touch_name(struct ext_conn *ec, struct ext_marks *marks, u64 parent,
			   const struct fuse_in_arg *arg)
{
	u64 words[EXTFUSE_NAME_WORDS];

	ext_touch(marks, ext_name_index(ext_name_load(ec, parent, arg->value, arg->size - 1,
						      words)));
}

void ext_touch_inode(struct fuse_args *args, struct inode *inode)
{
	ext_touch_node(get_fuse_conn(inode)->ext, &args->ext, get_node_id(inode));
}

/*
 * Who may search a directory changes: what was answered under it to one caller
 * holds no longer.
 */
void ext_touch_search(struct fuse_args *args, struct inode *inode, bool changes)
{
	struct ext_conn *ec = get_fuse_conn(inode)->ext;

	if (changes && S_ISDIR(inode->i_mode))
		ext_touch(&args->ext, ext_node_index(ec, EXT_BEHIND, get_node_id(inode)));
}

/*
 * Commands that only look, by what they are defined to do: a program that asks whether
 * it has a terminal asks this of every file. Any other may change the file, whatever its
 * number says of directions and whatever it returns.
 */
static bool ext_ioctl_looks(const struct fuse_ioctl_in *ioctl)
{
	if (ioctl->flags & FUSE_IOCTL_UNRESTRICTED)
		return false;
	switch (ioctl->cmd) {
	case TCGETS:
	case TCGETS2:
	case TIOCGWINSZ:
	case TIOCGPGRP:
	case FS_IOC_GETFLAGS:
	case FS_IOC32_GETFLAGS:
	case FS_IOC_FSGETXATTR:
	case FS_IOC_GETVERSION:
		return true;
	default:
		return false;
	}
}

/*
 * What a request changes as far as it says so itself. An operation that is not
 * listed changes nothing that is cached; docs/operations.md has the table.
 */
void ext_marks_collect(struct ext_conn *ec, struct fuse_args *args)
{
	struct ext_marks *marks = &args->ext;
	const void *in = args->in_args[0].value;

	switch (args->opcode) {
	case FUSE_SETATTR:
	case FUSE_SETXATTR:
	case FUSE_REMOVEXATTR:
		/* Mode and ACL are two views of one thing. */
		ext_touch(marks, ext_node_index(ec, EXT_XATTR, args->nodeid));
		fallthrough;
	case FUSE_WRITE:
	case FUSE_FALLOCATE:
	case FUSE_FSYNC:
		ext_touch_node(ec, marks, args->nodeid);
		break;

	case FUSE_OPEN: {
		const struct fuse_open_in *open = in;

		if ((open->flags & O_TRUNC) || (open->open_flags & FUSE_OPEN_KILL_SUIDGID))
			ext_touch_node(ec, marks, args->nodeid);
		break;
	}
	case FUSE_RELEASE: {
		const struct fuse_release_in *release = in;

		/* A daemon may write on close, for a network file system say. */
		if ((release->flags & O_ACCMODE) != O_RDONLY)
			ext_touch_node(ec, marks, args->nodeid);
		if (ext_plain_closes(ec, args))
			ext_touch(marks, EXT_MOUNT_WORD);
		break;
	}
	case FUSE_IOCTL: {
		const struct fuse_ioctl_in *ioctl = in;

		if (ext_ioctl_looks(ioctl))
			break;
		if (ioctl->flags & FUSE_IOCTL_UNRESTRICTED)
			ext_touch(marks, EXT_MOUNT_WORD);
		else
			ext_touch_node(ec, marks, args->nodeid);
		ext_touch(marks, ext_node_index(ec, EXT_XATTR, args->nodeid));
		break;
	}
	case FUSE_SYMLINK:
	case FUSE_UNLINK:
	case FUSE_RMDIR:
		ext_touch_node(ec, marks, args->nodeid);
		ext_touch_name(ec, marks, args->nodeid, &args->in_args[0]);
		break;

	case FUSE_MKNOD:
	case FUSE_MKDIR:
	case FUSE_CREATE:
	case FUSE_TMPFILE:
		ext_touch_node(ec, marks, args->nodeid);
		ext_touch_name(ec, marks, args->nodeid, &args->in_args[1]);
		break;

	case FUSE_LINK:
		ext_touch_node(ec, marks, ((const struct fuse_link_in *)in)->oldnodeid);
		ext_touch_node(ec, marks, args->nodeid);
		ext_touch_name(ec, marks, args->nodeid, &args->in_args[1]);
		break;

	case FUSE_RENAME:
	case FUSE_RENAME2: {
		/* .newdir is the first member of both structures */
		u64 newdir = ((const struct fuse_rename_in *)in)->newdir;

		ext_touch_node(ec, marks, args->nodeid);
		ext_touch_node(ec, marks, newdir);
		if (EXT_MISTAKE(NAMES_NOT_MARKED))
			break;
		ext_touch_name(ec, marks, args->nodeid, &args->in_args[1]);
		ext_touch_name(ec, marks, newdir, &args->in_args[2]);
		break;
	}
	case FUSE_COPY_FILE_RANGE:
		ext_touch_node(ec, marks, args->nodeid);
		ext_touch_node(ec, marks,
			       ((const struct fuse_copy_file_range_in *)in)->nodeid_out);
		break;

	case FUSE_SYNCFS:
		ext_touch(marks, EXT_MOUNT_WORD);
		break;

	case FUSE_FORGET:
		if (READ_ONCE(ec->stable))
			break;
		/* The one that does not pass fuse_queue_forget(): fuse_force_forget() */
		ext_touch_node(ec, marks, args->nodeid);
		ext_touch(marks, ext_node_index(ec, EXT_BEHIND, args->nodeid));
		ext_touch(marks, ext_node_index(ec, EXT_XATTR, args->nodeid));
		break;
	}
}

void ext_marks_begin_slow(struct ext_conn *ec, struct ext_marks *marks)
{
	u32 i;

	if (EXT_MISTAKE(DETACHED_NOT_MARKED) && !rcu_access_pointer(ec->handler))
		marks->count = marks->begun;
	for (i = marks->begun; i < marks->count; i++)
		ext_mark_begin(ec, marks->word[i]);
}

void ext_marks_end_slow(struct ext_conn *ec, struct ext_marks *marks)
{
	u32 i;

	ext_count_change(ec);
	for (i = 0; i < marks->count; i++)
		ext_word_end(ec, marks->word[i]);
	marks->count = 0;
}
