// SPDX-License-Identifier: GPL-2.0-only
//
// mount(2) of a program and its children, announced to us before it happens.
#ifndef EXTFUSE_RUN_FILTER_HPP
#define EXTFUSE_RUN_FILTER_HPP

#include <cstdint>
#include <sys/types.h>

#include "fd.hpp"

namespace extfuse_run
{

/*
 * For this process and what it starts: mount(2) is announced on the descriptor that
 * is returned, and fsopen(2) fails with ENOSYS, so that mount(2) is used. A negative
 * errno on failure.
 */
int install_mount_filter();

// A mount(2) that waits for an answer.
struct Announced {
	uint64_t id;
	pid_t thread;
	uint64_t args[5]; // source, target, type, flags, data
};

// Of install_mount_filter(), in another process.
class Announcements
{
public:
	explicit Announcements(Fd fd) : fd_(static_cast<Fd &&>(fd)) {}

	int fd() const
	{
		return fd_.get();
	}
	// False: the caller has gone in the meantime.
	bool receive(Announced &out) const;
	// Is it still waiting? Ask after all that was read and opened of the thread: its id
	// may be another's by then.
	bool valid(const Announced &a) const;
	// result: 0 or a negative errno.
	void answer(const Announced &a, int result) const;
	// Let the kernel do what was asked.
	void let_through(const Announced &a) const;
	// Make number in the caller's table a copy of ours, with the O_NONBLOCK and
	// O_CLOEXEC of flags. 0 or a negative errno.
	int replace(const Announced &a, int number, int ours, int flags) const;

private:
	Fd fd_;
};

} // namespace extfuse_run

#endif
