// SPDX-License-Identifier: GPL-2.0-only
//
// Histories of file system operations: what several processes called, when each
// call began and ended, and what it returned. Plain data, lives in shared memory.
#ifndef EXTFUSE_TESTS_HISTORY_HPP
#define EXTFUSE_TESTS_HISTORY_HPP

#include <cstdint>
#include <string>
#include <vector>

namespace extfuse_test::history
{

// The whole name space: directories P, Q and B are there for ever. In P and Q are
// the names a and b, which may become files, directories and symbolic links; in a
// directory among these is the name a, which may become a file. In B are a and b,
// which are made and removed behind the mount only, and are files.
constexpr unsigned fixed_dirs = 3;
constexpr unsigned dir_names = 2;
constexpr unsigned behind_dir = 2;
constexpr unsigned max_processes = 6;
constexpr unsigned max_file = 3; // bytes
constexpr char link_target[] = "nowhere"; // of every symbolic link; never there

enum class Call : uint8_t {
	// by name
	Create, // open(O_CREAT | O_RDWR)
	CreateNew, // ... | O_EXCL
	Open, // open(O_RDWR), or O_RDONLY: directories, too
	Stat,
	Truncate,
	Chmod,
	SetXattr,
	GetXattr,
	RemoveXattr,
	Readlink,
	List, // all entries of a directory
	Unlink,
	Mkdir,
	Rmdir,
	Symlink,
	Link,
	Rename,
	RenameNoReplace,
	RenameExchange,
	// on what the process has opened last
	Fstat,
	Read, // one byte
	Write, // one byte
	Ftruncate,
	Fchmod,
	// behind the mount; the end is the return of invalidate
	BehindWrite,
	BehindTruncate,
	BehindChmod,
	BehindSetXattr,
	BehindCreate,
	BehindUnlink,
	BehindRename,
	Count
};

constexpr unsigned call_count = static_cast<unsigned>(Call::Count);
const char *call_name(Call call);
bool is_behind(Call call);
bool uses_file(Call call); // the process's open file instead of a name

enum class Type : uint8_t { None, File, Directory, Symlink };

// A path below the mount: dir/name, or dir/middle/name.
struct Place {
	uint8_t dir = 0;
	int8_t middle = -1; // index of a name; -1: none
	int8_t name = 0; // -1: the directory itself, for List
};

struct Entry {
	Type type = Type::None; // None: no such name
	uint64_t ino = 0;
};

// What an operation found, if its result was not an error.
struct Seen {
	Type type = Type::None;
	uint16_t mode = 0;
	uint16_t nlink = 0;
	uint32_t size = 0;
	uint64_t ino = 0;
	uint8_t byte = 0; // Read; first byte of the value of GetXattr
	bool stranger = false; // List: a name that nobody makes; Readlink: another target
	Entry entries[dir_names]; // List
};

struct Operation {
	Call call = Call::Stat;
	uint8_t process = 0;
	Place at, to;
	uint8_t offset = 0; // Read, Write
	uint8_t value = 0; // Write, SetXattr: the byte; Truncate: the size
	bool read_only = false; // Open
	uint16_t mode = 0; // Chmod, and of what is made
	int64_t begin = 0, end = 0; // nanoseconds of CLOCK_MONOTONIC
	int result = 0; // as of the system call, or a negative errno
	Seen seen;
};

using History = std::vector<Operation>;

// A file as somebody saw it who was alone.
struct File {
	Type type = Type::None;
	uint16_t mode = 0;
	uint16_t nlink = 0; // not of directories
	uint32_t size = 0; // not of directories
	uint64_t ino = 0;
	uint8_t xattr = 0; // 0: none
	uint8_t data[max_file] = {};

	bool operator==(const File &) const = default;
};

// The whole tree: dir/name, and dir/name/name where that is a directory. The inner
// names of what is no directory are Type::None.
struct Tree {
	uint64_t dir_ino[fixed_dirs] = {};
	File file[fixed_dirs][dir_names];
	File inner[fixed_dirs][dir_names][dir_names];

	bool operator==(const Tree &) const = default;
};

std::string text(const Place &place);
std::string text(const File &file);
std::string text(const Operation &operation, int64_t zero);
std::string text(const History &history); // one line each, in the order of begins
std::string text(const Tree &tree);
// Where they differ; empty if they do not.
std::string difference(const Tree &a, const Tree &b);

} // namespace extfuse_test::history

#endif
