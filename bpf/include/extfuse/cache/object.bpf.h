/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Answers about one node from the object cache: GETXATTR, LISTXATTR, READLINK,
 * STATFS, ACCESS, LSEEK.
 */
#ifndef EXTFUSE_CACHE_OBJECT_BPF_H
#define EXTFUSE_CACHE_OBJECT_BPF_H

#include <extfuse/maps.bpf.h>

/* What is asked, in one form for all of them. */
struct ext_object_key {
	__u64 nodeid;
	__u64 arg; /* as in struct extfuse_object_slot */
	__u32 kind;
};

static __always_inline struct extfuse_object_slot *ext_object_find(const struct ext_object_key *k)
{
	__u64 hash = extfuse_object_hash(ext_seed, k->nodeid, k->kind, k->arg);
	__u32 key = extfuse_bucket(hash, ext_object_mask);
	struct extfuse_object_bucket *b = bpf_map_lookup_elem(&ext_objects, &key);
	__u32 i;

	if (!b)
		return NULL;
#pragma unroll
	for (i = 0; i < EXTFUSE_WAYS; i++) {
		if (b->slot[i].nodeid == k->nodeid && b->slot[i].arg == k->arg &&
		    b->slot[i].kind == k->kind && b->slot[i].word)
			return &b->slot[i];
	}
	return NULL;
}

/* Is the slot the answer, fresh, and for this caller? EXT_OBJECT_OK or why not. */
#define EXT_OBJECT_OK (-1)

static __always_inline int ext_object_check(const struct ext_object_key *k,
					    const struct extfuse_caller *caller,
					    const struct extfuse_object_slot *s, __u64 word)
{
	if (s->nodeid != k->nodeid || s->arg != k->arg || s->kind != k->kind)
		return EXTFUSE_MISS_TORN;
	if (s->word != word)
		return EXTFUSE_MISS_STALE;
	if (!extfuse_caller_fits(caller, s->scope, s->caller))
		return EXTFUSE_MISS_CALLER;
	return EXT_OBJECT_OK;
}

static __always_inline bool ext_object_off(__u32 op)
{
	return !(ext_switches & (1U << op));
}

/* The slot that answers, if extfuse_seq_same() says so afterwards. NULL: a miss, counted. */
static __always_inline struct extfuse_object_slot *ext_object_fresh(
	const struct ext_object_key *k, const struct extfuse_caller *caller, __u64 word, __u32 *seq)
{
	struct extfuse_object_slot *s = ext_object_find(k);
	int why = EXTFUSE_MISS_ABSENT;

	if (s) {
		*seq = extfuse_seq_begin(&s->seq);
		why = ext_object_check(k, caller, s, word);
		if (why == EXT_OBJECT_OK)
			return s;
	}
	extfuse_count_miss(k->kind, why);
	return NULL;
}

/* The slot's bytes into the reply, and the answer with them. */
static __always_inline int ext_object_reply(struct extfuse_bytes_out *out,
					    const struct extfuse_object_slot *s, __u32 seq,
					    __u64 word, __u32 kind)
{
	__u32 scope = s->scope;
	__u32 extra = s->flags & (EXTFUSE_OUT_ABSENT | EXTFUSE_OUT_XATTR_WORD);
	__u32 len = s->len;

	if (len > EXTFUSE_OBJECT_MAX)
		return extfuse_count_miss(kind, EXTFUSE_MISS_TORN);
	if (len && extfuse_bytes_put(out, s->data, sizeof(s->data), len) < 0)
		return extfuse_count_error(kind);
	if (!extfuse_seq_same(&s->seq, seq))
		return extfuse_count_miss(kind, EXTFUSE_MISS_TORN);
	out->word = word;
	out->size = len;
	out->flags = extfuse_slot_flags(scope, ext_switches) | extra;
	return extfuse_count_hit(kind, extra & EXTFUSE_OUT_ABSENT);
}

static __always_inline int extfuse_cache_getxattr(const struct extfuse_getxattr_in *in,
						  struct extfuse_bytes_out *out)
{
	struct ext_object_key k = {in->nodeid, in->hash, EXTFUSE_OP_GETXATTR};
	struct extfuse_object_slot *s;
	__u64 word;
	__u32 seq;
	int why;

	if (ext_object_off(k.kind))
		return extfuse_count_miss(k.kind, EXTFUSE_MISS_OFF);
	if (!bpf_ksym_exists(extfuse_bytes_put))
		return extfuse_count_error(k.kind);
	s = ext_object_find(&k);
	if (!s)
		return extfuse_count_miss(k.kind, EXTFUSE_MISS_ABSENT);
	seq = extfuse_seq_begin(&s->seq);
	if (s->name_len != in->name_len ||
	    ((in->name[0] ^ s->name[0]) | (in->name[1] ^ s->name[1]) | (in->name[2] ^ s->name[2]) |
	     (in->name[3] ^ s->name[3])))
		return extfuse_count_miss(k.kind, EXTFUSE_MISS_ABSENT);
	word = s->flags & EXTFUSE_OUT_XATTR_WORD ? in->xattr_word : in->word;
	why = ext_object_check(&k, &in->caller, s, word);
	if (why != EXT_OBJECT_OK)
		return extfuse_count_miss(k.kind, why);
	return ext_object_reply(out, s, seq, word, k.kind);
}

/* LISTXATTR, READLINK */
static __always_inline int extfuse_cache_bytes(const struct extfuse_bytes_in *in,
					       struct extfuse_bytes_out *out, __u32 kind)
{
	struct ext_object_key k = {in->nodeid, 0, kind};
	struct extfuse_object_slot *s;
	__u32 seq;

	if (ext_object_off(kind))
		return extfuse_count_miss(kind, EXTFUSE_MISS_OFF);
	if (!bpf_ksym_exists(extfuse_bytes_put))
		return extfuse_count_error(kind);
	s = ext_object_fresh(&k, &in->caller, in->word, &seq);
	if (!s)
		return EXTFUSE_UPCALL;
	return ext_object_reply(out, s, seq, in->word, kind);
}

static __always_inline int extfuse_cache_statfs(const struct extfuse_statfs_in *in,
						struct extfuse_statfs_out *out)
{
	struct ext_object_key k = {in->nodeid, 0, EXTFUSE_OP_STATFS};
	struct extfuse_object_slot *s;
	__u32 seq, scope;

	if (ext_object_off(k.kind))
		return extfuse_count_miss(k.kind, EXTFUSE_MISS_OFF);
	s = ext_object_fresh(&k, &in->caller, in->word, &seq);
	if (!s)
		return EXTFUSE_UPCALL;
	scope = s->scope;
	out->st = *(const struct extfuse_statfs *)s->data;
	if (!extfuse_seq_same(&s->seq, seq))
		return extfuse_count_miss(k.kind, EXTFUSE_MISS_TORN);
	out->word = in->word;
	out->flags = extfuse_out_flags(scope, 0);
	return extfuse_count_hit(k.kind, false);
}

static __always_inline int extfuse_cache_access(const struct extfuse_access_in *in,
						struct extfuse_access_out *out)
{
	struct ext_object_key k = {in->nodeid, in->mask, EXTFUSE_OP_ACCESS};
	struct extfuse_object_slot *s;
	__u32 seq, scope;

	if (ext_object_off(k.kind))
		return extfuse_count_miss(k.kind, EXTFUSE_MISS_OFF);
	s = ext_object_fresh(&k, &in->caller, in->word, &seq);
	if (!s)
		return EXTFUSE_UPCALL;
	scope = s->scope;
	out->error = *(const __s32 *)s->data;
	if (!extfuse_seq_same(&s->seq, seq))
		return extfuse_count_miss(k.kind, EXTFUSE_MISS_TORN);
	out->word = in->word;
	out->flags = extfuse_out_flags(scope, 0);
	return extfuse_count_hit(k.kind, out->error != 0);
}

static __always_inline int extfuse_cache_lseek(const struct extfuse_lseek_in *in,
					       struct extfuse_lseek_out *out)
{
	struct ext_object_key k = {in->nodeid, extfuse_lseek_arg(in->offset, in->whence),
				   EXTFUSE_OP_LSEEK};
	struct extfuse_object_slot *s;
	__u32 seq, flags;

	if (ext_object_off(k.kind))
		return extfuse_count_miss(k.kind, EXTFUSE_MISS_OFF);
	s = ext_object_fresh(&k, &in->caller, in->word, &seq);
	if (!s)
		return EXTFUSE_UPCALL;
	flags = extfuse_out_flags(s->scope, s->flags & EXTFUSE_OUT_ABSENT);
	out->offset = *(const __u64 *)s->data;
	if (!extfuse_seq_same(&s->seq, seq))
		return extfuse_count_miss(k.kind, EXTFUSE_MISS_TORN);
	out->word = in->word;
	out->flags = flags;
	return extfuse_count_hit(k.kind, flags & EXTFUSE_OUT_ABSENT);
}

#endif /* EXTFUSE_CACHE_OBJECT_BPF_H */
