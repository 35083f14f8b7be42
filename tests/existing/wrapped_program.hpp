// SPDX-License-Identifier: GPL-2.0-only
//
// A FUSE program in the foreground, with libfuse's debug output (-d), which names
// every request that it gets.
#ifndef EXTFUSE_TESTS_WRAPPED_PROGRAM_HPP
#define EXTFUSE_TESTS_WRAPPED_PROGRAM_HPP

#include <functional>
#include <map>
#include <string>
#include <vector>

#include <sys/types.h>

namespace extfuse_test
{

// A directory of its own in /tmp.
class Scratch
{
public:
	Scratch();
	~Scratch();
	Scratch(const Scratch &) = delete;
	Scratch &operator=(const Scratch &) = delete;

	std::string path(const std::string &name = {}) const
	{
		return name.empty() ? path_ : path_ + "/" + name;
	}

private:
	std::string path_;
};

// Requests by their names, as libfuse prints them: LOOKUP, GETATTR, ...
using Requests = std::map<std::string, unsigned>;

class Program
{
public:
	// argv without the mount point, which is appended. Mounted when made, or !mounted().
	explicit Program(std::vector<std::string> argv);
	~Program();
	Program(const Program &) = delete;
	Program &operator=(const Program &) = delete;

	bool mounted() const
	{
		return mounted_;
	}
	// Type of the mount, as in /proc/mounts.
	std::string type() const;
	std::string path(const std::string &name = {}) const
	{
		return mount_.path(name);
	}
	void signal(int number) const;
	// Everything it has said.
	std::string said() const;
	bool wait_said(const std::string &what) const;

	// The requests it gets while body runs.
	Requests during(const std::function<void()> &body) const;

	// Unmount from outside; its exit status, -1 if it does not end.
	int end();

private:
	void say_where() const;
	Scratch mount_;
	Scratch log_;
	pid_t pid_ = -1;
	bool mounted_ = false;
};

unsigned of(const Requests &requests, const std::string &name);
std::string text(const Requests &requests);

// Names, attributes, contents and targets of a whole tree; what depends on the mount
// (device, node ids of the kernel, access times) is left out.
std::string tree(const std::string &root);
// The same walk, for its requests.
void walk(const std::string &root);

} // namespace extfuse_test

#endif
