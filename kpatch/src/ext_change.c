// SPDX-License-Identifier: GPL-2.0-only
/*
 * Changes that no request names: truncation by CREATE, and writes that go to a
 * backing file past the daemon.
 */
#include "fuse_i.h"

/*
 * CREATE with O_TRUNC may find a file that the kernel knows under another name:
 * its node is in the reply only, too late to be marked. With a handler, the flag
 * is held back, and the driver truncates by SETATTR if the file was not empty.
 * Without one, all words are marked: nobody is served from them.
 */
bool ext_create_keeps_size(struct fuse_conn *fc, struct fuse_args *args,
			   struct fuse_create_in *in)
{
	if (!(in->flags & O_TRUNC) || (in->flags & O_EXCL))
		return false;
	if (!rcu_access_pointer(fc->ext->handler)) {
		ext_touch(&args->ext, EXT_MOUNT_WORD);
		return false;
	}
	in->flags &= ~O_TRUNC;
	/* Belongs to the truncation, whose SETATTR decides it anew. */
	in->open_flags &= ~FUSE_OPEN_KILL_SUIDGID;
	return true;
}

int ext_truncate_created(struct mnt_idmap *idmap, struct dentry *entry, struct file *file,
			 const struct fuse_attr *attr)
{
	struct inode *inode = d_inode(entry);
	struct iattr iattr = {
		.ia_valid = ATTR_SIZE | ATTR_FORCE,
		.ia_size = 0,
	};
	int err;

	if (!attr->size && !(attr->mode & (S_ISUID | S_ISGID)))
		return 0;
	/* A handle that was not opened for writing cannot be truncated by. */
	if (file->f_mode & FMODE_WRITE) {
		iattr.ia_valid |= ATTR_FILE;
		iattr.ia_file = file;
	} else {
		file = NULL;
	}
	inode_lock(inode);
	err = fuse_do_setattr(idmap, entry, &iattr, file);
	inode_unlock(inode);
	return err;
}

/* As long as such a file is open its node counts as changing. */
void ext_passthrough_open(struct file *file, struct fuse_file *ff)
{
	struct ext_conn *ec = ff->fm->fc->ext;

	if (!(file->f_mode & FMODE_WRITE))
		return;
	ext_mark_begin(ec, ext_node_index(ec, EXT_NODE, ff->nodeid));
	ff->ext_inflight = true;
}

void ext_passthrough_release(struct fuse_file *ff)
{
	struct ext_conn *ec = ff->fm->fc->ext;

	if (!ff->ext_inflight)
		return;
	ff->ext_inflight = false;
	/* Pages that somebody had read ahead, say: they went past this file. */
	ext_changed(ec, ext_node_index(ec, EXT_DATA, ff->nodeid));
	ext_mark_end(ec, ext_node_index(ec, EXT_NODE, ff->nodeid));
}

/* The mapping may outlive the file, and pins the inode: see struct ext_inode. */
int ext_passthrough_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct inode *inode = file_inode(file);
	struct fuse_inode *fi = get_fuse_inode(inode);
	struct ext_conn *ec = get_fuse_conn(inode)->ext;
	struct fuse_backing *fb;
	bool pin;
	int err;

	if ((vma->vm_flags & (VM_SHARED | VM_MAYWRITE)) != (VM_SHARED | VM_MAYWRITE))
		return 0;
	err = ext_change_backing(file, (loff_t)vma->vm_pgoff << PAGE_SHIFT,
				 vma->vm_end - vma->vm_start, EXTFUSE_WRITE_MAPPED, 0);
	if (err)
		return err;
	spin_lock(&fi->lock);
	pin = !fi->ext.pinned;
	fi->ext.pinned = true;
	spin_unlock(&fi->lock);
	if (!pin)
		return 0;
	ext_mark_begin(ec, ext_node_index(ec, EXT_NODE, fi->nodeid));
	/* The mapping keeps to this file; so must whoever opens the inode later. */
	fb = fuse_backing_get(fuse_inode_backing(fi));
	fi->ext.pinned_io = fb && !fuse_inode_uncached_io_start(fi, fb);
	if (fb && !fi->ext.pinned_io)
		fuse_backing_put(fb);
	return 0;
}

void ext_evict(struct inode *inode)
{
	struct fuse_inode *fi = get_fuse_inode(inode);
	struct ext_conn *ec = get_fuse_conn(inode)->ext;

	if (fi->ext.pinned)
		ext_mark_end(ec, ext_node_index(ec, EXT_NODE, fi->nodeid));
	if (fi->ext.pinned_io)
		fuse_inode_uncached_io_end(fi);
	if (ec && READ_ONCE(ec->stable))
		ext_stable_evict(inode);
}
