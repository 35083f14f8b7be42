// SPDX-License-Identifier: GPL-2.0-only
//
// Where a mount goes, and the library's object for it.
#ifndef EXTFUSE_RUN_MOUNT_POINT_HPP
#define EXTFUSE_RUN_MOUNT_POINT_HPP

#include <string>
#include <vector>

#include <sys/types.h>

#include "options.hpp"
#include "served.hpp"

namespace extfuse_run
{

// Before anything is started: options, privileges, driver. 0 or a negative errno,
// which was said why.
int check_ready(const Options &options);

// How we name a path of the thread's.
std::string place_of(pid_t thread, const std::string &path);

// 0 and the absolute path, or a negative errno, which was said why.
int check_mount_point(const std::string &place, std::string &target);

// extfuse_new() with what the command line and the program say. Errors were said.
int make_object(const Options &options, const std::vector<std::string> &mount_options,
		Object &out);

} // namespace extfuse_run

#endif
