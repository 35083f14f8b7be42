// SPDX-License-Identifier: GPL-2.0-only
#include "mount_fixture.hpp"

#include <sys/xattr.h>
#include <unistd.h>

#include <cstring>

namespace stackfs_test
{

class Xattrs : public Mounted
{
protected:
	void SetUp() override
	{
		Mounted::SetUp();
		if (IsSkipped() || HasFatalFailure())
			return;
		ASSERT_EQ(write_file(lower("probe"), ""), 0);
		if (setxattr(lower("probe").c_str(), "user.x", "1", 1, 0) != 0)
			GTEST_SKIP() << "the lower file system has no user attributes";
		ASSERT_EQ(unlink(lower("probe").c_str()), 0);
		ASSERT_EQ(write_file(mnt("f"), ""), 0);
	}
};

TEST_F(Xattrs, SetGetListRemove)
{
	const std::string path = mnt("f");
	ASSERT_EQ(setxattr(path.c_str(), "user.one", "value", 5, 0), 0) << strerror(errno);
	EXPECT_EQ(getxattr(path.c_str(), "user.one", nullptr, 0), 5) << "size probe";
	char value[16] = {};
	EXPECT_EQ(getxattr(path.c_str(), "user.one", value, sizeof(value)), 5);
	EXPECT_STREQ(value, "value");
	EXPECT_EQ(getxattr(path.c_str(), "user.one", value, 2), -1);
	EXPECT_EQ(errno, ERANGE);
	EXPECT_EQ(getxattr(lower("f").c_str(), "user.one", value, sizeof(value)), 5);
	EXPECT_EQ(listxattr(path.c_str(), nullptr, 0), 9);
	char list[16] = {};
	EXPECT_EQ(listxattr(path.c_str(), list, 9), 9);
	EXPECT_STREQ(list, "user.one");
	EXPECT_EQ(listxattr(path.c_str(), list, 3), -1);
	EXPECT_EQ(errno, ERANGE);
	EXPECT_EQ(removexattr(path.c_str(), "user.one"), 0);
	EXPECT_EQ(errno_of(removexattr(path.c_str(), "user.one")), ENODATA);
	EXPECT_EQ(getxattr(path.c_str(), "user.one", value, sizeof(value)), -1);
	EXPECT_EQ(errno, ENODATA);
	EXPECT_EQ(listxattr(path.c_str(), nullptr, 0), 0);
}

TEST_F(Xattrs, CreateAndReplace)
{
	const std::string path = mnt("f");
	EXPECT_EQ(errno_of(setxattr(path.c_str(), "user.a", "1", 1, XATTR_REPLACE)), ENODATA);
	EXPECT_EQ(setxattr(path.c_str(), "user.a", "1", 1, XATTR_CREATE), 0);
	EXPECT_EQ(errno_of(setxattr(path.c_str(), "user.a", "2", 1, XATTR_CREATE)), EEXIST);
	EXPECT_EQ(setxattr(path.c_str(), "user.a", "22", 2, XATTR_REPLACE), 0);
	EXPECT_EQ(getxattr(path.c_str(), "user.a", nullptr, 0), 2);
}

TEST_F(Xattrs, EmptyValue)
{
	ASSERT_EQ(setxattr(mnt("f").c_str(), "user.empty", "", 0, 0), 0);
	char value[4];
	EXPECT_EQ(getxattr(mnt("f").c_str(), "user.empty", value, sizeof(value)), 0);
}

TEST_F(Xattrs, OfASymlinkAndADirectory)
{
	ASSERT_EQ(symlink("f", mnt("s").c_str()), 0);
	EXPECT_EQ(errno_of(lsetxattr(mnt("s").c_str(), "user.x", "1", 1, 0)),
		  errno_of(lsetxattr(lower("s").c_str(), "user.x", "1", 1, 0)));
	EXPECT_EQ(lsetxattr(mnt("s").c_str(), "trusted.x", "1", 1, 0), 0) << strerror(errno);
	char value[4] = {};
	EXPECT_EQ(lgetxattr(lower("s").c_str(), "trusted.x", value, sizeof(value)), 1);
	EXPECT_EQ(getxattr(mnt("f").c_str(), "trusted.x", value, sizeof(value)), -1);
	EXPECT_EQ(setxattr(mnt().c_str(), "user.d", "1", 1, 0), 0);
}

TEST_F(Xattrs, TrustedOnesAreNotShownToUsers)
{
	ASSERT_EQ(setxattr(mnt("f").c_str(), "trusted.secret", "1", 1, 0), 0);
	ASSERT_EQ(setxattr(mnt("f").c_str(), "user.open", "1", 1, 0), 0);
	EXPECT_EQ(listxattr(mnt("f").c_str(), nullptr, 0), 25);
	const int length = as_user({1001, 1001}, [&] {
		char list[64];
		return static_cast<int>(listxattr(mnt("f").c_str(), list, sizeof(list)));
	});
	EXPECT_EQ(length, 10) << "user.open alone";
	EXPECT_EQ(as_user({1001, 1001},
			  [&] {
				  char v[4];
				  return errno_of(static_cast<int>(getxattr(
					  mnt("f").c_str(), "trusted.secret", v, sizeof(v))));
			  }),
		  ENODATA);
}

TEST_F(Xattrs, UsersMayNotChangeWhatTheyDoNotOwn)
{
	EXPECT_EQ(
		as_user({1001, 1001},
			[&] { return errno_of(setxattr(mnt("f").c_str(), "user.x", "1", 1, 0)); }),
		EACCES);
}

} // namespace stackfs_test
