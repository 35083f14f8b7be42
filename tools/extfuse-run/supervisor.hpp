// SPDX-License-Identifier: GPL-2.0-only
//
// Runs the program: makes its mounts, watches its processes, cleans up.
#ifndef EXTFUSE_RUN_SUPERVISOR_HPP
#define EXTFUSE_RUN_SUPERVISOR_HPP

#include <list>
#include <optional>
#include <set>

#include "filter.hpp"
#include "front.hpp"
#include "mount_call.hpp"
#include "mount_point.hpp"
#include "options.hpp"
#include "process.hpp"
#include "served.hpp"
#include "stop.hpp"

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
	void on_front();
	void on_announcement();
	// True: answered with result. False: to be let through.
	bool answer_mount(const Announced &a, int &result);
	int mount(const Announced &a, const Caller &caller, const Place &place, int flags,
		  const MountCall &call, const FuseData &data);
	void to_stock(const std::string &text);
	void report(const Served &served) const;
	void reap();
	void stop(Stop::Source source, int signal);
	void tell_all();
	void kill_all();
	// Who is to end.
	std::vector<const Process *> those_who_run(std::vector<Process> &orphans);
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
	bool on_stock_ = false; // a mount that was let through
	bool in_background_ = false;
	Stop stop_;
	std::set<pid_t> told_;
	Clock::time_point mount_by_ = Clock::time_point::max();
};

} // namespace extfuse_run

#endif
