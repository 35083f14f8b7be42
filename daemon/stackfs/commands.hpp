// SPDX-License-Identifier: GPL-2.0-only
// The words of the control socket; docs/stackfs.md lists them.
#pragma once

#include "stackfs/fs.hpp"

#include <string>

namespace stackfs
{

// The answer to one line: "ok", "error: text", or JSON. May throw
// std::bad_alloc.
std::string execute_command(Fs &fs, const std::string &line);

} // namespace stackfs
