// SPDX-License-Identifier: GPL-2.0-only
// POSIX record locks of one file, by lock owner.
//
// To the lower file system this daemon is one process, which can't hold two
// owners' POSIX locks apart. So each owner gets an open file description of its
// own, and OFD locks on that: they conflict with each other and with everybody
// else's locks as POSIX locks do. Not kept: the detection of deadlocks (EDEADLK);
// who waits in one can be interrupted.
#pragma once

#include "common/fd.hpp"

#include <fcntl.h>
#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

namespace stackfs
{

// What an owner holds. Needed to say who holds it (F_GETLK's pid), and to see
// that nothing is held any more.
class LockRanges
{
public:
	// [start, end], end included
	struct Range {
		off_t start;
		off_t end;
		short type; // F_RDLCK, F_WRLCK
	};

	// type F_UNLCK: remove. As fcntl() does: the new type replaces the old.
	void set(off_t start, off_t end, short type);
	bool overlaps(off_t start, off_t end) const noexcept;
	bool empty() const noexcept
	{
		return ranges_.empty();
	}
	const std::vector<Range> &all() const noexcept
	{
		return ranges_;
	}

private:
	std::vector<Range> ranges_; // disjoint, in no order
};

struct LockOwner {
	UniqueFd fd; // of this owner alone
	bool writable = false;
	pid_t pid = 0; // who locked last
	int handle = -1; // the file handle it was done through
	unsigned waiters = 0;
	LockRanges ranges;
};

class PosixLocks
{
public:
	std::mutex mutex; // of all below; innermost, held over calls that do not block
	std::unordered_map<uint64_t, std::shared_ptr<LockOwner>> owners;

	// The owner's entry, with a description that can take the lock. 0 or errno.
	// path: the file under /proc. handle: the caller's lower descriptor.
	int open_owner(uint64_t owner, const char *path, int handle, short type,
		       std::shared_ptr<LockOwner> &out);
	// After a lock was set or removed.
	void note(uint64_t owner, LockOwner &entry, const struct flock &lock);
	// The file handle is released: owners that are an open file description, and not a
	// process, end with it; processes were flushed before.
	void drop_handle(int handle);
	// Forget the entry if it holds nothing and nobody waits.
	void drop_if_idle(uint64_t owner);
	// The pid of an owner, other than this one, that holds part of the range.
	pid_t holder(uint64_t owner, const struct flock &lock) const;
};

} // namespace stackfs
