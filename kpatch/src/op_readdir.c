// SPDX-License-Identifier: GPL-2.0-only
/*
 * READDIR from a handler's maps, also where READDIRPLUS was to be sent: a handler
 * cannot give the lookup counts that come with attributes, so such a request is
 * answered without them, and only while the dentries are there anyway.
 */
#include "ext_call.h"
#include "ext_object.h"

#include <linux/dcache.h>
#include <linux/stringhash.h>

int ext_dirents_put(struct ext_bytes *bytes, const void *data, u64 start, u32 len)
{
	u32 before = bytes->filled;
	struct fuse_dirent entry;
	u32 at, reclen;
	char *copy;

	if (bytes->full)
		return -ENOSPC;
	if (start == bytes->offset)
		bytes->started = true;
	for (at = 0; at < len; at += reclen) {
		if (len - at < FUSE_NAME_OFFSET)
			goto bad;
		/* What is checked is the copy: the map may be written meanwhile. */
		memcpy(&entry, data + at, FUSE_NAME_OFFSET);
		if (!entry.namelen || entry.namelen > EXTFUSE_NAME_MAX)
			goto bad;
		reclen = FUSE_DIRENT_SIZE(&entry);
		if (reclen > len - at)
			goto bad;
		if (!bytes->started) {
			bytes->started = entry.off == bytes->offset;
			continue;
		}
		if (reclen > bytes->room - bytes->filled) {
			bytes->full = true;
			break;
		}
		copy = bytes->buf + bytes->filled;
		memcpy(copy, &entry, FUSE_NAME_OFFSET);
		copy += FUSE_NAME_OFFSET;
		memcpy(copy, data + at + FUSE_NAME_OFFSET, entry.namelen);
		if (memchr(copy, '/', entry.namelen) || memchr(copy, 0, entry.namelen))
			goto bad;
		memset(copy + entry.namelen, 0, reclen - FUSE_NAME_OFFSET - entry.namelen);
		bytes->filled += reclen;
	}
	return bytes->filled > before || !bytes->full ? bytes->filled - before : -ENOSPC;
bad:
	bytes->bad = true;
	return -EINVAL;
}

static bool ext_is_dot(const struct fuse_dirent *entry)
{
	return entry->name[0] == '.' &&
	       (entry->namelen == 1 || (entry->namelen == 2 && entry->name[1] == '.'));
}

static bool ext_child_known(struct dentry *dir, const struct fuse_dirent *entry)
{
	struct qstr name = QSTR_INIT(entry->name, entry->namelen);
	struct dentry *child;
	bool known;

	name.hash = full_name_hash(dir, name.name, name.len);
	child = d_lookup(dir, &name);
	known = child && d_really_is_positive(child);
	dput(child);
	return known;
}

static u32 ext_direntplus_size(const struct fuse_dirent *entry)
{
	return FUSE_DIRENT_ALIGN(FUSE_NAME_OFFSET_DIRENTPLUS + entry->namelen);
}

/*
 * Are the entries in the dcache, going by the first and the last of those that a
 * READDIRPLUS would have room for? If not, whoever reads the directory to look at
 * its files is served better by the daemon: one READDIRPLUS instead of a LOOKUP for
 * each.
 */
bool ext_children_known(struct super_block *sb, u64 nodeid, const struct ext_bytes *bytes)
{
	struct fuse_dirent *entry, *first = NULL, *last = NULL;
	struct dentry *dir = NULL;
	u32 room = bytes->room;
	struct inode *inode;
	bool known;
	u32 at;

	for (at = 0; at < bytes->filled; at += FUSE_DIRENT_SIZE(entry)) {
		entry = bytes->buf + at;
		if (ext_direntplus_size(entry) > room)
			break;
		room -= ext_direntplus_size(entry);
		if (ext_is_dot(entry))
			continue;
		first = first ?: entry;
		last = entry;
	}
	if (!first)
		return true;

	rcu_read_lock();
	inode = find_inode_rcu(sb, nodeid, ext_inode_is, &nodeid);
	if (inode)
		inode = igrab(inode);
	rcu_read_unlock();
	if (inode)
		dir = d_find_any_alias(inode);
	iput(inode);
	known = dir && ext_child_known(dir, first) && ext_child_known(dir, last);
	dput(dir);
	return known;
}

int ext_readdir(struct fuse_mount *fm, struct fuse_args *args, ssize_t *ret)
{
	struct fuse_args_pages *ap = container_of(args, struct fuse_args_pages, args);
	const struct fuse_read_in *in = args->in_args[0].value;
	bool plus = args->opcode == FUSE_READDIRPLUS;
	struct ext_bytes_call call __uninitialized;
	struct ext_bytes *bytes = &call.bytes;
	int verdict;

	if (!args->out_pages || !ap->uses_folios || ap->num_folios != 1 ||
	    in->size > folio_size(ap->folios[0]))
		return EXT_UPCALL;
	if (args->ext.file && args->ext.file->ext.listing)
		return ext_listing_answer(fm, args, ret);
	ext_bytes_call_init(&call, fm, args, EXTFUSE_OP_READDIR, in->size);
	call.in.offset = in->offset;
	call.in.flags = plus ? EXTFUSE_READDIR_PLUS : 0;
	ext_bytes_init(bytes, folio_address(ap->folios[0]), in->size);
	bytes->dir = true;
	bytes->offset = in->offset;

	verdict = ext_bytes_ask(&call, fm->sb);
	if (verdict != EXTFUSE_HIT)
		return verdict;
	if (bytes->bad || bytes->out.size != bytes->filled) {
		ext_count(fm->fc->ext, EXTFUSE_OP_READDIR, invalid);
		return EXT_UPCALL;
	}
	if (plus) {
		if (!ext_children_known(fm->sb, args->nodeid, bytes)) {
			ext_count(fm->fc->ext, EXTFUSE_OP_READDIR, dead);
			return EXT_UPCALL;
		}
		/* What the caller takes the answer for. */
		args->opcode = FUSE_READDIR;
	}
	args->out_args[0].size = bytes->filled;
	*ret = bytes->filled;
	return EXTFUSE_HIT;
}
