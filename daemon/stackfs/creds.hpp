// SPDX-License-Identifier: GPL-2.0-only
// Acting as the caller of a request: effective uid, gid and supplementary groups
// of this thread alone, for the lifetime of the object. Effective capabilities
// go with the uid, so that the lower file system checks permissions.
#pragma once

#include <extfuse/extfuse.h>

namespace stackfs
{

class Creds
{
	bool uid_changed_ = false;
	bool gid_changed_ = false;
	bool groups_changed_ = false;
	int error_ = 0;

	void become(fuse_req_t req, uid_t uid, gid_t gid) noexcept;
	void restore() noexcept;

public:
	// Once, before threads are made: may this process switch? If so its own
	// supplementary groups are dropped, and CAP_SYS_RESOURCE, which would
	// let every caller ignore disk quotas.
	static bool prepare() noexcept;

	explicit Creds(fuse_req_t req) noexcept;
	~Creds();
	Creds(const Creds &) = delete;
	Creds &operator=(const Creds &) = delete;

	// Not 0: the switch failed (ENOMEM), and nothing may be done.
	int error() const noexcept
	{
		return error_;
	}
};

// The umask of this thread alone, for the next object it makes: the lower file
// system applies it unless a default ACL takes its place.
void thread_umask(mode_t mask) noexcept;

} // namespace stackfs
