/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note OR LGPL-2.1-or-later */
/*
 * Part of the extfuse ABI, included by <extfuse/abi.h>: what handlers are told of
 * changes before they are made. These are observers: they may forbid a change, or
 * have more of what is cached count as changed; they cannot make it, so nothing is
 * acknowledged that the daemon or the backing file does not have.
 *
 * Returned: EXTFUSE_UPCALL, go on; or -EACCES -EPERM -EROFS -ENOSPC -EDQUOT -EIO:
 * the change is not made, nothing of it is sent, and this is the error of who asked.
 * Everything else, EXTFUSE_HIT as well, is counted as invalid, and the change goes on.
 */
#ifndef EXTFUSE_ABI_CHANGE_H
#define EXTFUSE_ABI_CHANGE_H

#ifndef EXTFUSE_ABI_H
#error "include <extfuse/abi.h>"
#endif

/*
 * In all of these .caller is who the daemon would be told of. Where it is told of
 * nobody (write-back; id-mapped mounts) .uid and .gid are EXTFUSE_NO_ID and
 * .flags is 0: the change has to be judged without.
 */
#define EXTFUSE_NO_ID 0xffffffffU

/* ------------------------------------------------------------------------ */
/* Inputs                                                                   */

/*
 * WRITE, once for each request; FALLOCATE and COPY_FILE_RANGE; and what reaches a
 * backing file without any request.
 */
struct extfuse_write_in {
	struct extfuse_caller caller;
	__u64 nodeid; /* of the file that is written to */
	__u64 word; /* token of the node now */
	__u64 hash; /* extfuse_node_hash(seed, nodeid) */
	__u64 offset; /* bytes */
	__u64 size; /* bytes; splice to a backing file: at most */
	__u32 file_flags; /* O_*; 0 with _WRITEBACK, _FALLOCATE, _COPY */
	__u32 op; /* EXTFUSE_OP_WRITE */
	__u32 flags; /* EXTFUSE_WRITE_* */
	__u32 mode; /* with _FALLOCATE: FALLOC_FL_* of <linux/falloc.h>; else 0 */
};

/* Pages that were written to the page cache before: the error is fsync's. */
#define EXTFUSE_WRITE_WRITEBACK (1U << 0)
/* Nobody waits in this call. */
#define EXTFUSE_WRITE_BACKGROUND (1U << 1)
/* The data goes to a backing file; the daemon is not told. */
#define EXTFUSE_WRITE_BACKING (1U << 2)
/* With _BACKING: a shared mapping of .size bytes at .offset is made, or may be made
 * writable later. What is written through it is seen by nobody.
 */
#define EXTFUSE_WRITE_MAPPED (1U << 3)
#define EXTFUSE_WRITE_FALLOCATE (1U << 4)
/* COPY_FILE_RANGE; to a backing file it is a splice. */
#define EXTFUSE_WRITE_COPY (1U << 5)

/* SETATTR, and OPEN with O_TRUNC where the daemon truncates by it. */
struct extfuse_setattr_in {
	struct extfuse_caller caller;
	__u64 nodeid;
	__u64 word; /* token of the node now */
	__u64 hash; /* extfuse_node_hash(seed, nodeid) */
	__u64 size; /* bytes */
	__u64 atime; /* seconds */
	__u64 mtime;
	__u64 ctime;
	__u32 atimensec;
	__u32 mtimensec;
	__u32 ctimensec;
	__u32 mode; /* type and permissions */
	__u32 uid;
	__u32 gid;
	__u32 valid; /* which of these are set: EXTFUSE_SET_*; the others are 0 */
	__u32 op; /* EXTFUSE_OP_SETATTR */
	__u32 flags; /* EXTFUSE_SETATTR_* */
	__u32 reserved; /* 0 */
};

/* Same values as FATTR_* in <linux/fuse.h>. */
#define EXTFUSE_SET_MODE (1U << 0)
#define EXTFUSE_SET_UID (1U << 1)
#define EXTFUSE_SET_GID (1U << 2)
#define EXTFUSE_SET_SIZE (1U << 3)
#define EXTFUSE_SET_ATIME (1U << 4)
#define EXTFUSE_SET_MTIME (1U << 5)
#define EXTFUSE_SET_ATIME_NOW (1U << 7) /* with _ATIME: the daemon's clock */
#define EXTFUSE_SET_MTIME_NOW (1U << 8)
#define EXTFUSE_SET_CTIME (1U << 10)
#define EXTFUSE_SET_KILL_SUIDGID (1U << 11) /* set-id bits are dropped with it */

/* OPEN with O_TRUNC: .valid is EXTFUSE_SET_SIZE, .size 0. */
#define EXTFUSE_SETATTR_OPEN (1U << 0)

enum extfuse_create_kind {
	EXTFUSE_CREATE_FILE = 0, /* CREATE: made and opened; the name may be found to exist */
	EXTFUSE_CREATE_NODE = 1, /* MKNOD: a file, device, socket or fifo */
	EXTFUSE_CREATE_DIR = 2,
	EXTFUSE_CREATE_SYMLINK = 3,
	EXTFUSE_CREATE_LINK = 4, /* another name of .entry.nodeid */
	EXTFUSE_CREATE_TMPFILE = 5, /* made and opened, has no name: .entry says "/" */
	EXTFUSE_CREATE_RENAME = 6, /* the new name of something; it may be there already */
};

/*
 * CREATE, MKNOD, MKDIR, SYMLINK, LINK, TMPFILE, RENAME. The name is that of a lookup, for
 * extfuse_name_copy(&in->entry, ...) and extfuse_name_equal(), with these
 * differences: .nodeid is 0 but for _LINK, .op is EXTFUSE_OP_CREATE, .flags is 0,
 * and .name_len is not limited to EXTFUSE_NAME_MAX (1,024 at most).
 */
struct extfuse_create_in {
	struct extfuse_lookup_in entry;
	__u32 kind; /* enum extfuse_create_kind */
	__u32 mode; /* type and permissions as the daemon is told; _LINK, _RENAME: 0 */
	__u32 umask; /* the caller's; _SYMLINK, _LINK, _RENAME: 0 */
	__u32 rdev; /* _NODE: as in struct fuse_mknod_in; else 0 */
	__u32 file_flags; /* _FILE, _TMPFILE: O_*, without O_TRUNC; else 0 */
	__u32 reserved; /* 0 */
};

/* ------------------------------------------------------------------------ */
/* Result                                                                   */

/*
 * Ignored with an error, and with EXTFUSE_CREATE_RENAME. Unknown bits make the answer
 * invalid.
 *   _INVALIDATE   WRITE, SETATTR: everything that is known of the node is outdated,
 *                 its extended attributes too; CREATE: everything that is known on
 *                 the mount (all names of a directory have no word of their own).
 *   _PAGES        the page cache of the node, or the listing of the directory in it,
 *                 is outdated: dropped before somebody reads it. For daemons that do
 *                 not store what was written.
 * Both hold from before the request is sent until after it has been answered. What the
 * request itself changes is known to the driver, and needs neither. Without a
 * request (EXTFUSE_WRITE_BACKING) the words move once, before the write.
 */
#define EXTFUSE_CHANGE_INVALIDATE (1U << 0)
#define EXTFUSE_CHANGE_PAGES (1U << 1)

struct extfuse_change_out {
	__u32 flags; /* EXTFUSE_CHANGE_* */
	__u32 reserved; /* 0 */
};

#endif /* EXTFUSE_ABI_CHANGE_H */
