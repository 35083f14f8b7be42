// SPDX-License-Identifier: GPL-2.0-only
// Several users on one mount: everybody gets what the lower file system would say.
#include "mount_fixture.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstring>

namespace stackfs_test
{

using Users = Mounted;

namespace
{

const User anna = {1001, 1001, {}};
const User ben = {1002, 1002, {}};
const User carl_in_50 = {1003, 1003, {50, 51}};

int try_open(const std::string &path, int flags)
{
	const Fd fd(open(path.c_str(), flags, 0666));
	return fd < 0 ? errno : 0;
}

// Modes and owners, and who may do what with them. The same on lower/ and mnt/.
int attempt(const std::string &top, int what)
{
	struct stat st;
	switch (what) {
	case 0:
		return try_open(top + "/private", O_RDONLY);
	case 1:
		return try_open(top + "/private", O_WRONLY);
	case 2:
		return try_open(top + "/group", O_RDWR);
	case 3:
		return errno_of(stat((top + "/closed/in").c_str(), &st));
	case 4:
		return errno_of(access((top + "/group").c_str(), W_OK));
	case 5:
		return errno_of(chmod((top + "/private").c_str(), 0600));
	case 6:
		return errno_of(chown((top + "/private").c_str(), getuid(), getgid()));
	case 7:
		return errno_of(unlink((top + "/sticky/of-anna").c_str()));
	case 8:
		return errno_of(rename((top + "/sticky/of-anna").c_str(), (top + "/x").c_str()));
	case 9:
		return errno_of(mkdir((top + "/dir").c_str(), 0777));
	case 10:
		return errno_of(truncate((top + "/group").c_str(), 0));
	case 11:
		return errno_of(link((top + "/private").c_str(), (top + "/sticky/ln").c_str()));
	case 12:
		return errno_of(utimensat(AT_FDCWD, (top + "/private").c_str(), nullptr, 0));
	case 13: // in the group, which may less than others
		return try_open(top + "/not-for-group", O_RDONLY);
	case 14:
		return errno_of(chdir((top + "/closed").c_str()));
	case 15: {
		DIR *dir = opendir((top + "/closed").c_str());
		const int err = dir ? 0 : errno;
		if (dir)
			closedir(dir);
		return err;
	}
	default:
		return errno_of(symlink("x", (top + "/closed/s").c_str()));
	}
}

void make_tree(const std::string &top)
{
	const auto file = [&](const char *name, mode_t mode, uid_t uid, gid_t gid) {
		const std::string path = top + "/" + name;
		ASSERT_EQ(write_file(path, "text"), 0);
		ASSERT_EQ(chown(path.c_str(), uid, gid), 0);
		ASSERT_EQ(chmod(path.c_str(), mode), 0);
	};
	ASSERT_EQ(mkdir(top.c_str(), 0755), 0);
	ASSERT_EQ(mkdir((top + "/sticky").c_str(), 0755), 0);
	ASSERT_EQ(mkdir((top + "/closed").c_str(), 0755), 0);
	file("private", 0600, 1001, 1001);
	file("group", 0660, 1001, 50);
	file("not-for-group", 0604, 1001, 50);
	file("sticky/of-anna", 0644, 1001, 1001);
	file("closed/in", 0644, 0, 0);
	ASSERT_EQ(chmod((top + "/sticky").c_str(), 01777), 0);
	ASSERT_EQ(chmod((top + "/closed").c_str(), 0750), 0);
	ASSERT_EQ(chown((top + "/closed").c_str(), 0, 51), 0);
}

} // namespace

TEST_F(Users, SameAnswersAsBelow)
{
	ASSERT_NO_FATAL_FAILURE(make_tree(lower("tree")));
	ASSERT_NO_FATAL_FAILURE(make_tree(base("native")));
	tell_about_changes();
	for (const User &user : {ben, carl_in_50, anna})
		for (int what = 0; what <= 16; ++what)
			// Twice: the second answer may come from a cache.
			for (int round = 0; round < 2; ++round)
				EXPECT_EQ(as_user(user, [&] { return attempt(mnt("tree"), what); }),
					  as_user(user,
						  [&] { return attempt(base("native"), what); }))
					<< "user " << user.uid << ", attempt " << what;
}

TEST_F(Users, NewObjectsBelongToTheirMaker)
{
	ASSERT_EQ(chmod(mnt().c_str(), 0777), 0);
	const int err = as_user(anna, [&] {
		if (write_file(mnt("file"), "") || mkdir(mnt("dir").c_str(), 0755) ||
		    symlink("x", mnt("link").c_str()) ||
		    mknod(mnt("fifo").c_str(), S_IFIFO | 0644, 0))
			return errno;
		return link(mnt("file").c_str(), mnt("hard").c_str()) ? errno : 0;
	});
	EXPECT_EQ(err, 0) << strerror(err);
	for (const char *name : {"file", "dir", "link", "fifo", "hard"}) {
		EXPECT_EQ(stat_of(lower(name)).st_uid, 1001U) << name;
		EXPECT_EQ(stat_of(lower(name)).st_gid, 1001U) << name;
	}
	ASSERT_EQ(write_file(mnt("of-root"), ""), 0);
	EXPECT_EQ(stat_of(lower("of-root")).st_uid, 0U) << "the daemon's threads are root again";
}

TEST_F(Users, SetGidDirectoryGivesItsGroup)
{
	ASSERT_EQ(mkdir(mnt("d").c_str(), 0755), 0);
	ASSERT_EQ(chown(mnt("d").c_str(), 0, 50), 0);
	ASSERT_EQ(chmod(mnt("d").c_str(), 02777), 0);
	EXPECT_EQ(as_user(anna,
			  [&] {
				  return write_file(mnt("d/f"), "") ||
							 mkdir(mnt("d/sub").c_str(), 0755)
						 ? errno
						 : 0;
			  }),
		  0);
	EXPECT_EQ(stat_of(lower("d/f")).st_gid, 50U);
	EXPECT_EQ(stat_of(lower("d/sub")).st_gid, 50U);
	EXPECT_TRUE(stat_of(lower("d/sub")).st_mode & S_ISGID);
}

TEST_F(Users, RootKeepsItsPowers)
{
	ASSERT_NO_FATAL_FAILURE(make_tree(lower("tree")));
	tell_about_changes();
	EXPECT_EQ(as_user(ben, [&] { return try_open(mnt("tree/private"), O_RDONLY); }), EACCES);
	EXPECT_EQ(try_open(mnt("tree/private"), O_RDWR), 0);
	EXPECT_TRUE(exists(mnt("tree/closed/in")));
	EXPECT_EQ(as_user(ben, [&] { return exists(mnt("tree/closed/in")) ? 1 : 0; }), 0)
		<< "what root was shown is not shown to ben";
	EXPECT_EQ(as_user(carl_in_50, [&] { return exists(mnt("tree/closed/in")) ? 1 : 0; }), 1);
	EXPECT_EQ(as_user(ben, [&] { return exists(mnt("tree/closed/in")) ? 1 : 0; }), 0)
		<< "nor what carl was shown";
}

TEST_F(Users, DevicesNeedPrivilege)
{
	ASSERT_EQ(chmod(mnt().c_str(), 0777), 0);
	EXPECT_EQ(as_user(anna,
			  [&] { return errno_of(mknod(mnt("dev").c_str(), S_IFCHR | 0666, 259)); }),
		  EPERM);
}

TEST_F(Users, ManyGroups)
{
	User user = {1004, 1004, {}};
	for (gid_t gid = 2000; gid < 2200; ++gid)
		user.groups.push_back(gid);
	ASSERT_EQ(write_file(mnt("f"), "group"), 0);
	ASSERT_EQ(chown(mnt("f").c_str(), 0, 2199), 0);
	ASSERT_EQ(chmod(mnt("f").c_str(), 0640), 0);
	EXPECT_EQ(as_user(user, [&] { return try_open(mnt("f"), O_RDONLY); }), 0);
	EXPECT_EQ(as_user(anna, [&] { return try_open(mnt("f"), O_RDONLY); }), EACCES);
}

} // namespace stackfs_test
