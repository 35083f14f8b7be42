// SPDX-License-Identifier: GPL-2.0-only
// The kernel's own passthrough, on stock FUSE: the same content as ever, and no READ
// or WRITE at the daemon. All of posix_data_test.cpp runs in this program, too.
#include "mount_fixture.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

namespace stackfs_test
{

namespace
{

class Arguments : public ::testing::Environment
{
public:
	void SetUp() override
	{
		setenv("EXTFUSE_TEST_ARGS", "--stock --passthrough", 1);
	}
};

const auto *const arguments = ::testing::AddGlobalTestEnvironment(new Arguments);

} // namespace

class Passthrough : public Mounted
{
protected:
	void SetUp() override
	{
		ASSERT_EQ(geteuid(), 0U);
		Mounted::SetUp();
	}
	void expect_no_data_requests() const
	{
		EXPECT_EQ(stat_number("read"), 0);
		EXPECT_EQ(stat_number("write"), 0);
	}
};

TEST_F(Passthrough, ReadsAndWritesDoNotReachTheDaemon)
{
	const std::string text(100000, 'a');
	ASSERT_EQ(write_file(mnt("new"), text), 0);
	EXPECT_EQ(read_file(lower("new")), text);
	ASSERT_EQ(write_file(lower("old"), "below"), 0);
	EXPECT_EQ(read_file(mnt("old")), "below");
	EXPECT_EQ(read_file(mnt("new")), text);
	expect_no_data_requests();
	EXPECT_GT(stat_number("open"), 0);
}

TEST_F(Passthrough, WithoutTheOptionTheyDo)
{
	unmount();
	setenv("EXTFUSE_TEST_ARGS", "--stock", 1);
	mount();
	setenv("EXTFUSE_TEST_ARGS", "--stock --passthrough", 1);
	ASSERT_EQ(write_file(mnt("f"), "text"), 0);
	EXPECT_GT(stat_number("write"), 0);
}

TEST_F(Passthrough, ManyOpensOfOneFileShareIt)
{
	ASSERT_EQ(write_file(lower("f"), std::string(4096, '-')), 0);
	std::vector<Fd> fds;
	for (const int flags : {O_RDONLY, O_RDWR, O_WRONLY, O_RDONLY}) {
		fds.emplace_back(open(mnt("f").c_str(), flags));
		ASSERT_GE(fds.back(), 0) << strerror(errno);
	}
	ASSERT_EQ(pwrite(fds[1], "one", 3, 0), 3);
	ASSERT_EQ(pwrite(fds[2], "two", 3, 3), 3);
	char got[7] = {};
	// The first that opened it is gone: the others still have it.
	ASSERT_EQ(fds[0].close(), 0);
	ASSERT_EQ(pread(fds[3], got, 6, 0), 6);
	EXPECT_STREQ(got, "onetwo");
	fds.clear();
	EXPECT_EQ(read_file(mnt("f")).substr(0, 6), "onetwo");
	expect_no_data_requests();
}

TEST_F(Passthrough, OpenedAndClosedByManyAtOnce)
{
	ASSERT_EQ(write_file(lower("f"), "text"), 0);
	std::vector<std::thread> threads;
	std::vector<int> failed(4);
	for (int &failures : failed)
		threads.emplace_back([&] {
			for (int i = 0; i < 200; i++)
				failures += read_file(mnt("f")) != "text";
		});
	for (std::thread &thread : threads)
		thread.join();
	EXPECT_EQ(failed, std::vector<int>(4));
	expect_no_data_requests();
}

TEST_F(Passthrough, MappingShowsWhatIsBelow)
{
	ASSERT_EQ(write_file(lower("f"), std::string(4096, 'x')), 0);
	const Fd fd(open(mnt("f").c_str(), O_RDWR));
	ASSERT_GE(fd, 0);
	auto *p =
		static_cast<char *>(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
	ASSERT_NE(p, MAP_FAILED);
	p[0] = 'y';
	EXPECT_EQ(read_file(lower("f"))[0], 'y');
	munmap(p, 4096);
	expect_no_data_requests();
}

} // namespace stackfs_test
