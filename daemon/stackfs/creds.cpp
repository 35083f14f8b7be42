// SPDX-License-Identifier: GPL-2.0-only
#include "stackfs/creds.hpp"

#include "common/log.hpp"

#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <new>
#include <vector>

namespace stackfs
{

namespace
{

bool can_switch;
constexpr auto unchanged = static_cast<uid_t>(-1);

// glibc's wrappers change all threads of the process; the system calls, one.
int set_euid(uid_t uid) noexcept
{
	return syscall(SYS_setresuid, unchanged, uid, unchanged) ? errno : 0;
}

int set_egid(gid_t gid) noexcept
{
	return syscall(SYS_setresgid, unchanged, gid, unchanged) ? errno : 0;
}

int set_groups(size_t count, const gid_t *groups) noexcept
{
	return syscall(SYS_setgroups, count, groups) ? errno : 0;
}

struct Caps {
	__user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	__user_cap_data_struct data[2] = {};

	bool get() noexcept
	{
		return syscall(SYS_capget, &header, data) == 0;
	}
	bool set() noexcept
	{
		return syscall(SYS_capset, &header, data) == 0;
	}
	bool effective(unsigned cap) const noexcept
	{
		return data[CAP_TO_INDEX(cap)].effective & CAP_TO_MASK(cap);
	}
	void drop(unsigned cap) noexcept
	{
		data[CAP_TO_INDEX(cap)].effective &= ~CAP_TO_MASK(cap);
		data[CAP_TO_INDEX(cap)].permitted &= ~CAP_TO_MASK(cap);
	}
};

// Sets the caller's supplementary groups. A caller that /proc does not show (another
// pid namespace) acts without any.
int take_groups(fuse_req_t req, bool &changed) noexcept
{
	gid_t few[64];
	const int count = fuse_req_getgroups(req, 64, few);
	if (count <= 0)
		return 0;
	if (count <= 64) {
		changed = true;
		return set_groups(static_cast<size_t>(count), few);
	}
	try {
		std::vector<gid_t> many(static_cast<size_t>(count));
		const int again = fuse_req_getgroups(req, count, many.data());
		if (again < 0)
			return 0;
		changed = true;
		return set_groups(static_cast<size_t>(std::min(again, count)), many.data());
	} catch (const std::bad_alloc &) {
		return ENOMEM;
	}
}

} // namespace

bool Creds::prepare() noexcept
{
	Caps caps;
	can_switch = geteuid() == 0 && caps.get() && caps.effective(CAP_SETUID) &&
		     caps.effective(CAP_SETGID) && setgroups(0, nullptr) == 0;
	if (can_switch) {
		caps.drop(CAP_SYS_RESOURCE);
		caps.set();
	}
	return can_switch;
}

Creds::Creds(fuse_req_t req) noexcept
{
	if (!can_switch)
		return;
	const fuse_ctx *ctx = fuse_req_ctx(req);
	if (ctx->uid == 0 && ctx->gid == 0)
		return;
	become(req, ctx->uid, ctx->gid);
	if (error_)
		restore();
}

void Creds::become(fuse_req_t req, uid_t uid, gid_t gid) noexcept
{
	// Root needs no groups. The uid comes last: without it none of the
	// others can be set.
	if (uid != 0)
		error_ = take_groups(req, groups_changed_);
	if (!error_ && gid != 0) {
		error_ = set_egid(gid);
		gid_changed_ = !error_;
	}
	if (!error_ && uid != 0) {
		error_ = set_euid(uid);
		uid_changed_ = !error_;
	}
}

void Creds::restore() noexcept
{
	const int saved = errno;
	int err = uid_changed_ ? set_euid(0) : 0;
	if (!err && gid_changed_)
		err = set_egid(0);
	if (!err && groups_changed_)
		err = set_groups(0, nullptr);
	if (err) {
		// Going on as somebody else would be worse than not going on.
		log_error("cannot return to the daemon's own user id: %s; stopping", strerror(err));
		abort();
	}
	uid_changed_ = gid_changed_ = groups_changed_ = false;
	errno = saved;
}

Creds::~Creds()
{
	restore();
}

void thread_umask(mode_t mask) noexcept
{
	static thread_local bool own = false;
	static thread_local mode_t current = 0;
	if (!own) {
		// The umask belongs to what CLONE_FS shares between threads.
		own = unshare(CLONE_FS) == 0;
		current = umask(mask);
		if (!own)
			return;
	}
	if (current != mask)
		umask(mask);
	current = mask;
}

} // namespace stackfs
