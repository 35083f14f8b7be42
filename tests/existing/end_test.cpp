// SPDX-License-Identifier: GPL-2.0-only
//
// extfuse-run: how it starts, fails and ends. Nothing stays mounted, nothing hangs.
#include <gtest/gtest.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include <sys/mount.h>

#include "ending.hpp"
#include "guest.hpp"
#include "sys.hpp"

namespace extfuse_test
{

namespace
{

TEST_F(ExistingEnd, TheProgramIsKilled)
{
	Job job(by_driver({}, bindfs({"-f"})));
	ASSERT_TRUE(wait_mounted(place.mnt(), job)) << Job::output();
	const sys::Fd fd(sys::open(place.mnt() + "/plain", O_RDONLY));

	ASSERT_GT(server(), 0);
	ASSERT_EQ(kill(server(), SIGKILL), 0);
	EXPECT_EQ(job.wait(), 128 + SIGKILL);
	expect_nothing_left();
	EXPECT_LT(sys::result(fchmod(fd, 0600)), 0);
}

TEST_F(ExistingEnd, TheProgramIsKilledInTheBackground)
{
	Job job(by_driver({}, bindfs()));
	ASSERT_TRUE(wait_mounted(place.mnt(), job)) << Job::output();
	ASSERT_TRUE(shows_files());

	ASSERT_EQ(kill(server(), SIGKILL), 0);
	EXPECT_EQ(job.wait(), 0); // of the first process
	expect_nothing_left();
}

TEST_F(ExistingEnd, Interrupted)
{
	for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
		Job job(by_driver({}, bindfs({"-f"})));
		ASSERT_TRUE(wait_mounted(place.mnt(), job)) << Job::output();
		ASSERT_TRUE(shows_files());
		EXPECT_EQ(kill(job.pid(), signal), 0);
		EXPECT_EQ(job.wait(), 0) << Job::output();
		expect_nothing_left();
	}
	EXPECT_EQ(server(), -1);
}

TEST_F(ExistingEnd, InterruptedWhileAFileIsOpen)
{
	Job job(by_driver({"-f"}, bindfs()));
	ASSERT_TRUE(wait_mounted(place.mnt(), job)) << Job::output();
	const sys::Fd fd(sys::open(place.mnt() + "/plain", O_RDONLY));

	EXPECT_EQ(kill(job.pid(), SIGTERM), 0);
	EXPECT_EQ(job.wait(), 0);
	expect_nothing_left();
	EXPECT_EQ(server(), -1);
}

TEST_F(ExistingEnd, KilledItself)
{
	Job job(by_driver({}, bindfs({"-f"})));
	ASSERT_TRUE(wait_mounted(place.mnt(), job)) << Job::output();

	EXPECT_EQ(kill(job.pid(), SIGKILL), 0);
	EXPECT_EQ(job.wait(), 128 + SIGKILL);
	expect_nothing_left();
	EXPECT_EQ(server(), -1);
}

TEST_F(ExistingEnd, UnmountedByTheUser)
{
	Job job(by_driver({}, bindfs()));
	ASSERT_TRUE(wait_mounted(place.mnt(), job)) << Job::output();
	ASSERT_TRUE(shows_files());
	EXPECT_EQ(umount2(place.mnt().c_str(), 0), 0) << strerror(errno);
	EXPECT_EQ(job.wait(), 0);
	expect_nothing_left();
}

TEST_F(ExistingEnd, TheProgramDoesNotEnd)
{
	// A shell that ignores what it is told, beside the one who serves.
	Job job(by_driver({"--stop-timeout=1"},
			  {"sh", "-c", "trap '' TERM; bindfs $0 $1; while :; do sleep 1; done",
			   place.source(), place.mnt()}));
	ASSERT_TRUE(wait_mounted(place.mnt(), job)) << Job::output();
	ASSERT_TRUE(shows_files());
	EXPECT_EQ(kill(job.pid(), SIGTERM), 0);
	EXPECT_EQ(job.wait(), 128 + SIGKILL);
	expect_nothing_left();
}

TEST_F(ExistingEnd, TheProgramFails)
{
	const Words words = {"bindfs", "/nonexistent", place.mnt()};
	const int status = Job(words).wait();

	EXPECT_GT(status, 0);
	EXPECT_EQ(Job(by_driver({}, words)).wait(), status);
	EXPECT_TRUE(said("bindfs ended without a FUSE mount")) << Job::output();
	expect_nothing_left();
}

TEST_F(ExistingEnd, NoProgram)
{
	EXPECT_EQ(Job(by_driver({}, {"no-such-program"})).wait(), 127);
	EXPECT_TRUE(said("cannot run no-such-program: No such file or directory"));
	EXPECT_EQ(Job(by_driver({}, {place.source() + "/plain"})).wait(), 126);
	EXPECT_TRUE(said("Permission denied"));
	EXPECT_EQ(Job(by_driver({}, {})).wait(), 2);
	EXPECT_TRUE(said("PROGRAM is required")) << Job::output();
}

TEST_F(ExistingEnd, Options)
{
	EXPECT_EQ(Job(by_driver({"--no-such-option"}, bindfs())).wait(), 2);
	EXPECT_TRUE(said("--no-such-option")) << Job::output();
	EXPECT_EQ(Job(by_driver({"-o", "max_names=no"}, bindfs())).wait(), 2);
	EXPECT_TRUE(said("max_names=no")) << Job::output();
	EXPECT_EQ(Job(by_driver({"-o", "max_names=100,cahce=private"}, bindfs())).wait(), 2);
	EXPECT_TRUE(said("-o cahce=private: not an option")) << Job::output();
	EXPECT_EQ(Job(by_driver({"-o", "allow_other"}, bindfs())).wait(), 2);
	EXPECT_TRUE(said("-o allow_other: not an option")) << Job::output();
	EXPECT_EQ(Job(by_driver({"-o", "max_names=100,extfuse=stock"}, bindfs())).wait(), 2);
	EXPECT_TRUE(said("-o extfuse=stock")) << Job::output();
	EXPECT_EQ(Job({EXTFUSE_RUN_PROGRAM, "--help"}).wait(), 0);
	expect_nothing_left();
}

TEST_F(ExistingEnd, MountPoint)
{
	EXPECT_GT(Job(by_driver({}, {"bindfs", place.source(), "/nonexistent"})).wait(), 0);

	Job first(by_driver({}, bindfs({"-f"})));
	ASSERT_TRUE(wait_mounted(place.mnt(), first)) << Job::output();
	// Said by bindfs itself, or by us.
	EXPECT_GT(Job(by_driver({}, bindfs())).wait(), 0);
	EXPECT_GT(Job(by_driver({}, bindfs({"-o", "nonempty"}))).wait(), 0);
	EXPECT_TRUE(said(place.mnt() + " is in use")) << Job::output();
	EXPECT_TRUE(shows_files());
	kill(first.pid(), SIGTERM);
	EXPECT_EQ(first.wait(), 0);
	expect_nothing_left();
}

TEST_F(ExistingEnd, NeverMounts)
{
	Job job(by_driver({"--mount-timeout=1"}, {"sleep", "1000"}));
	EXPECT_EQ(job.wait(), 128 + SIGTERM);
	EXPECT_TRUE(said("sleep has not mounted anything in 1 s")) << Job::output();
}

TEST_F(ExistingEnd, NoPrivileges)
{
	Words words = by_driver({}, bindfs());

	words.insert(words.begin(), {"setpriv", "--reuid=1000", "--clear-groups"});
	EXPECT_EQ(Job(words).wait(), 125);
	EXPECT_TRUE(said("run it as root")) << Job::output();
	expect_nothing_left();
}

TEST_F(ExistingEnd, NoDriver)
{
	ASSERT_EQ(unload_driver_soon(), 0);
	EXPECT_EQ(Job(by_driver({}, bindfs())).wait(), 125);
	EXPECT_TRUE(said("load the driver")) << Job::output();
	ASSERT_EQ(load_driver(), 0);
	expect_nothing_left();
}

// The program's own ways: through fusermount, below another, in a directory of its own.
TEST_F(ExistingEnd, MountsByFusermount)
{
	Job job(by_driver({}, bindfs({"-f", "-o", "auto_unmount"})));
	ASSERT_TRUE(wait_mounted(place.mnt(), job)) << Job::output();
	EXPECT_EQ(mounted(place.mnt()), "extfuse");
	EXPECT_TRUE(shows_files());
	ASSERT_EQ(kill(server(), SIGKILL), 0);
	job.wait();
	expect_nothing_left();
}

constexpr uid_t nobody = 65534; // fusermount wants a user with a name

class ExistingUser : public ExistingEnd
{
protected:
	// setpriv --reuid leaves the group as it was, and it must be the mount's.
	int stat_as_nobody() const
	{
		return sys::as_user(nobody, 0, {},
				    [&] { return sys::stat(place.mnt() + "/plain"); });
	}
};

TEST_F(ExistingUser, MountsForAnotherUser)
{
	const std::string commands = "cd " + place.mnt() +
				     "/.. && exec setpriv --reuid=nobody "
				     "--clear-groups bindfs --no-allow-other -f source mnt";

	// As udev has it.
	ASSERT_EQ(sys::chmod("/dev/fuse", 0666), 0);
	sys::chown(place.mnt(), nobody, nobody);
	Job job(by_driver({}, {"sh", "-c", commands}));
	ASSERT_TRUE(wait_mounted(place.mnt(), job)) << Job::output();
	EXPECT_EQ(mounted(place.mnt()), "extfuse");
	// As on stock: root is not the owner.
	EXPECT_EQ(sys::stat(place.mnt() + "/plain"), -EACCES);
	// It has answered, so it handles signals by now.
	EXPECT_EQ(stat_as_nobody(), 0);
	kill(job.pid(), SIGTERM);
	EXPECT_EQ(job.wait(), 0) << Job::output();
	expect_nothing_left();
}

TEST_F(ExistingUser, WhatCannotBeReadIsLeftToStock)
{
	Words words = by_driver({}, {"setpriv", "--reuid=nobody", "--clear-groups", "bindfs",
				     "--no-allow-other", "-f", place.source(), place.mnt()});

	words.insert(words.begin(), {"setpriv", "--bounding-set=-sys_ptrace"});
	ASSERT_EQ(sys::chmod("/dev/fuse", 0666), 0);
	sys::chown(place.mnt(), nobody, nobody);
	Job job(words);
	ASSERT_TRUE(wait_mounted(place.mnt(), job)) << Job::output();
	EXPECT_TRUE(mounted(place.mnt()).starts_with("fuse")) << mounted(place.mnt());
	EXPECT_TRUE(said("cannot read what is asked of mount(2): Operation not permitted"))
		<< Job::output();
	EXPECT_EQ(stat_as_nobody(), 0);
	kill(job.pid(), SIGTERM);
	EXPECT_EQ(job.wait(), 0) << Job::output();
}

TEST_F(ExistingEnd, PrivateWithoutCaches)
{
	const std::string minimal = std::string("handler=") + EXTFUSE_MINIMAL_OBJECT;

	for (const std::string &option : {std::string("no_handler"), minimal}) {
		Job job(by_driver({"--private", "--explain", "-o", option}, bindfs({"-f"})));
		ASSERT_TRUE(wait_mounted(place.mnt(), job)) << Job::output();
		ASSERT_TRUE(shows_files());
		EXPECT_TRUE(said("(cache=private) has no effect")) << Job::output();
		EXPECT_TRUE(said("nothing is kept, there is no handler that does"))
			<< Job::output();
		EXPECT_FALSE(said("every reply is kept")) << Job::output();
		kill(job.pid(), SIGTERM);
		EXPECT_EQ(job.wait(), 0);
		ASSERT_EQ(truncate("/tmp/existing/output", 0), 0);
	}
}

TEST_F(ExistingEnd, ExplainsWhatIsInForce)
{
	Job job(by_driver({"--explain", "-o", "cache=private"}, bindfs({"-f"})));
	ASSERT_TRUE(wait_mounted(place.mnt(), job)) << Job::output();
	ASSERT_TRUE(shows_files());
	EXPECT_TRUE(said("every reply is kept")) << Job::output();
	kill(job.pid(), SIGTERM);
	EXPECT_EQ(job.wait(), 0);
}

TEST_F(ExistingEnd, Explains)
{
	Job job(by_driver({"--explain", "--private"}, bindfs()));
	ASSERT_TRUE(wait_mounted(place.mnt(), job)) << Job::output();
	for (int i = 0; i < 20; i++)
		EXPECT_EQ(sys::stat(place.mnt() + "/plain"), 0);
	EXPECT_TRUE(said("every reply is kept"));
	kill(job.pid(), SIGINT);
	EXPECT_EQ(job.wait(), 0);
	EXPECT_TRUE(said("in kernel")) << Job::output();
	EXPECT_TRUE(said("getattr")) << Job::output();
	EXPECT_TRUE(said("kept for the next time")) << Job::output();
}

} // namespace

} // namespace extfuse_test
