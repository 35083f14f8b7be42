// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Who asks, as EXTFUSE_SCOPE_CALLER needs it.
#ifndef EXTFUSE_SRC_CALLER_HPP
#define EXTFUSE_SRC_CALLER_HPP

#include <cstdint>
#include <string_view>

namespace exf::impl
{

// Digest of the task whose /proc status this is. 0: it cannot be read, or its
// fsuid or fsgid is not the given one (another task has the pid by now).
uint64_t caller_digest(std::string_view status, uint32_t uid, uint32_t gid) noexcept;

} // namespace exf::impl

#endif
