// SPDX-License-Identifier: GPL-2.0-only
/*
 * What handlers may call. Arguments of our types are trusted pointers: the
 * verifier accepts only what the driver itself passed in (KF_TRUSTED_ARGS), so
 * the surrounding private structure is ours.
 */
#include "fuse_i.h"

#include <linux/btf.h>
#include <linux/btf_ids.h>
#include <linux/cred.h>
#include <linux/highmem.h>
#include <linux/xattr.h>

/* Every call structure begins with the connection and the input, which begins
 * with the caller.
 */
static struct fuse_conn *ext_call_conn(const struct extfuse_caller *caller)
{
	return container_of(caller, struct ext_call, caller)->fc;
}

__bpf_kfunc_start_defs();

/**
 * extfuse_in_group - is the caller in a group?
 * @caller: &in->caller
 * @gid: group id as the connection's user namespace counts
 *
 * Tests fsgid and supplementary groups.
 *
 * Return: 1 yes, 0 no, -EOPNOTSUPP where the caller is not known (background).
 */
__bpf_kfunc int extfuse_in_group(const struct extfuse_caller *caller, u32 gid)
{
	struct fuse_conn *fc = ext_call_conn(caller);
	kgid_t kgid;

	if (!(caller->flags & EXTFUSE_CALLER_CURRENT))
		return -EOPNOTSUPP;
	kgid = make_kgid(fc->user_ns, gid);
	return gid_valid(kgid) && in_group_p(kgid);
}

/**
 * extfuse_caller_digest - who asks, in one number
 * @caller: &in->caller
 *
 * Equal for callers of equal fsuid, fsgid and supplementary groups; computed as
 * extfuse_digest_begin(), _group() and _end() of <extfuse/abi.h> say.
 *
 * Return: the digest, or 0 where the caller or one of its groups is not known to
 * the connection: nothing matches that.
 */
__bpf_kfunc u64 extfuse_caller_digest(const struct extfuse_caller *caller)
{
	struct fuse_conn *fc = ext_call_conn(caller);
	const struct group_info *groups;
	u64 digest;
	int i;

	if (!(caller->flags & EXTFUSE_CALLER_CURRENT))
		return 0;
	digest = extfuse_digest_begin(caller->uid, caller->gid);
	groups = current_cred()->group_info;
	for (i = 0; i < groups->ngroups; i++) {
		gid_t gid = from_kgid(fc->user_ns, groups->gid[i]);

		if (gid == (gid_t)-1)
			return 0;
		digest = extfuse_digest_group(digest, gid);
	}
	return extfuse_digest_end(digest);
}

/**
 * extfuse_name_copy - the name looked up or made
 * @in: the handler's argument, or its .entry or .lookup
 * @dst: where to
 * @dst__sz: at most so many bytes are written
 *
 * Not terminated by a zero byte.
 *
 * Return: length of the name in bytes, which may be more than was copied.
 */
__bpf_kfunc int extfuse_name_copy(const struct extfuse_lookup_in *in, void *dst, u32 dst__sz)
{
	const struct ext_name_call *call = container_of(in, struct ext_name_call, in);

	memcpy(dst, call->name, min(in->name_len, dst__sz));
	return in->name_len;
}

/**
 * extfuse_name_equal - is this the name looked up or made?
 * @in: the handler's argument, or its .entry or .lookup
 * @name: to compare with, at least in->name_len bytes
 * @name__sz: bytes at @name
 *
 * Return: 1 if the first in->name_len bytes of @name are the name, else 0.
 */
__bpf_kfunc int extfuse_name_equal(const struct extfuse_lookup_in *in, const void *name,
				   u32 name__sz)
{
	const struct ext_name_call *call = container_of(in, struct ext_name_call, in);

	return name__sz >= in->name_len && !memcmp(name, call->name, in->name_len);
}

/**
 * extfuse_read_fill - put a part of the file into the reply of a read
 * @out: the handler's result
 * @block: where from
 * @block__sz: bytes at @block
 * @pos: position of @block[0] in the file
 * @len: bytes of the file at @block
 *
 * Copies what the request wants of it. The reply is filled from its start without
 * gaps: calls come in the order of the file.
 *
 * Return: bytes copied, 0 where block and request do not meet, -ERANGE if @len is
 * more than there is at @block, -EINVAL for a gap.
 */
__bpf_kfunc int extfuse_read_fill(struct extfuse_read_out *out, const void *block, u32 block__sz,
				  u64 pos, u32 len)
{
	struct ext_read_call *call = container_of(out, struct ext_read_call, out);
	u64 wanted = call->in.offset + call->filled;
	u64 skip;

	if (len > block__sz)
		return -ERANGE;
	if (pos > wanted)
		return pos < call->in.offset + call->in.size ? -EINVAL : 0;
	skip = wanted - pos;
	if (skip >= len)
		return 0;
	len = min_t(u64, len - skip, call->in.size - call->filled);
	ext_read_copy(call->ap, call->filled, block + skip, len);
	call->filled += len;
	return len;
}

/**
 * extfuse_bytes_put - append to a value
 * @out: the handler's result
 * @data: where from
 * @data__sz: bytes at @data
 * @len: bytes to append
 *
 * For GETXATTR, LISTXATTR and READLINK. The whole value is put, also where there
 * is less room: the driver knows what to answer then.
 *
 * Return: @len, -ERANGE if that is more than there is at @data, -E2BIG if no value
 * can be that long, -EINVAL for READDIR.
 */
__bpf_kfunc int extfuse_bytes_put(struct extfuse_bytes_out *out, const void *data, u32 data__sz,
				  u32 len)
{
	struct ext_bytes *bytes = container_of(out, struct ext_bytes, out);

	if (bytes->dir)
		return -EINVAL;
	if (len > data__sz)
		return -ERANGE;
	if (len > XATTR_SIZE_MAX - bytes->filled)
		return -E2BIG;
	if (bytes->filled < bytes->room)
		memcpy(bytes->buf + bytes->filled, data, min(len, bytes->room - bytes->filled));
	bytes->filled += len;
	return len;
}

/**
 * extfuse_dirents_put - append entries of a directory
 * @out: the handler's result
 * @data: entries as READDIR replies them, 8-byte aligned struct fuse_dirent
 * @data__sz: bytes at @data
 * @start: offset behind which the first of them is, 0: at the directory's start
 * @len: bytes of entries
 *
 * For READDIR. Calls come in the order of the directory. What is at or before the
 * offset asked for is passed over, what is behind it is put as far as it fits.
 *
 * Return: bytes put; -ENOSPC if none, for want of room (no later call will put more);
 * -ERANGE if @len is more than there is at @data; -EINVAL if an entry is not
 * well-formed or this is not READDIR.
 */
__bpf_kfunc int extfuse_dirents_put(struct extfuse_bytes_out *out, const void *data, u32 data__sz,
				    u64 start, u32 len)
{
	struct ext_bytes *bytes = container_of(out, struct ext_bytes, out);

	if (!bytes->dir)
		return -EINVAL;
	if (len > data__sz)
		return -ERANGE;
	return ext_dirents_put(bytes, data, start, len);
}

/**
 * extfuse_node_token - the token of a node now
 * @caller: &in->caller
 * @nodeid: any node id
 *
 * To tell slots that can still be served from those that cannot.
 *
 * Return: the token, cacheable or not.
 */
__bpf_kfunc u64 extfuse_node_token(const struct extfuse_caller *caller, u64 nodeid)
{
	return ext_node_token(ext_call_conn(caller)->ext, nodeid);
}

/**
 * extfuse_entry_token - the token of (parent, name) now
 * @caller: &in->caller
 * @parent: node id of the directory
 * @tag: low 32 bits of the hash of the name in it
 *
 * Return: the token, cacheable or not.
 */
__bpf_kfunc u64 extfuse_entry_token(const struct extfuse_caller *caller, u64 parent, u32 tag)
{
	struct ext_conn *ec = ext_call_conn(caller)->ext;

	return ext_sum(ec, ext_name_index(tag)) + ext_behind(ec, parent);
}

/**
 * extfuse_reply_bytes - the value that a reply tells
 * @in: the argument of reply_bytes
 * @dst: where to
 * @dst__sz: at most so many bytes are written
 *
 * Return: the number of bytes copied.
 */
__bpf_kfunc u32 extfuse_reply_bytes(const struct extfuse_reply_bytes_in *in, void *dst,
				    u32 dst__sz)
{
	const struct ext_reply_bytes_call *call =
		container_of(in, struct ext_reply_bytes_call, in);
	u32 len = min(in->size, dst__sz);

	if (call->data)
		memcpy(dst, call->data, len);
	else
		ext_reply_copy(dst, call->ap, 0, len);
	return len;
}

/**
 * extfuse_reply_read - data that was read
 * @in: the argument of reply_read
 * @dst: where to
 * @dst__sz: at most so many bytes are written
 * @pos: position in the file to copy from
 *
 * Return: the number of bytes copied, 0 if @pos is not in the reply.
 */
__bpf_kfunc u32 extfuse_reply_read(const struct extfuse_reply_read_in *in, void *dst,
				   u32 dst__sz, u64 pos)
{
	const struct ext_reply_read_call *call =
		container_of(in, struct ext_reply_read_call, in);
	u64 skip = pos - in->offset;
	u32 len;

	if (pos < in->offset || skip >= in->size)
		return 0;
	len = min_t(u64, in->size - skip, dst__sz);
	ext_reply_copy(dst, call->ap, skip, len);
	return len;
}

/**
 * extfuse_reply_dirents - entries of a directory, as the daemon has listed them
 * @in: the argument of reply_dirents
 * @dst: where to
 * @dst__sz: at most so many bytes are written, of whole entries
 * @start: offset of the entry before the wanted ones, 0: from the start
 * @next: becomes the offset of the last entry copied; @start if there is none
 *
 * Return: the number of bytes copied, with EXTFUSE_DIRENTS_LAST if there are no
 * entries behind them.
 */
__bpf_kfunc u32 extfuse_reply_dirents(const struct extfuse_reply_dirents_in *in, void *dst,
				      u32 dst__sz, u64 start, u64 *next)
{
	struct ext_reply_dirents_call *call =
		container_of((struct extfuse_reply_dirents_in *)in,
			     struct ext_reply_dirents_call, in);
	bool end;
	u32 len;

	len = ext_listing_copy(call->listing, start, dst, dst__sz, &end);
	*next = len ? call->listing->next_offset : start;
	return end ? len | EXTFUSE_DIRENTS_LAST : len;
}

__bpf_kfunc_end_defs();

BTF_KFUNCS_START(ext_kfunc_ids)
BTF_ID_FLAGS(func, extfuse_in_group, KF_TRUSTED_ARGS)
BTF_ID_FLAGS(func, extfuse_caller_digest, KF_TRUSTED_ARGS)
BTF_ID_FLAGS(func, extfuse_name_copy, KF_TRUSTED_ARGS)
BTF_ID_FLAGS(func, extfuse_name_equal, KF_TRUSTED_ARGS)
BTF_ID_FLAGS(func, extfuse_read_fill, KF_TRUSTED_ARGS)
BTF_ID_FLAGS(func, extfuse_bytes_put, KF_TRUSTED_ARGS)
BTF_ID_FLAGS(func, extfuse_dirents_put, KF_TRUSTED_ARGS)
BTF_ID_FLAGS(func, extfuse_node_token, KF_TRUSTED_ARGS)
BTF_ID_FLAGS(func, extfuse_entry_token, KF_TRUSTED_ARGS)
BTF_ID_FLAGS(func, extfuse_reply_bytes, KF_TRUSTED_ARGS)
BTF_ID_FLAGS(func, extfuse_reply_read, KF_TRUSTED_ARGS)
BTF_ID_FLAGS(func, extfuse_reply_dirents, KF_TRUSTED_ARGS)
BTF_KFUNCS_END(ext_kfunc_ids)

static const struct btf_kfunc_id_set ext_kfunc_set = {
	.owner = THIS_MODULE,
	.set = &ext_kfunc_ids,
};

int ext_kfunc_register(void)
{
	return register_btf_kfunc_id_set(BPF_PROG_TYPE_STRUCT_OPS, &ext_kfunc_set);
}
