// SPDX-License-Identifier: GPL-2.0-only
// The command line of stackfs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace stackfs
{

enum class CacheMode { none, meta, data };
enum class ScopeMode { automatic, all };

struct Options {
	std::string source;                    // absolute
	std::string mountpoint;                // absolute
	std::vector<std::string> fuse_options; // each the argument of one -o

	bool foreground = false;
	bool debug = false;
	unsigned threads = 4; // 1: the main thread alone

	bool stock = false;
	bool passthrough = false; // the kernel's own, with stock
	bool require = false;
	bool reply_hooks = false;
	CacheMode cache = CacheMode::meta;
	ScopeMode scope = ScopeMode::automatic;
	uint64_t data_max_file = 65536;
	uint32_t max_names = 0; // 0: the library's default, also below
	uint32_t max_long_names = 0;
	uint32_t max_attrs = 0;
	uint32_t max_blocks = 0;
	uint32_t max_opens = 0;
	uint32_t backing = 0; // files the driver may read and write itself; 0: none
	uint32_t max_objects = 0;
	uint32_t max_dirs = 0;
	uint64_t stable = 0;   // nodes to keep for ever, 0: none
	bool prefetch = false; // children of directories, with stable

	uint32_t max_read = 0; // bytes, 0: what kernel and libfuse agree on
	uint32_t max_write = 0;
	bool splice = false;
	bool direct_io = false;
	bool keep_cache = false;
	double entry_timeout = 0; // seconds
	double attr_timeout = 0;
	double negative_timeout = 0;

	uint64_t max_node_fds = 0; // 0: three quarters of RLIMIT_NOFILE
	std::string stats_file;    // absolute or empty
	std::string control_path;  // absolute or empty
};

enum class ParseResult { run, exit_ok, exit_error };

// Prints help and errors itself. May throw std::bad_alloc.
ParseResult parse_options(int argc, const char *const *argv, Options &options);

} // namespace stackfs
