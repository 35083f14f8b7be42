// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A whole program of libfuse's path API: its main().
#include <cstdio>
#include <cstdlib>
#include <memory>

// The functions of wrap.h by their own names: here is what they stand for.
#define EXTFUSE_WRAP_EXPLICIT
#include <extfuse/wrap.h>

namespace
{

// As fuse_main() returns them.
enum Status {
	done = 0,
	bad_arguments = 1,
	no_mountpoint = 2,
	no_session = 3,
	not_mounted = 4,
	not_in_background = 5,
	no_signals = 6,
	no_loop = 7,
	failed = 8,
};

struct Free {
	void operator()(void *p) const
	{
		free(p);
	}
};
struct Destroy {
	void operator()(fuse *f) const
	{
		extfuse_fuse_destroy(f);
	}
	void operator()(fuse_loop_config *c) const
	{
		fuse_loop_cfg_destroy(c);
	}
};

struct Args {
	fuse_args args;

	~Args()
	{
		fuse_opt_free_args(&args);
	}
};

struct Mounted {
	fuse *f;

	~Mounted()
	{
		extfuse_fuse_unmount(f);
	}
};

int loop(fuse *f, const fuse_cmdline_opts &opts)
{
	if (opts.singlethread)
		return fuse_loop(f) ? failed : done;

	const std::unique_ptr<fuse_loop_config, Destroy> config(fuse_loop_cfg_create());
	if (!config)
		return no_loop;
	fuse_loop_cfg_set_clone_fd(config.get(), static_cast<unsigned>(opts.clone_fd));
	fuse_loop_cfg_set_idle_threads(config.get(), opts.max_idle_threads);
	fuse_loop_cfg_set_max_threads(config.get(), opts.max_threads);
	return fuse_loop_mt(f, config.get()) ? failed : done;
}

int serve(fuse *f, const fuse_cmdline_opts &opts)
{
	if (extfuse_fuse_mount(f, opts.mountpoint) != 0)
		return not_mounted;
	const Mounted mounted{f};
	if (fuse_daemonize(opts.foreground) != 0)
		return not_in_background;
	fuse_session *se = fuse_get_session(f);
	if (fuse_set_signal_handlers(se) != 0)
		return no_signals;
	const int status = loop(f, opts);
	fuse_remove_signal_handlers(se);
	return status;
}

void help(Args &a)
{
	if (a.args.argv[0][0])
		printf("usage: %s [options] <mountpoint>\n\n", a.args.argv[0]);
	printf("FUSE options:\n");
	extfuse_cmdline_help();
	fuse_lib_help(&a.args);
}

} // namespace

extern "C" int extfuse_main(int argc, char *argv[], const struct fuse_operations *ops, size_t size,
			    void *userdata, const struct extfuse_wrap_config *config)
{
	Args a{FUSE_ARGS_INIT(argc, argv)};
	fuse_cmdline_opts opts = {};

	if (fuse_parse_cmdline(&a.args, &opts) != 0)
		return bad_arguments;
	const std::unique_ptr<char, Free> mountpoint(opts.mountpoint);
	if (opts.show_version) {
		printf("FUSE library version %s\n", fuse_pkgversion());
		fuse_lowlevel_version();
		return done;
	}
	if (opts.show_help) {
		help(a);
		return done;
	}
	if (!mountpoint) {
		fprintf(stderr, "error: no mountpoint specified\n");
		return no_mountpoint;
	}
	const std::unique_ptr<fuse, Destroy> f(
		extfuse_fuse_new(&a.args, ops, size, userdata, config));
	return f ? serve(f.get(), opts) : no_session;
}
