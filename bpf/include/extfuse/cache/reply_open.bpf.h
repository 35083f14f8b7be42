/* SPDX-License-Identifier: GPL-2.0-only */
/* Replies into the caches that open.bpf.h and readdir.bpf.h answer from. */
#ifndef EXTFUSE_CACHE_REPLY_OPEN_BPF_H
#define EXTFUSE_CACHE_REPLY_OPEN_BPF_H

#include <extfuse/cache/open.bpf.h>
#include <extfuse/cache/readdir.bpf.h>
#include <extfuse/cache/reply.bpf.h>

/*
 * As in <linux/fuse.h>, which is not for BPF programs. Files of which each open has to
 * be the daemon's have others: FOPEN_DIRECT_IO, _NONSEEKABLE, _STREAM, _PASSTHROUGH.
 */
#define FOPEN_KEEP_CACHE (1 << 1)
#define FOPEN_CACHE_DIR (1 << 3)
#define FOPEN_NOFLUSH (1 << 5)
#define FOPEN_PARALLEL_DIRECT_WRITES (1 << 6)
#define REPLY_FOPEN                                                                                \
	(FOPEN_KEEP_CACHE | FOPEN_CACHE_DIR | FOPEN_NOFLUSH | FOPEN_PARALLEL_DIRECT_WRITES)

static __always_inline int extfuse_cache_reply_open(const struct extfuse_reply_open_in *in)
{
	__u32 scope = reply_scope(in->mark, ext_cache_others), op = in->op;
	__u32 file = EXTFUSE_FILE_PLAIN;
	__u64 hash = in->hash, nodeid = in->nodeid, who;
	__u32 same = 0, empty = 0, outdated = 0, busy = 0, turn = hash, seq, i;
	__u32 key = extfuse_bucket(hash, ext_open_mask);
	struct extfuse_open_bucket *b;
	struct extfuse_open_slot *s;
	int why;

	if (ext_cache == EXTFUSE_CACHE_TIMEOUTS)
		return extfuse_count_unkept(op, EXTFUSE_UNKEPT_TIMEOUT);
	if (in->file_flags & O_DIRECT)
		return extfuse_count_unkept(op, EXTFUSE_UNKEPT_KIND);
	if (!reply_audience(&in->caller, in->mark, scope, &who))
		return reply_unkept_for(op, scope);
	if (in->open_flags & ~REPLY_FOPEN) {
		/* Says so to extfuse_cache_reply_read(). */
		file = EXTFUSE_FILE_CLOSE_ONLY;
	} else if (op == EXTFUSE_OP_OPEN) {
		file |= EXTFUSE_FILE_KEEP_CACHE;
		why = in->mark ? -1 : reply_alone(nodeid, hash, in->word, in->word);
		if (why >= 0)
			return extfuse_count_unkept(op, why);
	}
	b = bpf_map_lookup_elem(&ext_opens, &key);
	if (!b)
		return 0;
#pragma unroll
	for (i = 0; i < EXTFUSE_WAYS; i++) {
		s = &b->slot[i];
		REPLY_WAY(s, i, s->nodeid == nodeid, reply_node_token(&in->caller, s->nodeid));
	}
	s = &b->slot[extfuse_way(same, empty, outdated, busy, turn) % EXTFUSE_WAYS];
	seq = extfuse_seq_lock(&s->seq);
	if (seq & 1)
		return extfuse_count_unkept(op, EXTFUSE_UNKEPT_BUSY);
	s->scope = scope;
	s->flags = file;
	s->nodeid = nodeid;
	s->word = in->word;
	s->caller = who;
	extfuse_seq_unlock(&s->seq, seq);
	return file == EXTFUSE_FILE_CLOSE_ONLY ? extfuse_count_unkept(op, EXTFUSE_UNKEPT_KIND)
					       : extfuse_count_kept(op);
}

/* A directory that is being stored chunk by chunk. */
struct reply_dirents_walk {
	const struct extfuse_reply_dirents_in *in;
	__u64 who;
	__u64 start; /* offset before the next chunk */
	__u32 scope;
	__s32 why; /* enum extfuse_unkept; -1: it is all there */
};

/* One chunk. 0: go on. */
static long reply_chunk(__u64 n, void *ctx)
{
	struct reply_dirents_walk *w = ctx;
	__u64 nodeid = w->in->nodeid, start = w->start, next = 0;
	__u64 hash = extfuse_block_hash(ext_seed, nodeid, start);
	__u32 key = extfuse_bucket(hash, ext_dir_mask);
	struct extfuse_dir_bucket *b = bpf_map_lookup_elem(&ext_dirs, &key);
	__u32 same = 0, empty = 0, outdated = 0, busy = 0, turn = hash, seq, i, len;
	struct extfuse_dir_slot *s;

	if (!b)
		return 1;
#pragma unroll
	for (i = 0; i < EXTFUSE_WAYS; i++) {
		s = &b->slot[i];
		REPLY_WAY(s, i, s->nodeid == nodeid && s->start == start,
			  reply_node_token(&w->in->caller, s->nodeid));
	}
	s = &b->slot[extfuse_way(same, empty, outdated, busy, turn) % EXTFUSE_WAYS];
	seq = extfuse_seq_lock(&s->seq);
	if (seq & 1) {
		w->why = EXTFUSE_UNKEPT_BUSY;
		return 1;
	}
	len = extfuse_reply_dirents(w->in, s->data, sizeof(s->data), start, &next);
	s->len = len & 0xffff;
	s->last = len >> 31;
	s->scope = w->scope;
	s->nodeid = nodeid;
	s->caller = w->who;
	s->start = start;
	s->next = next;
	s->word = w->in->word;
	extfuse_seq_unlock(&s->seq, seq);
	w->start = next;
	if (len & EXTFUSE_DIRENTS_LAST) {
		w->why = -1;
		return 1;
	}
	return !len;
}

static __always_inline int extfuse_cache_reply_dirents(const struct extfuse_reply_dirents_in *in)
{
	struct reply_dirents_walk w = {};

	if (!bpf_ksym_exists(extfuse_reply_dirents))
		return extfuse_count_unkept(EXTFUSE_OP_READDIR, EXTFUSE_UNKEPT_BUSY);
	if (ext_cache == EXTFUSE_CACHE_TIMEOUTS)
		return extfuse_count_unkept(EXTFUSE_OP_READDIR, EXTFUSE_UNKEPT_TIMEOUT);
	w.in = in;
	w.scope = reply_scope(0, ext_cache_listings);
	w.why = EXTFUSE_UNKEPT_SIZE;
	if (!reply_audience(&in->caller, 0, w.scope, &w.who))
		return reply_unkept_for(EXTFUSE_OP_READDIR, w.scope);
	bpf_loop(EXT_READDIR_STEPS_MAX, reply_chunk, &w, 0);
	return w.why < 0 ? extfuse_count_kept(EXTFUSE_OP_READDIR)
			 : extfuse_count_unkept(EXTFUSE_OP_READDIR, w.why);
}

#endif /* EXTFUSE_CACHE_REPLY_OPEN_BPF_H */
