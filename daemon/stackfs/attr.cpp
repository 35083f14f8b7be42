// SPDX-License-Identifier: GPL-2.0-only
// Attributes of files and of the file system.
#include "stackfs/fs.hpp"

#include "common/proc_path.hpp"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace stackfs
{

namespace
{

int access_of(int fd, int mask)
{
	// glibc's faccessat() emulates AT_EACCESS for older kernels; ask this one.
	return syscall(SYS_faccessat2, fd, "", mask, AT_EACCESS | AT_EMPTY_PATH) ? errno : 0;
}

// The kernel drops set-id bits for a writer by a request of its own, under the
// writer's name, who need not be the owner. Whoever may write may do just that.
bool only_drops_set_ids(int fd, mode_t mode)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return false;
	const mode_t before = st.st_mode & 07777;
	const mode_t after = mode & 07777;
	const mode_t dropped = before & ~after;
	return (after & ~before) == 0 && dropped && !(dropped & ~mode_t{S_ISUID | S_ISGID}) &&
	       access_of(fd, W_OK) == 0;
}

int change_mode(fuse_req_t req, int fd, mode_t mode)
{
	const ProcPath path(fd);
	bool allowed = false;
	{
		const Creds creds(req);
		if (creds.error())
			return creds.error();
		if (chmod(path.c_str(), mode & 07777) == 0)
			return 0;
		if (errno != EPERM)
			return errno;
		allowed = only_drops_set_ids(fd, mode);
	}
	if (!allowed)
		return EPERM;
	return chmod(path.c_str(), mode & 07777) < 0 ? errno : 0;
}

int change_owner(fuse_req_t req, int fd, const struct stat &attr, int to_set)
{
	const Creds creds(req);
	if (creds.error())
		return creds.error();
	const uid_t uid = to_set & FUSE_SET_ATTR_UID ? attr.st_uid : static_cast<uid_t>(-1);
	const gid_t gid = to_set & FUSE_SET_ATTR_GID ? attr.st_gid : static_cast<gid_t>(-1);
	return fchownat(fd, "", uid, gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) < 0 ? errno : 0;
}

// Through a descriptor of its own, unless the caller has one: truncate(2) would
// wait for a lease to be given up, with no way to say "not now".
int change_size(fuse_req_t req, int fd, off_t size, int file, bool may_block)
{
	if (file >= 0)
		return ftruncate(file, size) < 0 ? errno : 0;
	const Creds creds(req);
	if (creds.error())
		return creds.error();
	const int flags = O_WRONLY | O_CLOEXEC | (may_block ? 0 : O_NONBLOCK);
	const UniqueFd mine(open(ProcPath(fd).c_str(), flags));
	if (!mine.valid())
		return errno;
	return ftruncate(mine.get(), size) < 0 ? errno : 0;
}

timespec wanted_time(int to_set, int set, int now, const timespec &value)
{
	if (to_set & now)
		return {0, UTIME_NOW};
	return to_set & set ? value : timespec{0, UTIME_OMIT};
}

int change_times(fuse_req_t req, int fd, const struct stat &attr, int to_set)
{
	const Creds creds(req);
	if (creds.error())
		return creds.error();
	const timespec times[2] = {
		wanted_time(to_set, FUSE_SET_ATTR_ATIME, FUSE_SET_ATTR_ATIME_NOW, attr.st_atim),
		wanted_time(to_set, FUSE_SET_ATTR_MTIME, FUSE_SET_ATTR_MTIME_NOW, attr.st_mtim),
	};
	return utimensat(fd, "", times, AT_EMPTY_PATH) < 0 ? errno : 0;
}

constexpr int owner_bits = FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID;
constexpr int time_bits = FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_ATIME_NOW |
			  FUSE_SET_ATTR_MTIME_NOW;

} // namespace

int Fs::do_getattr(fuse_req_t req, fuse_ino_t node, fuse_file_info *)
{
	const extfuse_token token = node_token(node);
	Pin pin;
	const int err = table_.pin(node, pin);
	if (err)
		return err;
	struct stat st;
	if (fstat(pin.fd(), &st) < 0)
		return errno;
	if (cache_meta_)
		extfuse_reply_attr(x_, req, node, &st, options_.attr_timeout, token,
				   EXTFUSE_SCOPE_ALL);
	else
		fuse_reply_attr(req, &st, options_.attr_timeout);
	return replied;
}

// The owner first, because that clears set-id bits which a mode in the same request
// may want; times last, because the others change them. ctime is the lower file
// system's own.
int Fs::apply_attr(fuse_req_t req, const Pin &pin, const struct stat &attr, int to_set, int file,
		   bool may_block)
{
	int err = 0;
	if (to_set & owner_bits)
		err = change_owner(req, pin.fd(), attr, to_set);
	if (!err && to_set & FUSE_SET_ATTR_SIZE)
		err = change_size(req, pin.fd(), attr.st_size, file, may_block);
	if (!err && to_set & FUSE_SET_ATTR_MODE)
		err = change_mode(req, pin.fd(), attr.st_mode);
	if (!err && to_set & time_bits)
		err = change_times(req, pin.fd(), attr, to_set);
	return err;
}

int Fs::finish_setattr(fuse_req_t req, const Pin &pin, extfuse_token token)
{
	struct stat st;
	if (fstat(pin.fd(), &st) < 0)
		return errno;
	if (cache_meta_)
		extfuse_reply_attr(x_, req, pin->id, &st, options_.attr_timeout, token,
				   EXTFUSE_SCOPE_ALL);
	else
		fuse_reply_attr(req, &st, options_.attr_timeout);
	return replied;
}

int Fs::do_setattr(fuse_req_t req, fuse_ino_t node, struct stat *attr, int to_set,
		   fuse_file_info *fi)
{
	const extfuse_token token = changed_node_token(node);
	auto pin = std::make_shared<Pin>();
	int err = table_.pin(node, *pin);
	if (err)
		return err;
	const int file = fi ? file_of(fi) : -1;
	err = apply_attr(req, *pin, *attr, to_set, file, false);
	if (err == EWOULDBLOCK) {
		// Somebody holds a lease: wait for it elsewhere.
		const struct stat wanted = *attr;
		err = waiters_->start(req, [=, this] {
			const int result = apply_attr(req, *pin, wanted, to_set, file, true);
			if (result)
				return result;
			fuse_req_interrupt_func(req, nullptr, nullptr);
			return finish_setattr(req, *pin, token);
		});
		return err ? err : replied;
	}
	return err ? err : finish_setattr(req, *pin, token);
}

// Asked for without default_permissions only: the answer is this caller's.
int Fs::do_access(fuse_req_t req, fuse_ino_t node, int mask)
{
	const extfuse_token token = node_token(node);
	Pin pin;
	int err = table_.pin(node, pin);
	if (err)
		return err;
	{
		const Creds creds(req);
		if (creds.error())
			return creds.error();
		err = access_of(pin.fd(), mask);
	}
	if (!cache_meta_)
		return err;
	extfuse_reply_access(x_, req, node, mask, err, token, entry_scope(req));
	return replied;
}

// Not cached: others use the lower file system's space as well, and nobody tells.
int Fs::do_statfs(fuse_req_t req, fuse_ino_t node)
{
	Pin pin;
	const int err = table_.pin(node ? node : FUSE_ROOT_ID, pin);
	if (err)
		return err;
	struct statvfs st;
	if (fstatvfs(pin.fd(), &st) < 0)
		return errno;
	fuse_reply_statfs(req, &st);
	return replied;
}

} // namespace stackfs
