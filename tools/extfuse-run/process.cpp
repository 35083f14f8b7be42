// SPDX-License-Identifier: GPL-2.0-only
#include "process.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <fcntl.h>
#include <linux/kcmp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "filter.hpp"

namespace extfuse_run
{

namespace
{

namespace fs = std::filesystem;

constexpr int cap_sys_admin = 21;

// In the child: says the filter's number, waits until it was copied, becomes the
// program. Says the exec's errno if that fails.
[[noreturn]] void become(const std::vector<std::string> &argv, int parent, pid_t parent_pid)
{
	std::vector<char *> words;
	sigset_t none;
	int number = install_mount_filter();
	char copied;

	for (const std::string &word : argv)
		words.push_back(const_cast<char *>(word.c_str()));
	words.push_back(nullptr);
	if (write(parent, &number, sizeof(number)) != sizeof(number) || number < 0 ||
	    read(parent, &copied, 1) != 1)
		_exit(1);
	close(number);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent_pid)
		_exit(1);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, nullptr);
	execvp(words[0], words.data());
	number = errno;
	if (write(parent, &number, sizeof(number)) != sizeof(number))
		_exit(2);
	_exit(1);
}

std::string slurp(const std::string &path)
{
	std::ifstream in(path, std::ios::binary);
	std::ostringstream out;

	out << in.rdbuf();
	return out.str();
}

std::string proc(pid_t pid, const char *what)
{
	return "/proc/" + std::to_string(pid) + "/" + what;
}

std::string link_of(const std::string &path)
{
	std::error_code ec;

	return fs::read_symlink(path, ec).string();
}

// Of a line "Name:\tvalue" of /proc/PID/status or fdinfo.
uint64_t field(const std::string &text, const std::string &name, int base)
{
	const size_t at = ("\n" + text).find("\n" + name + ":");

	return at == std::string::npos
		       ? 0
		       : strtoull(text.c_str() + at + name.size() + 1, nullptr, base);
}

// Names of a directory that are numbers. Processes come and go meanwhile.
std::vector<int> numbers_in(const std::string &dir)
{
	std::vector<int> out;
	std::error_code ec;

	for (fs::directory_iterator i(dir, ec), end; !ec && i != end; i.increment(ec)) {
		const std::string name = i->path().filename();
		int number = -1;
		const auto result = std::from_chars(name.data(), name.data() + name.size(), number);

		if (result.ec == std::errc() && *result.ptr == '\0')
			out.push_back(number);
	}
	return out;
}

Fd open_pidfd(pid_t pid)
{
	return Fd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
}

void add_process(pid_t pid, std::vector<Process> &out)
{
	Fd pidfd = open_pidfd(pid);

	if (pidfd)
		out.push_back({pid, std::move(pidfd)});
}

bool same_link(pid_t pid, const char *what)
{
	const std::string theirs = link_of(proc(pid, what));

	return !theirs.empty() && theirs == link_of(std::string("/proc/self/") + what);
}

} // namespace

int start(const std::vector<std::string> &argv, Started &out, bool &exec_failed)
{
	int pair[2];

	exec_failed = false;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	Fd ours(pair[0]), theirs(pair[1]);

	const pid_t self = getpid(), pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0)
		become(argv, theirs.get(), self);
	theirs.reset();

	int number = -EIO, error = 0;
	if (read(ours.get(), &number, sizeof(number)) != sizeof(number) || number < 0)
		error = number < 0 ? number : -EIO;
	if (!error) {
		out.process = {pid, open_pidfd(pid)};
		out.announcements = Fd(static_cast<int>(
			syscall(SYS_pidfd_getfd, out.process.pidfd.get(), number, 0)));
		if (!out.announcements)
			error = -errno;
		else if (write(ours.get(), "", 1) != 1)
			error = -EIO;
	}
	// The descriptor closes with a successful exec.
	if (!error && read(ours.get(), &number, sizeof(number)) == sizeof(number)) {
		exec_failed = true;
		error = -number;
	}
	if (error) {
		ours.reset();
		waitpid(pid, nullptr, 0);
		return error;
	}
	return 0;
}

int read_string(pid_t thread, uint64_t address, size_t max, std::string &out)
{
	out.clear();
	if (!address)
		return 0;
	while (out.size() <= max) {
		// Never beyond a page: the next one may not be there.
		char part[4096];
		const size_t room = sizeof(part) - address % sizeof(part);
		const iovec local = {part, room};
		const iovec remote = {reinterpret_cast<void *>(address), room};
		const ssize_t n = process_vm_readv(thread, &local, 1, &remote, 1, 0);

		if (n <= 0)
			return n < 0 ? -errno : -EFAULT;
		const char *const start = part, *const end = std::find(start, start + n, '\0');
		out.append(start, end);
		if (end != start + n)
			return out.size() <= max ? 0 : -ENAMETOOLONG;
		address += static_cast<size_t>(n);
	}
	return -ENAMETOOLONG;
}

Caller look_at(pid_t thread)
{
	const std::string status = slurp(proc(thread, "status"));
	Caller c;

	c.process = static_cast<pid_t>(field(status, "Tgid", 10));
	c.may_mount = field(status, "CapEff", 16) >> cap_sys_admin & 1;
	c.same_world = same_link(thread, "ns/user") && same_link(thread, "ns/mnt") &&
		       same_link(thread, "root");
	return c;
}

std::string open_file(pid_t process, int number)
{
	return link_of(proc(process, "fd/") + std::to_string(number));
}

int open_flags(pid_t process, int number)
{
	return static_cast<int>(
		field(slurp(proc(process, "fdinfo/") + std::to_string(number)), "flags", 8));
}

std::vector<Process> holders_of(int fd)
{
	const pid_t self = getpid();
	const std::string file = open_file(self, fd);
	std::vector<Process> out;

	for (const int pid : numbers_in("/proc")) {
		if (pid == self)
			continue;
		for (const int number : numbers_in(proc(pid, "fd"))) {
			if (open_file(pid, number) == file &&
			    syscall(SYS_kcmp, self, pid, KCMP_FILE, fd, number) == 0) {
				add_process(pid, out);
				break;
			}
		}
	}
	return out;
}

std::vector<Process> descendants()
{
	std::vector<Process> out;
	pid_t parent = getpid();

	for (size_t done = 0;; parent = out[done++].pid) {
		for (const int thread : numbers_in(proc(parent, "task"))) {
			std::istringstream children(slurp(proc(parent, "task/") +
							  std::to_string(thread) + "/children"));
			for (pid_t pid; children >> pid;)
				add_process(pid, out);
		}
		if (done == out.size())
			return out;
	}
}

void send_signal(const Process &to, int signal)
{
	syscall(SYS_pidfd_send_signal, to.pidfd.get(), signal, nullptr, 0);
}

} // namespace extfuse_run
