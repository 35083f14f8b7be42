/* SPDX-License-Identifier: GPL-2.0-only */
/* What the witness handler saw of replies: memory shared with reply_test.cpp. */
#ifndef EXTFUSE_TESTS_WITNESS_H
#define EXTFUSE_TESTS_WITNESS_H

#include <extfuse/abi.h>

#define WITNESS_BYTES 64

struct witness_account {
	__u32 entries, attrs, bytes, reads, listings; /* calls */

	__u32 reserved;

	/* The last ones. */
	__u64 parent;
	__u64 nodeid;
	__u64 valid;
	__u32 valid_nsec;
	__u32 opcode;
	__u32 mark;
	__u32 name_len;
	char name[256];

	__u64 attr_node;
	__u64 attr_valid;
	__u64 attr_size;
	__u32 attr_opcode;
	__u32 attr_flags;

	__u32 op;
	__s32 error;
	__u32 size;
	__u32 copied;
	char data[WITNESS_BYTES];

	__u64 offset;
	__u64 file_size;
	__u32 read_size;
	__u32 read_flags;
	__u32 read_copied;
	__u32 uid;
	char read_data[WITNESS_BYTES];
};

#endif
