/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For authors of extfuse handlers: what a BPF program that answers FUSE
 * requests in the kernel needs. examples/minimal.bpf.c is a whole handler.
 *
 *     #include <extfuse/handler.bpf.h>
 *
 *     SEC("struct_ops/getattr")
 *     int BPF_PROG(getattr, const struct extfuse_getattr_in *in,
 *                  struct extfuse_getattr_out *out)
 *     {
 *             return EXTFUSE_UPCALL;
 *     }
 *
 *     EXTFUSE_OPS(mine, .getattr = (void *)getattr);
 *     char LICENSE[] SEC("license") = "GPL";
 *
 * The rules, all kept by the driver, whatever a program does:
 *   - *in is read-only; *out is zeroed, and the only memory of the kernel that a
 *     program may write;
 *   - an answer is believed if EXTFUSE_HIT is returned, EXTFUSE_OUT_ANSWERED and
 *     a scope are set in out->flags (extfuse_out_flags() makes them), and
 *     out->word is still the current token. A program that computes its answer
 *     from *in alone copies in->word; one that reads it from a map reports the
 *     word that was stored with it;
 *   - EXTFUSE_UPCALL sends the request to the daemon. So does everything that is
 *     not valid;
 *   - programs may not sleep.
 *
 * The structures, with the meaning of every field, are in <extfuse/abi.h>.
 * vmlinux.h is not needed.
 */
#ifndef EXTFUSE_HANDLER_BPF_H
#define EXTFUSE_HANDLER_BPF_H

#ifndef __bpf__
#error "extfuse/handler.bpf.h is for BPF programs: compile with clang -target bpf -g -O2"
#endif

#include <stdbool.h>

#include <linux/bpf.h>
#include <linux/errno.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include <extfuse/abi.h>

/*
 * Define the table of operations; those left out go to the daemon. A program in
 * a struct_ops section that no table names fails the load of the whole object:
 * write SEC("?struct_ops/...") where it is optional.
 */
#define EXTFUSE_OPS(table_name, ...)                                                               \
	_Pragma("clang diagnostic push") /* the later of two wins, see EXTFUSE_CACHE_OPS */        \
		_Pragma("clang diagnostic ignored \"-Winitializer-overrides\"")                    \
			SEC(".struct_ops.link")                                                    \
	struct extfuse_handler_ops table_name = {                                                  \
		__VA_ARGS__,                                                                       \
		.abi_version = EXTFUSE_ABI_VERSION,                                                \
		.name = #table_name,                                                               \
	};                                                                                         \
	_Pragma("clang diagnostic pop") struct extfuse_handler_ops

/* ------------------------------------------------------------------------ */
/* Functions of the driver (kfuncs)                                         */

/*
 * Is the caller in this group (fsgid or supplementary)? 1 or 0; -EOPNOTSUPP
 * where the call does not run in the caller's task (EXTFUSE_CALLER_CURRENT).
 * caller: &in->caller.
 */
extern int extfuse_in_group(const struct extfuse_caller *caller, __u32 gid) __ksym __weak;

/* The caller's digest as in slots of EXTFUSE_SCOPE_CALLER; 0: not to be had here. */
extern __u64 extfuse_caller_digest(const struct extfuse_caller *caller) __ksym __weak;

/* Copy the first min(in->name_len, dst__sz) bytes of the name. Returns in->name_len. */
extern int extfuse_name_copy(const struct extfuse_lookup_in *in, void *dst,
			     __u32 dst__sz) __ksym __weak;

/*
 * 1 if the in->name_len bytes of the name equal the first bytes of name. 0 if
 * not, or if name__sz is smaller than in->name_len.
 */
extern int extfuse_name_equal(const struct extfuse_lookup_in *in, const void *name,
			      __u32 name__sz) __ksym __weak;

/*
 * block[0, len) is the file from position pos on: copy what of it the request
 * wants to its place in the reply. Returns the bytes copied, 0 where the two do
 * not meet, a negative errno for a gap or if len > block__sz: calls come in the
 * order of the file. The program sets out->size.
 */
extern int extfuse_read_fill(struct extfuse_read_out *out, const void *block, __u32 block__sz,
			     __u64 pos, __u32 len) __ksym __weak;

/*
 * Append len bytes to the value of GETXATTR, LISTXATTR or READLINK. Put all of it,
 * whatever in->size says: the driver answers sizes and ERANGE. Returns len or a
 * negative errno. The program sets out->size.
 */
extern int extfuse_bytes_put(struct extfuse_bytes_out *out, const void *data, __u32 data__sz,
			     __u32 len) __ksym __weak;

/*
 * Append entries to the reply of READDIR: data[0, len) is as READDIR replies them
 * (struct fuse_dirent), start the offset that leads to the first of them. Calls come
 * in the order of the directory; the driver skips what is before in->offset. Returns
 * the bytes put, which may be part of them; -ENOSPC if none for want of room; another
 * negative errno if that is no list of entries. The program sets out->size.
 */
extern int extfuse_dirents_put(struct extfuse_bytes_out *out, const void *data, __u32 data__sz,
			       __u64 start, __u32 len) __ksym __weak;

/*
 * The token of a node, and of (parent, name), now; tag: the low 32 bits of the name's
 * hash. For programs that keep replies: a slot of another token is free. caller:
 * &in->caller.
 */
extern __u64 extfuse_node_token(const struct extfuse_caller *caller, __u64 nodeid) __ksym __weak;
extern __u64 extfuse_entry_token(const struct extfuse_caller *caller, __u64 parent,
				 __u32 tag) __ksym __weak;

/* Copy the first min(in->size, dst__sz) bytes of a reply's value; returns how many. */
extern __u32 extfuse_reply_bytes(const struct extfuse_reply_bytes_in *in, void *dst,
				 __u32 dst__sz) __ksym __weak;

/* Copy data that was read, from position pos of the file on; returns the bytes copied. */
extern __u32 extfuse_reply_read(const struct extfuse_reply_read_in *in, void *dst, __u32 dst__sz,
				__u64 pos) __ksym __weak;

/*
 * Copy whole entries of a directory that was listed, those behind the offset start (0:
 * from the first on), as many as fit; *next becomes the offset of the last one. Returns
 * the bytes copied, with EXTFUSE_DIRENTS_LAST if no entries are behind them.
 */
extern __u32 extfuse_reply_dirents(const struct extfuse_reply_dirents_in *in, void *dst,
				   __u32 dst__sz, __u64 start, __u64 *next) __ksym __weak;

/* ------------------------------------------------------------------------ */

/* out->flags of an answer that callers in scope may get; extra: EXTFUSE_OUT_REMEMBER. */
static __always_inline __u32 extfuse_out_flags(__u32 scope, __u32 extra)
{
	return EXTFUSE_OUT_ANSWERED | (scope << EXTFUSE_OUT_SCOPE_SHIFT) | extra;
}

#endif /* EXTFUSE_HANDLER_BPF_H */
