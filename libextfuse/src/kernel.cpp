// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The real kernel: the device, mounts, /proc, and libfuse's session.
#include "kernel.hpp"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <extfuse/extfuse.h>

#include "mount_place.hpp"

namespace exf::impl
{

namespace
{

int negative_errno(long result)
{
	return result < 0 ? -errno : static_cast<int>(result);
}

int read_file(const char *path, std::string &out)
{
	Fd fd(open(path, O_RDONLY | O_CLOEXEC));
	if (!fd)
		return -errno;

	out.clear();
	for (;;) {
		char part[4096];
		const ssize_t n = read(fd.get(), part, sizeof(part));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return 0;
		out.append(part, static_cast<size_t>(n));
	}
}

class LinuxKernel final : public Kernel
{
public:
	int open_device(Fd &out) override
	{
		Fd fd(open(EXTFUSE_DEVICE, O_RDWR | O_CLOEXEC));
		if (!fd)
			return -errno;
		// libfuse opens 0, 1 and 2 if they are closed: stay out of its way.
		if (fd.get() <= STDERR_FILENO) {
			Fd higher(fcntl(fd.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
			if (!higher)
				return -errno;
			fd = std::move(higher);
		}
		out = std::move(fd);
		return 0;
	}

	std::string missing_capabilities() override
	{
		static constexpr struct {
			int bit;
			const char *name;
		} needed[] = {{21, "CAP_SYS_ADMIN"}, {38, "CAP_PERFMON"}, {39, "CAP_BPF"}};
		std::string status;
		std::string missing;

		if (read_file("/proc/self/status", status) < 0)
			return missing;
		const size_t at = status.find("\nCapEff:");
		if (at == std::string::npos)
			return missing;
		const uint64_t effective = strtoull(status.c_str() + at + 8, nullptr, 16);
		for (const auto &cap : needed) {
			if (effective >> cap.bit & 1)
				continue;
			if (!missing.empty())
				missing += ' ';
			missing += cap.name;
		}
		return missing;
	}

	int load_handler(const HandlerParams &params, const Log &log, std::unique_ptr<Handler> &out,
			 std::string &reason) override
	{
		return load_bpf_handler(params, log, out, reason);
	}

	int resolve(const char *path, std::string &out, mode_t &mode) override
	{
		return place_.pin(path, out, mode);
	}

	int mount(const MountCall &call) override
	{
		return place_.mount(call);
	}

	int unmount(const std::string &) override
	{
		return place_.unmount();
	}

	bool connection_over(int device) override
	{
		pollfd p = {device, 0, 0};

		return poll(&p, 1, 0) == 1 && (p.revents & POLLERR);
	}

	void neutralize(int fd) override
	{
		Fd null(open("/dev/null", O_RDWR | O_CLOEXEC));

		if (null)
			dup3(null.get(), fd, O_CLOEXEC);
	}

	int map_words(int device, size_t bytes, void **out) override
	{
		void *base = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, device, 0);

		if (base == MAP_FAILED)
			return -errno;
		*out = base;
		return 0;
	}

	void unmap_words(void *base, size_t bytes) override
	{
		munmap(base, bytes);
	}

	int bind(int device, int link_fd) override
	{
		extfuse_bind b = {};

		b.size = sizeof(b);
		b.link_fd = link_fd;
		return negative_errno(ioctl(device, EXTFUSE_IOC_BIND, &b));
	}

	int stats(int device, extfuse_stats &out) override
	{
		out = {};
		out.abi_version = EXTFUSE_ABI_VERSION;
		out.size = sizeof(out);
		return negative_errno(ioctl(device, EXTFUSE_IOC_STATS, &out));
	}

	int backing(int device, const extfuse_backing &arg) override
	{
		return negative_errno(ioctl(
			device, arg.fd < 0 ? EXTFUSE_IOC_BACKING_CLEAR : EXTFUSE_IOC_BACKING_SET,
			&arg));
	}

	int declare(int device, uint32_t flags) override
	{
		const extfuse_declare d = {sizeof(d), flags};

		return negative_errno(ioctl(device, EXTFUSE_IOC_DECLARE, &d));
	}

	int task_status(pid_t pid, std::string &out) override
	{
		char path[64];

		snprintf(path, sizeof(path), "/proc/%d/task/%d/status", pid, pid);
		return read_file(path, out);
	}

	int session_mount(fuse_session *se, const char *mountpoint) override
	{
		place_.unpin();
		errno = 0;
		if (fuse_session_mount(se, mountpoint) == 0)
			return 0;
		// libfuse says why in its own log, and leaves errno as it happens to be.
		return errno ? -errno : -EIO;
	}

	int session_take(fuse_session *se, int fd, const fuse_custom_io &io) override
	{
		return fuse_session_custom_io(se, &io, sizeof(io), fd);
	}

	void session_unmount(fuse_session *se) override
	{
		fuse_session_unmount(se);
	}

	int session_fd(fuse_session *se) override
	{
		return fuse_session_fd(se);
	}

private:
	MountPlace place_;
};

} // namespace

std::unique_ptr<Kernel> make_linux_kernel()
{
	return std::make_unique<LinuxKernel>();
}

} // namespace exf::impl
