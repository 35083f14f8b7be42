// SPDX-License-Identifier: GPL-2.0-only
/*
 * Entries of a listing on their way to who reads it: a handler may leave some out,
 * wherever the listing has come from: its own answer, the daemon, the page cache.
 */
#include "ext_call.h"

struct ext_dirent_context {
	struct dir_context ctx; /* given to fuse_readdir() */
	struct dir_context *reader;
	const struct inode *dir;
	bool shown; /* something, or the reader had no room */
};

/* Is this reader to see the entry? */
static bool ext_dirent_shown(const struct inode *dir, const char *name, int len)
{
	struct fuse_conn *fc = get_fuse_conn((struct inode *)dir);
	const struct extfuse_handler_ops *ops;
	struct ext_name_call call __uninitialized;
	bool shown = true;

	if (name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.')))
		return true;
	rcu_read_lock();
	ops = ext_ops(fc->ext);
	if (ops && ops->dirent) {
		call.name = name;
		call.fc = fc;
		call.in = (struct extfuse_lookup_in){
			.parent = get_node_id((struct inode *)dir),
			.op = EXTFUSE_OP_READDIR,
			.name_len = len,
		};
		call.in.hash = ext_name_load(fc->ext, call.in.parent, name, len, call.in.name);
		/* Whom the handler cannot be told of is not shown what it guards. */
		shown = ext_caller_fill(fc, dir->i_sb, &call.in.caller) && !ops->dirent(&call.in);
	}
	rcu_read_unlock();
	return shown;
}

static bool ext_dirent_actor(struct dir_context *ctx, const char *name, int len, loff_t pos,
			     u64 ino, unsigned int type)
{
	struct ext_dirent_context *own = container_of(ctx, struct ext_dirent_context, ctx);

	if (!ext_dirent_shown(own->dir, name, len))
		return true;
	own->shown = true;
	own->reader->pos = pos;
	return own->reader->actor(own->reader, name, len, pos, ino, type);
}

static bool ext_dirents_judged(const struct fuse_conn *fc)
{
	const struct extfuse_handler_ops *ops;
	bool judged;

	rcu_read_lock();
	ops = ext_ops(fc->ext);
	judged = ops && ops->dirent;
	rcu_read_unlock();
	return judged;
}

int ext_iterate_dir(struct file *file, struct dir_context *ctx)
{
	struct ext_dirent_context own = {
		.ctx = { .actor = ext_dirent_actor, .pos = ctx->pos },
		.reader = ctx,
		.dir = file_inode(file),
	};
	loff_t pos;
	int err;

	if (likely(!ext_dirents_judged(get_fuse_conn(file_inode(file)))))
		return fuse_readdir(file, ctx);
	/* A reader who gets nothing takes it for the end. */
	do {
		pos = own.ctx.pos;
		err = fuse_readdir(file, &own.ctx);
		ctx->pos = own.ctx.pos;
		if (err || own.shown || own.ctx.pos == pos)
			return err;
		cond_resched();
	} while (!fatal_signal_pending(current));
	return -EINTR;
}
