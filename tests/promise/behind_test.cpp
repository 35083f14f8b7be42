// SPDX-License-Identifier: GPL-2.0-only
//
// "Fresh" for changes behind the mount: from the moment invalidate returns, no
// answer computed before it is served; pages follow.
#include <gtest/gtest.h>

#include <sys/mman.h>
#include <sys/sendfile.h>

#include "sys.hpp"
#include "test_fs.hpp"

namespace extfuse_test
{

namespace
{

void warm(TestFs &fs, const std::vector<std::string> &names)
{
	for (int i = 0; i < 3; i++)
		for (const std::string &name : names)
			sys::stat(fs.path(name));
	const Counts c = during(fs, [&] {
		for (const std::string &name : names)
			sys::stat(fs.path(name));
	});
	ASSERT_EQ(c.sent_all(), 0) << "not warm: " << c.text();
}

Config keeping_pages()
{
	Config c;
	c.keep_cache = true;
	return c;
}

} // namespace

TEST(Behind, SizeAndModeAfterInvalidateNode)
{
	TestFs fs;
	const uint64_t node = fs.store.add_file("file", "12345");
	warm(fs, {"file"});
	struct stat to = {};
	to.st_mode = 0600;
	fs.store.setattr(node, to, 1 /* FUSE_SET_ATTR_MODE */);
	fs.store.set_size(node, 2);
	// Not told: what is cached is served. (Else this test shows nothing.)
	EXPECT_EQ(sys::attr(fs.path("file")).st_size, 5);
	extfuse_invalidate_node(fs.ext(), node);
	EXPECT_EQ(sys::attr(fs.path("file")).st_size, 2);
	EXPECT_EQ(sys::attr(fs.path("file")).st_mode & 07777, 0600U);
}

TEST(Behind, NameAfterInvalidateEntry)
{
	TestFs fs;
	fs.store.add_file("name");
	warm(fs, {"name"});
	const uint64_t other = fs.store.add_file("other");
	fs.store.rename(Store::root, "other", Store::root, "name");
	extfuse_invalidate_entry(fs.ext(), Store::root, "name");
	EXPECT_EQ(sys::attr(fs.path("name")).st_ino, other);
	fs.store.unlink(Store::root, "name");
	extfuse_invalidate_entry(fs.ext(), Store::root, "name");
	EXPECT_EQ(sys::stat(fs.path("name")), -ENOENT);
}

TEST(Behind, NegativeNameAfterInvalidateEntry)
{
	TestFs fs;
	warm(fs, {"name"});
	fs.store.add_file("name");
	EXPECT_EQ(sys::stat(fs.path("name")), -ENOENT); // not told
	extfuse_invalidate_entry(fs.ext(), Store::root, "name");
	EXPECT_EQ(sys::stat(fs.path("name")), 0);
}

// Of a long name, in a directory that is not the root.
TEST(Behind, LongNameAfterInvalidateEntry)
{
	TestFs fs;
	const uint64_t dir = fs.store.add_dir("dir");
	const std::string name(200, 'n');
	fs.store.add_file("dir/" + name);
	warm(fs, {"dir/" + name});
	fs.store.unlink(dir, name);
	extfuse_invalidate_entry(fs.ext(), dir, name.c_str());
	EXPECT_EQ(sys::stat(fs.path("dir/" + name)), -ENOENT);
}

TEST(Behind, EverythingAfterInvalidateAll)
{
	TestFs fs;
	const uint64_t dir = fs.store.add_dir("dir");
	const uint64_t a = fs.store.add_file("dir/a", "12345");
	fs.store.add_file("dir/b");
	warm(fs, {"dir", "dir/a", "dir/b", "absent"});
	fs.store.set_size(a, 1);
	fs.store.unlink(dir, "b");
	fs.store.add_file("absent");
	extfuse_invalidate_all(fs.ext());
	EXPECT_EQ(sys::attr(fs.path("dir/a")).st_size, 1);
	EXPECT_EQ(sys::stat(fs.path("dir/b")), -ENOENT);
	EXPECT_EQ(sys::stat(fs.path("absent")), 0);
}

TEST(Behind, DataFromMapsAfterInvalidateNode)
{
	Config config;
	config.direct_io = true;
	TestFs fs(config);
	const uint64_t node = fs.store.add_file("file", "old data");
	const sys::Fd fd(sys::open(fs.path("file"), O_RDONLY));
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(sys::read_at(fd, 8, 0), "old data");
	fs.store.replace_quietly(node, "NEW");
	extfuse_invalidate_node(fs.ext(), node);
	EXPECT_EQ(sys::read_at(fd, 8, 0), "NEW data");
}

// Neither size nor times have changed, and the file stays open: only the word
// tells. Fails without ext_drop_outdated_pages() in fuse_cache_read_iter().
TEST(Behind, PageCacheAfterInvalidateNode)
{
	TestFs fs(keeping_pages());
	const uint64_t node = fs.store.add_file("file", "old data");
	const sys::Fd fd(sys::open(fs.path("file"), O_RDONLY));
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(sys::read_at(fd, 8, 0), "old data");
	fs.store.replace_quietly(node, "NEW");
	EXPECT_EQ(sys::read_at(fd, 8, 0), "old data"); // not told
	extfuse_invalidate_node(fs.ext(), node);
	EXPECT_EQ(sys::read_at(fd, 8, 0), "NEW data");
}

TEST(Behind, PageCacheAfterInvalidateAll)
{
	TestFs fs(keeping_pages());
	const uint64_t node = fs.store.add_file("file", "old data");
	const sys::Fd fd(sys::open(fs.path("file"), O_RDONLY));
	sys::read_at(fd, 8, 0);
	fs.store.replace_quietly(node, "NEW");
	extfuse_invalidate_all(fs.ext());
	EXPECT_EQ(sys::read_at(fd, 8, 0), "NEW data");
}

TEST(Behind, PageCacheOfANewOpenAfterInvalidateNode)
{
	TestFs fs(keeping_pages());
	const uint64_t node = fs.store.add_file("file", "old data");
	EXPECT_EQ(sys::read_file(fs.path("file")), "old data");
	fs.store.replace_quietly(node, "NEW");
	extfuse_invalidate_node(fs.ext(), node);
	EXPECT_EQ(sys::read_file(fs.path("file")), "NEW data");
}

TEST(Behind, SendfileAfterInvalidateNode)
{
	TestFs fs(keeping_pages());
	const uint64_t node = fs.store.add_file("file", "old data");
	const sys::Fd fd(sys::open(fs.path("file"), O_RDONLY));
	sys::read_at(fd, 8, 0);
	fs.store.replace_quietly(node, "NEW");
	extfuse_invalidate_node(fs.ext(), node);
	int pipes[2];
	ASSERT_EQ(::pipe(pipes), 0);
	off_t from = 0;
	EXPECT_EQ(::sendfile(pipes[1], fd, &from, 8), 8);
	char got[9] = {};
	EXPECT_EQ(::read(pipes[0], got, 8), 8);
	EXPECT_STREQ(got, "NEW data");
	::close(pipes[0]);
	::close(pipes[1]);
}

TEST(Behind, NewMappingAfterInvalidateNode)
{
	TestFs fs(keeping_pages());
	const uint64_t node = fs.store.add_file("file", "old data");
	const sys::Fd fd(sys::open(fs.path("file"), O_RDONLY));
	sys::read_at(fd, 8, 0);
	fs.store.replace_quietly(node, "NEW");
	extfuse_invalidate_node(fs.ext(), node);
	void *map = mmap(nullptr, 4096, PROT_READ, MAP_SHARED, fd, 0);
	ASSERT_NE(map, MAP_FAILED);
	EXPECT_EQ(std::string(static_cast<char *>(map), 8), "NEW data");
	munmap(map, 4096);
}

// One node only: its neighbour stays where it is.
TEST(Behind, InvalidateIsNoMoreThanAsked)
{
	TestFs fs;
	const uint64_t a = fs.store.add_file("a");
	fs.store.add_file("b");
	warm(fs, {"a", "b"});
	extfuse_invalidate_node(fs.ext(), a);
	extfuse_invalidate_entry(fs.ext(), Store::root, "a");
	sys::stat(fs.path("a"));
	const Counts c = during(fs, [&] { EXPECT_EQ(sys::stat(fs.path("b")), 0); });
	EXPECT_EQ(c.sent_all(), 0) << c.text();
}

// Who may enter a directory changed behind the mount.
TEST(Behind, DirectoryClosedAfterInvalidateNode)
{
	TestFs fs;
	const uint64_t dir = fs.store.add_dir("dir", 0755);
	fs.store.add_file("dir/file");
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(sys::as_user(1000, [&] { return sys::stat(fs.path("dir/file")); }), 0);
	struct stat to = {};
	to.st_mode = 0700;
	fs.store.setattr(dir, to, 1 /* FUSE_SET_ATTR_MODE */);
	extfuse_invalidate_node(fs.ext(), dir);
	EXPECT_EQ(sys::as_user(1000, [&] { return sys::stat(fs.path("dir/file")); }), -EACCES);
}

// From inside request handlers and from many threads at once, while others look.
TEST(Behind, InvalidateFromAnyThreadNeverWaits)
{
	TestFs fs;
	const uint64_t node = fs.store.add_file("file", "12345");
	warm(fs, {"file"});
	std::atomic<bool> stop{false};
	std::vector<std::future<void>> threads;
	for (int t = 0; t < 3; t++)
		threads.push_back(sys::in_background([&] {
			while (!stop) {
				extfuse_invalidate_node(fs.ext(), node);
				extfuse_invalidate_entry(fs.ext(), Store::root, "file");
				extfuse_invalidate_all(fs.ext());
			}
		}));
	for (int size = 1; size < 100; size++) {
		fs.store.set_size(node, static_cast<uint64_t>(size));
		extfuse_invalidate_node(fs.ext(), node);
		EXPECT_EQ(sys::attr(fs.path("file")).st_size, size);
	}
	stop = true;
}

// The daemon's notifications of plain FUSE count as invalidations too.
TEST(Behind, NotifyInvalInodeAndEntry)
{
	TestFs fs;
	const uint64_t node = fs.store.add_file("file", "12345");
	warm(fs, {"file"});
	fs.store.set_size(node, 2);
	ASSERT_EQ(fuse_lowlevel_notify_inval_inode(fs.session(), node, -1, 0), 0);
	EXPECT_EQ(sys::attr(fs.path("file")).st_size, 2);

	warm(fs, {"file"});
	fs.store.unlink(Store::root, "file");
	ASSERT_EQ(fuse_lowlevel_notify_inval_entry(fs.session(), Store::root, "file", 4), 0);
	EXPECT_EQ(sys::stat(fs.path("file")), -ENOENT);
}

} // namespace extfuse_test
