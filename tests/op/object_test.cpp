// SPDX-License-Identifier: GPL-2.0-only
//
// READLINK, STATFS, ACCESS, LSEEK: answers about one node.
#include <gtest/gtest.h>

#include <sys/statfs.h>

#include "sys.hpp"
#include "test_fs.hpp"

namespace extfuse_test
{

namespace
{

std::string readlink(const std::string &path, size_t room = 5000)
{
	std::string target(room, '\0');
	const ssize_t n = ::readlink(path.c_str(), target.data(), room);
	if (n < 0)
		return strerrorname_np(errno);
	target.resize(static_cast<size_t>(n));
	return target;
}

// Free blocks, or a negative errno.
long free_blocks(const std::string &path)
{
	struct statfs st;
	return statfs(path.c_str(), &st) < 0 ? -errno : static_cast<long>(st.f_bfree);
}

long seek(int fd, long offset, int whence)
{
	const off_t at = lseek(fd, offset, whence);
	return at < 0 ? -errno : at;
}

Config checks_itself()
{
	Config config;
	config.default_permissions = false;
	return config;
}

} // namespace

TEST(Readlink, Hit)
{
	TestFs fs;
	const std::string path = fs.path("link");
	EXPECT_EQ(sys::symlink("some/where", path), 0);
	EXPECT_EQ(readlink(path), "some/where");
	EXPECT_EQ(readlink(path), "some/where");
	const Counts c = during(fs, [&] {
		for (int i = 0; i < 5; i++)
			EXPECT_EQ(readlink(path), "some/where");
		EXPECT_EQ(readlink(path, 4), "some");
	});
	EXPECT_EQ(c.sent(Op::Readlink), 0) << c.text();
	EXPECT_EQ(c.driver(EXTFUSE_OP_READLINK).hit, 6) << c.text();
}

TEST(Readlink, FollowedInAPath)
{
	TestFs fs;
	fs.store.add_dir("dir");
	fs.store.add_file("dir/file", "data");
	EXPECT_EQ(sys::symlink("dir", fs.path("link")), 0);
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(sys::read_file(fs.path("link/file")), "data");
	const Counts c = during(fs, [&] { EXPECT_EQ(sys::access(fs.path("link/file"), F_OK), 0); });
	EXPECT_EQ(c.sent_all(), 0) << c.text();
}

TEST(Readlink, TargetsOfEveryLength)
{
	TestFs fs;
	for (size_t size : {1, 7, 8, 255, 256, 257, 4095}) {
		const std::string target = std::string(size - 1, 't') + "e";
		const std::string path = fs.path("link" + std::to_string(size));
		ASSERT_EQ(sys::symlink(target, path), 0);
		EXPECT_EQ(readlink(path), target);
		EXPECT_EQ(readlink(path), target);
		const Counts c = during(fs, [&] { EXPECT_EQ(readlink(path), target); });
		EXPECT_EQ(c.sent(Op::Readlink), size <= EXTFUSE_OBJECT_MAX ? 0 : 1) << size;
	}
}

// Another link under the same name.
TEST(Readlink, Replaced)
{
	TestFs fs;
	const std::string path = fs.path("link");
	for (const char *target : {"one", "two", "a longer one", "x"}) {
		sys::unlink(path);
		ASSERT_EQ(sys::symlink(target, path), 0);
		for (int i = 0; i < 3; i++)
			EXPECT_EQ(readlink(path), target);
	}
}

TEST(Readlink, DetachAndMiss)
{
	TestFs fs;
	ASSERT_EQ(sys::symlink("target", fs.path("link")), 0);
	EXPECT_EQ(readlink(fs.path("link")), "target");
	ASSERT_EQ(extfuse_detach(fs.ext()), 0);
	const Counts c = during(fs, [&] { EXPECT_EQ(readlink(fs.path("link")), "target"); });
	EXPECT_EQ(c.sent(Op::Readlink), 1) << c.text();
}

TEST(Statfs, HitAndChange)
{
	TestFs fs;
	fs.store.add_file("file", "data");
	EXPECT_EQ(free_blocks(fs.path()), 1000);
	Counts c = during(fs, [&] {
		for (int i = 0; i < 3; i++)
			EXPECT_EQ(free_blocks(fs.path()), 1000);
	});
	EXPECT_EQ(c.sent(Op::Statfs), 0) << c.text();
	EXPECT_EQ(c.driver(EXTFUSE_OP_STATFS).hit, 3) << c.text();

	// Each of these takes or gives space.
	const std::string path = fs.path("new");
	const auto each = {
		std::function<int()>([&] { return sys::write_file(path, "x"); }),
		std::function<int()>([&] { return sys::truncate(path, 100); }),
		std::function<int()>([&] { return sys::mkdir(fs.path("dir")); }),
		std::function<int()>([&] { return sys::rmdir(fs.path("dir")); }),
		std::function<int()>([&] { return sys::unlink(path); }),
	};
	long expected = 1000;
	for (const auto &change : each) {
		EXPECT_EQ(free_blocks(fs.path()), expected);
		EXPECT_EQ(change(), 0);
		fs.free_blocks = static_cast<uint64_t>(--expected);
		EXPECT_EQ(free_blocks(fs.path()), expected);
		EXPECT_EQ(free_blocks(fs.path()), expected);
	}
	// Changes that are over do not count for ever.
	c = during(fs, [&] { free_blocks(fs.path()); });
	EXPECT_EQ(c.driver(EXTFUSE_OP_STATFS).hit, 1) << c.text();
	// Behind the mount.
	fs.free_blocks = 5;
	extfuse_invalidate_all(fs.ext());
	EXPECT_EQ(free_blocks(fs.path()), 5);
}

TEST(Statfs, AllFields)
{
	TestFs fs;
	struct statfs first, second;
	ASSERT_EQ(statfs(fs.path().c_str(), &first), 0);
	const Counts c = during(fs, [&] { EXPECT_EQ(statfs(fs.path().c_str(), &second), 0); });
	EXPECT_EQ(c.sent(Op::Statfs), 0) << c.text();
	EXPECT_EQ(memcmp(&first, &second, sizeof(first)), 0);
	EXPECT_EQ(second.f_blocks, 5000U);
	EXPECT_EQ(second.f_files, 70U);
	EXPECT_EQ(second.f_ffree, 7U);
	EXPECT_EQ(second.f_namelen, 255);
}

// While a change is under way nobody knows how full the file system is.
TEST(Statfs, NotWhileAWriteIsUnderWay)
{
	TestFs fs;
	fs.store.add_file("file");
	EXPECT_EQ(free_blocks(fs.path()), 1000);
	auto held = fs.hold(Op::Write, Stage::Done);
	auto writer =
		sys::in_background([&] { return sys::write_file(fs.path("file"), "x", O_WRONLY); });
	ASSERT_TRUE(held.wait());
	fs.free_blocks = 999;
	EXPECT_EQ(free_blocks(fs.path()), 999);
	fs.free_blocks = 998;
	EXPECT_EQ(free_blocks(fs.path()), 998);
	held.release();
	EXPECT_EQ(writer.get(), 0);
}

TEST(Access, PerCaller)
{
	TestFs fs(checks_itself());
	fs.store.add_file("file");
	fs.set_policy([](const fuse_ctx &caller, Op op, uint64_t, const char *) {
		return op == Op::Access && caller.uid == 1001 ? EACCES : 0;
	});
	const std::string path = fs.path("file");
	const auto ask = [&](uid_t uid) {
		return sys::as_user(uid, [&] { return sys::access(path, R_OK); });
	};
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(ask(1000), 0);
		EXPECT_EQ(ask(1001), -EACCES);
	}
	EXPECT_EQ(ask(1001), -EACCES);
	Counts c = during(fs, [&] {
		for (int i = 0; i < 3; i++)
			EXPECT_EQ(ask(1001), -EACCES);
	});
	EXPECT_EQ(c.sent(Op::Access), 0) << c.text();
	EXPECT_EQ(c.driver(EXTFUSE_OP_ACCESS).hit, 3) << c.text();
	// Another question about the same file.
	c = during(fs, [&] {
		sys::as_user(1001, [&] { EXPECT_EQ(sys::access(path, W_OK), -EACCES); });
	});
	EXPECT_EQ(c.sent(Op::Access), 1) << c.text();
	// Other groups, another caller.
	c = during(fs, [&] {
		sys::as_user(1001, 1001, {5}, [&] { EXPECT_EQ(sys::access(path, R_OK), -EACCES); });
	});
	EXPECT_EQ(c.sent(Op::Access), 1) << c.text();
}

TEST(Access, FollowsAChangeOfMode)
{
	TestFs fs(checks_itself());
	fs.store.add_file("file");
	const std::string path = fs.path("file");
	std::atomic<int> answer{0};
	fs.set_policy([&](const fuse_ctx &, Op op, uint64_t, const char *) {
		return op == Op::Access ? answer.load() : 0;
	});
	for (int error : {0, EACCES, 0, EPERM, EROFS, EIO, 0}) {
		EXPECT_EQ(sys::chmod(path, 0600), 0);
		answer = error;
		for (int i = 0; i < 3; i++)
			EXPECT_EQ(sys::access(path, R_OK), -error);
	}
}

TEST(Lseek, DataAndHoles)
{
	TestFs fs;
	const uint64_t node = fs.store.add_file("file");
	fs.store.write(node, 8192, std::string(4096, 'd'));
	fs.store.set_size(node, 20000);
	const sys::Fd fd(sys::open(fs.path("file"), O_RDONLY));
	const auto all = [&] {
		EXPECT_EQ(seek(fd, 0, SEEK_DATA), 8192);
		EXPECT_EQ(seek(fd, 8192, SEEK_HOLE), 12288);
		EXPECT_EQ(seek(fd, 12288, SEEK_DATA), -ENXIO);
		EXPECT_EQ(seek(fd, 0, SEEK_HOLE), 0);
		EXPECT_EQ(seek(fd, 9000, SEEK_DATA), 9000);
		EXPECT_EQ(seek(fd, 20000, SEEK_DATA), -ENXIO);
	};
	all();
	const Counts c = during(fs, all);
	EXPECT_EQ(c.sent(Op::Lseek), 0) << c.text();
	EXPECT_EQ(c.driver(EXTFUSE_OP_LSEEK).hit, 6) << c.text();
	// The position is the file's, not the answer's.
	EXPECT_EQ(seek(fd, 0, SEEK_DATA), 8192);
	EXPECT_EQ(seek(fd, 0, SEEK_CUR), 8192);
}

TEST(Lseek, FollowsWrites)
{
	TestFs fs;
	const uint64_t node = fs.store.add_file("file");
	fs.store.set_size(node, 65536);
	const sys::Fd fd(sys::open(fs.path("file"), O_RDWR));
	EXPECT_EQ(seek(fd, 0, SEEK_DATA), -ENXIO);
	for (long at : {40960, 16384, 4096}) {
		EXPECT_EQ(sys::pwrite(fd, "x", static_cast<uint64_t>(at)), 1);
		for (int i = 0; i < 2; i++)
			EXPECT_EQ(seek(fd, 0, SEEK_DATA), at);
	}
}

TEST(Lseek, Beyond4GiB)
{
	TestFs fs;
	const uint64_t node = fs.store.add_file("file"), far = 5ULL << 32;
	fs.store.write(node, far, "x");
	const sys::Fd fd(sys::open(fs.path("file"), O_RDONLY));
	const long from = static_cast<long>(far) - 8192;
	for (int i = 0; i < 2; i++) {
		EXPECT_EQ(seek(fd, from, SEEK_DATA), static_cast<long>(far));
		EXPECT_EQ(seek(fd, static_cast<long>(far), SEEK_HOLE), static_cast<long>(far) + 1);
	}
}

// All kinds at once in caches of four entries.
TEST(ObjectFull, RightAnswers)
{
	Config config;
	config.kind = Kind::Tiny;
	config.default_permissions = false;
	TestFs fs(config);
	for (int i = 0; i < 40; i++)
		ASSERT_EQ(sys::symlink("to" + std::to_string(i), fs.path("l" + std::to_string(i))),
			  0);
	for (int pass = 0; pass < 3; pass++)
		for (int i = 0; i < 40; i++) {
			const std::string path = fs.path("l" + std::to_string(i));
			EXPECT_EQ(readlink(path), "to" + std::to_string(i));
			EXPECT_EQ(free_blocks(fs.path()), 1000);
			EXPECT_EQ(sys::access(fs.path(), R_OK), 0);
		}
}

} // namespace extfuse_test
