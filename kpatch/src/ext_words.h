/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Words of a connection, and the marks of requests that change what they stand for.
 * Included by ext.h.
 */
#ifndef _EXT_WORDS_H
#define _EXT_WORDS_H

static inline u32 ext_node_index(const struct ext_conn *ec, enum ext_region region, u64 nodeid)
{
	u64 hash = extfuse_node_hash(ec->seed, nodeid);

	return (region << EXTFUSE_WORD_COUNT_LOG2) | EXTFUSE_WORD_INDEX(hash, EXTFUSE_WORD_COUNT);
}

/* The page before the words; the daemon can write it as well, see ext_conn_init() */
static inline struct extfuse_words_header *ext_header(const struct ext_conn *ec)
{
	return (void *)ec->words - PAGE_SIZE;
}

static inline atomic64_t *ext_mount_word(const struct ext_conn *ec)
{
	return (atomic64_t *)&ext_header(ec)->mount_word;
}

static inline atomic64_t *ext_change_word(const struct ext_conn *ec)
{
	return (atomic64_t *)&ext_header(ec)->change_word;
}

/* How many changes there were on the mount; before words that are loaded after it. */
static inline u64 ext_changes(const struct ext_conn *ec)
{
	return atomic64_read_acquire((atomic64_t *)&ext_header(ec)->changes);
}

/* Is it a node word? Those move the change word along. */
static inline bool ext_is_node(u32 index)
{
	return index >> EXTFUSE_WORD_COUNT_LOG2 == EXT_NODE;
}

/* index: of a word, or EXT_MOUNT_WORD */
static inline atomic64_t *ext_word(const struct ext_conn *ec, u32 index)
{
	return index == EXT_MOUNT_WORD ? ext_mount_word(ec) : &ec->words[index];
}

static inline u32 ext_name_index(u64 hash)
{
	return (EXT_NAME << EXTFUSE_WORD_COUNT_LOG2) | EXTFUSE_WORD_INDEX(hash, EXTFUSE_WORD_COUNT);
}

/*
 * A word with the mount word. Both only grow: if the sum is what it was, neither
 * has moved in between. The compiler must not repeat or reorder the loads.
 */
static inline u64 ext_sum(const struct ext_conn *ec, u32 index)
{
	u64 word = atomic64_read_acquire(&ec->words[index]);

	return word + atomic64_read_acquire(ext_mount_word(ec));
}

static inline u64 ext_behind(const struct ext_conn *ec, u64 nodeid)
{
	return atomic64_read_acquire(&ec->words[ext_node_index(ec, EXT_BEHIND, nodeid)]);
}

static inline u64 ext_node_token(const struct ext_conn *ec, u64 nodeid)
{
	return ext_sum(ec, ext_node_index(ec, EXT_NODE, nodeid));
}

static inline bool ext_cacheable(u64 token)
{
	return token && !(token & EXTFUSE_INFLIGHT_MASK);
}

/* 0: the connection has no words. */
static inline u64 ext_token_of(struct inode *inode)
{
	struct ext_conn *ec = get_fuse_conn(inode)->ext;

	return ec ? ext_node_token(ec, get_node_id(inode)) : 0;
}

void ext_mark_begin(struct ext_conn *ec, u32 index);
void ext_mark_end(struct ext_conn *ec, u32 index);
/* A change that is over at once. */
void ext_changed(struct ext_conn *ec, u32 index);
void ext_changed_node(struct fuse_conn *fc, u64 nodeid);
void ext_changed_entry(struct fuse_conn *fc, u64 parent, u64 child, const struct qstr *name);
void ext_forget(struct fuse_conn *fc, u64 nodeid);
void ext_abort(struct fuse_conn *fc);

void ext_marks_collect(struct ext_conn *ec, struct fuse_args *args);
void ext_marks_begin_slow(struct ext_conn *ec, struct ext_marks *marks);
void ext_marks_end_slow(struct ext_conn *ec, struct ext_marks *marks);
void ext_count_sent(struct ext_conn *ec, u32 opcode);
/* RELEASE has ended: the file may have been removed after it was sent, and before that. */
void ext_plain_closed(struct ext_conn *ec, struct fuse_args *args);
/* A read of the node went to the daemon. True: its word was moved for that. */
bool ext_atime_moved(struct fuse_mount *fm, u64 nodeid);

#include "ext_reply.h"

/* A request is about to be sent: what it changes is in flight from here ... */
static inline void ext_marks_begin(struct fuse_conn *fc, struct fuse_args *args)
{
	struct ext_conn *ec = fc->ext;

	if (!ec)
		return;
	ext_count_sent(ec, args->opcode);
	ext_marks_collect(ec, args);
	ext_reply_begin(fc, args);
	if (args->ext.count)
		ext_marks_begin_slow(ec, &args->ext);
}

/* ... to here: answered, failed, interrupted before it was sent, aborted. */
static inline void ext_marks_end(struct fuse_mount *fm, struct fuse_args *args)
{
	if (args->ext.count)
		ext_marks_end_slow(fm->fc->ext, &args->ext);
	switch (args->opcode) {
	case FUSE_READ:
	case FUSE_READLINK:
	case FUSE_READDIR:
	case FUSE_READDIRPLUS:
		args->ext.moved = ext_atime_moved(fm, args->nodeid);
		break;
	case FUSE_RELEASE:
		ext_plain_closed(fm->fc->ext, args);
	}
}

/* What a request changes beyond what it names. */
void ext_touch(struct ext_marks *marks, u32 index);
void ext_touch_inode(struct fuse_args *args, struct inode *inode);
void ext_touch_search(struct fuse_args *args, struct inode *inode, bool changes);
/*
 * UNLINK, RMDIR or RENAME of this name; replaced: what has the new one, NULL: there is
 * none. Both may be negative. An error of what comes before: nothing was sent.
 */
int ext_send_removal(struct mnt_idmap *idmap, struct fuse_mount *fm, struct fuse_args *args,
		     struct dentry *entry, struct dentry *replaced);

#endif /* _EXT_WORDS_H */
