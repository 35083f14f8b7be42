// SPDX-License-Identifier: GPL-2.0-only
//
// One mount that the program serves.
#ifndef EXTFUSE_RUN_SERVED_HPP
#define EXTFUSE_RUN_SERVED_HPP

#include <string>
#include <vector>

#include "object.hpp"
#include "process.hpp"
#include "stop.hpp"

namespace extfuse_run
{

class Served
{
public:
	// x is mounted, device is what extfuse_mount_device() gave, and mounter, a
	// process, now has. Who serves may be another, which it sends the descriptor to.
	Served(Object x, Fd device, std::string target, pid_t mounter);
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
	const std::vector<Process> &holders() const
	{
		return holders_;
	}
	// Is it mounted, and is there somebody who serves it, or will? in_transit: there are
	// processes that the descriptor may be on its way to.
	bool served(bool in_transit);
	void look_for_holders();
	// Look again by then; max(): when a holder ends.
	Clock::time_point look_again() const
	{
		return look_again_;
	}
	void unmount();

private:
	Object x_;
	Fd device_;
	std::string target_;
	std::vector<Process> holders_;
	const pid_t mounter_;
	Clock::time_point patience_; // for a descriptor in transit
	Clock::time_point look_again_ = Clock::time_point::max();
};

} // namespace extfuse_run

#endif
