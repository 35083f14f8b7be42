/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reader's side of the slot caches (protocol: "Slot caches" in <extfuse/abi.h>;
 * the writer's side is libextfuse/src/slots.cpp).
 *
 *     seq = extfuse_seq_begin(&slot->seq);
 *     ... compare, copy to *out ...
 *     if (!extfuse_seq_same(&slot->seq, seq))
 *             torn: use nothing of it
 *
 * Loads are seen in program order on amd64, and no JIT moves them; barrier()
 * keeps the compiler from doing so. An odd number never equals itself here: see
 * extfuse_seq_same().
 */
#ifndef EXTFUSE_SLOTS_BPF_H
#define EXTFUSE_SLOTS_BPF_H

#include <extfuse/handler.bpf.h>

#ifndef barrier
#define barrier() asm volatile("" ::: "memory")
#endif

static __always_inline __u32 extfuse_seq_begin(const __u32 *seq)
{
	__u32 begin = *(const volatile __u32 *)seq;

	barrier();
	return begin;
}

/* Was the slot at rest, and unchanged since begin? */
static __always_inline bool extfuse_seq_same(const __u32 *seq, __u32 begin)
{
	barrier();
	/* begin with its lowest bit cleared differs from any odd number. */
	return *(const volatile __u32 *)seq == (begin & ~1U);
}

/* Index of the bucket of a hash; mask: number of buckets - 1. */
static __always_inline __u32 extfuse_bucket(__u64 hash, __u32 mask)
{
	return (__u32)(hash >> 32) & mask;
}

/*
 * May this caller have what a slot holds? Decides the scopes that only the
 * handler can: the driver checks EXTFUSE_SCOPE_KERNEL and refuses NONE.
 */
static __always_inline bool extfuse_caller_fits(const struct extfuse_caller *caller, __u32 scope,
						__u64 stored)
{
	if (scope == EXTFUSE_SCOPE_ALL || scope == EXTFUSE_SCOPE_KERNEL)
		return true;
	if (scope == EXTFUSE_SCOPE_UID)
		return stored == caller->uid;
	if (scope == EXTFUSE_SCOPE_CALLER) {
		__u64 digest;

		if (!bpf_ksym_exists(extfuse_caller_digest))
			return false;
		digest = extfuse_caller_digest(caller);
		return digest && digest == stored;
	}
	return false;
}

#endif /* EXTFUSE_SLOTS_BPF_H */
