// SPDX-License-Identifier: GPL-2.0-only
// A mount of stackfs per test: lower/ shown at mnt/.
//
// Environment
//   EXTFUSE_TEST_STACKFS  the program; default: the one of this build
//   EXTFUSE_TEST_ARGS     its options, separated by blanks; default: where the driver
//                         is, "--require --cache=data", else "--stock"
//   EXTFUSE_TEST_DIR      where to work; default: /tmp
//   EXTFUSE_TEST_FILES    files in the tests with many; default: 100000, and 2000
//                         where the driver is, which is in an emulated machine
#pragma once

#include <gtest/gtest.h>

#include <sys/stat.h>
#include <sys/types.h>

#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace stackfs_test
{

// Owner of a descriptor, as an int.
class Fd
{
	int fd_;

public:
	explicit Fd(int fd = -1) : fd_(fd) {}
	Fd(Fd &&other) noexcept : fd_(other.fd_)
	{
		other.fd_ = -1;
	}
	Fd &operator=(Fd &&other) noexcept;
	~Fd();
	operator int() const
	{
		return fd_;
	}
	int close();
};

class Mounted : public ::testing::Test
{
protected:
	void SetUp() override;
	void TearDown() override;

	// For tests that mount again, or with more options or other limits.
	void mount(const std::vector<std::string> &more = {}, int max_files = 0);
	void unmount();

	std::string lower(const std::string &name = "") const
	{
		return base_ + "/lower" + (name.empty() ? "" : "/" + name);
	}
	std::string mnt(const std::string &name = "") const
	{
		return base_ + "/mnt" + (name.empty() ? "" : "/" + name);
	}
	std::string base(const std::string &name) const
	{
		return base_ + "/" + name;
	}
	pid_t daemon() const
	{
		return daemon_;
	}
	// One line to the control socket, its answer.
	std::string control(const std::string &command) const;
	// After changes behind the mount. Nothing to do on stock FUSE.
	void tell_about_changes() const
	{
		control("invalidate-all");
	}
	// The number behind "key": in the answer to `stats`.
	long stat_number(const std::string &key) const;

private:
	void make_base();
	bool wait_until_mounted();

	std::string base_;
	pid_t daemon_ = -1;
};

// The program under test, and its options.
std::string stackfs_program();
std::vector<std::string> stackfs_arguments();
bool has_argument(const std::string &word);
long many_files();
// count, but less where the machine is an emulated one.
int steps(int count);

// Runs a program to its end: exit status, 128 + signal; output of both streams.
int run_program(const std::vector<std::string> &argv, std::string *output = nullptr,
		int max_files = 0);

// As somebody else, in a child. The result of body (an errno, say), or 128 + signal.
struct User {
	uid_t uid;
	gid_t gid;
	std::vector<gid_t> groups = {};
};
int as_user(const User &user, const std::function<int()> &body);

// body in a child of its own; its exit status is body's result.
pid_t spawn(const std::function<int()> &body);
// Its status as above; -1 if it does not end in time (it is killed then).
int wait_for(pid_t child, std::chrono::milliseconds limit);

// 0 or errno
int write_file(const std::string &path, const std::string &text);
std::string read_file(const std::string &path);
int errno_of(int result);
struct stat stat_of(const std::string &path);
bool exists(const std::string &path);

} // namespace stackfs_test
