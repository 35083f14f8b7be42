/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the structures of fs/fuse carry for extfuse. Included by fuse_i.h before
 * them; everything else is in ext.h, included after them.
 */
#ifndef _EXT_TYPES_H
#define _EXT_TYPES_H

#include <linux/time64.h>
#include <linux/types.h>

struct ext_conn;
struct ext_handler;
struct fuse_backing;
struct fuse_file;
struct ext_listing;

/*
 * The words that a request changes, in struct fuse_args. Owned by whoever owns
 * the args; filled before ext_marks_begin(), which adds what the request itself
 * names, and emptied by ext_marks_end().
 *
 * The most are those of RENAME: two parents, two names, the moved and the
 * replaced inode.
 */
#define EXT_MARKS_MAX 7
/* The most of a request whose reply is shown to handlers: those of SETATTR. */
#define EXT_MARKS_REPLY 3

struct ext_marks {
	union {
		struct {
			u8 count;
			bool asked : 1; /* a handler was asked, and did not know */
			bool moved : 1; /* it has moved the access time of its node */
			u8 reply; /* enum ext_reply_kind: .before is set */
			u8 begun; /* of a removal: the first of them are in flight */
			u32 word[EXT_MARKS_MAX]; /* index into ext_conn.words, or EXT_MOUNT_WORD */
		};
		struct {
			u32 used[1 + EXT_MARKS_REPLY]; /* by the above, in such a request */
			u64 before[2]; /* sampled before it was sent, see ext_reply.c */
		};
	};
	/* Whose handle the request begins with; NULL: of none, or it is there already */
	struct fuse_file *file;
};

/* In struct fuse_file, which keeps all but the state as it was made. */
struct ext_file {
	unsigned long state;		/* bits EXT_FILE_* */
	struct file *file;		/* if UNSEEN: its file, which outlives that */
	struct fuse_backing *fb;	/* to be opened, a reference; NULL afterwards */
	u32 label;			/* its opener's, see ext_idle.c */
	/* When an LSM let it read, and write, in jiffies; 0: not yet. No lock. */
	unsigned long read_asked;
	unsigned long write_asked;
	struct ext_listing *listing;	/* see ext_plain.h; NULL: none is kept */
	struct hlist_node plain;	/* in ext_inode.plain; fi->lock */
};

/* In ext_file.state: the daemon has not been told of this open, .fh is no handle */
#define EXT_FILE_UNSEEN 0
/* That was so when it was opened. Constant: .fh is to be read late. */
#define EXT_FILE_LATE 4
/* It is being told. */
#define EXT_FILE_TELLING 1
/* It does not want to be told of any. */
#define EXT_FILE_UNTOLD 2
/* Served by a file registered for the node. */
#define EXT_FILE_BACKING 3
/* ... on a local file system, see ext_backing_local() */
#define EXT_FILE_LOCAL 5
/* The daemon wants to be told before a name goes. Constant, as LATE. */
#define EXT_FILE_PLAIN 6
/* It is being told because of that: not to be freed, and it stays where it is listed. */
#define EXT_FILE_PINNED 7

/* In struct fuse_inode. */
struct ext_inode {
	/*
	 * Token of the node under which the inode's attributes were read, with
	 * EXT_WARM if they may be served from here; 0: not known. Written under
	 * fi->lock, read without.
	 */
	u64 attr_word;
	/*
	 * fi->attr_version when attributes were applied last: whatever else changes
	 * one in the kernel moves that. Under fi->lock, read without.
	 */
	u64 attr_version;
	/*
	 * Data word + mount data word under which the page cache is filled; pages
	 * of another one are dropped before they are read. Written by whoever has
	 * dropped them, read without lock.
	 */
	u64 pages_word;
	/* Token of the node after a read had moved the access time; no lock. */
	u64 atime_word;
	/*
	 * Token of the node under which an open was answered for every caller, with
	 * EXT_WARM, and the answer; 0: none. The flags are written before the token.
	 */
	u64 open_word;
	u32 open_flags; /* EXTFUSE_FILE_* */
	/*
	 * Somebody has locked through this inode at the daemon: closing any of its
	 * files may have to release that. Set once.
	 */
	bool locked;
	/* Open files that the daemon wants to be told of, see ext_plain.h; fi->lock. */
	struct hlist_head plain;
	/* A name of it is being removed, or was: see ext_plain_removed(); i_lock. */
	bool removed;
	/* Behind word of the node when a registered file came into use; no lock. */
	u64 backing_behind;
	/*
	 * Token of the xattrs, with EXT_WARM, under which it was known that the file
	 * has no capabilities; no lock.
	 */
	u64 no_caps_word;
	u32 no_caps_index; /* of the word of the xattrs; written before that */
	/* Access time of the backing file that was last noticed to differ; no lock. */
	struct timespec64 backing_atime;
	/* Who applied attributes last, and how often it was done. Under fi->lock. */
	const struct task_struct *applied_by; /* identity only */
	u32 applied;
	/* Index of the node's word; written before attr_word ever is. */
	u32 node_index;
	/*
	 * A shared writable mapping of the backing file exists or existed: its
	 * writes are seen by nobody, so the node counts as changing until the
	 * inode goes. Set once, under fi->lock.
	 */
	bool pinned;
	/* ... and data is served by that file alone. Set with it, by who did. */
	bool pinned_io;
};

#endif /* _EXT_TYPES_H */
