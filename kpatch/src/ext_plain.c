// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files that were opened without a daemon that would want to know: it is told before
 * a name of theirs goes.
 */
#include "fuse_i.h"

#include <linux/file.h>

bool ext_is_plain(const struct ext_conn *ec)
{
	const struct extfuse_handler_ops *ops;
	bool plain;

	if (READ_ONCE(ec->plain))
		return true;
	rcu_read_lock();
	ops = ext_ops(ec);
	plain = ops && (ops->reply_open || (ops->flags & EXTFUSE_HANDLER_ALL_REPLIES));
	rcu_read_unlock();
	return plain;
}

/*
 * Either who removes the name finds the file in the list, or what it has changed
 * before it looked is seen here.
 */
void ext_plain_opened(struct inode *inode, struct fuse_file *ff, u64 token)
{
	struct fuse_inode *fi = get_fuse_inode(inode);
	struct ext_conn *ec = get_fuse_conn(inode)->ext;

	/* Also when this handler has gone. */
	if (!READ_ONCE(ec->plain))
		WRITE_ONCE(ec->plain, true);
	spin_lock(&fi->lock);
	hlist_add_head(&ff->ext.plain, &fi->ext.plain);
	spin_unlock(&fi->lock);
	/* Pairs with the addition in ext_plain_tell() */
	smp_mb();
	/*
	 * If that fails, so will its first request. The file stays open: somebody may be
	 * telling of it right now.
	 */
	if (ext_node_token(ec, fi->nodeid) != token)
		ext_file_tell(ff);
}

void ext_plain_tell(struct inode *inode)
{
	struct fuse_inode *fi = get_fuse_inode(inode);
	struct ext_conn *ec = get_fuse_conn(inode)->ext;
	struct fuse_file *ff;
	struct file *file;

	/* A full barrier */
	ext_changed(ec, ext_node_index(ec, EXT_NODE, fi->nodeid));
	for (;;) {
		spin_lock(&fi->lock);
		if (hlist_empty(&fi->ext.plain)) {
			spin_unlock(&fi->lock);
			return;
		}
		ff = hlist_entry(fi->ext.plain.first, struct fuse_file, ext.plain);
		hlist_del_init(&ff->ext.plain);
		/* It is there: who releases it takes it from the list first. */
		file = get_file_active(&ff->ext.file);
		spin_unlock(&fi->lock);
		if (!file)
			continue;
		/* If that fails, so will its first request, as for any file that is gone. */
		ext_file_tell(ff);
		fput(file);
	}
}

void ext_plain_released(struct fuse_inode *fi, struct fuse_file *ff)
{
	if (fi && !hlist_unhashed(&ff->ext.plain)) {
		spin_lock(&fi->lock);
		hlist_del_init(&ff->ext.plain);
		spin_unlock(&fi->lock);
	}
	ext_listing_free(ff->ext.listing);
	ff->ext.listing = NULL;
}

/*
 * What the daemon may do now is to remove a file that it had kept under a name of its
 * own (libfuse's .fuse_hidden), which was listed.
 */
bool ext_plain_removed(const struct ext_conn *ec, struct inode *inode)
{
	struct dentry *alias;
	bool removed = true;

	if (!inode || !ext_is_plain(ec))
		return false;
	spin_lock(&inode->i_lock);
	hlist_for_each_entry(alias, &inode->i_dentry, d_u.d_alias)
		if (!d_unhashed(alias))
			removed = false;
	spin_unlock(&inode->i_lock);
	return removed;
}
