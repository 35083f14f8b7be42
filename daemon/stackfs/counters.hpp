// SPDX-License-Identifier: GPL-2.0-only
// How many requests of each kind came from the kernel.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>

namespace stackfs
{

#define STACKFS_OPS(X)                                                                             \
	X(lookup)                                                                                  \
	X(forget)                                                                                  \
	X(forget_multi)                                                                            \
	X(getattr)                                                                                 \
	X(setattr)                                                                                 \
	X(readlink)                                                                                \
	X(mknod)                                                                                   \
	X(mkdir)                                                                                   \
	X(unlink)                                                                                  \
	X(rmdir)                                                                                   \
	X(symlink)                                                                                 \
	X(rename)                                                                                  \
	X(link)                                                                                    \
	X(open)                                                                                    \
	X(read)                                                                                    \
	X(write)                                                                                   \
	X(flush)                                                                                   \
	X(release)                                                                                 \
	X(fsync)                                                                                   \
	X(opendir)                                                                                 \
	X(readdir)                                                                                 \
	X(readdirplus)                                                                             \
	X(releasedir)                                                                              \
	X(fsyncdir)                                                                                \
	X(statfs)                                                                                  \
	X(setxattr)                                                                                \
	X(getxattr)                                                                                \
	X(listxattr)                                                                               \
	X(removexattr)                                                                             \
	X(access)                                                                                  \
	X(create)                                                                                  \
	X(getlk)                                                                                   \
	X(setlk)                                                                                   \
	X(flock)                                                                                   \
	X(ioctl)                                                                                   \
	X(fallocate)                                                                               \
	X(copy_file_range)                                                                         \
	X(lseek)                                                                                   \
	X(tmpfile)

enum class Op : unsigned {
#define X(name) name,
	STACKFS_OPS(X)
#undef X
		count
};

class Counters
{
	std::array<std::atomic<uint64_t>, static_cast<size_t>(Op::count)> requests_{};

public:
	void add(Op op) noexcept
	{
		requests_[static_cast<size_t>(op)].fetch_add(1, std::memory_order_relaxed);
	}
	uint64_t get(Op op) const noexcept
	{
		return requests_[static_cast<size_t>(op)].load(std::memory_order_relaxed);
	}
	void reset() noexcept;
	uint64_t total() const noexcept;
	// {"lookup": 12, ...}, all of them.
	std::string json() const;
};

} // namespace stackfs
