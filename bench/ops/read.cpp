// SPDX-License-Identifier: GPL-2.0-only
// READ, and with it OPEN, FLUSH and RELEASE.
#include "operation.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace bench
{

namespace
{

int open_file()
{
	const int fd = open(file_path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		fail(errno, std::string("open ") + file_path);
	return fd;
}

class Block
{
	alignas(block_size) std::array<char, block_size> data_{};

public:
	void read_from(int fd)
	{
		const ssize_t n = pread(fd, data_.data(), data_.size(), 0);
		if (n != static_cast<ssize_t>(data_.size()))
			fail(n < 0 ? errno : EIO, "pread");
	}
};

class Pread : public Operation
{
	int fd_ = open_file();
	Block block_;

public:
	Pread() = default;
	~Pread() override
	{
		close(fd_);
	}
	Pread(const Pread &) = delete;
	Pread &operator=(const Pread &) = delete;

	void once() override
	{
		block_.read_from(fd_);
	}
};

class OpenPreadClose : public Operation
{
	Block block_;

public:
	void once() override
	{
		const int fd = open_file();
		block_.read_from(fd);
		if (close(fd) < 0)
			fail(errno, "close");
	}
};

} // namespace

std::unique_ptr<Operation> make_pread()
{
	return std::make_unique<Pread>();
}

std::unique_ptr<Operation> make_open_pread_close()
{
	return std::make_unique<OpenPreadClose>();
}

} // namespace bench
