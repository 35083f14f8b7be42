// SPDX-License-Identifier: GPL-2.0-only
#include "operation.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <system_error>

namespace bench
{

namespace
{

// What the loop itself costs, to be taken off.
class Empty : public Operation
{
public:
	void once() override
	{
		asm volatile("" ::: "memory");
	}
};

void make_file(const char *path, size_t size = block_size)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	const std::string data(size, 'x');
	if (fd < 0)
		fail(errno, std::string("create ") + path);
	const ssize_t n = write(fd, data.data(), data.size());
	const int error = n < 0 ? errno : ENOSPC;
	close(fd);
	if (n != static_cast<ssize_t>(data.size()))
		fail(error, std::string("write ") + path);
}

} // namespace

void fail(int error, const std::string &what)
{
	throw std::system_error(error, std::generic_category(), what);
}

void make_files()
{
	std::filesystem::create_directories(std::filesystem::path(deep_path).parent_path());
	make_file(deep_path);
	make_file(deep_path_too);
	make_file(file_path);
	make_names();
	make_file(big_path, big_size);
}

std::unique_ptr<Operation> make_empty()
{
	return std::make_unique<Empty>();
}

const std::vector<Entry> &operations()
{
	static const std::vector<Entry> all = {
		{"empty", "nothing: the cost of the loop", make_empty},
		{"fstat", "fstat of an open file", make_fstat},
		{"stat1", "stat of a path of 1 component", make_stat1},
		{"stat8", "stat of a path of 8 components", make_stat8},
		{"absent", "stat of a name that does not exist", make_absent},
		{"pread4k", "pread of 4 KiB of an open file", make_pread},
		{"open-pread-close", "open, pread of 4 KiB, close", make_open_pread_close},
		{"create", "create, write of 4 KiB, close", make_create},
		{"create-unlink", "create, write of 4 KiB, close, unlink", make_create_unlink},
		{"first-touch", "stat of names in turn", make_first_touch},
		{"seq-read", "pread of 128 KiB, one after the other", make_seq_read},
		{"seq-write", "pwrite of 128 KiB, one after the other", make_seq_write},
		{"rnd-read", "pread of 4 KiB at random", make_rnd_read},
		{"rnd-write", "pwrite of 4 KiB at random", make_rnd_write},
	};
	return all;
}

} // namespace bench
