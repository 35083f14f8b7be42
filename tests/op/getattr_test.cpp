// SPDX-License-Identifier: GPL-2.0-only
//
// GETATTR: stat, fstat, and the attributes that permission checks need.
#include <gtest/gtest.h>

#include <sys/sysmacros.h>

#include <cstring>

#include "sys.hpp"
#include "test_fs.hpp"

namespace extfuse_test
{

namespace
{

constexpr auto op = EXTFUSE_OP_GETATTR;

Config asked_every_time()
{
	Config c;
	c.remember = false;
	return c;
}

void expect_same(const struct stat &a, const struct stat &b)
{
	EXPECT_EQ(a.st_ino, b.st_ino);
	EXPECT_EQ(a.st_mode, b.st_mode);
	EXPECT_EQ(a.st_nlink, b.st_nlink);
	EXPECT_EQ(a.st_uid, b.st_uid);
	EXPECT_EQ(a.st_gid, b.st_gid);
	EXPECT_EQ(a.st_rdev, b.st_rdev);
	EXPECT_EQ(a.st_size, b.st_size);
	EXPECT_EQ(a.st_blocks, b.st_blocks);
	EXPECT_EQ(a.st_blksize, b.st_blksize);
	EXPECT_EQ(memcmp(&a.st_atim, &b.st_atim, sizeof(timespec)), 0);
	EXPECT_EQ(memcmp(&a.st_mtim, &b.st_mtim, sizeof(timespec)), 0);
	EXPECT_EQ(memcmp(&a.st_ctim, &b.st_ctim, sizeof(timespec)), 0);
}

} // namespace

TEST(Getattr, FstatHitFromHandler)
{
	TestFs fs(asked_every_time());
	fs.store.add_file("file", "12345");
	const sys::Fd fd(sys::open(fs.path("file"), O_RDONLY));
	struct stat st;
	ASSERT_EQ(sys::fstat(fd, &st), 0);

	const Counts c = during(fs, [&] {
		for (int i = 0; i < 5; i++) {
			ASSERT_EQ(sys::fstat(fd, &st), 0);
			expect_same(st, fs.store.stat("file"));
		}
	});
	EXPECT_EQ(c.sent_all(), 0) << c.text();
	EXPECT_EQ(c.driver(op).hit, 5) << c.text();
	EXPECT_EQ(c.driver(op).warm, 0) << c.text();
}

TEST(Getattr, FstatWarmFromInode)
{
	TestFs fs;
	fs.store.add_file("file", "12345");
	const sys::Fd fd(sys::open(fs.path("file"), O_RDONLY));
	struct stat st;
	sys::fstat(fd, &st);
	sys::fstat(fd, &st);
	const Counts c = during(fs, [&] {
		for (int i = 0; i < 5; i++)
			ASSERT_EQ(sys::fstat(fd, &st), 0);
	});
	expect_same(st, fs.store.stat("file"));
	EXPECT_EQ(c.sent_all(), 0) << c.text();
	EXPECT_EQ(c.driver(op).warm, 5) << c.text();
	EXPECT_EQ(c.driver(op).hit, 0) << c.text();
}

TEST(Getattr, MissGoesToTheDaemon)
{
	TestFs fs;
	fs.say.attrs = false;
	fs.store.add_file("file");
	const sys::Fd fd(sys::open(fs.path("file"), O_RDONLY));
	struct stat st;
	const Counts c = during(fs, [&] {
		for (int i = 0; i < 3; i++)
			ASSERT_EQ(sys::fstat(fd, &st), 0);
	});
	EXPECT_EQ(c.sent(Op::Getattr), 3) << c.text();
	EXPECT_EQ(c.driver(op).upcall, 3) << c.text();
	EXPECT_EQ(c.driver(op).sent, 3) << c.text();
}

// Every field, with values that show swapped or cut ones.
TEST(Getattr, EveryField)
{
	TestFs fs;
	fs.store.use_ids({{0xf234567890abcdef, 3}});
	const uint64_t node =
		fs.store.add_file("file", std::string(5000, 'x'), 06751, {70001, 70002});
	fs.store.set_size(node, 0x123456789abcd);
	fs.store.set_times(node, {0x187654321, 111111111}, {0x176543210, 222222222},
			   {0x165432109, 333333333});
	fs.store.link(node, Store::root, "other");
	fs.store.make(Store::root, "device", S_IFCHR | 0600, {}, makedev(259, 1048575));
	for (const char *name : {"file", "device"}) {
		sys::stat(fs.path(name));
		struct stat st;
		const Counts c = during(fs, [&] { ASSERT_EQ(sys::stat(fs.path(name), &st), 0); });
		EXPECT_EQ(c.sent_all(), 0) << c.text();
		expect_same(st, fs.store.stat(name));
	}
}

// Times before 1970 are sent as unsigned numbers and come back as they were.
TEST(Getattr, TimesBeforeTheEpoch)
{
	TestFs fs;
	const uint64_t node = fs.store.add_file("file");
	fs.store.set_times(node, {-5, 1}, {-86400, 2}, {-1, 999999999});
	sys::stat(fs.path("file"));
	struct stat st;
	const Counts c = during(fs, [&] { ASSERT_EQ(sys::stat(fs.path("file"), &st), 0); });
	EXPECT_EQ(c.sent_all(), 0) << c.text();
	expect_same(st, fs.store.stat("file"));
}

TEST(Getattr, RootDirectory)
{
	TestFs fs;
	sys::stat(fs.path());
	struct stat st;
	const Counts c = during(fs, [&] { ASSERT_EQ(sys::stat(fs.path(), &st), 0); });
	EXPECT_EQ(c.sent_all(), 0) << c.text();
	EXPECT_EQ(st.st_ino, Store::root);
}

// default_permissions: the check needs fresh attributes of the file, no request.
TEST(Getattr, AccessAsksNobody)
{
	TestFs fs;
	fs.store.add_file("file", "", 0640, {1000, 1000});
	sys::stat(fs.path("file"));
	const Counts c = during(fs, [&] {
		EXPECT_EQ(sys::as_user(1000,
				       [&] { return sys::access(fs.path("file"), R_OK | W_OK); }),
			  0);
		EXPECT_EQ(sys::as_user(1001, [&] { return sys::access(fs.path("file"), R_OK); }),
			  -EACCES);
		EXPECT_EQ(sys::as_user(1001, 1001, {1000},
				       [&] { return sys::access(fs.path("file"), R_OK); }),
			  0);
	});
	EXPECT_EQ(c.sent_all(), 0) << c.text();
	EXPECT_GE(c.served(op), 3) << c.text();
}

// statx with AT_STATX_FORCE_SYNC is a wish to ask the file system itself.
TEST(Getattr, ForceSyncGoesToTheDaemon)
{
	TestFs fs;
	fs.store.add_file("file", "abc");
	sys::stat(fs.path("file"));
	struct statx stx = {};
	const Counts c = during(fs, [&] {
		ASSERT_EQ(statx(AT_FDCWD, fs.path("file").c_str(), AT_STATX_FORCE_SYNC,
				STATX_BASIC_STATS, &stx),
			  0);
	});
	EXPECT_EQ(c.sent(Op::Getattr), 1) << c.text();
	EXPECT_EQ(stx.stx_size, 3);
}

TEST(Getattr, OfAnUnlinkedOpenFile)
{
	TestFs fs;
	fs.store.add_file("file", "abc");
	const sys::Fd fd(sys::open(fs.path("file"), O_RDONLY));
	ASSERT_EQ(sys::unlink(fs.path("file")), 0);
	struct stat st = {};
	ASSERT_EQ(sys::fstat(fd, &st), 0);
	EXPECT_EQ(st.st_nlink, 0);
	const Counts c = during(fs, [&] { ASSERT_EQ(sys::fstat(fd, &st), 0); });
	EXPECT_EQ(st.st_nlink, 0);
	EXPECT_EQ(st.st_size, 3);
	EXPECT_EQ(c.sent_all(), 0) << c.text();
}

} // namespace extfuse_test
