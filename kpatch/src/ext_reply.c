// SPDX-License-Identifier: GPL-2.0-only
/*
 * Replies on their way back: validated, under tokens sampled before their request
 * was sent, shown to the handler in the context of who asked (in the background:
 * of who replied). The handler may keep them; nothing that it does is believed.
 */
#include "ext_call.h"
#include "ext_validate.h"

#include <linux/highmem.h>

DEFINE_STATIC_KEY_FALSE(ext_replies);

EXT_ASSERT_NAME_CALL(struct ext_reply_entry_call, in.lookup);
EXT_ASSERT_CALL(struct ext_reply_attr_call);
EXT_ASSERT_CALL(struct ext_reply_bytes_call);
EXT_ASSERT_CALL(struct ext_reply_read_call);
EXT_ASSERT_CALL(struct ext_reply_open_call);
static_assert(sizeof(struct ext_marks) == 4 + EXT_MARKS_MAX * sizeof(u32) + sizeof(void *));

bool ext_reply_members(const struct extfuse_handler_ops *ops)
{
	return ops->reply_entry || ops->reply_attr || ops->reply_bytes || ops->reply_read ||
	       ops->reply_open || ops->reply_dirents;
}

void ext_reply_attached(bool *counted, bool members)
{
	if (*counted == members)
		return;
	*counted = members;
	if (members)
		static_branch_inc(&ext_replies);
	else
		static_branch_dec(&ext_replies);
}

static enum ext_reply_kind ext_reply_kind(u32 opcode)
{
	switch (opcode) {
	case FUSE_LOOKUP:
	case FUSE_MKNOD:
	case FUSE_MKDIR:
	case FUSE_SYMLINK:
	case FUSE_LINK:
	case FUSE_CREATE:
		return EXT_REPLY_ENTRY;
	case FUSE_GETATTR:
	case FUSE_SETATTR:
		return EXT_REPLY_ATTR;
	case FUSE_GETXATTR:
	case FUSE_LISTXATTR:
	case FUSE_READLINK:
	case FUSE_STATFS:
	case FUSE_LSEEK:
	case FUSE_ACCESS:
		return EXT_REPLY_BYTES;
	case FUSE_READ:
		return EXT_REPLY_READ;
	case FUSE_OPEN:
	case FUSE_OPENDIR:
		return EXT_REPLY_OPEN;
	case FUSE_READDIRPLUS:
		return EXT_REPLY_LIST;
	default:
		return EXT_REPLY_NONE;
	}
}

/* For counters, and as programs are told. An entry's: LOOKUP. */
static enum extfuse_op ext_reply_op(u32 opcode)
{
	switch (opcode) {
	case FUSE_GETATTR:
	case FUSE_SETATTR:
		return EXTFUSE_OP_GETATTR;
	case FUSE_GETXATTR:
		return EXTFUSE_OP_GETXATTR;
	case FUSE_LISTXATTR:
		return EXTFUSE_OP_LISTXATTR;
	case FUSE_READLINK:
		return EXTFUSE_OP_READLINK;
	case FUSE_STATFS:
		return EXTFUSE_OP_STATFS;
	case FUSE_LSEEK:
		return EXTFUSE_OP_LSEEK;
	case FUSE_ACCESS:
		return EXTFUSE_OP_ACCESS;
	case FUSE_READ:
		return EXTFUSE_OP_READ;
	case FUSE_OPEN:
		return EXTFUSE_OP_OPEN;
	case FUSE_OPENDIR:
		return EXTFUSE_OP_OPENDIR;
	default:
		return EXTFUSE_OP_LOOKUP;
	}
}

/* Does the request itself change what its reply tells? */
static bool ext_reply_changes(const struct fuse_args *args)
{
	return args->opcode != FUSE_LOOKUP && (ext_reply_kind(args->opcode) == EXT_REPLY_ENTRY ||
					       args->opcode == FUSE_SETATTR);
}

/* Under rcu_read_lock(). */
static bool ext_reply_wanted(const struct extfuse_handler_ops *ops, enum ext_reply_kind kind)
{
	if (!ops)
		return false;
	switch (kind) {
	case EXT_REPLY_ENTRY:
	case EXT_REPLY_LIST:
		return ops->reply_entry || ops->reply_attr;
	case EXT_REPLY_ATTR:
		return ops->reply_attr;
	case EXT_REPLY_BYTES:
		return ops->reply_bytes;
	case EXT_REPLY_READ:
		return ops->reply_read;
	case EXT_REPLY_OPEN:
		return ops->reply_open;
	default:
		return false;
	}
}

/* The name's length, 0: it is none that a handler is asked about. */
static u32 ext_reply_name_len(const unsigned char *name, u32 len)
{
	if (len - 1 >= EXTFUSE_NAME_MAX)
		return 0;
	if (name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.')))
		return 0;
	return len;
}

/* The name of an entry; its length, as above. */
static u32 ext_reply_name(const struct fuse_args *args, const unsigned char **name)
{
	const struct fuse_in_arg *arg =
		&args->in_args[args->opcode != FUSE_LOOKUP && args->opcode != FUSE_SYMLINK];

	*name = arg->value;
	return ext_reply_name_len(*name, arg->size - 1);
}

/* *token of (parent, name); in: .parent, .name_len set, the rest is filled. */
static u64 ext_reply_entry_token(struct ext_conn *ec, struct extfuse_lookup_in *in,
				 const unsigned char *name)
{
	in->hash = ext_name_load(ec, in->parent, name, in->name_len, in->name);
	return ext_sum(ec, ext_name_index(in->hash)) + ext_behind(ec, in->parent);
}

static u64 ext_reply_object_token(struct ext_conn *ec, const struct fuse_args *args)
{
	if (args->opcode == FUSE_STATFS)
		return atomic64_read_acquire(ext_change_word(ec)) +
		       atomic64_read_acquire(ext_mount_word(ec));
	return ext_node_token(ec, args->nodeid);
}

/* Opened for reading alone: what else an open does is not for others. */
static bool ext_reply_only_reads(const struct fuse_args *args)
{
	const struct fuse_open_in *in = args->in_args[0].value;

	return (in->flags & (O_ACCMODE | O_TRUNC | O_CREAT)) == O_RDONLY;
}

static u64 ext_reply_xattr_token(struct ext_conn *ec, u64 nodeid)
{
	return ext_sum(ec, ext_node_index(ec, EXT_XATTR, nodeid));
}

/*
 * .before[0] becomes the token of what is asked about, of lists nothing; [1]: of entries,
 * how many changes there were, of those in lists: before the daemon opened the directory;
 * of extended attributes their token.
 */
void ext_reply_sample(struct fuse_conn *fc, struct fuse_args *args)
{
	enum ext_reply_kind kind = ext_reply_kind(args->opcode);
	struct ext_conn *ec = fc->ext;
	struct extfuse_lookup_in in;
	const unsigned char *name;
	u64 token[2] = {};
	bool wanted;

	args->ext.reply = EXT_REPLY_NONE;
	if (!kind)
		return;
	args->ext.moved = false;
	if (!ext_usable(fc) || args->ext.count > EXT_MARKS_REPLY)
		return;
	/* The reader's own memory: it can change there what was replied. */
	if (kind == EXT_REPLY_READ && args->user_pages)
		return;
	if (kind == EXT_REPLY_OPEN && !ext_reply_only_reads(args))
		return;
	rcu_read_lock();
	wanted = ext_reply_wanted(ext_ops(ec), kind);
	rcu_read_unlock();
	if (!wanted)
		return;

	if (kind == EXT_REPLY_LIST) {
		/* From a copy that the daemon made when it was told of the open, maybe. */
		if (args->ext.file && args->ext.file->ext.listing) {
			args->ext.before[1] = READ_ONCE(args->ext.file->ext.listing->changes);
			args->ext.reply = kind;
		}
		return;
	}
	if (kind == EXT_REPLY_ENTRY) {
		in.parent = args->nodeid;
		in.name_len = ext_reply_name(args, &name);
		if (!in.name_len)
			return;
		token[1] = ext_changes(ec);
		token[0] = ext_reply_entry_token(ec, &in, name);
	} else {
		token[0] = ext_reply_object_token(ec, args);
		if (args->opcode == FUSE_GETXATTR)
			token[1] = ext_reply_xattr_token(ec, args->nodeid);
	}
	/* Writing a file moves its node word, and not what this attribute depends on. */
	if (!ext_cacheable(token[0]) &&
	    !(args->opcode == FUSE_GETXATTR && ext_cacheable(token[1]))) {
		ext_count(ec, ext_reply_op(args->opcode), reply_stale);
		return;
	}
	args->ext.before[0] = token[0];
	args->ext.before[1] = token[1];
	args->ext.reply = kind;
}

/* The daemon's mark of this request, taken out of the table. 0: none. */
static u32 ext_mark_take(struct ext_conn *ec, u64 unique)
{
	u64 *element = (u64 *)&ec->words[EXT_REGIONS << EXTFUSE_WORD_COUNT_LOG2] +
		       extfuse_mark_index(unique);
	u64 found = READ_ONCE(*element);

	if (((found ^ extfuse_mark_entry(unique, 0)) >> EXTFUSE_MARK_BITS) ||
	    !(found & EXTFUSE_MARK_SET))
		return 0;
	WRITE_ONCE(*element, 0);
	return found & (BIT(EXTFUSE_MARK_BITS) - 1);
}

/* What a reply is shown with. */
struct ext_reply_ctx {
	struct fuse_mount *fm;
	struct ext_conn *ec;
	struct fuse_args *args;
	const struct extfuse_handler_ops *ops; /* under rcu_read_lock() */
	u32 mark;
	int error;
};

/* Changes between the token and now that are the request's own. */
static u32 ext_reply_own(const struct fuse_args *args)
{
	return ext_reply_changes(args) || args->ext.moved;
}

/* Of entries: nothing but the request has changed anything on the mount. */
static bool ext_reply_unchanged(const struct ext_conn *ec, const struct fuse_args *args)
{
	return ext_changes(ec) == args->ext.before[1] + ext_reply_own(args);
}

/* What the token of before is now if nobody but the request has changed anything. */
static u64 ext_reply_left(const struct fuse_args *args)
{
	return args->ext.before[0] + ext_reply_own(args) * EXTFUSE_EPOCH_ONE;
}

static void ext_reply_attr(struct ext_reply_ctx *ctx, struct ext_reply_attr_call *call, u64 word,
			   const struct fuse_attr *attr, u64 valid, u32 valid_nsec)
{
	call->in.word = word;
	call->in.hash = extfuse_node_hash(ctx->ec->seed, call->in.nodeid);
	call->in.valid = valid;
	call->in.valid_nsec = valid_nsec;
	call->in.opcode = ctx->args->opcode;
	call->in.mark = ctx->mark;
	memcpy(&call->in.attr, attr, sizeof(call->in.attr));
	ext_count(ctx->ec, EXTFUSE_OP_GETATTR, reply);
	ctx->ops->reply_attr(&call->in);
}

/* As the driver asks of such an entry, before it makes an inode of it. */
static bool ext_reply_entry_type(const struct fuse_args *args, u32 mode)
{
	switch (args->opcode) {
	case FUSE_MKDIR:
		return S_ISDIR(mode);
	case FUSE_SYMLINK:
		return S_ISLNK(mode);
	case FUSE_CREATE:
		return S_ISREG(mode);
	case FUSE_MKNOD:
		return !((((const struct fuse_mknod_in *)args->in_args[0].value)->mode ^ mode) &
			 S_IFMT);
	default:
		return true;
	}
}

static bool ext_reply_entry_valid(const struct ext_reply_ctx *ctx, struct fuse_entry_out *entry)
{
	u64 nodeid = entry->nodeid;
	struct inode *inode;

	if (invalid_nodeid(nodeid) || nodeid == ctx->args->nodeid ||
	    fuse_invalid_attr(&entry->attr) || entry->attr.flags ||
	    !ext_reply_entry_type(ctx->args, entry->attr.mode))
		return false;
	inode = find_inode_rcu(ctx->fm->sb, nodeid, ext_inode_is, &nodeid);
	return !inode || (!fuse_is_bad(inode) && !IS_AUTOMOUNT(inode) &&
			  !fuse_stale_inode(inode, entry->generation, &entry->attr));
}

/*
 * What a name is said to be, under tokens of now: as good as sampled before the request,
 * if nothing has changed since. entry: NULL or of node 0: it is not there. call: .name,
 * .in.lookup.parent and .name_len are set.
 */
static void ext_reply_named(struct ext_reply_ctx *ctx, struct ext_reply_entry_call *call,
			    const struct fuse_entry_out *entry)
{
	struct ext_reply_attr_call attr = { .fc = ctx->fm->fc };
	struct extfuse_lookup_in *in = &call->in.lookup;
	const struct fuse_args *args = ctx->args;
	struct ext_conn *ec = ctx->ec;
	u64 node_word = 0;
	bool held;

	in->op = EXTFUSE_OP_LOOKUP;
	call->in.opcode = args->opcode;
	call->in.mark = ctx->mark;
	if (entry) {
		call->in.valid = entry->entry_valid;
		call->in.valid_nsec = entry->entry_valid_nsec;
	}
	in->word = ext_reply_entry_token(ec, in, call->name);
	held = args->opcode == FUSE_READDIRPLUS ? ext_cacheable(in->word) :
					in->word == ext_reply_left(args);
	if (entry && entry->nodeid) {
		call->in.nodeid = entry->nodeid;
		call->in.generation = entry->generation;
		call->in.behind = ext_behind(ec, entry->nodeid);
		node_word = ext_node_token(ec, entry->nodeid);
		/* After all the words. */
		if (!ext_reply_unchanged(ec, args))
			held = false;
	}
	if (!held) {
		ext_count(ec, EXTFUSE_OP_LOOKUP, reply_stale);
		return;
	}

	/* Attributes first: who finds the name is going to ask for them. */
	if (ctx->ops->reply_attr && ext_cacheable(node_word)) {
		attr.in.caller = in->caller;
		attr.in.nodeid = entry->nodeid;
		attr.in.flags = EXTFUSE_REPLY_OF_ENTRY;
		ext_reply_attr(ctx, &attr, node_word, &entry->attr, entry->attr_valid,
			       entry->attr_valid_nsec);
	}
	if (ctx->ops->reply_entry) {
		ext_count(ec, EXTFUSE_OP_LOOKUP, reply);
		ctx->ops->reply_entry(&call->in);
	}
}

static void ext_reply_entry(struct ext_reply_ctx *ctx)
{
	struct fuse_entry_out *entry = ctx->error ? NULL : ctx->args->out_args[0].value;
	struct ext_reply_entry_call call = { .fc = ctx->fm->fc };
	struct extfuse_lookup_in *in = &call.in.lookup;
	struct fuse_args *args = ctx->args;
	bool absent;

	absent = args->opcode == FUSE_LOOKUP &&
		 (ctx->error == -ENOENT || (entry && !entry->nodeid));
	if (!entry && !absent)
		return;
	if (!absent && !ext_reply_entry_valid(ctx, entry)) {
		ext_count(ctx->ec, EXTFUSE_OP_LOOKUP, reply_invalid);
		return;
	}
	in->name_len = ext_reply_name(args, &call.name);
	in->parent = args->nodeid;
	if (in->name_len && ext_caller_fill(call.fc, ctx->fm->sb, &in->caller))
		ext_reply_named(ctx, &call, entry);
}

/* Each entry of a listing that says what it is, as if it had been looked up. */
static void ext_reply_list(struct ext_reply_ctx *ctx)
{
	const struct fuse_args_pages *ap = container_of(ctx->args, struct fuse_args_pages, args);
	u32 left = ctx->args->out_args[0].size, reclen;
	struct ext_reply_entry_call call;
	struct extfuse_caller caller;
	struct fuse_direntplus *plus;
	void *data;

	if (ctx->error || !ap->uses_folios || ap->num_folios != 1 ||
	    left > folio_size(ap->folios[0]) ||
	    !ext_caller_fill(ctx->fm->fc, ctx->fm->sb, &caller))
		return;
	if (left && !ext_reply_unchanged(ctx->ec, ctx->args)) {
		ext_count(ctx->ec, EXTFUSE_OP_LOOKUP, reply_stale);
		return;
	}
	data = folio_address(ap->folios[0]);
	for (; left >= FUSE_NAME_OFFSET_DIRENTPLUS; left -= reclen, data += reclen) {
		plus = data;
		reclen = FUSE_DIRENTPLUS_SIZE(plus);
		/* As the driver reads them afterwards. */
		if (!plus->dirent.namelen || plus->dirent.namelen > FUSE_NAME_MAX ||
		    reclen > left || memchr(plus->dirent.name, '/', plus->dirent.namelen))
			break;
		memset(&call, 0, sizeof(call));
		call.fc = ctx->fm->fc;
		call.name = plus->dirent.name;
		call.in.lookup.caller = caller;
		call.in.lookup.parent = ctx->args->nodeid;
		call.in.lookup.name_len = ext_reply_name_len(call.name, plus->dirent.namelen);
		if (!plus->entry_out.nodeid || !call.in.lookup.name_len)
			continue;
		if (ext_reply_entry_valid(ctx, &plus->entry_out))
			ext_reply_named(ctx, &call, &plus->entry_out);
		else
			ext_count(ctx->ec, EXTFUSE_OP_LOOKUP, reply_invalid);
	}
}

static void ext_reply_attributes(struct ext_reply_ctx *ctx)
{
	const struct fuse_attr_out *out = ctx->args->out_args[0].value;
	struct ext_reply_attr_call call = { .fc = ctx->fm->fc };
	u64 nodeid = ctx->args->nodeid, word;
	struct inode *inode;

	if (ctx->error)
		return;
	inode = find_inode_rcu(ctx->fm->sb, nodeid, ext_inode_is, &nodeid);
	if (!inode || fuse_is_bad(inode) ||
	    fuse_invalid_attr((struct fuse_attr *)&out->attr) ||
	    !ext_attr_valid(inode, (const struct extfuse_attr *)&out->attr)) {
		ext_count(ctx->ec, EXTFUSE_OP_GETATTR, reply_invalid);
		return;
	}
	if (!ext_caller_fill(call.fc, ctx->fm->sb, &call.in.caller))
		return;
	call.in.nodeid = nodeid;
	word = ext_node_token(ctx->ec, nodeid);
	if (word != ext_reply_left(ctx->args)) {
		ext_count(ctx->ec, EXTFUSE_OP_GETATTR, reply_stale);
		return;
	}
	ext_reply_attr(ctx, &call, word, &out->attr, out->attr_valid, out->attr_valid_nsec);
}

/* By opcode: what was asked, and where the value is. False: it is not shown. */
static bool ext_reply_value(struct ext_reply_ctx *ctx, struct ext_reply_bytes_call *call)
{
	const struct fuse_args *args = ctx->args;
	const void *in = args->in_args[0].value;
	struct extfuse_reply_bytes_in *shown = &call->in;
	int error = ctx->error;

	call->data = args->out_args[0].value;
	shown->size = args->out_args[0].size;
	switch (args->opcode) {
	case FUSE_GETXATTR: {
		const struct fuse_in_arg *name = &args->in_args[1];

		shown->name_len = name->size - 1;
		if (shown->name_len - 1 >= EXTFUSE_NAME_INLINE)
			return false;
		shown->arg = ext_name_load(ctx->ec, args->nodeid, name->value, shown->name_len,
					   shown->name);
		/* Who asks for the size learns whether there is one. */
		return error ? error == -ENODATA :
			       ((const struct fuse_getxattr_in *)in)->size != 0;
	}
	case FUSE_LISTXATTR:
		return !error && ((const struct fuse_getxattr_in *)in)->size;
	case FUSE_READLINK:
		call->data = NULL;
		call->ap = container_of(ctx->args, struct fuse_args_pages, args);
		return !error && args->out_pages && !call->ap->uses_folios;
	case FUSE_STATFS:
		static_assert(sizeof(struct extfuse_statfs) == sizeof(struct fuse_kstatfs));
		call->data = &((const struct fuse_statfs_out *)call->data)->st;
		shown->size = sizeof(struct extfuse_statfs);
		return !error;
	case FUSE_LSEEK: {
		const struct fuse_lseek_in *seek = in;

		if (error ? error != -ENXIO :
			    ((const struct fuse_lseek_out *)call->data)->offset < seek->offset)
			return false;
		shown->arg = extfuse_lseek_arg(seek->offset, seek->whence);
		return true;
	}
	case FUSE_ACCESS:
		shown->arg = ((const struct fuse_access_in *)in)->mask;
		shown->size = 0;
		return !error || error == -EACCES || error == -EPERM || error == -EROFS;
	default:
		return false;
	}
}

static void ext_reply_object(struct ext_reply_ctx *ctx)
{
	struct ext_reply_bytes_call call = { .fc = ctx->fm->fc };
	enum extfuse_op op = ext_reply_op(ctx->args->opcode);
	struct fuse_args *args = ctx->args;
	struct ext_conn *ec = ctx->ec;
	u64 word;

	if (!ext_reply_value(ctx, &call) ||
	    !ext_caller_fill(call.fc, ctx->fm->sb, &call.in.caller))
		return;
	if (ctx->error)
		call.in.size = 0;
	call.in.nodeid = args->nodeid;
	call.in.hash = extfuse_node_hash(ec->seed, args->nodeid);
	call.in.op = op;
	call.in.error = ctx->error;
	call.in.mark = ctx->mark;
	word = ext_reply_object_token(ec, args);
	if (ext_cacheable(word) && word == ext_reply_left(args))
		call.in.word = word;
	if (op == EXTFUSE_OP_GETXATTR) {
		word = ext_reply_xattr_token(ec, args->nodeid);
		if (ext_cacheable(word) && word == args->ext.before[1])
			call.in.xattr_word = word;
	}
	if (!call.in.word && !call.in.xattr_word) {
		ext_count(ec, op, reply_stale);
		return;
	}
	ext_count(ec, op, reply);
	ctx->ops->reply_bytes(&call.in);
}

static void ext_reply_data(struct ext_reply_ctx *ctx, bool background)
{
	struct ext_reply_read_call call = { .fc = ctx->fm->fc };
	const struct fuse_args *args = ctx->args;
	const struct fuse_read_in *in = args->in_args[0].value;

	if (ctx->error || !args->out_pages || !args->out_argvar || args->out_numargs != 1)
		return;
	call.ap = container_of(ctx->args, struct fuse_args_pages, args);
	if (call.ap->uses_folios)
		return;
	/* In the background, current is whoever replied. */
	if (background)
		call.in.flags = EXTFUSE_READ_BACKGROUND;
	else if (!ext_caller_fill(call.fc, ctx->fm->sb, &call.in.caller))
		return;
	call.in.nodeid = args->nodeid;
	call.in.hash = extfuse_node_hash(ctx->ec->seed, args->nodeid);
	call.in.offset = in->offset;
	call.in.size = args->out_args[0].size;
	call.in.mark = ctx->mark;
	call.in.before = args->ext.before[0];
	call.in.word = ext_node_token(ctx->ec, args->nodeid);
	if (call.in.word != ext_reply_left(args)) {
		ext_count(ctx->ec, EXTFUSE_OP_READ, reply_stale);
		return;
	}
	/* Short is the end, unless the kernel holds what is behind a hole. */
	if (args->page_zeroing && !call.fc->writeback_cache && call.in.size < in->size &&
	    (call.in.size || !in->offset)) {
		call.in.file_size = in->offset + call.in.size;
		call.in.flags |= EXTFUSE_REPLY_FILE_SIZE;
	}
	ext_count(ctx->ec, EXTFUSE_OP_READ, reply);
	ctx->ops->reply_read(&call.in);
}

static void ext_reply_opened(struct ext_reply_ctx *ctx)
{
	struct ext_reply_open_call call = { .fc = ctx->fm->fc };
	enum extfuse_op op = ext_reply_op(ctx->args->opcode);
	const struct fuse_args *args = ctx->args;

	if (ctx->error || !ext_caller_fill(call.fc, ctx->fm->sb, &call.in.caller))
		return;
	call.in.nodeid = args->nodeid;
	call.in.hash = extfuse_node_hash(ctx->ec->seed, args->nodeid);
	call.in.file_flags = ((const struct fuse_open_in *)args->in_args[0].value)->flags;
	call.in.open_flags =
		((const struct fuse_open_out *)args->out_args[0].value)->open_flags;
	call.in.op = op;
	call.in.mark = ctx->mark;
	call.in.word = ext_node_token(ctx->ec, args->nodeid);
	if (call.in.word != args->ext.before[0]) {
		ext_count(ctx->ec, op, reply_stale);
		return;
	}
	ext_count(ctx->ec, op, reply);
	ctx->ops->reply_open(&call.in);
}

void ext_reply_copy(void *to, struct fuse_args_pages *ap, u32 pos, u32 len)
{
	unsigned int i;

	for (i = 0; i < ap->num_pages && len; i++) {
		u32 room = ap->descs[i].length;
		u32 part;

		if (pos >= room) {
			pos -= room;
			continue;
		}
		part = min(len, room - pos);
		memcpy_from_page(to, ap->pages[i], ap->descs[i].offset + pos, part);
		to += part;
		len -= part;
		pos = 0;
	}
}

void ext_reply_show(struct fuse_req *req)
{
	struct fuse_args *args = req->args;
	struct ext_reply_ctx ctx = {
		.fm = req->fm,
		.ec = req->fm->fc->ext,
		.args = args,
		.error = req->out.h.error,
	};
	enum ext_reply_kind kind = args->ext.reply;

	args->ext.reply = EXT_REPLY_NONE;
	ctx.mark = ext_mark_take(ctx.ec, req->in.h.unique);
	if (!ctx.fm->sb || !ext_usable(ctx.fm->fc))
		return;
	rcu_read_lock();
	ctx.ops = ext_ops(ctx.ec);
	if (ext_reply_wanted(ctx.ops, kind) &&
	    (ctx.mark || (ctx.ops->flags & EXTFUSE_HANDLER_ALL_REPLIES))) {
		switch (kind) {
		case EXT_REPLY_ENTRY:
			ext_reply_entry(&ctx);
			break;
		case EXT_REPLY_ATTR:
			ext_reply_attributes(&ctx);
			break;
		case EXT_REPLY_BYTES:
			ext_reply_object(&ctx);
			break;
		case EXT_REPLY_READ:
			ext_reply_data(&ctx, test_bit(FR_ASYNC, &req->flags));
			break;
		case EXT_REPLY_OPEN:
			ext_reply_opened(&ctx);
			break;
		case EXT_REPLY_LIST:
			ext_reply_list(&ctx);
			break;
		default:
			break;
		}
	}
	rcu_read_unlock();
}
