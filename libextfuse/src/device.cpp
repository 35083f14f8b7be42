// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Mounts that another process serves.
#include <cstring>

#include <fcntl.h>

#include "object.hpp"

using namespace exf::impl;

int extfuse::mount_for_others(const char *mountpoint, uid_t user, gid_t group, int &out)
{
	if (state != State::unmounted) {
		log.error("cannot mount %s: this object is mounted on %s", mountpoint,
			  target.c_str());
		return -EBUSY;
	}
	if (options.driver != EXTFUSE_DRIVER_EXTFUSE) {
		log.error("cannot mount %s for another process on stock FUSE: leave out "
			  "extfuse=stock",
			  mountpoint);
		return -EINVAL;
	}

	mode_t mode;
	int error = kernel->resolve(mountpoint, target, mode);
	if (error < 0) {
		log.error("mount point %s: %s", mountpoint, strerror(-error));
		return error;
	}

	std::string reason;
	mount_options.user_id = user;
	mount_options.group_id = group;
	error = mount_driver(mode, reason);
	if (error < 0) {
		forget_driver();
		log.error("cannot mount %s: %s", target.c_str(), reason.c_str());
		return error;
	}
	now_active();
	out = fcntl(device.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (out < 0) {
		error = -errno;
		log.error("cannot duplicate a descriptor: %s", strerror(-error));
		unmount();
		return error;
	}
	return 0;
}

extern "C" {

int extfuse_mount_device(struct extfuse *x, const char *mountpoint, uid_t user, gid_t group,
			 int *fd)
{
	if (!x || !mountpoint || !fd)
		return -EINVAL;
	*fd = -1;
	return no_throw([&] { return x->mount_for_others(mountpoint, user, group, *fd); });
}
} // extern "C"
