// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <extfuse/extfuse.h>

#include <string>

namespace stackfs
{

// What libextfuse counts, as one line of JSON.
std::string extfuse_stats_json(extfuse *x);

// Replaces the file as a whole. 0 or errno.
int write_file_atomically(const std::string &path, const std::string &text);

} // namespace stackfs
