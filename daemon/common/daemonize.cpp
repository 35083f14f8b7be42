// SPDX-License-Identifier: GPL-2.0-only
#include "common/daemonize.hpp"

#include "common/log.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace stackfs
{

namespace
{

[[noreturn]] void wait_for_child(int report)
{
	char byte = 0;
	ssize_t n = 0;
	do
		n = read(report, &byte, 1);
	while (n < 0 && errno == EINTR);
	_exit(n == 1 ? EXIT_SUCCESS : EXIT_FAILURE);
}

void give_up_terminal()
{
	UniqueFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
	if (!null.valid())
		return;
	for (int fd = 0; fd <= 2; ++fd)
		dup2(null.get(), fd);
}

} // namespace

bool Background::start(bool foreground)
{
	if (foreground)
		return true;
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0) {
		log_error("pipe: %s", strerror(errno));
		return false;
	}
	UniqueFd reader(ends[0]);
	UniqueFd writer(ends[1]);
	const pid_t child = fork();
	if (child < 0) {
		log_error("fork: %s", strerror(errno));
		return false;
	}
	if (child > 0) {
		writer.reset();
		wait_for_child(reader.get());
	}
	setsid();
	report_ = std::move(writer);
	return true;
}

bool Background::ready()
{
	if (!report_.valid())
		return true;
	signal(SIGPIPE, SIG_IGN);
	const char byte = 1;
	if (write(report_.get(), &byte, 1) != 1)
		return false;
	report_.reset();
	log_to_syslog();
	give_up_terminal();
	return true;
}

} // namespace stackfs
