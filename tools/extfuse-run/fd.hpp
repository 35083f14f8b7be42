// SPDX-License-Identifier: GPL-2.0-only
//
// A file descriptor that is closed.
#ifndef EXTFUSE_RUN_FD_HPP
#define EXTFUSE_RUN_FD_HPP

#include <unistd.h>

#include <utility>

namespace extfuse_run
{

class Fd
{
public:
	explicit Fd(int fd = -1) noexcept : fd_(fd) {}
	Fd(Fd &&other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
	Fd &operator=(Fd &&other) noexcept
	{
		std::swap(fd_, other.fd_);
		return *this;
	}
	Fd(const Fd &) = delete;
	Fd &operator=(const Fd &) = delete;
	~Fd()
	{
		reset();
	}

	int get() const noexcept
	{
		return fd_;
	}
	explicit operator bool() const noexcept
	{
		return fd_ >= 0;
	}
	void reset() noexcept
	{
		if (fd_ >= 0)
			::close(std::exchange(fd_, -1));
	}

private:
	int fd_;
};

} // namespace extfuse_run

#endif
