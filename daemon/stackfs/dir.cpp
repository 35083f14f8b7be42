// SPDX-License-Identifier: GPL-2.0-only
// Reading directories. Offsets are the lower file system's own (d_off): they
// stay valid while others change the directory, exactly as far as they do there.
#include "stackfs/dir.hpp"

#include "stackfs/fs.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <vector>

namespace stackfs
{

namespace
{

bool is_dot(const char *name)
{
	return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

} // namespace

int DirHandle::seek(off_t wanted)
{
	if (wanted == offset && wanted != 0) // rewinding is to read again
		return 0;
	at = end = 0;
	offset = wanted;
	return lseek(fd.get(), wanted, SEEK_SET) < 0 ? errno : 0;
}

int DirHandle::peek(const LowerEntry *&entry)
{
	entry = nullptr;
	if (at == end) {
		const long n = syscall(SYS_getdents64, fd.get(), buffer, sizeof(buffer));
		if (n < 0)
			return errno;
		at = 0;
		end = static_cast<size_t>(n);
	}
	if (at < end)
		entry = reinterpret_cast<const LowerEntry *>(buffer + at);
	return 0;
}

void DirHandle::consume(const LowerEntry &entry) noexcept
{
	offset = entry.off;
	at += entry.length;
}

namespace
{

DirHandle &dir_of(const fuse_file_info *fi)
{
	// NOLINTNEXTLINE(performance-no-int-to-ptr): to libfuse it is a number
	return *reinterpret_cast<DirHandle *>(fi->fh);
}

} // namespace

int dir_handle_fd(const fuse_file_info *fi) noexcept
{
	return dir_of(fi).fd.get();
}

int Fs::do_opendir(fuse_req_t req, fuse_ino_t node, fuse_file_info *fi)
{
	const extfuse_token token = extfuse_token_node(x_, node);
	Pin pin;
	const int err = table_.pin(node, pin);
	if (err)
		return err;
	std::list<DirHandle> one(1);
	DirHandle *const handle = &one.front();
	{
		const Creds creds(req);
		if (creds.error())
			return creds.error();
		// Not ".", which would ask for the right to search.
		handle->fd.reset(open_retrying([&] {
			return openat(proc_fds_.get(), FdName(pin.fd()).c_str(),
				      O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		}));
		if (!handle->fd.valid())
			return errno;
	}
	handle->self = one.begin();
	fi->fh = reinterpret_cast<uint64_t>(handle);
	{
		// Before the reply: RELEASEDIR may come at once.
		const std::lock_guard lock(dirs_mutex_);
		dirs_.splice(dirs_.end(), one);
	}
	cache_opendir(req, node, token);
	if (fuse_reply_open(req, fi))
		close_directory(*handle);
	return replied;
}

void Fs::close_directory(DirHandle &handle) noexcept
{
	std::list<DirHandle> doomed; // ends without the lock
	const std::lock_guard lock(dirs_mutex_);
	doomed.splice(doomed.begin(), dirs_, handle.self);
}

int Fs::do_releasedir(fuse_req_t, fuse_ino_t, fuse_file_info *fi)
{
	close_directory(dir_of(fi));
	return 0;
}

int Fs::do_fsyncdir(fuse_req_t, fuse_ino_t, int datasync, fuse_file_info *fi)
{
	const int fd = dir_of(fi).fd.get();
	return (datasync ? fdatasync(fd) : fsync(fd)) < 0 ? errno : 0;
}

// A reply that is being filled. Entries of READDIRPLUS are looked up: whatever is
// in `counted` is taken back if the kernel does not get the reply.
struct Fs::DirReply {
	Fs &fs;
	fuse_req_t req;
	fuse_ino_t parent;
	int dir; // O_PATH
	std::unique_ptr<char[]> text;
	size_t capacity;
	size_t used = 0;
	std::vector<fuse_ino_t> counted;

	DirReply(Fs &fs_, fuse_req_t req_, fuse_ino_t parent_, int dir_, size_t capacity_)
		: fs(fs_), req(req_), parent(parent_), dir(dir_),
		  text(std::make_unique_for_overwrite<char[]>(capacity_)), capacity(capacity_)
	{
	}
	~DirReply()
	{
		for (const fuse_ino_t node : counted)
			fs.forget(node, 1);
	}

	// False: does not fit.
	bool add_plain(const LowerEntry &entry)
	{
		struct stat st = {};
		st.st_ino = entry.ino;
		st.st_mode = DTTOIF(entry.type);
		const size_t need = fuse_add_direntry(req, text.get() + used, capacity - used,
						      entry.name, &st, entry.off);
		if (need > capacity - used)
			return false;
		used += need;
		return true;
	}

	bool add_plus(const LowerEntry &entry)
	{
		const size_t need = fuse_add_direntry_plus(req, nullptr, 0, entry.name, nullptr, 0);
		if (need > capacity - used)
			return false;
		counted.reserve(counted.size() + 1);
		Found found;
		look_up(entry, found);
		fuse_add_direntry_plus(req, text.get() + used, capacity - used, entry.name,
				       &found.e, entry.off);
		used += need;
		return true;
	}

	// Without the right to search the directory, or if the name is gone by now, the
	// entry is given without a node.
	void look_up(const LowerEntry &entry, Found &found)
	{
		if (!is_dot(entry.name)) {
			const extfuse_token token = fs.entry_token(parent, entry.name);
			if (fs.resolve(dir, entry.name, found) == 0) {
				counted.push_back(found.e.ino);
				cache(entry.name, found, token);
				return;
			}
		}
		found.e = {};
		found.e.attr.st_ino = entry.ino;
		found.e.attr.st_mode = DTTOIF(entry.type);
	}

	void cache(const char *name, const Found &found, extfuse_token token)
	{
		if (fs.cache_meta_)
			extfuse_put_entry(fs.x_, fuse_req_ctx(req), parent, name, &found.e,
					  fs.entry_of(token, found), found.node,
					  fs.entry_scope(req), EXTFUSE_SCOPE_ALL);
	}

	void send()
	{
		if (fuse_reply_buf(req, text.get(), used) == 0)
			counted.clear();
	}
};

int Fs::read_directory(fuse_req_t req, fuse_ino_t node, size_t size, off_t off, fuse_file_info *fi,
		       bool plus)
{
	Pin pin;
	int err = table_.pin(node, pin);
	if (err)
		return err;
	DirReply reply(*this, req, node, pin.fd(), size);
	DirHandle &handle = dir_of(fi);
	{
		const std::lock_guard lock(handle.mutex);
		std::optional<Creds> creds;
		if (plus) // names are looked up
			creds.emplace(req);
		err = creds ? creds->error() : 0;
		if (!err)
			err = handle.seek(off);
		while (!err) {
			const LowerEntry *entry = nullptr;
			err = handle.peek(entry);
			if (err || !entry)
				break;
			if (!(plus ? reply.add_plus(*entry) : reply.add_plain(*entry)))
				break;
			handle.consume(*entry);
		}
	}
	if (err && !reply.used)
		return err;
	// Nothing is left: the directory was read to its end.
	if (!err && !reply.used)
		cache_listing(req, node, handle);
	reply.send();
	return replied;
}

int Fs::do_readdir(fuse_req_t req, fuse_ino_t node, size_t size, off_t off, fuse_file_info *fi)
{
	return read_directory(req, node, size, off, fi, false);
}

int Fs::do_readdirplus(fuse_req_t req, fuse_ino_t node, size_t size, off_t off, fuse_file_info *fi)
{
	return read_directory(req, node, size, off, fi, true);
}

} // namespace stackfs
