/* SPDX-License-Identifier: GPL-2.0-only */
/* Replies into the caches that object.bpf.h and read.bpf.h answer from. */
#ifndef EXTFUSE_OPS_REPLY_OBJECT_BPF_H
#define EXTFUSE_OPS_REPLY_OBJECT_BPF_H

#include "reply.bpf.h"

/* Does the token of this slot speak of a node alone, so that one can compare it? */
static __always_inline bool reply_of_node(const struct extfuse_object_slot *s)
{
	return s->kind != EXTFUSE_OP_STATFS && !(s->flags & EXTFUSE_OUT_XATTR_WORD);
}

static __always_inline int extfuse_cache_reply_bytes(const struct extfuse_reply_bytes_in *in)
{
	__u32 scope = reply_scope(in->mark), len = in->size, kind = in->op, flags = 0;
	__u64 nodeid = in->nodeid, arg = in->arg, word = in->word, hash, who;
	__u32 same = 0, empty = 0, outdated = 0, busy = 0, seq, i, key;
	struct extfuse_object_bucket *b;
	struct extfuse_object_slot *s;

	if (len > EXTFUSE_OBJECT_MAX || !bpf_ksym_exists(extfuse_reply_bytes))
		return 0;
	if (in->mark & EXTFUSE_MARK_KEPT) {
		flags |= EXTFUSE_OUT_XATTR_WORD;
		word = in->xattr_word;
	}
	/* ACCESS says by its error what others say by bytes. */
	if (in->error && kind != EXTFUSE_OP_ACCESS)
		flags |= EXTFUSE_OUT_ABSENT;
	if (!word || !reply_audience(&in->caller, scope, &who))
		return 0;

	hash = extfuse_object_hash(ext_seed, nodeid, kind, arg);
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
	s = &b->slot[extfuse_way(same, empty, outdated, busy, hash) % EXTFUSE_WAYS];
	seq = extfuse_seq_lock(&s->seq);
	if (seq & 1)
		return 0;
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
	return 0;
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
	__u32 same = 0, empty = 0, outdated = 0, busy = 0, seq, way;
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
	s = &b->slot[extfuse_way(same, empty, outdated, busy, hash) % EXTFUSE_WAYS];
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

/* The size of the file under the token of the read, from the attribute cache. */
static __always_inline bool reply_file_size(const struct extfuse_reply_read_in *in, __u64 *size)
{
	__u64 nodeid = in->nodeid, word;
	__u32 key = extfuse_bucket(in->hash, ext_attr_mask), seq, i;
	struct extfuse_attr_bucket *b;
	struct extfuse_attr_slot *s;

	if (in->flags & EXTFUSE_REPLY_FILE_SIZE) {
		*size = in->file_size;
		return true;
	}
	b = bpf_map_lookup_elem(&ext_attrs, &key);
	if (!b)
		return false;
#pragma unroll
	for (i = 0; i < EXTFUSE_WAYS; i++) {
		s = &b->slot[i];
		if (s->nodeid != nodeid)
			continue;
		seq = extfuse_seq_begin(&s->seq);
		word = s->word;
		*size = s->attr.size;
		/* The access time may have moved since, but not the size. */
		return s->nodeid == nodeid && (word == in->word || word == in->before) &&
		       extfuse_seq_same(&s->seq, seq);
	}
	return false;
}

static __always_inline int extfuse_cache_reply_read(const struct extfuse_reply_read_in *in)
{
	struct reply_read_range r = {};
	__u64 end = in->offset + in->size;
	__u64 blocks;

	if (!bpf_ksym_exists(extfuse_reply_read))
		return 0;
	r.in = in;
	r.scope = reply_scope(in->mark);
	if (!reply_audience(&in->caller, r.scope, &r.who) || !reply_file_size(in, &r.file_size))
		return 0;
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
	if (blocks <= EXT_READ_MAX_BLOCKS)
		bpf_loop(blocks, reply_block, &r, 0);
	return 0;
}

#endif /* EXTFUSE_OPS_REPLY_OBJECT_BPF_H */
