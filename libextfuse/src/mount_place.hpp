// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Where a mount goes, and the mount that is there then. Paths may come to name something
// else at any time, by somebody else's hand.
#ifndef EXTFUSE_SRC_MOUNT_PLACE_HPP
#define EXTFUSE_SRC_MOUNT_PLACE_HPP

#include <cstdint>
#include <optional>
#include <string>

#include "kernel.hpp"

namespace exf::impl
{

// All functions that return int: 0 or -errno.
class MountPlace
{
public:
	// Pins what path names now, and says how it is called, without symbolic links.
	int pin(const char *path, std::string &name, mode_t &mode);
	// On what is pinned. Unpins it.
	int mount(const MountCall &call);
	void unpin()
	{
		place_.reset();
	}
	// That mount and no other, lazily. -EBUSY: another is on top of it. -EINVAL: it is
	// gone already.
	int unmount();

private:
	// The number of a mount is used again after it, that of a device after the file
	// system: ours lives as long as its device is open.
	struct Id {
		uint64_t mount = 0;
		uint32_t major = 0, minor = 0;

		bool operator==(const Id &) const = default;
	};

	static std::optional<Id> identify(const Fd &fd);
	void find_mounted();
	// Where it is today, as others may have moved it.
	int find_name(std::string &out) const;

	Fd place_;
	bool directory_ = false;
	std::optional<Id> id_;
};

} // namespace exf::impl

#endif
