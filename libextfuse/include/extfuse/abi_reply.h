/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note OR LGPL-2.1-or-later */
/*
 * Part of the extfuse ABI, included by <extfuse/abi.h>: replies of the daemon on
 * their way back, which a handler may keep for the next time.
 *
 * A reply is shown to the handler if the daemon has marked it, or if the handler
 * asks for all (EXTFUSE_HANDLER_ALL_REPLIES); after the driver has seen it to be
 * valid, and only under tokens that were sampled before the request was sent and
 * hold now. So a reply that a change has overtaken is not shown. A request that
 * makes a change itself (create, setattr, ...) is shown under the token that it
 * leaves behind, unless another change met it.
 */
#ifndef EXTFUSE_ABI_REPLY_H
#define EXTFUSE_ABI_REPLY_H

#ifndef EXTFUSE_ABI_H
#error "include <extfuse/abi.h>"
#endif

/* In extfuse_handler_ops.flags: replies without a mark are shown as well. */
#define EXTFUSE_HANDLER_ALL_REPLIES (1U << 0)
/*
 * Reading a file or directory does not outdate what is cached of it: its access
 * time may be shown as it was.
 */
#define EXTFUSE_HANDLER_LAZY_ATIME (1U << 1)

/* ------------------------------------------------------------------------ */
/* Policies of the stock handler                                            */

/* Which replies without a mark it keeps. What is marked or put is kept by any. */
enum extfuse_policy {
	EXTFUSE_CACHE_ANNOTATED = 0, /* none */
	EXTFUSE_CACHE_TIMEOUTS = 1, /* as long as their own timeouts allow */
	EXTFUSE_CACHE_PRIVATE = 2, /* all: files change through this mount only */
};

/* Why a reply that it was shown was not kept; counted by operation. */
enum extfuse_unkept {
	EXTFUSE_UNKEPT_SCOPE = 0, /* nobody has said who may have it */
	EXTFUSE_UNKEPT_TIMEOUT = 1, /* it came without a timeout, or with one of 0 */
	EXTFUSE_UNKEPT_CALLER = 2, /* who asked is not known, or not the mount's owner */
	EXTFUSE_UNKEPT_LINKS = 3, /* the file has more names, and maybe more nodes */
	EXTFUSE_UNKEPT_ATTR = 4, /* it is not known how many names the file has, or its size */
	EXTFUSE_UNKEPT_KIND = 5, /* such replies never are: docs/operations.md */
	EXTFUSE_UNKEPT_SIZE = 6, /* no slot is so large */
	EXTFUSE_UNKEPT_BUSY = 7, /* its slot was being written */
	EXTFUSE_UNKEPT_COUNT
};

/* ------------------------------------------------------------------------ */
/* Marks                                                                    */

/*
 * What a daemon says of a reply, beside it: 16 bits, in a table that follows the
 * words in the mapping. The daemon stores extfuse_mark_entry(unique, mark) in
 * element extfuse_mark_index(unique) before it writes the reply; the driver takes it
 * out. An element that speaks of another request is no mark; two replies that meet
 * in an element cost one of them its mark.
 */
#define EXTFUSE_MARK_COUNT_LOG2 12
#define EXTFUSE_MARK_COUNT (1U << EXTFUSE_MARK_COUNT_LOG2)

#define EXTFUSE_MARK_BITS 16
/* Who may have the reply: enum extfuse_scope. Of an entry: the name. */
#define EXTFUSE_MARK_SCOPE_MASK 0xfU
/* Of an entry, the same for the attributes in it. */
#define EXTFUSE_MARK_ATTR_SHIFT 4
/* GETXATTR: the attribute stays as it is when the file is written. */
#define EXTFUSE_MARK_KEPT (1U << 8)
/* In every mark. */
#define EXTFUSE_MARK_SET (1U << 15)

static inline __attribute__((always_inline)) __u32 extfuse_mark_index(__u64 unique)
{
	/* The lowest bit of a unique id is the protocol's own. */
	return (__u32)(unique >> 1) & (EXTFUSE_MARK_COUNT - 1);
}

static inline __attribute__((always_inline)) __u64 extfuse_mark_entry(__u64 unique, __u32 mark)
{
	return unique >> (1 + EXTFUSE_MARK_COUNT_LOG2) << EXTFUSE_MARK_BITS | mark;
}

/* ------------------------------------------------------------------------ */
/* Inputs. Read-only for the program; .mark is 0 for a reply without one.   */

/*
 * LOOKUP, and what makes names: MKNOD, MKDIR, SYMLINK, LINK, CREATE; of handlers with
 * reply_dirents and EXTFUSE_HANDLER_ALL_REPLIES also each entry of READDIRPLUS that has a
 * node, with the one mark of that reply: who was told it may list the directory, which is
 * not to say that they may search it. Attributes come by reply_attr, called before. A
 * lookup that failed with ENOENT is shown as .nodeid 0. Not shown if a change anywhere on
 * the mount met the request (of a listing: has come since before it was opened): the node
 * was not known before.
 */
struct extfuse_reply_entry_in {
	/* .nodeid is 0; .word is the token under which the entry holds. */
	struct extfuse_lookup_in lookup;
	__u64 nodeid; /* 0: the name does not exist */
	__u64 behind; /* behind word of nodeid under which the entry holds */
	__u64 valid; /* seconds; the reply's timeout of the entry */
	__u32 valid_nsec;
	__u32 generation; /* low 32 bits of the reply's */
	__u32 opcode; /* FUSE_*, of the request */
	__u32 mark; /* EXTFUSE_MARK_* */
};

/* GETATTR and SETATTR, and the attributes of entries. */
struct extfuse_reply_attr_in {
	struct extfuse_caller caller;
	__u64 nodeid;
	__u64 word; /* token under which the attributes hold */
	__u64 hash; /* extfuse_node_hash(seed, nodeid) */
	__u64 valid; /* seconds; the reply's timeout of attributes */
	__u32 valid_nsec;
	__u32 opcode; /* FUSE_*, of the request */
	__u32 mark; /* EXTFUSE_MARK_* */
	__u32 flags; /* EXTFUSE_REPLY_OF_ENTRY */
	struct extfuse_attr attr;
};

/* They came with an entry: of the mark, the scope of attributes counts. */
#define EXTFUSE_REPLY_OF_ENTRY (1U << 0)

/*
 * GETXATTR, LISTXATTR, READLINK, STATFS (struct extfuse_statfs), LSEEK (__u64, the
 * offset found), ACCESS (no bytes). The value is had by extfuse_reply_bytes().
 * Replies to those who asked for the size alone are not shown.
 */
struct extfuse_reply_bytes_in {
	EXTFUSE_TRUSTED_ONLY
	struct extfuse_caller caller;
	__u64 nodeid;
	__u64 word; /* token under which the reply holds: of the node, or the file system */
	__u64 xattr_word; /* GETXATTR: the same of extended attributes; else, or if passed, 0 */
	__u64 arg; /* as in struct extfuse_object_slot; else 0 */
	__u64 hash; /* extfuse_node_hash(seed, nodeid) */
	__u32 op; /* enum extfuse_op */
	__s32 error; /* 0; GETXATTR -ENODATA, LSEEK -ENXIO, ACCESS -EACCES -EPERM -EROFS */
	__u32 size; /* bytes of the value */
	__u32 mark; /* EXTFUSE_MARK_* */
	__u32 reserved; /* 0 */
	__u32 name_len; /* GETXATTR: 1 .. EXTFUSE_NAME_INLINE, else 0 */
	__u64 name[EXTFUSE_NAME_WORDS]; /* padded with zeros */
};

/*
 * READ into the page cache. Bytes are had by extfuse_reply_read(). In the background,
 * nobody waits in the call and .caller is zeros.
 */
struct extfuse_reply_read_in {
	EXTFUSE_TRUSTED_ONLY
	struct extfuse_caller caller;
	__u64 nodeid;
	__u64 word; /* token under which the data holds */
	__u64 hash; /* extfuse_node_hash(seed, nodeid) */
	__u64 before; /* as .word, before this read had moved the access time; or .word */
	__u64 offset; /* bytes, where the read began */
	__u64 file_size; /* bytes, if EXTFUSE_REPLY_FILE_SIZE */
	__u32 size; /* bytes replied */
	__u32 mark; /* EXTFUSE_MARK_* */
	__u32 flags; /* EXTFUSE_REPLY_FILE_SIZE, EXTFUSE_READ_BACKGROUND */
	__u32 reserved; /* 0 */
};

/* .file_size is known, since the read has met the end. */
#define EXTFUSE_REPLY_FILE_SIZE (1U << 1)

/* OPEN and OPENDIR, for reading alone, that the daemon has allowed. */
struct extfuse_reply_open_in {
	struct extfuse_caller caller; /* who opened */
	__u64 nodeid;
	__u64 word; /* token under which the node was opened */
	__u64 hash; /* extfuse_node_hash(seed, nodeid) */
	__u32 file_flags; /* O_*, as the daemon was told them */
	__u32 open_flags; /* FOPEN_* of <linux/fuse.h>, as replied */
	__u32 op; /* EXTFUSE_OP_OPEN or EXTFUSE_OP_OPENDIR */
	__u32 mark; /* EXTFUSE_MARK_* */
};

/*
 * A directory that was read from its start to its end by one open file: all of what
 * READDIR or READDIRPLUS have replied. With EXTFUSE_HANDLER_ALL_REPLIES only; replies
 * to READDIR have no marks. Up to 512 KiB. Entries are had by extfuse_reply_dirents().
 */
struct extfuse_reply_dirents_in {
	EXTFUSE_TRUSTED_ONLY
	struct extfuse_caller caller; /* who opened, and read */
	__u64 nodeid;
	__u64 word; /* token of the node, sampled before it was opened */
	__u64 hash; /* extfuse_node_hash(seed, nodeid) */
	__u32 size; /* bytes of entries, each as struct fuse_dirent */
	__u32 flags; /* 0 */
};

/* In what extfuse_reply_dirents() returns: there are no entries behind these. */
#define EXTFUSE_DIRENTS_LAST (1U << 31)

#endif /* EXTFUSE_ABI_REPLY_H */
