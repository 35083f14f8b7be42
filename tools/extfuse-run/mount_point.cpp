// SPDX-License-Identifier: GPL-2.0-only
#include "mount_point.hpp"

#include <cerrno>
#include <cstring>
#include <memory>

#include <mntent.h>
#include <stdlib.h>
#include <unistd.h>

#include "process.hpp"
#include "say.hpp"

namespace extfuse_run
{

namespace
{

void on_message(void *, extfuse_log_level, const char *message)
{
	say(message);
}

// The type of what is mounted there last; empty: nothing is.
std::string mounted_at(const std::string &path)
{
	const std::unique_ptr<FILE, int (*)(FILE *)> table(setmntent("/proc/self/mounts", "re"),
							   endmntent);
	std::string type;

	while (const mntent *m = table ? getmntent(table.get()) : nullptr) {
		if (path == m->mnt_dir)
			type = m->mnt_type;
	}
	return type;
}

} // namespace

int check_ready(const Options &options)
{
	Object x;

	if (const int error = make_object(options, {}, x))
		return error;
	if (!look_at(getpid()).may_mount) {
		say("needs CAP_SYS_ADMIN, CAP_BPF and CAP_PERFMON: run it as root");
		return -EPERM;
	}
	if (access(EXTFUSE_DEVICE, F_OK) < 0) {
		say("no " EXTFUSE_DEVICE ": load the driver (modprobe extfuse)");
		return -ENODEV;
	}
	return 0;
}

std::string place_of(pid_t thread, const std::string &path)
{
	if (path.starts_with('/'))
		return path;
	return "/proc/" + std::to_string(thread) + "/cwd/" + path;
}

int check_mount_point(const std::string &place, std::string &target)
{
	const std::unique_ptr<char, decltype(&free)> real(realpath(place.c_str(), nullptr), free);

	if (!real) {
		const int error = -errno;
		say("mount point " + place + ": " + strerror(-error) +
		    (error == -ENOTCONN ? "; unmount what is left there first" : ""));
		return error;
	}
	target = real.get();
	const std::string type = mounted_at(target);
	if (type.starts_with("fuse") || type.starts_with("extfuse")) {
		say("mount point " + target + " is in use (" + type + "): unmount that first");
		return -EBUSY;
	}
	return 0;
}

int make_object(const Options &options, const std::vector<std::string> &mount_options,
		Object &out)
{
	fuse_args args = FUSE_ARGS_INIT(0, nullptr);
	const std::unique_ptr<fuse_args, decltype(&fuse_opt_free_args)> freed(&args,
									      fuse_opt_free_args);
	extfuse_config config = {};
	extfuse *x = nullptr;
	int error = fuse_opt_add_arg(&args, "extfuse-run");

	for (const auto *list : {&mount_options, &options.mount_options}) {
		for (const std::string &option : *list)
			error |= fuse_opt_add_arg(&args, ("-o" + option).c_str());
	}
	if (error)
		return -ENOMEM;
	config.size = sizeof(config);
	config.fallback = EXTFUSE_FALLBACK_FAIL;
	config.log = on_message;
	config.cache = options.private_files ? EXTFUSE_CACHE_PRIVATE : EXTFUSE_CACHE_TIMEOUTS;
	config.log_level = options.verbose ? EXTFUSE_LOG_INFO : EXTFUSE_LOG_WARNING;
	error = extfuse_new(&x, &args, &config);
	out.reset(x);
	return error;
}

} // namespace extfuse_run
