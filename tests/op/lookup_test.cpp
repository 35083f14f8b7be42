// SPDX-License-Identifier: GPL-2.0-only
//
// LOOKUP: what is answered in the kernel, from a handler and from the dentry.
#include <gtest/gtest.h>

#include <dirent.h>

#include "sys.hpp"
#include "test_fs.hpp"

namespace extfuse_test
{

namespace
{

constexpr auto op = EXTFUSE_OP_LOOKUP;

Config asked_every_time()
{
	Config c;
	c.remember = false;
	return c;
}

} // namespace

TEST(Lookup, PositiveHitFromHandler)
{
	TestFs fs(asked_every_time());
	fs.store.add_file("name", "data");

	Counts c = during(fs, [&] { EXPECT_EQ(sys::stat(fs.path("name")), 0); });
	EXPECT_EQ(c.sent(Op::Lookup), 1) << c.text();
	EXPECT_EQ(c.served(op), 0) << c.text();

	c = during(fs, [&] {
		for (int i = 0; i < 5; i++)
			EXPECT_EQ(sys::attr(fs.path("name")).st_size, 4);
	});
	EXPECT_EQ(c.sent_all(), 0) << c.text();
	EXPECT_EQ(c.driver(op).hit, 5) << c.text();
	EXPECT_EQ(c.driver(op).warm, 0) << c.text();
	EXPECT_EQ(c.lib.handler[op].hit, 5) << c.text();
}

TEST(Lookup, PositiveWarmFromDentry)
{
	TestFs fs;
	fs.store.add_file("name");
	sys::stat(fs.path("name"));
	sys::stat(fs.path("name"));

	const Counts c = during(fs, [&] {
		for (int i = 0; i < 5; i++)
			EXPECT_EQ(sys::stat(fs.path("name")), 0);
	});
	EXPECT_EQ(c.sent_all(), 0) << c.text();
	EXPECT_EQ(c.driver(op).warm, 5) << c.text();
	EXPECT_EQ(c.driver(op).hit, 0) << c.text();
}

TEST(Lookup, NegativeHitFromHandler)
{
	TestFs fs(asked_every_time());
	Counts c = during(fs, [&] { EXPECT_EQ(sys::stat(fs.path("absent")), -ENOENT); });
	EXPECT_EQ(c.sent(Op::Lookup), 1) << c.text();

	c = during(fs, [&] {
		for (int i = 0; i < 5; i++)
			EXPECT_EQ(sys::stat(fs.path("absent")), -ENOENT);
	});
	EXPECT_EQ(c.sent_all(), 0) << c.text();
	EXPECT_EQ(c.driver(op).hit, 5) << c.text();
	EXPECT_EQ(c.lib.handler[op].negative, 5) << c.text();
}

TEST(Lookup, NegativeWarmFromDentry)
{
	TestFs fs;
	sys::stat(fs.path("absent"));
	sys::stat(fs.path("absent"));
	const Counts c = during(fs, [&] { EXPECT_EQ(sys::stat(fs.path("absent")), -ENOENT); });
	EXPECT_EQ(c.sent_all(), 0) << c.text();
	EXPECT_EQ(c.driver(op).warm, 1) << c.text();
}

// After the dentry has gone the name still means nothing: a handler may say so
// without an inode.
TEST(Lookup, NegativeHitWithoutDentry)
{
	TestFs fs;
	sys::stat(fs.path("absent"));
	sys::drop_caches();
	sys::stat(fs.path()); // the root's attributes have not gone
	const Counts c = during(fs, [&] { EXPECT_EQ(sys::stat(fs.path("absent")), -ENOENT); });
	EXPECT_EQ(c.sent(Op::Lookup), 0) << c.text();
	EXPECT_EQ(c.driver(op).hit, 1) << c.text();
}

TEST(Lookup, MissOfAnUnknownName)
{
	TestFs fs;
	const Counts c = during(fs, [&] { EXPECT_EQ(sys::stat(fs.path("absent")), -ENOENT); });
	EXPECT_EQ(c.driver(op).upcall, 1) << c.text();
	EXPECT_EQ(c.lib.handler[op].miss[EXTFUSE_MISS_ABSENT], 1) << c.text();
	EXPECT_EQ(c.driver(op).sent, 1) << c.text();
}

TEST(Lookup, DeepPathHasNoRequest)
{
	TestFs fs;
	std::string dir, path;
	for (const char *part : {"a", "bb", "ccc", "dddd", "eeeee", "ffffff", "ggggggg"}) {
		dir += (dir.empty() ? "" : "/") + std::string(part);
		fs.store.add_dir(dir);
	}
	path = dir + "/file";
	fs.store.add_file(path, "12345");
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(sys::stat(fs.path(path)), 0);

	const Counts c = during(fs, [&] {
		const struct stat st = sys::attr(fs.path(path));
		EXPECT_EQ(st.st_size, 5);
		EXPECT_EQ(st.st_ino, fs.store.at(path));
	});
	EXPECT_EQ(c.sent_all(), 0) << c.text();
	EXPECT_EQ(c.driver(op).warm, 8) << c.text();
}

// Two names of a node: the second is a hit without a dentry of its own, since the
// inode is there.
TEST(Lookup, HitForAnotherNameOfALivingInode)
{
	TestFs fs;
	const uint64_t node = fs.store.add_file("first");
	fs.store.link(node, Store::root, "second");
	EXPECT_EQ(sys::stat(fs.path("second")), 0);
	sys::Fd keep(sys::open(fs.path("first"), O_RDONLY));
	ASSERT_GE(keep, 0);
	sys::drop_caches(); // the dentry of "second" goes, the inode stays

	const Counts c = during(fs, [&] { EXPECT_EQ(sys::attr(fs.path("second")).st_ino, node); });
	EXPECT_EQ(c.sent(Op::Lookup), 0) << c.text();
	EXPECT_EQ(c.driver(op).hit, 1) << c.text();
}

// Errors of a lookup that are not "absent" are the daemon's every time.
TEST(Lookup, FileIsNoDirectory)
{
	TestFs fs;
	fs.store.add_file("file");
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(sys::stat(fs.path("file/below")), -ENOTDIR);
}

TEST(Lookup, AcrossAllNameLengths)
{
	TestFs fs;
	// Around words, inline names, the longest one.
	for (size_t len : {1, 7, 8, 9, 31, 32, 33, 34, 40, 63, 64, 65, 127, 254, 255}) {
		SCOPED_TRACE(len);
		std::string name(len, 'x');
		for (size_t i = 0; i < len; i++)
			name[i] = static_cast<char>('a' + (i * 7 + len) % 26);
		const uint64_t node = fs.store.add_file(name);
		EXPECT_EQ(sys::stat(fs.path(name)), 0);
		const Counts c =
			during(fs, [&] { EXPECT_EQ(sys::attr(fs.path(name)).st_ino, node); });
		EXPECT_EQ(c.sent_all(), 0) << c.text();
		EXPECT_EQ(c.driver(op).hit, 1) << c.text();
	}
}

// Longer than any slot has room for: always the daemon's business.
TEST(Lookup, NamesOfMoreThan255BytesGoUp)
{
	TestFs fs;
	for (size_t len : {256, 300, 1024}) {
		const std::string name(len, 'x');
		const uint64_t node = fs.store.add_file(name);
		sys::stat(fs.path(name));
		const Counts c =
			during(fs, [&] { EXPECT_EQ(sys::attr(fs.path(name)).st_ino, node); });
		EXPECT_GE(c.sent(Op::Lookup), 1) << c.text();
	}
	EXPECT_EQ(sys::stat(fs.path(std::string(1025, 'x'))), -ENAMETOOLONG);
}

// Long names that differ in their last byte only, and after the 32 inline ones.
TEST(Lookup, LongNamesAreComparedToTheirEnd)
{
	TestFs fs;
	const std::string stem(254, 'n');
	const uint64_t a = fs.store.add_file(stem + "a");
	const uint64_t b = fs.store.add_file(stem + "b");
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(sys::attr(fs.path(stem + "a")).st_ino, a);
		EXPECT_EQ(sys::attr(fs.path(stem + "b")).st_ino, b);
		EXPECT_EQ(sys::stat(fs.path(stem + "c")), -ENOENT);
	}
}

TEST(Lookup, BytesAboveAscii)
{
	TestFs fs;
	std::string every;
	for (int b = 1; b < 256; b++)
		if (b != '/')
			every += static_cast<char>(b);
	for (const std::string &name :
	     {std::string("\xff\xfe\x80"), std::string("\xc3\xa4\xc3\xb6"), every.substr(0, 32),
	      every.substr(120, 100), every}) {
		const uint64_t node = fs.store.add_file(name);
		sys::stat(fs.path(name));
		const Counts c =
			during(fs, [&] { EXPECT_EQ(sys::attr(fs.path(name)).st_ino, node); });
		EXPECT_EQ(c.sent_all(), 0) << c.text();
	}
}

TEST(Lookup, NodeIdsOf64Bits)
{
	TestFs fs;
	fs.store.use_ids({{0xfedcba9876543210, 0},
			  {0x7fffffffffffffff, 0xffffffff},
			  {0x0000000100000001, 7}});
	for (const char *name : {"high", "max", "low"}) {
		const uint64_t node = fs.store.add_file(name, name);
		sys::stat(fs.path(name));
		const Counts c =
			during(fs, [&] { EXPECT_EQ(sys::attr(fs.path(name)).st_ino, node); });
		EXPECT_EQ(c.sent_all(), 0) << name << ' ' << c.text();
	}
}

// Switched off, a handler is asked and says no; switched on again, its old
// answers are good, for nothing has changed.
TEST(Lookup, SwitchedOffAndOn)
{
	TestFs fs(asked_every_time());
	fs.store.add_file("name");
	sys::stat(fs.path("name"));

	extfuse_set_enabled(fs.ext(), op, 0);
	Counts c = during(fs, [&] { EXPECT_EQ(sys::stat(fs.path("name")), 0); });
	EXPECT_EQ(c.sent(Op::Lookup), 1) << c.text();
	EXPECT_GE(c.lib.handler[op].miss[EXTFUSE_MISS_OFF], 1) << c.text();

	extfuse_set_enabled(fs.ext(), op, 1);
	c = during(fs, [&] { EXPECT_EQ(sys::stat(fs.path("name")), 0); });
	EXPECT_EQ(c.sent(Op::Lookup), 0) << c.text();
	EXPECT_EQ(c.driver(op).hit, 1) << c.text();
}

// What a create, mkdir, symlink, link or mknod made is known without a lookup.
TEST(Lookup, NewNamesAreHitsAtOnce)
{
	TestFs fs;
	EXPECT_EQ(sys::write_file(fs.path("file"), "x"), 0);
	EXPECT_EQ(sys::mkdir(fs.path("dir")), 0);
	EXPECT_EQ(sys::symlink("target", fs.path("symlink")), 0);
	EXPECT_EQ(sys::link(fs.path("file"), fs.path("hard")), 0);
	EXPECT_EQ(::mknod(fs.path("fifo").c_str(), S_IFIFO | 0600, 0), 0);
	for (const char *name : {"file", "dir", "symlink", "hard", "fifo"}) {
		const Counts c = during(fs, [&] {
			EXPECT_EQ(sys::attr(fs.path(name)).st_ino, fs.store.at(name)) << name;
		});
		EXPECT_EQ(c.sent(Op::Lookup), 0) << name << ' ' << c.text();
		EXPECT_EQ(c.served(op), 1) << name << ' ' << c.text();
	}
}

// Who makes a name gets the fresh answer too: there it is. The daemon is asked if it
// is not, and if nobody knows.
TEST(Lookup, MakingANameThatIsThere)
{
	for (const bool remember : {true, false}) {
		Config config;
		config.remember = remember;
		TestFs fs(config);
		fs.store.add_dir("there");
		fs.store.add_file("other");
		const std::string there = fs.path("there"), other = fs.path("other");
		for (int i = 0; i < 2; i++) {
			sys::stat(there);
			sys::stat(other);
		}
		const auto make = [&] {
			EXPECT_EQ(sys::mkdir(there), -EEXIST);
			EXPECT_EQ(sys::symlink("target", there), -EEXIST);
			EXPECT_EQ(sys::link(other, there), -EEXIST);
			EXPECT_EQ(::mknod(there.c_str(), S_IFIFO | 0600, 0), -1);
			EXPECT_EQ(errno, EEXIST);
			EXPECT_EQ(sys::write_file(there, "", O_CREAT | O_EXCL | O_WRONLY), -EEXIST);
		};
		Counts c = during(fs, make);
		EXPECT_EQ(c.sent_all(), 0) << remember << c.text();

		extfuse_invalidate_entry(fs.ext(), Store::root, "there");
		c = during(fs, make);
		EXPECT_EQ(c.sent(Op::Lookup), 1) << remember << c.text();

		fs.store.rmdir(Store::root, "there");
		extfuse_invalidate_entry(fs.ext(), Store::root, "there");
		EXPECT_EQ(sys::mkdir(there), 0) << remember;
		EXPECT_EQ(sys::mkdir(there), -EEXIST) << remember;
	}
}

TEST(Lookup, MakingANameThatIsNotThere)
{
	for (const bool remember : {true, false}) {
		Config config;
		config.remember = remember;
		TestFs fs(config);
		int i = 0;
		const auto make = [&](auto call) {
			const std::string path = fs.path("new" + std::to_string(i++));
			EXPECT_EQ(sys::stat(path), -ENOENT);
			EXPECT_EQ(sys::stat(path), -ENOENT);
			const Counts c = during(fs, [&] { EXPECT_EQ(call(path), 0) << path; });
			EXPECT_EQ(c.sent(Op::Lookup), 0) << remember << path << c.text();
			EXPECT_EQ(sys::stat(path), 0) << path;
		};
		make([](const std::string &path) { return sys::mkdir(path); });
		make([](const std::string &path) { return sys::symlink("target", path); });
		make([&](const std::string &path) { return sys::link(fs.path("new1"), path); });
		make([](const std::string &path) {
			return ::mknod(path.c_str(), S_IFIFO | 0600, 0);
		});
		make([](const std::string &path) {
			return sys::write_file(path, "data", O_CREAT | O_EXCL | O_WRONLY);
		});

		// The daemon decides: made behind the mount, and not told.
		const std::string silent = fs.path("silent");
		sys::stat(silent);
		sys::stat(silent);
		fs.store.add_file("silent", "data");
		EXPECT_EQ(sys::mkdir(silent), -EEXIST) << remember;
		EXPECT_EQ(sys::write_file(silent, "", O_CREAT | O_EXCL | O_WRONLY), -EEXIST);
		extfuse_invalidate_entry(fs.ext(), Store::root, "silent");
		EXPECT_EQ(sys::read_file(silent), "data") << remember;
	}
}

// Names announced by READDIRPLUS are counted references, and hits.
TEST(Lookup, NamesOfReaddirplusAreHits)
{
	Config config;
	config.readdirplus = true;
	TestFs fs(config);
	for (int i = 0; i < 20; i++)
		fs.store.add_file("file" + std::to_string(i));
	DIR *dir = opendir(fs.path().c_str());
	ASSERT_TRUE(dir);
	int seen = 0;
	while (readdir(dir))
		seen++;
	EXPECT_EQ(seen, 22);
	closedir(dir);
	sys::stat(fs.path()); // reading it has moved the directory's access time
	const Counts c = during(fs, [&] {
		for (int i = 0; i < 20; i++)
			EXPECT_EQ(sys::stat(fs.path("file" + std::to_string(i))), 0);
	});
	EXPECT_EQ(c.sent(Op::Lookup), 0) << c.text();
	EXPECT_EQ(c.sent(Op::Getattr), 0) << c.text();
	EXPECT_EQ(c.served(op), 20) << c.text();
}

} // namespace extfuse_test
