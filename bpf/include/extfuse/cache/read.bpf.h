/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * READ from the data cache. All blocks of the range must be there, under one
 * word and for this caller; one that is not sends the whole read up. End of file
 * comes from the file size that every block carries.
 */
#ifndef EXTFUSE_CACHE_READ_BPF_H
#define EXTFUSE_CACHE_READ_BPF_H

#include <extfuse/maps.bpf.h>

#define EXT_READ_MAX (1U << 20)
#define EXT_READ_MAX_BLOCKS (EXT_READ_MAX / EXTFUSE_BLOCK_SIZE + 1) /* unaligned: one more */

/* Outcome of one block, kept apart from enum extfuse_miss. */
#define EXT_READ_BLOCK_OK (-1)
#define EXT_READ_BLOCK_ERROR (-2)

/* What the blocks of one read have in common. */
struct ext_read_range {
	const struct extfuse_read_in *in;
	struct extfuse_read_out *out;
	__u64 offset; /* first byte */
	__u64 end; /* one behind the last byte to answer */
	__u64 size; /* of the file */
	__u64 caller; /* scope and caller: of the first block, which was checked */
	__s32 why; /* READ_BLOCK_*, or enum extfuse_miss of the block that failed */
	__u32 scope;
};

/*
 * Which way of its bucket the block is in; -1: none. A program of its own to the
 * verifier, or all that follows would be gone through once for each way.
 */
__noinline int ext_read_way(__u64 nodeid, __u64 index)
{
	__u32 key = extfuse_bucket(extfuse_block_hash(ext_seed, nodeid, index), ext_block_mask);
	struct extfuse_data_bucket *b = bpf_map_lookup_elem(&ext_blocks, &key);
	int i;

	if (!b)
		return -1;
#pragma unroll
	for (i = 0; i < EXTFUSE_WAYS; i++) {
		if (b->slot[i].nodeid == nodeid && b->slot[i].index == index)
			return i;
	}
	return -1;
}

static __always_inline struct extfuse_data_slot *ext_read_find(__u64 nodeid, __u64 index)
{
	__u32 key = extfuse_bucket(extfuse_block_hash(ext_seed, nodeid, index), ext_block_mask);
	int way = ext_read_way(nodeid, index);
	struct extfuse_data_bucket *b;

	if (way < 0)
		return NULL;
	b = bpf_map_lookup_elem(&ext_blocks, &key);
	return b ? &b->slot[(__u32)way % EXTFUSE_WAYS] : NULL;
}

/* Is the slot this block, and fresh? EXT_READ_BLOCK_OK or why not. */
static __always_inline int ext_read_check(const struct extfuse_read_in *in,
					  const struct extfuse_data_slot *s, __u64 index)
{
	if (s->nodeid != in->nodeid || s->index != index)
		return EXTFUSE_MISS_TORN;
	if (s->word != in->word)
		return EXTFUSE_MISS_STALE;
	return EXT_READ_BLOCK_OK;
}

/* Size of the file, and for whom, as the block says. EXT_READ_BLOCK_OK or why not. */
static __noinline int ext_read_size(struct ext_read_range *r, __u64 index)
{
	struct extfuse_data_slot *s;
	__u32 seq;
	int why;

	s = ext_read_find(r->in->nodeid, index);
	if (!s)
		return EXTFUSE_MISS_ABSENT;
	seq = extfuse_seq_begin(&s->seq);
	why = ext_read_check(r->in, s, index);
	if (why != EXT_READ_BLOCK_OK)
		return why;
	r->size = s->size;
	r->scope = s->scope;
	r->caller = s->caller;
	if (!extfuse_caller_fits(&r->in->caller, r->scope, r->caller))
		return EXTFUSE_MISS_CALLER;
	if (!extfuse_seq_same(&s->seq, seq))
		return EXTFUSE_MISS_TORN;
	return EXT_READ_BLOCK_OK;
}

/* Copy the i-th block's share of the range. 0: go on, 1: stop, see r->why. */
static long ext_read_block(__u64 i, void *ctx)
{
	struct ext_read_range *r = ctx;
	__u64 index = r->offset / EXTFUSE_BLOCK_SIZE + i;
	__u64 start = index * EXTFUSE_BLOCK_SIZE;
	__u64 len = r->end - start; /* of the block that is needed */
	struct extfuse_data_slot *s;
	__u32 seq;

	if (len > EXTFUSE_BLOCK_SIZE)
		len = EXTFUSE_BLOCK_SIZE;

	s = ext_read_find(r->in->nodeid, index);
	if (!s) {
		r->why = EXTFUSE_MISS_ABSENT;
		return 1;
	}
	seq = extfuse_seq_begin(&s->seq);
	r->why = ext_read_check(r->in, s, index);
	if (r->why != EXT_READ_BLOCK_OK)
		return 1;
	if (s->scope != r->scope || s->caller != r->caller) {
		r->why = EXTFUSE_MISS_CALLER;
		return 1;
	}
	if (s->size != r->size || len > s->len) {
		r->why = EXTFUSE_MISS_STALE;
		return 1;
	}
	if (extfuse_read_fill(r->out, s->data, sizeof(s->data), start, len) <= 0) {
		r->why = EXT_READ_BLOCK_ERROR;
		return 1;
	}
	if (!extfuse_seq_same(&s->seq, seq)) {
		r->why = EXTFUSE_MISS_TORN;
		return 1;
	}
	return 0;
}

static __always_inline int extfuse_cache_read(const struct extfuse_read_in *in,
					      struct extfuse_read_out *out)
{
	__u32 switches = ext_switches;
	struct ext_read_range r = {};
	__u64 blocks, first, index;

	if (!(switches & (1U << EXTFUSE_OP_READ)))
		return extfuse_count_miss(EXTFUSE_OP_READ, EXTFUSE_MISS_OFF);
	if (!bpf_ksym_exists(extfuse_read_fill))
		return extfuse_count_error(EXTFUSE_OP_READ);
	if (in->size > EXT_READ_MAX)
		return extfuse_count_miss(EXTFUSE_OP_READ, EXTFUSE_MISS_ABSENT);

	r.in = in;
	r.out = out;
	r.offset = in->offset;

	/*
	 * The first block tells the file's size. At or behind the end there is no
	 * such block: the one before (a sequential reader at the end) or the first
	 * one of the file may tell.
	 */
	first = r.offset / EXTFUSE_BLOCK_SIZE;
	index = first;
	if (index && ext_read_way(in->nodeid, index) < 0) {
		index--;
		if (index && ext_read_way(in->nodeid, index) < 0)
			index = 0;
	}
	r.why = ext_read_size(&r, index);
	if (r.why == EXT_READ_BLOCK_OK && index != first && r.offset < r.size)
		r.why = EXTFUSE_MISS_ABSENT;
	if (r.why != EXT_READ_BLOCK_OK)
		goto miss;

	if (r.offset < r.size) {
		r.end = r.offset + in->size;
		if (r.end > r.size)
			r.end = r.size;
		blocks = (r.end + EXTFUSE_BLOCK_SIZE - 1) / EXTFUSE_BLOCK_SIZE -
			 r.offset / EXTFUSE_BLOCK_SIZE;
		if (blocks > EXT_READ_MAX_BLOCKS)
			return extfuse_count_error(EXTFUSE_OP_READ);
		bpf_loop(blocks, ext_read_block, &r, 0);
		if (r.why != EXT_READ_BLOCK_OK)
			goto miss;
		out->size = r.end - r.offset;
	}
	out->word = in->word;
	out->flags = extfuse_slot_flags(r.scope, switches);
	return extfuse_count_hit(EXTFUSE_OP_READ, false);

miss:
	if (r.why < 0)
		return extfuse_count_error(EXTFUSE_OP_READ);
	return extfuse_count_miss(EXTFUSE_OP_READ, r.why & 7);
}

#endif /* EXTFUSE_CACHE_READ_BPF_H */
