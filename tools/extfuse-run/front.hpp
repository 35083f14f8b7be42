// SPDX-License-Identifier: GPL-2.0-only
//
// The process that the caller waits for, apart from the one that supervises: when
// the program goes to the background, it ends, as the program's own first process does.
#ifndef EXTFUSE_RUN_FRONT_HPP
#define EXTFUSE_RUN_FRONT_HPP

#include <functional>

#include "fd.hpp"

namespace extfuse_run
{

// In the supervising process.
class Front
{
public:
	explicit Front(Fd channel) : channel_(std::move(channel)) {}

	// Readable: it has got a signal, or has ended. -1: it has.
	int fd() const
	{
		return channel_.get();
	}
	// The signal; 0: none.
	int signal();
	// The caller is told this exit status; from now on we are nobody's child.
	void leave(int status);

private:
	Fd channel_;
};

// Runs supervise in a process of its own; the exit status for main().
int run_behind_front(const std::function<int(Front &)> &supervise);

} // namespace extfuse_run

#endif
