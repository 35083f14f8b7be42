// SPDX-License-Identifier: GPL-2.0-only
// Making, moving and removing names.
#include "mount_fixture.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cstring>

namespace stackfs_test
{

using Names = Mounted;

namespace
{

int rename_flags(const std::string &from, const std::string &to, unsigned flags)
{
	return errno_of(renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), flags));
}

} // namespace

TEST_F(Names, LowerFilesAreShown)
{
	ASSERT_EQ(write_file(lower("a"), "text"), 0);
	tell_about_changes();
	EXPECT_EQ(read_file(mnt("a")), "text");
	EXPECT_EQ(stat_of(mnt("a")).st_ino, stat_of(lower("a")).st_ino);
}

TEST_F(Names, MissingThenMade)
{
	for (int i = 0; i < 3; ++i)
		EXPECT_FALSE(exists(mnt("a")));
	ASSERT_EQ(write_file(mnt("a"), "1"), 0);
	EXPECT_TRUE(exists(mnt("a")));
	ASSERT_EQ(unlink(mnt("a").c_str()), 0);
	EXPECT_FALSE(exists(mnt("a")));
	EXPECT_FALSE(exists(lower("a")));
}

TEST_F(Names, RenameReplaces)
{
	ASSERT_EQ(write_file(mnt("a"), "a"), 0);
	ASSERT_EQ(write_file(mnt("b"), "b"), 0);
	ASSERT_EQ(stat_of(mnt("b")).st_size, 1);
	const Fd old(open(mnt("b").c_str(), O_RDONLY));
	EXPECT_EQ(rename(mnt("a").c_str(), mnt("b").c_str()), 0);
	EXPECT_EQ(read_file(mnt("b")), "a");
	EXPECT_FALSE(exists(mnt("a")));
	char c = 0;
	EXPECT_EQ(read(old, &c, 1), 1) << "the replaced file is still open";
	EXPECT_EQ(c, 'b');
	struct stat st;
	ASSERT_EQ(fstat(old, &st), 0);
	EXPECT_EQ(st.st_nlink, 0U);
}

TEST_F(Names, RenameAcrossDirectories)
{
	ASSERT_EQ(mkdir(mnt("x").c_str(), 0755), 0);
	ASSERT_EQ(mkdir(mnt("y").c_str(), 0755), 0);
	ASSERT_EQ(mkdir(mnt("x/d").c_str(), 0755), 0);
	ASSERT_EQ(write_file(mnt("x/d/f"), "deep"), 0);
	ASSERT_EQ(read_file(mnt("x/d/f")), "deep");
	EXPECT_FALSE(exists(mnt("y/d")));
	ASSERT_EQ(rename(mnt("x/d").c_str(), mnt("y/d").c_str()), 0);
	EXPECT_EQ(read_file(mnt("y/d/f")), "deep");
	EXPECT_FALSE(exists(mnt("x/d")));
	EXPECT_EQ(stat_of(mnt("x")).st_nlink, stat_of(lower("x")).st_nlink);
	EXPECT_EQ(stat_of(mnt("y")).st_nlink, stat_of(lower("y")).st_nlink);
}

TEST_F(Names, RenameNoReplace)
{
	ASSERT_EQ(write_file(mnt("a"), "a"), 0);
	ASSERT_EQ(write_file(mnt("b"), "b"), 0);
	EXPECT_EQ(rename_flags(mnt("a"), mnt("b"), RENAME_NOREPLACE), EEXIST);
	EXPECT_EQ(rename_flags(mnt("a"), mnt("c"), RENAME_NOREPLACE), 0);
	EXPECT_EQ(read_file(mnt("c")), "a");
}

TEST_F(Names, RenameExchange)
{
	ASSERT_EQ(write_file(mnt("a"), "a"), 0);
	ASSERT_EQ(mkdir(mnt("d").c_str(), 0755), 0);
	ASSERT_EQ(write_file(mnt("d/in"), "in"), 0);
	ASSERT_EQ(stat_of(mnt("a")).st_size, 1);
	EXPECT_EQ(rename_flags(mnt("a"), mnt("d"), RENAME_EXCHANGE), 0);
	EXPECT_EQ(read_file(mnt("d")), "a");
	EXPECT_EQ(read_file(mnt("a/in")), "in");
	EXPECT_EQ(rename_flags(mnt("a"), mnt("no"), RENAME_EXCHANGE), ENOENT);
}

TEST_F(Names, RenameWhiteout)
{
	ASSERT_EQ(write_file(lower("p"), "p"), 0);
	if (rename_flags(lower("p"), lower("q"), RENAME_WHITEOUT) != 0)
		GTEST_SKIP() << "the lower file system has no whiteouts";
	ASSERT_EQ(write_file(mnt("a"), "a"), 0);
	EXPECT_EQ(rename_flags(mnt("a"), mnt("b"), RENAME_WHITEOUT), 0);
	EXPECT_EQ(read_file(mnt("b")), "a");
	const struct stat st = stat_of(mnt("a"));
	EXPECT_TRUE(S_ISCHR(st.st_mode));
	EXPECT_EQ(st.st_rdev, makedev(0, 0));
}

TEST_F(Names, HardLinks)
{
	ASSERT_EQ(write_file(mnt("a"), "a"), 0);
	EXPECT_EQ(stat_of(mnt("a")).st_nlink, 1U);
	ASSERT_EQ(link(mnt("a").c_str(), mnt("b").c_str()), 0);
	EXPECT_EQ(stat_of(mnt("a")).st_nlink, 2U);
	EXPECT_EQ(stat_of(mnt("b")).st_nlink, 2U);
	EXPECT_EQ(stat_of(mnt("a")).st_ino, stat_of(mnt("b")).st_ino);
	ASSERT_EQ(write_file(mnt("b"), "longer"), 0);
	EXPECT_EQ(stat_of(mnt("a")).st_size, 6);
	EXPECT_EQ(read_file(mnt("a")), "longer");
	ASSERT_EQ(unlink(mnt("a").c_str()), 0);
	EXPECT_EQ(stat_of(mnt("b")).st_nlink, 1U);
	EXPECT_EQ(errno_of(link(mnt("b").c_str(), mnt("b").c_str())), EEXIST);
}

TEST_F(Names, LinkToASymlinkItself)
{
	ASSERT_EQ(symlink("nowhere", mnt("s").c_str()), 0);
	ASSERT_EQ(linkat(AT_FDCWD, mnt("s").c_str(), AT_FDCWD, mnt("t").c_str(), 0), 0);
	EXPECT_TRUE(S_ISLNK(stat_of(mnt("t")).st_mode));
	EXPECT_EQ(stat_of(mnt("t")).st_nlink, 2U);
}

TEST_F(Names, Symlinks)
{
	const std::string longest(4095, 'x');
	ASSERT_EQ(symlink(longest.c_str(), mnt("s").c_str()), 0);
	std::string target(5000, '\0');
	const ssize_t n = readlink(mnt("s").c_str(), target.data(), target.size());
	ASSERT_EQ(n, 4095);
	target.resize(4095);
	EXPECT_EQ(target, longest);
	EXPECT_EQ(stat_of(mnt("s")).st_size, 4095);
}

TEST_F(Names, LongestName)
{
	const std::string longest(255, 'n');
	for (int i = 0; i < 3; ++i)
		EXPECT_FALSE(exists(mnt(longest)));
	ASSERT_EQ(write_file(mnt(longest), "l"), 0);
	EXPECT_EQ(read_file(mnt(longest)), "l");
	EXPECT_EQ(write_file(mnt(longest + "n"), ""), ENAMETOOLONG);
	EXPECT_EQ(rename(mnt(longest).c_str(), mnt(std::string(255, 'm')).c_str()), 0);
	EXPECT_FALSE(exists(mnt(longest)));
}

TEST_F(Names, SpecialFiles)
{
	ASSERT_EQ(mknod(mnt("fifo").c_str(), S_IFIFO | 0640, 0), 0);
	ASSERT_EQ(mknod(mnt("sock").c_str(), S_IFSOCK | 0600, 0), 0);
	ASSERT_EQ(mknod(mnt("null").c_str(), S_IFCHR | 0666, makedev(1, 3)), 0);
	ASSERT_EQ(mknod(mnt("file").c_str(), S_IFREG | 0604, 0), 0);
	for (const char *name : {"fifo", "sock", "null", "file"}) {
		EXPECT_EQ(stat_of(mnt(name)).st_mode, stat_of(lower(name)).st_mode) << name;
		EXPECT_EQ(stat_of(mnt(name)).st_rdev, stat_of(lower(name)).st_rdev) << name;
	}
}

TEST_F(Names, ErrorsOfTheLowerFileSystem)
{
	ASSERT_EQ(mkdir(mnt("d").c_str(), 0755), 0);
	ASSERT_EQ(write_file(mnt("d/f"), ""), 0);
	EXPECT_EQ(errno_of(mkdir(mnt("d").c_str(), 0755)), EEXIST);
	EXPECT_EQ(errno_of(rmdir(mnt("d").c_str())), ENOTEMPTY);
	EXPECT_EQ(errno_of(rmdir(mnt("d/f").c_str())), ENOTDIR);
	EXPECT_EQ(errno_of(unlink(mnt("d").c_str())), EISDIR);
	EXPECT_EQ(errno_of(unlink(mnt("none").c_str())), ENOENT);
	EXPECT_EQ(errno_of(open(mnt("d/f").c_str(), O_CREAT | O_EXCL | O_RDWR, 0644)), EEXIST);
	EXPECT_EQ(errno_of(open(mnt("d/f/g").c_str(), O_RDONLY)), ENOTDIR);
}

TEST_F(Names, UnlinkedButOpen)
{
	Fd fd(open(mnt("a").c_str(), O_RDWR | O_CREAT | O_EXCL, 0644));
	ASSERT_GE(fd, 0);
	ASSERT_EQ(write(fd, "old", 3), 3);
	ASSERT_EQ(unlink(mnt("a").c_str()), 0);
	ASSERT_EQ(write_file(mnt("a"), "another"), 0);
	struct stat st;
	ASSERT_EQ(fstat(fd, &st), 0);
	EXPECT_EQ(st.st_size, 3);
	EXPECT_EQ(st.st_nlink, 0U);
	char text[8] = {};
	EXPECT_EQ(pread(fd, text, 8, 0), 3);
	EXPECT_STREQ(text, "old");
	EXPECT_EQ(read_file(mnt("a")), "another");
}

// The lower file system reuses inode numbers, this one node ids.
TEST_F(Names, SameNameManyTimes)
{
	for (int i = 0; i < 500; ++i) {
		const std::string text = "round " + std::to_string(i);
		ASSERT_EQ(write_file(mnt("a"), text), 0);
		ASSERT_EQ(stat_of(mnt("a")).st_size, static_cast<off_t>(text.size()));
		ASSERT_EQ(read_file(mnt("a")), text);
		ASSERT_EQ(unlink(mnt("a").c_str()), 0);
		ASSERT_FALSE(exists(mnt("a")));
	}
	EXPECT_LE(stat_number("nodes"), 10) << "forgotten nodes are given up";
}

TEST_F(Names, TemporaryFileGetsAName)
{
	const Fd fd(open(mnt().c_str(), O_TMPFILE | O_RDWR, 0640));
	if (fd < 0 && errno == EOPNOTSUPP)
		GTEST_SKIP() << "no O_TMPFILE here";
	ASSERT_GE(fd, 0) << strerror(errno);
	ASSERT_EQ(write(fd, "tmp", 3), 3);
	struct stat st;
	ASSERT_EQ(fstat(fd, &st), 0);
	EXPECT_EQ(st.st_nlink, 0U);
	EXPECT_EQ(st.st_mode, S_IFREG | 0640U);
	const std::string path = "/proc/self/fd/" + std::to_string(fd);
	ASSERT_EQ(linkat(AT_FDCWD, path.c_str(), AT_FDCWD, mnt("named").c_str(), AT_SYMLINK_FOLLOW),
		  0)
		<< strerror(errno);
	EXPECT_EQ(read_file(mnt("named")), "tmp");
	EXPECT_EQ(stat_of(mnt("named")).st_nlink, 1U);
}

} // namespace stackfs_test
