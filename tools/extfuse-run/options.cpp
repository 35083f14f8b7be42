// SPDX-License-Identifier: GPL-2.0-only
#include "options.hpp"

#include <CLI/CLI.hpp>

#include <iostream>

#include <extfuse/extfuse.h>

namespace extfuse_run
{

bool parse_options(int argc, char **argv, Options &out, int &status)
{
	CLI::App app("Runs a FUSE program, as it is, on the extfuse driver.", "extfuse-run");

	app.usage("Usage: extfuse-run [OPTIONS] -- PROGRAM ARGUMENTS");
	app.footer(std::string("Options of -o:\n") + extfuse_option_help());
	app.set_version_flag("--version", extfuse_version());
	app.add_flag("--private", out.private_files,
		     "nobody changes the files but through this mount: keep everything, whatever "
		     "the program's own timeouts are");
	app.add_flag("--explain", out.explain,
		     "say what is cached and why not, and at the end how many requests were "
		     "answered in the kernel");
	app.add_option("-o", out.mount_options, "options of libextfuse, see below")
		->type_name("OPT[,OPT...]")
		->allow_extra_args(false);
	app.add_option("--mount-timeout", out.mount_timeout,
		       "end the program if it has not mounted in so many seconds (0: never)")
		->capture_default_str();
	app.add_option("--stop-timeout", out.stop_timeout,
		       "kill the program if it has not ended in so many seconds after it was "
		       "told to")
		->check(CLI::Range(1U, 86400U))
		->capture_default_str();
	app.add_flag("-f,--foreground", out.foreground,
		     "stay until all is unmounted, also if the program goes to the background "
		     "(--explain does so, too)");
	app.add_flag("-v,--verbose", out.verbose, "say what is mounted where");
	app.prefix_command();
	try {
		app.parse(argc, argv);
		out.program = app.remaining();
		if (!out.program.empty() && out.program[0] == "--")
			out.program.erase(out.program.begin());
		if (out.program.empty())
			throw CLI::RequiredError("PROGRAM");
		if (out.program[0].starts_with('-'))
			throw CLI::ExtrasError({out.program[0]});
	} catch (const CLI::ParseError &e) {
		const bool good = e.get_exit_code() == 0;

		app.exit(e);
		status = good ? 0 : exit_usage;
		return false;
	}
	return true;
}

} // namespace extfuse_run
