// SPDX-License-Identifier: GPL-2.0-only
// What is measured: one iteration of an operation on files in the current
// directory. A new one is a class, a factory here, and a line in operation.cpp.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace bench
{

class Operation
{
public:
	virtual ~Operation() = default;
	// Throws std::system_error: a benchmark of errors measures nothing.
	virtual void once() = 0;
};

using Factory = std::unique_ptr<Operation> (*)();

struct Entry {
	std::string_view name;
	std::string_view text;
	Factory make;
};

const std::vector<Entry> &operations();

// The files the operations need, in the lower file system's directory.
void make_files();
void make_names(); // touch.cpp

[[noreturn]] void fail(int error, const std::string &what);

// Paths, relative to the directory that make_files() filled.
inline constexpr const char *file_path = "file";
inline constexpr const char *deep_path = "a/b/c/d/e/f/g/file";
inline constexpr const char *deep_path_too = "a/b/c/d/e/f/g/file-too";
inline constexpr const char *names_path = "names";
inline constexpr size_t names_count = 500;
inline constexpr const char *absent_path = "absent";
inline constexpr size_t block_size = 4096;
inline constexpr const char *big_path = "big"; // of data, in the page cache
inline constexpr size_t big_size = 16 * 1024 * 1024;

std::unique_ptr<Operation> make_empty();
std::unique_ptr<Operation> make_fstat();
std::unique_ptr<Operation> make_stat1();
std::unique_ptr<Operation> make_stat8();
std::unique_ptr<Operation> make_absent();
std::unique_ptr<Operation> make_pread();
std::unique_ptr<Operation> make_open_pread_close();
std::unique_ptr<Operation> make_create();
std::unique_ptr<Operation> make_create_unlink();
std::unique_ptr<Operation> make_first_touch();
std::unique_ptr<Operation> make_seq_read();
std::unique_ptr<Operation> make_seq_write();
std::unique_ptr<Operation> make_rnd_read();
std::unique_ptr<Operation> make_rnd_write();

} // namespace bench
