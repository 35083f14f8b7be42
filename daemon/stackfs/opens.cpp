// SPDX-License-Identifier: GPL-2.0-only
// Opens that need not come here again: told to the driver when one has come, by
// the rules it was judged by.
//
// A file that is opened so has no handle here. The driver sends OPEN, in the name
// of who opened it, when something needs one; the node's descriptor leads to the
// file then, be it unlinked.
#include "stackfs/fs.hpp"

#include "common/log.hpp"

#include <fcntl.h>

#include <cstring>

namespace stackfs
{

namespace
{

// With O_RDWR proven, or where it is not this daemon that proves it.
bool may_write_too(extfuse_scope scope, int flags)
{
	return scope == EXTFUSE_SCOPE_KERNEL || scope == EXTFUSE_SCOPE_ALL ||
	       (flags & O_ACCMODE) == O_RDWR;
}

} // namespace

// token: of the node, taken before the file was opened. With the daemon's own
// credentials: they are what registered files are opened with.
void Fs::cache_open(fuse_req_t req, const Pin &pin, int file, const fuse_file_info &fi,
		    extfuse_token token)
{
	const bool backing = backing_ && register_backing(pin, file, token);
	if (!cache_data_ || (fi.flags & O_TRUNC) || (fi.flags & O_ACCMODE) == O_WRONLY)
		return;
	const extfuse_scope scope = entry_scope(req);
	unsigned flags = EXTFUSE_FILE_NO_FLUSH;
	if (backing)
		flags |= EXTFUSE_FILE_BACKING |
			 (may_write_too(scope, fi.flags) ? EXTFUSE_FILE_WRITE : 0U);
	else if ((fi.flags & O_ACCMODE) != O_RDONLY)
		return;
	else if (fi.direct_io)
		flags |= EXTFUSE_FILE_DIRECT_IO;
	else if (fi.keep_cache)
		flags |= EXTFUSE_FILE_KEEP_CACHE;
	extfuse_put_open(x_, fuse_req_ctx(req), pin->id, flags, token, scope);
}

void Fs::cache_opendir(fuse_req_t req, fuse_ino_t node, extfuse_token token)
{
	if (cache_data_)
		extfuse_put_open(x_, fuse_req_ctx(req), node, 0, token, entry_scope(req));
}

// As far as this daemon is concerned: no right of the caller's need be proven.
bool Fs::anybody_may_open(fuse_req_t req) const noexcept
{
	const extfuse_scope scope = entry_scope(req);
	return scope == EXTFUSE_SCOPE_KERNEL || scope == EXTFUSE_SCOPE_ALL;
}

// A file that was read or written is closed: that has changed its times or more, and
// it is going to be looked at, and read from the pages in memory. token: of now, or,
// if it was open for writing, of when the request that closes it is over.
void Fs::cache_closed(fuse_req_t req, fuse_ino_t node, const fuse_file_info &fi,
		      extfuse_token token)
{
	struct stat st;
	if (!token.word || fstat(file_of(&fi), &st) < 0)
		return;
	extfuse_put_attr(x_, fuse_req_ctx(req), node, &st, token, EXTFUSE_SCOPE_ALL);
	if (cache_data_ && !backing_ && !options_.direct_io && anybody_may_open(req))
		extfuse_put_open(x_, fuse_req_ctx(req), node,
				 EXTFUSE_FILE_NO_FLUSH | EXTFUSE_FILE_KEEP_CACHE, token,
				 entry_scope(req));
}

bool Fs::register_backing(const Pin &pin, int file, extfuse_token token)
{
	const int err = extfuse_register_backing(x_, pin->id, file, token, options_.backing);
	if (err == -EPERM || err == -ELOOP) {
		// The same for every file.
		if (backing_.exchange(false))
			log_warning("--backing is off: files cannot be registered: %s%s",
				    strerror(-err), err == -EPERM ? " (needs CAP_SYS_ADMIN)" : "");
	}
	return err == 0;
}

} // namespace stackfs
