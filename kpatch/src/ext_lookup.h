/* SPDX-License-Identifier: GPL-2.0-only */
/* Names that are not in the dcache. Included by ext.h. */
#ifndef _EXT_LOOKUP_H
#define _EXT_LOOKUP_H

/* As EXT_UPCALL: the name is forbidden with -ENOENT, and about to be made. */
#define EXT_HIDDEN 4

/*
 * EXT_UPCALL, 0 with an inode, EXT_HIDDEN, or an error (-ENOENT: known to be absent, or
 * hidden where nothing is made).
 */
int ext_lookup(struct inode *dir, const struct qstr *name, unsigned int flags,
	       struct fuse_entry_out *outarg, struct inode **inode);
int ext_lookup_hidden(struct inode *dir, const struct qstr *name,
		      struct fuse_entry_out *outarg, struct inode **inode);

/* In place of fuse_lookup_name(); flags: LOOKUP_* */
static inline int ext_lookup_name(struct inode *dir, const struct qstr *name, unsigned int flags,
				  struct fuse_entry_out *outarg, struct inode **inode)
{
	int err;

	*inode = NULL;
	err = ext_lookup(dir, name, flags, outarg, inode);
	if (err == EXT_UPCALL)
		return fuse_lookup_name(dir->i_sb, get_node_id(dir), name, outarg, inode);
	return likely(err != EXT_HIDDEN) ? err : ext_lookup_hidden(dir, name, outarg, inode);
}

#endif /* _EXT_LOOKUP_H */
