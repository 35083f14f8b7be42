// SPDX-License-Identifier: GPL-2.0-only
//
// The library's object of a mount.
#ifndef EXTFUSE_RUN_OBJECT_HPP
#define EXTFUSE_RUN_OBJECT_HPP

#include <memory>
#include <string>
#include <vector>

#include <extfuse/extfuse.h>

#include "options.hpp"

namespace extfuse_run
{

struct Destroy {
	void operator()(extfuse *x) const
	{
		extfuse_destroy(x);
	}
};
using Object = std::unique_ptr<extfuse, Destroy>;

// Before anything is started: options, privileges, driver. 0, or the exit status, and it
// was said why.
int check_ready(const Options &options);

// extfuse_new() with what the command line and the program say. Errors were said.
int make_object(const Options &options, const std::vector<std::string> &mount_options, Object &out);

// Of one that is mounted: does its handler have any of the caches that a policy fills?
bool has_caches(const extfuse *x);

} // namespace extfuse_run

#endif
