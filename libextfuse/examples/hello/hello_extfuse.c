/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A file system with one file, "hello", whose requests are answered in the
 * kernel after the first of each kind. Build it against an installed library:
 *
 *     cc hello_extfuse.c $(pkg-config --cflags --libs extfuse) -o hello_extfuse
 *
 * and run it as root, with the driver loaded: hello_extfuse -f MOUNTPOINT. Without
 * the driver it serves the same files from stock FUSE.
 */
#define FUSE_USE_VERSION FUSE_MAKE_VERSION(3, 17)
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <extfuse/extfuse.h>

#define HELLO_INO 2

static const char hello_name[] = "hello";
static const char hello_text[] = "Hello from the kernel!\n";
static struct extfuse *x;

/* The backing store of this example: it never changes. */
static int hello_stat(fuse_ino_t ino, struct stat *st)
{
	memset(st, 0, sizeof(*st));
	st->st_ino = ino;
	if (ino == FUSE_ROOT_ID) {
		st->st_mode = S_IFDIR | 0755;
		st->st_nlink = 2;
		return 0;
	}
	if (ino == HELLO_INO) {
		st->st_mode = S_IFREG | 0444;
		st->st_nlink = 1;
		st->st_size = sizeof(hello_text) - 1;
		return 0;
	}
	return -1;
}

static void hello_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	/* Tokens first, then the backing store. */
	struct extfuse_token entry = extfuse_token_entry(x, parent, name);
	struct extfuse_token node;
	struct fuse_entry_param e = {0};

	if (parent != FUSE_ROOT_ID || strcmp(name, hello_name) != 0) {
		extfuse_reply_negative(x, req, parent, name, entry, EXTFUSE_SCOPE_ALL);
		return;
	}
	e.ino = HELLO_INO;
	node = extfuse_token_node(x, e.ino);
	hello_stat(e.ino, &e.attr);
	extfuse_reply_entry(x, req, parent, name, &e, entry, node, EXTFUSE_SCOPE_ALL,
			    EXTFUSE_SCOPE_ALL);
}

static void hello_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct extfuse_token node = extfuse_token_node(x, ino);
	struct stat st;

	(void)fi;
	if (hello_stat(ino, &st) < 0)
		fuse_reply_err(req, ENOENT);
	else
		extfuse_reply_attr(x, req, ino, &st, 0, node, EXTFUSE_SCOPE_ALL);
}

static void hello_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	if (ino != HELLO_INO) {
		fuse_reply_err(req, EISDIR);
	} else if ((fi->flags & O_ACCMODE) != O_RDONLY) {
		fuse_reply_err(req, EACCES);
	} else {
		fi->direct_io = 1; /* every read is a request: for show */
		fuse_reply_open(req, fi);
	}
}

static void hello_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		       struct fuse_file_info *fi)
{
	struct extfuse_token node = extfuse_token_node(x, ino);
	const size_t length = sizeof(hello_text) - 1;

	(void)fi;
	extfuse_put_data(x, fuse_req_ctx(req), ino, 0, hello_text, length, length, node,
			 EXTFUSE_SCOPE_ALL);
	if ((size_t)off >= length)
		fuse_reply_buf(req, NULL, 0);
	else
		fuse_reply_buf(req, hello_text + off, size < length - off ? size : length - off);
}

static const struct fuse_lowlevel_ops hello_ops = {
	.lookup = hello_lookup,
	.getattr = hello_getattr,
	.open = hello_open,
	.read = hello_read,
};

static void show_counters(void)
{
	static const char *const ops[EXTFUSE_OP_COUNT] = {
		"lookup", "getattr", "read",       "getxattr", "listxattr", "readlink",
		"statfs", "access",  "lseek",      "readdir",  "open",      "opendir",
		"flush",  "release", "releasedir", "write",    "setattr",   "create"};
	struct extfuse_counters c = {.size = sizeof(c)};

	if (extfuse_get_stats(x, &c) < 0)
		return;
	for (int op = 0; op < EXTFUSE_OP_COUNT; op++)
		printf("%-8s in the kernel: %llu remembered, %llu by the handler; to the daemon: "
		       "%llu\n",
		       ops[op], c.driver.op[op].warm, c.driver.op[op].hit, c.driver.op[op].sent);
}

int main(int argc, char *argv[])
{
	struct fuse_args args = FUSE_ARGS_INIT(argc, argv);
	struct extfuse_config config = {.size = sizeof(config)};
	struct fuse_cmdline_opts opts;
	struct fuse_session *se = NULL;
	int ret = 1;

	if (extfuse_new(&x, &args, &config) < 0)
		return 1;
	if (fuse_parse_cmdline(&args, &opts) != 0)
		goto out_destroy;
	if (opts.show_help || !opts.mountpoint) {
		printf("usage: %s [options] MOUNTPOINT\n\n%s", argv[0], extfuse_option_help());
		fuse_lowlevel_help();
		ret = !opts.show_help;
		goto out_args;
	}
	se = fuse_session_new(&args, &hello_ops, sizeof(hello_ops), NULL);
	if (!se || fuse_set_signal_handlers(se) != 0)
		goto out_session;
	if (extfuse_mount(x, se, opts.mountpoint) < 0)
		goto out_signals;
	if (fuse_daemonize(opts.foreground) == 0)
		ret = fuse_session_loop(se) < 0;
	show_counters();
	extfuse_unmount(x);
out_signals:
	fuse_remove_signal_handlers(se);
out_session:
	if (se)
		fuse_session_destroy(se);
out_args:
	free(opts.mountpoint);
	fuse_opt_free_args(&args);
out_destroy:
	extfuse_destroy(x);
	return ret;
}
