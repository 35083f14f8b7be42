// SPDX-License-Identifier: GPL-2.0-only
#include "front.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#include "options.hpp"
#include "say.hpp"

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
			// What comes from the terminal, it has got itself.
			if (info.ssi_code != SI_KERNEL)
				kill(supervisor, static_cast<int>(info.ssi_signo));
			continue;
		}
		if (!fds[0].revents)
			continue;
		if (read(channel, &told, 1) == 1)
			return told;
		waitpid(supervisor, &status, 0);
		return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	}
}

} // namespace

void Front::leave(int status)
{
	const auto told = static_cast<unsigned char>(status);
	const Fd null(open("/dev/null", O_RDWR | O_CLOEXEC));

	prctl(PR_SET_PDEATHSIG, 0);
	setsid();
	if (chdir("/") < 0 || !null)
		say(std::string("cannot go to the background properly: ") + strerror(errno));
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		dup2(null.get(), fd);
	while (write(channel_.get(), &told, 1) < 0 && errno == EINTR)
		;
	channel_.reset();
}

int run_behind_front(const std::function<int(Front &)> &supervise)
{
	sigset_t set;
	int ends[2];

	sigemptyset(&set);
	for (const int signal : {SIGINT, SIGTERM, SIGHUP})
		sigaddset(&set, signal);
	sigprocmask(SIG_BLOCK, &set, nullptr);
	if (pipe2(ends, O_CLOEXEC) < 0) {
		say(std::string("cannot make a pipe: ") + strerror(errno));
		return exit_no_mount;
	}
	Fd in(ends[0]), out(ends[1]);
	const pid_t front = getpid(), pid = fork();
	if (pid < 0) {
		say(std::string("cannot fork: ") + strerror(errno));
		return exit_no_mount;
	}
	if (pid == 0) {
		in.reset();
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		if (getppid() != front)
			_exit(exit_no_mount);
		Front behind(std::move(out));
		const int status = supervise(behind);
		fflush(stderr);
		_exit(status);
	}
	out.reset();
	const Fd signals(signalfd(-1, &set, SFD_CLOEXEC));
	return wait_for(pid, in.get(), signals.get());
}

} // namespace extfuse_run
