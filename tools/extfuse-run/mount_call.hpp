// SPDX-License-Identifier: GPL-2.0-only
//
// What a FUSE program asks of mount(2), and how libextfuse is asked the same.
#ifndef EXTFUSE_RUN_MOUNT_CALL_HPP
#define EXTFUSE_RUN_MOUNT_CALL_HPP

#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace extfuse_run
{

struct MountCall {
	std::string source;
	std::string target; // as given
	std::string type;
	unsigned long flags = 0; // MS_*
	std::string data;
};

enum class Kind {
	fuse,  // ours to make
	block, // fuseblk: on a block device, which the driver does not do
	other, // not of FUSE, or no new mount
};
Kind kind_of(const MountCall &call);

// data of a mount of type fuse.
struct FuseData {
	int fd = -1;
	uid_t user = 0;
	gid_t group = 0;
	std::vector<std::string> others; // allow_other, max_read=..., as they stand
};
// False: no valid descriptor in it.
bool parse_fuse_data(std::string_view data, FuseData &out);

// As -o options for extfuse_new(); commas and backslashes in names are escaped.
std::vector<std::string> mount_options(const MountCall &call, const FuseData &data);

} // namespace extfuse_run

#endif
