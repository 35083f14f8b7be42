/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libextfuse: what a libfuse3 low-level daemon links to have its requests
 * answered in the kernel.
 *
 *     struct fuse_args args = FUSE_ARGS_INIT(argc, argv);
 *     struct extfuse_config cfg = { .size = sizeof(cfg) };
 *     struct extfuse *x;
 *     if (extfuse_new(&x, &args, &cfg) < 0)              // takes its options out of args
 *             return 1;
 *     struct fuse_session *se = fuse_session_new(&args, &ops, sizeof(ops), x);
 *     if (extfuse_mount(x, se, mountpoint) < 0)          // instead of fuse_session_mount
 *             return 1;
 *     fuse_session_loop(se);
 *     extfuse_unmount(x);                                // instead of fuse_session_unmount
 *     fuse_session_destroy(se);
 *     extfuse_destroy(x);
 *
 * and in a handler, tokens before the backing store is read:
 *
 *     struct extfuse_token t = extfuse_token_entry(x, parent, name);
 *     struct extfuse_snapshot s = extfuse_snapshot_now(x);
 *     ... fstatat, find or make the node ...
 *     struct extfuse_token n = extfuse_token_node_since(x, e.ino, s);
 *     extfuse_reply_entry(x, req, parent, name, &e, t, n, EXTFUSE_SCOPE_KERNEL);
 *
 * Errors: functions that return int give 0 or a positive count on success and a
 * negative errno on failure; what happened, to what, and what to do about it
 * goes to the log callback. Nothing throws. An insertion that is not possible
 * (stale token, cache off, slot busy) is not an error: the reply is sent, the
 * next request goes up again.
 *
 * Threads: extfuse_token_*, extfuse_snapshot_now, extfuse_put_*, extfuse_reply_*, extfuse_mark_*,
 * extfuse_invalidate_* and extfuse_get_stats may be called from any thread at any time between
 * extfuse_mount and extfuse_unmount, from inside a request handler too; they take no lock
 * and never wait. All others: one thread at a time per object.
 */
#ifndef EXTFUSE_EXTFUSE_H
#define EXTFUSE_EXTFUSE_H

#ifndef FUSE_USE_VERSION
#define FUSE_USE_VERSION FUSE_MAKE_VERSION(3, 17)
#endif
#include <fuse_lowlevel.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/statvfs.h>
#include <sys/types.h>

#include <extfuse/abi.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define EXTFUSE_API __attribute__((visibility("default")))
#else
#define EXTFUSE_API
#endif

/* One mount. Owned by the caller of extfuse_new(). */
struct extfuse;

/* ------------------------------------------------------------------------ */
/* Configuration                                                            */

enum extfuse_log_level {
	EXTFUSE_LOG_ERROR = 0,
	EXTFUSE_LOG_WARNING = 1,
	EXTFUSE_LOG_INFO = 2,
	EXTFUSE_LOG_DEBUG = 3,
};

/* msg: one line without newline, valid during the call. Any thread. */
typedef void (*extfuse_log_fn)(void *userdata, enum extfuse_log_level level, const char *msg);

/* Where requests are answered when the fast path is not to be had. */
enum extfuse_fallback {
	EXTFUSE_FALLBACK_STOCK = 0, /* one warning, then mount on /dev/fuse */
	EXTFUSE_FALLBACK_FAIL = 1, /* extfuse_mount() fails */
};

/* Which driver to mount on. */
enum extfuse_driver {
	EXTFUSE_DRIVER_EXTFUSE = 0,
	EXTFUSE_DRIVER_STOCK = 1, /* /dev/fuse, nothing cached: for comparison */
};

/*
 * Whom a reply without a mark is kept for, under a policy (enum extfuse_policy).
 * AUTO: where the kernel checks permissions (default_permissions), everybody, as
 * the kernel lets them; where nobody but the mount's owner may use it (no
 * allow_other), the owner; else CALLER. Data is everybody's who could open.
 */
enum extfuse_cache_for {
	EXTFUSE_CACHE_FOR_AUTO = 0,
	EXTFUSE_CACHE_FOR_CALLER = 1, /* same fsuid, fsgid and groups as who asked */
	EXTFUSE_CACHE_FOR_ALL = 2, /* the user declares: replies do not depend on who asks */
};

/* Zero means "default" for every member. .size must be sizeof(struct
 * extfuse_config); a larger one with a non-zero tail is refused (-E2BIG).
 */
struct extfuse_config {
	size_t size;
	enum extfuse_driver driver;
	enum extfuse_fallback fallback;
	unsigned no_handler; /* 1: extfuse driver, but no BPF handler attached */
	unsigned no_remember; /* 1: every answer comes from the handler, none is
			       * remembered in dentries and inodes
			       */
	/* Entries each cache has room for; rounded up to a power of two of buckets.
	 * Defaults 131072, 4096, 131072, 4096 blocks of 4 KiB, 65536, 4096: with
	 * max_opens 81 MiB a mount, docs/handlers.md has the parts.
	 */
	uint32_t max_names;
	uint32_t max_long_names; /* names of more than EXTFUSE_NAME_INLINE bytes */
	uint32_t max_attrs;
	uint32_t max_blocks;
	uint32_t max_objects; /* extended attributes, link targets and the like */
	uint32_t max_dirs; /* directories' entries (2 KiB each), and sets of all names */
	extfuse_log_fn log; /* default: standard error */
	void *log_userdata;
	enum extfuse_log_level log_level; /* 0 means EXTFUSE_LOG_WARNING */
	uint32_t max_opens; /* as max_names; default 131072 */
	unsigned reply_hooks; /* 1: see "Reply hooks" below */
	/* A handler in place of the library's own, see "Handlers" below; at most one of
	 * the two. Read at the latest by extfuse_mount(), valid until then.
	 */
	const char *handler_file; /* path of a BPF object */
	const void *handler_object; /* the object's bytes */
	size_t handler_object_size;
	/* What is kept of replies that say nothing of caching: see "Policies" below */
	enum extfuse_policy cache;
	enum extfuse_cache_for cache_for;
	unsigned cache_links; /* 1: all names of a file have the same node */
	unsigned follow_atime; /* 1: PRIVATE outdates what was read, for its access time */
};

/*
 * Make an object, not mounted yet. Takes extfuse's own options out of args
 * (-o extfuse=auto|require|stock, handler=FILE, no_handler, no_remember, reply_hooks,
 * max_names=N, max_long_names=N, max_attrs=N, max_blocks=N, max_objects=N, max_dirs=N, max_opens=N,
 * cache=annotated|timeouts|private, cache_for=auto|caller|all, cache_links, follow_atime;
 * they override cfg), reads the mount options that fuse_session_new() reads as well (allow_other,
 * default_permissions, fsname=, subtype=, ro, nodev, ...), leaves those in
 * args, and leaves all others alone. args and cfg may be NULL.
 * -EINVAL: bad option or cfg; -E2BIG: see above; -ENOMEM.
 */
EXTFUSE_API int extfuse_new(struct extfuse **out, struct fuse_args *args,
			    const struct extfuse_config *cfg);

/* Text for --help, of the options above. */
EXTFUSE_API const char *extfuse_option_help(void);

/* Unmount if mounted, and free. NULL is allowed. */
EXTFUSE_API void extfuse_destroy(struct extfuse *x);

/* ------------------------------------------------------------------------ */
/* Mounting                                                                 */

/*
 * Load and attach the handler, mount, and hand the device to the session.
 * Replaces fuse_session_mount(). The session must have been made from the args
 * given to extfuse_new(). -ENODEV: no driver (module extfuse not loaded);
 * -EPERM: missing CAP_SYS_ADMIN, CAP_BPF or CAP_PERFMON; -EPROTO: driver of
 * another ABI version; -ENOTDIR, -ENOENT, -EBUSY: the mount point.
 */
EXTFUSE_API int extfuse_mount(struct extfuse *x, struct fuse_session *se, const char *mountpoint);

/*
 * The same for a program that has no session of this process: mount, and give the
 * device to whoever is to serve. *fd (owned by the caller, close-on-exec) is
 * what such a program expects of /dev/fuse after mount(2); poll(2) says POLLERR when
 * the mount is over. user, group: whose mount it is. Nothing is annotated then: replies are kept by
 * a policy of the handler, or not at all. This object keeps a descriptor of its own, so that the
 * connection outlives the one who serves; extfuse_unmount() ends both.
 * mountpoint may be "/proc/self/fd/N": whatever is opened (O_PATH) there.
 * Errors as extfuse_mount(); never falls back to stock FUSE.
 */
EXTFUSE_API int extfuse_mount_device(struct extfuse *x, const char *mountpoint, uid_t user,
				     gid_t group, int *fd);

/* Unmount and detach. Nothing happens if not mounted. */
EXTFUSE_API void extfuse_unmount(struct extfuse *x);

/* 1: mounted on the extfuse driver, 0: on stock FUSE or not mounted. */
EXTFUSE_API int extfuse_active(const struct extfuse *x);

/* 1: the mount was made with default_permissions: EXTFUSE_SCOPE_KERNEL is usable. */
EXTFUSE_API int extfuse_default_permissions(const struct extfuse *x);

/* Detach the handler while mounted, and attach it again (everything cached
 * before is forgotten). -ENOTCONN: not mounted on the extfuse driver.
 */
EXTFUSE_API int extfuse_detach(struct extfuse *x);
EXTFUSE_API int extfuse_attach(struct extfuse *x);

/* ------------------------------------------------------------------------ */
/* Handlers                                                                 */

/*
 * With config.handler_file, .handler_object or -o handler=FILE a mount has that
 * handler in place of the library's own: a BPF object with one table of operations
 * (docs/handlers.md). If it includes <extfuse/cache.bpf.h> it has the library's caches,
 * which are sized, filled, switched and counted as ever; if it has none, nothing is
 * put. Such a mount is made with its handler or not at all: extfuse_mount() fails where
 * it would otherwise fall back to stock FUSE, and says what is wrong with the object:
 * -ENOENT and others of open(2), -ENOEXEC: no BPF object with BTF; -EPROTO: built for
 * another version of the ABI; -EINVAL, -EACCES: the verifier refuses it (its last lines
 * are logged as errors), or the object has no table, or a part of the caches.
 */

/*
 * Load the handler now, in place of by extfuse_mount(), which attaches it: to fill maps
 * of its own before the first request. Errors as above, or as extfuse_mount();
 * -ENOTCONN: there is to be none (no_handler, stock FUSE).
 */
EXTFUSE_API int extfuse_load_handler(struct extfuse *x);

/*
 * Descriptor of a map of the loaded handler, by the name it has in the source (".bss",
 * ".data": its variables). Owned by x, until extfuse_unmount() or a mount that failed.
 * -ENOENT: no such map; -ENOTCONN: no handler is loaded.
 */
EXTFUSE_API int extfuse_handler_map_fd(const struct extfuse *x, const char *name);

/*
 * Use another handler than the library's: link_fd is a bpf_link of a struct
 * extfuse_handler_ops that the caller loaded and attached; a copy is kept. Before
 * extfuse_mount(), or while mounted (as detach and attach). -1: the library's
 * own again. What is put serves the library's handler only.
 */
EXTFUSE_API int extfuse_use_handler(struct extfuse *x, int link_fd);

/*
 * Promise that entries are stable: that every node id in what is put means the same
 * file until extfuse_unmount(), so that such a node is never freed, nor its id used
 * again. Then names that were put are hits though the kernel has never seen them,
 * and putting the entries of a directory (extfuse_put_entries(), with tokens for
 * names and nodes) is to prefetch it. Their lookups are not counted and not
 * forgotten. A node without links may be freed once a FORGET of 0 lookups has come
 * and none are counted; its id must not be used again. After extfuse_mount(), before
 * anything is put; cannot be taken back. -ENOTCONN: not mounted on the extfuse driver: nothing is
 * promised, nodes may be freed as usual.
 */
EXTFUSE_API int extfuse_declare_stable(struct extfuse *x);

/* Switch the library's caches off (they answer nothing, every call is a miss) and on,
 * one operation or all (op = EXTFUSE_OP_COUNT). A store in shared memory.
 * -EOPNOTSUPP: the handler has none.
 */
EXTFUSE_API int extfuse_set_enabled(struct extfuse *x, enum extfuse_op op, int enabled);

/* As config no_remember, while mounted; what is remembered already stays. */
EXTFUSE_API int extfuse_set_remember(struct extfuse *x, int remember);

/* ------------------------------------------------------------------------ */
/* Tokens                                                                   */

/*
 * Proof that nothing changed since it was taken. Take it *before* the backing
 * store is read, keep it on the stack, give it to put or reply. A token taken
 * while a change is in flight, or with no driver, is not cacheable.
 */
struct extfuse_token {
	uint64_t word; /* 0: not cacheable */
	uint64_t behind; /* of the node; 0 for names */
};

EXTFUSE_API struct extfuse_token extfuse_token_entry(struct extfuse *x, fuse_ino_t parent,
						     const char *name);
EXTFUSE_API struct extfuse_token extfuse_token_node(struct extfuse *x, fuse_ino_t node);
/* Of the extended attributes that writing to the file does not change. */
EXTFUSE_API struct extfuse_token extfuse_token_xattr(struct extfuse *x, fuse_ino_t node);
/* Of the whole file system, for statfs: moved by every change of any node. */
EXTFUSE_API struct extfuse_token extfuse_token_fs(struct extfuse *x);

/*
 * For a node that is not known before the backing store is read, as in a lookup:
 * the snapshot before, the token for data read since then. Not cacheable if
 * anything at all has changed on the mount in between: who wants it nevertheless
 * takes extfuse_token_node() and reads again.
 */
struct extfuse_snapshot {
	uint64_t changes; /* 0: no driver */
};

EXTFUSE_API struct extfuse_snapshot extfuse_snapshot_now(struct extfuse *x);
EXTFUSE_API struct extfuse_token extfuse_token_node_since(struct extfuse *x, fuse_ino_t node,
							  struct extfuse_snapshot since);

/*
 * The same, from inside the handler of a request that itself changes this
 * entry (create, mknod, mkdir, symlink, link: the new name) or this node
 * (setattr). The driver holds exactly one change in flight on it, this one; the
 * token is what the word becomes when the request ends, if nobody else changes
 * it. Never use it for anything that the request at hand does not change.
 */
EXTFUSE_API struct extfuse_token extfuse_token_changed_entry(struct extfuse *x, fuse_ino_t parent,
							     const char *name);
EXTFUSE_API struct extfuse_token extfuse_token_changed_node(struct extfuse *x, fuse_ino_t node);

/* ------------------------------------------------------------------------ */
/* Populating                                                               */

/*
 * Put one answer into the maps. 1: stored, 0: not stored (token not cacheable or
 * passed, cache off, slot busy, scope none), negative errno: wrong arguments.
 * No system call, except for EXTFUSE_SCOPE_CALLER: it reads the caller's groups
 * from /proc each time, for they may change.
 * caller: who the answer was computed for (fuse_req_ctx()); may be NULL for
 * EXTFUSE_SCOPE_KERNEL and EXTFUSE_SCOPE_ALL.
 */

/* e->ino 0 or e NULL: the name does not exist. Stores the name, and with a
 * cacheable node token the attributes too. attr_scope: usually
 * EXTFUSE_SCOPE_ALL, stat asks for no permission on the file itself.
 */
EXTFUSE_API int extfuse_put_entry(struct extfuse *x, const struct fuse_ctx *caller,
				  fuse_ino_t parent, const char *name,
				  const struct fuse_entry_param *e, struct extfuse_token entry,
				  struct extfuse_token node, enum extfuse_scope entry_scope,
				  enum extfuse_scope attr_scope);

EXTFUSE_API int extfuse_put_attr(struct extfuse *x, const struct fuse_ctx *caller, fuse_ino_t node,
				 const struct stat *attr, struct extfuse_token token,
				 enum extfuse_scope scope);

/*
 * File data: len bytes at offset, which must be a multiple of
 * EXTFUSE_BLOCK_SIZE; a last partial block only up to file_size, which is the
 * size of the whole file under the same token. Returns the number of blocks
 * stored.
 */
EXTFUSE_API int extfuse_put_data(struct extfuse *x, const struct fuse_ctx *caller, fuse_ino_t node,
				 uint64_t offset, const void *data, size_t len, uint64_t file_size,
				 struct extfuse_token token, enum extfuse_scope scope);

/*
 * How a file or directory is opened: as caller was allowed to just now, with these
 * EXTFUSE_FILE_*, and without the daemon, which is told (OPEN, OPENDIR) only when a
 * request needs its handle. Says nothing of opens with O_TRUNC, and of opens for
 * writing only with EXTFUSE_FILE_BACKING and EXTFUSE_FILE_WRITE.
 */
EXTFUSE_API int extfuse_put_open(struct extfuse *x, const struct fuse_ctx *caller, fuse_ino_t node,
				 unsigned flags, struct extfuse_token token,
				 enum extfuse_scope scope);

/* One answer of a batch: members as the arguments of extfuse_put_entry(). */
struct extfuse_batch_entry {
	const char *name;
	const struct fuse_entry_param *e;
	struct extfuse_token entry;
	struct extfuse_token node;
};

/* Many entries of one directory, as a directory read finds them. Returns the
 * number stored.
 */
EXTFUSE_API int extfuse_put_entries(struct extfuse *x, const struct fuse_ctx *caller,
				    fuse_ino_t parent, const struct extfuse_batch_entry *batch,
				    size_t count, enum extfuse_scope entry_scope,
				    enum extfuse_scope attr_scope);

/*
 * Answers of up to EXTFUSE_OBJECT_MAX bytes about one node. Longer ones are not
 * stored (0).
 */

/* The token is of extfuse_token_xattr() instead of extfuse_token_node(): writing,
 * truncating and flushing neither make nor change nor remove this attribute. True
 * of "security.capability" only while there is none, a write removes it.
 */
#define EXTFUSE_XATTR_KEPT (1U << 0)

/*
 * An extended attribute; value NULL: the node has none of this name (ENODATA).
 * Names of more than EXTFUSE_NAME_INLINE bytes are not stored. scope: the kernel
 * checks that the caller may read a file whose user.* attributes it asks for if
 * the mount has default_permissions (EXTFUSE_SCOPE_KERNEL); who may see trusted.*
 * depends on capabilities that no scope knows of: never put those.
 */
EXTFUSE_API int extfuse_put_xattr(struct extfuse *x, const struct fuse_ctx *caller, fuse_ino_t node,
				  const char *name, const void *value, size_t size,
				  struct extfuse_token token, enum extfuse_scope scope,
				  unsigned flags);
/* Names of all extended attributes, each with its terminating zero. */
EXTFUSE_API int extfuse_put_xattr_list(struct extfuse *x, const struct fuse_ctx *caller,
				       fuse_ino_t node, const char *list, size_t size,
				       struct extfuse_token token, enum extfuse_scope scope);
/* Target of a symbolic link. */
EXTFUSE_API int extfuse_put_readlink(struct extfuse *x, const struct fuse_ctx *caller,
				     fuse_ino_t node, const char *target,
				     struct extfuse_token token, enum extfuse_scope scope);
/* token: of extfuse_token_fs(). Only for a file system whose space nobody else uses,
 * or whose daemon calls extfuse_invalidate_all() when somebody does.
 */
EXTFUSE_API int extfuse_put_statfs(struct extfuse *x, const struct fuse_ctx *caller,
				   fuse_ino_t node, const struct statvfs *st,
				   struct extfuse_token token, enum extfuse_scope scope);
/* error: 0, EACCES, EPERM or EROFS, what fuse_reply_err() is given. Not asked for
 * with default_permissions.
 */
EXTFUSE_API int extfuse_put_access(struct extfuse *x, const struct fuse_ctx *caller,
				   fuse_ino_t node, int mask, int error, struct extfuse_token token,
				   enum extfuse_scope scope);
/* SEEK_DATA or SEEK_HOLE from offset on: found at result, or negative: ENXIO. */
EXTFUSE_API int extfuse_put_lseek(struct extfuse *x, const struct fuse_ctx *caller, fuse_ino_t node,
				  off_t offset, int whence, off_t result,
				  struct extfuse_token token, enum extfuse_scope scope);

/*
 * A part of a directory, as fuse_add_direntry() made it for the reply to READDIR
 * at offset; last: nothing is behind it. All parts that were put under a token
 * make up the listing, it does not matter where one ends. A part in which two entries
 * in a row have the same offset is not stored. Take the token before
 * the directory was opened or rewound if its stream shows what was there then.
 * READDIRPLUS is answered from it too while the kernel knows the names, without
 * attributes. Returns the number of chunks stored.
 */
EXTFUSE_API int extfuse_put_dir(struct extfuse *x, const struct fuse_ctx *caller, fuse_ino_t node,
				off_t offset, const void *entries, size_t size, int last,
				struct extfuse_token token, enum extfuse_scope scope);

/*
 * These are all names of a directory ("." and ".." may be among them): every other
 * name is answered with "does not exist" until the directory changes. At most
 * EXTFUSE_NAMES_MAX, else it is not stored. token: of extfuse_token_node(), taken
 * before the directory was opened or rewound. scope: who may search the directory.
 */
EXTFUSE_API int extfuse_put_names(struct extfuse *x, const struct fuse_ctx *caller, fuse_ino_t node,
				  const char *const *names, size_t count,
				  struct extfuse_token token, enum extfuse_scope scope);

/*
 * Annotated replies: put, then the fuse_reply_* of the same name. Return what
 * fuse_reply_* returns. The caller is the request's.
 * extfuse_reply_negative() replies an entry with ino 0 (cached by our handler,
 * timeout 0) if the driver is ours, ENOENT on stock.
 */
EXTFUSE_API int extfuse_reply_entry(struct extfuse *x, fuse_req_t req, fuse_ino_t parent,
				    const char *name, const struct fuse_entry_param *e,
				    struct extfuse_token entry, struct extfuse_token node,
				    enum extfuse_scope entry_scope, enum extfuse_scope attr_scope);
EXTFUSE_API int extfuse_reply_negative(struct extfuse *x, fuse_req_t req, fuse_ino_t parent,
				       const char *name, struct extfuse_token entry,
				       enum extfuse_scope scope);
EXTFUSE_API int extfuse_reply_create(struct extfuse *x, fuse_req_t req, fuse_ino_t parent,
				     const char *name, const struct fuse_entry_param *e,
				     const struct fuse_file_info *fi, struct extfuse_token entry,
				     struct extfuse_token node, enum extfuse_scope entry_scope,
				     enum extfuse_scope attr_scope);
EXTFUSE_API int extfuse_reply_attr(struct extfuse *x, fuse_req_t req, fuse_ino_t node,
				   const struct stat *attr, double attr_timeout,
				   struct extfuse_token token, enum extfuse_scope scope);

/*
 * To GETXATTR and LISTXATTR with room for so many bytes: the value, its size if
 * room is 0, or ERANGE; value NULL: ENODATA.
 */
EXTFUSE_API int extfuse_reply_getxattr(struct extfuse *x, fuse_req_t req, fuse_ino_t node,
				       const char *name, size_t room, const void *value,
				       size_t size, struct extfuse_token token,
				       enum extfuse_scope scope, unsigned flags);
EXTFUSE_API int extfuse_reply_listxattr(struct extfuse *x, fuse_req_t req, fuse_ino_t node,
					size_t room, const char *list, size_t size,
					struct extfuse_token token, enum extfuse_scope scope);
EXTFUSE_API int extfuse_reply_readlink(struct extfuse *x, fuse_req_t req, fuse_ino_t node,
				       const char *target, struct extfuse_token token,
				       enum extfuse_scope scope);
EXTFUSE_API int extfuse_reply_statfs(struct extfuse *x, fuse_req_t req, fuse_ino_t node,
				     const struct statvfs *st, struct extfuse_token token,
				     enum extfuse_scope scope);
EXTFUSE_API int extfuse_reply_access(struct extfuse *x, fuse_req_t req, fuse_ino_t node, int mask,
				     int error, struct extfuse_token token,
				     enum extfuse_scope scope);
EXTFUSE_API int extfuse_reply_lseek(struct extfuse *x, fuse_req_t req, fuse_ino_t node,
				    off_t offset, int whence, off_t result,
				    struct extfuse_token token, enum extfuse_scope scope);
EXTFUSE_API int extfuse_reply_readdir(struct extfuse *x, fuse_req_t req, fuse_ino_t node,
				      off_t offset, const void *entries, size_t size, int last,
				      struct extfuse_token token, enum extfuse_scope scope);

/* ------------------------------------------------------------------------ */
/* Reply hooks                                                              */

/*
 * With reply_hooks, nothing is put by the annotated replies above: they mark the
 * reply, and the driver lets the handler keep it on its way back, under tokens that
 * the driver itself has sampled before it sent the request. Their tokens are not
 * looked at, so none need be taken, and the caller's groups are not read from /proc.
 * A mark is a store in shared memory. extfuse_put_*() works as ever.
 *
 * The session must have been made for extfuse_mount(); it takes requests and sends
 * replies by fuse_session_custom_io(). A reply that libfuse splices (fuse_reply_data()
 * from a file) costs a few system calls more if it is marked. Not marked: one that another
 * thread sends, and those of extfuse_reply_readdir(), which are put.
 */

/* 1: mounted on the extfuse driver, and replies are marked. */
EXTFUSE_API int extfuse_reply_hooks(const struct extfuse *x);

/*
 * Mark the reply that this thread sends next by fuse_reply_*(), which must be right
 * after this call: to LOOKUP, MKNOD, MKDIR, SYMLINK, LINK, CREATE (scope of the name,
 * attr_scope of the attributes), GETATTR, SETATTR, GETXATTR, LISTXATTR, READLINK,
 * STATFS, ACCESS, LSEEK or READ (scope alone). ENOENT to LOOKUP, ENODATA to GETXATTR
 * are kept as well. flags: EXTFUSE_XATTR_KEPT. 1: it will be; 0: not, there are no
 * reply hooks or no scope; -EINVAL. In a wrapped session (wrap.h) this overrides
 * what the session says of its replies, EXTFUSE_SCOPE_NONE too.
 */
EXTFUSE_API int extfuse_mark_reply(const struct extfuse *x, enum extfuse_scope scope,
				   enum extfuse_scope attr_scope, unsigned flags);
/* Not so, if it was not sent after all. */
EXTFUSE_API void extfuse_unmark_reply(void);

/* ------------------------------------------------------------------------ */
/* Policies                                                                 */

/*
 * For daemons that know nothing of caching: the stock handler keeps what they reply,
 * with no mark and nothing put, by config.cache; docs/handlers.md has what each
 * operation gets.
 *   EXTFUSE_CACHE_ANNOTATED  nothing: what is kept is marked, or put.
 *   EXTFUSE_CACHE_TIMEOUTS   attributes, as long as the reply's timeout allows, so that
 *     reading a file does not cost the next stat() a request. All else that a timeout
 *     speaks of the kernel keeps by itself.
 *   EXTFUSE_CACHE_PRIVATE    all, whatever timeouts say, for as long as nothing of it is
 *     changed through this mount. The user declares that nobody changes the files
 *     otherwise; that a file of one link has one node, or none that is written by
 *     another; that what a file contains does not depend on who reads it (unless
 *     it is opened with FOPEN_DIRECT_IO); that opening for reading does nothing
 *     that anybody sees. Access times are those of the last reply that told them,
 *     unless config.follow_atime. Not kept: how full the file system is, trusted.*
 *     and unknown extended attributes, what files of several links are and have
 *     (unless config.cache_links), failed requests but "no such name",
 *     "no such attribute" and access denied to access(2).
 */

/* ------------------------------------------------------------------------ */
/* Backing files                                                            */

/*
 * Let opens of this node read and write fd's file directly, data only, from the
 * next open on that the daemon answers or that was put with EXTFUSE_FILE_BACKING;
 * as EXTFUSE_IOC_BACKING_SET in <extfuse/abi.h>, which has the rules and errors. A
 * system call. fd may be closed afterwards. token: of the node, taken before fd
 * was opened. limit: how many the driver keeps, 0: as before. The session must
 * have asked for FUSE_CAP_PASSTHROUGH. -ENOTCONN: not mounted on the extfuse driver.
 */
EXTFUSE_API int extfuse_register_backing(struct extfuse *x, fuse_ino_t node, int fd,
					 struct extfuse_token token, uint32_t limit);
/* -ENOENT: there is none. */
EXTFUSE_API int extfuse_unregister_backing(struct extfuse *x, fuse_ino_t node);

/* ------------------------------------------------------------------------ */
/* Invalidating                                                             */

/*
 * For changes made behind the mount: when the call returns, no answer computed
 * before it is served. A few atomic additions in shared memory, whatever
 * is cached; no system call, no lock. An entry: its directory's attributes, listing
 * and set of names as well. Pages of the node in the page cache are
 * dropped by the next read or open.
 */
EXTFUSE_API void extfuse_invalidate_node(struct extfuse *x, fuse_ino_t node);
EXTFUSE_API void extfuse_invalidate_entry(struct extfuse *x, fuse_ino_t parent, const char *name);
EXTFUSE_API void extfuse_invalidate_all(struct extfuse *x);

/* ------------------------------------------------------------------------ */
/* Statistics                                                               */

struct extfuse_counters {
	size_t size; /* in: sizeof(struct extfuse_counters) */
	struct extfuse_stats driver; /* as the driver counts */
	struct extfuse_op_counters handler[EXTFUSE_OP_COUNT]; /* summed over CPUs */
	uint64_t put_entry, put_attr, put_data; /* stored by this process */
	uint64_t put_object, put_dir, put_names;
	uint64_t put_refused; /* not stored: token, scope, busy slot */
	uint64_t evicted; /* a live slot of another key was replaced */
	uint64_t map_bytes; /* memory of all maps and words */
	uint64_t put_open; /* stored by this process */
};

/* -ENOTCONN: not mounted on the extfuse driver (out is zeroed). */
EXTFUSE_API int extfuse_get_stats(struct extfuse *x, struct extfuse_counters *out);

/* "0.1.0" */
EXTFUSE_API const char *extfuse_version(void);

#ifdef __cplusplus
}
#endif

#endif /* EXTFUSE_EXTFUSE_H */
