/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An existing libfuse3 program on the extfuse driver, by one line:
 *
 *     #include <extfuse/wrap.h>          // instead of <fuse_lowlevel.h> or <fuse.h>
 *
 * and linking with libextfuse. fuse_session_new(), fuse_main() and their company are
 * then those below: the session is mounted on the driver if there is one (else on
 * stock FUSE, with one warning), replies of all handlers are kept in the kernel, and
 * notifications of changes outdate what is kept. No handler is changed, and none is
 * called in another way.
 *
 * By that line the author promises (docs/wrapping.md says it at length) that what a
 * handler replies holds until a request of this mount changes it, or until the
 * program says so by fuse_lowlevel_notify_*(), fuse_invalidate_path() or
 * extfuse_invalidate_*(). Timeouts of replies do not limit that.
 *
 * With EXTFUSE_WRAP_EXPLICIT defined nothing is replaced, and the program calls the
 * functions below by their own names.
 *
 * Threads and errors: as the libfuse functions of the same name.
 */
#ifndef EXTFUSE_WRAP_H
#define EXTFUSE_WRAP_H

#include <extfuse/extfuse.h>
#include <fuse.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One session that is, or is going to be, wrapped. Owned by the library. */
struct extfuse_wrap;

/* As a bit of .leave */
#define EXTFUSE_WRAP_OP(op) (1U << (op))

/*
 * What is kept, and for whom; zero means "default" for every member. .size as in
 * struct extfuse_config. Operations are of enum extfuse_op: LOOKUP stands for names
 * (those of CREATE, MKNOD, MKDIR, SYMLINK and LINK, too), GETATTR for attributes
 * (those in entries, and of SETATTR, too), READDIR for what is in directories. Others than
 * these, GETXATTR, LISTXATTR, READLINK, STATFS, ACCESS, LSEEK, READ, OPEN and OPENDIR are
 * refused: nothing of them is kept.
 */
struct extfuse_wrap_config {
	size_t size;
	uint32_t leave; /* EXTFUSE_WRAP_OP() of operations whose replies are not kept */
	/* 1: two names of one file have different node ids, so that a change by one
	 * is not known to be a change of the other: files with more than one link
	 * are not kept. The path API always has it so.
	 */
	unsigned node_per_name;
	/* Who may have a reply. Default: KERNEL on mounts with default_permissions,
	 * CALLER on others.
	 */
	enum extfuse_scope scope;
	/* The same of one operation. Default: .scope; READ: ALL, as with the page cache;
	 * STATFS: not kept, others may use the space behind it; OPEN, OPENDIR (for
	 * reading): not kept, but by config.cache EXTFUSE_CACHE_PRIVATE, which is also what
	 * READDIR needs.
	 */
	enum extfuse_scope op_scope[EXTFUSE_OP_COUNT];
	const struct extfuse_config *config; /* of extfuse_new(); NULL: defaults */
};

/*
 * Who mounts can override it: -o extfuse_leave=OP:OP:... adds to .leave,
 * -o extfuse_scope=kernel|all|uid|caller is .scope. Beside them, the options of
 * extfuse_new(); with cache=timeouts replies are not marked, and of scopes counts only
 * whether attributes are for their callers alone.
 */

/*
 * The session of a request: for extfuse_mark_reply(), which overrides what the above
 * says of the reply that is sent next (EXTFUSE_SCOPE_NONE: not kept), for
 * extfuse_invalidate_*(), extfuse_get_stats() and others. se NULL: of the request that
 * this thread has taken last. NULL: not wrapped.
 */
EXTFUSE_API struct extfuse *extfuse_wrapped(struct fuse_session *se);

/*
 * Parts of extfuse_session_new() and extfuse_fuse_new(). begin takes options out of args;
 * NULL: a bad option or configuration, or more sessions than 16; it has been logged. ops
 * give a copy with an init() of ours, valid until end. end takes the session that was
 * made, or NULL if that failed, and returns it; w is the session's then.
 */
EXTFUSE_API struct extfuse_wrap *extfuse_wrap_begin(struct fuse_args *args,
						    const struct extfuse_wrap_config *config);
EXTFUSE_API const struct fuse_lowlevel_ops *extfuse_wrap_ops(struct extfuse_wrap *w,
							     const struct fuse_lowlevel_ops *ops,
							     size_t size);
EXTFUSE_API const struct fuse_operations *extfuse_wrap_path_ops(struct extfuse_wrap *w,
								const struct fuse_operations *ops,
								size_t size);
EXTFUSE_API struct fuse_session *extfuse_wrap_end(struct extfuse_wrap *w, struct fuse_session *se);

/* As fuse_session_new(); config may be NULL. */
static inline struct fuse_session *extfuse_session_new(struct fuse_args *args,
						       const struct fuse_lowlevel_ops *ops,
						       size_t size, void *userdata,
						       const struct extfuse_wrap_config *config)
{
	struct extfuse_wrap *w = extfuse_wrap_begin(args, config);
	const struct fuse_lowlevel_ops *copy;
	struct fuse_session *se = NULL;

	if (!w)
		return NULL;
	copy = extfuse_wrap_ops(w, ops, size);
	if (copy)
		se = fuse_session_new(args, copy, size, userdata);
	return extfuse_wrap_end(w, se);
}

/* As fuse_new(); config may be NULL. */
static inline struct fuse *extfuse_fuse_new(struct fuse_args *args,
					    const struct fuse_operations *ops, size_t size,
					    void *userdata,
					    const struct extfuse_wrap_config *config)
{
	struct extfuse_wrap *w = extfuse_wrap_begin(args, config);
	const struct fuse_operations *copy;
	struct fuse *f = NULL;

	if (!w)
		return NULL;
	copy = extfuse_wrap_path_ops(w, ops, size);
	if (copy)
		f = fuse_new(args, copy, size, userdata);
	extfuse_wrap_end(w, f ? fuse_get_session(f) : NULL);
	return f;
}

/* As fuse_main(); config may be NULL. */
EXTFUSE_API int extfuse_main(int argc, char *argv[], const struct fuse_operations *ops, size_t size,
			     void *userdata, const struct extfuse_wrap_config *config);

/* As the libfuse functions of that name, also of sessions that are not wrapped. */
EXTFUSE_API int extfuse_session_mount(struct fuse_session *se, const char *mountpoint);
EXTFUSE_API void extfuse_session_unmount(struct fuse_session *se);
EXTFUSE_API void extfuse_session_destroy(struct fuse_session *se);
EXTFUSE_API int extfuse_fuse_mount(struct fuse *f, const char *mountpoint);
EXTFUSE_API void extfuse_fuse_unmount(struct fuse *f);
EXTFUSE_API void extfuse_fuse_destroy(struct fuse *f);
EXTFUSE_API void extfuse_cmdline_help(void);

/* What is kept is outdated first, then the kernel is told as ever. */
EXTFUSE_API int extfuse_notify_inval_inode(struct fuse_session *se, fuse_ino_t ino, off_t off,
					   off_t len);
EXTFUSE_API int extfuse_notify_inval_entry(struct fuse_session *se, fuse_ino_t parent,
					   const char *name, size_t namelen);
EXTFUSE_API int extfuse_notify_expire_entry(struct fuse_session *se, fuse_ino_t parent,
					    const char *name, size_t namelen);
EXTFUSE_API int extfuse_notify_delete(struct fuse_session *se, fuse_ino_t parent, fuse_ino_t child,
				      const char *name, size_t namelen);

#ifdef __cplusplus
}
#endif

#ifndef EXTFUSE_WRAP_EXPLICIT
#undef fuse_session_new
#undef fuse_new
#undef fuse_main
#define fuse_session_new(args, ops, size, userdata)                                                \
	extfuse_session_new(args, ops, size, userdata, NULL)
#define fuse_session_mount(se, mountpoint) extfuse_session_mount(se, mountpoint)
#define fuse_session_unmount(se) extfuse_session_unmount(se)
#define fuse_session_destroy(se) extfuse_session_destroy(se)
#define fuse_new(args, ops, size, userdata) extfuse_fuse_new(args, ops, size, userdata, NULL)
#define fuse_main(argc, argv, ops, userdata)                                                       \
	extfuse_main(argc, argv, ops, sizeof(*(ops)), userdata, NULL)
#define fuse_mount(f, mountpoint) extfuse_fuse_mount(f, mountpoint)
#define fuse_unmount(f) extfuse_fuse_unmount(f)
#define fuse_destroy(f) extfuse_fuse_destroy(f)
#define fuse_cmdline_help() extfuse_cmdline_help()
#define fuse_lowlevel_notify_inval_inode(se, ino, off, len)                                        \
	extfuse_notify_inval_inode(se, ino, off, len)
#define fuse_lowlevel_notify_inval_entry(se, parent, name, namelen)                                \
	extfuse_notify_inval_entry(se, parent, name, namelen)
#define fuse_lowlevel_notify_expire_entry(se, parent, name, namelen)                               \
	extfuse_notify_expire_entry(se, parent, name, namelen)
#define fuse_lowlevel_notify_delete(se, parent, child, name, namelen)                              \
	extfuse_notify_delete(se, parent, child, name, namelen)
#endif

#endif /* EXTFUSE_WRAP_H */
