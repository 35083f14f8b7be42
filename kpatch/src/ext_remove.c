// SPDX-License-Identifier: GPL-2.0-only
/*
 * Names that go: what becomes of the files behind them is in flight before their
 * daemon is told of those it does not know to be open, and until it has answered.
 */
#include "fuse_i.h"

static void ext_touch_now(struct fuse_args *args, struct inode *inode)
{
	struct ext_marks *marks = &args->ext;
	u8 count = marks->count;

	ext_touch_inode(args, inode);
	if (marks->count > count) {
		ext_mark_begin(get_fuse_conn(inode)->ext, marks->word[count]);
		marks->begun = marks->count;
	}
}

/* The inode that a name is taken from or given to. */
static int ext_touch_victim(struct fuse_args *args, struct dentry *entry)
{
	struct inode *inode = d_inode(entry);

	if (!inode)
		return 0;
	if (!EXT_MISTAKE(NODE_NOT_MARKED))
		ext_touch_now(args, inode);
	/* The mark was a full barrier, see ext_plain_opened() */
	return unlikely(!hlist_empty(&get_fuse_inode(inode)->ext.plain)) ?
		       ext_plain_tell(inode) : 0;
}

int ext_send_removal(struct mnt_idmap *idmap, struct fuse_mount *fm, struct fuse_args *args,
		     struct dentry *entry, struct dentry *replaced)
{
	int err;

	err = ext_touch_victim(args, entry);
	if (!err && replaced)
		err = ext_touch_victim(args, replaced);
	if (!err) {
		ext_plain_removing(d_inode(replaced ?: entry));
		err = __fuse_simple_request(idmap, fm, args);
	}
	/* Not sent: nobody else ends what was begun here. */
	if (unlikely(args->ext.count)) {
		args->ext.count = args->ext.begun;
		ext_marks_end_slow(fm->fc->ext, &args->ext);
	}
	return err;
}
