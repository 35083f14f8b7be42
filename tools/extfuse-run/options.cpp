// SPDX-License-Identifier: GPL-2.0-only
#include "options.hpp"

#include <CLI/CLI.hpp>

#include <iostream>

#include <extfuse/extfuse.h>

namespace extfuse_run
{

namespace
{

enum { key_cache, key_driver, key_no_handler };

int read_one(void *data, const char *arg, int key, fuse_args *)
{
	auto &out = *static_cast<LibraryOptions *>(data);
	const std::string option = arg;

	if (key == key_driver)
		out.stock = option == "extfuse=stock";
	else if (key == key_no_handler)
		out.no_handler = true;
	else if (option == "cache=annotated")
		out.cache = EXTFUSE_CACHE_ANNOTATED;
	else if (option == "cache=timeouts")
		out.cache = EXTFUSE_CACHE_TIMEOUTS;
	else if (option == "cache=private")
		out.cache = EXTFUSE_CACHE_PRIVATE;
	return 0;
}

// Split and unescaped as libextfuse does it; whether they are valid, it says.
void read_library_options(Options &options)
{
	static const fuse_opt known[] = {FUSE_OPT_KEY("cache=", key_cache),
					 FUSE_OPT_KEY("extfuse=", key_driver),
					 FUSE_OPT_KEY("no_handler", key_no_handler), FUSE_OPT_END};

	if (options.private_files)
		options.library.cache = EXTFUSE_CACHE_PRIVATE;
	for (const std::string &text : options.mount_options) {
		fuse_args args = FUSE_ARGS_INIT(0, nullptr);

		if (fuse_opt_add_arg(&args, "extfuse-run") == 0 &&
		    fuse_opt_add_arg(&args, ("-o" + text).c_str()) == 0)
			fuse_opt_parse(&args, &options.library, known, read_one);
		fuse_opt_free_args(&args);
	}
}

} // namespace

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
	read_library_options(out);
	return true;
}

} // namespace extfuse_run
