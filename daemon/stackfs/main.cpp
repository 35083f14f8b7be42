// SPDX-License-Identifier: GPL-2.0-only
// stackfs: puts the parts together, in this order: options, background, SOURCE,
// session, mount, threads, loop; and takes them apart in the opposite one.
#include "common/control.hpp"
#include "common/daemonize.hpp"
#include "common/log.hpp"
#include "common/loop.hpp"
#include "common/options.hpp"
#include "stackfs/commands.hpp"
#include "stackfs/fs.hpp"
#include "stackfs/stats.hpp"

#include <fcntl.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <exception>

using namespace stackfs;

namespace
{

// fuse_args that frees itself.
struct Args : fuse_args {
	Args() : fuse_args(FUSE_ARGS_INIT(0, nullptr)) {}
	~Args()
	{
		fuse_opt_free_args(this);
	}
	Args(const Args &) = delete;
	Args &operator=(const Args &) = delete;

	void add(const std::string &arg)
	{
		if (fuse_opt_add_arg(this, arg.c_str()) < 0)
			throw std::bad_alloc();
	}
	void add_option(const std::string &name, const std::string &value)
	{
		char *list = nullptr;
		if (fuse_opt_add_opt_escaped(&list, (name + "=" + value).c_str()) < 0)
			throw std::bad_alloc();
		add(std::string("-o") + list);
		free(list);
	}
};

bool given(const Options &options, const std::string &name)
{
	return std::any_of(options.fuse_options.begin(), options.fuse_options.end(),
			   [&](const std::string &list) {
				   return ("," + list).find("," + name) != std::string::npos;
			   });
}

void fill_args(const Options &options, Args &args)
{
	args.add("stackfs");
	for (const std::string &list : options.fuse_options)
		args.add("-o" + list);
	if (!given(options, "fsname="))
		args.add_option("fsname", options.source);
	if (!given(options, "subtype="))
		args.add_option("subtype", "stackfs");
	if (options.max_read)
		args.add_option("max_read", std::to_string(options.max_read));
	if (options.debug)
		args.add("-d");
}

void on_extfuse_log(void *, extfuse_log_level level, const char *message)
{
	constexpr LogLevel levels[] = {LogLevel::error, LogLevel::warning, LogLevel::info,
				       LogLevel::debug};
	log_line(levels[std::min<unsigned>(level, 3)], "%s", message);
}

extfuse_config config_of(const Options &options)
{
	extfuse_config config = {};
	config.size = sizeof(config);
	config.driver = options.stock ? EXTFUSE_DRIVER_STOCK : EXTFUSE_DRIVER_EXTFUSE;
	config.fallback = options.require ? EXTFUSE_FALLBACK_FAIL : EXTFUSE_FALLBACK_STOCK;
	config.reply_hooks = options.reply_hooks;
	config.max_names = options.max_names;
	config.max_long_names = options.max_long_names;
	config.max_attrs = options.max_attrs;
	config.max_blocks = options.max_blocks;
	config.max_opens = options.max_opens;
	config.max_objects = options.max_objects;
	config.max_dirs = options.max_dirs;
	config.log = on_extfuse_log;
	config.log_level = options.debug ? EXTFUSE_LOG_DEBUG : EXTFUSE_LOG_WARNING;
	return config;
}

// Soft limit to hard limit. How many descriptors this process may have.
uint64_t raise_descriptor_limit()
{
	rlimit limit = {};
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 1024;
	const rlimit raised = {limit.rlim_max, limit.rlim_max};
	if (limit.rlim_cur < limit.rlim_max && setrlimit(RLIMIT_NOFILE, &raised) == 0)
		limit = raised;
	return limit.rlim_cur == RLIM_INFINITY ? uint64_t{1} << 20 : limit.rlim_cur;
}

struct ExtfuseDeleter {
	void operator()(extfuse *x) const
	{
		extfuse_destroy(x);
	}
};
struct Unmounter {
	void operator()(extfuse *x) const
	{
		extfuse_unmount(x);
	}
};
struct SessionDeleter {
	void operator()(fuse_session *session) const
	{
		fuse_session_destroy(session);
	}
};

void save_stats(const Options &options, const Fs &fs)
{
	if (options.stats_file.empty())
		return;
	const int err = write_file_atomically(options.stats_file, fs.stats_json() + "\n");
	if (err)
		log_error("cannot write counters to '%s': %s", options.stats_file.c_str(),
			  strerror(err));
}

// Serves a mounted session until it ends. Threads exist only in here.
int serve(const Options &options, Fs &fs, fuse_session *session, ControlServer &control)
{
	Creds::prepare();
	fs.start();
	if (!options.control_path.empty())
		control.start([&](const std::string &line) { return execute_command(fs, line); });
	const int err = run_loop(session, options.threads, [&] {
		guarded([&] {
			save_stats(options, fs);
			return 0;
		});
	});
	control.stop();
	fs.stop();
	save_stats(options, fs);
	if (err)
		log_error("the session of '%s' ended: %s", options.mountpoint.c_str(),
			  strerror(err));
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}

int mount_and_serve(const Options &options, Background &background, extfuse *x, Args &args, Fs &fs)
{
	const std::unique_ptr<fuse_session, SessionDeleter> session(
		fuse_session_new(&args, &Fs::operations(), sizeof(fuse_lowlevel_ops), &fs));
	if (!session)
		return EXIT_FAILURE; // libfuse said why
	if (extfuse_mount(x, session.get(), options.mountpoint.c_str()) < 0)
		return EXIT_FAILURE; // the library said why
	const std::unique_ptr<extfuse, Unmounter> mounted(x);
	ControlServer control;
	if (!options.control_path.empty() && control.open(options.control_path))
		return EXIT_FAILURE;
	if (!background.ready()) {
		log_error("nobody waits for the mount any more; unmounting");
		return EXIT_FAILURE;
	}
	return serve(options, fs, session.get(), control);
}

int run(const Options &options)
{
	log_set_level(options.debug ? LogLevel::debug : LogLevel::warning);
	const uint64_t limit = raise_descriptor_limit();
	Background background;
	if (!background.start(options.foreground))
		return EXIT_FAILURE;
	loop_block_signals();

	struct stat root_stat;
	UniqueFd root(open(options.source.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
	if (!root.valid() || fstat(root.get(), &root_stat) < 0 || chdir("/") < 0) {
		log_error("SOURCE '%s': %s", options.source.c_str(), strerror(errno));
		return EXIT_FAILURE;
	}
	Args args;
	fill_args(options, args);
	const extfuse_config config = config_of(options);
	extfuse *raw = nullptr;
	if (extfuse_new(&raw, &args, &config) < 0)
		return EXIT_FAILURE; // the library said why
	const std::unique_ptr<extfuse, ExtfuseDeleter> x(raw);
	const uint64_t node_fds = options.max_node_fds ? options.max_node_fds : limit / 4 * 3;
	Fs fs(options, raw, std::move(root), root_stat, node_fds);
	return mount_and_serve(options, background, raw, args, fs);
}

} // namespace

int main(int argc, char **argv)
{
	try {
		Options options;
		switch (parse_options(argc, argv, options)) {
		case ParseResult::exit_ok:
			return EXIT_SUCCESS;
		case ParseResult::exit_error:
			return EXIT_FAILURE;
		case ParseResult::run:
			break;
		}
		return run(options);
	} catch (const std::exception &e) {
		log_error("%s", e.what());
		return EXIT_FAILURE;
	}
}
