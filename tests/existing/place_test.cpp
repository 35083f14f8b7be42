// SPDX-License-Identifier: GPL-2.0-only
//
// extfuse-run: the mount is where the program has asked for it, whatever others do to
// the names on the way, and no other mount is touched.
#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <thread>

#include <sys/mount.h>

#include "ending.hpp"

namespace extfuse_test
{

namespace
{

class ExistingPlace : public ExistingEnd
{
protected:
	// Places to mount on, and what is not.
	std::string at(const std::string &name) const
	{
		return place.mnt() + "/" + name;
	}
	static Words mounter(const std::string &where, const std::string &target,
			     const Words &options = {})
	{
		Words out = {MOUNTER_PROGRAM, where, target};

		out.insert(out.end(), options.begin(), options.end());
		return by_driver({}, out);
	}
	static void end(Job &job)
	{
		kill(job.pid(), SIGTERM);
		job.wait();
	}
	static bool wait_said(const std::string &text)
	{
		for (int i = 0; i < 2000 && !said(text); i++)
			usleep(10000);
		return said(text);
	}
};

// As a user may do it, between the check of fusermount and the mount.
TEST_F(ExistingPlace, IsExchangedForALink)
{
	ASSERT_EQ(sys::mkdir(at("victim")), 0);
	for (int i = 0; i < 5; i++) {
		ASSERT_EQ(sys::mkdir(at("dir")), 0);
		ASSERT_EQ(sys::symlink("victim", at("link")), 0);
		std::atomic<bool> over = false;
		std::thread exchanger([&] {
			while (!over)
				sys::rename(at("dir"), at("link"), RENAME_EXCHANGE);
		});
		Job job(mounter(at("dir"), "."));
		EXPECT_TRUE(wait_said("mounter: ")) << Job::output();
		over = true;
		exchanger.join();
		EXPECT_EQ(mounted(at("victim")), "");
		EXPECT_EQ(mounted(at("dir")) + mounted(at("link")), "extfuse.mounter")
			<< Job::output();
		end(job);
		EXPECT_EQ(mounted(at("dir")) + mounted(at("link")) + mounted(at("victim")), "");
		system(("rm -rf " + at("dir") + " " + at("link")).c_str());
		ASSERT_EQ(truncate("/tmp/existing/output", 0), 0);
	}
}

TEST_F(ExistingPlace, IsRenamedWhileMounted)
{
	ASSERT_EQ(sys::mkdir(at("a")), 0);
	ASSERT_EQ(sys::mkdir(at("a/mnt")), 0);
	ASSERT_EQ(sys::mkdir(at("b")), 0);
	ASSERT_EQ(sys::mkdir(at("b/mnt")), 0);
	ASSERT_EQ(::mount("none", at("b/mnt").c_str(), "tmpfs", 0, ""), 0);
	{
		Job job(mounter(at("a/mnt"), "."));
		ASSERT_TRUE(wait_mounted(at("a/mnt"), job)) << Job::output();
		ASSERT_EQ(sys::rename(at("a"), at("c d")), 0);
		ASSERT_EQ(sys::symlink("b", at("a")), 0);
		EXPECT_EQ(mounted(at("c d/mnt")), "extfuse.mounter");
		end(job);
	}
	EXPECT_EQ(mounted(at("c d/mnt")), "");
	// What the old name has come to stand for is not ours.
	EXPECT_EQ(umount2(at("b/mnt").c_str(), 0), 0);
}

TEST_F(ExistingPlace, AnotherIsMountedOnTop)
{
	Job job(mounter(place.mnt(), "."));
	ASSERT_TRUE(wait_mounted(place.mnt(), job)) << Job::output();
	ASSERT_EQ(::mount("none", place.mnt().c_str(), "tmpfs", 0, ""), 0);
	ASSERT_EQ(sys::mkdir(place.mnt() + "/of tmpfs"), 0);
	end(job);
	EXPECT_TRUE(said("something else is mounted on top")) << Job::output();
	EXPECT_EQ(sys::stat(place.mnt() + "/of tmpfs"), 0);
	EXPECT_EQ(umount2(place.mnt().c_str(), MNT_DETACH), 0);
	umount2(place.mnt().c_str(), MNT_DETACH);
	expect_nothing_left();
}

// As fusermount has it for files.
TEST_F(ExistingPlace, IsADescriptorOfTheProgram)
{
	const sys::Fd file(sys::open(at("file"), O_CREAT | O_RDWR));

	ASSERT_GE(file, 0);
	ASSERT_EQ(sys::mkdir(at("dir")), 0);
	for (const std::string &where : {at("dir"), at("file")}) {
		for (const std::string target :
		     {"/proc/self/fd/100", "/dev/fd/100", "/proc/thread-self/fd/100"}) {
			Job job(mounter(where, target));
			EXPECT_TRUE(wait_mounted(where, job)) << target << Job::output();
			EXPECT_EQ(mounted(where), "extfuse.mounter") << target << Job::output();
			end(job);
			EXPECT_EQ(mounted(where), "");
		}
	}
}

TEST_F(ExistingPlace, DeviceBlocksAsBefore)
{
	for (const bool blocks : {true, false}) {
		Job job(mounter(place.mnt(), ".", blocks ? Words{} : Words{"nonblock"}));
		EXPECT_TRUE(wait_said(blocks ? "mounter: blocks" : "mounter: does not block"))
			<< Job::output();
		end(job);
	}
}

TEST_F(ExistingPlace, DescriptorIsSentToAnother)
{
	Job job(mounter(place.mnt(), ".", {"send"}));
	EXPECT_TRUE(wait_said("mounter: received")) << Job::output();
	// The process that mounted has ended long before.
	EXPECT_EQ(mounted(place.mnt()), "extfuse.mounter");
	EXPECT_EQ(system("kill $(pidof mounter)"), 0);
	EXPECT_EQ(job.wait(), 0);
	expect_nothing_left();
}

} // namespace

} // namespace extfuse_test
