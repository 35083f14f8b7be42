// SPDX-License-Identifier: GPL-2.0-only
/*
 * Handlers and connections: which mount asks which handler, and for how long.
 */
#include "fuse_i.h"

#include <linux/file.h>
#include <linux/fs_context.h>
#include <linux/random.h>
#include <linux/vmalloc.h>

static DEFINE_MUTEX(ext_mutex);
static LIST_HEAD(ext_handlers);

#define EXT_WORDS_BYTES \
	(PAGE_SIZE + ((size_t)EXT_REGIONS * EXTFUSE_WORD_COUNT + EXTFUSE_MARK_COUNT) * sizeof(u64))

void ext_handler_put(struct ext_handler *handler)
{
	if (handler && refcount_dec_and_test(&handler->refs))
		kfree_rcu(handler, rcu);
}

int ext_attach_register(const struct extfuse_handler_ops *ops, struct bpf_link *link)
{
	struct ext_handler *handler;

	/* A handler is named by its link's descriptor; a map alone has none. */
	if (!link)
		return -EOPNOTSUPP;

	handler = kzalloc(sizeof(*handler), GFP_KERNEL);
	if (!handler)
		return -ENOMEM;
	refcount_set(&handler->refs, 1);
	INIT_LIST_HEAD(&handler->conns);
	handler->link = link;
	RCU_INIT_POINTER(handler->ops, ops);
	ext_reply_attached(&handler->replies, ext_reply_members(ops));

	mutex_lock(&ext_mutex);
	list_add(&handler->list, &ext_handlers);
	mutex_unlock(&ext_mutex);
	return 0;
}

/* What a connection with these programs, or none, has to ask about. */
static void ext_conn_observe(struct ext_conn *ec, const struct extfuse_handler_ops *ops)
{
	lockdep_assert_held(&ext_mutex);
	WRITE_ONCE(ec->observed, ops ? ext_observed_by(ops) : 0);
}

static struct ext_handler *ext_handler_find(const void *link)
{
	struct ext_handler *handler;

	lockdep_assert_held(&ext_mutex);
	list_for_each_entry(handler, &ext_handlers, list)
		if (handler->link == link)
			return handler;
	return NULL;
}

/*
 * The link goes: detached, or its last descriptor closed. Mounts that used it
 * stay and are plain FUSE. BPF frees the programs after grace periods of its own.
 */
void ext_attach_unregister(struct bpf_link *link)
{
	struct ext_handler *handler;
	struct ext_conn *ec, *next;

	mutex_lock(&ext_mutex);
	handler = ext_handler_find(link);
	if (handler) {
		list_del(&handler->list);
		handler->link = NULL;
		RCU_INIT_POINTER(handler->ops, NULL);
		list_for_each_entry_safe(ec, next, &handler->conns, bound) {
			RCU_INIT_POINTER(ec->handler, NULL);
			ext_conn_observe(ec, NULL);
			list_del_init(&ec->bound);
			ext_changed(ec, EXT_MOUNT_WORD);
			/* Not the last one: the registration's is put below. */
			refcount_dec(&handler->refs);
		}
	}
	mutex_unlock(&ext_mutex);
	if (handler)
		ext_reply_attached(&handler->replies, false);
	ext_handler_put(handler);
}

int ext_attach_update(const struct extfuse_handler_ops *ops, struct bpf_link *link)
{
	struct ext_handler *handler;
	struct ext_conn *ec;
	int err = -ENOENT;

	mutex_lock(&ext_mutex);
	handler = ext_handler_find(link);
	if (handler) {
		rcu_assign_pointer(handler->ops, ops);
		/* What the old one let us remember need not please the new one. */
		list_for_each_entry(ec, &handler->conns, bound) {
			ext_conn_observe(ec, ops);
			ext_changed(ec, EXT_MOUNT_WORD);
		}
		err = 0;
	}
	mutex_unlock(&ext_mutex);
	/* BPF holds the link: the handler stays. */
	if (!err)
		ext_reply_attached(&handler->replies, ext_reply_members(ops));
	return err;
}

/*
 * The handler whose link this descriptor is, with a reference. Holding the
 * descriptor is the authority. Any file may be given: its private data is
 * compared, not followed, and only a link's file has a registered link there.
 */
struct ext_handler *ext_handler_get(int fd)
{
	struct ext_handler *handler;
	struct file *file = fget(fd);

	if (!file)
		return ERR_PTR(-EBADF);

	mutex_lock(&ext_mutex);
	handler = file->private_data ? ext_handler_find(file->private_data) : NULL;
	if (handler)
		refcount_inc(&handler->refs);
	mutex_unlock(&ext_mutex);
	fput(file);
	return handler ?: ERR_PTR(-EINVAL);
}

int ext_parse_handler(struct fs_context *fsc, int fd)
{
	struct fuse_fs_context *ctx = fsc->fs_private;
	struct ext_handler *handler;

	if (ctx->ext_handler)
		return invalfc(fsc, "Multiple handlers specified");

	handler = ext_handler_get(fd);
	if (IS_ERR(handler))
		return invalfc(fsc, "handler=%d is not the link of an attached extfuse handler",
			       fd);
	ctx->ext_handler = handler;
	return 0;
}

static int ext_conn_switch(struct ext_conn *ec, struct ext_handler *handler, bool dying)
{
	const struct extfuse_handler_ops *ops = NULL;
	struct ext_handler *old;

	mutex_lock(&ext_mutex);
	/* A handler detached meanwhile has no link any more. */
	if (ec->dying || (handler && (!handler->link || !READ_ONCE(ec->fc->connected)))) {
		mutex_unlock(&ext_mutex);
		return -ENOTCONN;
	}
	ec->dying = dying;
	old = rcu_dereference_protected(ec->handler, lockdep_is_held(&ext_mutex));
	if (old)
		list_del_init(&ec->bound);
	if (handler) {
		refcount_inc(&handler->refs);
		list_add(&ec->bound, &handler->conns);
	}
	rcu_assign_pointer(ec->handler, handler);
	if (handler)
		ops = rcu_dereference_protected(handler->ops, lockdep_is_held(&ext_mutex));
	ext_conn_observe(ec, ops);
	/* After the new one is visible: nothing that the old one said is left. */
	if (!EXT_MISTAKE(DETACHED_NOT_MARKED))
		ext_changed(ec, EXT_MOUNT_WORD);
	mutex_unlock(&ext_mutex);
	ext_handler_put(old);
	return 0;
}

/* Takes a reference of its own. NULL: none. */
int ext_conn_bind(struct ext_conn *ec, struct ext_handler *handler)
{
	return ext_conn_switch(ec, handler, false);
}

static void ext_words_describe(struct extfuse_words_header *header, u64 seed)
{
	const u64 region = (u64)EXTFUSE_WORD_COUNT * sizeof(u64);

	header->magic = EXTFUSE_WORDS_MAGIC;
	header->abi_version = EXTFUSE_ABI_VERSION;
	header->bytes = EXT_WORDS_BYTES;
	header->seed = seed;
	header->node_offset = PAGE_SIZE + EXT_NODE * region;
	header->name_offset = PAGE_SIZE + EXT_NAME * region;
	header->behind_offset = PAGE_SIZE + EXT_BEHIND * region;
	header->node_count = EXTFUSE_WORD_COUNT;
	header->name_count = EXTFUSE_WORD_COUNT;
	header->behind_count = EXTFUSE_WORD_COUNT;
	header->data_offset = PAGE_SIZE + EXT_DATA * region;
	header->data_count = EXTFUSE_WORD_COUNT;
	header->xattr_offset = PAGE_SIZE + EXT_XATTR * region;
	header->xattr_count = EXTFUSE_WORD_COUNT;
	header->marks_offset = PAGE_SIZE + EXT_REGIONS * region;
	header->marks_count = EXTFUSE_MARK_COUNT;
	header->mount_word = EXTFUSE_EPOCH_ONE;
	header->mount_data_word = EXTFUSE_EPOCH_ONE;
	header->changes = 1;
}

int ext_conn_init(struct fuse_conn *fc, struct ext_handler *handler)
{
	struct extfuse_words_header *header;
	struct ext_conn *ec;

	static_assert(sizeof(struct extfuse_words_header) <= PAGE_SIZE);
	static_assert(sizeof(atomic64_t) == sizeof(u64));

	ec = kzalloc(sizeof(*ec), GFP_KERNEL_ACCOUNT);
	if (!ec)
		return -ENOMEM;
	ec->fc = fc;
	INIT_LIST_HEAD(&ec->bound);
	ec->counters = alloc_percpu_gfp(struct ext_counters, GFP_KERNEL_ACCOUNT);
	if (!ec->counters)
		goto out_free;
	if (ext_backings_init(ec))
		goto out_counters;
	header = __vmalloc(EXT_WORDS_BYTES, GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	if (!header)
		goto out_backings;

	/*
	 * The daemon can write the header as well as the words. The driver reads
	 * neither seed nor geometry from there.
	 */
	ec->seed = get_random_u64();
	ext_words_describe(header, ec->seed);
	ec->words = (void *)header + PAGE_SIZE;

	/* Without a handler until the connection can be asked for one. */
	fc->ext = ec;
	return handler ? ext_conn_bind(ec, handler) : 0;

out_backings:
	ext_backings_free(ec);
out_counters:
	free_percpu(ec->counters);
out_free:
	kfree(ec);
	return -ENOMEM;
}

/* The connection's last reference goes; RCU readers may still look at it. */
void ext_conn_unbind(struct fuse_conn *fc)
{
	if (!fc->ext)
		return;
	ext_conn_switch(fc->ext, NULL, true);
	ext_backings_drop(fc->ext);
}

/* After an RCU grace period. A daemon that still maps the words keeps the pages. */
void ext_conn_free(struct fuse_conn *fc)
{
	struct ext_conn *ec = fc->ext;

	if (!ec)
		return;
	fc->ext = NULL;
	vfree(ext_header(ec));
	ext_backings_free(ec);
	free_percpu(ec->counters);
	kfree(ec);
}

/* NULL until a mount has been made on the device. */
static struct fuse_dev *ext_dev(struct file *file)
{
	return READ_ONCE(file->private_data);
}

int ext_dev_mmap(struct file *file, struct vm_area_struct *vma)
{
	unsigned long pages = vma_pages(vma), i;
	struct fuse_dev *fud = ext_dev(file);
	int err = 0;

	if (!fud)
		return -ENOTCONN;
	if (!(vma->vm_flags & VM_SHARED) || vma->vm_pgoff > EXT_WORDS_BYTES / PAGE_SIZE ||
	    pages > EXT_WORDS_BYTES / PAGE_SIZE - vma->vm_pgoff)
		return -EINVAL;
	vm_flags_set(vma, VM_DONTEXPAND | VM_DONTDUMP);
	for (i = 0; i < pages && !err; i++) {
		void *page = (void *)ext_header(fud->fc->ext) + (vma->vm_pgoff + i) * PAGE_SIZE;

		err = vm_insert_page(vma, vma->vm_start + i * PAGE_SIZE, vmalloc_to_page(page));
	}
	return err;
}

static long ext_ioctl_bind(struct ext_conn *ec, struct extfuse_bind __user *arg)
{
	struct ext_handler *handler = NULL;
	struct extfuse_bind bind;
	int err;

	if (copy_from_user(&bind, arg, sizeof(bind)))
		return -EFAULT;
	if (bind.size != sizeof(bind) || bind.flags)
		return -EINVAL;
	if (bind.link_fd >= 0) {
		handler = ext_handler_get(bind.link_fd);
		if (IS_ERR(handler))
			return PTR_ERR(handler);
	}
	err = ext_conn_bind(ec, handler);
	ext_handler_put(handler);
	return err;
}

static long ext_ioctl_stats(struct ext_conn *ec, struct extfuse_stats __user *arg)
{
	struct extfuse_stats *stats;
	u32 version, size;
	long err = 0;
	int cpu, i;
	size_t k;

	if (get_user(version, &arg->abi_version) || get_user(size, &arg->size))
		return -EFAULT;
	if (version != EXTFUSE_ABI_VERSION)
		return -EPROTO;
	if (size != sizeof(*stats))
		return -EINVAL;

	stats = kzalloc(sizeof(*stats), GFP_KERNEL);
	if (!stats)
		return -ENOMEM;
	stats->abi_version = version;
	stats->size = size;
	stats->backing_files = ext_backing_count(ec);
	for_each_possible_cpu(cpu) {
		const struct ext_counters *counters = per_cpu_ptr(ec->counters, cpu);

		stats->sent_total += READ_ONCE(counters->sent_total);
		stats->opened_late += READ_ONCE(counters->opened_late);
		stats->backing_opens += READ_ONCE(counters->backing_opens);
		for (i = 0; i < EXTFUSE_OP_COUNT; i++) {
			const u64 *from = (const u64 *)&counters->op[i];
			u64 *to = (u64 *)&stats->op[i];

			for (k = 0; k < sizeof(stats->op[i]) / sizeof(u64); k++)
				to[k] += READ_ONCE(from[k]);
		}
	}
	if (copy_to_user(arg, stats, sizeof(*stats)))
		err = -EFAULT;
	kfree(stats);
	return err;
}

long ext_dev_ioctl(struct file *file, unsigned int cmd, void __user *arg)
{
	struct fuse_dev *fud = ext_dev(file);

	switch (cmd) {
	case EXTFUSE_IOC_BIND:
	case EXTFUSE_IOC_STATS:
	case EXTFUSE_IOC_BACKING_SET:
	case EXTFUSE_IOC_BACKING_CLEAR:
	case EXTFUSE_IOC_DECLARE:
		break;
	default:
		return -ENOTTY;
	}
	if (!fud)
		return -ENOTCONN;
	switch (cmd) {
	case EXTFUSE_IOC_BIND:
		return ext_ioctl_bind(fud->fc->ext, arg);
	case EXTFUSE_IOC_STATS:
		return ext_ioctl_stats(fud->fc->ext, arg);
	case EXTFUSE_IOC_DECLARE:
		return ext_ioctl_declare(fud->fc->ext, arg);
	default:
		return ext_ioctl_backing(fud->fc->ext, cmd, arg);
	}
}

/* 1 + the operation that a request is counted for; 0: none */
static const u8 ext_sent_op[] = {
	[FUSE_LOOKUP] = 1 + EXTFUSE_OP_LOOKUP,
	[FUSE_GETATTR] = 1 + EXTFUSE_OP_GETATTR,
	[FUSE_STATX] = 1 + EXTFUSE_OP_GETATTR,
	[FUSE_READ] = 1 + EXTFUSE_OP_READ,
	[FUSE_GETXATTR] = 1 + EXTFUSE_OP_GETXATTR,
	[FUSE_LISTXATTR] = 1 + EXTFUSE_OP_LISTXATTR,
	[FUSE_READLINK] = 1 + EXTFUSE_OP_READLINK,
	[FUSE_STATFS] = 1 + EXTFUSE_OP_STATFS,
	[FUSE_ACCESS] = 1 + EXTFUSE_OP_ACCESS,
	[FUSE_LSEEK] = 1 + EXTFUSE_OP_LSEEK,
	[FUSE_READDIR] = 1 + EXTFUSE_OP_READDIR,
	[FUSE_READDIRPLUS] = 1 + EXTFUSE_OP_READDIR,
	[FUSE_OPEN] = 1 + EXTFUSE_OP_OPEN,
	[FUSE_OPENDIR] = 1 + EXTFUSE_OP_OPENDIR,
	[FUSE_FLUSH] = 1 + EXTFUSE_OP_FLUSH,
	[FUSE_RELEASE] = 1 + EXTFUSE_OP_RELEASE,
	[FUSE_RELEASEDIR] = 1 + EXTFUSE_OP_RELEASEDIR,
	[FUSE_WRITE] = 1 + EXTFUSE_OP_WRITE,
	[FUSE_SETATTR] = 1 + EXTFUSE_OP_SETATTR,
	[FUSE_CREATE] = 1 + EXTFUSE_OP_CREATE,
	[FUSE_MKNOD] = 1 + EXTFUSE_OP_CREATE,
	[FUSE_MKDIR] = 1 + EXTFUSE_OP_CREATE,
	[FUSE_SYMLINK] = 1 + EXTFUSE_OP_CREATE,
	[FUSE_LINK] = 1 + EXTFUSE_OP_CREATE,
	[FUSE_TMPFILE] = 1 + EXTFUSE_OP_CREATE,
};

void ext_count_sent(struct ext_conn *ec, u32 opcode)
{
	u32 op = opcode < ARRAY_SIZE(ext_sent_op) ? ext_sent_op[opcode] : 0;

	this_cpu_inc(ec->counters->sent_total);
	if (op)
		ext_count(ec, op - 1, sent);
}

int ext_init(void)
{
	ext_data_init();
	return ext_bpf_init();
}
