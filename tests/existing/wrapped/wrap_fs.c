/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Three files, served by a wrapped program, and what none of the patched ones does:
 * "sync" is answered as usual, "async" by another thread, "live" says of each reply
 * that it must not be kept. Signals make changes behind the mount:
 *   SIGUSR1  all files grow by a byte; fuse_lowlevel_notify_*() says so
 *   SIGUSR2  the same, said by libfuse's own functions, as a program would that is not wrapped
 */
#define FUSE_USE_VERSION FUSE_MAKE_VERSION(3, 12)
#include <extfuse/wrap.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SYNC = 2, ASYNC, LIVE, FILES_END };

static const char *const names[FILES_END] = {[SYNC] = "sync", [ASYNC] = "async", [LIVE] = "live"};
static atomic_int length = 1;
static struct fuse_session *se;

static int fill(fuse_ino_t ino, struct stat *st)
{
	memset(st, 0, sizeof(*st));
	st->st_ino = ino;
	st->st_nlink = 1;
	st->st_mode = ino == FUSE_ROOT_ID ? S_IFDIR | 0755 : S_IFREG | 0644;
	st->st_size = length;
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
	if (ino == ASYNC && pthread_create(&thread, NULL, send_reply, r) == 0)
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

static const struct fuse_lowlevel_ops ops = {.lookup = fs_lookup, .getattr = fs_getattr};

static void *change(void *arg)
{
	sigset_t *set = arg;
	int sig;

	while (sigwait(set, &sig) == 0) {
		length++;
		for (fuse_ino_t ino = SYNC; ino < FILES_END; ino++) {
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
	se = fuse_session_new(&args, &ops, sizeof(ops), NULL);
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
