// SPDX-License-Identifier: GPL-2.0-only
#include "wrapped_program.hpp"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "guest.hpp"
#include "sys.hpp"

namespace extfuse_test
{

namespace fs = std::filesystem;
using namespace std::chrono_literals;

namespace
{

bool eventually(const std::function<bool()> &what)
{
	const auto end = std::chrono::steady_clock::now() + 20s * slower();

	while (!what()) {
		if (std::chrono::steady_clock::now() > end)
			return false;
		std::this_thread::sleep_for(5ms);
	}
	return true;
}

std::string whole(const std::string &path)
{
	std::ifstream in(path, std::ios::binary);
	std::ostringstream out;

	out << in.rdbuf();
	return out.str();
}

dev_t device_of(const std::string &path)
{
	struct stat st = {};

	return ::stat(path.c_str(), &st) == 0 ? st.st_dev : 0;
}

} // namespace

Scratch::Scratch()
{
	char name[] = "/tmp/program-XXXXXX";

	if (!mkdtemp(name) || chmod(name, 0755) < 0)
		throw std::runtime_error(std::string(name) + ": " + strerror(errno));
	path_ = name;
}

Scratch::~Scratch()
{
	std::error_code error;

	fs::remove_all(path_, error);
}

Program::Program(std::vector<std::string> argv)
{
	argv.push_back(path());
	const dev_t before = device_of(path());
	std::vector<char *> args;
	for (std::string &arg : argv)
		args.push_back(arg.data());
	args.push_back(nullptr);

	pid_ = fork();
	if (pid_ == 0) {
		const int log = open(log_.path("log").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);

		dup2(log, STDERR_FILENO);
		dup2(log, STDOUT_FILENO);
		execv(args[0], args.data());
		fprintf(stderr, "%s: %s\n", args[0], strerror(errno));
		_exit(127);
	}
	eventually([&] {
		int status;

		if (waitpid(pid_, &status, WNOHANG) == pid_)
			pid_ = -1;
		mounted_ = device_of(path()) != before;
		return mounted_ || pid_ < 0;
	});
	if (!mounted_ && pid_ > 0)
		say_where();
}

namespace
{

// Of one that is running: instruction pointers, a tenth of a second apart, and what is
// mapped there.
std::string where_of(pid_t task)
{
	std::string all;
	for (int i = 0; i < 5; i++) {
		user_regs_struct regs = {};
		int status;

		usleep(100000);
		if (ptrace(PTRACE_SEIZE, task, nullptr, nullptr) < 0)
			return all + "cannot be traced\n";
		ptrace(PTRACE_INTERRUPT, task, nullptr, nullptr);
		waitpid(task, &status, __WALL);
		ptrace(PTRACE_GETREGS, task, nullptr, &regs);
		ptrace(PTRACE_DETACH, task, nullptr, nullptr);
		std::ifstream maps("/proc/" + std::to_string(task) + "/maps");
		for (std::string line; std::getline(maps, line);) {
			unsigned long long from = 0, to = 0;
			if (sscanf(line.c_str(), "%llx-%llx", &from, &to) == 2 &&
			    from <= regs.rip && regs.rip < to) {
				char at[64];
				snprintf(at, sizeof(at), "rip %llx rax %lld: ", regs.rip,
					 static_cast<long long>(regs.orig_rax));
				all += at + line + "\n";
			}
		}
	}
	return all;
}

} // namespace

// For whoever reads why it has not mounted.
void Program::say_where() const
{
	std::ofstream log(log_.path("log"), std::ios::app);

	log << "still running, its threads:\n";
	std::error_code error; // it may end meanwhile
	for (const auto &task :
	     fs::directory_iterator("/proc/" + std::to_string(pid_) + "/task", error))
		log << whole(task.path() / "comm") << whole(task.path() / "stat")
		    << whole(task.path() / "syscall") << whole(task.path() / "stack")
		    << where_of(std::stoi(task.path().filename())) << "\n";
}

Program::~Program()
{
	end();
}

std::string Program::type() const
{
	std::istringstream mounts(whole("/proc/mounts"));
	std::string source, target, type, found, rest;

	while (mounts >> source >> target >> type && std::getline(mounts, rest)) {
		if (target == path())
			found = type;
	}
	return found;
}

void Program::signal(int number) const
{
	kill(pid_, number);
}

std::string Program::said() const
{
	return whole(log_.path("log"));
}

bool Program::wait_said(const std::string &what) const
{
	return eventually([&] { return said().find(what) != std::string::npos; });
}

Requests Program::during(const std::function<void()> &body) const
{
	const size_t from = said().size();
	Requests out;

	body();
	// What is told of files that were closed comes late.
	size_t size = 0;
	eventually([&] {
		const size_t now = said().size();
		const bool rest = now == size;
		size = now;
		std::this_thread::sleep_for(60ms);
		return rest;
	});
	const std::string log = said().substr(from);
	static const std::string mark = "opcode: ";
	for (size_t at = log.find(mark); at != std::string::npos; at = log.find(mark, at)) {
		at += mark.size();
		out[log.substr(at, log.find(' ', at) - at)]++;
	}
	return out;
}

int Program::end()
{
	int status = 0;

	// Also one that came too late to be believed.
	if (!type().empty() && umount2(path().c_str(), 0) < 0)
		umount2(path().c_str(), MNT_DETACH);
	mounted_ = false;
	if (pid_ < 0)
		return -1;
	const bool ended = eventually([&] { return waitpid(pid_, &status, WNOHANG) == pid_; });
	if (!ended) {
		kill(pid_, SIGKILL);
		waitpid(pid_, &status, 0);
	}
	pid_ = -1;
	return ended && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

unsigned of(const Requests &requests, const std::string &name)
{
	const auto it = requests.find(name);

	return it == requests.end() ? 0 : it->second;
}

std::string text(const Requests &requests)
{
	std::ostringstream out;

	for (const auto &[name, count] : requests)
		out << name << " " << count << ", ";
	return out.str();
}

namespace
{

void describe(const std::string &path, const std::string &name, std::ostream &out)
{
	const struct stat st = sys::attr(path);
	char buffer[4096];

	out << name << " mode " << std::oct << st.st_mode << std::dec << " links " << st.st_nlink
	    << " owner " << st.st_uid << ":" << st.st_gid << " size "
	    << (S_ISDIR(st.st_mode) ? 0 : st.st_size) << " mtime " << st.st_mtim.tv_sec << "."
	    << st.st_mtim.tv_nsec;
	if (S_ISLNK(st.st_mode)) {
		const ssize_t n = readlink(path.c_str(), buffer, sizeof(buffer));
		out << " -> " << (n < 0 ? strerror(errno) : std::string(buffer, size_t(n)));
	} else if (S_ISREG(st.st_mode)) {
		out << " = " << whole(path);
	}
	const ssize_t n = lgetxattr(path.c_str(), "user.test", buffer, sizeof(buffer));
	out << " xattr " << (n < 0 ? strerror(errno) : std::string(buffer, size_t(n)));
	out << " absent " << strerror(-sys::stat(path + ".absent")) << "\n";
}

} // namespace

std::string tree(const std::string &root)
{
	std::map<std::string, std::string> found; // by name: the order is the program's own
	std::ostringstream out;

	for (const auto &entry : fs::recursive_directory_iterator(root))
		found[entry.path().lexically_relative(root)] = entry.path();
	for (const auto &[name, path] : found)
		describe(path, name, out);
	return out.str();
}

void walk(const std::string &root)
{
	tree(root);
}

} // namespace extfuse_test
