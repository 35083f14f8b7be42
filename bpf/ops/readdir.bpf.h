/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * READDIR from the directory cache: chunks of entries, each found by the offset
 * that leads to it and naming the offset behind it.
 */
#ifndef EXTFUSE_OPS_READDIR_BPF_H
#define EXTFUSE_OPS_READDIR_BPF_H

#include <extfuse/maps.bpf.h>

#define READDIR_CHUNKS_MAX 16 /* of one reply */
#define READDIR_SEARCH_MAX 1024 /* to find an offset in the middle of a chunk */

#define READDIR_OK (-1)
#define READDIR_ERROR (-2)

struct readdir_walk {
	const struct extfuse_bytes_in *in;
	struct extfuse_bytes_out *out;
	__u64 next; /* offset that leads to the chunk to look at */
	__u32 filled;
	__u32 scope;
	__s32 why; /* READDIR_*, or enum extfuse_miss */
	__u32 skip; /* 1: only look for the chunk before in->offset */
	__u32 done; /* nothing more to put */
};

static __always_inline struct extfuse_dir_slot *readdir_find(__u64 nodeid, __u64 start)
{
	__u32 key = extfuse_bucket(extfuse_block_hash(ext_seed, nodeid, start), ext_dir_mask);
	struct extfuse_dir_bucket *b = bpf_map_lookup_elem(&ext_dirs, &key);
	__u32 i;

	if (!b)
		return NULL;
#pragma unroll
	for (i = 0; i < EXTFUSE_WAYS; i++) {
		if (b->slot[i].nodeid == nodeid && b->slot[i].start == start && b->slot[i].word)
			return &b->slot[i];
	}
	return NULL;
}

/* One chunk. 0: go on, 1: stop, see w->why and w->done. */
static long readdir_chunk(__u64 i, void *ctx)
{
	struct readdir_walk *w = ctx;
	__u64 nodeid = w->in->nodeid, start = w->next;
	struct extfuse_dir_slot *s = readdir_find(nodeid, start);
	__u32 seq, last, len;
	__u64 next;
	int put = 0;

	w->why = EXTFUSE_MISS_ABSENT;
	if (!s)
		return 1;
	seq = extfuse_seq_begin(&s->seq);
	w->why = EXTFUSE_MISS_TORN;
	if (s->nodeid != nodeid || s->start != start)
		return 1;
	w->why = EXTFUSE_MISS_STALE;
	if (s->word != w->in->word)
		return 1;
	w->why = EXTFUSE_MISS_CALLER;
	if (!extfuse_caller_fits(&w->in->caller, s->scope, s->caller))
		return 1;
	w->scope = s->scope;
	last = s->last != 0;
	next = s->next;
	len = s->len;
	if (!w->skip && len)
		put = extfuse_dirents_put(w->out, s->data, sizeof(s->data), start, len);
	w->why = EXTFUSE_MISS_TORN;
	if (!extfuse_seq_same(&s->seq, seq))
		return 1;
	w->why = READDIR_OK;
	w->next = next;
	if (w->skip && next == w->in->offset) {
		w->skip = 0;
		w->done = last; /* the end is what was asked for */
		return 1;
	}
	if (put < 0) {
		/* No room is what happens to all but the last reply. */
		w->why = put == -ENOSPC ? READDIR_OK : READDIR_ERROR;
		w->done = 1;
		return 1;
	}
	w->filled += put;
	w->done = last;
	return last;
}

/* The offset leads to no chunk: it is the end, or in the middle of one. */
static __always_inline void readdir_search(struct readdir_walk *w)
{
	w->next = 0;
	w->skip = 1;
	bpf_loop(READDIR_SEARCH_MAX, readdir_chunk, w, 0);
	if (!w->skip) {
		/* Behind a chunk: where that was not the last one, the next is missing. */
		if (w->why == READDIR_OK && !w->done)
			w->why = EXTFUSE_MISS_ABSENT;
		return;
	}
	if (w->why != READDIR_OK)
		return;
	w->next = 0;
	w->skip = 0;
	bpf_loop(READDIR_SEARCH_MAX, readdir_chunk, w, 0);
	if (w->why == READDIR_OK && !w->filled)
		w->why = EXTFUSE_MISS_ABSENT;
}

static __always_inline int op_readdir(const struct extfuse_bytes_in *in,
				      struct extfuse_bytes_out *out)
{
	struct readdir_walk w = {};

	if (!(ext_switches & (1U << EXTFUSE_OP_READDIR)))
		return extfuse_count_miss(EXTFUSE_OP_READDIR, EXTFUSE_MISS_OFF);
	if (!bpf_ksym_exists(extfuse_dirents_put))
		return extfuse_count_error(EXTFUSE_OP_READDIR);
	w.in = in;
	w.out = out;
	w.next = in->offset;
	bpf_loop(READDIR_CHUNKS_MAX, readdir_chunk, &w, 0);
	if (w.why == EXTFUSE_MISS_ABSENT && !w.filled && in->offset)
		readdir_search(&w);
	if (w.why == READDIR_ERROR)
		return extfuse_count_error(EXTFUSE_OP_READDIR);
	/* A reply may be short, as long as it is not empty; nothing torn is in it. */
	if (w.why != READDIR_OK && (w.why == EXTFUSE_MISS_TORN || !w.filled))
		return extfuse_count_miss(EXTFUSE_OP_READDIR, w.why);
	out->word = in->word;
	out->size = w.filled;
	out->flags = extfuse_out_flags(w.scope, 0);
	return extfuse_count_hit(EXTFUSE_OP_READDIR, false);
}

#endif /* EXTFUSE_OPS_READDIR_BPF_H */
