// SPDX-License-Identifier: GPL-2.0-only
#include "mount_point.hpp"

#include <cerrno>
#include <filesystem>
#include <memory>

#include <fcntl.h>
#include <mntent.h>

#include "say.hpp"

namespace extfuse_run
{

namespace
{

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

// As we name it. "self" is another for us.
std::string place_of(pid_t thread, const std::string &path)
{
	static constexpr struct {
		const char *theirs, *ours;
	} of_themselves[] = {
		{"/proc/self/", "/"}, {"/proc/thread-self/", "/"}, {"/dev/fd/", "/fd/"}};
	const std::string proc = "/proc/" + std::to_string(thread);

	for (const auto &o : of_themselves) {
		if (path.starts_with(o.theirs))
			return proc + o.ours + path.substr(std::string(o.theirs).size());
	}
	return proc + (path.starts_with('/') ? "/root" : "/cwd/") + path;
}

} // namespace

int open_place(pid_t thread, const std::string &path, Place &out)
{
	std::error_code ec;

	out.name = path;
	// The kernel has its own word for it.
	if (path.empty())
		return -ENOENT;
	out.fd = Fd(open(place_of(thread, path).c_str(), O_PATH | O_CLOEXEC));
	if (!out.fd)
		return -errno;
	const auto name =
		std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(out.fd.get()), ec);
	if (!ec)
		out.name = name;
	return 0;
}

int check_mount_point(const Place &place)
{
	const std::string type = mounted_at(place.name);

	if (type.starts_with("fuse") || type.starts_with("extfuse")) {
		say("mount point " + place.name + " is in use (" + type + "): unmount that first");
		return -EBUSY;
	}
	return 0;
}

} // namespace extfuse_run
