// SPDX-License-Identifier: GPL-2.0-only
//
// Messages of extfuse-run itself, on standard error.
#ifndef EXTFUSE_RUN_SAY_HPP
#define EXTFUSE_RUN_SAY_HPP

#include <cstdio>
#include <string>

namespace extfuse_run
{

// One write(2) a line: the program's own output goes to the same place.
inline void say(const std::string &text)
{
	const std::string line = "extfuse-run: " + text + "\n";

	fwrite(line.data(), 1, line.size(), stderr);
	fflush(stderr);
}

} // namespace extfuse_run

#endif
