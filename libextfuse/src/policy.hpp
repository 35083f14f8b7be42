// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Policies: what is kept of replies that say nothing of caching, and for whom.
#ifndef EXTFUSE_SRC_POLICY_HPP
#define EXTFUSE_SRC_POLICY_HPP

#include <sys/types.h>

#include "kernel.hpp"
#include "options.hpp"

namespace exf::impl
{

// uid, gid: who owns the mount, as the driver is told.
CachePolicy make_policy(const Options &options, const MountOptions &mount, uid_t uid, gid_t gid);

} // namespace exf::impl

#endif
