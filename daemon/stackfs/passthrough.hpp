// SPDX-License-Identifier: GPL-2.0-only
// The kernel's own FUSE passthrough, for comparison: files that stock FUSE reads and
// writes in SOURCE itself. Nothing of extfuse is in it.
#pragma once

#include <extfuse/extfuse.h>

#include <mutex>
#include <unordered_map>
#include <vector>

namespace stackfs
{

// Backing ids of open files. All who have a file open must have it open by the same
// id, or all without one: the kernel answers EIO to others. So an id lives from the
// first OPEN of a node to its last RELEASE. All threads.
class PassthroughFiles
{
	struct Entry {
		int id;     // 0: the kernel refused; open without
		long opens; // OPENs and CREATEs not released yet
	};
	std::mutex mutex_;
	std::unordered_map<fuse_ino_t, Entry> entries_;
	std::vector<int> left_; // ids that nobody uses and that no request was there to close

	int less(fuse_ino_t node);
	void close_left(fuse_req_t req) noexcept;

public:
	// One more open of node. file: any descriptor of it that is no O_PATH one. The
	// id for the reply; 0: to be served by this daemon. May throw std::bad_alloc.
	int open(fuse_req_t req, fuse_ino_t node, int file);
	// One less, at RELEASE.
	void close(fuse_req_t req, fuse_ino_t node) noexcept;
	// One less: the kernel did not get the reply, and the request is gone by now.
	void take_back(fuse_ino_t node);
};

} // namespace stackfs
