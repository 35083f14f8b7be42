/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The library's caches, for a handler of one's own: its maps, and what answers from
 * them. libextfuse fills them (extfuse_put_*, extfuse_reply_*, reply hooks) in any
 * handler that it loads and that has them, see extfuse_config.handler_file.
 *
 *     #include <extfuse/cache.bpf.h>
 *
 *     SEC("struct_ops/lookup")
 *     int BPF_PROG(lookup, const struct extfuse_lookup_in *in,
 *                  struct extfuse_lookup_out *out)
 *     {
 *             if (not_for(&in->caller))
 *                     return -EACCES;
 *             return extfuse_cache_lookup(in, out);
 *     }
 *
 *     EXTFUSE_OPS(mine, EXTFUSE_CACHE_OPS, .lookup = (void *)lookup);
 *
 * extfuse_cache_OP(in, out) is what the library's handler does for the operation:
 * EXTFUSE_HIT with *out filled, or EXTFUSE_UPCALL, counted either way. It may be
 * called under a condition, and *out changed afterwards; what may be remembered is
 * then asked no more: a program that has to see each call clears
 * EXTFUSE_OUT_REMEMBER in out->flags. The functions are in line: one call of each in
 * an object keeps the verifier's work what it is for the library's own handler.
 *
 * EXTFUSE_CACHE_OPS fills a table with the library's programs; members named behind
 * it replace them. Only programs that a table names are loaded.
 *
 * Names that begin with ext_, extfuse_, cache_ and reply_, in any case, are taken.
 */
#ifndef EXTFUSE_CACHE_BPF_H
#define EXTFUSE_CACHE_BPF_H

#if defined(__BPF_CPU_VERSION__) && __BPF_CPU_VERSION__ < 3
#error "extfuse/cache.bpf.h has 32-bit atomic operations: compile with -mcpu=v3"
#endif

#include <extfuse/maps.bpf.h>

#include <extfuse/cache/getattr.bpf.h>
#include <extfuse/cache/lookup.bpf.h>
#include <extfuse/cache/object.bpf.h>
#include <extfuse/cache/open.bpf.h>
#include <extfuse/cache/read.bpf.h>
#include <extfuse/cache/readdir.bpf.h>
#include <extfuse/cache/reply.bpf.h>
#include <extfuse/cache/reply_object.bpf.h>
#include <extfuse/cache/reply_open.bpf.h>

static __always_inline int extfuse_cache_listxattr(const struct extfuse_bytes_in *in,
						   struct extfuse_bytes_out *out)
{
	return extfuse_cache_bytes(in, out, EXTFUSE_OP_LISTXATTR);
}

static __always_inline int extfuse_cache_readlink(const struct extfuse_bytes_in *in,
						  struct extfuse_bytes_out *out)
{
	return extfuse_cache_bytes(in, out, EXTFUSE_OP_READLINK);
}

static __always_inline int extfuse_cache_opendir(const struct extfuse_open_in *in,
						 struct extfuse_open_out *out)
{
	return extfuse_cache_open(in, out);
}

static __always_inline int extfuse_cache_flush(const struct extfuse_close_in *in,
					       struct extfuse_close_out *out)
{
	return extfuse_cache_close(in, out, EXTFUSE_FILE_NO_FLUSH);
}

static __always_inline int extfuse_cache_release(const struct extfuse_close_in *in,
						 struct extfuse_close_out *out)
{
	return extfuse_cache_close(in, out, EXTFUSE_FILE_NO_RELEASE);
}

static __always_inline int extfuse_cache_releasedir(const struct extfuse_close_in *in,
						    struct extfuse_close_out *out)
{
	return extfuse_cache_close(in, out, EXTFUSE_FILE_NO_RELEASE);
}

/* ------------------------------------------------------------------------ */
/* The same as programs                                                     */

#define EXT_CACHE_PROGRAM(op, in_type, out_type)                                                   \
	SEC("?struct_ops/" #op)                                                                    \
	int BPF_PROG(cache_##op, const struct in_type *in, struct out_type *out)                   \
	{                                                                                          \
		return extfuse_cache_##op(in, out);                                                \
	}
#define EXT_CACHE_REPLY_PROGRAM(member, in_type)                                                   \
	SEC("?struct_ops/" #member)                                                                \
	int BPF_PROG(cache_##member, const struct in_type *in)                                     \
	{                                                                                          \
		return extfuse_cache_##member(in);                                                 \
	}

EXT_CACHE_PROGRAM(lookup, extfuse_lookup_in, extfuse_lookup_out)
EXT_CACHE_PROGRAM(getattr, extfuse_getattr_in, extfuse_getattr_out)
EXT_CACHE_PROGRAM(read, extfuse_read_in, extfuse_read_out)
EXT_CACHE_PROGRAM(getxattr, extfuse_getxattr_in, extfuse_bytes_out)
EXT_CACHE_PROGRAM(listxattr, extfuse_bytes_in, extfuse_bytes_out)
EXT_CACHE_PROGRAM(readlink, extfuse_bytes_in, extfuse_bytes_out)
EXT_CACHE_PROGRAM(statfs, extfuse_statfs_in, extfuse_statfs_out)
EXT_CACHE_PROGRAM(access, extfuse_access_in, extfuse_access_out)
EXT_CACHE_PROGRAM(lseek, extfuse_lseek_in, extfuse_lseek_out)
EXT_CACHE_PROGRAM(readdir, extfuse_bytes_in, extfuse_bytes_out)
EXT_CACHE_PROGRAM(open, extfuse_open_in, extfuse_open_out)
EXT_CACHE_PROGRAM(opendir, extfuse_open_in, extfuse_open_out)
EXT_CACHE_PROGRAM(flush, extfuse_close_in, extfuse_close_out)
EXT_CACHE_PROGRAM(release, extfuse_close_in, extfuse_close_out)
EXT_CACHE_PROGRAM(releasedir, extfuse_close_in, extfuse_close_out)
/* Loaded only for daemons that mark their replies, see reply_hooks of libextfuse. */
EXT_CACHE_REPLY_PROGRAM(reply_entry, extfuse_reply_entry_in)
EXT_CACHE_REPLY_PROGRAM(reply_attr, extfuse_reply_attr_in)
EXT_CACHE_REPLY_PROGRAM(reply_bytes, extfuse_reply_bytes_in)
EXT_CACHE_REPLY_PROGRAM(reply_read, extfuse_reply_read_in)
/* Loaded only where opens are marked, or a policy keeps them. */
EXT_CACHE_REPLY_PROGRAM(reply_open, extfuse_reply_open_in)
/* Loaded only where the policy keeps what is not marked. */
EXT_CACHE_REPLY_PROGRAM(reply_dirents, extfuse_reply_dirents_in)

#define EXTFUSE_CACHE_OPS                                                                          \
	.lookup = (void *)cache_lookup, .getattr = (void *)cache_getattr,                          \
	.read = (void *)cache_read, .getxattr = (void *)cache_getxattr,                            \
	.listxattr = (void *)cache_listxattr, .readlink = (void *)cache_readlink,                  \
	.statfs = (void *)cache_statfs, .access = (void *)cache_access,                            \
	.lseek = (void *)cache_lseek, .readdir = (void *)cache_readdir,                            \
	.open = (void *)cache_open, .opendir = (void *)cache_opendir,                              \
	.flush = (void *)cache_flush, .release = (void *)cache_release,                            \
	.releasedir = (void *)cache_releasedir, .reply_entry = (void *)cache_reply_entry,          \
	.reply_attr = (void *)cache_reply_attr, .reply_bytes = (void *)cache_reply_bytes,          \
	.reply_read = (void *)cache_reply_read, .reply_open = (void *)cache_reply_open,            \
	.reply_dirents = (void *)cache_reply_dirents

#endif /* EXTFUSE_CACHE_BPF_H */
