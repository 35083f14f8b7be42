// SPDX-License-Identifier: LGPL-2.1-or-later
//
// struct extfuse, and what the C functions have in common.
#ifndef EXTFUSE_SRC_OBJECT_HPP
#define EXTFUSE_SRC_OBJECT_HPP

#include <atomic>
#include <cerrno>
#include <memory>
#include <new>
#include <string>

#include <extfuse/extfuse.h>

#include "kernel.hpp"
#include "log.hpp"
#include "options.hpp"
#include "reply.hpp"
#include "words.hpp"

namespace exf::impl
{

enum class State { unmounted, stock, active };

// What this process stored.
struct PutCounters {
	std::atomic<uint64_t> entry{0};
	std::atomic<uint64_t> attr{0};
	std::atomic<uint64_t> data{0};
	std::atomic<uint64_t> object{0};
	std::atomic<uint64_t> dir{0};
	std::atomic<uint64_t> names{0};
	std::atomic<uint64_t> open{0};
	std::atomic<uint64_t> refused{0};
	std::atomic<uint64_t> evicted{0};
};

// A C function must not throw.
template <class Body> int no_throw(Body body) noexcept
{
	try {
		return body();
	} catch (const std::bad_alloc &) {
		return -ENOMEM;
	} catch (...) {
		return -EIO;
	}
}

} // namespace exf::impl

// One thread at a time for all but words, maps, marking, seed and counters: those are set
// by extfuse_mount(), unset by extfuse_unmount(), and constant in between.
struct extfuse {
	explicit extfuse(std::unique_ptr<exf::impl::Kernel> k) : kernel(std::move(k)) {}
	~extfuse()
	{
		unmount();
	}
	extfuse(const extfuse &) = delete;
	extfuse &operator=(const extfuse &) = delete;

	int mount(fuse_session *se, const char *mountpoint);
	int mount_for_others(const char *mountpoint, uid_t user, gid_t group, int &out);
	void unmount() noexcept;
	int attach();
	int detach();
	int use_link(int link_fd);
	// Which one options say, not attached; nothing if it is loaded already.
	int load_handler(std::string &reason);

	const std::unique_ptr<exf::impl::Kernel> kernel;
	exf::impl::Log log;
	exf::impl::Options options;
	exf::impl::MountOptions mount_options;

	exf::impl::State state = exf::impl::State::unmounted;
	fuse_session *session = nullptr; // null: of another process
	std::string target;         // absolute path of the mount
	exf::impl::Fd device;       // our copy of the descriptor that serves
	exf::impl::Fd foreign_link; // a handler that is not ours, see extfuse_use_handler()
	std::unique_ptr<exf::impl::Handler> handler;
	void *words_base = nullptr;
	size_t words_bytes = 0;

	exf::impl::Words words;
	exf::impl::HandlerMaps maps;
	bool marking = false; // replies are marked in place of being put
	const fuse_custom_io *io = &exf::impl::marking_io; // of sessions that mark
	uint64_t seed = 0; // of the hashes of blocks, objects and chunks of directories
	exf::impl::PutCounters puts;

private:
	// These say in reason what failed.
	int mount_extfuse(fuse_session *se, mode_t mode, std::string &reason);
	// All of it but who serves.
	int mount_driver(mode_t mode, std::string &reason);
	void now_active();
	int prepare_handler(std::string &reason);
	int mount_device(mode_t mode, int link_fd, std::string &reason);
	int map_words(std::string &reason);
	int give_to_session(fuse_session *se, std::string &reason);
	std::string attach_reason(int error) const;
	int blame(int error, std::string &reason) const;
	void forget_driver() noexcept;
};

namespace exf::impl
{

// extfuse_new() with any kernel.
int make(extfuse **out, fuse_args *args, const extfuse_config *cfg,
	 std::unique_ptr<Kernel> kernel) noexcept;

} // namespace exf::impl

#endif
