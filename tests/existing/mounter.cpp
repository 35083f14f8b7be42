// SPDX-License-Identifier: GPL-2.0-only
//
// A FUSE program that mounts and answers nothing.
//
//     mounter PLACE TARGET [OPTION...]
//
// PLACE is opened as descriptor 100, and our working directory if it is a directory;
// TARGET is what mount(2) gets. Options: nonblock, of /dev/fuse; send, to another
// process, that takes it some time later; heir, at SIGTERM a child goes on.
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace
{

constexpr int place = 100;

void say(const char *text)
{
	fprintf(stderr, "mounter: %s\n", text);
}

// It may be exchanged for something else all the time.
mode_t open_place(const char *path)
{
	struct stat st = {};
	int fd;

	do
		fd = open(path, O_RDONLY | O_NOFOLLOW);
	while (fd < 0 && errno == ELOOP);
	if (fd < 0 || dup2(fd, place) < 0 || fstat(place, &st) < 0) {
		perror(path);
		exit(1);
	}
	close(fd);
	if (S_ISDIR(st.st_mode) && fchdir(place) < 0)
		exit(1);
	return st.st_mode;
}

msghdr message(iovec &data, char (&control)[CMSG_SPACE(sizeof(int))])
{
	static char byte;
	msghdr m = {};

	data = {&byte, 1};
	m.msg_iov = &data;
	m.msg_iovlen = 1;
	m.msg_control = control;
	m.msg_controllen = sizeof(control);
	return m;
}

[[noreturn]] void receive_later(int from)
{
	alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
	iovec data;
	msghdr m = message(data, control);

	// It is there, and nobody has it open.
	pollfd p = {from, POLLIN, 0};
	poll(&p, 1, -1);
	sleep(1);
	say(recvmsg(from, &m, 0) == 1 && CMSG_FIRSTHDR(&m) ? "received" : "not received");
	close(from);
	for (;;)
		pause();
}

void send(int to, int fd)
{
	alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
	iovec data;
	msghdr m = message(data, control);
	cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	sendmsg(to, &m, 0);
}

void leave_to_heir(int)
{
	if (fork() > 0)
		_exit(0);
	sigset_t set;

	setsid();
	signal(SIGTERM, [](int) {
		say("the heir was told");
		_exit(0);
	});
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_UNBLOCK, &set, nullptr);
	for (;;)
		pause();
}

} // namespace

int main(int argc, char **argv)
{
	const std::vector<std::string> options(argv + std::min(argc, 3), argv + argc);
	const auto has = [&](const char *option) {
		return std::find(options.begin(), options.end(), option) != options.end();
	};
	int pair[2];
	char data[80];

	if (argc < 3 || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
		return 1;
	const mode_t mode = open_place(argv[1]);
	if (has("send") && fork() == 0) {
		close(pair[0]);
		close(place);
		receive_later(pair[1]);
	}
	if (has("heir"))
		signal(SIGTERM, leave_to_heir);
	const int fd = open("/dev/fuse", O_RDWR | (has("nonblock") ? O_NONBLOCK : 0));
	snprintf(data, sizeof(data), "fd=%d,rootmode=%o,user_id=0,group_id=0", fd, mode & S_IFMT);
	if (mount("mounter", argv[2], "fuse.mounter", MS_NOSUID | MS_NODEV, data) < 0) {
		perror("mounter");
		return 1;
	}
	say(fcntl(fd, F_GETFL) & O_NONBLOCK ? "does not block" : "blocks");
	if (has("send")) {
		send(pair[0], fd);
		return 0;
	}
	for (;;)
		pause();
}
