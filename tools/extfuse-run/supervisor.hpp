// SPDX-License-Identifier: GPL-2.0-only
//
// Runs the program: makes its mounts, watches its processes, cleans up.
#ifndef EXTFUSE_RUN_SUPERVISOR_HPP
#define EXTFUSE_RUN_SUPERVISOR_HPP

#include <csignal>
#include <optional>
#include <vector>

#include "filter.hpp"
#include "mount_call.hpp"
#include "options.hpp"
#include "process.hpp"
#include "served.hpp"

namespace extfuse_run
{

class Supervisor
{
public:
	explicit Supervisor(const Options &options) : options_(options) {}

	// Until nothing of it is left. Returns the program's exit status.
	int run();

private:
	int start_program();
	void wait_for_events();
	void on_signal();
	void on_announcement();
	// True: answered with result. False: to be let through.
	bool answer_mount(const Announced &a, int &result);
	int mount(const Announced &a, const Caller &caller, const MountCall &call,
		  const FuseData &data);
	void reap();
	void stop(bool told_program);
	void kill_all(int signal);
	void look_after_mounts();
	void look_at_clock();
	bool finished() const;

	const Options &options_;
	Fd signals_;
	Started program_;
	std::optional<Announcements> announcements_;
	std::vector<Served> served_;
	std::optional<int> status_; // of the program, as waitpid() has it
	bool mounted_once_ = false;
	bool stopping_ = false;
	Clock::time_point mount_by_ = Clock::time_point::max();
	Clock::time_point stop_by_ = Clock::time_point::max();
};

} // namespace extfuse_run

#endif
