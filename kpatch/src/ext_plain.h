/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Daemons that do not know that opens are answered without them. Included by ext.h.
 *
 * Such a daemon may name a file by its path: it has to learn of an open file before
 * its name goes. And what it lists may be a copy that it made for this open file, so
 * that offsets mean nothing to another: a directory is listed wholly from one answer
 * of a handler, or wholly by the daemon.
 */
#ifndef _EXT_PLAIN_H
#define _EXT_PLAIN_H

/* Bytes; a directory with more in it is not kept. */
#define EXT_LISTING_MAX (512U << 10)

enum ext_listing_state {
	EXT_LISTING_NONE, /* nothing is known of what the reader has seen */
	EXT_LISTING_BUILDING, /* what the daemon has replied, from the start on */
	EXT_LISTING_WHOLE, /* all, from a handler */
};

/* In struct fuse_file, of a directory. */
struct ext_listing {
	struct mutex lock;	/* all but token and changes */
	enum ext_listing_state state;
	/*
	 * Of the directory, and how many changes there were on the mount, both sampled
	 * before the daemon was told of the open; no lock.
	 */
	u64 token;
	u64 changes;
	u64 end;		/* offset behind the last entry */
	u64 next_offset;	/* of an entry, and the byte behind it: */
	u32 next;		/* where the next request is going to begin */
	u32 size;		/* bytes of entries, as READDIR replies them */
	u32 room;
	char *data;
	const struct cred *reader; /* if WHOLE: for whom alone, a reference; NULL: for all */
};

struct ext_reply_dirents_call {
	struct fuse_conn *fc;
	struct extfuse_reply_dirents_in in;
	struct ext_listing *listing; /* its lock is held */
};

struct ext_listing *ext_listing_alloc(void);
/* The daemon is about to be told of the open. */
void ext_listing_sample(struct ext_listing *listing, struct ext_conn *ec, u64 nodeid);
void ext_listing_free(struct ext_listing *listing);
/* Is a handler shown what directories contain? */
bool ext_listings_wanted(struct fuse_conn *fc);
/* For READDIR and READDIRPLUS of such a file: as ext_readdir(). */
int ext_listing_answer(struct fuse_mount *fm, struct fuse_args *args, ssize_t *ret);
/* Entries behind the offset start, as many as fit. Bytes; *end: that was all. */
u32 ext_listing_copy(struct ext_listing *listing, u64 start, void *to, u32 room, bool *end);
void ext_listing_add(struct file *file, const struct fuse_args *args, u64 offset,
		     const void *data, ssize_t res);

/* READDIR or READDIRPLUS has returned res, or so many bytes. */
static inline void ext_listed(struct file *file, const struct fuse_args *args, u64 offset,
			      const void *data, ssize_t res)
{
	const struct fuse_file *ff = file->private_data;

	if (unlikely(ff->ext.listing))
		ext_listing_add(file, args, offset, data, res);
}

/* May a handler answer opens by EXTFUSE_FILE_PLAIN? One that is shown what daemons reply. */
static inline bool ext_opens_plain(const struct extfuse_handler_ops *ops)
{
	return ops->reply_open || (ops->flags & EXTFUSE_HANDLER_ALL_REPLIES);
}

/* Does the daemon have to be told of opens before it removes a name? */
bool ext_is_plain(const struct ext_conn *ec);
/*
 * A handler has opened it under this token. False: that has moved since, and nobody
 * knows of the file: to be opened by the daemon instead. May sleep.
 */
bool ext_plain_opened(struct inode *inode, struct fuse_file *ff, u64 token);
/*
 * A name of the inode is about to go; its node is in flight. -EINTR: not before the
 * daemon has been told, which was interrupted. One at a time: the VFS has locked the
 * inode, or a directory's only name. May sleep.
 */
int ext_plain_tell(struct inode *inode);
/* The last name of the inode, if there is one, may be about to go. */
void ext_plain_removing(struct inode *inode);
/* Has the file of this RELEASE lost its last name? */
bool ext_plain_closes(const struct ext_conn *ec, struct fuse_args *args);
void ext_plain_released(struct fuse_inode *fi, struct fuse_file *ff);

/* The file is closed; before anything of it is freed. */
static inline void ext_file_released(struct fuse_inode *fi, struct fuse_file *ff)
{
	if (unlikely(ff->ext.listing || test_bit(EXT_FILE_PLAIN, &ff->ext.state)))
		ext_plain_released(fi, ff);
}

#endif /* _EXT_PLAIN_H */
