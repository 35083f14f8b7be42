/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a test tells the hostile handler to answer: shared memory between
 * hostile.bpf.c and contained_test.cpp.
 */
#ifndef EXTFUSE_TESTS_HOSTILE_H
#define EXTFUSE_TESTS_HOSTILE_H

#include <extfuse/abi.h>

/* Once, before it answers, it waits on its CPU for the test on another one. */
#define HOSTILE_WAIT_NOT 0 /* by the test: go on */
#define HOSTILE_WAIT_ARMED 1
#define HOSTILE_WAIT_THERE 2 /* by the handler: it waits */
#define HOSTILE_WAIT_OVER 3 /* by the handler: it has waited too long */
#define HOSTILE_WAIT_NS 5000000000ULL

struct hostile_orders {
	/* LOOKUP of names that begin with these 8 bytes (zero-padded). */
	__u64 name;
	__s32 lookup_on;
	__s32 lookup_ret;
	__u64 lookup_word_add; /* to the current token */
	__u64 lookup_nodeid;
	__u64 lookup_behind;
	__u32 lookup_generation;
	__u32 lookup_flags;

	/* GETATTR of this node. */
	__u64 attr_node;
	__s32 attr_on;
	__s32 attr_ret;
	__u64 attr_word_add;
	struct extfuse_attr attr;
	__u32 attr_flags;
	__u32 attr_wait; /* HOSTILE_WAIT_*, in and out */

	/* READ of this node. */
	__u64 read_node;
	__s32 read_on;
	__s32 read_ret;
	__u64 read_word_add;
	__u64 fill_pos; /* one extfuse_read_fill() of so many bytes from there */
	__u32 fill_len;
	__u32 read_size;
	__u32 read_flags;
	__s32 fill_result; /* out */
	__u32 fill_twice;
	__u32 calls; /* out: how often it answered */

	/* OPEN, FLUSH and RELEASE of this node. */
	__u64 open_node;
	__s32 open_on;
	__s32 open_ret;
	__u64 open_word_add;
	__u32 open_flags; /* EXTFUSE_OUT_* */
	__u32 open_file; /* EXTFUSE_FILE_* */
	__s32 close_on;
	__s32 close_ret;
	__u64 close_word_add;
	__u32 close_flags;
	__u32 reserved2;
};

#endif
