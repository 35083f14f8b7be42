/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Replies into the caches that lookup.bpf.h, getattr.bpf.h and object.bpf.h answer
 * from: what libextfuse does by extfuse_put_*(), in the kernel.
 */
#ifndef EXTFUSE_OPS_REPLY_BPF_H
#define EXTFUSE_OPS_REPLY_BPF_H

#include <extfuse/maps.bpf.h>

/*
 * For whom, as slots say it. False: nobody, do not store. Of a mount that is its
 * owner's alone, all who may ask have the owner's ids; a reply that was given to
 * somebody who has taken on others for this request is not for the owner.
 */
static __always_inline bool reply_audience(const struct extfuse_caller *caller, __u32 mark,
					   __u32 scope, __u64 *who)
{
	*who = 0;
	if (!mark && ext_cache_owner && (caller->flags & EXTFUSE_CALLER_CURRENT) &&
	    (caller->uid != ext_owner_uid || caller->gid != ext_owner_gid))
		return false;
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

/* Who may have it: what the daemon says of this reply, else what the policy says. */
static __always_inline __u32 reply_scope(__u32 mark, __u32 policy)
{
	if (mark)
		return mark & EXTFUSE_MARK_SCOPE_MASK;
	return ext_cache == EXTFUSE_CACHE_ANNOTATED ? EXTFUSE_SCOPE_NONE : policy;
}

static __always_inline int reply_unkept_for(__u32 op, __u32 scope)
{
	return extfuse_count_unkept(op, scope == EXTFUSE_SCOPE_NONE ? EXTFUSE_UNKEPT_SCOPE
								    : EXTFUSE_UNKEPT_CALLER);
}

/* Without a mark, under a policy for which the reply's own timeout counts. */
static __always_inline bool reply_by_timeout(__u32 mark)
{
	return ext_cache == EXTFUSE_CACHE_TIMEOUTS && !mark;
}

#define REPLY_NS 1000000000ULL

/* When it ends, as slots say it; 0: it is over. */
static __always_inline __u64 reply_expires(__u64 seconds, __u32 ns)
{
	if (!seconds && !ns)
		return 0;
	/* A hundred years are for ever. */
	if (seconds > 100ULL * 366 * 86400)
		seconds = 100ULL * 366 * 86400;
	return bpf_ktime_get_boot_ns() + seconds * REPLY_NS + ns;
}

static __always_inline bool reply_many_links(__u32 mode, __u32 nlink)
{
	return !ext_cache_links && nlink > 1 && (mode & 0170000) != 0040000;
}

/* Attributes of a node as they are in the cache. */
struct reply_known {
	__u64 size;
	__u32 mode;
	__u32 nlink;
};

/* And their token. False: they are not there. */
static __always_inline bool reply_attr_find(__u64 nodeid, __u64 hash, struct reply_known *known,
					    __u64 *under)
{
	__u32 key = extfuse_bucket(hash, ext_attr_mask), seq, i;
	struct extfuse_attr_bucket *b;
	struct extfuse_attr_slot *s;

	b = bpf_map_lookup_elem(&ext_attrs, &key);
	if (!b)
		return false;
#pragma unroll
	for (i = 0; i < EXTFUSE_WAYS; i++) {
		s = &b->slot[i];
		if (s->nodeid != nodeid)
			continue;
		seq = extfuse_seq_begin(&s->seq);
		*under = s->word;
		known->size = s->attr.size;
		known->mode = s->attr.mode;
		known->nlink = s->attr.nlink;
		return s->nodeid == nodeid && extfuse_seq_same(&s->seq, seq);
	}
	return false;
}

/* Under one of these tokens. */
static __always_inline bool reply_attr_known(__u64 nodeid, __u64 hash, __u64 word, __u64 before,
					     struct reply_known *known)
{
	__u64 under = 0;

	return word && reply_attr_find(nodeid, hash, known, &under) &&
	       (under == word || under == before);
}

/*
 * May the policy keep what a node is, or what is in it? Many daemons have a node for
 * each name of a file, and then a change by one name is not seen to change what is
 * known by another. -1, or enum extfuse_unkept.
 */
static __noinline int reply_alone(__u64 nodeid, __u64 hash, __u64 word, __u64 before)
{
	struct reply_known known = {};

	if (ext_cache_links)
		return -1;
	if (!reply_attr_known(nodeid, hash, word, before, &known))
		return EXTFUSE_UNKEPT_ATTR;
	return reply_many_links(known.mode, known.nlink) ? EXTFUSE_UNKEPT_LINKS : -1;
}

/* The same of a file that may have been written since its attributes were told. */
static __noinline int reply_was_alone(__u64 nodeid, __u64 hash)
{
	struct reply_known known = {};
	__u64 under = 0;

	if (ext_cache_links)
		return -1;
	if (!reply_attr_find(nodeid, hash, &known, &under))
		return EXTFUSE_UNKEPT_ATTR;
	return reply_many_links(known.mode, known.nlink) ? EXTFUSE_UNKEPT_LINKS : -1;
}

/* What was told before, of a single link, is not to be found any more. */
static __noinline int reply_attr_linked(__u64 nodeid, __u64 hash, __u32 nlink)
{
	__u32 key = extfuse_bucket(hash, ext_attr_mask), seq, i;
	struct extfuse_attr_bucket *b = bpf_map_lookup_elem(&ext_attrs, &key);
	struct extfuse_attr_slot *s;

	if (!b)
		return 0;
#pragma unroll
	for (i = 0; i < EXTFUSE_WAYS; i++) {
		s = &b->slot[i];
		if (s->nodeid != nodeid)
			continue;
		seq = extfuse_seq_lock(&s->seq);
		if (seq & 1)
			continue;
		if (s->nodeid == nodeid) {
			s->word = 0;
			s->attr.nlink = nlink;
		}
		extfuse_seq_unlock(&s->seq, seq);
	}
	return 0;
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
		__u32 seq_ = (slot_)->seq;                                                         \
		turn += seq_;                                                                      \
		if (seq_ & 1)                                                                      \
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
	__u32 same = 0, empty = 0, outdated = 0, busy = 0, turn = hash, seq, i;
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
	s = &b->slot[extfuse_way(same, empty, outdated, busy, turn) % EXTFUSE_WAYS];
	seq = extfuse_seq_lock(&s->seq);
	if (seq & 1)
		return extfuse_count_unkept(EXTFUSE_OP_LOOKUP, EXTFUSE_UNKEPT_BUSY);
	reply_name_fill(s, in, scope, who);
	s->name[0] = in->lookup.name[0];
	s->name[1] = in->lookup.name[1];
	s->name[2] = in->lookup.name[2];
	s->name[3] = in->lookup.name[3];
	extfuse_seq_unlock(&s->seq, seq);
	return extfuse_count_kept(EXTFUSE_OP_LOOKUP);
}

static __noinline int reply_long_name(const struct extfuse_reply_entry_in *in, __u32 scope,
				      __u64 who)
{
	__u64 hash = in->lookup.hash, parent = in->lookup.parent;
	__u32 same = 0, empty = 0, outdated = 0, busy = 0, turn = hash, seq, i;
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
	s = &b->slot[extfuse_way(same, empty, outdated, busy, turn) % EXTFUSE_WAYS];
	seq = extfuse_seq_lock(&s->seq);
	if (seq & 1)
		return extfuse_count_unkept(EXTFUSE_OP_LOOKUP, EXTFUSE_UNKEPT_BUSY);
	reply_name_fill((struct extfuse_name_slot *)s, in, scope, who);
	extfuse_name_copy(&in->lookup, s->name, sizeof(s->name));
	extfuse_seq_unlock(&s->seq, seq);
	return extfuse_count_kept(EXTFUSE_OP_LOOKUP);
}

#ifndef FUSE_READDIRPLUS
#define FUSE_READDIRPLUS 44 /* as in <linux/fuse.h> */
#endif

static __always_inline int extfuse_cache_reply_entry(const struct extfuse_reply_entry_in *in)
{
	__u32 scope = reply_scope(in->mark, ext_cache_names);
	__u64 who;

	/* The kernel's own dentries live as long as that. */
	if (reply_by_timeout(in->mark))
		return extfuse_count_unkept(EXTFUSE_OP_LOOKUP, in->valid || in->valid_nsec
								       ? EXTFUSE_UNKEPT_KIND
								       : EXTFUSE_UNKEPT_TIMEOUT);
	/* Who may list need not be allowed to search, unless the kernel checks that. */
	if (!in->mark && in->opcode == FUSE_READDIRPLUS && scope != EXTFUSE_SCOPE_KERNEL)
		return extfuse_count_unkept(EXTFUSE_OP_LOOKUP, EXTFUSE_UNKEPT_KIND);
	if (!reply_audience(&in->lookup.caller, in->mark, scope, &who))
		return reply_unkept_for(EXTFUSE_OP_LOOKUP, scope);
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
	__u32 scope = reply_scope(in->mark && (in->flags & EXTFUSE_REPLY_OF_ENTRY)
					  ? EXTFUSE_MARK_SET | in->mark >> EXTFUSE_MARK_ATTR_SHIFT
					  : in->mark,
				  ext_cache_attrs);
	__u64 hash = in->hash, nodeid = in->nodeid, expires = 0, who;
	__u32 same = 0, empty = 0, outdated = 0, busy = 0, turn = hash, seq, i;
	__u32 key = extfuse_bucket(hash, ext_attr_mask);
	struct extfuse_attr_bucket *b;
	struct extfuse_attr_slot *s;

	if (!reply_audience(&in->caller, in->mark, scope, &who))
		return reply_unkept_for(EXTFUSE_OP_GETATTR, scope);
	if (!in->mark && reply_many_links(in->attr.mode, in->attr.nlink)) {
		reply_attr_linked(nodeid, hash, in->attr.nlink);
		return extfuse_count_unkept(EXTFUSE_OP_GETATTR, EXTFUSE_UNKEPT_LINKS);
	}
	if (reply_by_timeout(in->mark)) {
		expires = reply_expires(in->valid, in->valid_nsec);
		if (!expires)
			return extfuse_count_unkept(EXTFUSE_OP_GETATTR, EXTFUSE_UNKEPT_TIMEOUT);
	}
	b = bpf_map_lookup_elem(&ext_attrs, &key);
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
		return extfuse_count_unkept(EXTFUSE_OP_GETATTR, EXTFUSE_UNKEPT_BUSY);
	s->scope = scope;
	s->nodeid = nodeid;
	s->word = in->word;
	s->caller = who;
	reply_attr_copy(&s->attr, &in->attr);
	s->expires = expires;
	extfuse_seq_unlock(&s->seq, seq);
	return extfuse_count_kept(EXTFUSE_OP_GETATTR);
}

#endif /* EXTFUSE_OPS_REPLY_BPF_H */
