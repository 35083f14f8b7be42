// SPDX-License-Identifier: GPL-2.0-only
/*
 * OPEN and OPENDIR without the daemon, and what follows from it: a file that it
 * has not seen has no handle. The driver asks for one, in the name of who opened,
 * when a request needs it; a file that is closed before is closed in silence.
 */
#include "ext_call.h"
#include "ext_validate.h"

#include <linux/cred.h>
#include <linux/wait_bit.h>

#define EXT_FILE_FLAGS \
	(EXTFUSE_FILE_KEEP_CACHE | EXTFUSE_FILE_DIRECT_IO | EXTFUSE_FILE_BACKING | \
	 EXTFUSE_FILE_PLAIN)
#define EXT_DIR_FLAGS (EXTFUSE_FILE_KEEP_CACHE | EXTFUSE_FILE_CACHE_DIR | EXTFUSE_FILE_PLAIN)

static enum extfuse_op ext_open_op(bool isdir)
{
	return isdir ? EXTFUSE_OP_OPENDIR : EXTFUSE_OP_OPEN;
}

static bool ext_open_valid(const struct extfuse_handler_ops *ops, const struct file *file,
			   bool isdir, u32 open_flags)
{
	if ((open_flags & EXTFUSE_FILE_PLAIN) && !ext_opens_plain(ops))
		return false;
	if (open_flags & ~(isdir ? EXT_DIR_FLAGS : EXT_FILE_FLAGS))
		return false;
	if (open_flags & EXTFUSE_FILE_BACKING)
		return open_flags == EXTFUSE_FILE_BACKING;
	/* Dirty pages need a handle where none can be waited for. */
	return !(file->f_mode & FMODE_WRITE);
}

/* With preemption disabled. EXTFUSE_HIT: fresh after it was given, and valid. */
static int ext_open_ask(struct ext_open_call *call, const struct inode *inode,
			const struct file *file, bool isdir)
{
	struct fuse_conn *fc = call->fc;
	enum extfuse_op op = ext_open_op(isdir);
	struct extfuse_open_out *out = &call->out;
	const struct extfuse_handler_ops *ops;
	u32 index;
	int ret;

	if (!ext_caller_fill(fc, inode->i_sb, &call->in.caller))
		return EXT_UPCALL;
	call->in.hash = extfuse_node_hash(fc->ext->seed, call->in.nodeid);
	index = (EXT_NODE << EXTFUSE_WORD_COUNT_LOG2) |
		EXTFUSE_WORD_INDEX(call->in.hash, EXTFUSE_WORD_COUNT);
	call->in.word = ext_sum(fc->ext, index);
	call->in.file_flags = file->f_flags;
	call->in.op = op;
	call->in.reserved = 0;
	*out = (struct extfuse_open_out){};

	/* After the token, see ext_lookup_ask() */
	ops = ext_ops(fc->ext);
	if (!ops || !(isdir ? ops->opendir : ops->open))
		return EXT_UPCALL;
	ret = isdir ? ops->opendir(&call->in, out) : ops->open(&call->in, out);
	ret = ext_fresh_verdict(fc, op, ret, out->flags, out->word, call->in.word,
				ext_sum(fc->ext, index));
	if (ret != EXTFUSE_HIT)
		return ret;
	if (!ext_open_valid(ops, file, isdir, out->open_flags)) {
		ext_count(fc->ext, op, invalid);
		return EXT_UPCALL;
	}
	return EXTFUSE_HIT;
}

static bool ext_only_reads(const struct file *file)
{
	return (file->f_mode & (FMODE_READ | FMODE_WRITE)) == FMODE_READ;
}

/* Of opens for reading: who may read may not write. */
static void ext_open_remember(struct fuse_inode *fi, const struct file *file,
			      const struct extfuse_open_out *out)
{
	if (!ext_only_reads(file) || !ext_may_remember(out->flags))
		return;
	spin_lock(&fi->lock);
	WRITE_ONCE(fi->ext.open_flags, out->open_flags);
	/* Pairs with the acquire in ext_open_warm() */
	smp_store_release(&fi->ext.open_word, out->word | EXT_WARM);
	spin_unlock(&fi->lock);
}

/*
 * Tokens only grow: flags that were stored under another word than the one read
 * before them fail the comparison after.
 */
static bool ext_open_warm(const struct fuse_inode *fi, const struct ext_conn *ec, u32 *open_flags,
			  u64 *word)
{
	/* Pairs with the release in ext_open_remember() */
	u64 remembered = smp_load_acquire(&fi->ext.open_word);

	if (!(remembered & EXT_WARM))
		return false;
	*open_flags = READ_ONCE(fi->ext.open_flags);
	*word = remembered & ~EXT_WARM;
	return *word == ext_node_token(ec, fi->nodeid);
}

/*
 * EXTFUSE_HIT, EXT_UPCALL or an error. backing: the node's file, if the answer is it;
 * word: token of the answer.
 */
static int ext_open_answer(struct inode *inode, const struct file *file, bool isdir,
			   struct fuse_backing **backing, u32 *open_flags, u64 *word)
{
	struct fuse_conn *fc = get_fuse_conn(inode);
	struct fuse_inode *fi = get_fuse_inode(inode);
	enum extfuse_op op = ext_open_op(isdir);
	struct ext_open_call call __uninitialized;
	bool registered;
	int ret;

	if (isdir ? fc->no_opendir : fc->no_open)
		return EXT_UPCALL;
	registered = !isdir && ext_backing_registered(fc->ext, fi->nodeid);
	if ((file->f_flags & O_TRUNC) || (!ext_only_reads(file) && !registered))
		return EXT_UPCALL;

	if (ext_only_reads(file) && ext_open_warm(fi, fc->ext, open_flags, word)) {
		if (*open_flags & EXTFUSE_FILE_BACKING)
			*backing = ext_backing_get(fc->ext, fi->nodeid);
		if (*backing || !(*open_flags & EXTFUSE_FILE_BACKING)) {
			ext_count(fc->ext, op, warm);
			return EXTFUSE_HIT;
		}
	}
	if (!ext_usable(fc))
		return EXT_UPCALL;

	call.fc = fc;
	call.in.nodeid = fi->nodeid;
	call.in.flags = registered ? EXTFUSE_OPEN_REGISTERED : 0;
	preempt_disable();
	ret = ext_open_ask(&call, inode, file, isdir);
	preempt_enable();
	if (ret != EXTFUSE_HIT)
		return ret;
	*open_flags = call.out.open_flags;
	*word = call.out.word;
	if (*open_flags & EXTFUSE_FILE_BACKING) {
		*backing = ext_backing_get(fc->ext, fi->nodeid);
		if (!*backing) {
			ext_count(fc->ext, op, stale);
			return EXT_UPCALL;
		}
		/* Opening it here asks for no permission below. */
		if ((file->f_mode & FMODE_WRITE) && ext_backing_guarded(*backing)) {
			fuse_backing_put(*backing);
			*backing = NULL;
			return EXT_UPCALL;
		}
	}
	ext_open_remember(fi, file, &call.out);
	ext_count(fc->ext, op, hit);
	return EXTFUSE_HIT;
}

/* By the daemon, which truncates: SETATTR under another name. */
static struct fuse_file *ext_open_truncating(struct fuse_mount *fm, u64 nodeid, struct file *file)
{
	struct ext_conn *ec = fm->fc->ext;
	struct ext_marks marks = {};
	struct fuse_file *ff;
	int err;

	err = fm->fc->atomic_o_trunc ? ext_change_truncate(fm, nodeid, &marks) : 0;
	if (err)
		return ERR_PTR(err);
	ext_marks_begin_slow(ec, &marks);
	ff = fuse_file_open(fm, nodeid, file->f_flags, false);
	if (marks.count)
		ext_marks_end_slow(ec, &marks);
	return ff;
}

/* By the daemon: what it is going to list is kept, if a handler wants it. */
static struct fuse_file *ext_open_directory(struct fuse_mount *fm, u64 nodeid, struct file *file)
{
	struct ext_listing *listing = NULL;
	struct fuse_file *ff;

	if (ext_listings_wanted(fm->fc)) {
		listing = ext_listing_alloc();
		if (listing)
			ext_listing_sample(listing, fm->fc->ext, nodeid);
	}
	ff = fuse_file_open(fm, nodeid, file->f_flags, true);
	if (IS_ERR(ff) || !listing) {
		ext_listing_free(listing);
		return ff;
	}
	ff->ext.listing = listing;
	/* For ext_args_file(): its requests are to be known for its. */
	ff->ext.state |= BIT(EXT_FILE_LATE);
	return ff;
}

static struct fuse_file *ext_open_upcall(struct fuse_mount *fm, u64 nodeid, struct file *file,
					 bool isdir)
{
	struct fuse_file *ff;

	if (isdir)
		return ext_open_directory(fm, nodeid, file);
	if (unlikely(file->f_flags & O_TRUNC))
		ff = ext_open_truncating(fm, nodeid, file);
	else
		ff = fuse_file_open(fm, nodeid, file->f_flags, false);
	/* The daemon has let the caller in: the registered file will do. */
	if (!IS_ERR(ff) && !(ff->open_flags & (FOPEN_PASSTHROUGH | FOPEN_DIRECT_IO)))
		ff->ext.fb = ext_backing_get(fm->fc->ext, nodeid);
	return ff;
}

/* The daemon would want to know of this open: see ext_plain.h. */
static struct fuse_file *ext_open_plain(struct fuse_mount *fm, struct fuse_file *ff, bool isdir,
					u64 word)
{
	struct file *file = ff->ext.file;

	if (isdir) {
		ff->ext.listing = ext_listing_alloc();
		if (!ff->ext.listing) {
			fuse_file_free(ff);
			return ERR_PTR(-ENOMEM);
		}
	}
	if (likely(ext_plain_opened(file_inode(file), ff, word)))
		return ff;
	ext_listing_free(ff->ext.listing);
	fuse_file_free(ff);
	return ext_open_upcall(fm, get_node_id(file_inode(file)), file, isdir);
}

struct fuse_file *ext_file_open(struct fuse_mount *fm, u64 nodeid, struct file *file, bool isdir)
{
	struct inode *inode = file_inode(file);
	struct fuse_backing *backing = NULL;
	struct fuse_file *ff;
	u32 open_flags;
	u64 word;
	int ret;

	ret = ext_open_answer(inode, file, isdir, &backing, &open_flags, &word);
	if (ret < 0)
		return ERR_PTR(ret);
	if (ret == EXT_UPCALL)
		return ext_open_upcall(fm, nodeid, file, isdir);

	ff = fuse_file_alloc(fm, true);
	if (!ff) {
		fuse_backing_put(backing);
		return ERR_PTR(-ENOMEM);
	}
	ff->nodeid = nodeid;
	ff->ext.state = BIT(EXT_FILE_UNSEEN) | BIT(EXT_FILE_LATE);
	ff->ext.file = file;
	ff->ext.fb = backing;
	if (open_flags & EXTFUSE_FILE_KEEP_CACHE)
		ff->open_flags |= FOPEN_KEEP_CACHE;
	if (open_flags & EXTFUSE_FILE_DIRECT_IO)
		ff->open_flags |= FOPEN_DIRECT_IO;
	if (open_flags & EXTFUSE_FILE_CACHE_DIR)
		ff->open_flags |= FOPEN_CACHE_DIR;
	if (open_flags & EXTFUSE_FILE_PLAIN)
		return ext_open_plain(fm, ff, isdir, word);
	return ff;
}

static int ext_file_send_open_as(struct fuse_file *ff, const struct cred *cred,
				 struct fuse_open_out *out)
{
	const struct cred *old = override_creds(cred);
	bool isdir = S_ISDIR(file_inode(ff->ext.file)->i_mode);
	int err;

	err = fuse_send_open(ff->fm, ff->nodeid, ff->ext.file->f_flags & ~O_TRUNC,
			     isdir ? FUSE_OPENDIR : FUSE_OPEN, out);
	revert_creds(old);
	return err;
}

/*
 * As the file's opener, who may not be who reads. Permission was given when it was
 * opened, and is not taken back by what was changed since, nor by the groups of
 * who reads: then the superuser asks. EXT_FILE_TELLING is held.
 */
static int ext_file_send_open(struct fuse_file *ff)
{
	struct file *file = ff->ext.file;
	struct fuse_conn *fc = ff->fm->fc;
	bool isdir = S_ISDIR(file_inode(file)->i_mode);
	struct fuse_open_out out = {};
	struct cred *root;
	int err;

	/* Of a handler's listing nothing is left that could be kept. */
	if (ff->ext.listing)
		ext_listing_sample(ff->ext.listing, fc->ext, ff->nodeid);
	err = ext_file_send_open_as(ff, file->f_cred, &out);
	if (err == -EACCES || err == -EPERM) {
		root = prepare_creds();
		if (!root)
			return -ENOMEM;
		root->fsuid = make_kuid(fc->user_ns, 0);
		root->fsgid = make_kgid(fc->user_ns, 0);
		err = ext_file_send_open_as(ff, root, &out);
		put_cred(root);
	}
	if (err == -ENOSYS) {
		/* It has no handles: 0 is what it expects. */
		if (isdir)
			fc->no_opendir = 1;
		else
			fc->no_open = 1;
		set_bit(EXT_FILE_UNTOLD, &ff->ext.state);
		return 0;
	}
	if (!err) {
		ff->fh = out.fh;
		/*
		 * What else it says is not for a file that is open already, nor for one
		 * that somebody else is opening.
		 */
		if (!(file->f_mode & FMODE_OPENED) && !test_bit(EXT_FILE_PLAIN, &ff->ext.state))
			ff->open_flags |= out.open_flags & FOPEN_DIRECT_IO;
		this_cpu_inc(fc->ext->counters->opened_late);
	}
	return err;
}

int ext_file_tell(struct fuse_file *ff)
{
	int err = 0;

	if (wait_on_bit_lock(&ff->ext.state, EXT_FILE_TELLING, TASK_KILLABLE))
		return -EINTR;
	if (!ext_file_seen(ff)) {
		err = ext_file_send_open(ff);
		/* Pairs with the acquire in ext_file_seen(): the handle */
		if (!err)
			clear_bit_unlock(EXT_FILE_UNSEEN, &ff->ext.state);
	}
	clear_and_wake_up_bit(EXT_FILE_TELLING, &ff->ext.state);
	return err;
}

/* ------------------------------------------------------------------------ */
/* Closing                                                                  */

/* With preemption disabled, the caller filled. */
static int ext_close_ask(struct ext_close_call *call)
{
	struct fuse_conn *fc = call->fc;
	struct extfuse_close_out *out = &call->out;
	const struct extfuse_handler_ops *ops;
	int (*program)(const struct extfuse_close_in *in, struct extfuse_close_out *out);
	u32 index;
	int ret;

	call->in.hash = extfuse_node_hash(fc->ext->seed, call->in.nodeid);
	index = (EXT_NODE << EXTFUSE_WORD_COUNT_LOG2) |
		EXTFUSE_WORD_INDEX(call->in.hash, EXTFUSE_WORD_COUNT);
	call->in.word = ext_sum(fc->ext, index);
	*out = (struct extfuse_close_out){};

	/* After the token, see ext_lookup_ask() */
	ops = ext_ops(fc->ext);
	if (!ops)
		return EXT_UPCALL;
	program = call->in.op == EXTFUSE_OP_FLUSH ? ops->flush :
		  call->in.op == EXTFUSE_OP_RELEASE ? ops->release : ops->releasedir;
	if (!program)
		return EXT_UPCALL;
	ret = program(&call->in, out);
	ret = ext_fresh_verdict(fc, call->in.op, ret, out->flags, out->word, call->in.word,
				ext_sum(fc->ext, index));
	if (ret != EXTFUSE_HIT)
		return ret;
	ext_count(fc->ext, call->in.op, hit);
	return 0;
}

static int ext_flush_ask(struct inode *inode, const struct file *file)
{
	struct fuse_conn *fc = get_fuse_conn(inode);
	struct ext_close_call call __uninitialized;
	int ret = EXT_UPCALL;

	if (!ext_usable(fc))
		return EXT_UPCALL;
	call.fc = fc;
	call.in.nodeid = get_node_id(inode);
	call.in.file_flags = file->f_flags;
	call.in.op = EXTFUSE_OP_FLUSH;
	preempt_disable();
	if (ext_caller_fill(fc, inode->i_sb, &call.in.caller))
		ret = ext_close_ask(&call);
	preempt_enable();
	return ret;
}

int ext_flush(struct file *file, fl_owner_t id, bool first)
{
	struct inode *inode = file_inode(file);
	struct fuse_file *ff = file->private_data;
	int err;

	/* Any close ends the POSIX locks that its process has on the file. */
	if (READ_ONCE(get_fuse_inode(inode)->ext.locked)) {
		err = ext_file_ready(ff);
		return err ?: EXT_UPCALL;
	}
	if (!first)
		return ext_flush_ask(inode, file);
	if (ext_file_seen(ff))
		return EXT_UPCALL;
	return test_bit(EXT_FILE_BACKING, &ff->ext.state) ? ext_backing_flush(file, id) : 0;
}

bool ext_release(struct fuse_file *ff, struct fuse_args *args)
{
	struct fuse_release_args *ra = container_of(args, typeof(*ra), args);
	struct fuse_conn *fc = ff->fm->fc;
	struct ext_close_call call __uninitialized;
	int ret;

	if (ff->ext.state & (BIT(EXT_FILE_UNSEEN) | BIT(EXT_FILE_UNTOLD)))
		return true;
	if (ra->inarg.release_flags || !ext_usable(fc) ||
	    (args->opcode == FUSE_RELEASE ? fc->no_open : fc->no_opendir))
		return false;
	call.fc = fc;
	call.in.caller = (struct extfuse_caller){};
	call.in.nodeid = ff->nodeid;
	call.in.file_flags = ra->inarg.flags;
	call.in.op = args->opcode == FUSE_RELEASE ? EXTFUSE_OP_RELEASE : EXTFUSE_OP_RELEASEDIR;
	preempt_disable();
	ret = ext_close_ask(&call);
	preempt_enable();
	return ret != EXT_UPCALL;
}
