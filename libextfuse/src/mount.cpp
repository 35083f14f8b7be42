// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Making an object; mounting, and the fall back to stock FUSE.
#include <cstdio>
#include <cstring>

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "object.hpp"

using namespace exf::impl;

int extfuse::mount(fuse_session *se, const char *mountpoint)
{
	if (state != State::unmounted) {
		log.error("cannot mount %s: this object is mounted on %s", mountpoint,
			  target.c_str());
		return -EBUSY;
	}

	mode_t mode;
	int error = kernel->resolve(mountpoint, target, mode);
	if (error < 0) {
		log.error("mount point %s: %s", mountpoint, strerror(-error));
		return error;
	}

	// A handler of one's own may be what keeps users apart: never without it.
	const bool own_handler = options.own_handler();
	if (own_handler && options.driver == EXTFUSE_DRIVER_STOCK) {
		log.error("cannot mount %s: a handler is given, and stock FUSE has none",
			  target.c_str());
		return -EINVAL;
	}
	if (options.driver == EXTFUSE_DRIVER_EXTFUSE) {
		std::string reason;

		error = mount_extfuse(se, mode, reason);
		if (error == 0)
			return 0;
		forget_driver();
		if (own_handler || options.fallback == EXTFUSE_FALLBACK_FAIL) {
			log.error("cannot mount %s: %s", target.c_str(), reason.c_str());
			return error;
		}
		log.warning("%s; %s is mounted on stock FUSE, every request goes to the daemon",
			    reason.c_str(), target.c_str());
	}
	error = kernel->session_mount(se, target.c_str());
	if (error < 0) {
		log.error("cannot mount %s on stock FUSE: %s", target.c_str(), strerror(-error));
		return error;
	}
	session = se;
	state = State::stock;
	return 0;
}

int extfuse::mount_extfuse(fuse_session *se, mode_t mode, std::string &reason)
{
	int error = mount_driver(mode, reason);
	if (error < 0)
		return error;
	error = give_to_session(se, reason);
	if (error < 0) {
		kernel->unmount(target);
		return error;
	}

	session = se;
	now_active();
	marking = options.reply_hooks;
	return 0;
}

int extfuse::mount_driver(mode_t mode, std::string &reason)
{
	int error = kernel->open_device(device);
	if (error == -ENOENT || error == -ENXIO || error == -ENODEV) {
		reason = "no " EXTFUSE_DEVICE ": load the driver (modprobe extfuse)";
		return -ENODEV;
	}
	if (error < 0) {
		reason = std::string("cannot open " EXTFUSE_DEVICE ": ") + strerror(-error);
		return error == -EACCES ? -EPERM : error;
	}
	if (mount_options.blkdev) {
		reason = "mount option blkdev is not for the extfuse driver; leave it out";
		return -EINVAL;
	}
	if (mount_options.auto_unmount)
		log.warning("mount option auto_unmount has no effect on the extfuse driver: if the "
			    "daemon dies, unmount %s yourself",
			    target.c_str());

	int link_fd = foreign_link.get();
	if (link_fd < 0 && !options.no_handler) {
		error = prepare_handler(reason);
		if (error < 0)
			return error;
		link_fd = handler->link_fd();
	}
	error = mount_device(mode, link_fd, reason);
	if (error < 0)
		return error;

	error = map_words(reason);
	if (error < 0)
		kernel->unmount(target);
	return error;
}

void extfuse::now_active()
{
	if (handler)
		maps = handler->maps();
	state = State::active;
	log.info("%s is mounted on the extfuse driver", target.c_str());
}

int extfuse::mount_device(mode_t mode, int link_fd, std::string &reason)
{
	const MountOptions &o = mount_options;
	MountCall call;
	char data[160];

	snprintf(data, sizeof(data), "fd=%d,rootmode=%o,user_id=%u,group_id=%u", device.get(),
		 mode & S_IFMT, o.user_id, o.group_id);
	call.data = data;
	if (link_fd >= 0)
		call.data += ",handler=" + std::to_string(link_fd);
	if (!o.kernel.empty())
		call.data += "," + o.kernel;
	call.type = EXTFUSE_FS_TYPE;
	if (!o.subtype.empty())
		call.type += "." + o.subtype;
	call.source = !o.fsname.empty()    ? o.fsname
		      : !o.subtype.empty() ? o.subtype
					   : EXTFUSE_FS_TYPE;
	call.target = target;
	call.flags = o.flags;

	const int error = kernel->mount(call);
	if (error == 0)
		return 0;
	reason = "mount -t " + call.type + " failed: " + strerror(-error);
	if (error == -EPERM || error == -EACCES) {
		const std::string missing = kernel->missing_capabilities();

		if (!missing.empty()) {
			reason += "; this process lacks " + missing;
			return -EPERM;
		}
	} else if (error == -EINVAL) {
		reason += "; the options were " + call.data + ", see the kernel log";
	}
	return error;
}

int extfuse::map_words(std::string &reason)
{
	void *base;

	// The header first: it says how long the whole is.
	const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
	int error = kernel->map_words(device.get(), page, &base);
	if (error < 0) {
		reason = std::string("cannot map the words of " EXTFUSE_DEVICE ": ") +
			 strerror(-error);
		return error;
	}
	const auto *header = static_cast<const extfuse_words_header *>(base);
	const uint64_t bytes = header->bytes;
	const bool known = header->magic == EXTFUSE_WORDS_MAGIC &&
			   header->abi_version == EXTFUSE_ABI_VERSION && bytes >= page;
	const uint32_t version = header->abi_version;
	kernel->unmap_words(base, page);
	if (!known) {
		reason = "the driver speaks version " + std::to_string(version) +
			 " of the ABI, this libextfuse version " +
			 std::to_string(EXTFUSE_ABI_VERSION) +
			 ": install module and library of the same release";
		return -EPROTO;
	}

	error = kernel->map_words(device.get(), bytes, &base);
	if (error < 0) {
		reason = std::string("cannot map the words of " EXTFUSE_DEVICE ": ") +
			 strerror(-error);
		return error;
	}
	words_base = base;
	words_bytes = bytes;
	if (!words.set(base, bytes) || (options.reply_hooks && !words.marks())) {
		reason = "the words of " EXTFUSE_DEVICE " are not laid out as version " +
			 std::to_string(EXTFUSE_ABI_VERSION) + " of the ABI says";
		return -EPROTO;
	}
	return 0;
}

int extfuse::give_to_session(fuse_session *se, std::string &reason)
{
	// The session closes what it is given: a copy.
	Fd copy(fcntl(device.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
	char path[32];

	if (!copy) {
		const int error = -errno;
		reason = std::string("cannot duplicate a descriptor: ") + strerror(-error);
		return error;
	}
	snprintf(path, sizeof(path), "/dev/fd/%d", copy.get());
	const int error = options.reply_hooks ? kernel->session_take(se, copy.get(), *io)
					      : kernel->session_mount(se, path);
	if (error < 0) {
		reason = std::string("libfuse does not take the extfuse device: ") +
			 strerror(-error);
		return error;
	}
	copy.release();
	return 0;
}

void extfuse::forget_driver() noexcept
{
	words.clear();
	maps = {};
	if (words_base)
		kernel->unmap_words(words_base, words_bytes);
	words_base = nullptr;
	handler.reset();
	device.reset();
}

void extfuse::unmount() noexcept
{
	if (state == State::stock) {
		kernel->session_unmount(session);
	} else if (state == State::active) {
		const bool over = kernel->connection_over(device.get());

		// With the last reference to the device the connection ends. Else the
		// unmount could wait for answers that nobody is going to give. The
		// session will close its number itself.
		if (session)
			kernel->neutralize(kernel->session_fd(session));
		marking = false;
		words.clear();
		maps = {};
		kernel->unmap_words(words_base, words_bytes);
		words_base = nullptr;
		device.reset();
		if (!over && kernel->unmount(target) == -EBUSY)
			log.warning("something else is mounted on top of %s: unmount both yourself",
				    target.c_str());
		forget_driver();
	}
	session = nullptr;
	state = State::unmounted;
}

int exf::impl::make(extfuse **out, fuse_args *args, const extfuse_config *cfg,
		    std::unique_ptr<Kernel> kernel) noexcept
{
	return no_throw([&] {
		auto x = std::make_unique<extfuse>(std::move(kernel));

		*out = nullptr;
		int error = read_config(cfg, x->options, x->log);
		if (!error)
			error = take_options(args, x->options, x->log);
		if (!error && x->options.own_handler() && x->options.no_handler) {
			x->log.error("a handler is given, and no_handler: leave one of them out");
			error = -EINVAL;
		}
		if (!error)
			error = read_mount_options(args, x->mount_options);
		if (!error)
			*out = x.release();
		return error;
	});
}

extern "C" {

int extfuse_new(struct extfuse **out, struct fuse_args *args, const struct extfuse_config *cfg)
{
	return no_throw([&] { return make(out, args, cfg, make_linux_kernel()); });
}

void extfuse_destroy(struct extfuse *x)
{
	delete x;
}

int extfuse_mount(struct extfuse *x, struct fuse_session *se, const char *mountpoint)
{
	if (!x || !se || !mountpoint)
		return -EINVAL;
	return no_throw([&] { return x->mount(se, mountpoint); });
}

void extfuse_unmount(struct extfuse *x)
{
	if (x)
		x->unmount();
}

int extfuse_active(const struct extfuse *x)
{
	return x && x->state == State::active;
}

int extfuse_default_permissions(const struct extfuse *x)
{
	return x && x->mount_options.default_permissions;
}

int extfuse_declare_stable(struct extfuse *x)
{
	if (!x)
		return -EINVAL;
	if (x->state != State::active)
		return -ENOTCONN;
	return x->kernel->declare(x->device.get(), EXTFUSE_DECLARE_STABLE);
}

const char *extfuse_version(void)
{
	return EXTFUSE_VERSION;
}

} // extern "C"
