/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Some files, served by a wrapped program, and what none of the patched ones does:
 * "sync" is answered as usual, "async" by another thread, "live" says of each reply
 * that it must not be kept; "one" and "other" are two names and nodes of one file,
 * answered by another thread; what is read of "large" is spliced, and must not be kept.
 * Opening is not seen. Signals make changes behind the mount:
 *   SIGUSR1  the first three files grow by a byte; fuse_lowlevel_notify_*() says so
 *   SIGUSR2  the same, said by libfuse's own functions, as a program would that is not wrapped
 */
#define _GNU_SOURCE
#define FUSE_USE_VERSION FUSE_MAKE_VERSION(3, 12)
#include <extfuse/wrap.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { SYNC = 2, ASYNC, LIVE, ONE, OTHER, LARGE, FILES_END };
enum { LARGE_SIZE = 65536 };

static const char *const names[FILES_END] = {
	[SYNC] = "sync", [ASYNC] = "async", [LIVE] = "live",
	[ONE] = "one",   [OTHER] = "other", [LARGE] = "large",
};
static atomic_int length = 1;
static atomic_int twins_length = 1;
static int large; /* a descriptor of its contents */
static struct fuse_session *se;

static int fill(fuse_ino_t ino, struct stat *st)
{
	memset(st, 0, sizeof(*st));
	st->st_ino = ino;
	st->st_nlink = 1;
	st->st_mode = ino == FUSE_ROOT_ID ? S_IFDIR | 0755 : S_IFREG | 0644;
	st->st_size = length;
	if (ino == ONE || ino == OTHER) {
		st->st_nlink = 2;
		st->st_size = twins_length;
	}
	if (ino == LARGE)
		st->st_size = LARGE_SIZE;
	return ino == FUSE_ROOT_ID || (ino >= SYNC && ino < FILES_END) ? 0 : -1;
}

/* A reply, and who sends it. */
struct reply {
	fuse_req_t req;
	fuse_ino_t ino;
	int entry;
};

static void *send_reply(void *arg)
{
	struct reply *r = arg;
	struct fuse_entry_param e = {.ino = r->ino};

	if (fill(r->ino, &e.attr) < 0) {
		fuse_reply_err(r->req, ENOENT);
	} else {
		if (r->ino == LIVE)
			extfuse_mark_reply(extfuse_wrapped(se), EXTFUSE_SCOPE_NONE,
					   EXTFUSE_SCOPE_NONE, 0);
		if (r->entry)
			fuse_reply_entry(r->req, &e);
		else
			fuse_reply_attr(r->req, &e.attr, 0);
	}
	free(r);
	return NULL;
}

static void reply(fuse_req_t req, fuse_ino_t ino, int entry)
{
	struct reply *r = malloc(sizeof(*r));
	pthread_t thread;

	*r = (struct reply){req, ino, entry};
	if ((ino == ASYNC || ino == ONE || ino == OTHER) &&
	    pthread_create(&thread, NULL, send_reply, r) == 0)
		pthread_detach(thread);
	else
		send_reply(r);
}

static void fs_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	fuse_ino_t ino = SYNC;

	(void)parent;
	while (ino < FILES_END && strcmp(names[ino], name) != 0)
		ino++;
	reply(req, ino, 1);
}

static void fs_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)fi;
	reply(req, ino, 0);
}

static void fs_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set,
		       struct fuse_file_info *fi)
{
	(void)fi;
	if ((ino == ONE || ino == OTHER) && (to_set & FUSE_SET_ATTR_SIZE))
		twins_length = (int)attr->st_size;
	reply(req, ino, 0);
}

static void fs_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	fuse_reply_open(req, fi);
}

static void fs_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
		    struct fuse_file_info *fi)
{
	static const char text[] = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
	struct stat st;

	(void)fi;
	fill(ino, &st);
	if (offset > st.st_size)
		offset = st.st_size;
	if (size > (size_t)(st.st_size - offset))
		size = (size_t)(st.st_size - offset);
	if (ino == LARGE) {
		struct fuse_bufvec data = FUSE_BUFVEC_INIT(size);

		data.buf[0].flags = FUSE_BUF_IS_FD | FUSE_BUF_FD_SEEK;
		data.buf[0].fd = large;
		data.buf[0].pos = offset;
		extfuse_mark_reply(extfuse_wrapped(se), EXTFUSE_SCOPE_NONE, EXTFUSE_SCOPE_NONE, 0);
		fuse_reply_data(req, &data, 0);
	} else if (size < sizeof(text)) {
		fuse_reply_buf(req, text, size);
	} else {
		fuse_reply_err(req, EFBIG);
	}
}

static void fs_init(void *userdata, struct fuse_conn_info *conn)
{
	(void)userdata;
	conn->want |= conn->capable & FUSE_CAP_SPLICE_WRITE;
}

static const struct fuse_lowlevel_ops ops = {
	.init = fs_init,
	.lookup = fs_lookup,
	.getattr = fs_getattr,
	.setattr = fs_setattr,
	.open = fs_open,
	.read = fs_read,
};

static const struct extfuse_wrap_config config = {
	.size = sizeof(config),
	.node_per_name = 1,
	.op_scope[EXTFUSE_OP_OPEN] = EXTFUSE_SCOPE_ALL,
};

static void *change(void *arg)
{
	sigset_t *set = arg;
	int sig;

	while (sigwait(set, &sig) == 0) {
		length++;
		for (fuse_ino_t ino = SYNC; ino <= LIVE; ino++) {
			if (sig == SIGUSR1)
				fuse_lowlevel_notify_inval_inode(se, ino, 0, 0);
			else
				(fuse_lowlevel_notify_inval_inode)(se, ino, 0, 0);
		}
		fprintf(stderr, "changed: %d\n", length);
	}
	return NULL;
}

int main(int argc, char *argv[])
{
	struct fuse_args args = FUSE_ARGS_INIT(argc, argv);
	struct fuse_cmdline_opts opts;
	pthread_t thread;
	sigset_t set;
	int ret = 1;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	if (fuse_parse_cmdline(&args, &opts) != 0 || !opts.mountpoint)
		return 1;
	large = memfd_create("large", MFD_CLOEXEC);
	if (large < 0 || ftruncate(large, LARGE_SIZE) < 0)
		return 1;
	se = extfuse_session_new(&args, &ops, sizeof(ops), NULL, &config);
	if (se && fuse_set_signal_handlers(se) == 0 &&
	    fuse_session_mount(se, opts.mountpoint) == 0 &&
	    pthread_create(&thread, NULL, change, &set) == 0) {
		ret = fuse_session_loop_mt(se, NULL) != 0;
		fuse_session_unmount(se);
	}
	if (se)
		fuse_session_destroy(se);
	free(opts.mountpoint);
	fuse_opt_free_args(&args);
	return ret;
}
