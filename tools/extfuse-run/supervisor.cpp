// SPDX-License-Identifier: GPL-2.0-only
#include "supervisor.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>

#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#include "explain.hpp"
#include "object.hpp"
#include "say.hpp"

namespace extfuse_run
{

using std::chrono::seconds;

int Supervisor::run()
{
	sigset_t set = stop_signals();

	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, nullptr);
	signals_ = Fd(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
	// Programs go to the background.
	prctl(PR_SET_CHILD_SUBREAPER, 1);

	if (const int status = start_program())
		return status;
	if (options_.mount_timeout)
		mount_by_ = Clock::now() + seconds(options_.mount_timeout);
	while (!finished()) {
		wait_for_events();
		reap();
		look_after_mounts();
		go_to_background();
		look_at_clock();
	}
	for (const Served &s : served_)
		report(s);
	served_.clear();

	if (!status_)
		return exit_no_mount;
	if (!mounted_once_)
		say(options_.program[0] + " ended without a FUSE mount that could be served by "
					  "the driver");
	return WIFSIGNALED(*status_) ? 128 + WTERMSIG(*status_) : WEXITSTATUS(*status_);
}

int Supervisor::start_program()
{
	const std::string &name = options_.program[0];
	bool exec_failed;
	const int error = start(options_.program, program_, exec_failed);

	if (error && exec_failed) {
		say("cannot run " + name + ": " + strerror(-error));
		return error == -ENOENT ? exit_not_found : exit_not_executable;
	}
	if (error) {
		say("cannot be told of the mounts of " + name +
		    " (a seccomp filter with a listener): " + strerror(-error));
		return exit_no_mount;
	}
	announcements_.emplace(std::move(program_.announcements));
	return 0;
}

void Supervisor::wait_for_events()
{
	// Those of -1 have no events.
	std::vector<pollfd> fds = {{signals_.get(), POLLIN, 0},
				   {front_.fd(), POLLIN, 0},
				   {announcements_ ? announcements_->fd() : -1, POLLIN, 0}};
	auto wake = std::min(mount_by_, stop_.next());

	for (const Served &s : served_) {
		fds.push_back({s.device(), 0, 0});
		for (const auto &holder : s.holders())
			fds.push_back({holder.pidfd.get(), POLLIN, 0});
		wake = std::min(wake, s.look_again());
	}

	int patience = -1;
	if (wake != Clock::time_point::max()) {
		const auto left =
			std::chrono::duration_cast<std::chrono::milliseconds>(wake - Clock::now());
		patience = static_cast<int>(std::clamp<long long>(left.count() + 1, 0, INT_MAX));
	}
	if (poll(fds.data(), fds.size(), patience) <= 0)
		return;
	if (fds[0].revents)
		on_signal();
	if (fds[1].revents)
		on_front();
	if (fds[2].revents & POLLIN)
		on_announcement();
	else if (fds[2].revents)
		announcements_.reset(); // none of its processes is left
}

void Supervisor::on_signal()
{
	signalfd_siginfo info;

	while (read(signals_.get(), &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGCHLD)
			continue;
		stop(info.ssi_code == SI_KERNEL ? Stop::terminal
		     : in_background_           ? Stop::alone
						: Stop::self,
		     static_cast<int>(info.ssi_signo));
	}
}

void Supervisor::on_front()
{
	if (const int signal = front_.signal())
		stop(Stop::front, signal);
	else
		stop(Stop::alone, SIGTERM); // it was killed
}

void Supervisor::stop(Stop::Source source, int signal)
{
	stop_.ask(source, signal, seconds(options_.stop_timeout));
}

std::vector<const Process *> Supervisor::those_who_run(std::vector<Process> &orphans)
{
	std::vector<const Process *> out;

	if (!status_)
		out.push_back(&program_.process);
	for (Served &s : served_) {
		s.look_for_holders();
		for (const Process &holder : s.holders())
			out.push_back(&holder);
	}
	// Nobody serves anything: all that the program has left running.
	if (served_.empty()) {
		orphans = descendants();
		for (const Process &orphan : orphans)
			out.push_back(&orphan);
	}
	return out;
}

void Supervisor::tell_all()
{
	std::vector<Process> orphans;
	const bool first = told_.empty();

	for (const Process *p : those_who_run(orphans)) {
		const bool knows = first && stop_.group_told() && getpgid(p->pid) == getpgrp();

		if (told_.insert(p->pid).second && !knows)
			send_signal(*p, SIGTERM);
	}
}

void Supervisor::kill_all()
{
	std::vector<Process> orphans;

	for (const Process *p : those_who_run(orphans))
		send_signal(*p, SIGKILL);
}

void Supervisor::reap()
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == program_.process.pid)
			status_ = status;
	}
}

void Supervisor::look_after_mounts()
{
	served_.remove_if([this](Served &s) {
		const bool over = !s.served(announcements_.has_value());

		if (over)
			report(s);
		return over;
	});
}

void Supervisor::report(const Served &served) const
{
	extfuse_counters counters = {};

	if (!options_.explain)
		return;
	counters.size = sizeof(counters);
	if (const int error = extfuse_get_stats(served.object(), &counters)) {
		say("no counters of " + served.target() + ": " + strerror(-error));
		return;
	}
	say(served.target() + ":");
	for (const std::string &line : explain_counters(options_.library.cache, counters))
		say("  " + line);
}

void Supervisor::go_to_background()
{
	if (in_background_ || options_.foreground || options_.explain || stop_.asked() ||
	    !status_ || *status_ != 0 || (served_.empty() && !on_stock_))
		return;
	in_background_ = true;
	front_.leave(0);
}

void Supervisor::look_at_clock()
{
	const auto now = Clock::now();

	if (mounted_once_)
		mount_by_ = Clock::time_point::max();
	if (now >= mount_by_) {
		mount_by_ = Clock::time_point::max();
		say(options_.program[0] + " has not mounted anything in " +
		    std::to_string(options_.mount_timeout) + " s, it is ended");
		stop(Stop::alone, SIGTERM);
	}
	switch (stop_.step()) {
	case Stop::Step::tell:
		tell_all();
		break;
	case Stop::Step::kill:
		kill_all();
		break;
	case Stop::Step::none:
		break;
	}
}

bool Supervisor::finished() const
{
	if (!status_ || !served_.empty())
		return false;
	// Else what it has left running may mount yet, or is to end.
	return mounted_once_ || !announcements_ || (*status_ != 0 && !stop_.asked());
}

void Supervisor::on_announcement()
{
	Announced a;
	int result;

	if (!announcements_->receive(a))
		return;
	if (answer_mount(a, result))
		announcements_->answer(a, result);
	else
		announcements_->let_through(a);
}

void Supervisor::to_stock(const std::string &text)
{
	say(text + ": it is left to stock FUSE");
	on_stock_ = true;
}

bool Supervisor::answer_mount(const Announced &a, int &result)
{
	const Caller caller = look_at(a.thread);
	MountCall call;
	FuseData data;

	// What would be refused, the kernel shall refuse.
	if (!caller.may_mount)
		return false;
	int error = read_string(a.thread, a.args[0], PATH_MAX, call.source);
	if (!error)
		error = read_string(a.thread, a.args[1], PATH_MAX, call.target);
	if (!error)
		error = read_string(a.thread, a.args[2], PATH_MAX, call.type);
	call.flags = a.args[3];
	const Kind kind = kind_of(call);
	if (!error && kind == Kind::other)
		return false;
	if (!error && kind == Kind::fuse)
		error = read_string(a.thread, a.args[4], 4096, call.data);
	if (error == -EFAULT || error == -ENAMETOOLONG || !announcements_->valid(a))
		return false;
	if (error) {
		to_stock(std::string("cannot read what is asked of mount(2): ") + strerror(-error) +
			 "; if it is a mount of FUSE");
		return false;
	}
	if (kind == Kind::block) {
		to_stock(call.target + " is on a block device (fuseblk), which the driver does not "
				       "do");
		return false;
	}
	if (!caller.same_world) {
		to_stock(call.target + " is mounted in a namespace or root of the program's own");
		return false;
	}
	if (!parse_fuse_data(call.data, data))
		return false;

	// All that is known of the thread by its number, and then: was it still that one?
	Place place;
	const std::string file = open_file(caller.process, data.fd);
	const int flags = open_flags(caller.process, data.fd);
	error = open_place(a.thread, call.target, place);
	if (!announcements_->valid(a))
		return false;
	if (file != "/dev/fuse") {
		to_stock(call.target + " is mounted by a device that is not /dev/fuse" +
			 (file.empty() ? "" : ", but " + file));
		return false;
	}
	if (error)
		say("mount point " + call.target + ": " + strerror(-error));
	result = error ? error : mount(a, caller, place, flags, call, data);
	return true;
}

int Supervisor::mount(const Announced &a, const Caller &caller, const Place &place, int flags,
		      const MountCall &call, const FuseData &data)
{
	if (const int error = check_mount_point(place))
		return error;

	Object x;
	int error = make_object(options_, mount_options(call, data), x);
	int number = -1;
	if (!error)
		error = extfuse_mount_device(
			x.get(), ("/proc/self/fd/" + std::to_string(place.fd.get())).c_str(),
			data.user, data.group, &number);
	if (error)
		return error;
	Fd device(number);
	error = announcements_->replace(a, data.fd, device.get(), flags);
	if (error) {
		say("cannot give the device to " + options_.program[0] + ": " + strerror(-error));
		device.reset();
		return error;
	}
	const bool kept = has_caches(x.get());
	served_.emplace_back(std::move(x), std::move(device), place.name, caller.process);
	mounted_once_ = true;
	if (!kept && !options_.library.no_handler &&
	    options_.library.cache == EXTFUSE_CACHE_PRIVATE)
		say(place.name + ": the handler has no caches, nothing is kept: --private "
				 "(cache=private) has no effect");
	if (options_.explain)
		say(place.name + ": " +
		    (kept ? explain_policy(options_.library.cache, data)
			  : std::string("nothing is kept, there is no handler that does")));
	return 0;
}

} // namespace extfuse_run
