// SPDX-License-Identifier: GPL-2.0-only
#include "load/workload.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace load
{

void fail(int error, const std::string &what)
{
	throw std::system_error(error, std::generic_category(), what);
}

File::File(const std::filesystem::path &path, int flags, mode_t mode)
	: fd_(open(path.c_str(), flags | O_CLOEXEC, mode))
{
	if (fd_ < 0)
		fail(errno, "open " + path.string());
}

File::~File()
{
	if (fd_ >= 0)
		close(fd_);
}

File::File(File &&other) noexcept : fd_(other.fd_)
{
	other.fd_ = -1;
}

namespace
{

void expect_all(ssize_t n, size_t size, const char *what)
{
	if (n != static_cast<ssize_t>(size))
		fail(n < 0 ? errno : EIO, what);
}

} // namespace

void File::write(const char *data, size_t size, off_t at)
{
	expect_all(pwrite(fd_, data, size, at), size, "pwrite");
}

void File::append(const char *data, size_t size)
{
	expect_all(::write(fd_, data, size), size, "write");
}

void File::read(char *data, size_t size, off_t at)
{
	expect_all(pread(fd_, data, size, at), size, "pread");
}

size_t File::read_whole(std::vector<char> &buffer)
{
	size_t total = 0;
	for (;;) {
		const ssize_t n = ::read(fd_, buffer.data(), buffer.size());
		if (n < 0)
			fail(errno, "read");
		if (n == 0)
			return total;
		total += static_cast<size_t>(n);
	}
}

void File::sync()
{
	if (fsync(fd_) < 0)
		fail(errno, "fsync");
}

void make_file(const std::filesystem::path &path, size_t size)
{
	File file(path, O_WRONLY | O_CREAT | O_EXCL);
	const std::string data(size, 'x');
	file.write(data.data(), data.size(), 0);
}

void remove_file(const std::filesystem::path &path)
{
	if (unlink(path.c_str()) < 0)
		fail(errno, "unlink " + path.string());
}

void stat_file(const std::filesystem::path &path)
{
	struct stat st;
	if (stat(path.c_str(), &st) < 0)
		fail(errno, "stat " + path.string());
}

} // namespace load
