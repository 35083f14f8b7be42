// SPDX-License-Identifier: GPL-2.0-only
#include "object.hpp"

#include <algorithm>
#include <array>
#include <cerrno>

#include <unistd.h>

#include "process.hpp"
#include "say.hpp"

namespace extfuse_run
{

namespace
{

// Arguments of libfuse's, which are freed.
struct Args {
	fuse_args args = FUSE_ARGS_INIT(0, nullptr);

	Args() = default;
	Args(const Args &) = delete;
	Args &operator=(const Args &) = delete;
	~Args()
	{
		fuse_opt_free_args(&args);
	}
};

void on_message(void *, extfuse_log_level, const char *message)
{
	say(message);
}

// Takes the library's own options out of args.
int make(const Options &options, Args &args, Object &out)
{
	extfuse_config config = {};
	extfuse *x = nullptr;

	config.size = sizeof(config);
	config.fallback = EXTFUSE_FALLBACK_FAIL;
	config.log = on_message;
	config.cache = options.library.cache;
	config.log_level = options.verbose ? EXTFUSE_LOG_INFO : EXTFUSE_LOG_WARNING;
	const int error = extfuse_new(&x, &args.args, &config);
	out.reset(x);
	return error;
}

int add(const std::vector<std::string> &options, Args &args)
{
	for (const std::string &option : options) {
		if (fuse_opt_add_arg(&args.args, ("-o" + option).c_str()))
			return -ENOMEM;
	}
	return 0;
}

int check_options(const Options &options)
{
	Args args;
	Object x;
	std::string left;

	if (fuse_opt_add_arg(&args.args, "extfuse-run") || add(options.mount_options, args))
		return exit_no_mount;
	if (const int error = make(options, args, x))
		return error == -EINVAL ? exit_usage : exit_no_mount;
	for (int i = 1; i < args.args.argc; i++) {
		if (args.args.argv[i] != std::string("-o"))
			left += (left.empty() ? "" : " ") + std::string(args.args.argv[i]);
	}
	if (!left.empty()) {
		say("-o " + left +
		    ": not an option of libextfuse (options of the mount belong to "
		    "PROGRAM, after --)");
		return exit_usage;
	}
	if (options.library.stock) {
		say("-o extfuse=stock: to run PROGRAM on stock FUSE, run it without extfuse-run");
		return exit_usage;
	}
	if (options.library.no_handler && options.library.cache == EXTFUSE_CACHE_PRIVATE)
		say("with no_handler nothing is kept: --private (cache=private) has no effect");
	return 0;
}

} // namespace

int check_ready(const Options &options)
{
	if (const int status = check_options(options))
		return status;
	if (!look_at(getpid()).may_mount) {
		say("needs CAP_SYS_ADMIN, CAP_BPF and CAP_PERFMON: run it as root");
		return exit_no_mount;
	}
	if (access(EXTFUSE_DEVICE, F_OK) < 0) {
		say("no " EXTFUSE_DEVICE ": load the driver (modprobe extfuse)");
		return exit_no_mount;
	}
	return 0;
}

int make_object(const Options &options, const std::vector<std::string> &mount_options, Object &out)
{
	Args args;

	if (fuse_opt_add_arg(&args.args, "extfuse-run") || add(mount_options, args) ||
	    add(options.mount_options, args))
		return -ENOMEM;
	return make(options, args, out);
}

bool has_caches(const extfuse *x)
{
	static constexpr std::array maps = {"ext_names",   "ext_long_names", "ext_attrs",
					    "ext_objects", "ext_dirs",       "ext_blocks",
					    "ext_opens"};

	return std::any_of(maps.begin(), maps.end(),
			   [&](const char *map) { return extfuse_handler_map_fd(x, map) >= 0; });
}

} // namespace extfuse_run
