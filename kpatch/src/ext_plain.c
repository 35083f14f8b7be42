// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files that were opened without a daemon that would want to know: it is told before
 * a name of theirs goes.
 */
#include "fuse_i.h"

#include <linux/file.h>
#include <linux/wait_bit.h>

bool ext_is_plain(const struct ext_conn *ec)
{
	const struct extfuse_handler_ops *ops;
	bool plain;

	if (READ_ONCE(ec->plain))
		return true;
	rcu_read_lock();
	ops = ext_ops(ec);
	plain = ops && ext_opens_plain(ops);
	rcu_read_unlock();
	return plain;
}

/*
 * Either who removes a name finds the file in the list, or what it has put in flight
 * before it looked is seen here.
 */
bool ext_plain_opened(struct inode *inode, struct fuse_file *ff, u64 token)
{
	struct fuse_inode *fi = get_fuse_inode(inode);
	struct ext_conn *ec = get_fuse_conn(inode)->ext;
	bool pinned;

	/* Also when this handler has gone. */
	if (!READ_ONCE(ec->plain))
		WRITE_ONCE(ec->plain, true);
	__set_bit(EXT_FILE_PLAIN, &ff->ext.state);
	spin_lock(&fi->lock);
	hlist_add_head(&ff->ext.plain, &fi->ext.plain);
	spin_unlock(&fi->lock);
	/* Pairs with the mark in ext_touch_victim() */
	smp_mb();
	if (likely(ext_node_token(ec, fi->nodeid) == token))
		return true;
	do {
		spin_lock(&fi->lock);
		pinned = test_bit(EXT_FILE_PINNED, &ff->ext.state);
		if (!pinned)
			hlist_del_init(&ff->ext.plain);
		spin_unlock(&fi->lock);
		if (!pinned)
			return ext_file_seen(ff);
	} while (!wait_on_bit(&ff->ext.state, EXT_FILE_PINNED, TASK_KILLABLE));
	return true;
}

/*
 * Files stay in the list until the daemon knows of them: what it has refused once is
 * asked for again before the next name goes. Those that come are put in front, by
 * opens that know of the change.
 */
int ext_plain_tell(struct inode *inode)
{
	struct fuse_inode *fi = get_fuse_inode(inode);
	struct hlist_node *at;
	struct fuse_file *ff;
	struct file *file;
	int err = 0;

	spin_lock(&fi->lock);
	at = fi->ext.plain.first;
	while (at && err != -EINTR) {
		ff = hlist_entry(at, struct fuse_file, ext.plain);
		/* It is there: who releases it takes it from the list first. */
		file = get_file_active(&ff->ext.file);
		if (!file) {
			at = at->next;
			continue;
		}
		/* Its open may still fail: the file alone does not keep it. */
		set_bit(EXT_FILE_PINNED, &ff->ext.state);
		spin_unlock(&fi->lock);
		/* Another failure is that of its first request, as for any file that is gone. */
		err = ext_file_tell(ff);
		spin_lock(&fi->lock);
		at = at->next;
		if (!err)
			hlist_del_init(&ff->ext.plain);
		clear_and_wake_up_bit(EXT_FILE_PINNED, &ff->ext.state);
		fput(file);
	}
	spin_unlock(&fi->lock);
	return err == -EINTR ? err : 0;
}

void ext_plain_released(struct fuse_inode *fi, struct fuse_file *ff)
{
	if (test_bit(EXT_FILE_PLAIN, &ff->ext.state)) {
		spin_lock(&fi->lock);
		while (test_bit(EXT_FILE_PINNED, &ff->ext.state)) {
			spin_unlock(&fi->lock);
			wait_on_bit(&ff->ext.state, EXT_FILE_PINNED, TASK_UNINTERRUPTIBLE);
			spin_lock(&fi->lock);
		}
		hlist_del_init(&ff->ext.plain);
		spin_unlock(&fi->lock);
	}
	ext_listing_free(ff->ext.listing);
	ff->ext.listing = NULL;
}

/* Is this a name that nobody is removing now? Under i_lock. */
static bool ext_plain_stays(const struct dentry *alias, bool removed)
{
	struct inode *dir;
	bool locked = false;

	/* The daemon may have answered, and the dentry still have to go. */
	if (removed) {
		rcu_read_lock();
		dir = d_inode_rcu(READ_ONCE(alias->d_parent));
		locked = !dir || inode_is_locked(dir);
		rcu_read_unlock();
		/* It goes before the directory is unlocked. */
		smp_rmb();
	}
	return !locked && !d_unhashed(alias);
}

/*
 * What the daemon may do now is to remove a file that it had kept under a name of its
 * own (libfuse's .fuse_hidden), which was listed.
 */
static bool ext_plain_removed(struct inode *inode)
{
	struct fuse_inode *fi = get_fuse_inode(inode);
	struct dentry *alias;
	bool removed = true;

	spin_lock(&inode->i_lock);
	hlist_for_each_entry(alias, &inode->i_dentry, d_u.d_alias)
		if (ext_plain_stays(alias, fi->ext.removed))
			removed = false;
	/* It was not removed after all, or has other names. */
	if (!removed)
		fi->ext.removed = false;
	spin_unlock(&inode->i_lock);
	return removed;
}

void ext_plain_removing(struct inode *inode)
{
	if (!inode || likely(!ext_is_plain(get_fuse_conn(inode)->ext)))
		return;
	spin_lock(&inode->i_lock);
	get_fuse_inode(inode)->ext.removed = true;
	spin_unlock(&inode->i_lock);
}

bool ext_plain_closes(const struct ext_conn *ec, struct fuse_args *args)
{
	struct inode *inode = container_of(args, struct fuse_release_args, args)->inode;

	return inode && ext_is_plain(ec) && ext_plain_removed(inode);
}

void ext_plain_closed(struct ext_conn *ec, struct fuse_args *args)
{
	if (ec && ext_plain_closes(ec, args))
		ext_changed(ec, EXT_MOUNT_WORD);
}
