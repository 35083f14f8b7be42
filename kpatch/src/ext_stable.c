// SPDX-License-Identifier: GPL-2.0-only
/*
 * Names that the kernel has never seen: where the daemon has declared that its node
 * ids stay valid for ever, a handler's answer is enough to make the inode.
 */
#include "fuse_i.h"

long ext_ioctl_declare(struct ext_conn *ec, struct extfuse_declare __user *arg)
{
	struct extfuse_declare declare;

	if (copy_from_user(&declare, arg, sizeof(declare)))
		return -EFAULT;
	if (declare.size != sizeof(declare) || declare.flags != EXTFUSE_DECLARE_STABLE)
		return -EINVAL;
	WRITE_ONCE(ec->stable, true);
	return 0;
}

static int ext_inode_set(struct inode *inode, void *nodeid)
{
	get_fuse_inode(inode)->nodeid = *(u64 *)nodeid;
	return 0;
}

/* As fuse_iget() does for an inode that is new, but nobody counts a lookup. */
static void ext_inode_make(struct inode *inode, u32 generation, struct extfuse_getattr_out *out,
			   u64 version)
{
	struct fuse_attr *attr = (struct fuse_attr *)&out->attr;
	struct fuse_conn *fc = get_fuse_conn(inode);

	inode->i_flags |= S_NOATIME;
	if (!fc->writeback_cache || !S_ISREG(attr->mode))
		inode->i_flags |= S_NOCMTIME;
	inode->i_generation = generation;
	fuse_init_inode(inode, attr, fc);
	/*
	 * Before anybody sees it. If the node has changed since the handler was
	 * asked, through an inode that has come and gone in between say, its word
	 * has moved: the attributes are not trusted then.
	 */
	fuse_change_attributes(inode, attr, NULL, 0, version);
	ext_attr_made(inode, out);
}

struct inode *ext_stable_inode(struct super_block *sb, const struct extfuse_lookup_out *out)
{
	struct fuse_conn *fc = get_fuse_conn_super(sb);
	struct ext_getattr_call call __uninitialized;
	u64 version = fuse_get_attr_version(fc);
	u64 nodeid = out->nodeid;
	struct inode *inode;

	if (ext_getattr_node(&call, sb, nodeid) != EXTFUSE_HIT)
		return NULL;
	inode = iget5_locked(sb, nodeid, ext_inode_is, ext_inode_set, &nodeid);
	if (!inode)
		return NULL;
	if (inode->i_state & I_NEW) {
		ext_inode_make(inode, out->generation, &call.out, version);
		unlock_new_inode(inode);
		return inode;
	}
	/* Somebody else was first. */
	if (ext_inode_fits(inode, out) && !inode_wrong_type(inode, call.out.attr.mode))
		return inode;
	iput(inode);
	return NULL;
}

/*
 * That no lookups are left does not tell the daemon that the kernel has no inode. Of
 * a file without names it has to know: it keeps that until then.
 */
void ext_stable_evict(struct inode *inode)
{
	struct fuse_inode *fi = get_fuse_inode(inode);
	struct fuse_conn *fc = get_fuse_conn(inode);
	struct fuse_forget_link *forget;

	/* The id of an inode that went bad may have another one. */
	if (inode->i_nlink || fuse_is_bad(inode) || !(inode->i_sb->s_flags & SB_ACTIVE))
		return;
	ext_backing_forget(fc->ext, fi->nodeid);
	/* The inode's own is for its lookups. */
	forget = fi->nlookup ? kzalloc(sizeof(*forget), GFP_NOFS | __GFP_NOFAIL) : fi->forget;
	if (!forget)
		return;
	if (forget == fi->forget)
		fi->forget = NULL;
	fuse_queue_forget(fc, forget, fi->nodeid, 0);
}
