// SPDX-License-Identifier: GPL-2.0-only
#include "stackfs/passthrough.hpp"

namespace stackfs
{

int PassthroughFiles::open(fuse_req_t req, fuse_ino_t node, int file)
{
	const std::lock_guard lock(mutex_);
	close_left(req);
	const auto [at, first] = entries_.try_emplace(node, Entry{0, 0});
	if (first)
		at->second.id = fuse_passthrough_open(req, file);
	++at->second.opens;
	return at->second.id;
}

void PassthroughFiles::close(fuse_req_t req, fuse_ino_t node) noexcept
{
	const std::lock_guard lock(mutex_);
	close_left(req);
	if (const int id = less(node))
		fuse_passthrough_close(req, id);
}

void PassthroughFiles::take_back(fuse_ino_t node)
{
	const std::lock_guard lock(mutex_);
	if (const int id = less(node))
		left_.push_back(id);
}

// The id that nobody uses any more, or 0.
int PassthroughFiles::less(fuse_ino_t node)
{
	const auto at = entries_.find(node);
	if (at == entries_.end() || --at->second.opens > 0)
		return 0;
	const int id = at->second.id;
	entries_.erase(at);
	return id;
}

void PassthroughFiles::close_left(fuse_req_t req) noexcept
{
	for (const int id : left_)
		fuse_passthrough_close(req, id);
	left_.clear();
}

} // namespace stackfs
