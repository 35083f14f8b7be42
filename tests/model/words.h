/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Words and tokens, as in "Words" of <extfuse/abi.h>, small enough to exhaust:
 * up to seven changes in flight, then the epoch. Included by all models.
 *
 * Every statement that touches a global is a step of its own unless it stands in
 * atomic {}; atomic means: one locked instruction, or under the named lock.
 */
#define EPOCH 8 /* EXTFUSE_EPOCH_ONE */
#define IN_FLIGHT(w) ((w) & (EPOCH - 1))

/* ext_cacheable(), Words::token(): what an answer may be stored under */
#ifdef MISTAKE_IN_FLIGHT_IGNORED
#define CACHEABLE(t) ((t) != 0)
#else
#define CACHEABLE(t) ((t) != 0 && IN_FLIGHT(t) == 0)
#endif

/* ext_mark_begin(), ext_mark_end(), ext_changed() */
#define COUNT_CHANGE() changes++ /* with SINCE only */
#if defined(MISTAKE_END_KEEPS_EPOCH)
#define MARK_BEGIN(w) w = w + 1
#define MARK_END(w) w = w - 1
#define CHANGED(w) w = w + EPOCH
#elif defined(MISTAKE_EPOCH_AT_BEGIN)
#define MARK_BEGIN(w) w = w + EPOCH
#define MARK_END(w) skip
#define CHANGED(w) w = w + EPOCH
#elif defined(MISTAKE_COUNTED_AFTER)
#define MARK_BEGIN(w) w = w + 1
#define MARK_END(w)                                                                                \
	w = w + EPOCH - 1;                                                                         \
	COUNT_CHANGE()
#define CHANGED(w)                                                                                 \
	w = w + EPOCH;                                                                             \
	COUNT_CHANGE()
#elif defined(SINCE)
#define MARK_BEGIN(w) w = w + 1
#define MARK_END(w)                                                                                \
	COUNT_CHANGE();                                                                            \
	w = w + EPOCH - 1
#define CHANGED(w)                                                                                 \
	COUNT_CHANGE();                                                                            \
	w = w + EPOCH
#else
#define MARK_BEGIN(w) w = w + 1
#define MARK_END(w) w = w + EPOCH - 1
#define CHANGED(w) w = w + EPOCH
#endif

#define MAX(a, b) ((a) > (b)->(a) : (b))
