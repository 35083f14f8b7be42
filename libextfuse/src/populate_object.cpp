// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Putting answers of some bytes or a status about one node, and directories.
#include <cstring>

#include <linux/fuse.h>

#include "object.hpp"
#include "populate.hpp"
#include "reply.hpp"

using namespace exf::impl;

namespace
{

constexpr size_t dirent_header = offsetof(fuse_dirent, name);

// What a put of this file begins with: 0 if there is nothing to do.
int begin(extfuse *x, fuse_ino_t node, bool arguments, extfuse_scope scope, const fuse_ctx *caller)
{
	if (!x || !node || !arguments || !valid_scope(scope, caller))
		return -EINVAL;
	return storing(*x) ? 1 : 0;
}

int put_object(extfuse &x, const fuse_ctx *caller, const ObjectValue &value, extfuse_scope scope)
{
	const Audience who = audience(x, scope, caller);
	Stored stored = Stored::no;

	if (who.scope != EXTFUSE_SCOPE_NONE &&
	    object_current(x.words, value.kind, value.flags, value.node, value.word))
		stored = store_object(x.maps, x.words, x.seed, value, who);
	return count(x, stored, x.puts.object);
}

// A value without a name or an argument.
int put_bytes(extfuse *x, const fuse_ctx *caller, fuse_ino_t node, extfuse_op kind,
	      const void *data, size_t size, extfuse_token token, extfuse_scope scope)
{
	const int todo = begin(x, node, data != nullptr, scope, caller);

	if (todo <= 0 || size > EXTFUSE_OBJECT_MAX)
		return todo < 0 ? todo : 0;
	return put_object(
		*x, caller,
		{kind, node, 0, token.word, 0, nullptr, data, static_cast<uint16_t>(size)}, scope);
}

bool valid_list(const char *list, size_t size)
{
	for (size_t at = 0; at < size;) {
		const size_t len = strnlen(list + at, size - at);
		if (!len || at + len == size)
			return false;
		at += len + 1;
	}
	return true;
}

// Bytes of the entry at the beginning, and its offset; 0 if there is none.
size_t entry_size(const char *entries, size_t size, uint64_t &offset)
{
	fuse_dirent head;

	if (size < dirent_header)
		return 0;
	memcpy(&head, entries, dirent_header);
	const size_t whole = (dirent_header + head.namelen + 7) / 8 * 8;
	if (!head.namelen || head.namelen > EXTFUSE_NAME_MAX || whole > size)
		return 0;
	offset = head.off;
	return whole;
}

bool valid_entries(const char *entries, size_t size)
{
	uint64_t offset;

	for (size_t at = 0, step; at < size; at += step) {
		step = entry_size(entries + at, size - at, offset);
		if (!step)
			return false;
	}
	return true;
}

// Two places of one offset: nobody knows where to go on.
bool ambiguous(const char *entries, size_t size, uint64_t start)
{
	uint64_t offset = start;

	for (size_t at = 0; at < size; start = offset) {
		at += entry_size(entries + at, size - at, offset);
		if (offset == start)
			return true;
	}
	return false;
}

int reply_bytes(fuse_req_t req, size_t room, const void *value, size_t size)
{
	if (!room)
		return fuse_reply_xattr(req, size);
	if (size > room)
		return fuse_reply_err(req, ERANGE);
	return fuse_reply_buf(req, static_cast<const char *>(value), size);
}

} // namespace

extern "C" {

struct extfuse_token extfuse_token_xattr(struct extfuse *x, fuse_ino_t node)
{
	if (!x || !x->words.active())
		return {0, 0};
	return {x->words.xattr_token(node), 0};
}

struct extfuse_token extfuse_token_fs(struct extfuse *x)
{
	if (!x || !x->words.active())
		return {0, 0};
	return {x->words.fs_token(), 0};
}

int extfuse_put_xattr(struct extfuse *x, const struct fuse_ctx *caller, fuse_ino_t node,
		      const char *name, const void *value, size_t size, struct extfuse_token token,
		      enum extfuse_scope scope, unsigned flags)
{
	const bool arguments =
		name && name[0] && (value || !size) && !(flags & ~EXTFUSE_XATTR_KEPT);
	const int todo = begin(x, node, arguments, scope, caller);
	NameKey key;

	if (todo <= 0 || size > EXTFUSE_OBJECT_MAX ||
	    !make_name_key(x->words.seed(), node, name, key) || key.is_long())
		return todo < 0 ? todo : 0;

	uint32_t kept = flags & EXTFUSE_XATTR_KEPT ? EXTFUSE_OUT_XATTR_WORD : 0;
	if (!value)
		kept |= EXTFUSE_OUT_ABSENT;
	return put_object(*x, caller,
			  {EXTFUSE_OP_GETXATTR, node, key.hash, token.word, kept, &key, value,
			   static_cast<uint16_t>(size)},
			  scope);
}

int extfuse_put_xattr_list(struct extfuse *x, const struct fuse_ctx *caller, fuse_ino_t node,
			   const char *list, size_t size, struct extfuse_token token,
			   enum extfuse_scope scope)
{
	if (!list && size)
		return -EINVAL;
	if (size && !valid_list(list, size))
		return -EINVAL;
	return put_bytes(x, caller, node, EXTFUSE_OP_LISTXATTR, size ? list : "", size, token,
			 scope);
}

int extfuse_put_readlink(struct extfuse *x, const struct fuse_ctx *caller, fuse_ino_t node,
			 const char *target, struct extfuse_token token, enum extfuse_scope scope)
{
	if (!target || !target[0])
		return -EINVAL;
	return put_bytes(x, caller, node, EXTFUSE_OP_READLINK, target, strlen(target), token,
			 scope);
}

int extfuse_put_statfs(struct extfuse *x, const struct fuse_ctx *caller, fuse_ino_t node,
		       const struct statvfs *st, struct extfuse_token token,
		       enum extfuse_scope scope)
{
	extfuse_statfs out = {};

	if (st) {
		// As libfuse converts it.
		out.blocks = st->f_blocks;
		out.bfree = st->f_bfree;
		out.bavail = st->f_bavail;
		out.files = st->f_files;
		out.ffree = st->f_ffree;
		out.bsize = static_cast<uint32_t>(st->f_bsize);
		out.namelen = static_cast<uint32_t>(st->f_namemax);
		out.frsize = static_cast<uint32_t>(st->f_frsize);
	}
	return put_bytes(x, caller, node, EXTFUSE_OP_STATFS, st ? &out : nullptr, sizeof(out),
			 token, scope);
}

int extfuse_put_access(struct extfuse *x, const struct fuse_ctx *caller, fuse_ino_t node, int mask,
		       int error, struct extfuse_token token, enum extfuse_scope scope)
{
	const bool arguments =
		mask >= 0 && (error == 0 || error == EACCES || error == EPERM || error == EROFS);
	const int todo = begin(x, node, arguments, scope, caller);
	const int64_t result = -error;

	if (todo <= 0)
		return todo;
	return put_object(*x, caller,
			  {EXTFUSE_OP_ACCESS, node, static_cast<uint64_t>(mask), token.word, 0,
			   nullptr, &result, sizeof(result)},
			  scope);
}

int extfuse_put_lseek(struct extfuse *x, const struct fuse_ctx *caller, fuse_ino_t node,
		      off_t offset, int whence, off_t result, struct extfuse_token token,
		      enum extfuse_scope scope)
{
	const bool arguments = offset >= 0 && (whence == SEEK_DATA || whence == SEEK_HOLE) &&
			       (result < 0 || result >= offset);
	const int todo = begin(x, node, arguments, scope, caller);
	const uint64_t arg =
		extfuse_lseek_arg(static_cast<uint64_t>(offset), static_cast<uint32_t>(whence));

	if (todo <= 0)
		return todo;
	return put_object(*x, caller,
			  {EXTFUSE_OP_LSEEK, node, arg, token.word,
			   result < 0 ? EXTFUSE_OUT_ABSENT : 0, nullptr, &result, sizeof(result)},
			  scope);
}

int extfuse_put_dir(struct extfuse *x, const struct fuse_ctx *caller, fuse_ino_t node, off_t offset,
		    const void *entries, size_t size, int last, struct extfuse_token token,
		    enum extfuse_scope scope)
{
	const auto *all = static_cast<const char *>(entries);
	const bool arguments = (entries || !size) && valid_entries(all, size);
	const int todo = begin(x, node, arguments, scope, caller);
	int stored = 0;

	if (todo <= 0 || (!size && !last) || ambiguous(all, size, static_cast<uint64_t>(offset)))
		return todo < 0 ? todo : 0;
	const Audience who = audience(*x, scope, caller);
	if (who.scope == EXTFUSE_SCOPE_NONE || !x->words.node_current(node, token.word)) {
		count(*x, Stored::no, x->puts.dir);
		return 0;
	}

	DirChunk chunk = {};
	chunk.node = node;
	chunk.word = token.word;
	chunk.next = static_cast<uint64_t>(offset);
	size_t at = 0;
	do {
		uint64_t next = 0;
		size_t len = 0;

		chunk.start = chunk.next;
		chunk.data = all + at;
		while (at + len < size) {
			const size_t one = entry_size(all + at + len, size - at - len, next);
			if (len + one > EXTFUSE_DIR_CHUNK)
				break;
			len += one;
			chunk.next = next;
		}
		at += len;
		chunk.len = static_cast<uint16_t>(len);
		chunk.last = last && at == size;
		stored += count(*x, store_dir(x->maps, x->words, x->seed, chunk, who), x->puts.dir);
	} while (at < size);
	return stored;
}

int extfuse_put_names(struct extfuse *x, const struct fuse_ctx *caller, fuse_ino_t node,
		      const char *const *names, size_t n, struct extfuse_token token,
		      enum extfuse_scope scope)
{
	const int todo = begin(x, node, names || !n, scope, caller);
	NameBits bits = {};
	NameKey key;

	if (todo <= 0 || n > EXTFUSE_NAMES_MAX)
		return todo < 0 ? todo : 0;
	for (size_t i = 0; i < n; i++) {
		if (!names[i] || !make_name_key(x->words.seed(), node, names[i], key))
			return -EINVAL;
		for (uint32_t probe = 0; probe < EXTFUSE_NAMES_PROBES; probe++) {
			const uint32_t bit = extfuse_names_bit(key.hash, probe);
			bits[bit / 64] |= 1ULL << bit % 64;
		}
	}
	const Audience who = audience(*x, scope, caller);
	Stored stored = Stored::no;
	if (who.scope != EXTFUSE_SCOPE_NONE && x->words.node_current(node, token.word))
		stored = store_names(x->maps, x->words, x->seed, node, token.word, bits, who);
	return count(*x, stored, x->puts.names);
}

int extfuse_reply_getxattr(struct extfuse *x, fuse_req_t req, fuse_ino_t node, const char *name,
			   size_t room, const void *value, size_t size, struct extfuse_token token,
			   enum extfuse_scope scope, unsigned flags)
{
	const Marked marked(x, scope, EXTFUSE_SCOPE_NONE, flags);

	if (!marked)
		extfuse_put_xattr(x, fuse_req_ctx(req), node, name, value, size, token, scope,
				  flags);
	return value ? reply_bytes(req, room, value, size) : fuse_reply_err(req, ENODATA);
}

int extfuse_reply_listxattr(struct extfuse *x, fuse_req_t req, fuse_ino_t node, size_t room,
			    const char *list, size_t size, struct extfuse_token token,
			    enum extfuse_scope scope)
{
	const Marked marked(x, scope, EXTFUSE_SCOPE_NONE);

	if (!marked)
		extfuse_put_xattr_list(x, fuse_req_ctx(req), node, list, size, token, scope);
	return reply_bytes(req, room, list, size);
}

int extfuse_reply_readlink(struct extfuse *x, fuse_req_t req, fuse_ino_t node, const char *target,
			   struct extfuse_token token, enum extfuse_scope scope)
{
	const Marked marked(x, scope, EXTFUSE_SCOPE_NONE);

	if (!marked)
		extfuse_put_readlink(x, fuse_req_ctx(req), node, target, token, scope);
	return fuse_reply_readlink(req, target);
}

int extfuse_reply_statfs(struct extfuse *x, fuse_req_t req, fuse_ino_t node,
			 const struct statvfs *st, struct extfuse_token token,
			 enum extfuse_scope scope)
{
	const Marked marked(x, scope, EXTFUSE_SCOPE_NONE);

	if (!marked)
		extfuse_put_statfs(x, fuse_req_ctx(req), node, st, token, scope);
	return fuse_reply_statfs(req, st);
}

int extfuse_reply_access(struct extfuse *x, fuse_req_t req, fuse_ino_t node, int mask, int error,
			 struct extfuse_token token, enum extfuse_scope scope)
{
	const Marked marked(x, scope, EXTFUSE_SCOPE_NONE);

	if (!marked)
		extfuse_put_access(x, fuse_req_ctx(req), node, mask, error, token, scope);
	return fuse_reply_err(req, error);
}

int extfuse_reply_lseek(struct extfuse *x, fuse_req_t req, fuse_ino_t node, off_t offset,
			int whence, off_t result, struct extfuse_token token,
			enum extfuse_scope scope)
{
	const Marked marked(x, scope, EXTFUSE_SCOPE_NONE);

	if (!marked)
		extfuse_put_lseek(x, fuse_req_ctx(req), node, offset, whence, result, token, scope);
	return result < 0 ? fuse_reply_err(req, ENXIO) : fuse_reply_lseek(req, result);
}

int extfuse_reply_readdir(struct extfuse *x, fuse_req_t req, fuse_ino_t node, off_t offset,
			  const void *entries, size_t size, int last, struct extfuse_token token,
			  enum extfuse_scope scope)
{
	extfuse_put_dir(x, fuse_req_ctx(req), node, offset, entries, size, last, token, scope);
	return fuse_reply_buf(req, static_cast<const char *>(entries), size);
}

} // extern "C"
