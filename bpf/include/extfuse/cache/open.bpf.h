/* SPDX-License-Identifier: GPL-2.0-only */
/* OPEN, OPENDIR and what closes them, from the cache of opens. */
#ifndef EXTFUSE_CACHE_OPEN_BPF_H
#define EXTFUSE_CACHE_OPEN_BPF_H

#include <linux/fcntl.h>

#include <extfuse/maps.bpf.h>

/* To be executed: a flag of the kernel's own, FMODE_EXEC. */
#define EXT_OPEN_EXEC 0x20

static __always_inline struct extfuse_open_slot *ext_open_find(__u64 hash, __u64 nodeid)
{
	__u32 key = extfuse_bucket(hash, ext_open_mask);
	struct extfuse_open_bucket *b = bpf_map_lookup_elem(&ext_opens, &key);
	__u32 i;

	if (!b)
		return NULL;
#pragma unroll
	for (i = 0; i < EXTFUSE_WAYS; i++) {
		if (b->slot[i].nodeid == nodeid)
			return &b->slot[i];
	}
	return NULL;
}

static __always_inline int extfuse_cache_open(const struct extfuse_open_in *in,
					      struct extfuse_open_out *out)
{
	__u32 switches = ext_switches;
	__u64 nodeid = in->nodeid;
	struct extfuse_open_slot *s;
	__u32 op = in->op;
	__u32 seq, scope, file;
	__u64 word;

	if (!(switches & (1U << (op & 31))))
		return extfuse_count_miss(op, EXTFUSE_MISS_OFF);
	s = ext_open_find(in->hash, nodeid);
	if (!s)
		return extfuse_count_miss(op, EXTFUSE_MISS_ABSENT);

	seq = extfuse_seq_begin(&s->seq);
	if (s->nodeid != nodeid)
		return extfuse_count_miss(op, EXTFUSE_MISS_TORN);
	word = s->word;
	if (word != in->word)
		return extfuse_count_miss(op, EXTFUSE_MISS_STALE);
	file = s->flags;
	scope = s->scope;
	if (!extfuse_caller_fits(&in->caller, scope, s->caller))
		return extfuse_count_miss(op, EXTFUSE_MISS_CALLER);
	if (!extfuse_seq_same(&s->seq, seq))
		return extfuse_count_miss(op, EXTFUSE_MISS_TORN);
	if (file & EXTFUSE_FILE_CLOSE_ONLY)
		return extfuse_count_miss(op, EXTFUSE_MISS_ABSENT);
	if ((file & EXTFUSE_FILE_BACKING) && !(in->flags & EXTFUSE_OPEN_REGISTERED))
		return extfuse_count_miss(op, EXTFUSE_MISS_ABSENT);
	/* What a daemon is not asked about is plain reading. */
	if ((file & EXTFUSE_FILE_PLAIN) &&
	    ((in->file_flags & O_DIRECT) ||
	     (scope == EXTFUSE_SCOPE_CALLER && (in->file_flags & EXT_OPEN_EXEC))))
		return extfuse_count_miss(op, EXTFUSE_MISS_CALLER);
	if ((in->file_flags & O_ACCMODE) != O_RDONLY && !(file & EXTFUSE_FILE_WRITE))
		return extfuse_count_miss(op, EXTFUSE_MISS_CALLER);

	out->word = word;
	out->open_flags = file & EXTFUSE_FILE_OPEN_MASK;
	out->flags = extfuse_slot_flags(scope, switches);
	return extfuse_count_hit(op, false);
}

/* wanted: what the slot must say for the request to be left out. */
static __always_inline int extfuse_cache_close(const struct extfuse_close_in *in,
					       struct extfuse_close_out *out, __u32 wanted)
{
	__u32 switches = ext_switches;
	__u64 nodeid = in->nodeid;
	struct extfuse_open_slot *s;
	__u32 op = in->op;
	__u32 seq, file;
	__u64 word;

	if (!(switches & (1U << (op & 31))))
		return extfuse_count_miss(op, EXTFUSE_MISS_OFF);
	/* What was written goes to the daemon, and it learns of the end. */
	if ((in->file_flags & O_ACCMODE) != O_RDONLY)
		return extfuse_count_miss(op, EXTFUSE_MISS_ABSENT);
	s = ext_open_find(in->hash, nodeid);
	if (!s)
		return extfuse_count_miss(op, EXTFUSE_MISS_ABSENT);

	seq = extfuse_seq_begin(&s->seq);
	if (s->nodeid != nodeid)
		return extfuse_count_miss(op, EXTFUSE_MISS_TORN);
	word = s->word;
	if (word != in->word)
		return extfuse_count_miss(op, EXTFUSE_MISS_STALE);
	file = s->flags;
	if (!extfuse_seq_same(&s->seq, seq))
		return extfuse_count_miss(op, EXTFUSE_MISS_TORN);
	if (!(file & wanted))
		return extfuse_count_miss(op, EXTFUSE_MISS_ABSENT);

	out->word = word;
	/* That nothing is to be done does not depend on who does not do it. */
	out->flags = extfuse_out_flags(EXTFUSE_SCOPE_ALL, 0);
	return extfuse_count_hit(op, false);
}

#endif /* EXTFUSE_CACHE_OPEN_BPF_H */
