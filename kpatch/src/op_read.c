// SPDX-License-Identifier: GPL-2.0-only
/*
 * READ: data from a handler's maps into the pages of the request, be they the
 * caller's or the page cache's, waited for or read ahead.
 */
#include "ext_call.h"
#include "ext_validate.h"

#include <linux/highmem.h>
#include <linux/pagemap.h>

/* from NULL: zeros */
static void ext_pages_fill(struct fuse_args_pages *ap, u32 pos, const void *from, u32 len)
{
	unsigned int i;

	for (i = 0; i < ap->num_pages && len; i++) {
		u32 room = ap->descs[i].length;
		u32 part;

		if (pos >= room) {
			pos -= room;
			continue;
		}
		part = min(len, room - pos);
		if (from && part == PAGE_SIZE) {
			/* A third of what memcpy() of a kernel without fsrm takes. */
			void *to = kmap_local_page(ap->pages[i]);

			copy_page(to, (void *)from);
			kunmap_local(to);
			from += part;
		} else if (from) {
			memcpy_to_page(ap->pages[i], ap->descs[i].offset + pos, from, part);
			from += part;
		} else {
			memzero_page(ap->pages[i], ap->descs[i].offset + pos, part);
		}
		len -= part;
		pos = 0;
	}
}

void ext_read_copy(struct fuse_args_pages *ap, u32 pos, const void *from, u32 len)
{
	ext_pages_fill(ap, pos, from, len);
}

/* Under rcu_read_lock(). EXTFUSE_HIT: fresh after the last byte was copied. */
static int ext_read_ask(struct ext_read_call *call, const struct super_block *sb)
{
	struct fuse_conn *fc = call->fc;
	const struct extfuse_handler_ops *ops;
	struct extfuse_read_out *out = &call->out;
	int ret;

	if (!ext_caller_fill(fc, sb, &call->in.caller))
		return EXT_UPCALL;
	call->in.word = ext_node_token(fc->ext, call->in.nodeid);
	*out = (struct extfuse_read_out){};

	/* After the token, see ext_lookup_ask() */
	ops = ext_ops(fc->ext);
	if (!ops || !ops->read)
		return EXT_UPCALL;
	ret = ops->read(&call->in, out);
	ret = ext_verdict(fc, EXTFUSE_OP_READ, ret, out->flags);
	if (ret != EXTFUSE_HIT)
		return ret;
	if (!ext_cacheable(out->word) || out->word != call->in.word ||
	    out->word != ext_node_token(fc->ext, call->in.nodeid)) {
		ext_count(fc->ext, EXTFUSE_OP_READ, stale);
		return EXT_UPCALL;
	}
	/* Bytes that were answered but never put would be somebody else's. */
	if (out->size > call->in.size || out->size != call->filled) {
		ext_count(fc->ext, EXTFUSE_OP_READ, invalid);
		return EXT_UPCALL;
	}
	return EXTFUSE_HIT;
}

bool ext_read(struct fuse_mount *fm, struct fuse_args *args, bool background, ssize_t *ret)
{
	const struct fuse_read_in *in = args->in_args[0].value;
	struct ext_read_call call __uninitialized;
	int verdict;

	/* READDIR and others use their own opcodes; readpage and direct I/O come here. */
	if (!args->out_pages || !args->out_argvar || args->out_numargs != 1)
		return false;

	call.fc = fm->fc;
	call.ap = container_of(args, struct fuse_args_pages, args);
	call.filled = 0;
	if (call.ap->uses_folios)
		return false;
	call.in.nodeid = args->nodeid;
	call.in.offset = in->offset;
	call.in.size = in->size;
	call.in.op = EXTFUSE_OP_READ;
	call.in.flags = background ? EXTFUSE_READ_BACKGROUND : 0;
	call.in.reserved = 0;

	rcu_read_lock();
	verdict = ext_read_ask(&call, fm->sb);
	rcu_read_unlock();
	if (verdict == EXT_UPCALL)
		return false;
	if (verdict < 0) {
		*ret = verdict;
		return true;
	}

	ext_count(fm->fc->ext, EXTFUSE_OP_READ, hit);
	if (args->page_zeroing)
		ext_pages_fill(call.ap, call.out.size, NULL, in->size - call.out.size);
	args->out_args[0].size = call.out.size;
	*ret = call.out.size;
	return true;
}

/*
 * The daemon has said that the data changed behind the mount: pages read before
 * are dropped before anybody reads them. The word is written only when they are
 * gone, so that a second reader does not pass by the first one's drop; it is the
 * one sampled before, so that an invalidation meanwhile is seen next time.
 */
bool ext_pages_current(struct inode *inode, bool may_sleep)
{
	struct fuse_inode *fi = get_fuse_inode(inode);
	struct ext_conn *ec = get_fuse_conn(inode)->ext;
	u32 index = ext_node_index(ec, EXT_DATA, fi->nodeid);
	u64 word = atomic64_read_acquire(&ec->words[index]) +
		   atomic64_read_acquire((atomic64_t *)&ext_header(ec)->mount_data_word);

	if (likely(READ_ONCE(fi->ext.pages_word) == word) || EXT_MISTAKE(PAGES_KEPT))
		return true;
	if (inode->i_mapping->nrpages &&
	    (!may_sleep || invalidate_inode_pages2(inode->i_mapping)))
		return false;
	WRITE_ONCE(fi->ext.pages_word, word);
	return true;
}
