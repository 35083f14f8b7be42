/* SPDX-License-Identifier: GPL-2.0-only */
/* GETATTR from the attribute cache. */
#ifndef EXTFUSE_CACHE_GETATTR_BPF_H
#define EXTFUSE_CACHE_GETATTR_BPF_H

#include <extfuse/maps.bpf.h>

static __always_inline struct extfuse_attr_slot *ext_getattr_find(
	const struct extfuse_getattr_in *in, __u64 nodeid)
{
	__u32 key = extfuse_bucket(in->hash, ext_attr_mask);
	struct extfuse_attr_bucket *b = bpf_map_lookup_elem(&ext_attrs, &key);
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

static __always_inline int extfuse_cache_getattr(const struct extfuse_getattr_in *in,
						 struct extfuse_getattr_out *out)
{
	__u32 switches = ext_switches;
	__u64 nodeid = in->nodeid;
	struct extfuse_attr_slot *s;
	__u32 seq, scope, flags;
	__u64 word;

	if (!(switches & (1U << EXTFUSE_OP_GETATTR)))
		return extfuse_count_miss(EXTFUSE_OP_GETATTR, EXTFUSE_MISS_OFF);
	s = ext_getattr_find(in, nodeid);
	if (!s)
		return extfuse_count_miss(EXTFUSE_OP_GETATTR, EXTFUSE_MISS_ABSENT);

	seq = extfuse_seq_begin(&s->seq);
	if (s->nodeid != nodeid)
		return extfuse_count_miss(EXTFUSE_OP_GETATTR, EXTFUSE_MISS_TORN);
	word = s->word;
	if (word != in->word)
		return extfuse_count_miss(EXTFUSE_OP_GETATTR, EXTFUSE_MISS_STALE);
	scope = s->scope;
	if (!extfuse_caller_fits(&in->caller, scope, s->caller))
		return extfuse_count_miss(EXTFUSE_OP_GETATTR, EXTFUSE_MISS_CALLER);

	if (ext_cache == EXTFUSE_CACHE_TIMEOUTS && s->expires) {
		if (bpf_ktime_get_boot_ns() >= s->expires)
			return extfuse_count_miss(EXTFUSE_OP_GETATTR, EXTFUSE_MISS_STALE);
		switches &= ~EXTFUSE_SWITCH_REMEMBER;
	}
	flags = extfuse_slot_flags(scope, switches);
	out->word = word;
	/* What the kernel's inode holds already need not be copied; never one caller's. */
	if (word == in->held && (scope == EXTFUSE_SCOPE_ALL || scope == EXTFUSE_SCOPE_KERNEL))
		flags |= EXTFUSE_OUT_HELD;
	else
		out->attr = s->attr;
	if (!extfuse_seq_same(&s->seq, seq))
		return extfuse_count_miss(EXTFUSE_OP_GETATTR, EXTFUSE_MISS_TORN);
	out->flags = flags;
	return extfuse_count_hit(EXTFUSE_OP_GETATTR, false);
}

#endif /* EXTFUSE_CACHE_GETATTR_BPF_H */
