// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the library asks of the kernel, bpf and mount calls, as an interface:
// the logic above it is tested without a kernel (tests/unit).
// kernel.cpp and handler.cpp are the real thing.
#ifndef EXTFUSE_SRC_KERNEL_HPP
#define EXTFUSE_SRC_KERNEL_HPP

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <sys/types.h>
#include <utility>

#include <unistd.h>

#include <extfuse/abi.h>

struct fuse_custom_io;
struct fuse_session;

namespace exf::impl
{

class Log;

// A file descriptor that is closed.
class Fd
{
public:
	Fd() = default;
	explicit Fd(int fd) : fd_(fd) {}
	Fd(Fd &&other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
	Fd &operator=(Fd &&other) noexcept
	{
		std::swap(fd_, other.fd_);
		return *this;
	}
	Fd(const Fd &) = delete;
	Fd &operator=(const Fd &) = delete;
	~Fd()
	{
		reset();
	}

	int get() const
	{
		return fd_;
	}
	explicit operator bool() const
	{
		return fd_ >= 0;
	}
	int release()
	{
		return std::exchange(fd_, -1);
	}
	void reset()
	{
		if (fd_ >= 0)
			::close(std::exchange(fd_, -1));
	}

private:
	int fd_ = -1;
};

// What the stock handler keeps of replies without a mark, as in maps.bpf.h.
struct CachePolicy {
	extfuse_policy cache = EXTFUSE_CACHE_ANNOTATED;
	extfuse_scope names = EXTFUSE_SCOPE_NONE;
	extfuse_scope attrs = EXTFUSE_SCOPE_NONE;
	extfuse_scope listings = EXTFUSE_SCOPE_NONE;
	extfuse_scope others = EXTFUSE_SCOPE_NONE;
	bool links = false;
	bool lazy_atime = false;
	bool owner = false; // only of what was replied to these ids
	uint32_t uid = 0;
	uint32_t gid = 0;
};

// Which handler; its sizes and settings, fixed when it is loaded.
struct HandlerParams {
	uint32_t name_buckets = 1; // all are powers of two
	uint32_t long_name_buckets = 1;
	uint32_t attr_buckets = 1;
	uint32_t block_buckets = 1;
	uint32_t object_buckets = 1;
	uint32_t dir_buckets = 1;
	uint32_t names_buckets = 1;
	uint32_t open_buckets = 1;
	uint64_t seed = 0;
	uint32_t switches = 0; // initial value, as in maps.bpf.h
	bool replies = false;  // with the programs that keep replies
	bool opens = false;    // and with that which keeps opens
	// Another handler than the library's own, which it is if both are empty.
	std::string file;
	std::span<const char> object; // owned by the caller
	CachePolicy policy; // of handlers with the library's caches
};

// The slot caches as mapped into this process.
struct HandlerMaps {
	std::span<extfuse_name_bucket> names;
	std::span<extfuse_long_name_bucket> long_names;
	std::span<extfuse_attr_bucket> attrs;
	std::span<extfuse_data_bucket> blocks;
	std::span<extfuse_object_bucket> objects;
	std::span<extfuse_dir_bucket> dirs;
	std::span<extfuse_names_bucket> dir_names;
	std::span<extfuse_open_bucket> opens;

	uint64_t bytes() const
	{
		return names.size_bytes() + long_names.size_bytes() + attrs.size_bytes() +
		       blocks.size_bytes() + objects.size_bytes() + dirs.size_bytes() +
		       dir_names.size_bytes() + opens.size_bytes();
	}
};

// A loaded handler. Its maps live as long as the object, attached or not.
class Handler
{
public:
	virtual ~Handler() = default;
	// Of one without the library's caches: empty, and no switches.
	virtual const HandlerMaps &maps() const = 0;
	virtual uint32_t *switches() = 0;
	// Register with the driver. 0 or -errno; does nothing if attached.
	virtual int attach() = 0;
	virtual void detach() = 0;
	// Of the attached handler, else -1.
	virtual int link_fd() const = 0;
	// Descriptor of a map, the handler's still; -ENOENT.
	virtual int map_fd(const char *name) const = 0;
	// Counters summed over all CPUs. 0 or -errno.
	virtual int counters(std::span<extfuse_op_counters, EXTFUSE_OP_COUNT> out) = 0;
};

struct MountCall {
	std::string source;
	std::string target;
	std::string type;
	unsigned long flags = 0; // MS_*
	std::string data;
};

// All functions that return int: 0 or more, or -errno.
class Kernel
{
public:
	virtual ~Kernel() = default;

	virtual int open_device(Fd &out) = 0;
	// Of the capabilities that a mount with a handler needs, those that this
	// process lacks, separated by blanks.
	virtual std::string missing_capabilities() = 0;
	// reason: for the message, where it fails.
	virtual int load_handler(const HandlerParams &params, const Log &log,
				 std::unique_ptr<Handler> &out, std::string &reason) = 0;

	// Absolute path without symbolic links, and the file's mode. mount() mounts on
	// that file, whatever the path has come to name, unmount() what mount() has made.
	virtual int resolve(const char *path, std::string &out, mode_t &mode) = 0;
	virtual int mount(const MountCall &call) = 0;
	virtual int unmount(const std::string &target) = 0;
	// Has the connection behind this device ended (unmounted, aborted)?
	virtual bool connection_over(int device) = 0;
	// Let the descriptor point nowhere, without freeing its number.
	virtual void neutralize(int fd) = 0;

	virtual int map_words(int device, size_t bytes, void **out) = 0;
	virtual void unmap_words(void *base, size_t bytes) = 0;
	virtual int bind(int device, int link_fd) = 0;
	virtual int stats(int device, extfuse_stats &out) = 0;
	// EXTFUSE_IOC_BACKING_SET; fd -1: _CLEAR.
	virtual int backing(int device, const extfuse_backing &arg) = 0;
	virtual int declare(int device, uint32_t flags) = 0;

	// Contents of /proc/PID/task/PID/status.
	virtual int task_status(pid_t pid, std::string &out) = 0;

	// libfuse: 0 or -errno.
	virtual int session_mount(fuse_session *se, const char *mountpoint) = 0;
	// Instead of session_mount(): fd is the device, replies are marked (reply.cpp).
	virtual int session_take(fuse_session *se, int fd, const fuse_custom_io &io) = 0;
	virtual void session_unmount(fuse_session *se) = 0;
	virtual int session_fd(fuse_session *se) = 0;
};

std::unique_ptr<Kernel> make_linux_kernel();

// handler.cpp
int load_bpf_handler(const HandlerParams &params, const Log &log, std::unique_ptr<Handler> &out,
		     std::string &reason);

} // namespace exf::impl

#endif
