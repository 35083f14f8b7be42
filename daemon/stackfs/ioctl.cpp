// SPDX-License-Identifier: GPL-2.0-only
// The ioctls that are safe to hand down: file flags and project ids. Any other
// could mean something else to the lower file system than to the caller.
#include "stackfs/fs.hpp"

#include "stackfs/dir.hpp"

#include <linux/fs.h>
#include <sys/ioctl.h>

#include <cstring>

namespace stackfs
{

namespace
{

template <typename Value> int get(fuse_req_t req, int fd, unsigned cmd, size_t room)
{
	Value value = {};
	if (room < sizeof(value))
		return EINVAL;
	{
		const Creds creds(req);
		if (creds.error())
			return creds.error();
		if (ioctl(fd, cmd, &value) < 0)
			return errno;
	}
	fuse_reply_ioctl(req, 0, &value, sizeof(value));
	return replied;
}

template <typename Value> int set(fuse_req_t req, int fd, unsigned cmd, const void *in, size_t size)
{
	Value value;
	if (size < sizeof(value))
		return EINVAL;
	memcpy(&value, in, sizeof(value));
	{
		const Creds creds(req);
		if (creds.error())
			return creds.error();
		if (ioctl(fd, cmd, &value) < 0)
			return errno;
	}
	fuse_reply_ioctl(req, 0, nullptr, 0);
	return replied;
}

} // namespace

int Fs::do_ioctl(fuse_req_t req, fuse_ino_t, unsigned cmd, void *, fuse_file_info *fi,
		 unsigned flags, const void *in, size_t in_size, size_t out_size)
{
	if (flags & FUSE_IOCTL_COMPAT)
		return ENOTTY;
	const int fd = flags & FUSE_IOCTL_DIR ? dir_handle_fd(fi) : file_of(fi);
	switch (cmd) {
	case FS_IOC_GETFLAGS: // an int, whatever the macro says
		return get<int>(req, fd, cmd, out_size);
	case FS_IOC_SETFLAGS:
		return set<int>(req, fd, cmd, in, in_size);
	case FS_IOC_FSGETXATTR:
		return get<fsxattr>(req, fd, cmd, out_size);
	case FS_IOC_FSSETXATTR:
		return set<fsxattr>(req, fd, cmd, in, in_size);
	default:
		return ENOTTY;
	}
}

} // namespace stackfs
