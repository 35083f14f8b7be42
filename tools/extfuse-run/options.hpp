// SPDX-License-Identifier: GPL-2.0-only
//
// The command line.
#ifndef EXTFUSE_RUN_OPTIONS_HPP
#define EXTFUSE_RUN_OPTIONS_HPP

#include <string>
#include <vector>

#include <extfuse/abi.h>

namespace extfuse_run
{

// As shells have it: what extfuse-run itself says, apart from the program's status.
enum ExitStatus {
	exit_usage = 2,
	exit_no_mount = 125,       // the program could not be helped, or no driver
	exit_not_executable = 126,
	exit_not_found = 127,
};

// What -o says that we must know, too.
struct LibraryOptions {
	extfuse_policy cache = EXTFUSE_CACHE_TIMEOUTS;
	bool stock = false;
	bool no_handler = false;
};

struct Options {
	std::vector<std::string> mount_options; // of -o, for libextfuse
	LibraryOptions library; // with --private
	bool private_files = false;
	bool explain = false;
	bool verbose = false;
	bool foreground = false; // also where the program goes to the background
	unsigned mount_timeout = 0; // seconds to mount in, 0: as long as it takes
	unsigned stop_timeout = 30; // seconds to end in, once told to
	std::vector<std::string> program;
};

// False: nothing to run, exit with status.
bool parse_options(int argc, char **argv, Options &out, int &status);

} // namespace extfuse_run

#endif
