// SPDX-License-Identifier: GPL-2.0-only
#include "mount_call.hpp"

#include <charconv>

#include <sys/mount.h>

namespace extfuse_run
{

namespace
{

constexpr unsigned long not_a_new_mount =
	MS_REMOUNT | MS_BIND | MS_MOVE | MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE;

bool is_type(std::string_view type, std::string_view name)
{
	return type == name || (type.starts_with(name) && type[name.size()] == '.');
}

template <class Number> bool take(std::string_view option, std::string_view name, Number &out)
{
	if (!option.starts_with(name) || option.substr(name.size(), 1) != "=")
		return false;
	option.remove_prefix(name.size() + 1);
	const char *end = option.data() + option.size();
	Number value{};
	const auto result = std::from_chars(option.data(), end, value);
	if (result.ec == std::errc() && result.ptr == end)
		out = value;
	return true;
}

std::string escaped(std::string_view text)
{
	std::string out;

	for (const char c : text) {
		if (c == ',' || c == '\\')
			out += '\\';
		out += c;
	}
	return out;
}

} // namespace

Kind kind_of(const MountCall &call)
{
	if (call.flags & not_a_new_mount)
		return Kind::other;
	if (is_type(call.type, "fuse"))
		return Kind::fuse;
	return is_type(call.type, "fuseblk") ? Kind::block : Kind::other;
}

bool parse_fuse_data(std::string_view data, FuseData &out)
{
	while (!data.empty()) {
		const size_t comma = data.find(',');
		const std::string_view option = data.substr(0, comma);
		unsigned mode;

		data.remove_prefix(comma == data.npos ? data.size() : comma + 1);
		// The mode is that of the mount point, which we look up ourselves.
		if (!option.empty() && !take(option, "fd", out.fd) &&
		    !take(option, "user_id", out.user) && !take(option, "group_id", out.group) &&
		    !take(option, "rootmode", mode))
			out.others.emplace_back(option);
	}
	return out.fd >= 0;
}

std::vector<std::string> mount_options(const MountCall &call, const FuseData &data)
{
	static constexpr struct {
		unsigned long flag;
		const char *set, *clear; // clear: where libfuse's default is "set"
	} flags[] = {
		{MS_RDONLY, "ro", nullptr},
		{MS_NOSUID, "nosuid", "suid"},
		{MS_NODEV, "nodev", "dev"},
		{MS_NOEXEC, "noexec", nullptr},
		{MS_SYNCHRONOUS, "sync", nullptr},
		{MS_DIRSYNC, "dirsync", nullptr},
		{MS_NOATIME, "noatime", nullptr},
		{MS_NODIRATIME, "nodiratime", nullptr},
		{MS_NOSYMFOLLOW, "nosymfollow", nullptr},
	};
	std::vector<std::string> out;

	for (const auto &f : flags) {
		if (call.flags & f.flag)
			out.emplace_back(f.set);
		else if (f.clear)
			out.emplace_back(f.clear);
	}
	const size_t dot = call.type.find('.');
	if (dot != call.type.npos && dot + 1 < call.type.size())
		out.push_back("subtype=" + escaped(call.type.substr(dot + 1)));
	if (!call.source.empty())
		out.push_back("fsname=" + escaped(call.source));
	out.insert(out.end(), data.others.begin(), data.others.end());
	return out;
}

} // namespace extfuse_run
