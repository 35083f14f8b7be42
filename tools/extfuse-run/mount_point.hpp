// SPDX-License-Identifier: GPL-2.0-only
//
// Where a mount goes. What the paths of others name may change at any time: it is
// opened once, and that is what is mounted on.
#ifndef EXTFUSE_RUN_MOUNT_POINT_HPP
#define EXTFUSE_RUN_MOUNT_POINT_HPP

#include <string>

#include <sys/types.h>

#include "fd.hpp"

namespace extfuse_run
{

struct Place {
	Fd fd;            // O_PATH
	std::string name; // for messages
};

// What path names for the thread. 0 or a negative errno.
int open_place(pid_t thread, const std::string &path, Place &out);

// Is nothing of FUSE mounted there? 0 or a negative errno, which was said why.
int check_mount_point(const Place &place);

} // namespace extfuse_run

#endif
