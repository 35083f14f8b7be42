// SPDX-License-Identifier: GPL-2.0-only
#include "history_actor.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <stdexcept>

#include "sys.hpp"

namespace extfuse_test::history
{

namespace
{

constexpr char xattr_name[] = "user.h";

int result(long value)
{
	return value < 0 ? -errno : int(value);
}

int64_t now()
{
	timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

Type type_of(mode_t mode)
{
	return S_ISREG(mode)   ? Type::File
	       : S_ISDIR(mode) ? Type::Directory
	       : S_ISLNK(mode) ? Type::Symlink
			       : Type::None;
}

std::string below(const Place &place)
{
	std::string out(1, "PQB"[place.dir]);
	if (place.middle >= 0)
		out += std::string("/") + char('a' + place.middle);
	if (place.name >= 0)
		out += std::string("/") + char('a' + place.name);
	return out;
}

unsigned below(std::mt19937 &random, unsigned end)
{
	return unsigned(random() % end);
}

uint8_t letter(std::mt19937 &random)
{
	return uint8_t('A' + below(random, 26));
}

uint16_t some_mode(std::mt19937 &random)
{
	static const uint16_t modes[] = {0600, 0640, 0644, 0660, 0700, 0755};
	return modes[below(random, 6)];
}

// The common way to fail: the errno; errors in reading the tree are the test's end.
[[noreturn]] void fail(const std::string &what)
{
	throw std::runtime_error(what + ": " + strerror(errno));
}

// Entries a and b; stranger: there is another one.
int list_directory(const std::string &path, Entry *entries, bool *stranger)
{
	struct Dirent {
		uint64_t ino;
		int64_t next;
		unsigned short length;
		unsigned char type;
		char name[];
	};
	const int fd = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	alignas(8) char buffer[2048], end[64];
	// One call tells: two are two looks at the directory. The other goes to the
	// end, for daemons that cache what was read to the end.
	const int n = result(syscall(SYS_getdents64, fd, buffer, sizeof(buffer)));
	if (n > 0)
		syscall(SYS_getdents64, fd, end, sizeof(end));
	close(fd);
	for (int at = 0; at < n;) {
		const auto *entry = reinterpret_cast<const Dirent *>(buffer + at);
		const std::string name = entry->name;
		at += entry->length;
		if (name == "." || name == "..")
			continue;
		if (name != "a" && name != "b") {
			*stranger = true;
			continue;
		}
		Entry &out = entries[name[0] - 'a'];
		out.ino = entry->ino;
		out.type = type_of(DTTOIF(entry->type));
	}
	return n < 0 ? n : 0;
}

void read_content(int fd, const std::string &name, File *file)
{
	char data[max_file + 1];
	const ssize_t n = pread(fd, data, sizeof(data), 0);
	if (n < 0)
		fail("read " + name);
	if (uint32_t(n) != file->size)
		throw std::runtime_error(name + ": of size " + std::to_string(file->size) + ", " +
					 std::to_string(n) + " bytes were read");
	memcpy(file->data, data, size_t(n));
}

File read_file(int dir, const std::string &name)
{
	File file;
	struct stat st;

	if (fstatat(dir, name.c_str(), &st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno == ENOENT)
			return file;
		fail("stat " + name);
	}
	file.type = type_of(st.st_mode);
	file.mode = st.st_mode & 07777;
	file.ino = st.st_ino;
	if (file.type != Type::Directory) {
		file.nlink = uint16_t(st.st_nlink);
		file.size = uint32_t(st.st_size);
	}
	if (file.type == Type::Symlink)
		return file;
	const sys::Fd fd(openat(dir, name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
	if (fd < 0)
		fail("open " + name);
	if (file.type == Type::File)
		read_content(fd, name, &file);
	if (fgetxattr(fd, xattr_name, &file.xattr, 1) < 0) {
		if (errno != ENODATA)
			fail("getxattr " + name);
		file.xattr = 0;
	}
	return file;
}

// What a directory lists is what can be found in it.
void read_directory(const std::string &path, uint64_t *ino, File *files)
{
	struct stat st;
	Entry entries[dir_names];
	bool stranger = false;
	const sys::Fd dir(open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));

	if (dir < 0 || ::fstat(dir, &st) < 0 || list_directory(path, entries, &stranger) < 0)
		fail(path);
	*ino = st.st_ino;
	for (unsigned n = 0; n < dir_names; n++) {
		const std::string name(1, char('a' + n));
		files[n] = read_file(dir, name);
		if (stranger || entries[n].type != files[n].type || entries[n].ino != files[n].ino)
			throw std::runtime_error("the listing of " + path + " shows inode " +
						 std::to_string(entries[n].ino) + " as " + name +
						 ", but that is " + text(files[n]));
	}
}

} // namespace

// -------------------------------------------------------------------------

Actor::~Actor()
{
	close_file();
}

void Actor::close_file()
{
	if (file_ >= 0)
		close(file_);
	file_ = -1;
}

std::string Actor::path(const Place &place) const
{
	return root_ + "/" + below(place);
}

void Actor::run(Operation &op)
{
	const int before = file_;

	op.seen = {};
	op.begin = now();
	op.result = carry_out(op);
	op.end = now();
	if (file_ != before && before >= 0)
		close(before);
}

int Actor::carry_out(Operation &op)
{
	switch (op.call) {
	case Call::Create:
	case Call::CreateNew:
	case Call::Open:
		return open(op);
	case Call::Stat:
		return stat(op);
	case Call::List:
		return list(op);
	default:
		return uses_file(op.call) ? by_file(op) : by_name(op);
	}
}

int Actor::open(const Operation &op)
{
	int flags = O_NOFOLLOW | O_CLOEXEC | (op.read_only ? O_RDONLY : O_RDWR);

	if (op.call != Call::Open)
		flags |= O_CREAT | (op.call == Call::CreateNew ? O_EXCL : 0);
	const int fd = ::open(path(op.at).c_str(), flags, mode_t{op.mode});
	if (fd < 0)
		return -errno;
	file_ = fd;
	read_only_ = op.read_only;
	return 0;
}

int Actor::stat(Operation &op) const
{
	struct stat st = {};
	const int error = op.call == Call::Fstat ? result(fstat(file_, &st))
						 : result(lstat(path(op.at).c_str(), &st));
	op.seen.type = type_of(st.st_mode);
	op.seen.mode = st.st_mode & 07777;
	op.seen.nlink = uint16_t(st.st_nlink);
	op.seen.size = uint32_t(st.st_size);
	op.seen.ino = st.st_ino;
	return error;
}

int Actor::list(Operation &op) const
{
	return list_directory(path(op.at), op.seen.entries, &op.seen.stranger);
}

int Actor::by_name(Operation &op)
{
	const std::string name = path(op.at);
	const std::string to = path(op.to);
	const char *at = name.c_str();

	switch (op.call) {
	case Call::Truncate:
		return result(truncate(at, op.value));
	case Call::Chmod:
		return result(chmod(at, op.mode));
	case Call::SetXattr:
		return result(lsetxattr(at, xattr_name, &op.value, 1, 0));
	case Call::GetXattr:
		return result(lgetxattr(at, xattr_name, &op.seen.byte, 1));
	case Call::RemoveXattr:
		return result(lremovexattr(at, xattr_name));
	case Call::Readlink: {
		char target[64] = {};
		const int n = result(readlink(at, target, sizeof(target) - 1));
		op.seen.stranger = n >= 0 && strcmp(target, link_target) != 0;
		return n;
	}
	case Call::Unlink:
		return result(unlink(at));
	case Call::Mkdir:
		return result(mkdir(at, op.mode));
	case Call::Rmdir:
		return result(rmdir(at));
	case Call::Symlink:
		return result(symlink(link_target, at));
	case Call::Link:
		return result(link(at, to.c_str()));
	case Call::Rename:
		return result(renameat2(AT_FDCWD, at, AT_FDCWD, to.c_str(), 0));
	case Call::RenameNoReplace:
		return result(renameat2(AT_FDCWD, at, AT_FDCWD, to.c_str(), RENAME_NOREPLACE));
	case Call::RenameExchange:
		return result(renameat2(AT_FDCWD, at, AT_FDCWD, to.c_str(), RENAME_EXCHANGE));
	default:
		throw std::logic_error("not an operation on a name");
	}
}

int Actor::by_file(Operation &op) const
{
	switch (op.call) {
	case Call::Fstat:
		return stat(op);
	case Call::Read:
		return result(pread(file_, &op.seen.byte, 1, op.offset));
	case Call::Write:
		return result(pwrite(file_, &op.value, 1, op.offset));
	case Call::Ftruncate:
		return result(ftruncate(file_, op.value));
	default:
		return result(fchmod(file_, op.mode));
	}
}

// -------------------------------------------------------------------------

void Outsider::run(Operation &op)
{
	op.begin = now();
	op.result = carry_out(op);
	tell(op, op.result);
	op.end = now();
}

int Outsider::carry_out(const Operation &op)
{
	return op.call >= Call::BehindCreate ? change_entry(op) : change_file(op);
}

int Outsider::change_file(const Operation &op)
{
	const std::string path = lower_ + "/" + below(op.at);
	const int fd = ::open(path.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	int error = -errno;

	if (fd < 0)
		return error;
	switch (op.call) {
	case Call::BehindWrite: {
		// So that only the daemon's word tells that pages are outdated.
		struct stat st = {};
		fstat(fd, &st);
		error = result(pwrite(fd, &op.value, 1, op.offset));
		const timespec times[2] = {st.st_atim, st.st_mtim};
		futimens(fd, times);
		break;
	}
	case Call::BehindTruncate:
		error = result(ftruncate(fd, op.value));
		break;
	case Call::BehindChmod:
		error = result(fchmod(fd, op.mode));
		break;
	default:
		error = result(fsetxattr(fd, xattr_name, &op.value, 1, 0));
	}
	close(fd);
	return error;
}

int Outsider::change_entry(const Operation &op)
{
	const std::string at = lower_ + "/" + below(op.at), to = lower_ + "/" + below(op.to);

	switch (op.call) {
	case Call::BehindCreate: {
		const int fd = ::open(at.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, op.mode);
		if (fd < 0)
			return -errno;
		close(fd);
		return 0;
	}
	case Call::BehindUnlink:
		return result(unlink(at.c_str()));
	default:
		return result(rename(at.c_str(), to.c_str()));
	}
}

// As precisely as the daemon's commands can say it: they take paths, and a file
// that has lost its name has none.
void Outsider::tell(const Operation &op, int result)
{
	if (result < 0)
		return;
	if (op.at.dir != behind_dir || op.call == Call::BehindUnlink ||
	    op.call == Call::BehindRename) {
		control_("invalidate-all");
		return;
	}
	if (op.call == Call::BehindCreate) {
		control_(std::string("invalidate-entry B ") + char('a' + op.at.name));
		control_("invalidate-node B");
		return;
	}
	control_("invalidate-node " + below(op.at));
}

// -------------------------------------------------------------------------

namespace
{

struct Weight {
	Call call;
	unsigned weight;
};

constexpr Weight by_path[] = {
	{Call::Stat, 10},         {Call::Open, 5},     {Call::Create, 9},
	{Call::CreateNew, 3},     {Call::Truncate, 4}, {Call::Chmod, 4},
	{Call::SetXattr, 3},      {Call::GetXattr, 5}, {Call::RemoveXattr, 1},
	{Call::Readlink, 1},      {Call::List, 5},     {Call::Unlink, 5},
	{Call::Mkdir, 3},         {Call::Rmdir, 1},    {Call::Symlink, 2},
	{Call::Link, 6},          {Call::Rename, 6},   {Call::RenameNoReplace, 1},
	{Call::RenameExchange, 3}};
constexpr Weight opening[] = {{Call::Open, 2}, {Call::Create, 3}};
constexpr Weight by_fd[] = {{Call::Fstat, 4},
			    {Call::Read, 6},
			    {Call::Write, 5},
			    {Call::Ftruncate, 2},
			    {Call::Fchmod, 2}};
constexpr Weight watching[] = {{Call::Fstat, 2}, {Call::Read, 3}};
constexpr Weight behind[] = {{Call::BehindWrite, 6},  {Call::BehindTruncate, 2},
			     {Call::BehindChmod, 3},  {Call::BehindSetXattr, 2},
			     {Call::BehindCreate, 6}, {Call::BehindUnlink, 1},
			     {Call::BehindRename, 1}};

template <size_t n> Call pick(std::mt19937 &random, const Weight (&from)[n])
{
	unsigned sum = 0;
	for (const Weight &w : from)
		sum += w.weight;
	unsigned at = below(random, sum);
	for (const Weight &w : from) {
		if (at < w.weight)
			return w.call;
		at -= w.weight;
	}
	throw std::logic_error("weights");
}

// What is left to who changes B behind the mount.
bool changes_names(Call call)
{
	return call == Call::Create || call == Call::CreateNew ||
	       (call >= Call::Unlink && call <= Call::RenameExchange);
}

bool two_names(Call call)
{
	return call >= Call::Link && call <= Call::RenameExchange;
}

Place some_place(std::mt19937 &random, Call call, const Place &hot)
{
	Place place;
	place.dir = uint8_t(below(random, changes_names(call) ? behind_dir : fixed_dirs));
	place.name = int8_t(below(random, dir_names));
	if (below(random, 2) && (!changes_names(call) || hot.dir < behind_dir))
		place = hot;
	const bool outer_only =
		place.dir == behind_dir || call == Call::Mkdir || call == Call::Rmdir;
	if (!outer_only && below(random, 4) == 0) {
		place.middle = place.name;
		place.name = 0;
	}
	return place;
}

Call some_call(std::mt19937 &random, const Mood &mood, const Actor &actor)
{
	const bool by_file = below(random, 5) < 2;
	if (mood.watches)
		return actor.has_file() ? pick(random, watching) : Call::Open;
	if (!by_file)
		return pick(random, by_path);
	if (!actor.has_file())
		return pick(random, opening);
	const Call call = pick(random, by_fd);
	const bool writes = call == Call::Write || call == Call::Ftruncate;
	return writes && !actor.can_write() ? Call::Read : call;
}

} // namespace

Operation choose(std::mt19937 &random, const Mood &mood, const Actor &actor)
{
	Operation op;

	op.call = some_call(random, mood, actor);
	op.at = some_place(random, op.call, mood.hot);
	op.to = some_place(random, op.call, mood.hot);
	// Directories stay where their names are walked: only a and b of P and Q.
	if (op.call == Call::RenameExchange)
		op.at.middle = -1;
	if (two_names(op.call) && op.at.middle < 0 && op.call != Call::Link)
		op.to.middle = -1;
	if (op.call == Call::List) {
		if (op.at.dir == behind_dir || below(random, 3))
			op.at.middle = -1;
		else if (op.at.middle < 0)
			op.at.middle = op.at.name;
		op.at.name = -1;
	}
	op.read_only = op.call == Call::Open && (mood.watches || below(random, 2));
	op.offset = mood.watches ? 0 : uint8_t(below(random, max_file));
	op.mode = some_mode(random);
	op.value = op.call == Call::Truncate || op.call == Call::Ftruncate
			   ? uint8_t(below(random, max_file + 1))
			   : letter(random);
	return op;
}

Operation choose_behind(std::mt19937 &random, const Mood &mood)
{
	Operation op;

	op.call = pick(random, behind);
	op.at.dir = op.call >= Call::BehindCreate || below(random, 6)
			    ? uint8_t(behind_dir)
			    : uint8_t(below(random, behind_dir));
	op.at.name = int8_t(below(random, dir_names));
	if (op.at.dir == mood.hot.dir && below(random, 2))
		op.at.name = mood.hot.name;
	op.to.dir = behind_dir;
	op.to.name = int8_t(1 - op.at.name);
	op.offset = below(random, 2) ? 0 : uint8_t(below(random, max_file));
	op.mode = some_mode(random);
	op.value = op.call == Call::BehindTruncate ? uint8_t(below(random, max_file + 1))
						   : letter(random);
	return op;
}

// -------------------------------------------------------------------------

void make_tree(const std::string &root)
{
	for (unsigned d = 0; d < fixed_dirs; d++) {
		const std::string path = root + "/" + below({uint8_t(d), -1, -1});
		if (mkdir(path.c_str(), 0755) < 0)
			fail("mkdir " + path);
	}
}

Tree read_tree(const std::string &root)
{
	Tree tree;
	uint64_t ignored;

	for (unsigned d = 0; d < fixed_dirs; d++) {
		const std::string dir = root + "/" + below({uint8_t(d), -1, -1});
		read_directory(dir, &tree.dir_ino[d], tree.file[d]);
		for (unsigned n = 0; n < dir_names; n++)
			if (tree.file[d][n].type == Type::Directory)
				read_directory(dir + "/" + char('a' + n), &ignored,
					       tree.inner[d][n]);
	}
	return tree;
}

} // namespace extfuse_test::history
