// SPDX-License-Identifier: GPL-2.0-only
//
// System calls as tests want them: 0, a descriptor or a count, or a negative
// errno.
#ifndef EXTFUSE_TESTS_SYS_HPP
#define EXTFUSE_TESTS_SYS_HPP

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <future>
#include <string>
#include <utility>
#include <vector>

namespace extfuse_test::sys
{

inline int result(long rc)
{
	return rc < 0 ? -errno : static_cast<int>(rc);
}

inline int stat(const std::string &path, struct stat *st = nullptr)
{
	struct stat other;
	return result(::lstat(path.c_str(), st ? st : &other));
}

inline int fstat(int fd, struct stat *st)
{
	return result(::fstat(fd, st));
}

// Attributes, or all zeros.
inline struct stat attr(const std::string &path)
{
	struct stat st = {};
	if (stat(path, &st) < 0)
		st = {};
	return st;
}

inline int open(const std::string &path, int flags, mode_t mode = 0644)
{
	return result(::open(path.c_str(), flags | O_CLOEXEC, mode));
}

inline int access(const std::string &path, int mode)
{
	return result(::access(path.c_str(), mode));
}

inline int unlink(const std::string &path)
{
	return result(::unlink(path.c_str()));
}

inline int mkdir(const std::string &path, mode_t mode = 0755)
{
	return result(::mkdir(path.c_str(), mode));
}

inline int rmdir(const std::string &path)
{
	return result(::rmdir(path.c_str()));
}

inline int rename(const std::string &from, const std::string &to, unsigned flags = 0)
{
	return result(::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), flags));
}

inline int link(const std::string &from, const std::string &to)
{
	return result(::link(from.c_str(), to.c_str()));
}

inline int symlink(const std::string &target, const std::string &path)
{
	return result(::symlink(target.c_str(), path.c_str()));
}

inline int chmod(const std::string &path, mode_t mode)
{
	return result(::chmod(path.c_str(), mode));
}

inline int chown(const std::string &path, uid_t uid, gid_t gid)
{
	return result(::chown(path.c_str(), uid, gid));
}

inline int truncate(const std::string &path, off_t size)
{
	return result(::truncate(path.c_str(), size));
}

inline int set_xattr(const std::string &path, const std::string &name, const std::string &value)
{
	return result(::lsetxattr(path.c_str(), name.c_str(), value.data(), value.size(), 0));
}

inline int pread(int fd, size_t size, uint64_t offset, std::string *out)
{
	out->resize(size);
	const ssize_t n = ::pread(fd, out->data(), size, static_cast<off_t>(offset));
	out->resize(n < 0 ? 0 : static_cast<size_t>(n));
	return result(n);
}

// The bytes read, or the error as text, for comparing.
inline std::string read_at(int fd, size_t size, uint64_t offset)
{
	std::string out;
	const int n = pread(fd, size, offset, &out);
	return n < 0 ? "error " + std::to_string(n) : out;
}

inline int pwrite(int fd, const std::string &data, uint64_t offset)
{
	return result(::pwrite(fd, data.data(), data.size(), static_cast<off_t>(offset)));
}

// Owns a descriptor.
class Fd
{
public:
	explicit Fd(int fd = -1) : fd_(fd) {}
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
		close();
	}

	operator int() const
	{
		return fd_;
	}
	int release()
	{
		return std::exchange(fd_, -1);
	}
	void close()
	{
		if (fd_ >= 0)
			::close(fd_);
		fd_ = -1;
	}

private:
	int fd_;
};

// A whole file, by plain reads.
inline std::string read_file(const std::string &path)
{
	const Fd fd(open(path, O_RDONLY));
	std::string all, part;
	if (fd < 0)
		return "error " + std::to_string(fd);
	while (pread(fd, 65536, all.size(), &part) > 0)
		all += part;
	return all;
}

inline int write_file(const std::string &path, const std::string &data,
		      int flags = O_CREAT | O_WRONLY)
{
	const Fd fd(open(path, flags));
	if (fd < 0)
		return fd;
	const int n = pwrite(fd, data, 0);
	return n < 0 ? n : 0;
}

// Forget all dentries and inodes that nobody uses.
inline void drop_caches()
{
	const Fd fd(open("/proc/sys/vm/drop_caches", O_WRONLY));
	pwrite(fd, "2", 0);
}

inline void drop_pages()
{
	const Fd fd(open("/proc/sys/vm/drop_caches", O_WRONLY));
	pwrite(fd, "1", 0);
}

// A call in a thread of its own, waited for at the latest when the result goes.
template <class Work> auto in_background(Work work)
{
	return std::async(std::launch::async, std::move(work));
}

// The work in a thread that is another user: credentials are per thread in the
// kernel, it is only the C library that changes all of them.
template <class Work>
auto as_user(uid_t uid, gid_t gid, const std::vector<gid_t> &groups, Work work)
{
	return std::async(std::launch::async,
			  [&] {
				  if (syscall(SYS_setgroups, groups.size(), groups.data()) < 0 ||
				      syscall(SYS_setresgid, gid, gid, gid) < 0 ||
				      syscall(SYS_setresuid, uid, uid, uid) < 0) {
					  perror("as_user");
					  abort();
				  }
				  return work();
			  })
		.get();
}

template <class Work> auto as_user(uid_t uid, Work work)
{
	return as_user(uid, uid, {}, std::move(work));
}

} // namespace extfuse_test::sys

#endif
