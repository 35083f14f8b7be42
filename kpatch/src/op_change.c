// SPDX-License-Identifier: GPL-2.0-only
/*
 * WRITE, SETATTR, CREATE, and what does the same under another name: a handler is
 * told before anything is sent. It may forbid the change, or have more of what is
 * cached count as changed. It cannot make it.
 *
 * Also called with fi->lock held, by a thread that stands for nobody (write-back).
 */
#include "ext_call.h"
#include "ext_validate.h"

#include <linux/pagemap.h>

struct ext_write_call {
	struct fuse_conn *fc;
	struct extfuse_write_in in;
	struct extfuse_change_out out;
};

struct ext_setattr_call {
	struct fuse_conn *fc;
	struct extfuse_setattr_in in;
	struct extfuse_change_out out;
};

struct ext_create_call {
	const unsigned char *name; /* as in struct ext_name_call */
	struct fuse_conn *fc;
	struct extfuse_create_in in;
	struct extfuse_change_out out;
};

EXT_ASSERT_CALL(struct ext_write_call);
EXT_ASSERT_CALL(struct ext_setattr_call);
EXT_ASSERT_NAME_CALL(struct ext_create_call, in.entry);

#define EXT_SET_ALL \
	(EXTFUSE_SET_MODE | EXTFUSE_SET_UID | EXTFUSE_SET_GID | EXTFUSE_SET_SIZE | \
	 EXTFUSE_SET_ATIME | EXTFUSE_SET_MTIME | EXTFUSE_SET_ATIME_NOW | EXTFUSE_SET_MTIME_NOW | \
	 EXTFUSE_SET_CTIME | EXTFUSE_SET_KILL_SUIDGID)
static_assert(EXTFUSE_SET_MODE == FATTR_MODE && EXTFUSE_SET_UID == FATTR_UID &&
	      EXTFUSE_SET_GID == FATTR_GID && EXTFUSE_SET_SIZE == FATTR_SIZE &&
	      EXTFUSE_SET_ATIME == FATTR_ATIME && EXTFUSE_SET_MTIME == FATTR_MTIME &&
	      EXTFUSE_SET_ATIME_NOW == FATTR_ATIME_NOW &&
	      EXTFUSE_SET_MTIME_NOW == FATTR_MTIME_NOW && EXTFUSE_SET_CTIME == FATTR_CTIME &&
	      EXTFUSE_SET_KILL_SUIDGID == FATTR_KILL_SUIDGID);

#define EXT_WRITE_OPCODES \
	(BIT_ULL(FUSE_WRITE) | BIT_ULL(FUSE_FALLOCATE) | BIT_ULL(FUSE_COPY_FILE_RANGE))
#define EXT_CREATE_OPCODES \
	(EXT_CHANGE_OPCODES & ~EXT_WRITE_OPCODES & ~BIT_ULL(FUSE_SETATTR))

u64 ext_observed_by(const struct extfuse_handler_ops *ops)
{
	return (ops->write ? EXT_WRITE_OPCODES : 0) |
	       (ops->setattr ? BIT_ULL(FUSE_SETATTR) : 0) |
	       (ops->create ? EXT_CREATE_OPCODES : 0);
}

/* Unlike where an answer is wanted, somebody unknown is no reason not to ask. */
static void ext_change_caller(const struct fuse_conn *fc, const struct super_block *sb,
			      bool known, struct extfuse_caller *caller)
{
	if (!known || !ext_caller_fill(fc, sb, caller))
		*caller = (struct extfuse_caller){ .uid = EXTFUSE_NO_ID, .gid = EXTFUSE_NO_ID };
}

/* ------------------------------------------------------------------------ */
/* Asking: 0 with EXTFUSE_CHANGE_* in call->out.flags, or a denial          */

static int ext_write_ask(struct ext_write_call *call)
{
	struct ext_conn *ec = call->fc->ext;
	const struct extfuse_handler_ops *ops;
	int ret = 0;

	call->in.op = EXTFUSE_OP_WRITE;
	call->in.word = ext_node_token(ec, call->in.nodeid);
	call->in.hash = extfuse_node_hash(ec->seed, call->in.nodeid);
	rcu_read_lock();
	ops = ext_ops(ec);
	if (ops && ops->write) {
		ret = ops->write(&call->in, &call->out);
		ret = ext_change_verdict(ec, EXTFUSE_OP_WRITE, ret, &call->out.flags);
	}
	rcu_read_unlock();
	return ret;
}

static int ext_setattr_ask(struct ext_setattr_call *call)
{
	struct ext_conn *ec = call->fc->ext;
	const struct extfuse_handler_ops *ops;
	int ret = 0;

	call->in.op = EXTFUSE_OP_SETATTR;
	call->in.word = ext_node_token(ec, call->in.nodeid);
	call->in.hash = extfuse_node_hash(ec->seed, call->in.nodeid);
	rcu_read_lock();
	ops = ext_ops(ec);
	if (ops && ops->setattr) {
		ret = ops->setattr(&call->in, &call->out);
		ret = ext_change_verdict(ec, EXTFUSE_OP_SETATTR, ret, &call->out.flags);
	}
	rcu_read_unlock();
	return ret;
}

static int ext_create_ask(struct ext_create_call *call)
{
	struct extfuse_lookup_in *entry = &call->in.entry;
	struct ext_conn *ec = call->fc->ext;
	const struct extfuse_handler_ops *ops;
	int ret = 0;

	entry->op = EXTFUSE_OP_CREATE;
	entry->hash = ext_name_load(ec, entry->parent, call->name, entry->name_len, entry->name);
	entry->word = ext_sum(ec, ext_name_index(entry->hash)) + ext_behind(ec, entry->parent);
	rcu_read_lock();
	ops = ext_ops(ec);
	if (ops && ops->create) {
		ret = ops->create(&call->in, &call->out);
		ret = ext_change_verdict(ec, EXTFUSE_OP_CREATE, ret, &call->out.flags);
	}
	rcu_read_unlock();
	return ret;
}

/* ------------------------------------------------------------------------ */
/* Requests                                                                 */

static int ext_change_write(struct fuse_mount *fm, struct fuse_args *args, bool background,
			    u32 *flags)
{
	const void *in = args->in_args[0].value;
	struct ext_write_call call = { .fc = fm->fc };
	int err;

	call.in.nodeid = args->nodeid;
	if (args->opcode == FUSE_WRITE) {
		const struct fuse_write_in *write = in;

		call.in.offset = write->offset;
		call.in.size = write->size;
		if (write->write_flags & FUSE_WRITE_CACHE)
			call.in.flags |= EXTFUSE_WRITE_WRITEBACK;
		else
			call.in.file_flags = write->flags;
	} else if (args->opcode == FUSE_FALLOCATE) {
		const struct fuse_fallocate_in *fallocate = in;

		call.in.offset = fallocate->offset;
		call.in.size = fallocate->length;
		call.in.mode = fallocate->mode;
		call.in.flags = EXTFUSE_WRITE_FALLOCATE;
	} else {
		const struct fuse_copy_file_range_in *copy = in;

		call.in.nodeid = copy->nodeid_out;
		call.in.offset = copy->off_out;
		call.in.size = copy->len;
		call.in.flags = EXTFUSE_WRITE_COPY;
	}
	if (background)
		call.in.flags |= EXTFUSE_WRITE_BACKGROUND;
	ext_change_caller(fm->fc, fm->sb, !args->nocreds, &call.in.caller);
	err = ext_write_ask(&call);
	*flags = call.out.flags;
	return err;
}

static int ext_change_setattr(struct fuse_mount *fm, struct fuse_args *args, u32 *flags)
{
	const struct fuse_setattr_in *set = args->in_args[0].value;
	struct ext_setattr_call call = { .fc = fm->fc };
	int err;

	call.in.nodeid = args->nodeid;
	call.in.size = set->size;
	call.in.atime = set->atime;
	call.in.mtime = set->mtime;
	call.in.ctime = set->ctime;
	call.in.atimensec = set->atimensec;
	call.in.mtimensec = set->mtimensec;
	call.in.ctimensec = set->ctimensec;
	call.in.mode = set->mode;
	call.in.uid = set->uid;
	call.in.gid = set->gid;
	call.in.valid = set->valid & EXT_SET_ALL;
	ext_change_caller(fm->fc, fm->sb, true, &call.in.caller);
	err = ext_setattr_ask(&call);
	*flags = call.out.flags;
	return err;
}

static int ext_change_create(struct fuse_mount *fm, struct fuse_args *args, u32 *flags)
{
	const void *in = args->in_args[0].value;
	struct ext_create_call call = { .fc = fm->fc };
	const struct fuse_in_arg *name = &args->in_args[1];
	int err;

	switch (args->opcode) {
	case FUSE_CREATE:
	case FUSE_TMPFILE:
		call.in.kind = args->opcode == FUSE_CREATE ? EXTFUSE_CREATE_FILE :
							     EXTFUSE_CREATE_TMPFILE;
		call.in.mode = ((const struct fuse_create_in *)in)->mode;
		call.in.umask = ((const struct fuse_create_in *)in)->umask;
		call.in.file_flags = ((const struct fuse_create_in *)in)->flags & ~O_TRUNC;
		break;
	case FUSE_MKNOD:
		call.in.kind = EXTFUSE_CREATE_NODE;
		call.in.mode = ((const struct fuse_mknod_in *)in)->mode;
		call.in.umask = ((const struct fuse_mknod_in *)in)->umask;
		call.in.rdev = ((const struct fuse_mknod_in *)in)->rdev;
		break;
	case FUSE_MKDIR:
		call.in.kind = EXTFUSE_CREATE_DIR;
		call.in.mode = ((const struct fuse_mkdir_in *)in)->mode | S_IFDIR;
		call.in.umask = ((const struct fuse_mkdir_in *)in)->umask;
		break;
	case FUSE_SYMLINK:
		call.in.kind = EXTFUSE_CREATE_SYMLINK;
		call.in.mode = S_IFLNK | 0777;
		name = &args->in_args[0];
		break;
	case FUSE_RENAME:
	case FUSE_RENAME2:
		/* The new name; both requests begin with its directory. */
		call.in.kind = EXTFUSE_CREATE_RENAME;
		name = &args->in_args[2];
		break;
	default:
		call.in.kind = EXTFUSE_CREATE_LINK;
		call.in.entry.nodeid = ((const struct fuse_link_in *)in)->oldnodeid;
	}
	call.name = name->value;
	call.in.entry.name_len = name->size - 1;
	call.in.entry.parent = call.in.kind == EXTFUSE_CREATE_RENAME ?
				       ((const struct fuse_rename_in *)in)->newdir : args->nodeid;
	ext_change_caller(fm->fc, fm->sb, true, &call.in.entry.caller);
	err = ext_create_ask(&call);
	/* A rename marks as many words as there is room for. */
	*flags = call.in.kind == EXTFUSE_CREATE_RENAME ? 0 : call.out.flags;
	return err;
}

/*
 * In flight until the request has ended, as what it changes by itself: the node's
 * word, or the directory's and the name's.
 */
static void ext_change_touch(struct ext_conn *ec, struct ext_marks *marks, u64 nodeid, u32 flags)
{
	if (flags & EXTFUSE_CHANGE_INVALIDATE)
		ext_touch(marks, ext_node_index(ec, EXT_XATTR, nodeid));
	if (flags & EXTFUSE_CHANGE_PAGES)
		ext_touch(marks, ext_node_index(ec, EXT_DATA, nodeid));
}

int ext_change(struct fuse_mount *fm, struct fuse_args *args, bool background)
{
	struct ext_conn *ec = fm->fc->ext;
	u64 nodeid = args->nodeid;
	u32 flags = 0;
	int err;

	/* Sent again for want of memory. */
	if (args->ext.asked)
		return 0;
	args->ext.asked = true;
	switch (args->opcode) {
	case FUSE_COPY_FILE_RANGE:
		nodeid = ((const struct fuse_copy_file_range_in *)
				  args->in_args[0].value)->nodeid_out;
		fallthrough;
	case FUSE_WRITE:
	case FUSE_FALLOCATE:
		err = ext_change_write(fm, args, background, &flags);
		break;
	case FUSE_SETATTR:
		err = ext_change_setattr(fm, args, &flags);
		break;
	default:
		err = ext_change_create(fm, args, &flags);
		/* What dentries remember depends on no word of their directory. */
		if (!err && (flags & EXTFUSE_CHANGE_INVALIDATE))
			ext_touch(&args->ext, EXT_MOUNT_WORD);
	}
	if (!err && unlikely(flags))
		ext_change_touch(ec, &args->ext, nodeid, flags);
	return err;
}

int ext_change_truncate(struct fuse_mount *fm, u64 nodeid, struct ext_marks *marks)
{
	struct ext_setattr_call call = { .fc = fm->fc };
	int err;

	call.in.nodeid = nodeid;
	call.in.flags = EXTFUSE_SETATTR_OPEN;
	call.in.valid = EXTFUSE_SET_SIZE;
	ext_change_caller(fm->fc, fm->sb, true, &call.in.caller);
	err = ext_setattr_ask(&call);
	if (!err)
		ext_change_touch(fm->fc->ext, marks, nodeid, call.out.flags);
	return err;
}

int ext_writepage_failed(struct inode *inode, int err)
{
	/* A connection that is gone has lost more than this: as on stock. */
	if (unlikely(err) && err != -ENOTCONN)
		mapping_set_error(inode->i_mapping, err);
	return err;
}

/* ------------------------------------------------------------------------ */
/* Without a request                                                        */

int ext_change_backing(struct file *file, loff_t pos, u64 len, u32 flags, u32 mode)
{
	struct fuse_file *ff = file->private_data;
	struct inode *inode = file_inode(file);
	struct ext_write_call call = { .fc = get_fuse_conn(inode) };
	struct ext_conn *ec = call.fc->ext;
	int err;

	call.in.nodeid = ff->nodeid;
	call.in.offset = pos;
	call.in.size = len;
	call.in.file_flags = flags & EXTFUSE_WRITE_FALLOCATE ? 0 : file->f_flags;
	call.in.flags = EXTFUSE_WRITE_BACKING | flags;
	call.in.mode = mode;
	ext_change_caller(call.fc, inode->i_sb, true, &call.in.caller);
	err = ext_write_ask(&call);
	if (err)
		return err;
	if (call.out.flags & EXTFUSE_CHANGE_INVALIDATE) {
		ext_changed(ec, ext_node_index(ec, EXT_NODE, ff->nodeid));
		ext_changed(ec, ext_node_index(ec, EXT_XATTR, ff->nodeid));
	}
	if (call.out.flags & EXTFUSE_CHANGE_PAGES)
		ext_changed(ec, ext_node_index(ec, EXT_DATA, ff->nodeid));
	return 0;
}
