// SPDX-License-Identifier: GPL-2.0-only
//
// stackfs in a process of its own, over a directory of a tmpfs.
#ifndef EXTFUSE_TESTS_HISTORY_MOUNT_HPP
#define EXTFUSE_TESTS_HISTORY_MOUNT_HPP

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace extfuse_test::history
{

class StackfsMount
{
	std::string base_;
	pid_t daemon_ = -1;

	void start(const std::vector<std::string> &argv);

public:
	// Throws if it does not come up.
	StackfsMount(const std::string &program, const std::vector<std::string> &options);
	~StackfsMount();
	StackfsMount(const StackfsMount &) = delete;
	StackfsMount &operator=(const StackfsMount &) = delete;

	std::string lower() const
	{
		return base_ + "/lower";
	}
	std::string root() const
	{
		return base_ + "/mnt";
	}
	// A command to the daemon, its answer. Throws if that is an error.
	std::string control(const std::string &command) const;
};

// The sum of all numbers called "key" in the part of JSON that begins at "from".
uint64_t sum_of(const std::string &json, const std::string &from, const std::string &key);

} // namespace extfuse_test::history

#endif
