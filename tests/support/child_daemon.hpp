// SPDX-License-Identifier: GPL-2.0-only
//
// A TestFs in a process of its own, which a test may kill.
#ifndef EXTFUSE_TESTS_CHILD_DAEMON_HPP
#define EXTFUSE_TESTS_CHILD_DAEMON_HPP

#include <sys/mount.h>
#include <sys/wait.h>

#include <csignal>
#include <functional>
#include <stdexcept>

#include "sys.hpp"
#include "test_fs.hpp"

namespace extfuse_test
{

// Fork while no thread of this process holds a lock: no other TestFs alive.
class ChildDaemon
{
public:
	// setup runs in the child when it has mounted; it may keep Holds alive by
	// returning them.
	ChildDaemon(Config config, std::function<std::vector<Hold>(TestFs &)> setup)
	{
		int ready[2], reached[2];
		if (pipe2(ready, O_CLOEXEC) < 0 || pipe2(reached, O_CLOEXEC) < 0)
			throw std::runtime_error("pipe");
		pid_ = fork();
		if (pid_ == 0) {
			TestFs fs(config);
			std::vector<Hold> holds = setup(fs);
			const std::string path = fs.path();
			if (::write(ready[1], path.c_str(), path.size() + 1) < 0)
				_exit(1);
			for (Hold &hold : holds)
				if (!hold.wait() || ::write(reached[1], "x", 1) < 0)
					break;
			for (;;)
				pause();
		}
		close(ready[1]);
		close(reached[1]);
		reached_ = sys::Fd(reached[0]);
		char path[64] = {};
		const ssize_t n = ::read(ready[0], path, sizeof(path) - 1);
		close(ready[0]);
		if (n <= 0)
			throw std::runtime_error("the daemon did not start");
		path_ = path;
	}

	~ChildDaemon()
	{
		kill();
		umount2(path_.c_str(), MNT_DETACH);
		::rmdir(path_.c_str());
	}
	ChildDaemon(const ChildDaemon &) = delete;
	ChildDaemon &operator=(const ChildDaemon &) = delete;

	std::string path(const std::string &name = {}) const
	{
		return name.empty() ? path_ : path_ + "/" + name;
	}

	// Until the next of the holds has stopped a request.
	bool wait_reached()
	{
		char c;
		return ::read(reached_, &c, 1) == 1;
	}

	void kill()
	{
		if (pid_ > 0) {
			::kill(pid_, SIGKILL);
			waitpid(pid_, nullptr, 0);
		}
		pid_ = -1;
	}

	int unmount(int flags = 0)
	{
		return sys::result(umount2(path_.c_str(), flags));
	}

private:
	pid_t pid_ = -1;
	std::string path_;
	sys::Fd reached_;
};

} // namespace extfuse_test

#endif
