// SPDX-License-Identifier: GPL-2.0-only
//
// One mount that the program serves.
#ifndef EXTFUSE_RUN_SERVED_HPP
#define EXTFUSE_RUN_SERVED_HPP

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <extfuse/extfuse.h>

#include "fd.hpp"

namespace extfuse_run
{

using Clock = std::chrono::steady_clock;

struct Destroy {
	void operator()(extfuse *x) const
	{
		extfuse_destroy(x);
	}
};
using Object = std::unique_ptr<extfuse, Destroy>;

class Served
{
public:
	struct Holder {
		pid_t pid;
		Fd pidfd;
	};

	// x is mounted, device is what extfuse_mount_device() gave. in_transit: the
	// descriptor is still to be sent to the process that will serve.
	Served(Object x, Fd device, std::string target, bool in_transit);
	Served(const Served &) = delete;
	Served &operator=(const Served &) = delete;
	~Served()
	{
		unmount();
	}

	const std::string &target() const
	{
		return target_;
	}
	extfuse *object() const
	{
		return x_.get();
	}
	// POLLERR: over.
	int device() const
	{
		return device_.get();
	}
	const std::vector<Holder> &holders() const
	{
		return holders_;
	}
	// Is it mounted, and is there somebody who serves it, or will?
	bool served();
	// Look again by then; max(): when a holder ends.
	Clock::time_point look_again() const
	{
		return look_again_;
	}
	void unmount();

private:
	bool look_for_holders();

	Object x_;
	Fd device_;
	std::string target_;
	std::vector<Holder> holders_;
	Clock::time_point patience_; // for a descriptor in transit
	Clock::time_point look_again_ = Clock::time_point::max();
};

} // namespace extfuse_run

#endif
