// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an open directory contains: gathered from the daemon's replies until the end,
 * then shown to a handler; or had from a handler at the start, all of it, and given
 * out from here, whatever happens to the directory meanwhile.
 */
#include "ext_call.h"
#include "ext_object.h"

#include <linux/cred.h>
#include <linux/sched/signal.h>

EXT_ASSERT_CALL(struct ext_reply_dirents_call);

struct ext_listing *ext_listing_alloc(void)
{
	struct ext_listing *listing = kzalloc(sizeof(*listing), GFP_KERNEL_ACCOUNT);

	if (listing)
		mutex_init(&listing->lock);
	return listing;
}

void ext_listing_sample(struct ext_listing *listing, struct ext_conn *ec, u64 nodeid)
{
	WRITE_ONCE(listing->changes, ext_changes(ec));
	WRITE_ONCE(listing->token, ext_node_token(ec, nodeid));
}

static void ext_listing_reset(struct ext_listing *listing)
{
	kvfree(listing->data);
	put_cred(listing->reader);
	listing->reader = NULL;
	listing->data = NULL;
	listing->room = 0;
	listing->size = 0;
	listing->end = 0;
	listing->next = 0;
	listing->next_offset = 0;
	listing->state = EXT_LISTING_NONE;
}

void ext_listing_free(struct ext_listing *listing)
{
	if (!listing)
		return;
	ext_listing_reset(listing);
	mutex_destroy(&listing->lock);
	kfree(listing);
}

bool ext_listings_wanted(struct fuse_conn *fc)
{
	const struct extfuse_handler_ops *ops;
	bool wanted;

	if (!static_branch_unlikely(&ext_replies) || !ext_usable(fc))
		return false;
	rcu_read_lock();
	ops = ext_ops(fc->ext);
	wanted = ops && ops->reply_dirents && (ops->flags & EXTFUSE_HANDLER_ALL_REPLIES);
	rcu_read_unlock();
	return wanted;
}

/* Room for so many bytes more. */
static bool ext_listing_grow(struct ext_listing *listing, u32 more)
{
	u32 room = max_t(u32, listing->room, PAGE_SIZE);
	char *data;

	while (room - listing->size < more)
		room *= 2;
	if (room == listing->room)
		return true;
	if (room > EXT_LISTING_MAX)
		return false;
	data = kvmalloc(room, GFP_KERNEL_ACCOUNT);
	if (!data)
		return false;
	if (listing->size)
		memcpy(data, listing->data, listing->size);
	kvfree(listing->data);
	listing->data = data;
	listing->room = room;
	return true;
}

static const struct fuse_dirent *ext_listing_entry(const struct ext_listing *listing, u32 at)
{
	return (const void *)(listing->data + at);
}

/* The byte behind the entry of this offset. False: there is none. */
static bool ext_listing_find(const struct ext_listing *listing, u64 offset, u32 *behind)
{
	const struct fuse_dirent *entry;
	u32 at;

	if (offset && offset == listing->next_offset) {
		*behind = listing->next;
		return true;
	}
	*behind = 0;
	if (!offset)
		return true;
	for (at = 0; at < listing->size; at += FUSE_DIRENT_SIZE(entry)) {
		entry = ext_listing_entry(listing, at);
		if (entry->off == offset) {
			*behind = at + FUSE_DIRENT_SIZE(entry);
			return true;
		}
	}
	return false;
}

u32 ext_listing_copy(struct ext_listing *listing, u64 start, void *to, u32 room, bool *end)
{
	const struct fuse_dirent *entry;
	u32 at, from, size;

	*end = true;
	if (!ext_listing_find(listing, start, &from))
		return 0;
	for (at = from; at < listing->size; at += size) {
		entry = ext_listing_entry(listing, at);
		size = FUSE_DIRENT_SIZE(entry);
		if (size > room - (at - from)) {
			*end = false;
			break;
		}
		memcpy(to + (at - from), entry, size);
		listing->next_offset = entry->off;
		listing->next = at + size;
	}
	return at - from;
}

/* As far as a handler can tell them apart. */
static bool ext_listing_same_reader(const struct cred *a, const struct cred *b)
{
	return a == b || (uid_eq(a->fsuid, b->fsuid) && gid_eq(a->fsgid, b->fsgid) &&
			  a->group_info == b->group_info);
}

/* All that a handler knows, under one token. EXTFUSE_HIT, EXT_UPCALL or an error. */
static int ext_listing_ask(struct fuse_mount *fm, const struct fuse_args *args,
			   struct ext_listing *listing)
{
	struct ext_bytes_call call __uninitialized;
	struct ext_bytes *bytes = &call.bytes;
	u64 word = 0;
	int verdict;
	u32 at;

	for (;;) {
		cond_resched();
		if (fatal_signal_pending(current) || !ext_listing_grow(listing, PAGE_SIZE))
			return EXT_UPCALL;
		at = listing->size;
		ext_bytes_call_init(&call, fm, args, EXTFUSE_OP_READDIR, listing->room - at);
		call.in.offset = listing->end;
		ext_bytes_init(bytes, listing->data + at, listing->room - at);
		bytes->dir = true;
		bytes->offset = listing->end;
		verdict = ext_bytes_ask(&call, fm->sb);
		if (verdict != EXTFUSE_HIT)
			return verdict;
		if (bytes->bad || bytes->out.size != bytes->filled) {
			ext_count(fm->fc->ext, EXTFUSE_OP_READDIR, invalid);
			return EXT_UPCALL;
		}
		if (at && call.in.word != word) {
			ext_count(fm->fc->ext, EXTFUSE_OP_READDIR, stale);
			return EXT_UPCALL;
		}
		if (!ext_scope_shared(bytes->out.flags) && !listing->reader)
			listing->reader = get_current_cred();
		if (!bytes->filled)
			return EXTFUSE_HIT;
		word = call.in.word;
		listing->size += bytes->filled;
		for (; at < listing->size; at += FUSE_DIRENT_SIZE(ext_listing_entry(listing, at)))
			listing->end = ext_listing_entry(listing, at)->off;
	}
}

static int ext_listing_begin(struct fuse_mount *fm, struct fuse_args *args,
			     struct ext_listing *listing)
{
	const struct fuse_read_in *in = args->in_args[0].value;
	struct ext_bytes first = { .dir = true };
	int verdict;

	ext_listing_reset(listing);
	verdict = ext_listing_ask(fm, args, listing);
	if (verdict == EXTFUSE_HIT && args->opcode == FUSE_READDIRPLUS) {
		first.buf = listing->data;
		first.filled = listing->size;
		first.room = in->size;
		if (!ext_children_known(fm->sb, args->nodeid, &first)) {
			ext_count(fm->fc->ext, EXTFUSE_OP_READDIR, dead);
			verdict = EXT_UPCALL;
		}
	}
	if (verdict == EXTFUSE_HIT) {
		listing->state = EXT_LISTING_WHOLE;
	} else {
		ext_listing_reset(listing);
		if (verdict == EXT_UPCALL)
			listing->state = EXT_LISTING_BUILDING;
	}
	return verdict;
}

/*
 * Somebody else goes on with what was for one reader alone: from what the handler has
 * for them, or not at all. The daemon cannot go on with it either.
 */
static int ext_listing_for_another(struct fuse_mount *fm, const struct fuse_args *args,
				   void *to, u32 *filled)
{
	const struct fuse_read_in *in = args->in_args[0].value;
	struct ext_listing own = {};
	int verdict;
	u32 behind;
	bool end;

	verdict = ext_listing_ask(fm, args, &own);
	if (verdict == EXT_UPCALL ||
	    (verdict == EXTFUSE_HIT && !ext_listing_find(&own, in->offset, &behind)))
		verdict = -EACCES;
	if (verdict == EXTFUSE_HIT)
		*filled = ext_listing_copy(&own, in->offset, to, in->size, &end);
	ext_listing_reset(&own);
	return verdict;
}

int ext_listing_answer(struct fuse_mount *fm, struct fuse_args *args, ssize_t *ret)
{
	struct fuse_args_pages *ap = container_of(args, struct fuse_args_pages, args);
	struct ext_listing *listing = args->ext.file->ext.listing;
	const struct fuse_read_in *in = args->in_args[0].value;
	void *to = folio_address(ap->folios[0]);
	int verdict = EXTFUSE_HIT;
	bool another = false;
	u32 filled = 0;
	bool end;

	mutex_lock(&listing->lock);
	if (!in->offset)
		verdict = ext_listing_begin(fm, args, listing);
	else if (listing->state != EXT_LISTING_WHOLE)
		verdict = EXT_UPCALL;
	else
		another = listing->reader &&
			  !ext_listing_same_reader(listing->reader, current_cred());
	if (unlikely(another))
		verdict = ext_listing_for_another(fm, args, to, &filled);
	else if (verdict == EXTFUSE_HIT)
		filled = ext_listing_copy(listing, in->offset, to, in->size, &end);
	if (verdict == EXTFUSE_HIT) {
		args->opcode = FUSE_READDIR;
		args->out_args[0].size = filled;
		*ret = filled;
	}
	mutex_unlock(&listing->lock);
	return verdict;
}

bool ext_listing_goes_on(struct fuse_mount *fm, struct fuse_args *args, ssize_t *ret)
{
	int verdict;

	if ((args->opcode != FUSE_READDIR && args->opcode != FUSE_READDIRPLUS) ||
	    !args->ext.file->ext.listing || !READ_ONCE(fm->fc->connected) || fm->fc->conn_error)
		return false;
	verdict = ext_readdir(fm, args, ret);
	if (verdict < 0)
		*ret = verdict;
	return verdict != EXT_UPCALL;
}

/* Entries of a reply, those of READDIRPLUS without what is known of them. */
static bool ext_listing_append(struct ext_listing *listing, const void *data, u32 size, bool plus)
{
	u32 skip = plus ? offsetof(struct fuse_direntplus, dirent) : 0;
	const struct fuse_dirent *entry;
	u32 at, reclen, len;
	char *to;

	for (at = 0; size - at >= skip + FUSE_NAME_OFFSET; at += reclen) {
		entry = data + at + skip;
		if (!entry->namelen || entry->namelen > EXTFUSE_NAME_MAX)
			return false;
		reclen = FUSE_DIRENT_ALIGN(skip + FUSE_NAME_OFFSET + entry->namelen);
		len = FUSE_DIRENT_SIZE(entry);
		if (reclen > size - at)
			break;
		if (!ext_listing_grow(listing, len))
			return false;
		to = listing->data + listing->size;
		memcpy(to, entry, FUSE_NAME_OFFSET + entry->namelen);
		memset(to + FUSE_NAME_OFFSET + entry->namelen, 0,
		       len - FUSE_NAME_OFFSET - entry->namelen);
		listing->size += len;
		listing->end = entry->off;
	}
	return true;
}

static void ext_listing_show(struct fuse_mount *fm, const struct file *file,
			     struct ext_listing *listing)
{
	struct ext_reply_dirents_call call = { .fc = fm->fc, .listing = listing };
	u64 nodeid = get_node_id(file_inode(file)), token = READ_ONCE(listing->token);
	const struct extfuse_handler_ops *ops;
	struct ext_conn *ec = fm->fc->ext;

	if (!ext_usable(fm->fc) || !ext_caller_fill(fm->fc, fm->sb, &call.in.caller))
		return;
	call.in.nodeid = nodeid;
	call.in.hash = extfuse_node_hash(ec->seed, nodeid);
	call.in.size = listing->size;
	listing->next_offset = 0;
	rcu_read_lock();
	ops = ext_ops(ec);
	if (ops && ops->reply_dirents && (ops->flags & EXTFUSE_HANDLER_ALL_REPLIES)) {
		call.in.word = ext_node_token(ec, nodeid);
		if (ext_cacheable(token) && call.in.word == token) {
			ext_count(ec, EXTFUSE_OP_READDIR, reply);
			ops->reply_dirents(&call.in);
		} else {
			ext_count(ec, EXTFUSE_OP_READDIR, reply_stale);
		}
	}
	rcu_read_unlock();
}

void ext_listing_add(struct file *file, const struct fuse_args *args, u64 offset,
		     const void *data, ssize_t res)
{
	struct fuse_file *ff = file->private_data;
	struct ext_listing *listing = ff->ext.listing;
	bool whole = false;
	u32 size;

	mutex_lock(&listing->lock);
	if (listing->state != EXT_LISTING_BUILDING)
		goto out;
	/* What was listed is for who has opened. */
	if (current_cred() != file->f_cred) {
		ext_listing_reset(listing);
		goto out;
	}
	/* The access time, as it is moved by every reply. */
	if (args->ext.moved) {
		WRITE_ONCE(listing->token, listing->token + EXTFUSE_EPOCH_ONE);
		WRITE_ONCE(listing->changes, listing->changes + 1);
	}
	/* Who reads may have taken less than there was, and goes on in the middle. */
	if (res >= 0 && (offset == listing->end || ext_listing_find(listing, offset, &size))) {
		if (offset != listing->end) {
			listing->size = size;
			listing->end = offset;
		}
		whole = !res;
		if (res && ext_listing_append(listing, data, res,
					      args->opcode == FUSE_READDIRPLUS))
			goto out;
	}
	if (whole)
		ext_listing_show(ff->fm, file, listing);
	ext_listing_reset(listing);
out:
	mutex_unlock(&listing->lock);
}
