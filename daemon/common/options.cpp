// SPDX-License-Identifier: GPL-2.0-only
#include "common/options.hpp"

#include <extfuse/extfuse.h>

#include <CLI/CLI.hpp>

#include <climits>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <limits>

namespace stackfs
{

namespace
{

// The kernel keeps timeouts as seconds in 64 bits; libfuse converts a double, and
// whatever does not fit would wrap. 2^32 seconds is for ever.
constexpr double timeout_forever = 4294967296.0;

double parse_timeout(const std::string &text)
{
	if (text == "inf" || text == "infinite")
		return timeout_forever;
	char *end = nullptr;
	const double value = std::strtod(text.c_str(), &end);
	if (end == text.c_str() || *end != '\0' || !std::isfinite(value) || value < 0)
		throw CLI::ValidationError("'" + text +
					   "' is not a number of seconds >= 0, nor 'inf'");
	return std::min(value, timeout_forever);
}

// Absolute without following the last component's links: the daemon changes
// its directory to /.
std::string absolute(const std::string &path)
{
	return std::filesystem::absolute(path).lexically_normal().string();
}

std::string real_directory(const std::string &path, const char *what)
{
	std::error_code ec;
	const auto real = std::filesystem::canonical(path, ec);
	if (ec)
		throw CLI::ValidationError(std::string(what) + " '" + path + "': " + ec.message());
	if (!std::filesystem::is_directory(real, ec))
		throw CLI::ValidationError(std::string(what) + " '" + path +
					   "' is not a directory");
	return real.string();
}

// Below SOURCE the daemon would meet its own mount and wait for itself.
bool strictly_below(const std::string &path, const std::string &dir)
{
	const std::string prefix = dir == "/" ? dir : dir + "/";
	return path.size() > prefix.size() && path.compare(0, prefix.size(), prefix) == 0;
}

struct Raw {
	std::string cache = "meta";
	std::string scope = "auto";
	std::string entry_timeout = "0";
	std::string attr_timeout = "0";
	std::string negative_timeout = "0";
	bool single = false;
};

void add_driver_options(CLI::App &app, Options &o, Raw &raw)
{
	const char *group = "Driver and caches";
	auto *stock = app.add_flag("--stock", o.stock,
				   "mount on /dev/fuse: nothing is answered in the kernel")
			      ->group(group);
	app.add_flag("--passthrough", o.passthrough,
		     "with --stock: files are read and written in SOURCE itself by the kernel's "
		     "own FUSE passthrough (Linux 6.9, needs CAP_SYS_ADMIN)")
		->needs(stock)
		->group(group);
	app.add_flag(
		   "--require", o.require,
		   "fail where the extfuse driver is not to be had (default: warn, use /dev/fuse)")
		->group(group)
		->excludes("--stock");
	app.add_flag("--reply-hooks", o.reply_hooks,
		     "replies are cached by the driver on their way back, which is told what "
		     "may be, instead of by this daemon")
		->group(group)
		->excludes("--stock");
	app.add_option("--cache", raw.cache,
		       "what the kernel may answer from maps: none, meta (names and attributes), "
		       "data (also opens, and the content of small files)")
		->check(CLI::IsMember({"none", "meta", "data"}))
		->capture_default_str()
		->group(group);
	app.add_option("--scope", raw.scope,
		       "who may be served a cached name: auto (as the permissions are checked), "
		       "all (whoever asks: mounts with a single user)")
		->check(CLI::IsMember({"auto", "all"}))
		->capture_default_str()
		->group(group);
	app.add_option("--data-max-file", o.data_max_file,
		       "with --cache=data: largest file, in bytes, whose content is cached")
		->check(CLI::Range(uint64_t{0}, uint64_t{1} << 30))
		->capture_default_str()
		->group(group);
	const auto positive = CLI::Range(uint32_t{1}, uint32_t{1} << 26);
	app.add_option("--max-names", o.max_names, "room for names of up to 32 bytes")
		->check(positive)
		->group(group);
	app.add_option("--max-long-names", o.max_long_names, "room for longer names")
		->check(positive)
		->group(group);
	app.add_option("--max-attrs", o.max_attrs, "room for attributes of files")
		->check(positive)
		->group(group);
	app.add_option("--max-blocks", o.max_blocks, "room for blocks of 4 KiB of file content")
		->check(positive)
		->group(group);
	app.add_option("--max-opens", o.max_opens,
		       "room for files and directories that are opened without asking")
		->check(positive)
		->group(group);
	app.add_option("--backing", o.backing,
		       "let the driver read and write files that were opened once in SOURCE "
		       "itself, the last N of them (0: none)")
		->check(CLI::Range(uint32_t{0}, uint32_t{EXTFUSE_BACKING_MAX}))
		->capture_default_str()
		->group(group);
	auto *stable = app.add_option("--stable", o.stable,
				      "names stay known when the kernel drops them from its "
				      "caches; up to N files are kept for that (0: none)")
			       ->check(CLI::Range(uint64_t{0}, uint64_t{1} << 32))
			       ->capture_default_str()
			       ->group(group);
	app.add_flag(
		   "--prefetch", o.prefetch,
		   "with --stable: all names of a directory, when it is first looked up or listed")
		->needs(stable)
		->group(group);
	app.add_option("--max-objects", o.max_objects,
		       "room for extended attributes, link targets and the like")
		->check(positive)
		->group(group);
	app.add_option("--max-dirs", o.max_dirs, "room for directories' entries")
		->check(positive)
		->group(group);
}

void add_fuse_options(CLI::App &app, Options &o, Raw &raw)
{
	const char *group = "FUSE";
	app.add_option("-o", o.fuse_options, "mount options, as of libfuse: -o allow_other,ro")
		->type_name("OPT[,OPT...]")
		->allow_extra_args(false)
		->group(group);
	app.add_flag("-f", o.foreground, "stay in the foreground")->group(group);
	app.add_flag("-d", o.debug, "debug messages, stay in the foreground")->group(group);
	app.add_flag("-s", raw.single, "single-threaded, as --threads 1")->group(group);
	app.add_option("--threads", o.threads, "threads that serve requests, 1: the main thread")
		->check(CLI::Range(1U, 1024U))
		->capture_default_str()
		->group(group)
		->excludes("-s");
	const auto io_size = CLI::Range(uint32_t{4096}, uint32_t{1} << 20);
	app.add_option("--max-read", o.max_read, "largest read request, in bytes")
		->check(io_size)
		->group(group);
	app.add_option("--max-write", o.max_write, "largest write request, in bytes")
		->check(io_size)
		->group(group);
	app.add_flag("--splice,!--no-splice", o.splice, "move file data by splice(2)")
		->group(group);
	app.add_option("--entry-timeout", raw.entry_timeout,
		       "seconds a name is believed without asking, or inf")
		->capture_default_str()
		->group(group);
	app.add_option("--attr-timeout", raw.attr_timeout,
		       "seconds attributes are believed without asking, or inf")
		->capture_default_str()
		->group(group);
	app.add_option("--negative-timeout", raw.negative_timeout,
		       "seconds a missing name is believed to be missing, or inf")
		->capture_default_str()
		->group(group);
	app.add_flag("--direct-io", o.direct_io, "no page cache: every read and write comes here")
		->group(group)
		->excludes("--passthrough");
	app.add_flag("--keep-cache", o.keep_cache, "keep a file's pages when it is opened again")
		->group(group)
		->excludes("--direct-io")
		->excludes("--passthrough");
}

void add_operation_options(CLI::App &app, Options &o)
{
	const char *group = "Operation";
	app.add_option("--stats", o.stats_file,
		       "write counters there as JSON, on SIGUSR1 and at exit")
		->type_name("FILE")
		->group(group);
	app.add_option("--control", o.control_path, "listen for commands on this unix socket")
		->type_name("PATH")
		->group(group);
	app.add_option("--max-node-fds", o.max_node_fds,
		       "descriptors to keep open for files the kernel knows "
		       "(default: three quarters of the limit)")
		->check(CLI::Range(uint64_t{16}, uint64_t{1} << 30))
		->group(group);
}

void finish(Options &o, const Raw &raw)
{
	o.cache = raw.cache == "none"   ? CacheMode::none
		  : raw.cache == "meta" ? CacheMode::meta
					: CacheMode::data;
	o.scope = raw.scope == "all" ? ScopeMode::all : ScopeMode::automatic;
	o.entry_timeout = parse_timeout(raw.entry_timeout);
	o.attr_timeout = parse_timeout(raw.attr_timeout);
	o.negative_timeout = parse_timeout(raw.negative_timeout);
	if (raw.single)
		o.threads = 1;
	if (o.debug)
		o.foreground = true;
	o.source = real_directory(o.source, "SOURCE");
	o.mountpoint = real_directory(o.mountpoint, "MOUNTPOINT");
	if (strictly_below(o.mountpoint, o.source))
		throw CLI::ValidationError(
			"MOUNTPOINT '" + o.mountpoint + "' lies inside SOURCE '" + o.source +
			"': the file system would contain itself; choose a mount point outside");
	if (!o.stats_file.empty())
		o.stats_file = absolute(o.stats_file);
	if (!o.control_path.empty())
		o.control_path = absolute(o.control_path);
}

} // namespace

ParseResult parse_options(int argc, const char *const *argv, Options &o)
{
	CLI::App app("Shows SOURCE at MOUNTPOINT: a stackable pass-through file system", "stackfs");
	Raw raw;
	app.set_version_flag("-V,--version", std::string("stackfs ") + extfuse_version() +
						     ", libfuse " + fuse_pkgversion());
	app.add_option("SOURCE", o.source, "directory to show")->required();
	app.add_option("MOUNTPOINT", o.mountpoint, "directory to show it at")->required();
	add_driver_options(app, o, raw);
	add_fuse_options(app, o, raw);
	add_operation_options(app, o);
	app.footer(std::string("Options for -o, of extfuse:\n") + extfuse_option_help());

	try {
		app.parse(argc, argv);
		finish(o, raw);
	} catch (const CLI::CallForHelp &e) {
		app.exit(e);
		return ParseResult::exit_ok;
	} catch (const CLI::CallForVersion &e) {
		app.exit(e);
		return ParseResult::exit_ok;
	} catch (const CLI::ParseError &e) {
		std::cerr << "stackfs: " << e.what() << "\nTry 'stackfs --help'.\n";
		return ParseResult::exit_error;
	} catch (const std::filesystem::filesystem_error &e) {
		std::cerr << "stackfs: " << e.what() << "\n";
		return ParseResult::exit_error;
	}
	return ParseResult::run;
}

} // namespace stackfs
