// SPDX-License-Identifier: GPL-2.0-only
// Attributes: what is set, what changes by itself, what the lower file system keeps.
#include "mount_fixture.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

namespace stackfs_test
{

using Attributes = Mounted;

namespace
{

void expect_same(const struct stat &a, const struct stat &b, const std::string &what)
{
	EXPECT_EQ(a.st_ino, b.st_ino) << what;
	EXPECT_EQ(a.st_mode, b.st_mode) << what;
	EXPECT_EQ(a.st_nlink, b.st_nlink) << what;
	EXPECT_EQ(a.st_uid, b.st_uid) << what;
	EXPECT_EQ(a.st_gid, b.st_gid) << what;
	EXPECT_EQ(a.st_size, b.st_size) << what;
	EXPECT_EQ(a.st_mtim.tv_sec, b.st_mtim.tv_sec) << what;
	EXPECT_EQ(a.st_mtim.tv_nsec, b.st_mtim.tv_nsec) << what;
	EXPECT_EQ(a.st_ctim.tv_nsec, b.st_ctim.tv_nsec) << what;
}

} // namespace

TEST_F(Attributes, SameAsBelowAfterEachChange)
{
	ASSERT_EQ(write_file(mnt("f"), "0123456789"), 0);
	const auto check = [&](const char *what) {
		expect_same(stat_of(mnt("f")), stat_of(lower("f")), what);
		expect_same(stat_of(mnt("f")), stat_of(lower("f")), what);
	};
	check("made");
	ASSERT_EQ(chmod(mnt("f").c_str(), 0604), 0);
	check("chmod");
	ASSERT_EQ(chown(mnt("f").c_str(), 1001, 1002), 0);
	check("chown");
	ASSERT_EQ(truncate(mnt("f").c_str(), 3), 0);
	check("truncate");
	ASSERT_EQ(link(mnt("f").c_str(), mnt("g").c_str()), 0);
	check("link");
	ASSERT_EQ(unlink(mnt("g").c_str()), 0);
	check("unlink");
	const Fd fd(open(mnt("f").c_str(), O_RDWR));
	ASSERT_EQ(pwrite(fd, "x", 1, 100), 1);
	check("write");
	ASSERT_EQ(ftruncate(fd, 5), 0);
	check("ftruncate");
	EXPECT_EQ(stat_of(mnt("f")).st_size, 5);
}

TEST_F(Attributes, Times)
{
	ASSERT_EQ(write_file(mnt("f"), ""), 0);
	const timespec fixed[2] = {{1000000000, 123456789}, {2000000000, 987654321}};
	ASSERT_EQ(utimensat(AT_FDCWD, mnt("f").c_str(), fixed, 0), 0);
	struct stat st = stat_of(mnt("f"));
	EXPECT_EQ(st.st_atim.tv_sec, 1000000000);
	EXPECT_EQ(st.st_atim.tv_nsec, 123456789);
	EXPECT_EQ(st.st_mtim.tv_sec, 2000000000);
	EXPECT_EQ(st.st_mtim.tv_nsec, 987654321);
	const timespec half[2] = {{0, UTIME_OMIT}, {0, UTIME_NOW}};
	ASSERT_EQ(utimensat(AT_FDCWD, mnt("f").c_str(), half, 0), 0);
	st = stat_of(mnt("f"));
	EXPECT_EQ(st.st_atim.tv_sec, 1000000000) << "omitted";
	EXPECT_NEAR(static_cast<double>(st.st_mtim.tv_sec), static_cast<double>(time(nullptr)), 5);
	ASSERT_EQ(symlink("f", mnt("s").c_str()), 0);
	ASSERT_EQ(utimensat(AT_FDCWD, mnt("s").c_str(), fixed, AT_SYMLINK_NOFOLLOW), 0);
	EXPECT_EQ(stat_of(mnt("s")).st_mtim.tv_sec, 2000000000);
	EXPECT_NE(stat_of(mnt("f")).st_mtim.tv_sec, 2000000000);
}

// With its attributes known to the kernel, as they are after a stat.
TEST_F(Attributes, ProgramsRun)
{
	ASSERT_EQ(write_file(mnt("program"), "#!/bin/sh\nexit 7\n"), 0);
	ASSERT_EQ(chmod(mnt("program").c_str(), 0755), 0);
	for (int i = 0; i < 3; i++) {
		stat_of(mnt("program"));
		const int status = std::system(mnt("program").c_str());
		ASSERT_TRUE(WIFEXITED(status));
		EXPECT_EQ(WEXITSTATUS(status), 7) << "run " << i;
	}
}

TEST_F(Attributes, OwnerOfASymlink)
{
	ASSERT_EQ(symlink("f", mnt("s").c_str()), 0);
	ASSERT_EQ(lchown(mnt("s").c_str(), 7, 8), 0);
	EXPECT_EQ(stat_of(lower("s")).st_uid, 7U);
	EXPECT_EQ(stat_of(mnt("s")).st_gid, 8U);
}

TEST_F(Attributes, ChownClearsSetUid)
{
	for (const std::string &path : {lower("l"), mnt("m")}) {
		ASSERT_EQ(write_file(path, ""), 0);
		ASSERT_EQ(chmod(path.c_str(), 06755), 0);
		ASSERT_EQ(chown(path.c_str(), 5, 5), 0);
	}
	EXPECT_EQ(stat_of(mnt("m")).st_mode, stat_of(lower("l")).st_mode);
	EXPECT_EQ(stat_of(mnt("m")).st_mode & 07777, 0755U);
}

// The kernel clears the bit by a chmod under the writer's name.
TEST_F(Attributes, WriteByAnotherUserClearsSetUid)
{
	for (const std::string &path : {lower("l"), mnt("m")}) {
		ASSERT_EQ(write_file(path, "program"), 0);
		ASSERT_EQ(chmod(path.c_str(), 04777), 0);
		const int err = as_user({1001, 1001}, [&] {
			const Fd fd(open(path.c_str(), O_WRONLY));
			return fd < 0 || write(fd, "x", 1) != 1 ? errno : 0;
		});
		EXPECT_EQ(err, 0) << path << ": " << strerror(err);
	}
	tell_about_changes();
	EXPECT_EQ(stat_of(mnt("m")).st_mode, stat_of(lower("l")).st_mode);
	EXPECT_EQ(stat_of(mnt("m")).st_mode & 07777, 0777U);
}

TEST_F(Attributes, OthersMayNotDropSetUid)
{
	ASSERT_EQ(write_file(mnt("m"), ""), 0);
	ASSERT_EQ(chmod(mnt("m").c_str(), 04755), 0);
	EXPECT_EQ(as_user({1001, 1001}, [&] { return errno_of(chmod(mnt("m").c_str(), 0755)); }),
		  EPERM);
}

TEST_F(Attributes, UmaskAndDefaultAcl)
{
	const std::string acl = "setfacl -d -m u::rwx,g::rwx,o::---,m::rwx,u:1001:rwx ";
	for (const std::string &top : {lower("l"), mnt("m")}) {
		ASSERT_EQ(mkdir(top.c_str(), 0755), 0);
		umask(027);
		ASSERT_EQ(mkdir((top + "/plain").c_str(), 0777), 0);
		ASSERT_EQ(write_file(top + "/file", ""), 0);
		ASSERT_EQ(mkdir((top + "/acl").c_str(), 0777), 0);
		if (system((acl + top + "/acl").c_str()) != 0)
			GTEST_SKIP() << "no ACLs here";
		umask(077);
		ASSERT_EQ(mkdir((top + "/acl/dir").c_str(), 0777), 0);
		ASSERT_EQ(write_file(top + "/acl/file", ""), 0);
		ASSERT_EQ(mknod((top + "/acl/node").c_str(), S_IFREG | 0666, 0), 0);
		umask(022);
	}
	for (const char *name : {"plain", "file", "acl", "acl/dir", "acl/file", "acl/node"})
		EXPECT_EQ(stat_of(mnt(std::string("m/") + name)).st_mode,
			  stat_of(lower(std::string("l/") + name)).st_mode)
			<< name;
	EXPECT_EQ(stat_of(mnt("m/acl/dir")).st_mode & 0777, 0770U) << "default ACL, not umask";
}

TEST_F(Attributes, StatfsIsTheLowerOne)
{
	struct statvfs below;
	struct statvfs here;
	ASSERT_EQ(statvfs(lower().c_str(), &below), 0);
	ASSERT_EQ(statvfs(mnt().c_str(), &here), 0);
	EXPECT_EQ(here.f_blocks, below.f_blocks);
	EXPECT_EQ(here.f_bsize, below.f_bsize);
	EXPECT_EQ(here.f_namemax, below.f_namemax);
}

TEST_F(Attributes, FileFlags)
{
	ASSERT_EQ(write_file(mnt("f"), "f"), 0);
	const Fd below(open(lower("f").c_str(), O_RDONLY));
	const Fd fd(open(mnt("f").c_str(), O_RDONLY));
	int flags = 0;
	if (ioctl(below, FS_IOC_GETFLAGS, &flags) < 0)
		GTEST_SKIP() << "the lower file system has no file flags";
	flags |= FS_NODUMP_FL;
	ASSERT_EQ(ioctl(fd, FS_IOC_SETFLAGS, &flags), 0) << strerror(errno);
	int now = 0;
	ASSERT_EQ(ioctl(below, FS_IOC_GETFLAGS, &now), 0);
	EXPECT_TRUE(now & FS_NODUMP_FL);
	now = 0;
	ASSERT_EQ(ioctl(fd, FS_IOC_GETFLAGS, &now), 0);
	EXPECT_TRUE(now & FS_NODUMP_FL);
	const Fd dir(open(mnt().c_str(), O_RDONLY | O_DIRECTORY));
	EXPECT_EQ(ioctl(dir, FS_IOC_GETFLAGS, &now), 0);
	EXPECT_EQ(errno_of(ioctl(fd, FS_IOC_GETVERSION, &now)), ENOTTY) << "not passed on";
}

} // namespace stackfs_test
