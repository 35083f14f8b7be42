/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * READDIR from the directory cache: chunks of entries, each found by the offset
 * that leads to it and naming the offset behind it.
 */
#ifndef EXTFUSE_CACHE_READDIR_BPF_H
#define EXTFUSE_CACHE_READDIR_BPF_H

#include <extfuse/maps.bpf.h>

#define EXT_READDIR_CHUNKS_MAX 16 /* put into one reply */
#define EXT_READDIR_STEPS_MAX 2048 /* chunks looked at for one reply */

#define EXT_READDIR_OK (-1)
#define EXT_READDIR_ERROR (-2)

enum ext_readdir_mode {
	EXT_READDIR_PUT, /* the offset leads to a chunk */
	EXT_READDIR_SKIP, /* it does not: it is the end of one, or in the middle */
	EXT_READDIR_PUT_FROM_START, /* in the middle */
};

struct ext_readdir_walk {
	const struct extfuse_bytes_in *in;
	struct extfuse_bytes_out *out;
	__u64 next; /* offset that leads to the chunk to look at */
	__u64 first; /* number of the step that put something first */
	__u64 digest; /* of the caller */
	__u32 filled;
	__u32 scope;
	__u32 mode; /* enum ext_readdir_mode */
	__s32 why; /* READDIR_*, or enum extfuse_miss */
};

/*
 * Which way of its bucket the chunk is in; -1: none. A program of its own to the
 * verifier, or all that follows would be gone through once for each way.
 */
__noinline int ext_readdir_way(__u64 nodeid, __u64 start)
{
	__u32 key = extfuse_bucket(extfuse_block_hash(ext_seed, nodeid, start), ext_dir_mask);
	struct extfuse_dir_bucket *b = bpf_map_lookup_elem(&ext_dirs, &key);
	int i;

	if (!b)
		return -1;
#pragma unroll
	for (i = 0; i < EXTFUSE_WAYS; i++) {
		if (b->slot[i].nodeid == nodeid && b->slot[i].start == start && b->slot[i].word)
			return i;
	}
	return -1;
}

static __always_inline struct extfuse_dir_slot *ext_readdir_find(__u64 nodeid, __u64 start)
{
	__u32 key = extfuse_bucket(extfuse_block_hash(ext_seed, nodeid, start), ext_dir_mask);
	int way = ext_readdir_way(nodeid, start);
	struct extfuse_dir_bucket *b;

	if (way < 0)
		return NULL;
	b = bpf_map_lookup_elem(&ext_dirs, &key);
	return b ? &b->slot[(__u32)way % EXTFUSE_WAYS] : NULL;
}

/* extfuse_caller_fits(), to the verifier a program of its own. */
__noinline int ext_readdir_fits(__u32 scope, __u64 stored, __u64 uid, __u64 digest)
{
	if (scope == EXTFUSE_SCOPE_ALL || scope == EXTFUSE_SCOPE_KERNEL)
		return 1;
	if (scope == EXTFUSE_SCOPE_UID)
		return stored == uid;
	return scope == EXTFUSE_SCOPE_CALLER && digest && stored == digest;
}

/* What is in this chunk is not wanted. */
static __always_inline long ext_readdir_skip(struct ext_readdir_walk *w, __u64 next, __u32 last)
{
	w->next = next;
	if (next == w->in->offset) {
		/* The end; behind any other than the last, a chunk is missing. */
		w->why = last ? EXT_READDIR_OK : EXTFUSE_MISS_ABSENT;
		return 1;
	}
	if (last) {
		w->next = 0;
		w->mode = EXT_READDIR_PUT_FROM_START;
	}
	return 0;
}

/* One chunk. 0: go on, 1: stop, see w->why. One loop for all: the verifier's time. */
static long ext_readdir_chunk(__u64 i, void *ctx)
{
	struct ext_readdir_walk *w = ctx;
	__u64 nodeid = w->in->nodeid, start = w->next;
	struct extfuse_dir_slot *s = ext_readdir_find(nodeid, start);
	__u32 seq, last, len;
	__u64 next;
	int put = 0;

	w->why = EXTFUSE_MISS_ABSENT;
	if (!s) {
		if (w->mode != EXT_READDIR_PUT || w->filled || !start)
			return 1;
		w->mode = EXT_READDIR_SKIP;
		w->next = 0;
		return 0;
	}
	seq = extfuse_seq_begin(&s->seq);
	w->why = EXTFUSE_MISS_TORN;
	if (s->nodeid != nodeid || s->start != start)
		return 1;
	w->why = EXTFUSE_MISS_STALE;
	if (s->word != w->in->word)
		return 1;
	w->why = EXTFUSE_MISS_CALLER;
	if (!ext_readdir_fits(s->scope, s->caller, w->in->caller.uid, w->digest))
		return 1;
	w->scope = s->scope;
	last = s->last != 0;
	next = s->next;
	len = s->len;
	if (w->mode != EXT_READDIR_SKIP && len)
		put = extfuse_dirents_put(w->out, s->data, sizeof(s->data), start, len);
	w->why = EXTFUSE_MISS_TORN;
	if (!extfuse_seq_same(&s->seq, seq))
		return 1;
	if (w->mode == EXT_READDIR_SKIP)
		return ext_readdir_skip(w, next, last);
	w->next = next;
	w->why = EXT_READDIR_OK;
	if (put < 0) {
		/* No room is what happens to all but the last reply. */
		if (put != -ENOSPC)
			w->why = EXT_READDIR_ERROR;
		return 1;
	}
	/* Not a count of chunks: the verifier would follow it through each value. */
	if (!w->filled)
		w->first = i;
	w->filled += put;
	if (last && !w->filled && w->mode == EXT_READDIR_PUT_FROM_START)
		w->why = EXTFUSE_MISS_ABSENT; /* an offset of nothing */
	return last || (w->filled && i - w->first >= EXT_READDIR_CHUNKS_MAX - 1);
}

static __always_inline int extfuse_cache_readdir(const struct extfuse_bytes_in *in,
						 struct extfuse_bytes_out *out)
{
	struct ext_readdir_walk w = {};

	if (!(ext_switches & (1U << EXTFUSE_OP_READDIR)))
		return extfuse_count_miss(EXTFUSE_OP_READDIR, EXTFUSE_MISS_OFF);
	if (!bpf_ksym_exists(extfuse_dirents_put) || !bpf_ksym_exists(extfuse_caller_digest))
		return extfuse_count_error(EXTFUSE_OP_READDIR);
	w.in = in;
	w.out = out;
	w.next = in->offset;
	w.digest = extfuse_caller_digest(&in->caller);
	w.why = EXTFUSE_MISS_ABSENT;
	bpf_loop(EXT_READDIR_STEPS_MAX, ext_readdir_chunk, &w, 0);
	if (w.why == EXT_READDIR_ERROR)
		return extfuse_count_error(EXTFUSE_OP_READDIR);
	/* A reply may be short, as long as it is not empty; nothing torn is in it. */
	if (w.why != EXT_READDIR_OK && (w.why == EXTFUSE_MISS_TORN || !w.filled))
		return extfuse_count_miss(EXTFUSE_OP_READDIR, w.why);
	out->word = in->word;
	out->size = w.filled;
	out->flags = extfuse_out_flags(w.scope, 0);
	return extfuse_count_hit(EXTFUSE_OP_READDIR, false);
}

#endif /* EXTFUSE_CACHE_READDIR_BPF_H */
