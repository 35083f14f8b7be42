// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dentries that move while somebody asks about them. In ref walk a dentry is only
 * held, not kept in place: d_splice_alias() moves the dentry of a directory that
 * the daemon has found under another name, and what is then asked is not what
 * was walked. ->d_revalidate() is not told the name before Linux 6.14.
 */
#include "fuse_i.h"

#include <linux/dcache.h>
#include <linux/namei.h>

/*
 * How long a walk may take from finding a dentry to asking whether it is valid: a
 * few instructions, unless it is interrupted.
 */
#define EXT_DENTRY_SETTLES HZ

bool ext_dentry_moved_since(u32 moved)
{
	return time_before32((u32)jiffies, moved + EXT_DENTRY_SETTLES);
}

void ext_place_get(struct dentry *dentry, struct ext_place *place)
{
	for (;;) {
		place->seq = raw_seqcount_begin(&dentry->d_seq);
		place->parent = dget_parent(dentry);
		take_dentry_name_snapshot(&place->name, dentry);
		if (!read_seqcount_retry(&dentry->d_seq, place->seq))
			return;
		release_dentry_name_snapshot(&place->name);
		dput(place->parent);
	}
}

bool ext_place_put(struct dentry *dentry, struct ext_place *place)
{
	release_dentry_name_snapshot(&place->name);
	dput(place->parent);
	return !read_seqcount_retry(&dentry->d_seq, place->seq);
}

/* Is it the place of the other one? It is unhashed then, and comes back. */
static bool ext_same_place(struct dentry *alias, const struct dentry *entry)
{
	struct ext_place place;
	bool same;

	ext_place_get(alias, &place);
	same = place.parent == entry->d_parent &&
	       place.name.name.len == entry->d_name.len &&
	       !memcmp(place.name.name.name, entry->d_name.name, entry->d_name.len);
	return ext_place_put(alias, &place) && same;
}

struct dentry *ext_splice_alias(struct inode *inode, struct dentry *entry)
{
	struct dentry *alias = NULL;
	u32 now = jiffies;

	if (!IS_ERR_OR_NULL(inode) && S_ISDIR(inode->i_mode))
		alias = d_find_any_alias(inode);
	if (alias && !ext_same_place(alias, entry)) {
		/* Before it moves. d_lock: against ext_dentry_remember() */
		spin_lock(&alias->d_lock);
		WRITE_ONCE(alias->d_time, (u64)now << EXT_DENTRY_INDEX_SHIFT | EXT_DENTRY_MOVED);
		spin_unlock(&alias->d_lock);
	}
	dput(alias);
	return d_splice_alias(inode, entry);
}
