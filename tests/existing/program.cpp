// SPDX-License-Identifier: GPL-2.0-only
#include "program.hpp"

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <sstream>
#include <stdexcept>
#include <thread>

#include <fcntl.h>
#include <mntent.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "guest.hpp"
#include "record.hpp"

namespace extfuse_test
{

namespace
{

const std::string base = "/tmp/existing";

void shell(const std::string &command)
{
	if (system(("{ " + command + "; } >>" + base + "/output 2>&1").c_str()) != 0)
		throw std::runtime_error(command + " failed: " + Job::output());
}

bool soon(const std::function<bool()> &happened)
{
	const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60) * slower();

	while (!happened()) {
		if (std::chrono::steady_clock::now() > end)
			return false;
		std::this_thread::sleep_for(std::chrono::milliseconds(10));
	}
	return true;
}

// Also what a test has left that failed.
void unmount_all()
{
	FILE *table = setmntent("/proc/self/mounts", "re");
	Words places;

	while (const mntent *m = getmntent(table)) {
		if (std::string(m->mnt_dir).starts_with(base + "/"))
			places.push_back(m->mnt_dir);
	}
	endmntent(table);
	for (auto place = places.rbegin(); place != places.rend(); ++place)
		umount2(place->c_str(), MNT_DETACH);
}

void start_sshd()
{
	static bool started;

	if (started)
		return;
	shell("umask 022; ip link set lo up && mkdir -p /run/sshd /root/.ssh && chmod 700 "
	      "/root/.ssh && "
	      "rm -f /root/.ssh/id_ed25519 && ssh-keygen -q -N '' -t ed25519 -f "
	      "/root/.ssh/id_ed25519 && cp /root/.ssh/id_ed25519.pub /root/.ssh/authorized_keys && "
	      "/usr/sbin/sshd");
	started = true;
}

std::string filled_in(std::string text)
{
	const std::pair<const char *, std::string> places[] = {{"{source}", base + "/source"},
							       {"{work}", base + "/work"},
							       {"{mnt}", base + "/mnt"}};

	for (const auto &[name, value] : places) {
		for (size_t at; (at = text.find(name)) != text.npos;)
			text.replace(at, strlen(name), value);
	}
	return text;
}

// Waits for all that the program starts; says its process id at once, then its status.
[[noreturn]] void keep(const Words &argv, int parent)
{
	std::vector<char *> words;
	int status, result = 127;

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	const pid_t pid = fork();
	if (pid == 0) {
		const int out =
			open((base + "/output").c_str(), O_CREAT | O_WRONLY | O_APPEND, 0644);

		dup2(out, STDOUT_FILENO);
		dup2(out, STDERR_FILENO);
		// Who runs us may have it ignored.
		for (const int number : {SIGINT, SIGTERM, SIGHUP})
			signal(number, SIG_DFL);
		for (const std::string &word : argv)
			words.push_back(const_cast<char *>(word.c_str()));
		words.push_back(nullptr);
		execvp(words[0], words.data());
		_exit(127);
	}
	if (write(parent, &pid, sizeof(pid)) < 0)
		_exit(1);
	for (pid_t ended; (ended = wait(&status)) > 0;) {
		if (ended == pid)
			result = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	}
	_exit(result);
}

} // namespace

std::vector<Program> all_programs()
{
	std::ifstream in(EXISTING_PROGRAMS);
	std::vector<Program> out;

	for (const auto &p : nlohmann::json::parse(in))
		out.push_back({p["name"], p.value("prepare", ""), p["argv"],
			       p.value("read_only", false), p.value("fill", false),
			       p.value("sshd", false), p.value("links", true)});
	return out;
}

Job::Job(const Words &argv)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		throw std::runtime_error("pipe");
	keeper_ = fork();
	if (keeper_ == 0)
		keep(argv, ends[1]);
	close(ends[1]);
	if (read(ends[0], &pid_, sizeof(pid_)) != sizeof(pid_))
		pid_ = -1;
	close(ends[0]);
}

Job::~Job()
{
	if (over())
		return;
	// Whatever was mounted goes with the test's control group.
	kill(pid_, SIGKILL);
	kill(keeper_, SIGKILL);
	waitpid(keeper_, nullptr, 0);
}

bool Job::over()
{
	int status;

	if (!over_ && waitpid(keeper_, &status, WNOHANG) == keeper_) {
		over_ = true;
		status_ = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	}
	return over_;
}

int Job::wait()
{
	soon([this] { return over(); });
	return status_;
}

std::string Job::output()
{
	std::ifstream in(base + "/output");
	std::ostringstream out;

	out << in.rdbuf();
	return out.str();
}

Workplace::Workplace(const Program &program) : program_(program)
{
	unmount_all();
	if (system(("rm -rf " + base + " && mkdir -p " + base + "/mnt " + base + "/work").c_str()))
		throw std::runtime_error("cannot make " + base);
	if (program.sshd)
		start_sshd();
	make_tree(source());
	if (!program.prepare.empty())
		shell(filled_in(program.prepare));
	if (program.fill) {
		Job job(command(Way::stock));

		if (!wait_mounted(mnt(), job))
			throw std::runtime_error(program.name +
						 " does not mount: " + Job::output());
		make_tree(mnt());
		umount2(mnt().c_str(), 0);
		if (job.wait() != 0)
			throw std::runtime_error(program.name + " does not end");
	}
	shell("mkdir " + base + "/saved && cp -a " + base + "/work " + source() + " " + base +
	      "/saved");
}

Workplace::~Workplace()
{
	unmount_all();
}

void Workplace::reset()
{
	shell("rm -rf " + base + "/work " + source() + " && cp -a " + base + "/saved/* " + base);
}

Words Workplace::command(Way way, const Words &options) const
{
	Words out;

	for (const std::string &word : program_.argv) {
		if (word == "{options}")
			out.insert(out.end(), options.begin(), options.end());
		else
			out.push_back(filled_in(word));
	}
	if (way == Way::stock)
		return out;
	return by_driver(way == Way::private_files ? Words{"--private"} : Words{}, out);
}

std::string Workplace::mnt() const
{
	return base + "/mnt";
}

std::string Workplace::source() const
{
	return base + "/source";
}

std::string mounted(const std::string &mnt)
{
	FILE *table = setmntent("/proc/self/mounts", "re");
	std::string type;

	while (const mntent *m = getmntent(table)) {
		if (mnt == m->mnt_dir && strstr(m->mnt_type, "fuse"))
			type = m->mnt_type;
	}
	endmntent(table);
	return type;
}

bool wait_mounted(const std::string &mnt, Job &job)
{
	return soon([&] { return !mounted(mnt).empty() || job.over(); }) && !mounted(mnt).empty();
}

bool wait_not_mounted(const std::string &mnt)
{
	return soon([&] { return mounted(mnt).empty(); });
}

Words by_driver(const Words &options, const Words &program)
{
	Words out = {EXTFUSE_RUN_PROGRAM};

	out.insert(out.end(), options.begin(), options.end());
	out.push_back("--");
	out.insert(out.end(), program.begin(), program.end());
	return out;
}

} // namespace extfuse_test
