/* SPDX-License-Identifier: GPL-2.0-only */
/* LOOKUP from the name caches: positive and negative entries. */
#ifndef EXTFUSE_CACHE_LOOKUP_BPF_H
#define EXTFUSE_CACHE_LOOKUP_BPF_H

#include <extfuse/maps.bpf.h>

/*
 * Slots of both name caches begin with the same fields (pinned by the layout
 * test); what follows reads long ones through the short type, but for the name.
 */
static __always_inline struct extfuse_name_slot *ext_lookup_find(const struct extfuse_lookup_in *in)
{
	__u64 hash = in->hash;
	__u32 key = extfuse_bucket(hash, ext_name_mask);
	struct extfuse_name_bucket *b = bpf_map_lookup_elem(&ext_names, &key);
	__u32 i;

	if (!b)
		return NULL;
#pragma unroll
	for (i = 0; i < EXTFUSE_WAYS; i++) {
		if (b->slot[i].tag == (__u32)hash)
			return &b->slot[i];
	}
	return NULL;
}

static __always_inline struct extfuse_long_name_slot *ext_lookup_find_long(
	const struct extfuse_lookup_in *in)
{
	__u64 hash = in->hash;
	__u32 key = extfuse_bucket(hash, ext_long_name_mask);
	struct extfuse_long_name_bucket *b = bpf_map_lookup_elem(&ext_long_names, &key);
	__u32 i;

	if (!b)
		return NULL;
#pragma unroll
	for (i = 0; i < EXTFUSE_WAYS; i++) {
		if (b->slot[i].tag == (__u32)hash)
			return &b->slot[i];
	}
	return NULL;
}

static __always_inline bool ext_lookup_same_name(const struct extfuse_lookup_in *in,
						 const struct extfuse_name_slot *s)
{
	return !((in->name[0] ^ s->name[0]) | (in->name[1] ^ s->name[1]) |
		 (in->name[2] ^ s->name[2]) | (in->name[3] ^ s->name[3]));
}

/*
 * No slot for this name: is it one that its directory is known not to have? The
 * driver compares the directory's token. why: enum extfuse_miss if it is not.
 */
static __noinline int ext_lookup_complete(const struct extfuse_lookup_in *in,
					  struct extfuse_lookup_out *out, __u32 why)
{
	__u64 parent = in->parent;
	__u64 hash = in->hash;
	struct extfuse_names_bucket *b;
	struct extfuse_names_slot *s = NULL;
	__u32 key, i, bit, scope, seq;
	__u64 word;

	key = extfuse_bucket(extfuse_node_hash(ext_seed, parent), ext_dir_names_mask);
	b = bpf_map_lookup_elem(&ext_dir_names, &key);
	if (!b)
		goto miss;
#pragma unroll
	for (i = 0; i < EXTFUSE_WAYS; i++) {
		if (b->slot[i].nodeid == parent && b->slot[i].word) {
			s = &b->slot[i];
			break;
		}
	}
	if (!s)
		goto miss;
	seq = extfuse_seq_begin(&s->seq);
	word = s->word;
	scope = s->scope;
	if (s->nodeid != parent)
		goto miss;
#pragma unroll
	for (i = 0; i < EXTFUSE_NAMES_PROBES; i++) {
		bit = extfuse_names_bit(hash, i);
		if (!(s->bits[(bit / 64) & (EXTFUSE_NAMES_WORDS - 1)] & (1ULL << (bit % 64))))
			break;
	}
	/* Maybe there. */
	if (i == EXTFUSE_NAMES_PROBES)
		goto miss;
	why = EXTFUSE_MISS_CALLER;
	if (!extfuse_caller_fits(&in->caller, scope, s->caller))
		goto miss;
	why = EXTFUSE_MISS_TORN;
	if (!extfuse_seq_same(&s->seq, seq))
		goto miss;
	out->word = in->word;
	out->nodeid = 0;
	out->behind = word;
	out->generation = 0;
	out->flags = extfuse_slot_flags(scope, ext_switches) | EXTFUSE_OUT_COMPLETE;
	return extfuse_count_hit(EXTFUSE_OP_LOOKUP, true);
miss:
	return extfuse_count_miss(EXTFUSE_OP_LOOKUP, why);
}

static __always_inline int ext_lookup_miss(const struct extfuse_lookup_in *in,
					   struct extfuse_lookup_out *out, __u32 why)
{
	/* What a dentry means is not changed by a handler: no use in contradicting it. */
	return in->nodeid ? extfuse_count_miss(EXTFUSE_OP_LOOKUP, why)
			  : ext_lookup_complete(in, out, why);
}

static __always_inline int extfuse_cache_lookup(const struct extfuse_lookup_in *in,
						struct extfuse_lookup_out *out)
{
	__u32 switches = ext_switches;
	struct extfuse_name_slot *s;
	__u32 seq, scope;
	__u64 nodeid, word;

	if (!(switches & (1U << EXTFUSE_OP_LOOKUP)))
		return extfuse_count_miss(EXTFUSE_OP_LOOKUP, EXTFUSE_MISS_OFF);

	if (in->name_len <= EXTFUSE_NAME_INLINE) {
		s = ext_lookup_find(in);
		if (!s)
			return ext_lookup_miss(in, out, EXTFUSE_MISS_ABSENT);
		seq = extfuse_seq_begin(&s->seq);
		if (s->parent != in->parent || s->name_len != in->name_len ||
		    !ext_lookup_same_name(in, s))
			return ext_lookup_miss(in, out, EXTFUSE_MISS_ABSENT);
	} else {
		struct extfuse_long_name_slot *l = ext_lookup_find_long(in);

		if (!l)
			return ext_lookup_miss(in, out, EXTFUSE_MISS_ABSENT);
		seq = extfuse_seq_begin(&l->seq);
		if (l->parent != in->parent || l->name_len != in->name_len)
			return ext_lookup_miss(in, out, EXTFUSE_MISS_ABSENT);
		if (!bpf_ksym_exists(extfuse_name_equal))
			return extfuse_count_error(EXTFUSE_OP_LOOKUP);
		if (extfuse_name_equal(in, l->name, sizeof(l->name)) != 1)
			return extfuse_count_miss(EXTFUSE_OP_LOOKUP, EXTFUSE_MISS_ABSENT);
		s = (struct extfuse_name_slot *)l;
	}

	word = s->word;
	if (word != in->word)
		return ext_lookup_miss(in, out, EXTFUSE_MISS_STALE);
	scope = s->scope;
	if (!extfuse_caller_fits(&in->caller, scope, s->caller))
		return extfuse_count_miss(EXTFUSE_OP_LOOKUP, EXTFUSE_MISS_CALLER);

	nodeid = s->nodeid;
	out->word = word;
	out->nodeid = nodeid;
	out->behind = s->behind;
	out->generation = s->generation;
	if (!extfuse_seq_same(&s->seq, seq))
		return extfuse_count_miss(EXTFUSE_OP_LOOKUP, EXTFUSE_MISS_TORN);
	out->flags = extfuse_slot_flags(scope, switches);
	return extfuse_count_hit(EXTFUSE_OP_LOOKUP, nodeid == 0);
}

#endif /* EXTFUSE_CACHE_LOOKUP_BPF_H */
