/* SPDX-License-Identifier: GPL-2.0-only */
/* What op_object.c and op_readdir.c have in common. */
#ifndef _EXT_OBJECT_H
#define _EXT_OBJECT_H

#include "ext_validate.h"

struct ext_bytes_call {
	struct fuse_conn *fc;
	struct extfuse_bytes_in in;
	struct ext_bytes bytes;
};

void ext_bytes_init(struct ext_bytes *bytes, void *buf, u32 room);

static inline void ext_bytes_call_init(struct ext_bytes_call *call, struct fuse_mount *fm,
				       const struct fuse_args *args, enum extfuse_op op, u32 size)
{
	call->fc = fm->fc;
	call->in.nodeid = args->nodeid;
	call->in.offset = 0;
	call->in.size = size;
	call->in.op = op;
	call->in.flags = 0;
	call->in.reserved = 0;
}

/* Ask the program of call->in.op. The call has been initialised. */
int ext_bytes_ask(struct ext_bytes_call *call, const struct super_block *sb);

/* EXTFUSE_HIT with *ret, EXT_UPCALL, or a definite error. */
int ext_readdir(struct fuse_mount *fm, struct fuse_args *args, ssize_t *ret);

/* Are the first of these entries in the dcache? See op_readdir.c. */
bool ext_children_known(struct super_block *sb, u64 nodeid, const struct ext_bytes *bytes);

#endif /* _EXT_OBJECT_H */
