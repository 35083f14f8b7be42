// SPDX-License-Identifier: GPL-2.0-only
//
// Runs the program: makes its mounts, watches its processes, cleans up.
#ifndef EXTFUSE_RUN_SUPERVISOR_HPP
#define EXTFUSE_RUN_SUPERVISOR_HPP

#include <csignal>
#include <list>
#include <optional>

#include "filter.hpp"
#include "front.hpp"
#include "mount_call.hpp"
#include "options.hpp"
#include "process.hpp"
#include "served.hpp"

namespace extfuse_run
{

class Supervisor
{
public:
	Supervisor(const Options &options, Front &front) : options_(options), front_(front) {}

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
	void report(const Served &served) const;
	void reap();
	void stop(bool told_program);
	void kill_all(int signal);
	void look_after_mounts();
	void go_to_background();
	void look_at_clock();
	bool finished() const;

	const Options &options_;
	Front &front_;
	Fd signals_;
	Started program_;
	std::optional<Announcements> announcements_;
	std::list<Served> served_;
	std::optional<int> status_; // of the program, as waitpid() has it
	bool mounted_once_ = false;
	bool stopping_ = false;
	bool in_background_ = false;
	Clock::time_point mount_by_ = Clock::time_point::max();
	Clock::time_point stop_by_ = Clock::time_point::max();
};

} // namespace extfuse_run

#endif
