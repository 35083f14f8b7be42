// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests about one node that are answered with bytes or a status: GETXATTR,
 * LISTXATTR, READLINK, STATFS, ACCESS, LSEEK.
 *
 * Each asks in the same way: input from the arguments, token, program, verdict,
 * token again, validation, reply. All are waited for by the task that asked.
 */
#include "ext_call.h"
#include "ext_object.h"

#include <linux/xattr.h>

struct ext_getxattr_call {
	struct fuse_conn *fc;
	struct extfuse_getxattr_in in;
	struct ext_bytes bytes;
};

struct ext_statfs_call {
	struct fuse_conn *fc;
	struct extfuse_statfs_in in;
	struct extfuse_statfs_out out;
};

struct ext_access_call {
	struct fuse_conn *fc;
	struct extfuse_access_in in;
	struct extfuse_access_out out;
};

struct ext_lseek_call {
	struct fuse_conn *fc;
	struct extfuse_lseek_in in;
	struct extfuse_lseek_out out;
};

EXT_ASSERT_CALL(struct ext_getxattr_call);
EXT_ASSERT_CALL(struct ext_bytes_call);
EXT_ASSERT_CALL(struct ext_statfs_call);
EXT_ASSERT_CALL(struct ext_access_call);
EXT_ASSERT_CALL(struct ext_lseek_call);

static u64 ext_xattr_token(const struct ext_conn *ec, u64 nodeid)
{
	return ext_sum(ec, ext_node_index(ec, EXT_XATTR, nodeid));
}

static u64 ext_fs_token(const struct ext_conn *ec)
{
	u64 change = atomic64_read_acquire(ext_change_word(ec));

	return change + atomic64_read_acquire(ext_mount_word(ec));
}

static int ext_invalid(struct fuse_conn *fc, enum extfuse_op op)
{
	ext_count(fc->ext, op, invalid);
	return EXT_UPCALL;
}

void ext_bytes_init(struct ext_bytes *bytes, void *buf, u32 room)
{
	*bytes = (struct ext_bytes){ .buf = buf, .room = room };
}

static int (*ext_bytes_program(const struct extfuse_handler_ops *ops, u32 op))
	(const struct extfuse_bytes_in *, struct extfuse_bytes_out *)
{
	switch (op) {
	case EXTFUSE_OP_LISTXATTR:
		return ops->listxattr;
	case EXTFUSE_OP_READLINK:
		return ops->readlink;
	default:
		return ops->readdir;
	}
}

/* Under rcu_read_lock() */
static int ext_bytes_ask_rcu(struct ext_bytes_call *call)
{
	int (*program)(const struct extfuse_bytes_in *in, struct extfuse_bytes_out *out);
	struct extfuse_bytes_out *out = &call->bytes.out;
	const struct extfuse_handler_ops *ops;
	struct fuse_conn *fc = call->fc;
	int ret;

	/* After the token, see ext_lookup_ask() */
	ops = ext_ops(fc->ext);
	program = ops ? ext_bytes_program(ops, call->in.op) : NULL;
	if (!program)
		return EXT_UPCALL;
	ret = program(&call->in, out);
	return ext_fresh_verdict(fc, call->in.op, ret, out->flags, out->word, call->in.word,
				 ext_node_token(fc->ext, call->in.nodeid));
}

int ext_bytes_ask(struct ext_bytes_call *call, const struct super_block *sb)
{
	int verdict;

	if (!ext_caller_fill(call->fc, sb, &call->in.caller))
		return EXT_UPCALL;
	call->in.word = ext_node_token(call->fc->ext, call->in.nodeid);
	rcu_read_lock();
	verdict = ext_bytes_ask_rcu(call);
	rcu_read_unlock();
	return verdict;
}

static int ext_getxattr_ask(struct ext_getxattr_call *call, const struct super_block *sb)
{
	struct extfuse_bytes_out *out = &call->bytes.out;
	const struct extfuse_handler_ops *ops;
	struct fuse_conn *fc = call->fc;
	struct ext_conn *ec = fc->ext;
	u64 nodeid = call->in.nodeid;
	u64 before, now;
	int ret;

	if (!ext_caller_fill(fc, sb, &call->in.caller))
		return EXT_UPCALL;
	call->in.word = ext_node_token(ec, nodeid);
	call->in.xattr_word = ext_xattr_token(ec, nodeid);
	ops = ext_ops(ec);
	if (!ops || !ops->getxattr)
		return EXT_UPCALL;
	ret = ops->getxattr(&call->in, out);
	if (out->flags & EXTFUSE_OUT_XATTR_WORD) {
		before = call->in.xattr_word;
		now = ext_xattr_token(ec, nodeid);
	} else {
		before = call->in.word;
		now = ext_node_token(ec, nodeid);
	}
	return ext_fresh_verdict(fc, EXTFUSE_OP_GETXATTR, ret,
				 out->flags & ~(EXTFUSE_OUT_ABSENT | EXTFUSE_OUT_XATTR_WORD),
				 out->word, before, now);
}

/*
 * Bytes of a known number for somebody with room for room: what xattr calls
 * answer. The reply of a question for the size is a structure.
 */
static ssize_t ext_xattr_reply(struct fuse_args *args, u32 room, u32 filled)
{
	if (!room) {
		struct fuse_getxattr_out *reply = args->out_args[0].value;

		reply->size = filled;
		return 0;
	}
	if (filled > room)
		return -ERANGE;
	args->out_args[0].size = filled;
	return filled;
}

static int ext_getxattr(struct fuse_mount *fm, struct fuse_args *args, ssize_t *ret)
{
	const struct fuse_getxattr_in *in = args->in_args[0].value;
	struct ext_getxattr_call call __uninitialized;
	u32 len = args->in_args[1].size - 1;
	int verdict;

	if (!len || len > EXTFUSE_NAME_INLINE)
		return EXT_UPCALL;
	call.fc = fm->fc;
	call.in.nodeid = args->nodeid;
	call.in.hash = ext_name_load(fm->fc->ext, args->nodeid, args->in_args[1].value, len,
				     call.in.name);
	call.in.size = in->size;
	call.in.op = EXTFUSE_OP_GETXATTR;
	call.in.flags = 0;
	call.in.name_len = len;
	ext_bytes_init(&call.bytes, args->out_args[0].value, in->size);

	rcu_read_lock();
	verdict = ext_getxattr_ask(&call, fm->sb);
	rcu_read_unlock();
	if (verdict != EXTFUSE_HIT)
		return verdict;
	if (call.bytes.out.size != call.bytes.filled)
		return ext_invalid(fm->fc, EXTFUSE_OP_GETXATTR);
	if (call.bytes.out.flags & EXTFUSE_OUT_ABSENT) {
		if (call.bytes.filled)
			return ext_invalid(fm->fc, EXTFUSE_OP_GETXATTR);
		*ret = -ENODATA;
	} else {
		*ret = ext_xattr_reply(args, in->size, call.bytes.filled);
	}
	return EXTFUSE_HIT;
}

bool ext_has_no_caps(struct inode *inode, u64 token)
{
	struct fuse_conn *fc = get_fuse_conn(inode);
	struct ext_getxattr_call call __uninitialized;
	const struct ext_bytes *bytes = &call.bytes;
	int verdict;

	if (!ext_usable(fc) || fc->no_getxattr)
		return false;
	call.fc = fc;
	call.in.nodeid = get_node_id(inode);
	call.in.hash = ext_name_load(fc->ext, call.in.nodeid, XATTR_NAME_CAPS,
				     sizeof(XATTR_NAME_CAPS) - 1, call.in.name);
	call.in.size = 0;
	call.in.op = EXTFUSE_OP_GETXATTR;
	call.in.flags = 0;
	call.in.name_len = sizeof(XATTR_NAME_CAPS) - 1;
	ext_bytes_init(&call.bytes, NULL, 0);

	rcu_read_lock();
	verdict = ext_getxattr_ask(&call, inode->i_sb);
	rcu_read_unlock();
	if (verdict != EXTFUSE_HIT)
		return false;
	ext_count(fc->ext, EXTFUSE_OP_GETXATTR, hit);
	return bytes->out.flags & EXTFUSE_OUT_ABSENT &&
	       bytes->out.flags & EXTFUSE_OUT_XATTR_WORD && bytes->out.word == token &&
	       ext_may_remember(bytes->out.flags) && !bytes->filled;
}

/* One name after the other, each with its end. */
static bool ext_names_valid(const char *names, u32 size)
{
	u32 at, len;

	for (at = 0; at < size; at += len + 1) {
		len = strnlen(names + at, size - at);
		if (!len || at + len == size)
			return false;
	}
	return true;
}

static int ext_listxattr(struct fuse_mount *fm, struct fuse_args *args, ssize_t *ret)
{
	const struct fuse_getxattr_in *in = args->in_args[0].value;
	struct ext_bytes_call call __uninitialized;
	struct ext_bytes *bytes = &call.bytes;
	int verdict;

	ext_bytes_call_init(&call, fm, args, EXTFUSE_OP_LISTXATTR, in->size);
	ext_bytes_init(bytes, args->out_args[0].value, in->size);
	verdict = ext_bytes_ask(&call, fm->sb);
	if (verdict != EXTFUSE_HIT)
		return verdict;
	if (bytes->out.size != bytes->filled || bytes->filled > XATTR_LIST_MAX ||
	    (in->size && bytes->filled <= in->size && !ext_names_valid(bytes->buf, bytes->filled)))
		return ext_invalid(fm->fc, EXTFUSE_OP_LISTXATTR);
	*ret = ext_xattr_reply(args, in->size, bytes->filled);
	return EXTFUSE_HIT;
}

static int ext_readlink(struct fuse_mount *fm, struct fuse_args *args, ssize_t *ret)
{
	struct fuse_args_pages *ap = container_of(args, struct fuse_args_pages, args);
	struct ext_bytes_call call __uninitialized;
	struct ext_bytes *bytes = &call.bytes;
	u32 room = args->out_args[0].size;
	int verdict;

	if (!args->out_pages || ap->uses_folios || ap->num_pages != 1 || room > PAGE_SIZE)
		return EXT_UPCALL;
	ext_bytes_call_init(&call, fm, args, EXTFUSE_OP_READLINK, room);
	ext_bytes_init(bytes, page_address(ap->pages[0]), room);
	verdict = ext_bytes_ask(&call, fm->sb);
	if (verdict != EXTFUSE_HIT)
		return verdict;
	/* The caller ends it with a zero. */
	if (bytes->out.size != bytes->filled || !bytes->filled || bytes->filled > room ||
	    memchr(bytes->buf, 0, bytes->filled))
		return ext_invalid(fm->fc, EXTFUSE_OP_READLINK);
	args->out_args[0].size = bytes->filled;
	*ret = bytes->filled;
	return EXTFUSE_HIT;
}

static int ext_statfs_ask(struct ext_statfs_call *call, const struct super_block *sb)
{
	const struct extfuse_handler_ops *ops;
	struct fuse_conn *fc = call->fc;
	int ret;

	if (!ext_caller_fill(fc, sb, &call->in.caller))
		return EXT_UPCALL;
	call->in.word = ext_fs_token(fc->ext);
	ops = ext_ops(fc->ext);
	if (!ops || !ops->statfs)
		return EXT_UPCALL;
	ret = ops->statfs(&call->in, &call->out);
	return ext_fresh_verdict(fc, EXTFUSE_OP_STATFS, ret, call->out.flags, call->out.word,
				 call->in.word, ext_fs_token(fc->ext));
}

static int ext_statfs(struct fuse_mount *fm, struct fuse_args *args, ssize_t *ret)
{
	struct fuse_statfs_out *reply = args->out_args[0].value;
	struct ext_statfs_call call = {};
	int verdict;

	static_assert(sizeof(reply->st) == sizeof(call.out.st));
	call.fc = fm->fc;
	call.in.nodeid = args->nodeid;
	call.in.op = EXTFUSE_OP_STATFS;

	rcu_read_lock();
	verdict = ext_statfs_ask(&call, fm->sb);
	rcu_read_unlock();
	if (verdict != EXTFUSE_HIT)
		return verdict;
	memcpy(&reply->st, &call.out.st, sizeof(reply->st));
	*ret = 0;
	return EXTFUSE_HIT;
}

static int ext_access_ask(struct ext_access_call *call, const struct super_block *sb)
{
	const struct extfuse_handler_ops *ops;
	struct fuse_conn *fc = call->fc;
	int ret;

	if (!ext_caller_fill(fc, sb, &call->in.caller))
		return EXT_UPCALL;
	call->in.word = ext_node_token(fc->ext, call->in.nodeid);
	ops = ext_ops(fc->ext);
	if (!ops || !ops->access)
		return EXT_UPCALL;
	ret = ops->access(&call->in, &call->out);
	return ext_fresh_verdict(fc, EXTFUSE_OP_ACCESS, ret, call->out.flags, call->out.word,
				 call->in.word, ext_node_token(fc->ext, call->in.nodeid));
}

static int ext_access(struct fuse_mount *fm, struct fuse_args *args, ssize_t *ret)
{
	const struct fuse_access_in *in = args->in_args[0].value;
	struct ext_access_call call = {};
	int verdict;

	call.fc = fm->fc;
	call.in.nodeid = args->nodeid;
	call.in.mask = in->mask;
	call.in.op = EXTFUSE_OP_ACCESS;

	rcu_read_lock();
	verdict = ext_access_ask(&call, fm->sb);
	rcu_read_unlock();
	if (verdict != EXTFUSE_HIT)
		return verdict;
	switch (call.out.error) {
	case 0:
	case -EACCES:
	case -EPERM:
	case -EROFS:
		*ret = call.out.error;
		return EXTFUSE_HIT;
	}
	return ext_invalid(fm->fc, EXTFUSE_OP_ACCESS);
}

static int ext_lseek_ask(struct ext_lseek_call *call, const struct super_block *sb)
{
	const struct extfuse_handler_ops *ops;
	struct fuse_conn *fc = call->fc;
	int ret;

	if (!ext_caller_fill(fc, sb, &call->in.caller))
		return EXT_UPCALL;
	call->in.word = ext_node_token(fc->ext, call->in.nodeid);
	ops = ext_ops(fc->ext);
	if (!ops || !ops->lseek)
		return EXT_UPCALL;
	ret = ops->lseek(&call->in, &call->out);
	return ext_fresh_verdict(fc, EXTFUSE_OP_LSEEK, ret, call->out.flags & ~EXTFUSE_OUT_ABSENT,
				 call->out.word, call->in.word,
				 ext_node_token(fc->ext, call->in.nodeid));
}

static int ext_lseek(struct fuse_mount *fm, struct fuse_args *args, ssize_t *ret)
{
	const struct fuse_lseek_in *in = args->in_args[0].value;
	struct fuse_lseek_out *reply = args->out_args[0].value;
	struct ext_lseek_call call = {};
	int verdict;

	call.fc = fm->fc;
	call.in.nodeid = args->nodeid;
	call.in.offset = in->offset;
	call.in.whence = in->whence;
	call.in.op = EXTFUSE_OP_LSEEK;

	rcu_read_lock();
	verdict = ext_lseek_ask(&call, fm->sb);
	rcu_read_unlock();
	if (verdict != EXTFUSE_HIT)
		return verdict;
	if (call.out.flags & EXTFUSE_OUT_ABSENT) {
		*ret = -ENXIO;
		return EXTFUSE_HIT;
	}
	if (call.out.offset < in->offset || call.out.offset > LLONG_MAX)
		return ext_invalid(fm->fc, EXTFUSE_OP_LSEEK);
	reply->offset = call.out.offset;
	*ret = 0;
	return EXTFUSE_HIT;
}

bool ext_object(struct fuse_mount *fm, struct fuse_args *args, ssize_t *ret)
{
	enum extfuse_op op;
	int verdict;

	if (BIT_ULL(args->opcode) & EXT_CHANGE_OPCODES) {
		*ret = ext_change(fm, args, false);
		return *ret;
	}
	switch (args->opcode) {
	case FUSE_GETXATTR:
		op = EXTFUSE_OP_GETXATTR;
		verdict = ext_getxattr(fm, args, ret);
		break;
	case FUSE_LISTXATTR:
		op = EXTFUSE_OP_LISTXATTR;
		verdict = ext_listxattr(fm, args, ret);
		break;
	case FUSE_READLINK:
		op = EXTFUSE_OP_READLINK;
		verdict = ext_readlink(fm, args, ret);
		break;
	case FUSE_STATFS:
		op = EXTFUSE_OP_STATFS;
		verdict = ext_statfs(fm, args, ret);
		break;
	case FUSE_ACCESS:
		op = EXTFUSE_OP_ACCESS;
		verdict = ext_access(fm, args, ret);
		break;
	case FUSE_LSEEK:
		op = EXTFUSE_OP_LSEEK;
		verdict = ext_lseek(fm, args, ret);
		break;
	default:
		op = EXTFUSE_OP_READDIR;
		verdict = ext_readdir(fm, args, ret);
		break;
	}
	if (verdict == EXTFUSE_HIT)
		ext_count(fm->fc->ext, op, hit);
	else if (verdict < 0)
		*ret = verdict;
	return verdict != EXT_UPCALL;
}
