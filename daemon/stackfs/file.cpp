// SPDX-License-Identifier: GPL-2.0-only
// Opening and closing files. A file handle is the number of a lower descriptor.
#include "stackfs/fs.hpp"

#include "common/proc_path.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace stackfs
{

namespace
{

// Of the caller's flags: O_APPEND is done per write, since dirty pages of a
// mapping are written back at their own offsets through the same descriptor;
// O_DIRECT is between the caller and the kernel; O_NOFOLLOW would refuse /proc's
// links. O_NONBLOCK makes open() fail rather than wait for a lease, and means nothing
// to a regular file that is open.
int lower_flags(int flags)
{
	return (flags & ~(O_APPEND | O_DIRECT | O_NOFOLLOW)) | O_CLOEXEC | O_NONBLOCK;
}

} // namespace

void Fs::set_open_flags(fuse_file_info &fi) const noexcept
{
	fi.direct_io = options_.direct_io;
	fi.parallel_direct_writes = options_.direct_io;
	// Pages are kept where somebody notices that they are out of date: the
	// driver by its words, which move when this daemon invalidates.
	fi.keep_cache = !options_.direct_io && (options_.keep_cache || cache_data_);
}

// file: opened for this reply, whose flags are set.
void Fs::pass_through(fuse_req_t req, fuse_ino_t node, fuse_file_info &fi, int file)
{
	if (passthrough_)
		fi.backing_id = passthrough_files_.open(req, node, file);
}

// The kernel did not get the reply.
void Fs::take_back_pass_through(fuse_ino_t node)
{
	if (passthrough_)
		passthrough_files_.take_back(node);
}

int Fs::finish_open(fuse_req_t req, const Pin &pin, UniqueFd file, fuse_file_info &fi,
		    extfuse_token token)
{
	if (cache_data_ && !marks_ && (fi.flags & O_ACCMODE) != O_WRONLY)
		cache_on_open(pin, file.get());
	set_open_flags(fi);
	cache_open(req, pin, file.get(), fi, token);
	pass_through(req, pin->id, fi, file.get());
	fi.fh = static_cast<uint64_t>(file.get());
	if (fuse_reply_open(req, &fi) == 0)
		file.release(); // until RELEASE
	else
		take_back_pass_through(pin->id);
	return replied;
}

int Fs::do_open(fuse_req_t req, fuse_ino_t node, fuse_file_info *fi)
{
	const extfuse_token token = extfuse_token_node(x_, node);
	auto pin = std::make_shared<Pin>();
	int err = table_.pin(node, *pin);
	if (err)
		return err;
	const ProcPath path(pin->fd());
	UniqueFd file;
	{
		const Creds creds(req);
		if (creds.error())
			return creds.error();
		file.reset(
			open_retrying([&] { return open(path.c_str(), lower_flags(fi->flags)); }));
		err = errno;
	}
	if (file.valid())
		return finish_open(req, *pin, std::move(file), *fi, token);
	if (err != EWOULDBLOCK)
		return err;
	err = waiters_->start(req, [=, this, info = *fi] {
		return open_waiting(req, *pin, info, token);
	});
	return err ? err : replied;
}

// Somebody holds a lease on the file; open() waits until it is given up.
int Fs::open_waiting(fuse_req_t req, const Pin &pin, fuse_file_info fi, extfuse_token token)
{
	UniqueFd file;
	{
		const Creds creds(req);
		if (creds.error())
			return creds.error();
		file.reset(open(ProcPath(pin.fd()).c_str(), lower_flags(fi.flags) & ~O_NONBLOCK));
		if (!file.valid())
			return errno;
	}
	fuse_req_interrupt_func(req, nullptr, nullptr);
	return finish_open(req, pin, std::move(file), fi, token);
}

// The node of a file that was opened by name: the name may lead elsewhere by now.
int Fs::adopt_open_file(const UniqueFd &file, Found &found)
{
	UniqueFd path_fd(open_retrying([&] {
		return openat(proc_fds_.get(), FdName(file.get()).c_str(), O_PATH | O_CLOEXEC);
	}));
	return path_fd.valid() ? adopt(std::move(path_fd), found) : errno;
}

int Fs::do_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
		  fuse_file_info *fi)
{
	const extfuse_token entry = changed_entry_token(parent, name);
	Pin dir;
	int err = table_.pin(parent, dir);
	if (err)
		return err;
	UniqueFd file;
	{
		const Creds creds(req);
		if (creds.error())
			return creds.error();
		thread_umask(fuse_req_ctx(req)->umask);
		// A symlink that came to be meanwhile must not lead out of the tree.
		const int flags = lower_flags(fi->flags) | O_CREAT | O_NOFOLLOW;
		file.reset(open_retrying([&] { return openat(dir.fd(), name, flags, mode); }));
		if (!file.valid())
			return errno;
	}
	Found found;
	err = adopt_open_file(file, found);
	if (err)
		return err;
	if (!found.fresh && cache_meta_) {
		// It existed, and may have been truncated: the request did not name
		// the node, so nobody else knows.
		extfuse_invalidate_node(x_, found.e.ino);
		found.node = {};
	}
	set_open_flags(*fi);
	pass_through(req, found.e.ino, *fi, file.get());
	fi->fh = static_cast<uint64_t>(file.get());
	if (cache_meta_)
		err = extfuse_reply_create(x_, req, parent, name, &found.e, fi,
					   entry_of(entry, found), found.node, entry_scope(req),
					   EXTFUSE_SCOPE_ALL);
	else
		err = fuse_reply_create(req, &found.e, fi);
	if (err) {
		take_back_pass_through(found.e.ino);
		take_back(found);
	} else {
		file.release();
	}
	return replied;
}

int Fs::do_tmpfile(fuse_req_t req, fuse_ino_t parent, mode_t mode, fuse_file_info *fi)
{
	Pin dir;
	int err = table_.pin(parent, dir);
	if (err)
		return err;
	UniqueFd file;
	{
		const Creds creds(req);
		if (creds.error())
			return creds.error();
		thread_umask(fuse_req_ctx(req)->umask);
		const int flags = lower_flags(fi->flags) | O_TMPFILE;
		file.reset(open_retrying([&] { return openat(dir.fd(), ".", flags, mode); }));
		if (!file.valid())
			return errno;
	}
	Found found;
	err = adopt_open_file(file, found);
	if (err)
		return err;
	table_.removed(found.pin); // has no link that leads to it
	set_open_flags(*fi);
	pass_through(req, found.e.ino, *fi, file.get());
	fi->fh = static_cast<uint64_t>(file.get());
	if (fuse_reply_create(req, &found.e, fi)) {
		take_back_pass_through(found.e.ino);
		take_back(found);
	} else {
		file.release();
	}
	return replied;
}

// Each close() of the caller; what the lower file system has to say about it is
// learnt by closing a duplicate.
int Fs::do_flush(fuse_req_t, fuse_ino_t node, fuse_file_info *fi)
{
	drop_locks(node, fi->lock_owner);
	const int copy = dup(file_of(fi));
	if (copy < 0)
		return errno;
	return close(copy) < 0 ? errno : 0;
}

int Fs::do_release(fuse_req_t req, fuse_ino_t node, fuse_file_info *fi)
{
	const bool written = (fi->flags & O_ACCMODE) != O_RDONLY;
	if (touched_.take(file_of(fi)))
		cache_closed(req, node, *fi, written ? changed_node_token(node) : node_token(node));
	drop_locks_of_handle(node, file_of(fi));
	if (passthrough_)
		passthrough_files_.close(req, node);
	close(file_of(fi)); // flock()s go with it
	return 0;
}

int Fs::do_fsync(fuse_req_t, fuse_ino_t, int datasync, fuse_file_info *fi)
{
	const int fd = file_of(fi);
	return (datasync ? fdatasync(fd) : fsync(fd)) < 0 ? errno : 0;
}

} // namespace stackfs
