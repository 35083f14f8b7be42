// SPDX-License-Identifier: GPL-2.0-only
#include "supervisor.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <set>

#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#include "explain.hpp"
#include "mount_point.hpp"
#include "say.hpp"

namespace extfuse_run
{

using std::chrono::seconds;

int Supervisor::run()
{
	sigset_t set;

	sigemptyset(&set);
	for (const int signal : {SIGCHLD, SIGINT, SIGTERM, SIGHUP})
		sigaddset(&set, signal);
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
	std::vector<pollfd> fds = {{signals_.get(), POLLIN, 0}};
	auto wake = std::min(mount_by_, stop_by_);

	if (announcements_)
		fds.push_back({announcements_->fd(), POLLIN, 0});
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
	if (announcements_ && fds[1].revents & POLLIN)
		on_announcement();
	else if (announcements_ && fds[1].revents)
		announcements_.reset(); // none of its processes is left
}

void Supervisor::on_signal()
{
	signalfd_siginfo info;

	while (read(signals_.get(), &info, sizeof(info)) == sizeof(info)) {
		// From the terminal, the program has got it too. Never twice: the second
		// may end it while it saves what it has.
		if (info.ssi_signo != SIGCHLD)
			stop(info.ssi_code == SI_KERNEL);
	}
}

void Supervisor::stop(bool told_program)
{
	if (stopping_) {
		kill_all(SIGKILL);
		return;
	}
	stopping_ = true;
	stop_by_ = Clock::now() + seconds(options_.stop_timeout);
	if (!told_program)
		kill_all(SIGTERM);
}

void Supervisor::kill_all(int signal)
{
	std::set<pid_t> pids;

	if (!status_)
		pids.insert(program_.pid);
	for (const Served &s : served_) {
		for (const auto &holder : s.holders())
			pids.insert(holder.pid);
	}
	for (const pid_t pid : pids)
		kill(pid, signal);
}

void Supervisor::reap()
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == program_.pid)
			status_ = status;
	}
}

void Supervisor::look_after_mounts()
{
	served_.remove_if([this](Served &s) {
		const bool over = !s.served();

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
	for (const std::string &line : explain_counters(options_.private_files, counters))
		say("  " + line);
}

void Supervisor::go_to_background()
{
	if (in_background_ || options_.foreground || options_.explain || stopping_ || !status_ ||
	    *status_ != 0 || served_.empty())
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
		stop(false);
	}
	if (now >= stop_by_) {
		stop_by_ = now + seconds(1);
		kill_all(SIGKILL);
	}
}

bool Supervisor::finished() const
{
	return status_ && served_.empty() && (mounted_once_ || stopping_ || !announcements_);
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

bool Supervisor::answer_mount(const Announced &a, int &result)
{
	MountCall call;
	FuseData data;

	// What cannot be read, or would be refused, the kernel shall refuse.
	if (!read_string(a.thread, a.args[0], PATH_MAX, call.source) ||
	    !read_string(a.thread, a.args[1], PATH_MAX, call.target) ||
	    !read_string(a.thread, a.args[2], PATH_MAX, call.type))
		return false;
	call.flags = a.args[3];
	const Kind kind = kind_of(call);
	if (kind == Kind::other)
		return false;
	const Caller caller = look_at(a.thread);
	if (!caller.may_mount || !announcements_->valid(a))
		return false;
	if (kind == Kind::block) {
		say(call.target + " is on a block device (fuseblk), which the driver does not "
				  "do: it is mounted on stock FUSE");
		return false;
	}
	if (!caller.same_world) {
		say(call.target + " is mounted in a namespace or root of the program's own: on "
				  "stock FUSE");
		return false;
	}
	if (!read_string(a.thread, a.args[4], 4096, call.data) ||
	    !parse_fuse_data(call.data, data) || open_file(caller.process, data.fd) != "/dev/fuse")
		return false;
	result = mount(a, caller, call, data);
	return true;
}

int Supervisor::mount(const Announced &a, const Caller &caller, const MountCall &call,
		      const FuseData &data)
{
	const std::string place = place_of(a.thread, call.target);
	std::string target;

	if (!announcements_->valid(a))
		return -ESRCH;
	if (const int error = check_mount_point(place, target))
		return error;

	Object x;
	int error = make_object(options_, mount_options(call, data), x);
	int number = -1;
	if (!error)
		error = extfuse_mount_device(x.get(), target.c_str(), data.user, data.group, &number);
	if (error)
		return error;
	Fd device(number);
	error = announcements_->replace(a, data.fd, device.get(),
					closes_on_exec(caller.process, data.fd));
	if (error) {
		say("cannot give the device to " + options_.program[0] + ": " + strerror(-error));
		device.reset();
		return error;
	}
	served_.emplace_back(std::move(x), std::move(device), target, caller.mounts_for_other);
	mounted_once_ = true;
	if (options_.explain)
		say(target + ": " + explain_policy(options_.private_files, data));
	return 0;
}

} // namespace extfuse_run
