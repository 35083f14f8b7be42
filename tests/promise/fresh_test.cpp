// SPDX-License-Identifier: GPL-2.0-only
//
// "Fresh": every change made through the mount is seen by what comes after it,
// though everything around it was cached a moment ago.
//
// Each test first makes the kernel hold the old answer (warmed), then changes,
// then looks. A driver that marks too little fails here.
#include <gtest/gtest.h>

#include <sys/mman.h>
#include <sys/time.h>

#include <cstring>

#include "sys.hpp"
#include "test_fs.hpp"

namespace extfuse_test
{

namespace
{

// Names and attributes of these are in maps, dentries and inodes; checked.
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

// What the mount says is what the store has.
void expect_current(TestFs &fs, const std::string &name)
{
	const struct stat want = fs.store.stat(name);
	struct stat got = {};

	ASSERT_EQ(sys::stat(fs.path(name), &got), 0) << name;
	EXPECT_EQ(got.st_ino, want.st_ino) << name;
	EXPECT_EQ(got.st_mode, want.st_mode) << name;
	EXPECT_EQ(got.st_nlink, want.st_nlink) << name;
	EXPECT_EQ(got.st_uid, want.st_uid) << name;
	EXPECT_EQ(got.st_gid, want.st_gid) << name;
	EXPECT_EQ(got.st_size, want.st_size) << name;
	EXPECT_EQ(got.st_mtim.tv_sec, want.st_mtim.tv_sec) << name;
	EXPECT_EQ(got.st_mtim.tv_nsec, want.st_mtim.tv_nsec) << name;
	EXPECT_EQ(got.st_ctim.tv_sec, want.st_ctim.tv_sec) << name;
	EXPECT_EQ(got.st_ctim.tv_nsec, want.st_ctim.tv_nsec) << name;
}

// How much the driver alone has to know.
enum class Replies {
	Put, // the replies of changes are put, under predicted words
	NotPut,
	// Nor do inodes remember anything: attributes are for one user, so that every
	// stat is the handler's answer, and only the word tells that it is outdated.
	ForOneUser,
};

class Fresh : public testing::TestWithParam<Replies>
{
protected:
	TestFs fs;
	Fresh()
	{
		fs.say.changes = GetParam() == Replies::Put;
		if (GetParam() == Replies::ForOneUser)
			fs.say.attr = EXTFUSE_SCOPE_UID;
	}
};

} // namespace

INSTANTIATE_TEST_SUITE_P(Replies, Fresh,
			 testing::Values(Replies::Put, Replies::NotPut, Replies::ForOneUser),
			 [](const auto &info) -> std::string {
				 switch (info.param) {
				 case Replies::Put:
					 return "Put";
				 case Replies::NotPut:
					 return "NotPut";
				 default:
					 return "ForOneUser";
				 }
			 });

TEST_P(Fresh, TruncateThenStat)
{
	fs.store.add_file("file", "0123456789");
	warm(fs, {"file"});
	ASSERT_EQ(sys::truncate(fs.path("file"), 3), 0);
	EXPECT_EQ(sys::attr(fs.path("file")).st_size, 3);
	expect_current(fs, "file");
	ASSERT_EQ(sys::truncate(fs.path("file"), 7), 0);
	expect_current(fs, "file");
}

TEST_P(Fresh, FtruncateThenStatAndRead)
{
	fs.store.add_file("file", "0123456789");
	const sys::Fd fd(sys::open(fs.path("file"), O_RDWR));
	sys::read_at(fd, 100, 0);
	warm(fs, {"file"});
	ASSERT_EQ(::ftruncate(fd, 4), 0);
	EXPECT_EQ(sys::read_at(fd, 100, 0), "0123");
	expect_current(fs, "file");
	ASSERT_EQ(::ftruncate(fd, 6), 0);
	EXPECT_EQ(sys::read_at(fd, 100, 0), std::string("0123\0\0", 6));
}

TEST_P(Fresh, ChmodThenStat)
{
	fs.store.add_file("file");
	warm(fs, {"file"});
	ASSERT_EQ(sys::chmod(fs.path("file"), 0751), 0);
	expect_current(fs, "file");
}

TEST_P(Fresh, ChownThenStat)
{
	fs.store.add_file("file");
	warm(fs, {"file"});
	ASSERT_EQ(sys::chown(fs.path("file"), 1234, 5678), 0);
	expect_current(fs, "file");
}

TEST_P(Fresh, UtimensThenStat)
{
	fs.store.add_file("file");
	warm(fs, {"file"});
	const timespec times[2] = {{1111, 222}, {3333, 444}};
	ASSERT_EQ(::utimensat(AT_FDCWD, fs.path("file").c_str(), times, 0), 0);
	EXPECT_EQ(sys::attr(fs.path("file")).st_mtim.tv_sec, 3333);
	EXPECT_EQ(sys::attr(fs.path("file")).st_atim.tv_sec, 1111);
	expect_current(fs, "file");
}

TEST_P(Fresh, WriteThenReadByAnotherDescriptor)
{
	fs.store.add_file("file", "old data");
	const sys::Fd reader(sys::open(fs.path("file"), O_RDONLY));
	const sys::Fd writer(sys::open(fs.path("file"), O_WRONLY));
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(sys::read_at(reader, 100, 0), "old data");
	warm(fs, {"file"});
	ASSERT_EQ(sys::pwrite(writer, "NEW", 0), 3);
	EXPECT_EQ(sys::read_at(reader, 100, 0), "NEW data");
	ASSERT_EQ(sys::pwrite(writer, "and longer", 8), 10);
	EXPECT_EQ(sys::read_at(reader, 100, 0), "NEW dataand longer");
	expect_current(fs, "file");
}

// Written back in the background, by a request that nobody waits for.
TEST_P(Fresh, MmapWriteThenReadPastThePageCache)
{
	fs.store.add_file("file", std::string(8192, 'o'));
	const sys::Fd direct(sys::open(fs.path("file"), O_RDONLY | O_DIRECT));
	const sys::Fd fd(sys::open(fs.path("file"), O_RDWR));
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(sys::read_at(direct, 4096, 4096), std::string(4096, 'o'));
	warm(fs, {"file"});
	void *map = mmap(nullptr, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_NE(map, MAP_FAILED);
	memset(static_cast<char *>(map) + 4096, 'n', 4096);
	ASSERT_EQ(msync(map, 8192, MS_SYNC), 0);
	EXPECT_EQ(fs.store.content("file"), std::string(4096, 'o') + std::string(4096, 'n'));
	EXPECT_EQ(sys::read_at(direct, 4096, 4096), std::string(4096, 'n'));
	expect_current(fs, "file");
	munmap(map, 8192);
}

TEST_P(Fresh, AppendThenStat)
{
	fs.store.add_file("file", "12345");
	warm(fs, {"file"});
	const sys::Fd fd(sys::open(fs.path("file"), O_WRONLY | O_APPEND));
	ASSERT_EQ(::write(fd, "678", 3), 3);
	EXPECT_EQ(sys::attr(fs.path("file")).st_size, 8);
	expect_current(fs, "file");
}

TEST_P(Fresh, RenameOverCachedName)
{
	const uint64_t from = fs.store.add_file("from", "new");
	fs.store.add_file("to", "old!");
	warm(fs, {"from", "to"});
	ASSERT_EQ(sys::rename(fs.path("from"), fs.path("to")), 0);
	EXPECT_EQ(sys::stat(fs.path("from")), -ENOENT);
	EXPECT_EQ(sys::attr(fs.path("to")).st_ino, from);
	EXPECT_EQ(sys::read_file(fs.path("to")), "new");
	expect_current(fs, "to");
}

TEST_P(Fresh, RenameAcrossDirectories)
{
	fs.store.add_dir("a");
	fs.store.add_dir("b");
	fs.store.add_file("a/name", "1");
	const uint64_t replaced = fs.store.add_file("b/name", "22");
	fs.store.link(replaced, Store::root, "hard");
	warm(fs, {"a", "b", "a/name", "b/name", "hard"});

	ASSERT_EQ(sys::rename(fs.path("a/name"), fs.path("b/name")), 0);
	EXPECT_EQ(sys::stat(fs.path("a/name")), -ENOENT); // old name
	EXPECT_EQ(sys::attr(fs.path("b/name")).st_size, 1); // new name
	expect_current(fs, "b/name");
	expect_current(fs, "a"); // both parents' times
	expect_current(fs, "b");
	expect_current(fs, "hard"); // the replaced inode has one link less
	EXPECT_EQ(sys::attr(fs.path("hard")).st_nlink, 1);
}

TEST_P(Fresh, RenameOfADirectoryAcrossDirectories)
{
	fs.store.add_dir("a");
	fs.store.add_dir("b");
	fs.store.add_dir("a/sub");
	fs.store.add_file("a/sub/file", "1");
	warm(fs, {"a", "b", "a/sub", "a/sub/file"});
	ASSERT_EQ(sys::rename(fs.path("a/sub"), fs.path("b/moved")), 0);
	EXPECT_EQ(sys::stat(fs.path("a/sub/file")), -ENOENT);
	for (const char *name : {"a", "b", "b/moved", "b/moved/file"})
		expect_current(fs, name);
}

TEST_P(Fresh, RenameExchange)
{
	const uint64_t a = fs.store.add_file("a", "1");
	const uint64_t b = fs.store.add_file("b", "22");
	warm(fs, {"a", "b"});
	ASSERT_EQ(sys::rename(fs.path("a"), fs.path("b"), RENAME_EXCHANGE), 0);
	EXPECT_EQ(sys::attr(fs.path("a")).st_ino, b);
	EXPECT_EQ(sys::attr(fs.path("b")).st_ino, a);
	expect_current(fs, "a");
	expect_current(fs, "b");
}

TEST_P(Fresh, RenameOntoNegative)
{
	fs.store.add_file("from");
	warm(fs, {"from", "to"});
	EXPECT_EQ(sys::stat(fs.path("to")), -ENOENT);
	ASSERT_EQ(sys::rename(fs.path("from"), fs.path("to")), 0);
	expect_current(fs, "to");
	EXPECT_EQ(sys::stat(fs.path("from")), -ENOENT);
}

TEST_P(Fresh, UnlinkThenStat)
{
	fs.store.add_file("file");
	warm(fs, {"file", ""});
	ASSERT_EQ(sys::unlink(fs.path("file")), 0);
	EXPECT_EQ(sys::stat(fs.path("file")), -ENOENT);
	expect_current(fs, ""); // the parent
}

TEST_P(Fresh, UnlinkAndRecreate)
{
	const uint64_t before = fs.store.add_file("file", "old");
	warm(fs, {"file"});
	ASSERT_EQ(sys::unlink(fs.path("file")), 0);
	ASSERT_EQ(sys::write_file(fs.path("file"), "newer"), 0);
	EXPECT_NE(sys::attr(fs.path("file")).st_ino, before);
	EXPECT_EQ(sys::read_file(fs.path("file")), "newer");
	expect_current(fs, "file");
}

TEST_P(Fresh, UnlinkShowsInAnotherHardLink)
{
	const uint64_t node = fs.store.add_file("a");
	fs.store.link(node, Store::root, "b");
	warm(fs, {"a", "b"});
	ASSERT_EQ(sys::unlink(fs.path("a")), 0);
	EXPECT_EQ(sys::attr(fs.path("b")).st_nlink, 1);
	expect_current(fs, "b");
}

TEST_P(Fresh, LinkShowsInTheOldName)
{
	fs.store.add_file("a");
	fs.store.add_dir("dir");
	warm(fs, {"a", "dir", "dir/b"});
	ASSERT_EQ(sys::link(fs.path("a"), fs.path("dir/b")), 0);
	EXPECT_EQ(sys::attr(fs.path("a")).st_nlink, 2);
	expect_current(fs, "a");
	expect_current(fs, "dir/b");
	expect_current(fs, "dir");
}

TEST_P(Fresh, MkdirAndRmdirShowInTheParent)
{
	fs.store.add_dir("dir");
	warm(fs, {"dir", "dir/sub"});
	ASSERT_EQ(sys::mkdir(fs.path("dir/sub")), 0);
	EXPECT_EQ(sys::attr(fs.path("dir")).st_nlink, 3);
	expect_current(fs, "dir");
	expect_current(fs, "dir/sub");
	warm(fs, {"dir", "dir/sub"});
	ASSERT_EQ(sys::rmdir(fs.path("dir/sub")), 0);
	EXPECT_EQ(sys::attr(fs.path("dir")).st_nlink, 2);
	EXPECT_EQ(sys::stat(fs.path("dir/sub")), -ENOENT);
	expect_current(fs, "dir");
}

TEST_P(Fresh, SymlinkShowsAtOnce)
{
	warm(fs, {"", "link"});
	ASSERT_EQ(sys::symlink("somewhere", fs.path("link")), 0);
	expect_current(fs, "link");
	expect_current(fs, "");
	char target[32] = {};
	EXPECT_EQ(::readlink(fs.path("link").c_str(), target, sizeof(target)), 9);
	EXPECT_STREQ(target, "somewhere");
}

TEST_P(Fresh, NegativeThenCreate)
{
	warm(fs, {"file"});
	ASSERT_EQ(sys::write_file(fs.path("file"), "data"), 0);
	expect_current(fs, "file");
	EXPECT_EQ(sys::read_file(fs.path("file")), "data");
	expect_current(fs, "");
}

TEST_P(Fresh, NegativeThenExclusiveCreate)
{
	warm(fs, {"file"});
	ASSERT_EQ(sys::write_file(fs.path("file"), "data", O_CREAT | O_EXCL | O_WRONLY), 0);
	EXPECT_EQ(sys::write_file(fs.path("file"), "data", O_CREAT | O_EXCL | O_WRONLY), -EEXIST);
	expect_current(fs, "file");
}

TEST_P(Fresh, NegativeThenMkdirMknodSymlinkLink)
{
	fs.store.add_file("file");
	warm(fs, {"dir", "fifo", "symlink", "hard", "file"});
	ASSERT_EQ(sys::mkdir(fs.path("dir")), 0);
	ASSERT_EQ(::mknod(fs.path("fifo").c_str(), S_IFIFO | 0644, 0), 0);
	ASSERT_EQ(sys::symlink("x", fs.path("symlink")), 0);
	ASSERT_EQ(sys::link(fs.path("file"), fs.path("hard")), 0);
	for (const char *name : {"dir", "fifo", "symlink", "hard", "file", ""})
		expect_current(fs, name);
}

// open(O_CREAT|O_TRUNC) of a name that the kernel does not know, of a file that
// it knows well by another name: see ext_create_keeps_size().
TEST_P(Fresh, CreateTruncOfAFileKnownByAnotherName)
{
	const uint64_t node = fs.store.add_file("known", "0123456789");
	warm(fs, {"known"});
	EXPECT_EQ(sys::read_file(fs.path("known")), "0123456789");
	fs.store.link(node, Store::root, "unknown");
	extfuse_invalidate_node(fs.ext(), node); // nlink
	warm(fs, {"known"});

	const sys::Fd fd(sys::open(fs.path("unknown"), O_CREAT | O_TRUNC | O_RDWR));
	ASSERT_GE(fd, 0);
	EXPECT_EQ(sys::attr(fs.path("known")).st_size, 0);
	EXPECT_EQ(sys::read_file(fs.path("known")), "");
	expect_current(fs, "known");
	ASSERT_EQ(sys::pwrite(fd, "new", 0), 3);
	EXPECT_EQ(sys::read_file(fs.path("known")), "new");
	expect_current(fs, "known");
}

// The same, where the name is negative in the kernel, so that CREATE is sent.
TEST_P(Fresh, CreateTruncOfAFileMadeBehindANegativeName)
{
	const uint64_t node = fs.store.add_file("known", "0123456789");
	warm(fs, {"known", "other"}); // "other" is negative
	fs.store.link(node, Store::root, "other"); // and nobody is told
	EXPECT_EQ(sys::stat(fs.path("other")), -ENOENT);

	const sys::Fd fd(sys::open(fs.path("other"), O_CREAT | O_TRUNC | O_RDWR));
	ASSERT_GE(fd, 0);
	EXPECT_EQ(sys::attr(fs.path("known")).st_size, 0);
	EXPECT_EQ(fs.store.stat("known").st_size, 0);
	EXPECT_EQ(sys::attr(fs.path("other")).st_size, 0);
}

TEST_P(Fresh, OpenTruncThenStat)
{
	fs.store.add_file("file", "0123456789");
	warm(fs, {"file"});
	const sys::Fd fd(sys::open(fs.path("file"), O_WRONLY | O_TRUNC));
	ASSERT_GE(fd, 0);
	EXPECT_EQ(sys::attr(fs.path("file")).st_size, 0);
	expect_current(fs, "file");
}

TEST_P(Fresh, FallocateThenStat)
{
	fs.store.add_file("file", "123");
	const sys::Fd fd(sys::open(fs.path("file"), O_RDWR));
	warm(fs, {"file"});
	ASSERT_EQ(::fallocate(fd, 0, 0, 10000), 0);
	EXPECT_EQ(sys::attr(fs.path("file")).st_size, 10000);
	expect_current(fs, "file");
}

TEST_P(Fresh, CopyFileRangeThenStatAndRead)
{
	fs.store.add_file("from", "0123456789");
	fs.store.add_file("to", "abc");
	const sys::Fd in(sys::open(fs.path("from"), O_RDONLY));
	const sys::Fd out(sys::open(fs.path("to"), O_RDWR));
	sys::read_at(out, 100, 0);
	warm(fs, {"from", "to"});
	loff_t from = 0, to = 0;
	ASSERT_EQ(::copy_file_range(in, &from, out, &to, 10, 0), 10);
	EXPECT_EQ(sys::attr(fs.path("to")).st_size, 10);
	EXPECT_EQ(sys::read_at(out, 100, 0), "0123456789");
	expect_current(fs, "to");
}

TEST_P(Fresh, SetxattrChangesCtime)
{
	fs.store.add_file("file");
	warm(fs, {"file"});
	ASSERT_EQ(sys::set_xattr(fs.path("file"), "user.a", "value"), 0);
	expect_current(fs, "file");
	warm(fs, {"file"});
	ASSERT_EQ(::removexattr(fs.path("file").c_str(), "user.a"), 0);
	expect_current(fs, "file");
}

// By the kernel's rule a first read after a write moves the access time.
TEST_P(Fresh, AtimeAfterRead)
{
	const uint64_t node = fs.store.add_file("file", "data");
	fs.store.set_times(node, {1000, 0}, {2000, 0}, {2000, 0});
	warm(fs, {"file"});
	EXPECT_EQ(sys::attr(fs.path("file")).st_atim.tv_sec, 1000);
	EXPECT_EQ(sys::read_file(fs.path("file")), "data");
	const struct stat want = fs.store.stat("file");
	ASSERT_GT(want.st_atim.tv_sec, 2000);
	const struct stat got = sys::attr(fs.path("file"));
	EXPECT_EQ(got.st_atim.tv_sec, want.st_atim.tv_sec);
	EXPECT_EQ(got.st_atim.tv_nsec, want.st_atim.tv_nsec);
}

// Changes while nobody answers in the kernel count as well.
TEST_P(Fresh, ChangedWhileDetached)
{
	const uint64_t node = fs.store.add_file("file", "0123456789");
	fs.store.link(node, Store::root, "hard");
	warm(fs, {"file", "hard", "absent"});
	ASSERT_EQ(extfuse_detach(fs.ext()), 0);
	ASSERT_EQ(sys::truncate(fs.path("file"), 3), 0);
	ASSERT_EQ(sys::unlink(fs.path("hard")), 0);
	ASSERT_EQ(sys::write_file(fs.path("absent"), "x"), 0);
	ASSERT_EQ(extfuse_attach(fs.ext()), 0);
	EXPECT_EQ(sys::stat(fs.path("hard")), -ENOENT);
	expect_current(fs, "file");
	expect_current(fs, "absent");
	EXPECT_EQ(sys::attr(fs.path("file")).st_size, 3);
	EXPECT_EQ(sys::attr(fs.path("file")).st_nlink, 1);
}

} // namespace extfuse_test
