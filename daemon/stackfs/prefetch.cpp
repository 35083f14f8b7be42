// SPDX-License-Identifier: GPL-2.0-only
// Names and attributes into the caches before anybody has asked for them. The kernel
// counts no lookup of a name that it finds there: their nodes are kept for ever
// (--stable), but for files whose last name has gone.
#include "stackfs/dir.hpp"
#include "stackfs/fs.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace stackfs
{

// One name, as LOOKUP would answer it, without the lookup.
void Fs::prefetch_name(fuse_req_t req, fuse_ino_t parent, int dir, const char *name)
{
	const extfuse_token entry = entry_token(parent, name);
	Found found;
	if (resolve(dir, name, found))
		return;
	extfuse_put_entry(x_, fuse_req_ctx(req), parent, name, &found.e, entry_of(entry, found),
			  found.node, entry_scope(req), EXTFUSE_SCOPE_ALL);
	take_back(found);
}

// After the caller was shown them.
void Fs::prefetch_names(fuse_req_t req, fuse_ino_t parent, const std::vector<std::string> &names)
{
	Pin dir;
	if (!options_.prefetch || !stable_ || table_.pin(parent, dir))
		return;
	const Creds creds(req);
	if (creds.error())
		return;
	for (const std::string &name : names)
		if (name != "." && name != "..")
			prefetch_name(req, parent, dir.fd(), name.c_str());
}

// A directory that was found for the first time: somebody is on their way into it.
// As far as the caller may read and search it, and without moving its access time.
void Fs::prefetch_directory(fuse_req_t req, const Pin &dir)
{
	if (!options_.prefetch || !stable_)
		return;
	const auto handle = std::make_unique<DirHandle>();
	{
		const Creds creds(req);
		if (creds.error())
			return;
		handle->fd.reset(openat(proc_fds_.get(), FdName(dir.fd()).c_str(),
					O_RDONLY | O_DIRECTORY | O_NOATIME | O_CLOEXEC));
	}
	if (handle->fd.valid())
		cache_listing(req, dir->id, *handle);
}

// The kernel has no inode of it, and is not going to have one if no name is left.
void Fs::release_unlinked(fuse_ino_t node) noexcept
{
	Pin pin;
	struct stat st;
	const int err = table_.pin(node, pin);
	if (err ? err == ESTALE : fstat(pin.fd(), &st) == 0 && st.st_nlink == 0)
		table_.release(node);
}

} // namespace stackfs
