/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a test tells the observer to forbid, and what it has seen: shared memory
 * between observer.bpf.c and change_test.cpp.
 */
#ifndef EXTFUSE_TESTS_OBSERVER_H
#define EXTFUSE_TESTS_OBSERVER_H

#include <extfuse/abi.h>

#define OBSERVER_NAME_MAX 1024

struct observer_orders {
	__u32 op; /* enum extfuse_op: the one that this is about */
	__s32 ret; /* returned ... */
	__u32 flags; /* ... and in the result */
	__u32 by_uid; /* 1: only to callers that are .uid */
	__u32 uid;
	__u32 by_flags; /* not 0: only with one of these in in->flags */
	__u32 by_name; /* 1, CREATE: only for the name below */
	__u32 name_len;
	__u64 node; /* 0: of any; CREATE: the directory */
	__u8 name[OBSERVER_NAME_MAX];
};

/* The last call of each, and how many there were. */
struct observer_seen {
	__u32 calls[EXTFUSE_OP_COUNT];
	__s32 in_group; /* CREATE: is the caller in group 5? */
	__s32 name_copied; /* CREATE: length, as extfuse_name_copy() said */
	struct extfuse_write_in write;
	struct extfuse_setattr_in setattr;
	struct extfuse_create_in create;
	__u8 name[OBSERVER_NAME_MAX];
};

#endif
