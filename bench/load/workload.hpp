// SPDX-License-Identifier: GPL-2.0-only
// A workload: a fixed amount of work for a number of threads, in a directory of its
// own. A new one is a class, and a line in the table of its file.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace load
{

// What the command line says. 0: the workload's own default.
struct Scale {
	int threads = 1;
	long operations = 0; // of all threads together
	long files = 0;      // in the tree the workload finds
	long block = 4096;   // bytes of a read or write, where it is not part of the definition
};

class Workload
{
	Scale scale_;

public:
	explicit Workload(const Scale &scale) : scale_(scale) {}
	virtual ~Workload() = default;
	Workload(const Workload &) = delete;
	Workload &operator=(const Workload &) = delete;

	// Makes what the workload finds, in the lower file system's directory, which is
	// empty. Not timed; one thread.
	virtual void prepare(const std::filesystem::path &) {}
	// Through the mount, before the clock starts: what is open, what is known already.
	// Not timed; each thread its own.
	virtual void warm(int, const std::filesystem::path &) {}
	// Timed. How many operations it did.
	virtual long run(int thread, const std::filesystem::path &dir) = 0;

	int threads() const
	{
		return scale_.threads;
	}
	long files() const
	{
		return scale_.files;
	}
	size_t block() const
	{
		return static_cast<size_t>(scale_.block);
	}
	// This thread's share of the operations.
	long share(int thread) const
	{
		return scale_.operations / scale_.threads +
		       (thread < scale_.operations % scale_.threads ? 1 : 0);
	}
	// Files [first, last) of the tree are this thread's.
	long first_of(int thread) const
	{
		return scale_.files * thread / scale_.threads;
	}
};

struct Entry {
	std::string_view name;
	std::string_view operation; // what counts as one
	std::string_view text;
	Scale scale; // as defined where it comes from, but for operations and files
	std::unique_ptr<Workload> (*make)(const Scale &);
};

template <typename W> std::unique_ptr<Workload> make(const Scale &scale)
{
	return std::make_unique<W>(scale);
}

std::vector<Entry> fxmark_workloads();
std::vector<Entry> stackfs_workloads();
std::vector<Entry> server_workloads();
std::vector<Entry> block_workloads();
std::vector<Entry> data_workloads();
std::vector<Entry> name_workloads();
std::vector<Entry> archive_workloads();

// ---------------------------------------------------------------------------

[[noreturn]] void fail(int error, const std::string &what);

// Owner of a descriptor; throws where there is none.
class File
{
	int fd_;

public:
	File(const std::filesystem::path &path, int flags, mode_t mode = 0644);
	~File();
	File(File &&other) noexcept;
	File &operator=(File &&) = delete;
	File(const File &) = delete;
	File &operator=(const File &) = delete;

	// All of it, or an exception.
	void write(const char *data, size_t size, off_t at);
	void append(const char *data, size_t size);
	void read(char *data, size_t size, off_t at);
	// To its end, in pieces of that size at most. Bytes.
	size_t read_whole(std::vector<char> &buffer);
	void sync();
};

void make_file(const std::filesystem::path &path, size_t size);
void remove_file(const std::filesystem::path &path);
void stat_file(const std::filesystem::path &path);

// The same numbers in each run, others in each thread.
inline std::mt19937_64 numbers(int thread)
{
	return std::mt19937_64(static_cast<uint64_t>(thread) + 1);
}

// Not std::uniform_int_distribution: that is another one with another library.
inline uint64_t below(std::mt19937_64 &random, uint64_t limit)
{
	return random() % limit;
}

} // namespace load
