// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mount_place.hpp"

#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

namespace exf::impl
{

namespace
{

std::string by_number(const Fd &fd)
{
	return "/proc/self/fd/" + std::to_string(fd.get());
}

// As the table of mounts has it: octal for blanks and the like.
std::string unescaped(const std::string &text)
{
	std::string out;

	for (size_t i = 0; i < text.size(); i++) {
		if (text[i] == '\\' && i + 3 < text.size()) {
			const std::string digits = text.substr(i + 1, 3);
			out += static_cast<char>(strtoul(digits.c_str(), nullptr, 8));
			i += 3;
		} else {
			out += text[i];
		}
	}
	return out;
}

int name_of(const Fd &fd, std::string &out)
{
	char text[PATH_MAX];
	const ssize_t n = readlink(by_number(fd).c_str(), text, sizeof(text));

	if (n < 0)
		return -errno;
	if (n == sizeof(text))
		return -ENAMETOOLONG;
	out.assign(text, static_cast<size_t>(n));
	return 0;
}

} // namespace

int MountPlace::pin(const char *path, std::string &name, mode_t &mode)
{
	struct stat st;
	Fd place(open(path, O_PATH | O_CLOEXEC));

	if (!place || fstat(place.get(), &st) < 0)
		return -errno;
	if (const int error = name_of(place, name))
		return error;
	mode = st.st_mode;
	directory_ = S_ISDIR(mode);
	place_ = std::move(place);
	return 0;
}

int MountPlace::mount(const MountCall &call)
{
	int error = 0;

	id_.reset();
	if (::mount(call.source.c_str(), by_number(place_).c_str(), call.type.c_str(), call.flags,
		    call.data.c_str()) < 0)
		error = -errno;
	else
		find_mounted();
	unpin();
	return error;
}

// Asks nobody who serves: it may be us, or nobody yet.
std::optional<MountPlace::Id> MountPlace::identify(const Fd &fd)
{
	struct statx st;

	if (statx(fd.get(), "", AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC, 0, &st) < 0)
		return {};
	return Id{st.stx_mnt_id, st.stx_dev_major, st.stx_dev_minor};
}

// What is mounted on cannot be renamed, but for renames that began before; what is
// above it can.
void MountPlace::find_mounted()
{
	constexpr int renames = 32; // under way at the same time

	for (int i = 0; i < renames && !id_; i++) {
		std::string name;

		if (name_of(place_, name) < 0)
			return;
		// A file has no "..".
		const Fd parent(directory_ ? openat(place_.get(), "..", O_PATH | O_CLOEXEC) : -1);
		if (parent)
			name.erase(0, name.rfind('/') + 1);
		const Fd top(openat(parent.get(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
		id_ = identify(top);
		if (id_ == identify(place_))
			id_.reset();
	}
}

int MountPlace::find_name(std::string &out) const
{
	std::ifstream table("/proc/self/mountinfo");
	const std::string device = std::to_string(id_->major) + ":" + std::to_string(id_->minor);
	std::string line;

	while (std::getline(table, line)) {
		std::istringstream fields(line);
		std::string number, parent, numbers, root, name;

		fields >> number >> parent >> numbers >> root >> name;
		if (number == std::to_string(id_->mount) && numbers == device) {
			out = unescaped(name);
			return 0;
		}
	}
	return -EINVAL;
}

int MountPlace::unmount()
{
	std::string name;

	if (!id_)
		return -EINVAL;
	if (const int error = find_name(name))
		return error;
	const Fd top(open(name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
	if (identify(top) != id_)
		return -EBUSY;
	return umount2(by_number(top).c_str(), MNT_DETACH) < 0 ? -errno : 0;
}

} // namespace exf::impl
