/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note OR LGPL-2.1-or-later */
/*
 * Part of the extfuse ABI, included by <extfuse/abi.h>: the slot caches, which are
 * between user space and the stock handler; the driver does not look into them.
 *
 * Each map is an array of buckets, each bucket holds EXTFUSE_WAYS slots; a key's
 * bucket is (hash >> 32) & (buckets - 1). A slot is written under its sequence
 * number: the writer makes it odd by compare-and-swap (or gives up: somebody
 * else is writing), stores, and makes it even again, larger by two. A reader
 * copies what it needs between two loads of the same even number.
 * A bucket is never full: a writer replaces, in this order, the slot of the same
 * key, an empty or outdated one, the one that extfuse_victim() names.
 */
#ifndef EXTFUSE_ABI_SLOTS_H
#define EXTFUSE_ABI_SLOTS_H

#ifndef EXTFUSE_ABI_H
#error "include <extfuse/abi.h>"
#endif

#define EXTFUSE_WAYS 4

/*
 * The slot that makes room. turn: the key's hash plus the bucket's sequence numbers, so
 * another for each key and after each write: as good as random. By the key alone, two keys
 * in use could replace each other for ever beside others that nobody asks for. Most of
 * MurmurHash3's 32-bit finalizer (Austin Appleby, public domain).
 */
static inline __attribute__((always_inline)) __u32 extfuse_victim(__u32 turn)
{
	turn ^= turn >> 16;
	turn *= 0x85ebca6bU;
	turn ^= turn >> 13;
	return ((turn * 0xc2b2ae35U) >> 16) % EXTFUSE_WAYS;
}

struct extfuse_name_slot {
	__u32 seq;
	__u32 tag; /* low 32 bits of the hash */
	__u64 parent;
	__u64 word; /* token of (parent, name); 0: empty */
	__u64 nodeid; /* 0: negative */
	__u64 behind; /* behind word of nodeid, 0 for a negative entry */
	__u64 caller; /* fsuid for SCOPE_UID, digest for SCOPE_CALLER */
	__u32 generation;
	__u8 name_len;
	__u8 scope; /* enum extfuse_scope */
	__u16 reserved;
	__u64 name[EXTFUSE_NAME_WORDS];
};

#define EXTFUSE_LONG_NAME_WORDS 32 /* room for EXTFUSE_NAME_MAX bytes */

/* For names longer than EXTFUSE_NAME_INLINE; same protocol. */
struct extfuse_long_name_slot {
	__u32 seq;
	__u32 tag;
	__u64 parent;
	__u64 word;
	__u64 nodeid;
	__u64 behind;
	__u64 caller;
	__u32 generation;
	__u8 name_len;
	__u8 scope;
	__u16 reserved;
	__u64 name[EXTFUSE_LONG_NAME_WORDS];
};

struct extfuse_attr_slot {
	__u32 seq;
	__u8 scope; /* enum extfuse_scope */
	__u8 reserved[3];
	__u64 nodeid;
	__u64 word; /* token of the node; 0: empty */
	__u64 caller;
	struct extfuse_attr attr;
	__u64 expires; /* ns, CLOCK_BOOTTIME; 0: holds as long as the word does */
};

#define EXTFUSE_BLOCK_SIZE 4096

struct extfuse_data_slot {
	__u32 seq;
	__u32 len; /* bytes valid in .data, from its start */
	__u64 nodeid;
	__u64 word; /* token of the node; 0: empty */
	__u64 index; /* file offset / EXTFUSE_BLOCK_SIZE */
	__u64 size; /* of the whole file under the same token */
	__u64 caller;
	__u8 scope; /* enum extfuse_scope */
	__u8 reserved[15];
	__u8 data[EXTFUSE_BLOCK_SIZE];
};

#define EXTFUSE_OBJECT_MAX 256 /* longer values always go up */

/*
 * One answer about a node, by kind: an extended attribute or their list, the
 * target of a symbolic link (bytes); statfs (struct extfuse_statfs); access (__s32
 * error); lseek (__u64 offset).
 */
struct extfuse_object_slot {
	__u32 seq;
	__u16 len; /* bytes valid in .data */
	__u8 kind; /* enum extfuse_op */
	__u8 scope; /* enum extfuse_scope */
	__u64 nodeid;
	__u64 word; /* token, which one depends on .kind and .flags; 0: empty */
	__u64 caller;
	__u64 arg; /* GETXATTR: hash of the name; ACCESS: mask; LSEEK: extfuse_lseek_arg() */
	__u32 flags; /* EXTFUSE_OUT_ABSENT, EXTFUSE_OUT_XATTR_WORD */
	__u32 name_len; /* GETXATTR, else 0 */
	__u64 name[EXTFUSE_NAME_WORDS];
	__u8 data[EXTFUSE_OBJECT_MAX];
};

struct extfuse_object_bucket {
	struct extfuse_object_slot slot[EXTFUSE_WAYS];
};

static inline __attribute__((always_inline)) __u64 extfuse_lseek_arg(__u64 offset, __u32 whence)
{
	return offset << 1 | (whence == 4); /* SEEK_HOLE */
}

/* Hash of an object, for its bucket. */
static inline __attribute__((always_inline)) __u64 extfuse_object_hash(__u64 seed, __u64 nodeid,
								       __u32 kind, __u64 arg)
{
	return extfuse_mix(extfuse_mix(nodeid ^ seed) +
			   (arg ^ ((__u64)kind << 56)) * 0x9e3779b97f4a7c15ULL);
}

#define EXTFUSE_DIR_CHUNK 976

/*
 * Some entries of a directory, in its order, as READDIR replies them: those behind
 * the offset .start, up to the one whose own offset is .next.
 */
struct extfuse_dir_slot {
	__u32 seq;
	__u16 len; /* bytes valid in .data: whole entries */
	__u8 last; /* 1: none are behind these */
	__u8 scope; /* enum extfuse_scope */
	__u64 nodeid;
	__u64 word; /* token of the node; 0: empty */
	__u64 caller;
	__u64 start; /* 0: the first of the directory */
	__u64 next;
	__u8 data[EXTFUSE_DIR_CHUNK];
};

struct extfuse_dir_bucket {
	struct extfuse_dir_slot slot[EXTFUSE_WAYS];
};

#define EXTFUSE_NAMES_WORDS 128
#define EXTFUSE_NAMES_BITS (EXTFUSE_NAMES_WORDS * 64)
#define EXTFUSE_NAMES_PROBES 3
#define EXTFUSE_NAMES_MAX 2048 /* names; a larger directory is never complete */

/*
 * All names of a directory, as a Bloom filter of their hashes: a name that is not
 * in it does not exist. One object, so that nothing of it can be evicted alone.
 */
struct extfuse_names_slot {
	__u32 seq;
	__u8 scope; /* enum extfuse_scope: who may be told that a name does not exist */
	__u8 reserved[3];
	__u64 nodeid;
	__u64 word; /* token of the directory as a node; 0: empty */
	__u64 caller;
	__u64 bits[EXTFUSE_NAMES_WORDS];
};

struct extfuse_names_bucket {
	struct extfuse_names_slot slot[EXTFUSE_WAYS];
};

/* The bit of a name in the filter; hash as for lookup, probe below EXTFUSE_NAMES_PROBES */
static inline __attribute__((always_inline)) __u32 extfuse_names_bit(__u64 hash, __u32 probe)
{
	return (__u32)(hash >> (probe * 16)) & (EXTFUSE_NAMES_BITS - 1);
}
/*
 * How a node is opened and closed: directories, files for reading, and with
 * EXTFUSE_FILE_BACKING and EXTFUSE_FILE_WRITE files for writing as well.
 */
struct extfuse_open_slot {
	__u32 seq;
	__u8 scope; /* enum extfuse_scope */
	__u8 reserved;
	__u16 flags; /* EXTFUSE_FILE_* */
	__u64 nodeid;
	__u64 word; /* token of the node; 0: empty */
	__u64 caller;
};

/* Of EXTFUSE_FILE_*, what is said in open_flags; the others are between library
 * and stock handler.
 */
#define EXTFUSE_FILE_OPEN_MASK 0xffU
/* Opens go up; the slot is for closes. */
#define EXTFUSE_FILE_CLOSE_ONLY (1U << 8)
/* Closing a file that was opened for reading needs no FLUSH. */
#define EXTFUSE_FILE_NO_FLUSH (1U << 9)
/* Handles of this node need no RELEASE or RELEASEDIR. */
#define EXTFUSE_FILE_NO_RELEASE (1U << 10)
/* With EXTFUSE_FILE_BACKING: who may read may write. */
#define EXTFUSE_FILE_WRITE (1U << 11)

struct extfuse_name_bucket {
	struct extfuse_name_slot slot[EXTFUSE_WAYS];
};

struct extfuse_long_name_bucket {
	struct extfuse_long_name_slot slot[EXTFUSE_WAYS];
};

struct extfuse_attr_bucket {
	struct extfuse_attr_slot slot[EXTFUSE_WAYS];
};

struct extfuse_data_bucket {
	struct extfuse_data_slot slot[EXTFUSE_WAYS];
};

struct extfuse_open_bucket {
	struct extfuse_open_slot slot[EXTFUSE_WAYS];
};

/* Hash of a block of a file, for its bucket. */
static inline __attribute__((always_inline)) __u64 extfuse_block_hash(__u64 seed, __u64 nodeid,
								      __u64 index)
{
	return extfuse_mix((nodeid ^ seed) + index * 0x9e3779b97f4a7c15ULL);
}

#endif /* EXTFUSE_ABI_SLOTS_H */
