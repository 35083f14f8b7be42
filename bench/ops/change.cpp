// SPDX-License-Identifier: GPL-2.0-only
// What changes names: nothing of it can be answered from a cache.
#include "operation.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace bench
{

namespace
{

class CreateUnlink : public Operation
{
	static constexpr const char *path = "created";
	const std::string data_ = std::string(block_size, 'x');

public:
	void once() override
	{
		const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
		if (fd < 0)
			fail(errno, std::string("create ") + path);
		const ssize_t n = write(fd, data_.data(), data_.size());
		const int error = n < 0 ? errno : ENOSPC;
		close(fd);
		if (n != static_cast<ssize_t>(data_.size()))
			fail(error, std::string("write ") + path);
		if (unlink(path) < 0)
			fail(errno, std::string("unlink ") + path);
	}
};

class Create : public Operation
{
	const std::string prefix_ = "created-" + std::to_string(getpid()) + "-";
	const std::string data_ = std::string(block_size, 'x');
	size_t next_ = 0;

public:
	void once() override
	{
		const std::string path = prefix_ + std::to_string(next_++);
		const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
		if (fd < 0)
			fail(errno, "create " + path);
		const ssize_t n = write(fd, data_.data(), data_.size());
		const int error = n < 0 ? errno : ENOSPC;
		close(fd);
		if (n != static_cast<ssize_t>(data_.size()))
			fail(error, "write " + path);
	}
};

} // namespace

std::unique_ptr<Operation> make_create()
{
	return std::make_unique<Create>();
}

std::unique_ptr<Operation> make_create_unlink()
{
	return std::make_unique<CreateUnlink>();
}

} // namespace bench
