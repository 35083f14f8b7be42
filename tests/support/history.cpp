// SPDX-License-Identifier: GPL-2.0-only
#include "history.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <iterator>

namespace extfuse_test::history
{

namespace
{

const char *const call_names[] = {"create",        "create-excl",   "open",         "stat",
				  "truncate",      "chmod",         "setxattr",     "getxattr",
				  "removexattr",   "readlink",      "list",         "unlink",
				  "mkdir",         "rmdir",         "symlink",      "link",
				  "rename",        "rename-new",    "exchange",     "fstat",
				  "read",          "write",         "ftruncate",    "fchmod",
				  "behind-write",  "behind-trunc",  "behind-chmod", "behind-xattr",
				  "behind-create", "behind-unlink", "behind-rename"};
static_assert(std::size(call_names) == call_count);

template <class... Args> std::string format(const char *pattern, Args... args)
{
	char line[160];
	snprintf(line, sizeof(line), pattern, args...);
	return line;
}

bool has_second_place(Call call)
{
	return call == Call::Link || call == Call::Rename || call == Call::RenameNoReplace ||
	       call == Call::RenameExchange || call == Call::BehindRename;
}

const char *type_name(Type type)
{
	static const char *const names[] = {"none", "file", "dir", "symlink"};
	return names[static_cast<unsigned>(type)];
}

std::string arguments(const Operation &op)
{
	std::string out = uses_file(op.call) ? "" : " " + text(op.at);
	if (has_second_place(op.call))
		out += " -> " + text(op.to);
	switch (op.call) {
	case Call::Open:
		return out + (op.read_only ? " read-only" : "");
	case Call::Read:
		return out + format(" at %u", op.offset);
	case Call::Write:
	case Call::BehindWrite:
		return out + format(" '%c' at %u", op.value, op.offset);
	case Call::Truncate:
	case Call::Ftruncate:
	case Call::BehindTruncate:
		return out + format(" to %u", op.value);
	case Call::SetXattr:
	case Call::BehindSetXattr:
		return out + format(" '%c'", op.value);
	case Call::Chmod:
	case Call::Fchmod:
	case Call::BehindChmod:
	case Call::Create:
	case Call::CreateNew:
	case Call::Mkdir:
		return out + format(" %o", op.mode);
	default:
		return out;
	}
}

std::string outcome(const Operation &op)
{
	if (op.result < 0)
		return strerrorname_np(-op.result) ? strerrorname_np(-op.result)
						   : format("error %d", op.result);
	const Seen &seen = op.seen;
	std::string out = format("%d", op.result);
	switch (op.call) {
	case Call::Stat:
	case Call::Fstat:
		return out + format(" %s ino %lu mode %o nlink %u size %u", type_name(seen.type),
				    static_cast<unsigned long>(seen.ino), seen.mode, seen.nlink,
				    seen.size);
	case Call::Read:
		return op.result ? out + format(" '%c'", seen.byte ? seen.byte : '0') : out;
	case Call::GetXattr:
		return out + format(" '%c'", seen.byte);
	case Call::List:
		for (unsigned i = 0; i < dir_names; i++)
			if (seen.entries[i].type != Type::None)
				out += format(" %c: %s ino %lu", 'a' + i,
					      type_name(seen.entries[i].type),
					      static_cast<unsigned long>(seen.entries[i].ino));
		return out + (seen.stranger ? " and a name that nobody has made" : "");
	default:
		return out;
	}
}

void line(std::string *out, const std::string &path, const File &file)
{
	if (file.type != Type::None)
		*out += "  " + path + ": " + text(file) + "\n";
}

} // namespace

const char *call_name(Call call)
{
	return call_names[static_cast<unsigned>(call)];
}

bool is_behind(Call call)
{
	return call >= Call::BehindWrite;
}

bool uses_file(Call call)
{
	return call >= Call::Fstat && call <= Call::Fchmod;
}

std::string text(const Place &place)
{
	std::string out(1, "PQB"[place.dir]);
	if (place.middle >= 0)
		out += std::string("/") + char('a' + place.middle);
	if (place.name >= 0)
		out += std::string("/") + char('a' + place.name);
	return out;
}

std::string text(const File &file)
{
	if (file.type == Type::None)
		return "none";
	std::string out = format("%s ino %lu mode %o", type_name(file.type),
				 static_cast<unsigned long>(file.ino), file.mode);
	if (file.type != Type::Directory)
		out += format(" nlink %u size %u", file.nlink, file.size);
	if (file.xattr)
		out += format(" xattr '%c'", file.xattr);
	if (file.type == Type::File) {
		out += " data '";
		for (unsigned i = 0; i < std::min(file.size, max_file); i++)
			out += file.data[i] ? char(file.data[i]) : '0';
		out += "'";
	}
	return out;
}

std::string text(const Operation &op, int64_t zero)
{
	return format("%8.1f %8.1f us  %u  ", double(op.begin - zero) / 1000,
		      double(op.end - zero) / 1000, op.process) +
	       call_name(op.call) + arguments(op) + " = " + outcome(op);
}

std::string text(const History &history)
{
	History sorted = history;
	std::stable_sort(sorted.begin(), sorted.end(),
			 [](const auto &a, const auto &b) { return a.begin < b.begin; });
	std::string out = "     begin      end     process, operation\n";
	for (const Operation &op : sorted)
		out += text(op, sorted.front().begin) + "\n";
	return out;
}

std::string text(const Tree &tree)
{
	std::string out;
	for (unsigned d = 0; d < fixed_dirs; d++)
		for (unsigned n = 0; n < dir_names; n++) {
			const Place outer{uint8_t(d), -1, int8_t(n)};
			line(&out, text(outer), tree.file[d][n]);
			for (unsigned i = 0; i < dir_names; i++)
				line(&out, text(Place{uint8_t(d), int8_t(n), int8_t(i)}),
				     tree.inner[d][n][i]);
		}
	return out.empty() ? "  (no files)\n" : out;
}

std::string difference(const Tree &a, const Tree &b)
{
	std::string out;
	const auto compare = [&](const std::string &path, const File &x, const File &y) {
		if (!(x == y))
			out += "  " + path + ": " + text(x) + "\n    but " + text(y) + "\n";
	};
	for (unsigned d = 0; d < fixed_dirs; d++) {
		if (a.dir_ino[d] != b.dir_ino[d])
			out += format("  inode of directory %u differs\n", d);
		for (unsigned n = 0; n < dir_names; n++) {
			compare(text(Place{uint8_t(d), -1, int8_t(n)}), a.file[d][n], b.file[d][n]);
			for (unsigned i = 0; i < dir_names; i++)
				compare(text(Place{uint8_t(d), int8_t(n), int8_t(i)}),
					a.inner[d][n][i], b.inner[d][n][i]);
		}
	}
	return out;
}

} // namespace extfuse_test::history
