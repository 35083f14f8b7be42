// SPDX-License-Identifier: GPL-2.0-only
// More files than descriptors: idle nodes give theirs up, and nobody notices.
#include "mount_fixture.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cstring>

namespace stackfs_test
{

class Descriptors : public Mounted
{
protected:
	// name_to_handle_at() on the lower file system is what nodes are kept by.
	void mount_with_few(int max_files)
	{
		unmount();
		ASSERT_NO_FATAL_FAILURE(mount({}, max_files));
	}
	std::string name(long i) const
	{
		return "d" + std::to_string(i / 1000) + "/f" + std::to_string(i);
	}
	void make_tree(long count)
	{
		for (long i = 0; i < count; ++i) {
			if (i % 1000 == 0) {
				ASSERT_EQ(mkdir(lower("d" + std::to_string(i / 1000)).c_str(),
						0755),
					  0);
			}
			ASSERT_EQ(write_file(lower(name(i)), std::to_string(i)), 0);
		}
	}
};

TEST_F(Descriptors, TreeOfManyFilesWithALimitOf1024)
{
	const long count = many_files();
	ASSERT_NO_FATAL_FAILURE(make_tree(count));
	ASSERT_NO_FATAL_FAILURE(mount_with_few(1024));
	for (long i = 0; i < count; ++i) {
		struct stat st;
		ASSERT_EQ(stat(mnt(name(i)).c_str(), &st), 0) << i << ": " << strerror(errno);
		ASSERT_EQ(st.st_size, static_cast<off_t>(std::to_string(i).size()));
	}
	EXPECT_GT(stat_number("nodes"), stat_number("node_fds"));
	EXPECT_LE(stat_number("node_fds"), 1024);
	for (long i = 0; i < count; i += 101)
		ASSERT_EQ(read_file(mnt(name(i))), std::to_string(i)) << i;
}

TEST_F(Descriptors, OperationsOnEvictedNodes)
{
	ASSERT_NO_FATAL_FAILURE(make_tree(3000));
	ASSERT_NO_FATAL_FAILURE(mount_with_few(256));
	// Held by descriptors of ours, so the kernel keeps the nodes.
	std::vector<Fd> held;
	for (long i = 0; i < 500; ++i) {
		held.emplace_back(open(mnt(name(i)).c_str(), O_PATH));
		ASSERT_GE(held.back(), 0) << i << ": " << strerror(errno);
	}
	for (long i = 500; i < 3000; ++i)
		ASSERT_TRUE(exists(mnt(name(i))));
	for (long i = 0; i < 500; ++i) {
		struct stat st;
		ASSERT_EQ(fstat(held[static_cast<size_t>(i)], &st), 0)
			<< i << ": " << strerror(errno);
		ASSERT_EQ(st.st_ino, stat_of(lower(name(i))).st_ino);
	}
	const std::string path = "/proc/self/fd/" + std::to_string(held[7]);
	EXPECT_EQ(read_file(path), "7");
	EXPECT_EQ(chmod(path.c_str(), 0600), 0);
	EXPECT_EQ(rename(mnt(name(7)).c_str(), mnt("d0/renamed").c_str()), 0);
	EXPECT_EQ(read_file(mnt("d0/renamed")), "7");
	EXPECT_EQ(link(mnt("d0/renamed").c_str(), mnt("d0/again").c_str()), 0);
}

// Removed, but the kernel still knows the file: no handle leads to it.
TEST_F(Descriptors, RemovedFilesAreKept)
{
	ASSERT_NO_FATAL_FAILURE(make_tree(2000));
	ASSERT_NO_FATAL_FAILURE(mount_with_few(256));
	for (long i = 0; i < 2000; ++i)
		ASSERT_TRUE(exists(mnt(name(i)))); // evicts
	std::vector<Fd> held;
	for (long i = 0; i < 50; ++i) {
		held.emplace_back(open(mnt(name(i)).c_str(), O_PATH));
		ASSERT_GE(held.back(), 0);
	}
	for (long i = 50; i < 2000; ++i)
		ASSERT_TRUE(exists(mnt(name(i))));
	for (long i = 0; i < 50; ++i)
		ASSERT_EQ(unlink(mnt(name(i)).c_str()), 0);
	for (long i = 50; i < 2000; ++i)
		ASSERT_TRUE(exists(mnt(name(i))));
	for (const Fd &fd : held) {
		struct stat st;
		ASSERT_EQ(fstat(fd, &st), 0) << strerror(errno);
		EXPECT_EQ(st.st_nlink, 0U);
	}
}

TEST_F(Descriptors, ReusedInodeNumbersAreNewFiles)
{
	ASSERT_NO_FATAL_FAILURE(make_tree(1000));
	ASSERT_NO_FATAL_FAILURE(mount_with_few(256));
	for (int round = 0; round < 5; ++round) {
		for (long i = 0; i < 1000; ++i)
			ASSERT_TRUE(exists(mnt(name(i))));
		// Behind the mount: others get the numbers.
		for (long i = 0; i < 1000; ++i)
			ASSERT_EQ(unlink(lower(name(i)).c_str()), 0);
		for (long i = 999; i >= 0; --i)
			ASSERT_EQ(write_file(lower(name(i)), "r" + std::to_string(i)), 0);
		tell_about_changes();
		for (long i = 0; i < 1000; i += 7) {
			ASSERT_EQ(stat_of(mnt(name(i))).st_ino, stat_of(lower(name(i))).st_ino);
			ASSERT_EQ(read_file(mnt(name(i))), "r" + std::to_string(i));
		}
	}
}

} // namespace stackfs_test
