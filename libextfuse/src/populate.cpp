// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Tokens; putting answers into the maps, alone or with the reply.
#include <cstring>

#include "object.hpp"
#include "populate.hpp"
#include "reply.hpp"

using namespace exf::impl;

namespace
{

constexpr extfuse_token no_token = {0, 0};

extfuse_attr attr_from(const struct stat &st)
{
	extfuse_attr a = {};

	a.ino = st.st_ino;
	a.size = static_cast<uint64_t>(st.st_size);
	a.blocks = static_cast<uint64_t>(st.st_blocks);
	a.atime = static_cast<uint64_t>(st.st_atim.tv_sec);
	a.mtime = static_cast<uint64_t>(st.st_mtim.tv_sec);
	a.ctime = static_cast<uint64_t>(st.st_ctim.tv_sec);
	a.atimensec = static_cast<uint32_t>(st.st_atim.tv_nsec);
	a.mtimensec = static_cast<uint32_t>(st.st_mtim.tv_nsec);
	a.ctimensec = static_cast<uint32_t>(st.st_ctim.tv_nsec);
	a.mode = st.st_mode;
	a.nlink = static_cast<uint32_t>(st.st_nlink);
	a.uid = st.st_uid;
	a.gid = st.st_gid;
	a.rdev = static_cast<uint32_t>(st.st_rdev);
	a.blksize = static_cast<uint32_t>(st.st_blksize);
	return a;
}

int put_name(extfuse &x, const Audience &who, fuse_ino_t parent, const char *name,
	     const fuse_entry_param *e, const extfuse_token &entry, const extfuse_token &node)
{
	Stored stored = Stored::no;
	NameKey key;

	if (who.scope != EXTFUSE_SCOPE_NONE && make_name_key(x.words.seed(), parent, name, key) &&
	    x.words.entry_current(parent, key.hash, entry.word)) {
		NameValue value = {};

		value.word = entry.word;
		if (e && e->ino) {
			value.nodeid = e->ino;
			value.behind = node.behind;
			value.generation = static_cast<uint32_t>(e->generation);
		}
		if (!value.nodeid || x.words.behind(value.nodeid) == value.behind)
			stored = store_name(x.maps, x.words, key, value, who);
	}
	return count(x, stored, x.puts.entry);
}

int put_attr(extfuse &x, const Audience &who, fuse_ino_t node, const struct stat &st,
	     const extfuse_token &token)
{
	Stored stored = Stored::no;

	if (who.scope != EXTFUSE_SCOPE_NONE && x.words.node_current(node, token.word))
		stored = store_attr(x.maps, x.words, node, token.word, attr_from(st), who);
	return count(x, stored, x.puts.attr);
}

int put_both(extfuse &x, const Audience &entry_who, const Audience &attr_who, fuse_ino_t parent,
	     const char *name, const fuse_entry_param *e, const extfuse_token &entry,
	     const extfuse_token &node)
{
	// Attributes first: who finds the name is going to ask for them.
	if (e && e->ino && node.word && attr_who.scope != EXTFUSE_SCOPE_NONE)
		put_attr(x, attr_who, e->ino, e->attr, node);
	return put_name(x, entry_who, parent, name, e, entry, node);
}

} // namespace

extern "C" {

struct extfuse_token extfuse_token_entry(struct extfuse *x, fuse_ino_t parent, const char *name)
{
	NameKey key;

	if (!x || !name || !x->words.active() || !make_name_key(x->words.seed(), parent, name, key))
		return no_token;
	return {x->words.entry_token(parent, key.hash), 0};
}

struct extfuse_token extfuse_token_node(struct extfuse *x, fuse_ino_t node)
{
	if (!x || !x->words.active())
		return no_token;
	const uint64_t behind = x->words.behind(node);
	return {x->words.node_token(node), behind};
}

struct extfuse_snapshot extfuse_snapshot_now(struct extfuse *x)
{
	if (!x || !x->words.active())
		return {0};
	return {x->words.changes()};
}

struct extfuse_token extfuse_token_node_since(struct extfuse *x, fuse_ino_t node,
					      struct extfuse_snapshot since)
{
	if (!since.changes || !x || !x->words.active())
		return no_token;
	const extfuse_token token = extfuse_token_node(x, node);
	return x->words.changes() == since.changes ? token : no_token;
}

struct extfuse_token extfuse_token_changed_entry(struct extfuse *x, fuse_ino_t parent,
						 const char *name)
{
	NameKey key;

	if (!x || !name || !x->words.active() || !make_name_key(x->words.seed(), parent, name, key))
		return no_token;
	return {x->words.changed_entry_token(parent, key.hash), 0};
}

struct extfuse_token extfuse_token_changed_node(struct extfuse *x, fuse_ino_t node)
{
	if (!x || !x->words.active())
		return no_token;
	const uint64_t behind = x->words.behind(node);
	return {x->words.changed_node_token(node), behind};
}

int extfuse_put_entry(struct extfuse *x, const struct fuse_ctx *caller, fuse_ino_t parent,
		      const char *name, const struct fuse_entry_param *e,
		      struct extfuse_token entry, struct extfuse_token node,
		      enum extfuse_scope entry_scope, enum extfuse_scope attr_scope)
{
	const extfuse_batch_entry one = {name, e, entry, node};

	return extfuse_put_entries(x, caller, parent, &one, 1, entry_scope, attr_scope);
}

int extfuse_put_entries(struct extfuse *x, const struct fuse_ctx *caller, fuse_ino_t parent,
			const struct extfuse_batch_entry *batch, size_t n,
			enum extfuse_scope entry_scope, enum extfuse_scope attr_scope)
{
	int stored = 0;

	if (!x || !parent || (!batch && n) || !valid_scope(entry_scope, caller) ||
	    !valid_scope(attr_scope, caller))
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		if (!batch[i].name || !batch[i].name[0])
			return -EINVAL;
	}
	if (!storing(*x))
		return 0;
	const Audience entry_who = audience(*x, entry_scope, caller);
	const Audience attr_who =
		attr_scope == entry_scope ? entry_who : audience(*x, attr_scope, caller);
	for (size_t i = 0; i < n; i++)
		stored += put_both(*x, entry_who, attr_who, parent, batch[i].name, batch[i].e,
				   batch[i].entry, batch[i].node);
	return stored;
}

int extfuse_put_attr(struct extfuse *x, const struct fuse_ctx *caller, fuse_ino_t node,
		     const struct stat *attr, struct extfuse_token token, enum extfuse_scope scope)
{
	if (!x || !node || !attr || !valid_scope(scope, caller))
		return -EINVAL;
	if (!storing(*x))
		return 0;
	return put_attr(*x, audience(*x, scope, caller), node, *attr, token);
}

int extfuse_put_data(struct extfuse *x, const struct fuse_ctx *caller, fuse_ino_t node,
		     uint64_t offset, const void *data, size_t len, uint64_t file_size,
		     struct extfuse_token token, enum extfuse_scope scope)
{
	int stored = 0;

	if (!x || !node || (!data && len) || offset % EXTFUSE_BLOCK_SIZE ||
	    !valid_scope(scope, caller) || offset > file_size || len > file_size - offset)
		return -EINVAL;
	if (!storing(*x))
		return 0;
	const Audience who = audience(*x, scope, caller);
	if (who.scope == EXTFUSE_SCOPE_NONE || !x->words.node_current(node, token.word)) {
		count(*x, Stored::no, x->puts.data);
		return 0;
	}

	Block block = {node, offset / EXTFUSE_BLOCK_SIZE, token.word, file_size, data, 0};
	// An empty file has one block, without bytes: it tells the size.
	if (file_size == 0)
		return count(*x, store_block(x->maps, x->words, x->seed, block, who), x->puts.data);
	for (size_t done = 0; done < len; done += EXTFUSE_BLOCK_SIZE, block.index++) {
		const size_t left = len - done;

		block.len = static_cast<uint32_t>(left < EXTFUSE_BLOCK_SIZE ? left
									    : EXTFUSE_BLOCK_SIZE);
		// Part of a block in the middle of the file is no use.
		if (block.len < EXTFUSE_BLOCK_SIZE && offset + len < file_size)
			break;
		block.data = static_cast<const char *>(data) + done;
		stored += count(*x, store_block(x->maps, x->words, x->seed, block, who),
				x->puts.data);
	}
	return stored;
}

int extfuse_put_open(struct extfuse *x, const struct fuse_ctx *caller, fuse_ino_t node,
		     unsigned flags, struct extfuse_token token, enum extfuse_scope scope)
{
	constexpr unsigned known = EXTFUSE_FILE_KEEP_CACHE | EXTFUSE_FILE_DIRECT_IO |
				   EXTFUSE_FILE_CACHE_DIR | EXTFUSE_FILE_BACKING |
				   EXTFUSE_FILE_CLOSE_ONLY | EXTFUSE_FILE_NO_FLUSH |
				   EXTFUSE_FILE_NO_RELEASE | EXTFUSE_FILE_WRITE;
	Stored stored = Stored::no;

	if (!x || !node || (flags & ~known) || !valid_scope(scope, caller))
		return -EINVAL;
	if ((flags & EXTFUSE_FILE_BACKING) &&
	    (flags & EXTFUSE_FILE_OPEN_MASK) != EXTFUSE_FILE_BACKING)
		return -EINVAL;
	if (!storing(*x))
		return 0;
	const Audience who = audience(*x, scope, caller);
	if (who.scope != EXTFUSE_SCOPE_NONE && x->words.node_current(node, token.word))
		stored = store_open(x->maps, x->words, node, token.word,
				    static_cast<uint16_t>(flags), who);
	return count(*x, stored, x->puts.open);
}

int extfuse_register_backing(struct extfuse *x, fuse_ino_t node, int fd, struct extfuse_token token,
			     uint32_t limit)
{
	extfuse_backing arg = {};

	if (!x || !node || fd < 0)
		return -EINVAL;
	if (!x->words.active())
		return -ENOTCONN;
	arg.size = sizeof(arg);
	arg.fd = fd;
	arg.nodeid = node;
	arg.behind = token.behind;
	arg.limit = limit;
	return x->kernel->backing(x->device.get(), arg);
}

int extfuse_unregister_backing(struct extfuse *x, fuse_ino_t node)
{
	extfuse_backing arg = {};

	if (!x || !node)
		return -EINVAL;
	if (!x->words.active())
		return -ENOTCONN;
	arg.size = sizeof(arg);
	arg.fd = -1;
	arg.nodeid = node;
	return x->kernel->backing(x->device.get(), arg);
}

int extfuse_reply_entry(struct extfuse *x, fuse_req_t req, fuse_ino_t parent, const char *name,
			const struct fuse_entry_param *e, struct extfuse_token entry,
			struct extfuse_token node, enum extfuse_scope entry_scope,
			enum extfuse_scope attr_scope)
{
	const Marked marked(x, entry_scope, attr_scope);

	if (!marked)
		extfuse_put_entry(x, fuse_req_ctx(req), parent, name, e, entry, node, entry_scope,
				  attr_scope);
	return fuse_reply_entry(req, e);
}

int extfuse_reply_negative(struct extfuse *x, fuse_req_t req, fuse_ino_t parent, const char *name,
			   struct extfuse_token entry, enum extfuse_scope scope)
{
	const fuse_entry_param none = {};

	if (!extfuse_active(x))
		return fuse_reply_err(req, ENOENT);
	const Marked marked(x, scope, EXTFUSE_SCOPE_NONE);
	if (!marked)
		extfuse_put_entry(x, fuse_req_ctx(req), parent, name, nullptr, entry, no_token,
				  scope, EXTFUSE_SCOPE_NONE);
	return fuse_reply_entry(req, &none);
}

int extfuse_reply_create(struct extfuse *x, fuse_req_t req, fuse_ino_t parent, const char *name,
			 const struct fuse_entry_param *e, const struct fuse_file_info *fi,
			 struct extfuse_token entry, struct extfuse_token node,
			 enum extfuse_scope entry_scope, enum extfuse_scope attr_scope)
{
	const Marked marked(x, entry_scope, attr_scope);

	if (!marked)
		extfuse_put_entry(x, fuse_req_ctx(req), parent, name, e, entry, node, entry_scope,
				  attr_scope);
	return fuse_reply_create(req, e, fi);
}

int extfuse_reply_attr(struct extfuse *x, fuse_req_t req, fuse_ino_t node, const struct stat *attr,
		       double attr_timeout, struct extfuse_token token, enum extfuse_scope scope)
{
	const Marked marked(x, scope, EXTFUSE_SCOPE_NONE);

	if (!marked)
		extfuse_put_attr(x, fuse_req_ctx(req), node, attr, token, scope);
	return fuse_reply_attr(req, attr, attr_timeout);
}

} // extern "C"
