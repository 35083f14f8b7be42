// SPDX-License-Identifier: GPL-2.0-only
// StackFS: each request is served by the same operation on a lower directory.
//
// do_x() does the work of operation x and returns an errno (0: success) that is
// still to be sent, or `replied`; ops.cpp wires them to libfuse. They run on
// several threads at once. Order within an operation: tokens, pins (may need the
// daemon's own privileges), credentials of the caller, system calls, reply.
#pragma once

#include "common/fd.hpp"
#include "common/options.hpp"
#include "stackfs/counters.hpp"
#include "stackfs/creds.hpp"
#include "stackfs/inode_table.hpp"
#include "stackfs/passthrough.hpp"
#include "stackfs/reply.hpp"
#include "stackfs/touched.hpp"
#include "stackfs/waiters.hpp"

#include <extfuse/extfuse.h>

#include <atomic>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace stackfs
{

using Pin = InodeTable::Pin;

struct DirHandle;

class Fs
{
public:
	// root: O_PATH descriptor of SOURCE.
	Fs(const Options &options, extfuse *x, UniqueFd root, const struct stat &root_stat,
	   size_t max_node_fds);

	~Fs();

	static const fuse_lowlevel_ops &operations();

	std::string stats_json() const;
	Counters &counters() noexcept
	{
		return counters_;
	}
	extfuse *x() noexcept
	{
		return x_;
	}
	// The caller's ids and the path is relative to SOURCE. 0 or errno; node 0: the
	// kernel does not know the file.
	int node_of_path(const char *path, fuse_ino_t &node);

	// Once the process has its final form, before the first request.
	void start();
	// Ends what may still wait; no request may come after.
	void stop() noexcept;

private:
	friend struct Dispatch;

	// A file found by name, with one lookup counted for the kernel.
	struct Found {
		Pin pin;
		fuse_entry_param e = {};
		extfuse_snapshot since = {}; // before e.attr was read
		extfuse_token node = {};
		bool fresh = false; // its node was made now
	};

	void init(fuse_conn_info *conn);

	// lookup.cpp
	int do_lookup(fuse_req_t req, fuse_ino_t parent, const char *name);
	void forget(fuse_ino_t node, uint64_t lookups) noexcept;
	int resolve(int dir, const char *name, Found &found);
	int adopt(UniqueFd path_fd, Found &found);
	void identify(Found &found) const noexcept;
	int describe(Found &found);
	void take_back(const Found &found) noexcept;
	template <typename Open> int open_retrying(Open &&open);
	extfuse_scope entry_scope(fuse_req_t req) const noexcept;
	extfuse_token entry_token(fuse_ino_t parent, const char *name) noexcept;
	extfuse_token changed_entry_token(fuse_ino_t parent, const char *name) noexcept;
	extfuse_token entry_of(extfuse_token entry, const Found &found) const noexcept;
	extfuse_token node_token(fuse_ino_t node) noexcept;
	extfuse_token changed_node_token(fuse_ino_t node) noexcept;
	int reply_entry(fuse_req_t req, fuse_ino_t parent, const char *name, Found &found,
			extfuse_token entry);

	// prefetch.cpp
	void prefetch_name(fuse_req_t req, fuse_ino_t parent, int dir, const char *name);
	void prefetch_names(fuse_req_t req, fuse_ino_t parent,
			    const std::vector<std::string> &names);
	void prefetch_directory(fuse_req_t req, const Pin &dir);
	void release_unlinked(fuse_ino_t node) noexcept;

	// namespace.cpp
	template <typename Make>
	int make_entry(fuse_req_t req, fuse_ino_t parent, const char *name, Make &&make);
	int do_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev);
	int do_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode);
	int do_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name);
	int do_link(fuse_req_t req, fuse_ino_t node, fuse_ino_t parent, const char *name);
	int do_unlink(fuse_req_t req, fuse_ino_t parent, const char *name);
	int do_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name);
	int remove(fuse_req_t req, fuse_ino_t parent, const char *name, int flags);
	int do_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t newparent,
		      const char *newname, unsigned flags);
	int do_readlink(fuse_req_t req, fuse_ino_t node);
	Pin guard_victim(int dir, const char *name);
	void release_victim(Pin &victim) noexcept;

	// attr.cpp
	int do_getattr(fuse_req_t req, fuse_ino_t node, fuse_file_info *fi);
	int do_setattr(fuse_req_t req, fuse_ino_t node, struct stat *attr, int to_set,
		       fuse_file_info *fi);
	int apply_attr(fuse_req_t req, const Pin &pin, const struct stat &attr, int to_set,
		       int file, bool may_block);
	int finish_setattr(fuse_req_t req, const Pin &pin, extfuse_token token);
	int do_access(fuse_req_t req, fuse_ino_t node, int mask);
	int do_statfs(fuse_req_t req, fuse_ino_t node);

	// file.cpp
	int do_open(fuse_req_t req, fuse_ino_t node, fuse_file_info *fi);
	int open_waiting(fuse_req_t req, const Pin &pin, fuse_file_info fi, extfuse_token token);
	int finish_open(fuse_req_t req, const Pin &pin, UniqueFd file, fuse_file_info &fi,
			extfuse_token token);
	int do_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
		      fuse_file_info *fi);
	int do_tmpfile(fuse_req_t req, fuse_ino_t parent, mode_t mode, fuse_file_info *fi);
	int adopt_open_file(const UniqueFd &file, Found &found);
	void set_open_flags(fuse_file_info &fi) const noexcept;
	void pass_through(fuse_req_t req, fuse_ino_t node, fuse_file_info &fi, int file);
	void take_back_pass_through(fuse_ino_t node);
	int do_flush(fuse_req_t req, fuse_ino_t node, fuse_file_info *fi);
	int do_release(fuse_req_t req, fuse_ino_t node, fuse_file_info *fi);
	int do_fsync(fuse_req_t req, fuse_ino_t node, int datasync, fuse_file_info *fi);

	// opens.cpp
	void cache_open(fuse_req_t req, const Pin &pin, int file, const fuse_file_info &fi,
			extfuse_token token);
	void cache_opendir(fuse_req_t req, fuse_ino_t node, extfuse_token token);
	bool anybody_may_open(fuse_req_t req) const noexcept;
	void cache_closed(fuse_req_t req, fuse_ino_t node, const fuse_file_info &fi,
			  extfuse_token token);
	bool register_backing(const Pin &pin, int file, extfuse_token token);

	// data.cpp
	int do_read(fuse_req_t req, fuse_ino_t node, size_t size, off_t off, fuse_file_info *fi);
	bool read_and_cache(fuse_req_t req, const Pin &pin, int file, size_t size, off_t off,
			    int &result);
	void cache_on_open(const Pin &pin, int file);
	int do_write_buf(fuse_req_t req, fuse_ino_t node, fuse_bufvec *buf, off_t off,
			 fuse_file_info *fi);
	int do_fallocate(fuse_req_t req, fuse_ino_t node, int mode, off_t offset, off_t length,
			 fuse_file_info *fi);
	int do_copy_file_range(fuse_req_t req, fuse_ino_t node_in, off_t off_in,
			       fuse_file_info *fi_in, fuse_ino_t node_out, off_t off_out,
			       fuse_file_info *fi_out, size_t len, int flags);
	int do_lseek(fuse_req_t req, fuse_ino_t node, off_t off, int whence, fuse_file_info *fi);

	// dir.cpp
	struct DirReply;
	int do_opendir(fuse_req_t req, fuse_ino_t node, fuse_file_info *fi);
	int do_readdir(fuse_req_t req, fuse_ino_t node, size_t size, off_t off, fuse_file_info *fi);
	int do_readdirplus(fuse_req_t req, fuse_ino_t node, size_t size, off_t off,
			   fuse_file_info *fi);
	int read_directory(fuse_req_t req, fuse_ino_t node, size_t size, off_t off,
			   fuse_file_info *fi, bool plus);
	void close_directory(DirHandle &handle) noexcept;
	// listing.cpp
	void cache_listing(fuse_req_t req, fuse_ino_t node, DirHandle &handle);
	int do_releasedir(fuse_req_t req, fuse_ino_t node, fuse_file_info *fi);
	int do_fsyncdir(fuse_req_t req, fuse_ino_t node, int datasync, fuse_file_info *fi);

	// xattr.cpp
	int do_setxattr(fuse_req_t req, fuse_ino_t node, const char *name, const char *value,
			size_t size, int flags);
	int do_getxattr(fuse_req_t req, fuse_ino_t node, const char *name, size_t size);
	int do_listxattr(fuse_req_t req, fuse_ino_t node, size_t size);
	int do_removexattr(fuse_req_t req, fuse_ino_t node, const char *name);
	int read_and_cache_xattr(fuse_req_t req, const Pin &pin, const char *name, size_t size,
				 extfuse_scope scope);
	extfuse_scope xattr_scope(fuse_req_t req, const char *name) const noexcept;

	// ioctl.cpp
	int do_ioctl(fuse_req_t req, fuse_ino_t node, unsigned cmd, void *arg, fuse_file_info *fi,
		     unsigned flags, const void *in, size_t in_size, size_t out_size);

	// locks.cpp
	int do_getlk(fuse_req_t req, fuse_ino_t node, fuse_file_info *fi, struct flock *lock);
	int do_setlk(fuse_req_t req, fuse_ino_t node, fuse_file_info *fi, struct flock *lock,
		     int sleep);
	int do_flock(fuse_req_t req, fuse_ino_t node, fuse_file_info *fi, int op);
	void drop_locks(fuse_ino_t node, uint64_t owner) noexcept;
	void drop_locks_of_handle(fuse_ino_t node, int handle) noexcept;

	const Options options_;
	extfuse *const x_;
	UniqueFd proc_fds_;       // /proc/self/fd
	bool cache_meta_ = false; // replies go into maps; set in init()
	bool cache_data_ = false;
	bool marks_ = false; // replies are marked in place of that
	bool stable_ = false; // entries are: a node named in one must be kept
	std::atomic<bool> backing_{false}; // opened files are registered with the driver
	bool passthrough_ = false; // the kernel's own, on stock FUSE
	bool kernel_checks_ = false; // default_permissions
	bool splice_ = false;
	Counters counters_;
	TouchedFiles touched_; // since OPEN or CREATE
	PassthroughFiles passthrough_files_;
	std::mutex dirs_mutex_; // of dirs_; no other lock is taken under it
	std::list<DirHandle> dirs_; // what OPENDIR gave out
	InodeTable table_;
	std::unique_ptr<Waiters> waiters_; // ends before the table does
};

// The text by which proc_fds_ knows a descriptor.
class FdName
{
	char text_[16];

public:
	explicit FdName(int fd) noexcept
	{
		snprintf(text_, sizeof(text_), "%d", fd);
	}
	const char *c_str() const noexcept
	{
		return text_;
	}
};

inline int file_of(const fuse_file_info *fi) noexcept
{
	return static_cast<int>(fi->fh);
}

template <typename Open> int Fs::open_retrying(Open &&open)
{
	const int fd = open();
	if (fd >= 0 || (errno != EMFILE && errno != ENFILE))
		return fd;
	if (!table_.relieve(64)) {
		errno = EMFILE;
		return -1;
	}
	return open();
}

} // namespace stackfs
