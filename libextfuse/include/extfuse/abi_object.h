/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note OR LGPL-2.1-or-later */
/*
 * Part of the extfuse ABI, included by <extfuse/abi.h>: what handlers are asked
 * about one node and answer with bytes (extended attributes, symbolic links,
 * directories) or with a status (access, statfs, lseek).
 */
#ifndef EXTFUSE_ABI_OBJECT_H
#define EXTFUSE_ABI_OBJECT_H

#ifndef EXTFUSE_ABI_H
#error "include <extfuse/abi.h>"
#endif

/* ------------------------------------------------------------------------ */
/* Inputs                                                                   */

/* Attribute names of more than EXTFUSE_NAME_INLINE bytes always go up. */
struct extfuse_getxattr_in {
	struct extfuse_caller caller;
	__u64 nodeid;
	__u64 word; /* token of the node now */
	__u64 xattr_word; /* token of the node's extended attributes now */
	__u64 hash; /* extfuse_name_hash(seed, nodeid, name, name_len) */
	__u32 size; /* bytes there is room for; 0: the size alone is asked for */
	__u32 op; /* EXTFUSE_OP_GETXATTR */
	__u32 flags; /* 0 */
	__u32 name_len; /* bytes, 1 .. EXTFUSE_NAME_INLINE */
	__u64 name[EXTFUSE_NAME_WORDS]; /* padded with zeros */
};

/* LISTXATTR, READLINK, READDIR */
struct extfuse_bytes_in {
	struct extfuse_caller caller;
	__u64 nodeid;
	__u64 word; /* token of the node now */
	__u64 offset; /* READDIR: of the entry before the wanted ones, 0: from the start */
	__u32 size; /* bytes there is room for; LISTXATTR, 0: the size alone is asked for */
	__u32 op; /* enum extfuse_op */
	__u32 flags; /* EXTFUSE_READDIR_* */
	__u32 reserved; /* 0 */
};

/* READDIRPLUS was asked for; the entries are given without attributes. */
#define EXTFUSE_READDIR_PLUS (1U << 0)

struct extfuse_statfs_in {
	struct extfuse_caller caller;
	__u64 nodeid;
	__u64 word; /* token of the whole file system now */
	__u32 op; /* EXTFUSE_OP_STATFS */
	__u32 flags; /* 0 */
};

/* Only without default_permissions: else the kernel decides by itself. */
struct extfuse_access_in {
	struct extfuse_caller caller;
	__u64 nodeid;
	__u64 word; /* token of the node now */
	__u32 mask; /* R_OK 4, W_OK 2, X_OK 1 */
	__u32 op; /* EXTFUSE_OP_ACCESS */
	__u32 flags; /* 0 */
	__u32 reserved; /* 0 */
};

struct extfuse_lseek_in {
	struct extfuse_caller caller;
	__u64 nodeid;
	__u64 word; /* token of the node now */
	__u64 offset; /* bytes */
	__u32 whence; /* SEEK_DATA 3, SEEK_HOLE 4 */
	__u32 op; /* EXTFUSE_OP_LSEEK */
	__u32 flags; /* 0 */
	__u32 reserved; /* 0 */
};

/* ------------------------------------------------------------------------ */
/* Results. Errors of all: -EACCES -EPERM -EIO. They carry no word.         */

/* GETXATTR: there is no such attribute (the caller gets ENODATA). LSEEK: there is
 * none, up to the end of the file (ENXIO).
 */
#define EXTFUSE_OUT_ABSENT (1U << 3)
/* GETXATTR: .word is the token of the node's extended attributes. */
#define EXTFUSE_OUT_XATTR_WORD (1U << 4)
/* LOOKUP with .nodeid 0: the name is not in a directory whose names are all known;
 * .behind is the token of the directory (as a node) under which they were.
 */
#define EXTFUSE_OUT_COMPLETE (1U << 5)

/*
 * GETXATTR, LISTXATTR, READLINK, READDIR. Bytes are put with extfuse_bytes_put(),
 * entries of a directory with extfuse_dirents_put(). Always put the whole value:
 * the driver answers sizes, and ERANGE where there is no room. Accepted only if
 * .word is the token now, .size is the number of bytes put, and
 *   GETXATTR   nothing was put for an absent attribute;
 *   LISTXATTR  the bytes are names, each with its terminating zero;
 *   READLINK   there are some, none of them zero, and they fit;
 *   READDIR    each entry was well-formed. Nothing put: end of the directory.
 */
struct extfuse_bytes_out {
	EXTFUSE_TRUSTED_ONLY
	__u64 word; /* token under which the answer was read */
	__u32 size; /* bytes put */
	__u32 flags; /* EXTFUSE_OUT_* */
};

/* Same order, sizes and units as struct fuse_kstatfs in <linux/fuse.h>. */
struct extfuse_statfs {
	__u64 blocks; /* of frsize bytes */
	__u64 bfree;
	__u64 bavail;
	__u64 files;
	__u64 ffree;
	__u32 bsize;
	__u32 namelen;
	__u32 frsize;
	__u32 padding;
	__u32 spare[6];
};

/* Accepted only if .word is the token of the whole file system now. */
struct extfuse_statfs_out {
	__u64 word; /* token under which the answer was read */
	__u32 flags; /* EXTFUSE_OUT_* */
	__u32 reserved; /* 0 */
	struct extfuse_statfs st;
};

/*
 * Accepted only if .word is the token of the node now, and .error is 0 (allowed),
 * -EACCES, -EPERM or -EROFS.
 */
struct extfuse_access_out {
	__u64 word; /* token under which the answer was read */
	__s32 error;
	__u32 flags; /* EXTFUSE_OUT_* */
};

/*
 * Accepted only if .word is the token of the node now, and .offset is neither
 * before the one asked from nor above 2^63 - 1.
 */
struct extfuse_lseek_out {
	__u64 word; /* token under which the answer was read */
	__u64 offset;
	__u32 flags; /* EXTFUSE_OUT_* */
	__u32 reserved; /* 0 */
};

#endif /* EXTFUSE_ABI_OBJECT_H */
