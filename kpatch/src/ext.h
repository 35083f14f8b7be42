/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * extfuse's own part of the driver: structures and lock rules; what the hooks in
 * fs/fuse call is in ext_ops.h. Included at the end of fuse_i.h.
 *
 * Locks
 *   ext_mutex        the list of handlers, ext_handler.link and .conns,
 *                    ext_conn.handler (writers). Taken inside BPF's own locks
 *                    when a link is made, updated or released; therefore no BPF
 *                    link function is called with it held. May sleep.
 *   RCU              readers of ext_conn.handler and ext_handler.ops. A map of
 *                    struct_ops is freed after an RCU and an RCU-tasks grace
 *                    period, programs never sleep: whoever got ops inside
 *                    rcu_read_lock() may call it until rcu_read_unlock().
 *   words            atomic operations only; mapped writable by the daemon, so
 *                    nothing may depend on their values but freshness.
 */
#ifndef _EXT_H
#define _EXT_H

#include <linux/bpf.h>
#include <linux/dcache.h>
#include <linux/jump_label.h>
#include <linux/namei.h>
#include <linux/percpu.h>

#include "ext_mistake.h"

#include <extfuse/abi.h>

struct fs_context;

/* ------------------------------------------------------------------------ */
/* Structures                                                               */

/* One attached struct_ops link. */
struct ext_handler {
	refcount_t refs;		/* registration, connections, mount contexts */
	const struct extfuse_handler_ops __rcu *ops; /* NULL: detached */
	struct bpf_link *link;		/* identity only, never dereferenced; ext_mutex */
	struct list_head list;		/* in ext_handlers; ext_mutex */
	struct list_head conns;		/* ext_conn.bound; ext_mutex */
	bool replies;			/* it was counted for ext_replies; BPF's lock of the link */
	struct rcu_head rcu;
};

/* Per-CPU counters of a connection; the first part is what EXTFUSE_IOC_STATS gives. */
struct ext_counters {
	struct extfuse_op_stats op[EXTFUSE_OP_COUNT];
	u64 sent_total;
	u64 opened_late;
	u64 backing_opens;
	/* What fuse_lock_owner_id() made of it last; with preemption disabled. */
	fl_owner_t owner;	/* identity only */
	u64 owner_id;
};

/* In struct fuse_conn, from the filling of the super block until its release. */
struct ext_conn {
	/* Constant after ext_conn_init() */
	struct fuse_conn *fc;
	atomic64_t *words;		/* by enum ext_region, behind the header's page */
	u64 seed;
	struct ext_counters __percpu *counters;

	struct ext_handler __rcu *handler; /* writers: ext_mutex */
	/*
	 * Changes that the handler has programs for, BIT_ULL(FUSE_*). Written under
	 * ext_mutex, read without: whoever finds a bit looks at the programs again.
	 */
	u64 observed;
	struct list_head bound;		/* in ext_handler.conns; ext_mutex */
	bool dying;			/* no handler may be bound any more; ext_mutex */
	atomic_t aborted;		/* the mount word is held in flight for good */
	struct ext_backings *backings;	/* ext_backing.c; constant after ext_conn_init() */
	bool stable;			/* EXTFUSE_DECLARE_STABLE; set once, no lock */
	bool plain;			/* see ext_is_plain(); set once, no lock */
};

/* Regions of ext_conn.words */
enum ext_region { EXT_NODE, EXT_NAME, EXT_BEHIND, EXT_DATA, EXT_XATTR, EXT_REGIONS };

#define EXT_MOUNT_WORD (EXT_REGIONS << EXTFUSE_WORD_COUNT_LOG2)

/* In a remembered word, below the epoch: the answer may be served from here. */
#define EXT_WARM 1ULL

/*
 * dentry->d_time: epoch of name word + mount word, index of the name word, low
 * bits of d_seq (an even number) with EXT_WARM in the lowest.
 */
#define EXT_DENTRY_INDEX_SHIFT 4
#define EXT_DENTRY_SEQ_MASK 0xfULL
/*
 * Instead: the handler did not know in RCU walk, the ref walk of the same task need
 * not ask it again (the reply of the daemon resets it). Above it, which task: another
 * one the handler may forbid to see the name.
 */
#define EXT_DENTRY_ASKED 2UL
/* Instead, in the same bits: it was moved, and above them when, in jiffies. */
#define EXT_DENTRY_MOVED 4UL
static_assert(EXTFUSE_WORD_COUNT_LOG2 + EXT_DENTRY_INDEX_SHIFT <= EXTFUSE_INFLIGHT_BITS);

/* The request has to go to the daemon. Not an errno, not EXTFUSE_HIT. */
#define EXT_UPCALL 2
static_assert(EXT_UPCALL != EXTFUSE_HIT);
/* The answer is in the inode. */
#define EXT_IN_INODE 3

#define ext_count(ec, op_, field) this_cpu_inc((ec)->counters->op[op_].field)

#include "ext_words.h"

/* ------------------------------------------------------------------------ */
/* Connections and handlers                                                 */

int ext_init(void);
int ext_conn_init(struct fuse_conn *fc, struct ext_handler *handler);
void ext_conn_unbind(struct fuse_conn *fc);
void ext_conn_free(struct fuse_conn *fc);
int ext_parse_handler(struct fs_context *fsc, int fd);
void ext_handler_put(struct ext_handler *handler);
long ext_dev_ioctl(struct file *file, unsigned int cmd, void __user *arg);
int ext_dev_mmap(struct file *file, struct vm_area_struct *vma);

struct ext_handler *ext_handler_get(int fd);
int ext_attach_register(const struct extfuse_handler_ops *ops, struct bpf_link *link);
void ext_attach_unregister(struct bpf_link *link);
int ext_attach_update(const struct extfuse_handler_ops *ops, struct bpf_link *link);
int ext_conn_bind(struct ext_conn *ec, struct ext_handler *handler);

/*
 * Under rcu_read_lock(), or with preemption disabled, which is as good and costs
 * 20 instructions less in a module. NULL: no handler.
 */
static inline const struct extfuse_handler_ops *ext_ops(const struct ext_conn *ec)
{
	const struct ext_handler *handler;

	handler = rcu_dereference_check(ec->handler, rcu_read_lock_sched_held());
	return handler ? rcu_dereference_check(handler->ops, rcu_read_lock_sched_held()) : NULL;
}

/* Before any request: may one be answered here at all? */
static inline bool ext_usable(const struct fuse_conn *fc)
{
	return fc->ext && rcu_access_pointer(fc->ext->handler) && READ_ONCE(fc->connected) &&
	       fc->initialized && !fc->conn_error;
}

/* ------------------------------------------------------------------------ */
/* Calls                                                                    */

/*
 * The argument of a program sits inside a private structure, whose beginning is
 * the same for all operations: the connection, then the caller.
 */
struct ext_call {
	struct fuse_conn *fc;
	struct extfuse_caller caller;
};

/* Where there is a name, it stands before them. */
struct ext_name_call {
	const unsigned char *name; /* in->name_len bytes, valid during the call */
	struct fuse_conn *fc;
	struct extfuse_lookup_in in;
};

struct ext_lookup_call {
	const unsigned char *name; /* as in struct ext_name_call */
	struct fuse_conn *fc;
	struct extfuse_lookup_in in;
	struct extfuse_lookup_out out;
	const atomic64_t *behind; /* word of the parent */
};

struct ext_getattr_call {
	struct fuse_conn *fc;
	struct extfuse_getattr_in in;
	struct extfuse_getattr_out out;
};

/* GETATTR of a node without an inode; shared is the answer, or it is EXT_UPCALL. */
int ext_getattr_node(struct ext_getattr_call *call, const struct super_block *sb, u64 nodeid);
/* A new inode holds the attributes of this answer. */
void ext_attr_made(struct inode *inode, const struct extfuse_getattr_out *out);

struct ext_open_call {
	struct fuse_conn *fc;
	struct extfuse_open_in in;
	struct extfuse_open_out out;
};

struct ext_close_call {
	struct fuse_conn *fc;
	struct extfuse_close_in in;
	struct extfuse_close_out out;
};

struct ext_read_call {
	struct fuse_conn *fc;
	struct extfuse_read_in in;
	struct extfuse_read_out out;
	struct fuse_args_pages *ap;
	u32 filled; /* bytes put so far, from the start */
};

/* The result of an operation that is answered with bytes, and where they go. */
struct ext_bytes {
	struct extfuse_bytes_out out;
	void *buf;
	u32 room; /* bytes at buf */
	u32 filled; /* bytes put so far; those beyond room are only counted */
	/* Of entries of a directory */
	bool dir;
	bool started; /* the offset asked for was found */
	bool full; /* an entry did not fit: those behind it do not either */
	bool bad; /* an entry was not well-formed */
	u64 offset;
};

/* For extfuse_dirents_put(); len bytes are readable at data, and may change. */
int ext_dirents_put(struct ext_bytes *bytes, const void *data, u64 start, u32 len);

#define EXT_ASSERT_CALL(type) \
	static_assert(offsetof(type, in) - offsetof(type, fc) == \
			      offsetof(struct ext_call, caller) - offsetof(struct ext_call, fc) && \
		      __builtin_types_compatible_p(typeof(((type *)0)->in.caller), \
						   struct extfuse_caller) && \
		      offsetof(type, in.caller) == offsetof(type, in))
#define EXT_ASSERT_NAME_CALL(type, entry) \
	static_assert(offsetof(type, name) == offsetof(struct ext_name_call, name) && \
		      offsetof(type, fc) == offsetof(struct ext_name_call, fc) && \
		      offsetof(type, entry) == offsetof(struct ext_name_call, in))
EXT_ASSERT_NAME_CALL(struct ext_lookup_call, in);
EXT_ASSERT_CALL(struct ext_lookup_call);
EXT_ASSERT_CALL(struct ext_getattr_call);
EXT_ASSERT_CALL(struct ext_read_call);
EXT_ASSERT_CALL(struct ext_open_call);
EXT_ASSERT_CALL(struct ext_close_call);

/* Copy into the pages of a reply; the range was checked. */
void ext_read_copy(struct fuse_args_pages *ap, u32 pos, const void *from, u32 len);

#include "ext_ops.h"
#include "ext_plain.h"

/* Registration of the struct_ops type and the kfuncs */
int ext_bpf_init(void);
int ext_kfunc_register(void);

/* kfuncs, for programs only: ext_kfunc.c */
int extfuse_in_group(const struct extfuse_caller *caller, u32 gid);
u64 extfuse_caller_digest(const struct extfuse_caller *caller);
int extfuse_name_copy(const struct extfuse_lookup_in *in, void *dst, u32 dst__sz);
u64 extfuse_node_token(const struct extfuse_caller *caller, u64 nodeid);
u64 extfuse_entry_token(const struct extfuse_caller *caller, u64 parent, u32 tag);
u32 extfuse_reply_bytes(const struct extfuse_reply_bytes_in *in, void *dst, u32 dst__sz);
u32 extfuse_reply_read(const struct extfuse_reply_read_in *in, void *dst, u32 dst__sz, u64 pos);
u32 extfuse_reply_dirents(const struct extfuse_reply_dirents_in *in, void *dst, u32 dst__sz,
			  u64 start, u64 *next);
int extfuse_name_equal(const struct extfuse_lookup_in *in, const void *name, u32 name__sz);
int extfuse_read_fill(struct extfuse_read_out *out, const void *block, u32 block__sz, u64 pos,
		      u32 len);
int extfuse_bytes_put(struct extfuse_bytes_out *out, const void *data, u32 data__sz, u32 len);
int extfuse_dirents_put(struct extfuse_bytes_out *out, const void *data, u32 data__sz, u64 start,
			u32 len);

#endif /* _EXT_H */
