// SPDX-License-Identifier: GPL-2.0-only
// Names of the operations that are answered in the kernel.
#pragma once

#include <extfuse/abi.h>

#include <array>

namespace stackfs
{

inline constexpr std::array<const char *, EXTFUSE_OP_COUNT> op_names = {
	"lookup", "getattr", "read",       "getxattr", "listxattr", "readlink",
	"statfs", "access",  "lseek",      "readdir",  "open",      "opendir",
	"flush",  "release", "releasedir", "write",    "setattr",   "create"};

} // namespace stackfs
