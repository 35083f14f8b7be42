// SPDX-License-Identifier: GPL-2.0-only
#include "mount_fixture.hpp"

#include <extfuse/abi.h>

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <sstream>
#include <thread>

namespace stackfs_test
{

using namespace std::chrono_literals;

namespace
{

std::string environment(const char *name, const char *otherwise)
{
	const char *value = getenv(name);
	return value ? value : otherwise;
}

bool has_driver()
{
	return access(EXTFUSE_DEVICE, F_OK) == 0;
}

std::vector<char *> pointers(const std::vector<std::string> &argv)
{
	std::vector<char *> out;
	out.reserve(argv.size() + 1);
	for (const std::string &arg : argv)
		out.push_back(const_cast<char *>(arg.c_str()));
	out.push_back(nullptr);
	return out;
}

void limit_files(int max_files)
{
	const rlimit limit = {static_cast<rlim_t>(max_files), static_cast<rlim_t>(max_files)};
	if (max_files)
		setrlimit(RLIMIT_NOFILE, &limit);
}

int status_of(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

} // namespace

Fd &Fd::operator=(Fd &&other) noexcept
{
	std::swap(fd_, other.fd_);
	return *this;
}

Fd::~Fd()
{
	close();
}

int Fd::close()
{
	const int result = fd_ >= 0 ? ::close(fd_) : 0;
	fd_ = -1;
	return result;
}

std::string stackfs_program()
{
	return environment("EXTFUSE_TEST_STACKFS", STACKFS_PROGRAM);
}

std::vector<std::string> stackfs_arguments()
{
	std::istringstream in(environment("EXTFUSE_TEST_ARGS",
					  has_driver() ? "--require --cache=data" : "--stock"));
	std::vector<std::string> words;
	for (std::string word; in >> word;)
		words.push_back(word);
	return words;
}

bool has_argument(const std::string &word)
{
	for (const std::string &arg : stackfs_arguments())
		if (arg.find(word) != std::string::npos)
			return true;
	return false;
}

long many_files()
{
	return atol(environment("EXTFUSE_TEST_FILES", has_driver() ? "2000" : "100000").c_str());
}

int steps(int count)
{
	return has_driver() ? count / 5 : count;
}

/* ------------------------------------------------------------------------ */

void Mounted::make_base()
{
	std::string pattern = environment("EXTFUSE_TEST_DIR", "/tmp") + "/stackfs-test-XXXXXX";
	ASSERT_NE(mkdtemp(pattern.data()), nullptr) << pattern << ": " << strerror(errno);
	base_ = pattern;
	ASSERT_EQ(chmod(base_.c_str(), 0755), 0);
	ASSERT_EQ(::mkdir(lower().c_str(), 0755), 0);
	ASSERT_EQ(::mkdir(mnt().c_str(), 0755), 0);
}

void Mounted::SetUp()
{
	umask(022);
	if (geteuid() != 0)
		GTEST_SKIP() << "SKIPPED: no mount possible: needs root";
	if (has_argument("--stock") && access("/dev/fuse", R_OK | W_OK) != 0)
		GTEST_SKIP() << "SKIPPED: no mount possible: /dev/fuse: " << strerror(errno);
	make_base();
	if (!HasFatalFailure())
		mount();
}

void Mounted::TearDown()
{
	if (base_.empty())
		return;
	unmount();
	std::error_code ec;
	std::filesystem::remove_all(base_, ec);
	EXPECT_FALSE(ec) << base_ << ": " << ec.message();
}

void Mounted::mount(const std::vector<std::string> &more, int max_files)
{
	std::vector<std::string> argv = {stackfs_program()};
	for (const std::string &arg : stackfs_arguments())
		argv.push_back(arg);
	argv.insert(argv.end(), more.begin(), more.end());
	const std::vector<std::string> fixed = {
		"-f", "-o", "allow_other", "--control", base("control"), lower(), mnt()};
	argv.insert(argv.end(), fixed.begin(), fixed.end());
	const std::vector<char *> args = pointers(argv);
	daemon_ = fork();
	ASSERT_GE(daemon_, 0);
	if (daemon_ == 0) {
		limit_files(max_files);
		execvp(args[0], args.data());
		fprintf(stderr, "%s: %s\n", args[0], strerror(errno));
		_exit(127);
	}
	ASSERT_TRUE(wait_until_mounted());
}

bool Mounted::wait_until_mounted()
{
	const dev_t before = stat_of(base_).st_dev;
	for (int i = 0; i < 6000; ++i) {
		int status;
		if (waitpid(daemon_, &status, WNOHANG) == daemon_) {
			daemon_ = -1;
			ADD_FAILURE() << "stackfs ended with status " << status_of(status);
			return false;
		}
		struct stat st;
		if (exists(base("control")) && stat(mnt().c_str(), &st) == 0 && st.st_dev != before)
			return true;
		std::this_thread::sleep_for(5ms);
	}
	ADD_FAILURE() << "not mounted after 30 seconds";
	return false;
}

void Mounted::unmount()
{
	if (daemon_ < 0)
		return;
	kill(daemon_, SIGTERM);
	const int status = wait_for(daemon_, 30s);
	EXPECT_EQ(status, 0) << "exit status of stackfs";
	daemon_ = -1;
	EXPECT_EQ(stat_of(mnt()).st_dev, stat_of(base_).st_dev) << "still mounted";
	umount2(mnt().c_str(), MNT_DETACH);
}

std::string Mounted::control(const std::string &command) const
{
	sockaddr_un address = {};
	address.sun_family = AF_UNIX;
	const std::string path = base("control");
	memcpy(address.sun_path, path.c_str(), path.size() + 1);
	const Fd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
	if (connect(fd, reinterpret_cast<const sockaddr *>(&address), sizeof(address)) < 0)
		return std::string("connect: ") + strerror(errno);
	const std::string line = command + "\n";
	if (write(fd, line.data(), line.size()) != static_cast<ssize_t>(line.size()))
		return std::string("write: ") + strerror(errno);
	std::string answer;
	char chunk[4096];
	while (answer.empty() || answer.back() != '\n') {
		const ssize_t n = read(fd, chunk, sizeof(chunk));
		if (n <= 0)
			return answer;
		answer.append(chunk, static_cast<size_t>(n));
	}
	answer.pop_back();
	return answer;
}

long Mounted::stat_number(const std::string &key) const
{
	const std::string answer = control("stats");
	const size_t at = answer.find("\"" + key + "\": ");
	return at == std::string::npos ? -1 : atol(answer.c_str() + at + key.size() + 4);
}

/* ------------------------------------------------------------------------ */

pid_t spawn(const std::function<int()> &body)
{
	const pid_t child = fork();
	if (child == 0)
		_exit(body());
	return child;
}

int wait_for(pid_t child, std::chrono::milliseconds limit)
{
	const auto end = std::chrono::steady_clock::now() + limit;
	int status;
	for (;;) {
		if (waitpid(child, &status, WNOHANG) == child)
			return status_of(status);
		if (std::chrono::steady_clock::now() > end)
			break;
		std::this_thread::sleep_for(2ms);
	}
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	return -1;
}

int run_program(const std::vector<std::string> &argv, std::string *output, int max_files)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	Fd reader(ends[0]);
	Fd writer(ends[1]);
	const std::vector<char *> args = pointers(argv);
	const pid_t child = spawn([&] {
		dup2(writer, 1);
		dup2(writer, 2);
		limit_files(max_files);
		execvp(args[0], args.data());
		return 127;
	});
	writer.close();
	std::string text;
	char chunk[4096];
	for (ssize_t n; (n = read(reader, chunk, sizeof(chunk))) > 0;)
		text.append(chunk, static_cast<size_t>(n));
	if (output)
		*output = text;
	return wait_for(child, 30s);
}

int as_user(const User &user, const std::function<int()> &body)
{
	const pid_t child = spawn([&] {
		if (setgroups(user.groups.size(), user.groups.data()) < 0 ||
		    setresgid(user.gid, user.gid, user.gid) < 0 ||
		    setresuid(user.uid, user.uid, user.uid) < 0)
			return 126;
		return body();
	});
	return wait_for(child, 30s);
}

int write_file(const std::string &path, const std::string &text)
{
	Fd fd(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
	if (fd < 0)
		return errno;
	if (write(fd, text.data(), text.size()) != static_cast<ssize_t>(text.size()))
		return errno ? errno : EIO;
	return fd.close() < 0 ? errno : 0;
}

std::string read_file(const std::string &path)
{
	const Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
	if (fd < 0)
		return std::string("open: ") + strerror(errno);
	std::string text;
	char chunk[65536];
	ssize_t n;
	while ((n = read(fd, chunk, sizeof(chunk))) > 0)
		text.append(chunk, static_cast<size_t>(n));
	return n < 0 ? std::string("read: ") + strerror(errno) : text;
}

int errno_of(int result)
{
	return result < 0 ? errno : 0;
}

struct stat stat_of(const std::string &path)
{
	struct stat st = {};
	EXPECT_EQ(lstat(path.c_str(), &st), 0) << path << ": " << strerror(errno);
	return st;
}

bool exists(const std::string &path)
{
	struct stat st;
	return lstat(path.c_str(), &st) == 0;
}

} // namespace stackfs_test
