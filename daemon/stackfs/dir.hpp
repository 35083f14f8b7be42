// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <extfuse/extfuse.h>

namespace stackfs
{

// The lower descriptor of what OPENDIR gave out.
int dir_handle_fd(const fuse_file_info *fi) noexcept;

} // namespace stackfs
