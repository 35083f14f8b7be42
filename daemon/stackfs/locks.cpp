// SPDX-License-Identifier: GPL-2.0-only
#include "stackfs/locks.hpp"

#include "common/proc_path.hpp"
#include "stackfs/fs.hpp"

#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <limits>

namespace stackfs
{

namespace
{

constexpr off_t to_the_end = std::numeric_limits<off_t>::max();

off_t last_of(const struct flock &lock)
{
	return lock.l_len == 0 ? to_the_end : lock.l_start + lock.l_len - 1;
}

bool is_executable(int fd)
{
	struct stat st;
	return fstat(fd, &st) == 0 && (st.st_mode & 0111);
}

// A later write lock needs a writable description, and the owner can have one
// only. But one that is open for writing keeps programs from being executed.
UniqueFd open_for_locks(const char *path, int handle, short type, bool &writable)
{
	const int handle_mode = fcntl(handle, F_GETFL) & O_ACCMODE;
	constexpr int flags = O_CLOEXEC | O_NONBLOCK;
	UniqueFd fd;
	if (type == F_WRLCK || handle_mode == O_RDWR || !is_executable(handle))
		fd.reset(open(path, O_RDWR | flags));
	writable = fd.valid();
	if (!fd.valid() && type == F_RDLCK)
		fd.reset(open(path, O_RDONLY | flags));
	return fd;
}

} // namespace

void LockRanges::set(off_t start, off_t end, short type)
{
	std::vector<Range> next;
	next.reserve(ranges_.size() + 2);
	for (const Range &r : ranges_) {
		if (r.end < start || r.start > end) {
			next.push_back(r);
			continue;
		}
		if (r.start < start)
			next.push_back({r.start, start - 1, r.type});
		if (r.end > end)
			next.push_back({end + 1, r.end, r.type});
	}
	if (type != F_UNLCK)
		next.push_back({start, end, type});
	ranges_ = std::move(next);
}

bool LockRanges::overlaps(off_t start, off_t end) const noexcept
{
	return std::any_of(ranges_.begin(), ranges_.end(),
			   [=](const Range &r) { return r.start <= end && r.end >= start; });
}

int PosixLocks::open_owner(uint64_t owner, const char *path, int handle, short type,
			   std::shared_ptr<LockOwner> &out)
{
	std::shared_ptr<LockOwner> &entry = owners[owner];
	if (!entry)
		entry = std::make_shared<LockOwner>();
	if (!entry->fd.valid())
		entry->fd = open_for_locks(path, handle, type, entry->writable);
	if (!entry->fd.valid()) {
		const int err = errno;
		drop_if_idle(owner);
		return err;
	}
	if (type == F_WRLCK && !entry->writable)
		return ENOLCK; // opened for reading because it is a program; see above
	entry->handle = handle;
	out = entry;
	return 0;
}

void PosixLocks::note(uint64_t owner, LockOwner &entry, const struct flock &lock)
{
	entry.ranges.set(lock.l_start, last_of(lock), lock.l_type);
	if (lock.l_type != F_UNLCK)
		entry.pid = lock.l_pid;
	drop_if_idle(owner);
}

void PosixLocks::drop_if_idle(uint64_t owner)
{
	const auto it = owners.find(owner);
	if (it != owners.end() && it->second->ranges.empty() && !it->second->waiters)
		owners.erase(it);
}

void PosixLocks::drop_handle(int handle)
{
	std::erase_if(owners, [=](const auto &owner) {
		return owner.second->handle == handle && !owner.second->waiters;
	});
}

pid_t PosixLocks::holder(uint64_t owner, const struct flock &lock) const
{
	for (const auto &[id, entry] : owners)
		if (id != owner && entry->ranges.overlaps(lock.l_start, last_of(lock)))
			return entry->pid;
	return -1;
}

/* ------------------------------------------------------------------------ */

namespace
{

PosixLocks &locks_of(Node &node)
{
	PosixLocks *locks = node.locks.load(std::memory_order_acquire);
	if (locks)
		return *locks;
	auto made = std::make_unique<PosixLocks>();
	if (node.locks.compare_exchange_strong(locks, made.get(), std::memory_order_acq_rel))
		return *made.release();
	return *locks;
}

// libfuse hands on absolute offsets.
struct flock lower_lock(const struct flock &lock)
{
	struct flock lower = lock;
	lower.l_whence = SEEK_SET;
	lower.l_pid = 0; // OFD locks ask for that
	return lower;
}

int set_lock(int fd, int cmd, const struct flock &lock)
{
	struct flock lower = lower_lock(lock);
	return fcntl(fd, cmd, &lower) < 0 ? errno : 0;
}

int unlock(PosixLocks &locks, uint64_t owner, const struct flock &lock)
{
	const std::lock_guard guard(locks.mutex);
	const auto it = locks.owners.find(owner);
	if (it == locks.owners.end())
		return 0;
	const std::shared_ptr<LockOwner> entry = it->second;
	const int err = set_lock(entry->fd.get(), F_OFD_SETLK, lock);
	if (!err)
		locks.note(owner, *entry, lock);
	return err;
}

int lock_waiting(PosixLocks &locks, uint64_t owner, LockOwner &entry, const struct flock &lock)
{
	const int err = set_lock(entry.fd.get(), F_OFD_SETLKW, lock);
	if (err)
		return err;
	const std::lock_guard guard(locks.mutex);
	locks.note(owner, entry, lock);
	return 0;
}

// Keeps an owner's entry while somebody waits in it.
class WaitingOwner
{
	Pin pin_;
	PosixLocks &locks_;
	uint64_t owner_;
	std::shared_ptr<LockOwner> entry_;

public:
	// Under locks.mutex.
	WaitingOwner(Pin pin, PosixLocks &locks, uint64_t owner, std::shared_ptr<LockOwner> entry)
		: pin_(std::move(pin)), locks_(locks), owner_(owner), entry_(std::move(entry))
	{
		++entry_->waiters;
	}
	~WaitingOwner()
	{
		const std::lock_guard guard(locks_.mutex);
		--entry_->waiters;
		locks_.drop_if_idle(owner_);
	}
	WaitingOwner(const WaitingOwner &) = delete;
	WaitingOwner &operator=(const WaitingOwner &) = delete;

	int wait(const struct flock &lock)
	{
		return lock_waiting(locks_, owner_, *entry_, lock);
	}
};

bool would_wait(int err)
{
	return err == EAGAIN || err == EACCES;
}

} // namespace

int Fs::do_setlk(fuse_req_t req, fuse_ino_t node, fuse_file_info *fi, struct flock *lock, int sleep)
{
	Pin pin;
	int err = table_.pin(node, pin);
	if (err)
		return err;
	const uint64_t owner = fi->lock_owner;
	if (lock->l_type == F_UNLCK) {
		PosixLocks *locks = pin->locks.load(std::memory_order_acquire);
		return locks ? unlock(*locks, owner, *lock) : 0;
	}
	PosixLocks &locks = locks_of(*pin.node());
	const ProcPath path(pin.fd());
	std::shared_ptr<WaitingOwner> waiting;
	{
		const std::lock_guard guard(locks.mutex);
		std::shared_ptr<LockOwner> entry;
		err = locks.open_owner(owner, path.c_str(), file_of(fi), lock->l_type, entry);
		if (err)
			return err;
		err = set_lock(entry->fd.get(), F_OFD_SETLK, *lock);
		if (!err)
			locks.note(owner, *entry, *lock);
		else if (!would_wait(err) || !sleep)
			locks.drop_if_idle(owner);
		if (!would_wait(err) || !sleep)
			return err;
		waiting = std::make_shared<WaitingOwner>(std::move(pin), locks, owner, entry);
	}
	const struct flock wanted = *lock;
	err = waiters_->start(req, [waiting, wanted] { return waiting->wait(wanted); });
	return err ? err : replied;
}

int Fs::do_getlk(fuse_req_t req, fuse_ino_t node, fuse_file_info *fi, struct flock *lock)
{
	Pin pin;
	int err = table_.pin(node, pin);
	if (err)
		return err;
	PosixLocks &locks = locks_of(*pin.node());
	struct flock answer = lower_lock(*lock);
	{
		const std::lock_guard guard(locks.mutex);
		const auto it = locks.owners.find(fi->lock_owner);
		const int fd = it == locks.owners.end() ? file_of(fi) : it->second->fd.get();
		if (fcntl(fd, F_OFD_GETLK, &answer) < 0)
			return errno;
		// An OFD lock has no pid; if it is ours we know who asked for it.
		if (answer.l_type != F_UNLCK && answer.l_pid == -1)
			answer.l_pid = locks.holder(fi->lock_owner, answer);
	}
	fuse_reply_lock(req, &answer);
	return replied;
}

// close() by a process drops its locks on the file, whichever descriptor they
// were taken through.
void Fs::drop_locks(fuse_ino_t node, uint64_t owner) noexcept
{
	Pin pin;
	if (table_.pin(node, pin))
		return;
	PosixLocks *locks = pin->locks.load(std::memory_order_acquire);
	if (!locks)
		return;
	struct flock all = {};
	all.l_type = F_UNLCK;
	guarded([&] { return unlock(*locks, owner, all); });
}

void Fs::drop_locks_of_handle(fuse_ino_t node, int handle) noexcept
{
	Pin pin;
	if (table_.pin(node, pin))
		return;
	PosixLocks *locks = pin->locks.load(std::memory_order_acquire);
	if (!locks)
		return;
	const std::lock_guard guard(locks->mutex);
	locks->drop_handle(handle);
}

// An open file of the caller is one open file description below, so its flock()s
// are the lower file system's.
int Fs::do_flock(fuse_req_t req, fuse_ino_t, fuse_file_info *fi, int op)
{
	const int fd = file_of(fi);
	if (flock(fd, op | LOCK_NB) == 0)
		return 0;
	if (errno != EWOULDBLOCK || op & LOCK_NB)
		return errno;
	const int err = waiters_->start(req, [=] { return flock(fd, op) < 0 ? errno : 0; });
	return err ? err : replied;
}

} // namespace stackfs
