// SPDX-License-Identifier: GPL-2.0-only
// stackfs as a program: control socket, counters, background, errors at mount.
#include "mount_fixture.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <unistd.h>

#include <thread>

namespace stackfs_test
{

using namespace std::chrono_literals;
using Operation = Mounted;

TEST_F(Operation, ControlSocketIsPrivate)
{
	const struct stat st = stat_of(base("control"));
	EXPECT_TRUE(S_ISSOCK(st.st_mode));
	EXPECT_EQ(st.st_mode & 0777, 0600U);
}

TEST_F(Operation, ControlRefusesNonsense)
{
	const auto refused = [&](const std::string &command) {
		const std::string answer = control(command);
		EXPECT_EQ(answer.rfind("error: ", 0), 0U) << command << " -> " << answer;
	};
	refused("");
	refused("hello");
	refused("stats now");
	refused("enable");
	refused("enable lookup 2");
	refused("enable flight 1");
	refused("remember maybe");
	refused("invalidate-node");
	refused("invalidate-node no/such/file");
	refused("invalidate-entry .");
	refused("invalidate-all please");
}

TEST_F(Operation, ControlInvalidates)
{
	ASSERT_EQ(mkdir(mnt("a dir").c_str(), 0755), 0);
	ASSERT_EQ(write_file(mnt("a dir/f"), ""), 0);
	EXPECT_EQ(control("invalidate-node a%20dir/f"), "ok");
	EXPECT_EQ(control("invalidate-node ."), "ok");
	EXPECT_EQ(control("invalidate-node /"), "ok");
	EXPECT_EQ(control("invalidate-entry a%20dir f"), "ok");
	EXPECT_EQ(control("invalidate-entry / none"), "ok");
	EXPECT_EQ(control("invalidate-all"), "ok");
}

TEST_F(Operation, CountersCountAndReset)
{
	ASSERT_EQ(mkdir(mnt("d").c_str(), 0755), 0);
	EXPECT_EQ(stat_number("mkdir"), 1);
	EXPECT_GT(stat_number("requests_total"), 0);
	EXPECT_EQ(control("reset"), "ok");
	EXPECT_EQ(stat_number("mkdir"), 0);
	EXPECT_EQ(stat_number("requests_total"), 0);
}

TEST_F(Operation, CountersGoToAFile)
{
	unmount();
	ASSERT_NO_FATAL_FAILURE(mount({"--stats", base("stats.json")}));
	ASSERT_EQ(mkdir(mnt("d").c_str(), 0755), 0);
	kill(daemon(), SIGUSR1);
	for (int i = 0; i < 1000 && !exists(base("stats.json")); ++i)
		std::this_thread::sleep_for(5ms);
	EXPECT_NE(read_file(base("stats.json")).find("\"mkdir\": 1,"), std::string::npos);
	ASSERT_EQ(mkdir(mnt("e").c_str(), 0755), 0);
	unmount();
	EXPECT_NE(read_file(base("stats.json")).find("\"mkdir\": 2,"), std::string::npos);
	EXPECT_FALSE(exists(base("control"))) << "the socket is removed";
}

TEST_F(Operation, RunsInTheBackground)
{
	unmount();
	std::vector<std::string> argv = {stackfs_program()};
	for (const std::string &arg : stackfs_arguments())
		argv.push_back(arg);
	for (const std::string &arg : {lower(), mnt()})
		argv.push_back(arg);
	ASSERT_EQ(write_file(lower("f"), "text"), 0);
	std::string output;
	EXPECT_EQ(run_program(argv, &output), 0) << output;
	EXPECT_EQ(read_file(mnt("f")), "text") << "mounted when the command is done";
	EXPECT_EQ(umount2(mnt().c_str(), 0), 0);
	EXPECT_FALSE(exists(mnt("f")));
}

TEST_F(Operation, ErrorsAreSeenAndNothingIsLeft)
{
	unmount();
	struct Case {
		std::vector<std::string> more;
		std::string source;
		std::string mountpoint;
		std::string says;
	};
	const std::vector<Case> cases = {
		{{}, base("none"), mnt(), "SOURCE"},
		{{}, lower(), base("none"), "MOUNTPOINT"},
		{{"-o", "nosuchoption"}, lower(), mnt(), "nosuchoption"},
		{{"--control", "/no/such/dir/socket"}, lower(), mnt(), "control socket"},
	};
	for (const Case &c : cases) {
		std::vector<std::string> argv = {stackfs_program()};
		for (const std::string &arg : stackfs_arguments())
			argv.push_back(arg);
		argv.insert(argv.end(), c.more.begin(), c.more.end());
		argv.push_back(c.source);
		argv.push_back(c.mountpoint);
		std::string output;
		EXPECT_EQ(run_program(argv, &output), 1) << output;
		EXPECT_NE(output.find(c.says), std::string::npos) << output;
		EXPECT_EQ(stat_of(mnt()).st_dev, stat_of(lower()).st_dev) << "still mounted";
	}
}

TEST_F(Operation, UnmountFromOutsideEndsTheDaemon)
{
	ASSERT_EQ(umount2(mnt().c_str(), MNT_DETACH), 0);
	for (int i = 0; i < 2000 && kill(daemon(), 0) == 0 && exists(base("control")); ++i)
		std::this_thread::sleep_for(5ms);
	EXPECT_FALSE(exists(base("control")));
}

} // namespace stackfs_test
