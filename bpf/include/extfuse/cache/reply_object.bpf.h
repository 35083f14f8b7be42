/* SPDX-License-Identifier: GPL-2.0-only */
/* Replies into the caches that object.bpf.h and read.bpf.h answer from. */
#ifndef EXTFUSE_OPS_REPLY_OBJECT_BPF_H
#define EXTFUSE_OPS_REPLY_OBJECT_BPF_H

#include "open.bpf.h"
#include "reply.bpf.h"

/* Does the token of this slot speak of a node alone, so that one can compare it? */
static __always_inline bool reply_of_node(const struct extfuse_object_slot *s)
{
	return s->kind != EXTFUSE_OP_STATFS && !(s->flags & EXTFUSE_OUT_XATTR_WORD);
}

/* The beginnings of names, as words of a name hold them. */
#define REPLY_USER 0x2e72657375ULL /* "user." */
#define REPLY_SECURITY 0x7974697275636573ULL /* "security", then "." */
#define REPLY_SYSTEM_P 0x702e6d6574737973ULL /* "system.p" */
#define REPLY_OSIX_ACL 0x6c63615f7869736fULL /* "osix_acl" */
#define REPLY_CAPABIL 0x6c6962617061632eULL /* ".capabil", then "ity" */
#define REPLY_ITY 0x797469ULL

/*
 * An extended attribute that no more than the right to read the file is needed for,
 * or nothing. trusted.* depends on capabilities, others on who knows what.
 */
static __always_inline bool reply_xattr_common(const struct extfuse_reply_bytes_in *in)
{
	__u64 first = in->name[0], second = in->name[1];

	return (first & 0xffffffffffULL) == REPLY_USER ||
	       (first == REPLY_SECURITY && (second & 0xff) == '.') ||
	       (first == REPLY_SYSTEM_P && second == REPLY_OSIX_ACL);
}

/*
 * May the policy keep it? Writing does not make capabilities. -1, or enum
 * extfuse_unkept; *flags: EXTFUSE_MARK_KEPT.
 */
static __always_inline int reply_bytes_policy(const struct extfuse_reply_bytes_in *in, __u32 *flags)
{
	int why;

	if (ext_cache == EXTFUSE_CACHE_TIMEOUTS)
		return EXTFUSE_UNKEPT_TIMEOUT;
	/* Space is not only this mount's. */
	if (in->op == EXTFUSE_OP_STATFS)
		return EXTFUSE_UNKEPT_KIND;
	if (in->op == EXTFUSE_OP_GETXATTR) {
		if (!reply_xattr_common(in))
			return EXTFUSE_UNKEPT_KIND;
		if (in->error && in->xattr_word && in->name[0] == REPLY_SECURITY &&
		    in->name_len == sizeof("security.capability") - 1 &&
		    in->name[1] == REPLY_CAPABIL && in->name[2] == REPLY_ITY)
			*flags = EXTFUSE_MARK_KEPT;
	}
	why = reply_alone(in->nodeid, in->hash, in->word, in->word);
	return why == EXTFUSE_UNKEPT_ATTR && *flags ? reply_was_alone(in->nodeid, in->hash) : why;
}

static __always_inline int extfuse_cache_reply_bytes(const struct extfuse_reply_bytes_in *in)
{
	__u32 scope = reply_scope(in->mark, ext_cache_others), mark = in->mark, len = in->size,
	      kind = in->op, flags = 0;
	__u64 nodeid = in->nodeid, arg = in->arg, word = in->word, hash, who;
	__u32 same = 0, empty = 0, outdated = 0, busy = 0, turn, seq, i, key;
	struct extfuse_object_bucket *b;
	struct extfuse_object_slot *s;

	int why;

	if (!bpf_ksym_exists(extfuse_reply_bytes))
		return extfuse_count_unkept(kind, EXTFUSE_UNKEPT_BUSY);
	if (len > EXTFUSE_OBJECT_MAX)
		return extfuse_count_unkept(kind, EXTFUSE_UNKEPT_SIZE);
	if (!mark && ext_cache != EXTFUSE_CACHE_ANNOTATED) {
		why = reply_bytes_policy(in, &mark);
		if (why >= 0)
			return extfuse_count_unkept(kind, why);
	}
	if (mark & EXTFUSE_MARK_KEPT) {
		flags |= EXTFUSE_OUT_XATTR_WORD;
		word = in->xattr_word;
	}
	/* ACCESS says by its error what others say by bytes. */
	if (in->error && kind != EXTFUSE_OP_ACCESS)
		flags |= EXTFUSE_OUT_ABSENT;
	if (!word || !reply_audience(&in->caller, in->mark, scope, &who))
		return reply_unkept_for(kind, scope);

	hash = extfuse_object_hash(ext_seed, nodeid, kind, arg);
	turn = hash;
	key = extfuse_bucket(hash, ext_object_mask);
	b = bpf_map_lookup_elem(&ext_objects, &key);
	if (!b)
		return 0;
#pragma unroll
	for (i = 0; i < EXTFUSE_WAYS; i++) {
		s = &b->slot[i];
		REPLY_WAY(s, i, s->nodeid == nodeid && s->arg == arg && s->kind == kind,
			  reply_of_node(s) ? reply_node_token(&in->caller, s->nodeid) : word_);
	}
	s = &b->slot[extfuse_way(same, empty, outdated, busy, turn) % EXTFUSE_WAYS];
	seq = extfuse_seq_lock(&s->seq);
	if (seq & 1)
		return extfuse_count_unkept(kind, EXTFUSE_UNKEPT_BUSY);
	s->len = len;
	s->kind = kind;
	s->scope = scope;
	s->nodeid = nodeid;
	s->word = word;
	s->caller = who;
	s->arg = arg;
	s->flags = flags;
	s->name_len = in->name_len;
	s->name[0] = in->name[0];
	s->name[1] = in->name[1];
	s->name[2] = in->name[2];
	s->name[3] = in->name[3];
	if (kind == EXTFUSE_OP_ACCESS) {
		s->len = sizeof(__u64);
		*(__u64 *)s->data = (__s64)in->error;
	} else if (len) {
		extfuse_reply_bytes(in, s->data, sizeof(s->data));
	}
	extfuse_seq_unlock(&s->seq, seq);
	return extfuse_count_kept(kind);
}

/* A read that is being stored block by block. */
struct reply_read_range {
	const struct extfuse_reply_read_in *in;
	__u64 who;
	__u64 first; /* index of the first block that begins in the reply */
	__u64 file_size;
	__u32 scope;
};

/* The i-th block. 0: go on. */
static long reply_block(__u64 i, void *ctx)
{
	struct reply_read_range *r = ctx;
	__u64 nodeid = r->in->nodeid, index = r->first + i;
	__u64 start = index * EXTFUSE_BLOCK_SIZE, len = r->file_size - start;
	__u64 hash = extfuse_block_hash(ext_seed, nodeid, index);
	__u32 key = extfuse_bucket(hash, ext_block_mask);
	struct extfuse_data_bucket *b = bpf_map_lookup_elem(&ext_blocks, &key);
	__u32 same = 0, empty = 0, outdated = 0, busy = 0, turn = hash, seq, way;
	struct extfuse_data_slot *s;

	if (len > EXTFUSE_BLOCK_SIZE)
		len = EXTFUSE_BLOCK_SIZE;
	if (!b)
		return 1;
#pragma unroll
	for (way = 0; way < EXTFUSE_WAYS; way++) {
		s = &b->slot[way];
		REPLY_WAY(s, way, s->nodeid == nodeid && s->index == index,
			  reply_node_token(&r->in->caller, s->nodeid));
	}
	s = &b->slot[extfuse_way(same, empty, outdated, busy, turn) % EXTFUSE_WAYS];
	seq = extfuse_seq_lock(&s->seq);
	if (seq & 1)
		return 0;
	s->word = 0;
	s->len = len;
	s->nodeid = nodeid;
	s->index = index;
	s->size = r->file_size;
	s->caller = r->who;
	s->scope = r->scope;
	/* Less than the block: it goes on behind the reply. */
	if (!len || extfuse_reply_read(r->in, s->data, sizeof(s->data), start) >= len)
		s->word = r->in->word;
	extfuse_seq_unlock(&s->seq, seq);
	return 0;
}

/* Has the node been opened for reading through the page cache? Under any token. */
static __always_inline bool reply_read_cached(__u64 nodeid, __u64 hash)
{
	const struct extfuse_open_slot *s = ext_open_find(hash, nodeid);

	return s && !(s->flags & EXTFUSE_FILE_CLOSE_ONLY);
}

static __always_inline int extfuse_cache_reply_read(const struct extfuse_reply_read_in *in)
{
	struct reply_read_range r = {};
	__u64 end = in->offset + in->size;
	struct reply_known known = {};
	__u64 blocks;
	bool sized;

	if (!bpf_ksym_exists(extfuse_reply_read))
		return extfuse_count_unkept(EXTFUSE_OP_READ, EXTFUSE_UNKEPT_BUSY);
	r.in = in;
	/* Who may read was asked when the file was opened. */
	r.scope = reply_scope(in->mark, EXTFUSE_SCOPE_ALL);
	if (!reply_audience(&in->caller, in->mark, r.scope, &r.who))
		return reply_unkept_for(EXTFUSE_OP_READ, r.scope);
	if (reply_by_timeout(in->mark))
		return extfuse_count_unkept(EXTFUSE_OP_READ, EXTFUSE_UNKEPT_TIMEOUT);
	/* Opened in a way that leaves the data to the daemon? */
	if (!in->mark && !reply_read_cached(in->nodeid, in->hash))
		return extfuse_count_unkept(EXTFUSE_OP_READ, EXTFUSE_UNKEPT_KIND);
	/* Of its own access time, .before holds as well: the size has not moved. */
	sized = reply_attr_known(in->nodeid, in->hash, in->word, in->before, &known);
	if (!in->mark && !ext_cache_links) {
		if (!sized)
			return extfuse_count_unkept(EXTFUSE_OP_READ, EXTFUSE_UNKEPT_ATTR);
		if (reply_many_links(known.mode, known.nlink))
			return extfuse_count_unkept(EXTFUSE_OP_READ, EXTFUSE_UNKEPT_LINKS);
	}
	r.file_size = known.size;
	if (in->flags & EXTFUSE_REPLY_FILE_SIZE)
		r.file_size = in->file_size;
	else if (!sized)
		return extfuse_count_unkept(EXTFUSE_OP_READ, EXTFUSE_UNKEPT_ATTR);
	r.first = (in->offset + EXTFUSE_BLOCK_SIZE - 1) / EXTFUSE_BLOCK_SIZE;
	/* What a daemon gives behind the end is nobody's. */
	if (end > r.file_size)
		end = r.file_size;
	/* An empty file has one block, which tells so. */
	if (!r.file_size) {
		blocks = in->offset ? 0 : 1;
	} else {
		if (end <= r.first * EXTFUSE_BLOCK_SIZE)
			return 0;
		blocks = end / EXTFUSE_BLOCK_SIZE - r.first;
		if (end % EXTFUSE_BLOCK_SIZE && end == r.file_size)
			blocks++;
	}
	if (blocks > EXT_READ_MAX_BLOCKS)
		return extfuse_count_unkept(EXTFUSE_OP_READ, EXTFUSE_UNKEPT_SIZE);
	bpf_loop(blocks, reply_block, &r, 0);
	return extfuse_count_kept(EXTFUSE_OP_READ);
}

#endif /* EXTFUSE_OPS_REPLY_OBJECT_BPF_H */
