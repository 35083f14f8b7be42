// SPDX-License-Identifier: GPL-2.0-only
#include "filter.hpp"

#include <cerrno>
#include <cstring>
#include <memory>

#include <fcntl.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/ioctl.h>

namespace extfuse_run
{

int install_mount_filter()
{
	const std::unique_ptr<void, decltype(&seccomp_release)> filter(seccomp_init(SCMP_ACT_ALLOW),
								       seccomp_release);

	if (!filter)
		return -ENOMEM;
	// fusermount's set-user-ID bit stays in force; Go's runtime interrupts threads
	// all the time, which must not make one mount two; programs of other
	// architectures mount by themselves.
	int error = seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_NNP, 0);
	if (!error)
		error = seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_WAITKILL, 1);
	if (!error)
		error = seccomp_attr_set(filter.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ALLOW);
	if (!error)
		error = seccomp_rule_add(filter.get(), SCMP_ACT_NOTIFY, SCMP_SYS(mount), 0);
	if (!error)
		error = seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(fsopen), 0);
	if (!error)
		error = seccomp_load(filter.get());
	return error ? error : seccomp_notify_fd(filter.get());
}

bool Announcements::receive(Announced &out) const
{
	seccomp_notif request = {};

	if (ioctl(fd_.get(), SECCOMP_IOCTL_NOTIF_RECV, &request) < 0)
		return false;
	out.id = request.id;
	out.thread = static_cast<pid_t>(request.pid);
	memcpy(out.args, request.data.args, sizeof(out.args));
	return true;
}

bool Announcements::valid(const Announced &a) const
{
	uint64_t id = a.id;

	return ioctl(fd_.get(), SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0;
}

void Announcements::answer(const Announced &a, int result) const
{
	seccomp_notif_resp response = {};

	response.id = a.id;
	response.error = result;
	ioctl(fd_.get(), SECCOMP_IOCTL_NOTIF_SEND, &response);
}

void Announcements::let_through(const Announced &a) const
{
	seccomp_notif_resp response = {};

	response.id = a.id;
	response.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	ioctl(fd_.get(), SECCOMP_IOCTL_NOTIF_SEND, &response);
}

int Announcements::replace(const Announced &a, int number, int ours, int flags) const
{
	if (fcntl(ours, F_SETFL, flags & O_NONBLOCK) < 0)
		return -errno;
	seccomp_notif_addfd add = {};

	add.id = a.id;
	add.flags = SECCOMP_ADDFD_FLAG_SETFD;
	add.srcfd = static_cast<uint32_t>(ours);
	add.newfd = static_cast<uint32_t>(number);
	add.newfd_flags = flags & O_CLOEXEC;
	return ioctl(fd_.get(), SECCOMP_IOCTL_NOTIF_ADDFD, &add) < 0 ? -errno : 0;
}

} // namespace extfuse_run
