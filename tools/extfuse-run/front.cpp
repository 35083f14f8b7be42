// SPDX-License-Identifier: GPL-2.0-only
#include "front.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "options.hpp"
#include "say.hpp"
#include "stop.hpp"

namespace extfuse_run
{

namespace
{

// Until told a status, or the supervisor has ended.
int wait_for(pid_t supervisor, int channel, int signals)
{
	pollfd fds[] = {{channel, POLLIN, 0}, {signals, POLLIN, 0}};
	signalfd_siginfo info;
	unsigned char told;
	int status;

	for (;;) {
		poll(fds, 2, -1);
		if (fds[1].revents && read(signals, &info, sizeof(info)) == sizeof(info)) {
			// What comes from the terminal, it has got itself. No signal: one
			// that it has got by the process group would hide it.
			told = static_cast<unsigned char>(info.ssi_signo);
			if (info.ssi_code != SI_KERNEL)
				send(channel, &told, 1, MSG_NOSIGNAL);
			continue;
		}
		if (!fds[0].revents)
			continue;
		if (read(channel, &told, 1) == 1)
			return told;
		while (waitpid(supervisor, &status, 0) < 0) {
			if (errno != EINTR)
				return exit_no_mount;
		}
		return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	}
}

} // namespace

int Front::signal()
{
	unsigned char told;

	if (read(channel_.get(), &told, 1) == 1)
		return told;
	channel_.reset();
	return 0;
}

void Front::leave(int status)
{
	const auto told = static_cast<unsigned char>(status);
	const Fd null(open("/dev/null", O_RDWR | O_CLOEXEC));

	setsid();
	if (chdir("/") < 0 || !null)
		say(std::string("cannot go to the background properly: ") + strerror(errno));
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		dup2(null.get(), fd);
	send(channel_.get(), &told, 1, MSG_NOSIGNAL);
	channel_.reset();
}

int run_behind_front(const std::function<int(Front &)> &supervise)
{
	const sigset_t set = stop_signals();
	int ends[2];

	// Ignored, children would leave no status.
	signal(SIGCHLD, SIG_DFL);
	sigprocmask(SIG_BLOCK, &set, nullptr);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) {
		say(std::string("cannot make a socket: ") + strerror(errno));
		return exit_no_mount;
	}
	Fd ours(ends[0]), theirs(ends[1]);
	const pid_t pid = fork();
	if (pid < 0) {
		say(std::string("cannot fork: ") + strerror(errno));
		return exit_no_mount;
	}
	if (pid == 0) {
		ours.reset();
		Front behind(std::move(theirs));
		const int status = supervise(behind);
		fflush(stderr);
		_exit(status);
	}
	theirs.reset();
	const Fd signals(signalfd(-1, &set, SFD_CLOEXEC));
	return wait_for(pid, ours.get(), signals.get());
}

} // namespace extfuse_run
