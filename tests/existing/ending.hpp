// SPDX-License-Identifier: GPL-2.0-only
//
// bindfs by extfuse-run, for tests of how it starts and ends.
#ifndef EXTFUSE_TESTS_ENDING_HPP
#define EXTFUSE_TESTS_ENDING_HPP

#include <gtest/gtest.h>

#include <cstdio>
#include <string>

#include "program.hpp"
#include "sys.hpp"

namespace extfuse_test
{

inline const Program some_program = {
	.name = "bindfs", .prepare = "", .argv = {"bindfs", "{options}", "{source}", "{mnt}"}};

class ExistingEnd : public testing::Test
{
protected:
	Workplace place{some_program};

	Words bindfs(const Words &options = {}) const
	{
		return place.command(Way::stock, options);
	}
	bool shows_files() const
	{
		return sys::read_file(place.mnt() + "/plain") == "plain text\n";
	}
	static bool said(const std::string &text)
	{
		return Job::output().find(text) != std::string::npos;
	}
	// Nothing is mounted, and what it was mounted on is usable.
	void expect_nothing_left() const
	{
		EXPECT_TRUE(wait_not_mounted(place.mnt()));
		EXPECT_EQ(sys::stat(place.mnt() + "/plain"), -ENOENT);
		EXPECT_EQ(sys::mkdir(place.mnt() + "/x"), 0);
		EXPECT_EQ(sys::rmdir(place.mnt() + "/x"), 0);
	}
};

// The process of bindfs that serves; -1: there is none.
inline pid_t server()
{
	FILE *found = popen("pidof bindfs", "r");
	int pid = -1;

	if (fscanf(found, "%d", &pid) != 1)
		pid = -1;
	pclose(found);
	return pid;
}

} // namespace extfuse_test

#endif
