/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Slot caches (protocol: <extfuse/abi_slots.h>). Reader's side, and for
 * replies the writer's, which in user space is libextfuse/src/slots.cpp.
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

/*
 * The right to write a slot, if nobody else has it:
 *
 *     seq = extfuse_seq_lock(&slot->seq);
 *     if (seq & 1)
 *             somebody else has it: give up
 *     ... store ...
 *     extfuse_seq_unlock(&slot->seq, seq);
 *
 * Nothing waits for it: a program that is interrupted in between leaves a slot that
 * is a miss for as long.
 */
static __always_inline __u32 extfuse_seq_lock(__u32 *seq)
{
	__u32 begin = *(volatile __u32 *)seq;

	/* The exchange is a full barrier. */
	if (!(begin & 1) && __sync_val_compare_and_swap(seq, begin, begin + 1) != begin)
		return 1;
	barrier();
	return begin;
}

static __always_inline void extfuse_seq_unlock(__u32 *seq, __u32 begin)
{
	barrier();
	*(volatile __u32 *)seq = begin + 2;
}

/*
 * Which of the slots of a bucket to write, from what is known of each, one bit a
 * slot: the one of the same key, else an empty, else an outdated one, else the one
 * that extfuse_victim() names. turn: the key's hash plus the sequence numbers of all the
 * slots. Busy ones are passed over where there is a choice. A program of its own to the
 * verifier, which would go through what follows for each outcome.
 */
__noinline __u32 extfuse_way(__u32 same, __u32 empty, __u32 outdated, __u32 busy, __u32 turn)
{
	__u32 first = extfuse_victim(turn), i;

	if (!same)
		same = empty & ~busy;
	if (!same)
		same = outdated & ~busy;
	if (same) {
#pragma unroll
		for (i = 0; i < EXTFUSE_WAYS - 1; i++) {
			if (same & (1U << i))
				return i;
		}
		return EXTFUSE_WAYS - 1;
	}
#pragma unroll
	for (i = 0; i < EXTFUSE_WAYS; i++) {
		__u32 way = (first + i) % EXTFUSE_WAYS;

		if (!(busy & (1U << way)))
			return way;
	}
	return first;
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
