/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note OR LGPL-2.1-or-later */
/*
 * extfuse ABI: all that the driver (extfuse.ko), BPF handlers and user space
 * share. This is the only place where these layouts and constants are written;
 * each side includes this file. tests/unit/abi_layout_test.cpp pins sizes and
 * offsets for every compiler that reads it.
 *
 * Change log
 *   1  first version: lookup, getattr, read; getxattr, listxattr, readlink, statfs,
 *      access, lseek, readdir (abi_object.h);
 *      open, opendir, flush, release, releasedir; registered backing files;
 *      write, setattr, create as observers (abi_change.h);
 *      replies (abi_reply.h); entries of listings (dirent)
 *
 * Rules
 *   - fixed-width types, explicit padding, no unions, no pointers in what a
 *     handler sees;
 *   - a struct grows at its end only, and EXTFUSE_ABI_VERSION grows with it;
 *   - byte order and memory order are the host's; amd64 only in version 1 (the
 *     slot protocol below relies on loads being observed in program order).
 */
#ifndef EXTFUSE_ABI_H
#define EXTFUSE_ABI_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define EXTFUSE_ABI_VERSION 1

/* The file system type, and the misc device whose descriptor is a connection. */
#define EXTFUSE_FS_TYPE "extfuse"
#define EXTFUSE_DEVICE "/dev/extfuse"

/*
 * Handler programs read the structures below through the module's BTF: field
 * offsets are relocated when the program is loaded (CO-RE).
 */
#ifdef __bpf__
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
#endif

/* ------------------------------------------------------------------------ */
/* Operations                                                               */

/* Index of an operation: of its member in struct extfuse_handler_ops, of its
 * counters everywhere. Values are ABI.
 */
enum extfuse_op {
	EXTFUSE_OP_LOOKUP = 0,
	EXTFUSE_OP_GETATTR = 1,
	EXTFUSE_OP_READ = 2,
	EXTFUSE_OP_GETXATTR = 3,
	EXTFUSE_OP_LISTXATTR = 4,
	EXTFUSE_OP_READLINK = 5,
	EXTFUSE_OP_STATFS = 6,
	EXTFUSE_OP_ACCESS = 7,
	EXTFUSE_OP_LSEEK = 8,
	EXTFUSE_OP_READDIR = 9, /* and READDIRPLUS */
	EXTFUSE_OP_OPEN = 10,
	EXTFUSE_OP_OPENDIR = 11,
	EXTFUSE_OP_FLUSH = 12,
	EXTFUSE_OP_RELEASE = 13,
	EXTFUSE_OP_RELEASEDIR = 14,
	EXTFUSE_OP_WRITE = 15, /* from here on: observers, see abi_change.h */
	EXTFUSE_OP_SETATTR = 16,
	EXTFUSE_OP_CREATE = 17,
	EXTFUSE_OP_COUNT
};

/*
 * No field, and no byte. The verifier takes any memory of a program for a kfunc's
 * argument if the type is made of scalars alone, and the driver finds its private
 * structure around the argument: types that kfuncs take must not be so made.
 */
#ifdef __KERNEL__
#define EXTFUSE_TRUSTED_ONLY char trusted_only[0];
#else
#define EXTFUSE_TRUSTED_ONLY
#endif

/* What a handler returns. Anything else is a negative errno, see each op. */
#define EXTFUSE_UPCALL 0 /* not known here: the request goes to the daemon */
#define EXTFUSE_HIT 1    /* *out holds the answer and EXTFUSE_OUT_ANSWERED is set */

/* ------------------------------------------------------------------------ */
/* Handler context. Filled by the driver, read-only for the program.        */

/*
 * The caller as the daemon would see it in the header of the request.
 * Ids that the connection's user namespace cannot map never reach a handler:
 * such a request goes up.
 */
struct extfuse_caller {
	EXTFUSE_TRUSTED_ONLY
	__u32 uid; /* fsuid in the connection's user namespace */
	__u32 gid; /* fsgid in the connection's user namespace */
	__u32 pid; /* in the connection's pid namespace, 0 if not visible there */
	__u32 flags; /* EXTFUSE_CALLER_* */
};

/* The call runs in the task that asked: group tests are possible. */
#define EXTFUSE_CALLER_CURRENT (1U << 0)

/* The mixing step of every hash and digest below. A bijection. */
static inline __attribute__((always_inline)) __u64 extfuse_mix(__u64 x)
{
	/* First round of MurmurHash3's 64-bit finalizer (Austin Appleby, public domain). */
	x ^= x >> 33;
	x *= 0xff51afd7ed558ccdULL;
	x ^= x >> 33;
	return x;
}

/*
 * Digest of a caller's fsuid, fsgid and supplementary groups, in any order, for
 * EXTFUSE_SCOPE_CALLER. Driver and user space compute the same one. Never 0.
 */
static inline __attribute__((always_inline)) __u64 extfuse_digest_begin(__u32 uid, __u32 gid)
{
	return extfuse_mix((__u64)uid * 2 + 1) + extfuse_mix(((__u64)gid << 32) | 3);
}

static inline __attribute__((always_inline)) __u64 extfuse_digest_group(__u64 digest, __u32 gid)
{
	return digest + extfuse_mix(((__u64)gid << 8) | 5);
}

static inline __attribute__((always_inline)) __u64 extfuse_digest_end(__u64 digest)
{
	return digest ? digest : 1;
}

#define EXTFUSE_NAME_WORDS 4
#define EXTFUSE_NAME_INLINE (EXTFUSE_NAME_WORDS * 8) /* bytes in .name */
#define EXTFUSE_NAME_MAX 255 /* longer names always go up */

struct extfuse_lookup_in {
	EXTFUSE_TRUSTED_ONLY
	struct extfuse_caller caller;
	__u64 parent; /* node id of the directory */
	__u64 hash; /* extfuse_name_hash(seed, parent, name, name_len) */
	__u64 word; /* token of (parent, name) now, see "Words" below */
	__u64 nodeid; /* node the kernel holds under this name, 0: none */
	__u32 op; /* EXTFUSE_OP_LOOKUP */
	__u32 flags; /* EXTFUSE_LOOKUP_* */
	__u32 name_len; /* bytes, 1 .. EXTFUSE_NAME_MAX */
	__u32 reserved; /* 0 */
	__u64 name[EXTFUSE_NAME_WORDS]; /* first bytes, padded with zeros */
};

/* The call is made in RCU walk; nothing differs for a program. */
#define EXTFUSE_LOOKUP_RCU (1U << 0)
/* The kernel has a dentry for the name and asks whether it still holds. */
#define EXTFUSE_LOOKUP_REVALIDATE (1U << 1)

struct extfuse_getattr_in {
	struct extfuse_caller caller;
	__u64 nodeid;
	__u64 word; /* token of the node now */
	__u64 hash; /* extfuse_node_hash(seed, nodeid) */
	__u64 held; /* token of the attributes the kernel has in its inode; 0: none */
	__u32 op; /* EXTFUSE_OP_GETATTR */
	__u32 flags; /* 0 */
};

struct extfuse_read_in {
	struct extfuse_caller caller;
	__u64 nodeid;
	__u64 word; /* token of the node now */
	__u64 offset; /* bytes */
	__u32 size; /* bytes wanted */
	__u32 op; /* EXTFUSE_OP_READ */
	__u32 flags; /* EXTFUSE_READ_* */
	__u32 reserved; /* 0 */
};

/* Read-ahead or asynchronous I/O: nobody waits in this call. */
#define EXTFUSE_READ_BACKGROUND (1U << 0)

/*
 * OPEN and OPENDIR. Asked for files that are opened for reading, and for writing if
 * EXTFUSE_OPEN_REGISTERED is set; never with O_TRUNC.
 */
struct extfuse_open_in {
	struct extfuse_caller caller;
	__u64 nodeid;
	__u64 word; /* token of the node now */
	__u64 hash; /* extfuse_node_hash(seed, nodeid) */
	__u32 file_flags; /* O_*, as open(2) has them */
	__u32 op; /* EXTFUSE_OP_OPEN or EXTFUSE_OP_OPENDIR */
	__u32 flags; /* EXTFUSE_OPEN_* */
	__u32 reserved; /* 0 */
};

/* The node has a registered backing file, see EXTFUSE_IOC_BACKING_SET. */
#define EXTFUSE_OPEN_REGISTERED (1U << 0)

/*
 * FLUSH, RELEASE and RELEASEDIR, of files that the daemon has opened; those that
 * it has not are closed without anybody being asked.
 */
struct extfuse_close_in {
	struct extfuse_caller caller; /* RELEASE, RELEASEDIR: zeros, anybody may be last */
	__u64 nodeid;
	__u64 word; /* token of the node now */
	__u64 hash; /* extfuse_node_hash(seed, nodeid) */
	__u32 file_flags; /* O_* */
	__u32 op; /* EXTFUSE_OP_FLUSH, _RELEASE or _RELEASEDIR */
};

/* ------------------------------------------------------------------------ */
/* Handler results. Zeroed by the driver, the only memory a program may     */
/* write besides its maps and stack.                                        */

/* Bits of .flags in every result. Unknown bits make the answer an upcall. */
#define EXTFUSE_OUT_ANSWERED (1U << 0) /* without it a HIT is an upcall */
/* The driver may remember the answer in its dentry or inode, and answer from
 * there, without a call, for as long as the token holds. Ignored unless the
 * scope is EXTFUSE_SCOPE_ALL or a granted EXTFUSE_SCOPE_KERNEL.
 */
#define EXTFUSE_OUT_REMEMBER (1U << 1)
/* GETATTR only: .attr is not filled, the kernel's own attributes are the answer.
 * .word must be in->held.
 */
#define EXTFUSE_OUT_HELD (1U << 2)
/* Who may be served this answer: one of enum extfuse_scope, in these bits. */
#define EXTFUSE_OUT_SCOPE_SHIFT 8
#define EXTFUSE_OUT_SCOPE_MASK (0xffU << EXTFUSE_OUT_SCOPE_SHIFT)

/*
 * Who may be served from a cached reply. The handler enforces UID and CALLER
 * (it alone sees the slot); the driver enforces KERNEL, and refuses NONE.
 */
enum extfuse_scope {
	EXTFUSE_SCOPE_NONE = 0, /* not stated: goes up */
	EXTFUSE_SCOPE_KERNEL = 1, /* the kernel checks: needs default_permissions */
	EXTFUSE_SCOPE_ALL = 2, /* the reply does not depend on the caller */
	EXTFUSE_SCOPE_UID = 3, /* callers with the same fsuid */
	EXTFUSE_SCOPE_CALLER = 4, /* same fsuid, fsgid and supplementary groups */
};

/*
 * Accepted only if .word is the token of (parent, name) now and, with a node,
 * .behind is the behind word of .nodeid now, and that inode (id and
 * generation) is in the inode cache, or entries are stable (abi_stable.h). Takes
 * no lookup count.
 * Errors a handler may give: -EACCES -EPERM -EIO -ENOENT. They are its own decision
 * about this caller, carry no word and are never remembered; what the kernel knows of
 * the name stays. "No such name", for everybody, is an answer with nodeid 0.
 */
struct extfuse_lookup_out {
	__u64 word; /* token under which the answer was read */
	__u64 nodeid; /* 0: the name does not exist */
	__u64 behind; /* behind word of nodeid under which the answer was read */
	__u32 generation; /* low 32 bits of the reply's generation */
	__u32 flags; /* EXTFUSE_OUT_* */
};

/* Same order, sizes and units as struct fuse_attr in <linux/fuse.h>. */
struct extfuse_attr {
	__u64 ino;
	__u64 size; /* bytes */
	__u64 blocks; /* of 512 bytes */
	__u64 atime; /* seconds */
	__u64 mtime;
	__u64 ctime;
	__u32 atimensec;
	__u32 mtimensec;
	__u32 ctimensec;
	__u32 mode;
	__u32 nlink;
	__u32 uid;
	__u32 gid;
	__u32 rdev;
	__u32 blksize;
	__u32 flags; /* FUSE_ATTR_*; must be 0 in version 1 */
};

/*
 * Accepted only if .word is the token of the node now and the attributes pass
 * the checks of a daemon's reply. Errors: -EACCES -EPERM -EIO.
 */
struct extfuse_getattr_out {
	__u64 word; /* token under which the answer was read */
	__u32 flags; /* EXTFUSE_OUT_* */
	__u32 reserved; /* 0 */
	struct extfuse_attr attr;
};

/*
 * Data is put with extfuse_read_fill(out, block, block__sz, pos, len): block[0,
 * len) is the file from position pos on; what of it the request wants is copied
 * to its place in the reply. Returns the bytes copied, 0 where they do not meet,
 * or -EINVAL. (A BPF call has at most five arguments: offset and size of the
 * request are the driver's to know.) Accepted only if .word is the token of
 * the node after the last byte was copied. A size below the wanted one means
 * end of file. Errors: -EACCES -EPERM -EIO.
 */
struct extfuse_read_out {
	EXTFUSE_TRUSTED_ONLY
	__u64 word; /* token under which the data was read */
	__u32 size; /* bytes answered, at most in->size */
	__u32 flags; /* EXTFUSE_OUT_* */
};

/*
 * Accepted only if .word is the token of the node now. The file is open then, and
 * the daemon has not been told: the driver sends it OPEN or OPENDIR, in the name
 * of who opened, before the first request that needs the daemon's handle, and
 * only then tells it of the close as well. If that fails, the request fails.
 * Errors: -EACCES -EPERM -EIO.
 */
struct extfuse_open_out {
	__u64 word; /* token under which the answer was read */
	__u32 flags; /* EXTFUSE_OUT_* */
	__u32 open_flags; /* EXTFUSE_FILE_* below; others make the answer an upcall */
};

#define EXTFUSE_FILE_KEEP_CACHE (1U << 0) /* as FOPEN_KEEP_CACHE */
#define EXTFUSE_FILE_DIRECT_IO (1U << 1) /* as FOPEN_DIRECT_IO; not for directories */
#define EXTFUSE_FILE_CACHE_DIR (1U << 2) /* as FOPEN_CACHE_DIR; directories only */
/* The file's data is that of the node's registered backing file: read and written
 * there. If there is none (any more) the open goes up. Excludes those above.
 */
#define EXTFUSE_FILE_BACKING (1U << 3)
/* The daemon takes it for granted that it sees every open. It is told of this one
 * before the file's name is removed or given to another; and a directory is given
 * from the handler's entries only if they are all there when its reading begins.
 * Of handlers with reply_open or EXTFUSE_HANDLER_ALL_REPLIES only.
 */
#define EXTFUSE_FILE_PLAIN (1U << 4)

/*
 * Accepted only if .word is the token of the node now; nothing is sent then. A
 * FLUSH is not asked about if a process has POSIX locks at the daemon, nor a
 * RELEASE with flock(2). A daemon whose handle is released so is not told: right
 * where a handle is no more than a number. Errors: -EACCES -EPERM -EIO; of a
 * release nobody sees them.
 */
struct extfuse_close_out {
	__u64 word; /* token under which the answer was read */
	__u32 flags; /* EXTFUSE_OUT_* */
	__u32 reserved; /* 0 */
};

#include <extfuse/abi_change.h>
#include <extfuse/abi_object.h>
#include <extfuse/abi_reply.h>

/* ------------------------------------------------------------------------ */
/* The struct_ops type                                                      */

#define EXTFUSE_HANDLER_NAME_LEN 16

#if defined(__KERNEL__) || defined(__bpf__)
/*
 * A member that is absent (NULL) costs one branch: the operation goes up. No
 * program may sleep. Called under RCU, from any context of the operation.
 */
struct extfuse_handler_ops {
	int (*lookup)(const struct extfuse_lookup_in *in, struct extfuse_lookup_out *out);
	int (*getattr)(const struct extfuse_getattr_in *in, struct extfuse_getattr_out *out);
	int (*read)(const struct extfuse_read_in *in, struct extfuse_read_out *out);
	int (*getxattr)(const struct extfuse_getxattr_in *in, struct extfuse_bytes_out *out);
	int (*listxattr)(const struct extfuse_bytes_in *in, struct extfuse_bytes_out *out);
	int (*readlink)(const struct extfuse_bytes_in *in, struct extfuse_bytes_out *out);
	int (*statfs)(const struct extfuse_statfs_in *in, struct extfuse_statfs_out *out);
	int (*access)(const struct extfuse_access_in *in, struct extfuse_access_out *out);
	int (*lseek)(const struct extfuse_lseek_in *in, struct extfuse_lseek_out *out);
	int (*readdir)(const struct extfuse_bytes_in *in, struct extfuse_bytes_out *out);
	int (*open)(const struct extfuse_open_in *in, struct extfuse_open_out *out);
	int (*opendir)(const struct extfuse_open_in *in, struct extfuse_open_out *out);
	int (*flush)(const struct extfuse_close_in *in, struct extfuse_close_out *out);
	int (*release)(const struct extfuse_close_in *in, struct extfuse_close_out *out);
	int (*releasedir)(const struct extfuse_close_in *in, struct extfuse_close_out *out);
	int (*write)(const struct extfuse_write_in *in, struct extfuse_change_out *out);
	int (*setattr)(const struct extfuse_setattr_in *in, struct extfuse_change_out *out);
	int (*create)(const struct extfuse_create_in *in, struct extfuse_change_out *out);
	/* Shown a reply, see abi_reply.h. What they return does not matter: 0. */
	int (*reply_entry)(const struct extfuse_reply_entry_in *in);
	int (*reply_attr)(const struct extfuse_reply_attr_in *in);
	int (*reply_bytes)(const struct extfuse_reply_bytes_in *in);
	int (*reply_read)(const struct extfuse_reply_read_in *in);
	int (*reply_open)(const struct extfuse_reply_open_in *in);
	/* 0. The verifier of 6.12 takes a program in place 23, which is the number of
	 * BPF_TRACE_RAW_TP, for one whose argument may be NULL.
	 */
	__u64 reserved;
	int (*reply_dirents)(const struct extfuse_reply_dirents_in *in);
	/*
	 * Asked of each entry of a listing but "." and ".." before its reader gets it,
	 * wherever the listing is from. 0: shown, others: left out. As of a lookup are
	 * .caller, .parent, .hash and the name; .op is EXTFUSE_OP_READDIR, the rest 0.
	 * Callers without ids for the daemon are shown nothing.
	 */
	int (*dirent)(const struct extfuse_lookup_in *in);

	__u32 abi_version; /* EXTFUSE_ABI_VERSION the program was built with */
	__u32 flags; /* EXTFUSE_HANDLER_*; unknown bits are refused */
	char name[EXTFUSE_HANDLER_NAME_LEN]; /* for messages, NUL-terminated */
};
#endif

#ifdef __bpf__
#pragma clang attribute pop
#endif

/* ------------------------------------------------------------------------ */
/* Words: how a cached answer is known to be fresh                          */

/*
 * Arrays of 64-bit words, one set per connection, owned by the driver, mapped
 * by the daemon from the connection's device descriptor at offset 0.
 *
 *   node words    by hash of a node id. Changes of attributes, xattrs, data.
 *   name words    by hash of (parent, name). Changes of what a name means.
 *   behind words  by hash of a node id. What is behind an id changed without a
 *                 request that names it: the daemon's invalidate, and FORGET
 *                 (the id may soon mean another file); and, of a directory, who
 *                 may search it (mode, owner, ACL).
 *   data words    by hash of a node id. The page cache of the node is outdated:
 *                 moved by the daemon's invalidate alone, since changes through
 *                 the mount keep the page cache right by themselves.
 *   xattr words   by hash of a node id. Changes of extended attributes: as node
 *                 words, but not moved by writing and what goes with it.
 *   mount word    all but the data words at once.
 *   mount data word  all data words at once.
 *   change word   moved with every node word: how full the file system is.
 *   changes       no word: how many times one of the words above has got a new
 *                 epoch. Raised before the word is.
 *
 * The low EXTFUSE_INFLIGHT_BITS count changes in flight, the rest is the epoch.
 * A change adds EXTFUSE_WORD_BEGIN when it starts and EXTFUSE_WORD_END when it
 * is over, so a word only ever grows, and so does a sum of words.
 *
 * Tokens are sums:
 *   of a node            node word + mount word
 *   of (parent, name)    name word + behind word of parent + mount word
 *   of a node's extended attributes    xattr word + mount word
 *   of the whole file system           change word + mount word
 * A token is cacheable if its in-flight bits are 0 and it is not 0 (the mount
 * word starts at EXTFUSE_EPOCH_ONE). An answer read after its token was sampled
 * is fresh while the words still add up to the token.
 *
 * Where the node becomes known only by reading (lookup, create), its token is
 * sampled afterwards, and is as good as one from before if "changes" is still what
 * it was then: a change that the answer may have missed is in flight in the
 * token, or moves a word later, or was over in between and has raised the count.
 */
#define EXTFUSE_INFLIGHT_BITS 20
#define EXTFUSE_EPOCH_ONE (1ULL << EXTFUSE_INFLIGHT_BITS)
#define EXTFUSE_INFLIGHT_MASK (EXTFUSE_EPOCH_ONE - 1)
#define EXTFUSE_WORD_BEGIN 1ULL
#define EXTFUSE_WORD_END (EXTFUSE_EPOCH_ONE - 1)

#define EXTFUSE_WORDS_MAGIC 0x3153444f57545845ULL /* "EXTWODS1" */
#define EXTFUSE_WORD_COUNT_LOG2 16
#define EXTFUSE_WORD_COUNT (1U << EXTFUSE_WORD_COUNT_LOG2)

/* First page of the mapping. All but mount_word and what follows it is constant. */
struct extfuse_words_header {
	__u64 magic; /* EXTFUSE_WORDS_MAGIC */
	__u32 abi_version; /* EXTFUSE_ABI_VERSION */
	__u32 reserved0;
	__u64 bytes; /* size of the whole mapping */
	__u64 seed; /* of the hashes below, random per connection */
	__u64 node_offset; /* bytes from the start of the mapping */
	__u64 name_offset;
	__u64 behind_offset;
	__u32 node_count; /* powers of two */
	__u32 name_count;
	__u32 behind_count;
	__u32 data_count;
	__u64 data_offset;
	__u64 xattr_offset;
	__u32 xattr_count;
	__u32 marks_count; /* EXTFUSE_MARK_COUNT */
	__u64 marks_offset; /* of the table in abi_reply.h */
	__u64 reserved2[3];
	__u64 mount_word; /* alone in its cache line */
	__u64 reserved3[7];
	__u64 mount_data_word;
	__u64 reserved4[7];
	__u64 changes; /* starts at 1; no token */
	__u64 change_word; /* both move together: one cache line */
	__u64 reserved5[6];
};

static inline __attribute__((always_inline)) __u64 extfuse_node_hash(__u64 seed, __u64 nodeid)
{
	return extfuse_mix(nodeid ^ seed);
}

/*
 * The hash of (parent, name), over the name's bytes packed into little-endian
 * 64-bit words, the last one padded with zeros.
 *   h = extfuse_name_hash_begin(seed, parent, len);
 *   for each word: h = extfuse_name_hash_word(h, word);
 *   h = extfuse_mix(h);
 */
static inline __attribute__((always_inline)) __u64 extfuse_name_hash_begin(__u64 seed, __u64 parent,
									   __u32 len)
{
	return (parent ^ seed) * 0x9e3779b97f4a7c15ULL + len;
}

static inline __attribute__((always_inline)) __u64 extfuse_name_hash_word(__u64 h, __u64 word)
{
	h = (h ^ word) * 0x9fb21c651e98df25ULL;
	return h ^ (h >> 32);
}

/* Index of a word from a hash: the low bits. Buckets use the high ones. */
#define EXTFUSE_WORD_INDEX(hash, count) ((__u32)(hash) & ((count) - 1))

#include <extfuse/abi_slots.h>

/* ------------------------------------------------------------------------ */
/* Counters of the default handler: per-CPU array map, index = enum         */
/* extfuse_op, value = this.                                                */

enum extfuse_miss {
	EXTFUSE_MISS_ABSENT = 0, /* no slot for this key */
	EXTFUSE_MISS_STALE = 1, /* a slot, but its token has passed */
	EXTFUSE_MISS_CALLER = 2, /* a slot, but not for this caller */
	EXTFUSE_MISS_TORN = 3, /* the slot was being written */
	EXTFUSE_MISS_OFF = 4, /* caching of this operation is switched off */
	EXTFUSE_MISS_COUNT
};

struct extfuse_op_counters {
	__u64 hit; /* answers given, negative entries among them */
	__u64 negative; /* of these: names that do not exist */
	__u64 error; /* a helper or kfunc failed; went up */
	__u64 kept; /* replies; an entry's attributes: GETATTR */
	__u64 miss[8]; /* by enum extfuse_miss */
	__u64 unkept[8]; /* replies that were shown and not kept, by enum extfuse_unkept */
};

/* ------------------------------------------------------------------------ */
/* ioctls on the connection's descriptor                                    */

/* What became of calls to a handler, per operation, counted by the driver. */
struct extfuse_op_stats {
	__u64 warm; /* answered from the dentry or inode, no program called */
	__u64 hit; /* handler's answers accepted */
	__u64 error; /* definite errors accepted */
	__u64 upcall; /* handler said upcall */
	__u64 stale; /* answer refused: a word had moved */
	__u64 dead; /* lookup refused: no such inode in the cache */
	__u64 scope; /* refused: nobody declared who may see it */
	__u64 invalid; /* refused: failed validation */
	__u64 sent; /* requests of this kind that went to the daemon */
	__u64 reply; /* replies shown to the handler; an entry's attributes: GETATTR */
	__u64 reply_stale; /* not shown: a token was not cacheable, or had moved */
	__u64 reply_invalid; /* not shown: failed validation */
	__u64 reserved[4];
};

struct extfuse_stats {
	__u32 abi_version; /* in: EXTFUSE_ABI_VERSION */
	__u32 size; /* in: sizeof(struct extfuse_stats) */
	__u64 sent_total; /* requests of all kinds that went to the daemon */
	__u64 opened_late; /* files that the daemon was told of after they were open */
	__u64 backing_files; /* registered now */
	__u64 backing_opens; /* opens served by them */
	__u64 reserved[3];
	struct extfuse_op_stats op[EXTFUSE_OP_COUNT];
};

struct extfuse_bind {
	__u32 size; /* in: sizeof(struct extfuse_bind) */
	__s32 link_fd; /* in: bpf_link of a loaded handler, -1: none */
	__u64 flags; /* in: 0 */
};

/* A file registered for a node. */
struct extfuse_backing {
	__u32 size; /* in: sizeof(struct extfuse_backing) */
	__s32 fd; /* in: a regular file; O_PATH will do */
	__u64 nodeid;
	__u64 behind; /* in: behind word of nodeid, sampled before fd was opened */
	__u32 limit; /* in: keep at most so many files from now on, 0: as it was */
	__u32 flags; /* in: 0 */
};

/* Files a connection keeps unless a limit is given, and the largest limit. */
#define EXTFUSE_BACKING_DEFAULT 4096
#define EXTFUSE_BACKING_MAX 65536

#define EXTFUSE_IOC_MAGIC 0xE5
/* Choose the connection's handler. Moves the mount word: nothing cached before
 * is served after. EINVAL: not a link of an extfuse handler; ENOTCONN: no mount.
 */
#define EXTFUSE_IOC_BIND _IOW(EXTFUSE_IOC_MAGIC, 0x40, struct extfuse_bind)
/* Counters since mount. */
#define EXTFUSE_IOC_STATS _IOWR(EXTFUSE_IOC_MAGIC, 0x41, struct extfuse_stats)
/*
 * Register a file for a node, instead of the one it had. It is dropped when the
 * node is forgotten or invalidated (its behind word moves), when the connection
 * ends, or when more are registered than are kept: the one not used for longest
 * then. Files that are open keep theirs. Who may open is decided per open; the
 * file is opened anew each time, with the credentials of this call.
 * EPERM: needs CAP_SYS_ADMIN, and FUSE_PASSTHROUGH granted at INIT; ESTALE: .behind
 * has moved (what was registered since then stays); EINVAL: not a regular file, or bad
 * arguments; ELOOP: stacked too deep; ENOTCONN: no mount any more.
 */
#define EXTFUSE_IOC_BACKING_SET _IOW(EXTFUSE_IOC_MAGIC, 0x48, struct extfuse_backing)
/* Drop what is registered for .nodeid; .fd -1. ENOENT: nothing is. */
#define EXTFUSE_IOC_BACKING_CLEAR _IOW(EXTFUSE_IOC_MAGIC, 0x49, struct extfuse_backing)

#include <extfuse/abi_stable.h>

#endif /* EXTFUSE_ABI_H */
