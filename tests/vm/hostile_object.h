/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a test tells the hostile handler to answer about one node: shared memory
 * between hostile_object.bpf.c and contained_object_test.cpp.
 */
#ifndef EXTFUSE_TESTS_HOSTILE_OBJECT_H
#define EXTFUSE_TESTS_HOSTILE_OBJECT_H

#include <extfuse/abi.h>

struct hostile_object_orders {
	__u64 node; /* the one that is answered for */
	__u32 op; /* enum extfuse_op, the one that is answered */
	__s32 ret;
	__u64 word_add; /* to the current token */
	__u32 flags;
	__u32 size; /* as the result says */
	__u32 put; /* bytes to put, with the kfunc of the operation */
	__u32 put_by_other; /* ... with the other one */
	__u32 times; /* so often */
	__s32 put_result; /* out */
	__u64 start; /* of READDIR's entries */
	__u64 offset; /* LSEEK */
	__s32 error; /* ACCESS */
	__u32 calls; /* out: how often it answered */
	struct extfuse_statfs st;
	__u64 parent; /* LOOKUP: every name in it does not exist ... */
	__u64 lookup_behind_add; /* ... by the directory's token and this */
	__u64 lookup_behind;
	__u64 lookup_nodeid;
};

#endif
