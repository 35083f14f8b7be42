// SPDX-License-Identifier: LGPL-2.1-or-later
#include "caller.hpp"

#include <charconv>
#include <optional>

#include <extfuse/abi.h>

namespace exf::impl
{

namespace
{

// What follows "NAME:" on its line.
std::optional<std::string_view> field(std::string_view status, std::string_view name)
{
	while (!status.empty()) {
		const size_t end = status.find('\n');
		std::string_view line = status.substr(0, end);

		if (line.starts_with(name) && line.size() > name.size() &&
		    line[name.size()] == ':' && end != std::string_view::npos)
			return line.substr(name.size() + 1);
		if (end == std::string_view::npos)
			break;
		status.remove_prefix(end + 1);
	}
	return std::nullopt;
}

// The next number of a list separated by blanks; nothing at its end.
std::optional<uint32_t> next(std::string_view &list, bool &bad)
{
	const size_t start = list.find_first_not_of(" \t");

	if (start == std::string_view::npos)
		return std::nullopt;
	list.remove_prefix(start);
	uint32_t value;
	const auto [end, error] = std::from_chars(list.data(), list.data() + list.size(), value);
	if (error != std::errc() ||
	    (end != list.data() + list.size() && *end != ' ' && *end != '\t')) {
		bad = true;
		return std::nullopt;
	}
	list.remove_prefix(static_cast<size_t>(end - list.data()));
	return value;
}

// The fourth of real, effective, saved, file system id.
std::optional<uint32_t> fs_id(std::string_view status, std::string_view name)
{
	std::optional<std::string_view> ids = field(status, name);
	std::optional<uint32_t> id;
	bool bad = false;

	if (!ids)
		return std::nullopt;
	for (int i = 0; i < 4; i++) {
		id = next(*ids, bad);
		if (!id)
			return std::nullopt;
	}
	return id;
}

} // namespace

uint64_t caller_digest(std::string_view status, uint32_t uid, uint32_t gid) noexcept
{
	if (fs_id(status, "Uid") != uid || fs_id(status, "Gid") != gid)
		return 0;

	std::optional<std::string_view> groups = field(status, "Groups");
	if (!groups)
		return 0;
	uint64_t digest = extfuse_digest_begin(uid, gid);
	bool bad = false;
	while (const std::optional<uint32_t> group = next(*groups, bad))
		digest = extfuse_digest_group(digest, *group);
	return bad ? 0 : extfuse_digest_end(digest);
}

} // namespace exf::impl
