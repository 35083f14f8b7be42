/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Replies on their way back, shown to handlers that want to see them. Included by
 * ext.h. A connection pays for two branches that are never taken, unless some
 * handler has members for replies.
 */
#ifndef _EXT_REPLY_H
#define _EXT_REPLY_H

/* Number of attached handlers with members for replies. */
DECLARE_STATIC_KEY_FALSE(ext_replies);

/* In ext_marks.reply: by which member the reply may be shown. */
enum ext_reply_kind { EXT_REPLY_NONE, EXT_REPLY_ENTRY, EXT_REPLY_ATTR, EXT_REPLY_BYTES,
		      EXT_REPLY_READ, EXT_REPLY_OPEN, EXT_REPLY_LIST };

/* What kfuncs find around the input of a program. */
struct ext_reply_entry_call {
	const unsigned char *name; /* as in struct ext_name_call */
	struct fuse_conn *fc;
	struct extfuse_reply_entry_in in;
};

struct ext_reply_attr_call {
	struct fuse_conn *fc;
	struct extfuse_reply_attr_in in;
};

struct ext_reply_bytes_call {
	struct fuse_conn *fc;
	struct extfuse_reply_bytes_in in;
	const void *data; /* in.size bytes; NULL: in pages */
	struct fuse_args_pages *ap;
};

struct ext_reply_read_call {
	struct fuse_conn *fc;
	struct extfuse_reply_read_in in;
	struct fuse_args_pages *ap;
};

struct ext_reply_open_call {
	struct fuse_conn *fc;
	struct extfuse_reply_open_in in;
};

/* Copy from the pages of a reply; the range is within what was replied. */
void ext_reply_copy(void *to, struct fuse_args_pages *ap, u32 pos, u32 len);

bool ext_reply_members(const struct extfuse_handler_ops *ops);
/* A handler has come, changed or gone. May sleep. */
void ext_reply_attached(bool *counted, bool members);

void ext_reply_sample(struct fuse_conn *fc, struct fuse_args *args);
void ext_reply_show(struct fuse_req *req);

/* Before a request is sent: what it changes is known, and not yet in flight. */
static inline void ext_reply_begin(struct fuse_conn *fc, struct fuse_args *args)
{
	if (static_branch_unlikely(&ext_replies))
		ext_reply_sample(fc, args);
}

/* The request is over, what it changed is no longer in flight; the reply is all there. */
static inline void ext_reply(struct fuse_req *req)
{
	if (static_branch_unlikely(&ext_replies) && req->args->ext.reply)
		ext_reply_show(req);
}

#endif /* _EXT_REPLY_H */
