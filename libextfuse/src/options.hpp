// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Options: ours, taken out of a program's arguments, and those of a mount, read
// beside libfuse.
#ifndef EXTFUSE_SRC_OPTIONS_HPP
#define EXTFUSE_SRC_OPTIONS_HPP

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include <extfuse/extfuse.h>

#include "log.hpp"

namespace exf::impl
{

struct Options {
	extfuse_driver driver = EXTFUSE_DRIVER_EXTFUSE;
	extfuse_fallback fallback = EXTFUSE_FALLBACK_STOCK;
	bool no_handler = false;
	bool no_remember = false;
	bool reply_hooks = false;
	extfuse_policy cache = EXTFUSE_CACHE_ANNOTATED;
	extfuse_cache_for cache_for = EXTFUSE_CACHE_FOR_AUTO;
	// Of a wrapped session: who may have listings, and whether opens are marked.
	std::optional<extfuse_scope> listings; // none: as the policy has it
	bool mark_opens = false;
	bool cache_links = false;
	bool follow_atime = false;
	uint32_t max_names = 131072;
	uint32_t max_long_names = 4096;
	uint32_t max_attrs = 131072;
	uint32_t max_blocks = 4096;
	uint32_t max_objects = 65536;
	uint32_t max_dirs = 4096;
	uint32_t max_opens = 131072;
	std::string handler_file; // absolute; empty: the library's own
	std::span<const char> handler_object; // owned by the caller; the same

	bool own_handler() const
	{
		return !handler_file.empty() || !handler_object.empty();
	}
};

// From a caller's configuration. 0, -EINVAL or -E2BIG.
int read_config(const extfuse_config *cfg, Options &out, Log &log);

// Takes ours out of args. 0, -EINVAL or -ENOMEM.
int take_options(fuse_args *args, Options &out, const Log &log);

// What libfuse's own mounting would do with the options of fuse_session_new().
struct MountOptions {
	unsigned long flags; // MS_*
	std::string kernel;  // for the file system, comma separated
	std::string fsname;
	std::string subtype;
	bool allow_other = false;
	bool default_permissions = false;
	bool auto_unmount = false;
	bool blkdev = false;
	uid_t user_id;  // whose mount it is
	gid_t group_id;

	MountOptions();
};

// Reads args, which may be null, and leaves them as they are.
int read_mount_options(const fuse_args *args, MountOptions &out);

} // namespace exf::impl

#endif
