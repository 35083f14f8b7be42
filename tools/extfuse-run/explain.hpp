// SPDX-License-Identifier: GPL-2.0-only
//
// What is kept of a mount's replies, what is not, and why.
#ifndef EXTFUSE_RUN_EXPLAIN_HPP
#define EXTFUSE_RUN_EXPLAIN_HPP

#include <string>
#include <vector>

#include <extfuse/extfuse.h>

#include "mount_call.hpp"

namespace extfuse_run
{

// Beforehand: what the policy does, and for whom.
std::string explain_policy(extfuse_policy policy, const FuseData &data);

// Afterwards: by operation, and in all. Lines.
std::vector<std::string> explain_counters(extfuse_policy policy, const extfuse_counters &counters);

} // namespace extfuse_run

#endif
