// SPDX-License-Identifier: GPL-2.0-only
// GETATTR alone: the file is open, no name is looked up.
#include "operation.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace bench
{

namespace
{

class Fstat : public Operation
{
	int fd_;

public:
	Fstat() : fd_(open(file_path, O_RDONLY | O_CLOEXEC))
	{
		if (fd_ < 0)
			fail(errno, "open");
	}
	~Fstat() override
	{
		close(fd_);
	}
	Fstat(const Fstat &) = delete;
	Fstat &operator=(const Fstat &) = delete;

	void once() override
	{
		struct stat st;
		if (fstat(fd_, &st) < 0)
			fail(errno, "fstat");
	}
};

} // namespace

std::unique_ptr<Operation> make_fstat()
{
	return std::make_unique<Fstat>();
}

} // namespace bench
