/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Replies into the caches that lookup.bpf.h, getattr.bpf.h and object.bpf.h answer
 * from: what libextfuse does by extfuse_put_*(), in the kernel.
 */
#ifndef EXTFUSE_OPS_REPLY_BPF_H
#define EXTFUSE_OPS_REPLY_BPF_H

#include <extfuse/maps.bpf.h>

/*
 * For whom, as slots say it. False: nobody, do not store. A reply without a mark is
 * nobody's: only the daemon knows what it depends on.
 */
static __always_inline bool reply_audience(const struct extfuse_caller *caller, __u32 scope,
					   __u64 *who)
{
	*who = 0;
	switch (scope) {
	case EXTFUSE_SCOPE_KERNEL:
	case EXTFUSE_SCOPE_ALL:
		return true;
	case EXTFUSE_SCOPE_UID:
		*who = caller->uid;
		return caller->flags & EXTFUSE_CALLER_CURRENT;
	case EXTFUSE_SCOPE_CALLER:
		if (bpf_ksym_exists(extfuse_caller_digest))
			*who = extfuse_caller_digest(caller);
		return *who != 0;
	default:
		return false;
	}
}

static __always_inline __u32 reply_scope(__u32 mark)
{
	return mark & EXTFUSE_MARK_SCOPE_MASK;
}

static __always_inline __u64 reply_entry_token(const struct extfuse_caller *caller, __u64 parent,
					       __u32 tag)
{
	return bpf_ksym_exists(extfuse_entry_token) ? extfuse_entry_token(caller, parent, tag) : 0;
}

static __always_inline __u64 reply_node_token(const struct extfuse_caller *caller, __u64 nodeid)
{
	return bpf_ksym_exists(extfuse_node_token) ? extfuse_node_token(caller, nodeid) : 0;
}

/* What extfuse_way() is told of the i-th slot. */
#define REPLY_WAY(slot_, i_, same_, token_)                                                        \
	do {                                                                                       \
		__u64 word_ = (slot_)->word;                                                       \
		if ((slot_)->seq & 1)                                                              \
			busy |= 1U << (i_);                                                        \
		if (!word_)                                                                        \
			empty |= 1U << (i_);                                                       \
		else if (same_)                                                                    \
			same |= 1U << (i_);                                                        \
		else if (word_ != (token_))                                                        \
			outdated |= 1U << (i_);                                                    \
	} while (0)

/* Both name caches begin alike, see lookup.bpf.h. */
static __always_inline void reply_name_fill(struct extfuse_name_slot *s,
					    const struct extfuse_reply_entry_in *in, __u32 scope,
					    __u64 who)
{
	s->tag = in->lookup.hash;
	s->parent = in->lookup.parent;
	s->word = in->lookup.word;
	s->nodeid = in->nodeid;
	s->behind = in->behind;
	s->caller = who;
	s->generation = in->generation;
	s->name_len = in->lookup.name_len;
	s->scope = scope;
}

static __always_inline int reply_name(const struct extfuse_reply_entry_in *in, __u32 scope,
				      __u64 who)
{
	__u64 hash = in->lookup.hash, parent = in->lookup.parent;
	__u32 same = 0, empty = 0, outdated = 0, busy = 0, seq, i;
	__u32 key = extfuse_bucket(hash, ext_name_mask);
	struct extfuse_name_bucket *b = bpf_map_lookup_elem(&ext_names, &key);
	struct extfuse_name_slot *s;

	if (!b)
		return 0;
#pragma unroll
	for (i = 0; i < EXTFUSE_WAYS; i++) {
		s = &b->slot[i];
		REPLY_WAY(s, i,
			  s->tag == (__u32)hash && s->parent == parent &&
				  s->name_len == in->lookup.name_len &&
				  !((in->lookup.name[0] ^ s->name[0]) |
				    (in->lookup.name[1] ^ s->name[1]) |
				    (in->lookup.name[2] ^ s->name[2]) |
				    (in->lookup.name[3] ^ s->name[3])),
			  reply_entry_token(&in->lookup.caller, s->parent, s->tag));
	}
	s = &b->slot[extfuse_way(same, empty, outdated, busy, hash) % EXTFUSE_WAYS];
	seq = extfuse_seq_lock(&s->seq);
	if (seq & 1)
		return 0;
	reply_name_fill(s, in, scope, who);
	s->name[0] = in->lookup.name[0];
	s->name[1] = in->lookup.name[1];
	s->name[2] = in->lookup.name[2];
	s->name[3] = in->lookup.name[3];
	extfuse_seq_unlock(&s->seq, seq);
	return 0;
}

static __noinline int reply_long_name(const struct extfuse_reply_entry_in *in, __u32 scope,
				      __u64 who)
{
	__u64 hash = in->lookup.hash, parent = in->lookup.parent;
	__u32 same = 0, empty = 0, outdated = 0, busy = 0, seq, i;
	__u32 key = extfuse_bucket(hash, ext_long_name_mask);
	struct extfuse_long_name_bucket *b = bpf_map_lookup_elem(&ext_long_names, &key);
	struct extfuse_long_name_slot *s;

	if (!b || !bpf_ksym_exists(extfuse_name_copy))
		return 0;
	/* By 32 bits of hash alone: another name of those is replaced, too. */
#pragma unroll
	for (i = 0; i < EXTFUSE_WAYS; i++) {
		s = &b->slot[i];
		REPLY_WAY(s, i, s->tag == (__u32)hash && s->parent == parent,
			  reply_entry_token(&in->lookup.caller, s->parent, s->tag));
	}
	s = &b->slot[extfuse_way(same, empty, outdated, busy, hash) % EXTFUSE_WAYS];
	seq = extfuse_seq_lock(&s->seq);
	if (seq & 1)
		return 0;
	reply_name_fill((struct extfuse_name_slot *)s, in, scope, who);
	extfuse_name_copy(&in->lookup, s->name, sizeof(s->name));
	extfuse_seq_unlock(&s->seq, seq);
	return 0;
}

static __always_inline int extfuse_cache_reply_entry(const struct extfuse_reply_entry_in *in)
{
	__u32 scope = reply_scope(in->mark);
	__u64 who;

	if (!reply_audience(&in->lookup.caller, scope, &who))
		return 0;
	return in->lookup.name_len <= EXTFUSE_NAME_INLINE ? reply_name(in, scope, who)
							  : reply_long_name(in, scope, who);
}

/* Field by field: the verifier refuses a load of two at once. */
#define REPLY_FIELD(to, from, field)                                                               \
	((to)->field = *(const volatile typeof((from)->field) *)&(from)->field)

static __always_inline void reply_attr_copy(struct extfuse_attr *to,
					    const struct extfuse_attr *from)
{
	REPLY_FIELD(to, from, ino);
	REPLY_FIELD(to, from, size);
	REPLY_FIELD(to, from, blocks);
	REPLY_FIELD(to, from, atime);
	REPLY_FIELD(to, from, mtime);
	REPLY_FIELD(to, from, ctime);
	REPLY_FIELD(to, from, atimensec);
	REPLY_FIELD(to, from, mtimensec);
	REPLY_FIELD(to, from, ctimensec);
	REPLY_FIELD(to, from, mode);
	REPLY_FIELD(to, from, nlink);
	REPLY_FIELD(to, from, uid);
	REPLY_FIELD(to, from, gid);
	REPLY_FIELD(to, from, rdev);
	REPLY_FIELD(to, from, blksize);
	to->flags = 0;
}

static __always_inline int extfuse_cache_reply_attr(const struct extfuse_reply_attr_in *in)
{
	__u32 scope = in->flags & EXTFUSE_REPLY_OF_ENTRY
			      ? reply_scope(in->mark >> EXTFUSE_MARK_ATTR_SHIFT)
			      : reply_scope(in->mark);
	__u64 hash = in->hash, nodeid = in->nodeid, who;
	__u32 same = 0, empty = 0, outdated = 0, busy = 0, seq, i;
	__u32 key = extfuse_bucket(hash, ext_attr_mask);
	struct extfuse_attr_bucket *b;
	struct extfuse_attr_slot *s;

	if (!reply_audience(&in->caller, scope, &who))
		return 0;
	b = bpf_map_lookup_elem(&ext_attrs, &key);
	if (!b)
		return 0;
#pragma unroll
	for (i = 0; i < EXTFUSE_WAYS; i++) {
		s = &b->slot[i];
		REPLY_WAY(s, i, s->nodeid == nodeid, reply_node_token(&in->caller, s->nodeid));
	}
	s = &b->slot[extfuse_way(same, empty, outdated, busy, hash) % EXTFUSE_WAYS];
	seq = extfuse_seq_lock(&s->seq);
	if (seq & 1)
		return 0;
	s->scope = scope;
	s->nodeid = nodeid;
	s->word = in->word;
	s->caller = who;
	reply_attr_copy(&s->attr, &in->attr);
	extfuse_seq_unlock(&s->seq, seq);
	return 0;
}

#endif /* EXTFUSE_OPS_REPLY_BPF_H */
