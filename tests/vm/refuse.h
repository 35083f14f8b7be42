/* SPDX-License-Identifier: GPL-2.0-only */
/* Shared memory between refuse.bpf.c and matrix_test.cpp. */
#ifndef EXTFUSE_TESTS_REFUSE_H
#define EXTFUSE_TESTS_REFUSE_H

#include <extfuse/abi.h>

struct refuse_orders {
	__u32 op; /* enum extfuse_op: the one that is answered */
	__s32 ret; /* with this */
	__u32 calls; /* out: of it */
	__u32 background; /* out: of these, with EXTFUSE_READ_BACKGROUND */
};

#endif
