// SPDX-License-Identifier: GPL-2.0-only
//
// Reply hooks: replies that the daemon marks are inserted on their way back, under
// tokens that the driver sampled; nothing is put by the daemon.
#include <gtest/gtest.h>

#include "sys.hpp"
#include "test_fs.hpp"

namespace extfuse_test
{

namespace
{

constexpr auto lookup = EXTFUSE_OP_LOOKUP;
constexpr auto getattr = EXTFUSE_OP_GETATTR;

Config hooks(bool remember = false)
{
	Config c;
	c.reply_hooks = true;
	c.remember = remember;
	return c;
}

uint64_t puts(const Counts &c)
{
	return c.lib.put_entry + c.lib.put_attr + c.lib.put_data + c.lib.put_object +
	       c.lib.put_dir + c.lib.put_names + c.lib.put_open;
}

// Nothing is sent for this, and nothing was put.
void expect_hit(TestFs &fs, const std::string &name, uint64_t node, off_t size)
{
	const Counts c = during(fs, [&] {
		const struct stat st = sys::attr(fs.path(name));
		EXPECT_EQ(st.st_ino, node);
		EXPECT_EQ(st.st_size, size);
	});
	EXPECT_EQ(c.sent_all(), 0) << c.text();
	EXPECT_EQ(c.refused(lookup) + c.refused(getattr), 0) << c.text();
	EXPECT_EQ(puts(c), 0) << c.text();
}

} // namespace

TEST(Reply, MarkedEntryIsAHit)
{
	TestFs fs(hooks());
	const uint64_t node = fs.store.add_file("name", "data");

	const Counts c = during(fs, [&] { EXPECT_EQ(sys::attr(fs.path("name")).st_size, 4); });
	EXPECT_EQ(c.sent(Op::Lookup), 1) << c.text();
	EXPECT_EQ(c.sent(Op::Getattr), 0) << c.text(); // the entry's attributes are known, too
	EXPECT_EQ(c.driver(lookup).reply, 1) << c.text();
	EXPECT_EQ(c.driver(getattr).reply, 1) << c.text();
	EXPECT_EQ(puts(c), 0) << c.text();
	expect_hit(fs, "name", node, 4);
}

TEST(Reply, MarkedAttributesAreAHit)
{
	TestFs fs(hooks());
	const uint64_t node = fs.store.add_file("name", "data");
	sys::stat(fs.path("name"));
	extfuse_invalidate_node(fs.ext(), node);

	Counts c = during(fs, [&] { sys::stat(fs.path("name")); });
	EXPECT_EQ(c.sent(Op::Getattr) + c.sent(Op::Lookup), 1) << c.text();
	expect_hit(fs, "name", node, 4);

	const sys::Fd fd(sys::open(fs.path("name"), O_RDONLY));
	extfuse_invalidate_node(fs.ext(), node);
	struct stat st;
	c = during(fs, [&] { EXPECT_EQ(sys::fstat(fd, &st), 0); });
	EXPECT_EQ(c.sent(Op::Getattr), 1) << c.text();
	EXPECT_EQ(c.driver(getattr).reply, 1) << c.text();
	c = during(fs, [&] { EXPECT_EQ(sys::fstat(fd, &st), 0); });
	EXPECT_EQ(c.sent_all(), 0) << c.text();
	EXPECT_EQ(st.st_size, 4);
	EXPECT_EQ(st.st_ino, node);
}

TEST(Reply, AbsentNameIsAHit)
{
	for (const bool negatives : {true, false}) { // by an entry without node, by ENOENT
		TestFs fs(hooks());
		fs.say.negatives = negatives;
		fs.say.errors = true;
		Counts c = during(fs, [&] { EXPECT_EQ(sys::stat(fs.path("no")), -ENOENT); });
		EXPECT_EQ(c.sent(Op::Lookup), 1) << c.text();
		c = during(fs, [&] { EXPECT_EQ(sys::stat(fs.path("no")), -ENOENT); });
		EXPECT_EQ(c.sent(Op::Lookup), 0) << c.text();
		EXPECT_EQ(c.lib.handler[lookup].negative, 1) << c.text();
		// It comes into being through the mount.
		EXPECT_EQ(sys::write_file(fs.path("no"), "x"), 0);
		EXPECT_EQ(sys::attr(fs.path("no")).st_size, 1);
	}
}

TEST(Reply, LongNames)
{
	TestFs fs(hooks());
	for (const size_t len : {32, 33, 100, 255}) {
		const std::string name(len, 'n');
		const uint64_t node = fs.store.add_file(name, "data");
		sys::stat(fs.path(name));
		expect_hit(fs, name, node, 4);
	}
}

TEST(Reply, WithoutMarkNothingIsInserted)
{
	TestFs fs(hooks());
	fs.say.names = false;
	fs.say.attrs = false;
	fs.store.add_file("name", "data");
	for (int i = 0; i < 3; i++) {
		const Counts c = during(fs, [&] { sys::stat(fs.path("name")); });
		EXPECT_EQ(c.sent(Op::Lookup), 1) << c.text();
		EXPECT_EQ(c.driver(lookup).reply, 0) << c.text();
		EXPECT_EQ(c.driver(getattr).reply, 0) << c.text();
	}
}

// Each scope of an entry speaks for its own part.
TEST(Reply, ScopesOfNameAndAttributes)
{
	TestFs fs(hooks());
	fs.store.add_file("name", "data");
	fs.say.attrs = false;
	sys::stat(fs.path("name"));
	Counts c = during(fs, [&] { sys::stat(fs.path("name")); });
	EXPECT_EQ(c.sent(Op::Lookup), 0) << c.text();
	EXPECT_EQ(c.sent(Op::Getattr), 1) << c.text();

	fs.store.add_file("other", "data");
	fs.say.attrs = true;
	fs.say.names = false;
	c = during(fs, [&] { sys::stat(fs.path("other")); });
	EXPECT_EQ(c.sent(Op::Getattr), 0) << c.text();
	c = during(fs, [&] { sys::stat(fs.path("other")); });
	EXPECT_EQ(c.sent(Op::Lookup), 1) << c.text();
}

// A change through the mount overtakes the reply: what it tells is over.
TEST(Reply, OvertakenByAChange)
{
	TestFs fs(hooks());
	const uint64_t node = fs.store.add_file("name", "data");
	sys::stat(fs.path("name"));
	extfuse_invalidate_node(fs.ext(), node);
	const sys::Fd fd(sys::open(fs.path("name"), O_RDWR));
	extfuse_invalidate_node(fs.ext(), node);

	Hold held = fs.hold(Op::Getattr, Stage::Done, {}, node);
	const Counts c = during(fs, [&] {
		struct stat st;
		auto slow = sys::in_background([&] { return sys::fstat(fd, &st); });
		ASSERT_TRUE(held.wait());
		EXPECT_EQ(sys::pwrite(fd, "longer", 0), 6);
		held.release();
		EXPECT_EQ(slow.get(), 0);
	});
	EXPECT_EQ(c.driver(getattr).reply, 0) << c.text();
	EXPECT_EQ(c.driver(getattr).reply_stale, 1) << c.text();
	EXPECT_EQ(sys::attr(fs.path("name")).st_size, 6);
}

TEST(Reply, OvertakenByAnInvalidation)
{
	TestFs fs(hooks());
	fs.store.add_file("name", "data");
	Hold held = fs.hold(Op::Lookup, Stage::Done, "name");
	const Counts c = during(fs, [&] {
		auto slow = sys::in_background([&] { return sys::stat(fs.path("name")); });
		ASSERT_TRUE(held.wait());
		fs.store.unlink(Store::root, "name");
		const uint64_t other = fs.store.add_file("name", "another");
		ASSERT_NE(other, 0);
		extfuse_invalidate_entry(fs.ext(), Store::root, "name");
		held.release();
		slow.get();
	});
	EXPECT_EQ(c.driver(lookup).reply, 0) << c.text();
	EXPECT_EQ(sys::attr(fs.path("name")).st_size, 7);
}

// The node of a lookup is not known when it is sent: a change of that node alone
// keeps the entry out as well.
TEST(Reply, OvertakenByAChangeOfTheNode)
{
	TestFs fs(hooks());
	const uint64_t node = fs.store.add_file("one", "data");
	fs.store.link(node, Store::root, "two");
	const sys::Fd fd(sys::open(fs.path("one"), O_RDWR));
	Hold held = fs.hold(Op::Lookup, Stage::Done, "two");
	const Counts c = during(fs, [&] {
		auto slow = sys::in_background([&] { return sys::stat(fs.path("two")); });
		ASSERT_TRUE(held.wait());
		EXPECT_EQ(sys::pwrite(fd, "longer", 0), 6);
		held.release();
		EXPECT_EQ(slow.get(), 0);
	});
	EXPECT_EQ(c.driver(lookup).reply, 0) << c.text();
	EXPECT_EQ(c.driver(lookup).reply_stale, 1) << c.text();
	EXPECT_EQ(sys::attr(fs.path("two")).st_size, 6);
}

// In flight when the request is sent: no token, no reply shown.
TEST(Reply, SentWhileAChangeIsInFlight)
{
	TestFs fs(hooks());
	const uint64_t node = fs.store.add_file("name", "data");
	const sys::Fd fd(sys::open(fs.path("name"), O_RDWR));
	Hold held = fs.hold(Op::Write, Stage::Sampled, {}, node);
	auto slow = sys::in_background([&] { return sys::pwrite(fd, "longer", 0); });
	ASSERT_TRUE(held.wait());
	const Counts c = during(fs, [&] {
		struct stat st;
		EXPECT_EQ(sys::fstat(fd, &st), 0);
		EXPECT_EQ(st.st_size, 4);
	});
	EXPECT_EQ(c.driver(getattr).reply, 0) << c.text();
	EXPECT_GE(c.driver(getattr).reply_stale, 1) << c.text();
	held.release();
	EXPECT_EQ(slow.get(), 6);
	EXPECT_EQ(sys::attr(fs.path("name")).st_size, 6);
}

// Requests that make what they tell: under the token that they leave behind.
TEST(Reply, WhatARequestMakesIsKnownAfterwards)
{
	TestFs fs(hooks());
	EXPECT_EQ(sys::mkdir(fs.path("dir")), 0);
	EXPECT_EQ(sys::symlink("target", fs.path("link")), 0);
	EXPECT_EQ(::mknod(fs.path("fifo").c_str(), S_IFIFO | 0600, 0), 0);
	EXPECT_GE(sys::Fd(sys::open(fs.path("file"), O_CREAT | O_EXCL | O_WRONLY)), 0);
	for (const char *name : {"dir", "link", "fifo", "file"}) {
		SCOPED_TRACE(name);
		const Counts c = during(fs, [&] { EXPECT_EQ(sys::stat(fs.path(name)), 0); });
		EXPECT_EQ(c.sent(Op::Lookup), 0) << c.text();
	}
	EXPECT_EQ(sys::link(fs.path("file"), fs.path("second")), 0);
	sys::stat(fs.path());
	const Counts c = during(fs, [&] { EXPECT_EQ(sys::attr(fs.path("second")).st_nlink, 2); });
	EXPECT_EQ(c.sent_all(), 0) << c.text();
}

TEST(Reply, AttributesSetAreKnownAfterwards)
{
	TestFs fs(hooks());
	fs.store.add_file("name", "data");
	sys::stat(fs.path("name"));
	EXPECT_EQ(sys::chmod(fs.path("name"), 0600), 0);
	Counts c = during(fs, [&] {
		EXPECT_EQ(sys::attr(fs.path("name")).st_mode, mode_t{S_IFREG | 0600});
	});
	EXPECT_EQ(c.sent_all(), 0) << c.text();
	EXPECT_EQ(sys::truncate(fs.path("name"), 2), 0);
	c = during(fs, [&] { EXPECT_EQ(sys::attr(fs.path("name")).st_size, 2); });
	EXPECT_EQ(c.sent_all(), 0) << c.text();
}

// Two changes of one node at once: neither may say what is left behind.
TEST(Reply, AttributesSetWhileAnotherChangeIsUnderWay)
{
	TestFs fs(hooks());
	const uint64_t node = fs.store.add_file("name", "data");
	const sys::Fd fd(sys::open(fs.path("name"), O_RDWR));
	sys::stat(fs.path("name"));
	// Begins before, ends after.
	Hold held = fs.hold(Op::Write, Stage::Sampled, {}, node);
	auto slow = sys::in_background([&] { return sys::pwrite(fd, "longer", 0); });
	ASSERT_TRUE(held.wait());
	Hold mode = fs.hold(Op::Setattr, Stage::Done, {}, node);
	const Counts c = during(fs, [&] {
		auto change = sys::in_background([&] { return ::fchmod(fd, 0600); });
		// The write holds the inode's lock: the change waits for it.
		held.release();
		EXPECT_EQ(slow.get(), 6);
		ASSERT_TRUE(mode.wait());
		mode.release();
		EXPECT_EQ(change.get(), 0);
	});
	const struct stat st = sys::attr(fs.path("name"));
	EXPECT_EQ(st.st_size, 6) << c.text();
	EXPECT_EQ(st.st_mode, mode_t{S_IFREG | 0600});
}

// Answers about one node: the same as the daemon gave, errors among them.
TEST(Reply, ObjectsAreHits)
{
	TestFs fs(hooks());
	const uint64_t node = fs.store.add_file("file", std::string(10000, 'x'));
	const std::string path = fs.path("file"), link = fs.path("link");
	ASSERT_EQ(sys::symlink("some/target", link), 0);
	ASSERT_EQ(fs.store.set_xattr(node, "user.name", "value"), 0);
	const sys::Fd fd(sys::open(path, O_RDONLY));
	char buffer[256];
	struct statvfs st;
	const auto all = [&] {
		EXPECT_EQ(::lgetxattr(path.c_str(), "user.name", buffer, sizeof(buffer)), 5);
		EXPECT_EQ(std::string(buffer, 5), "value");
		EXPECT_EQ(::lgetxattr(path.c_str(), "user.none", buffer, sizeof(buffer)), -1);
		EXPECT_EQ(errno, ENODATA);
		EXPECT_EQ(::llistxattr(path.c_str(), buffer, sizeof(buffer)), 10);
		EXPECT_EQ(std::string(buffer, 9), "user.name");
		EXPECT_EQ(::readlink(link.c_str(), buffer, sizeof(buffer)), 11);
		EXPECT_EQ(std::string(buffer, 11), "some/target");
		EXPECT_EQ(::statvfs(path.c_str(), &st), 0);
		EXPECT_EQ(st.f_bfree, 1000);
		EXPECT_EQ(::lseek(fd, 5, SEEK_HOLE), 10000);
	};
	all();
	Counts c = during(fs, all);
	EXPECT_EQ(c.sent(Op::Getxattr) + c.sent(Op::Listxattr) + c.sent(Op::Readlink) +
			  c.sent(Op::Statfs) + c.sent(Op::Lseek),
		  0)
		<< c.text();
	EXPECT_EQ(puts(c), 0) << c.text();

	// The size of what is known.
	c = during(fs, [&] {
		EXPECT_EQ(::lgetxattr(path.c_str(), "user.name", nullptr, 0), 5);
		EXPECT_EQ(::lgetxattr(path.c_str(), "user.name", buffer, 2), -1);
		EXPECT_EQ(errno, ERANGE);
	});
	EXPECT_EQ(c.sent(Op::Getxattr), 0) << c.text();

	// A write moves what depends on the node, not an absent attribute.
	ASSERT_EQ(sys::write_file(path, "y", O_WRONLY), 0);
	c = during(fs, all);
	EXPECT_EQ(c.sent(Op::Getxattr), 1) << c.text();
	EXPECT_EQ(c.sent(Op::Listxattr), 1) << c.text();
	EXPECT_EQ(c.sent(Op::Statfs), 1) << c.text();
}

TEST(Reply, ObjectsAreNotServedWhenTheyChange)
{
	TestFs fs(hooks());
	const uint64_t node = fs.store.add_file("file", "data");
	const std::string path = fs.path("file");
	char buffer[256];
	sys::stat(path);

	Hold held = fs.hold(Op::Getxattr, Stage::Done, "user.name", node);
	auto slow = sys::in_background(
		[&] { return ::lgetxattr(path.c_str(), "user.name", buffer, sizeof(buffer)); });
	ASSERT_TRUE(held.wait());
	EXPECT_EQ(sys::set_xattr(path, "user.name", "value"), 0);
	held.release();
	EXPECT_EQ(slow.get(), -1); // as it was before
	EXPECT_EQ(::lgetxattr(path.c_str(), "user.name", buffer, sizeof(buffer)), 5);
	EXPECT_EQ(::lgetxattr(path.c_str(), "user.name", buffer, sizeof(buffer)), 5);
	EXPECT_EQ(sys::set_xattr(path, "user.name", "longer value"), 0);
	EXPECT_EQ(::lgetxattr(path.c_str(), "user.name", buffer, sizeof(buffer)), 12);
}

namespace
{

std::string pattern(size_t size)
{
	std::string s(size, '\0');
	for (size_t i = 0; i < size; i++)
		s[i] = static_cast<char>((i * 2654435761U) >> 13);
	return s;
}

} // namespace

// Read ahead or waited for.
TEST(Reply, DataIsAHit)
{
	for (const size_t size :
	     {size_t{0}, size_t{1}, size_t{4096}, size_t{10000}, size_t{200000}}) {
		SCOPED_TRACE(size);
		TestFs fs(hooks(true));
		const std::string data = pattern(size);
		fs.store.add_file("file", data);
		const std::string path = fs.path("file");
		sys::stat(path);
		EXPECT_EQ(sys::read_file(path), data);
		sys::stat(path); // after the access time has moved
		sys::drop_pages();
		EXPECT_EQ(sys::read_file(path), data);
		sys::drop_pages();
		const Counts c = during(fs, [&] { EXPECT_EQ(sys::read_file(path), data); });
		EXPECT_EQ(c.sent(Op::Read), 0) << c.text();
		EXPECT_EQ(puts(c), 0) << c.text();
	}
}

// Its pages are the reader's: another thread of it can change there what was replied.
TEST(Reply, DirectReadsAreNotKept)
{
	Config config = hooks(true);
	config.direct_io = true;
	TestFs fs(config);
	const std::string data = pattern(10000);
	fs.store.add_file("file", data);
	const sys::Fd fd(sys::open(fs.path("file"), O_RDONLY));
	for (int i = 0; i < 3; i++) {
		const Counts c = during(fs, [&] { EXPECT_EQ(sys::read_at(fd, 10000, 0), data); });
		EXPECT_GE(c.sent(Op::Read), 1) << c.text();
		EXPECT_EQ(c.driver(EXTFUSE_OP_READ).reply, 0) << c.text();
	}
}

TEST(Reply, DataAtAnyOffset)
{
	TestFs fs(hooks());
	std::string data = pattern(50000);
	fs.store.add_file("file", data);
	const sys::Fd fd(sys::open(fs.path("file"), O_RDWR));
	const auto check = [&] {
		sys::drop_pages();
		for (const auto &[offset, size] : {std::pair<uint64_t, size_t>{100, 9000},
						   {4096, 4096},
						   {4095, 2},
						   {12000, 38000},
						   {49999, 10},
						   {50000, 10},
						   {60000, 1},
						   {8192, 0x10000}})
			EXPECT_EQ(sys::read_at(fd, size, offset),
				  offset < data.size() ? data.substr(offset, size) : "");
	};
	for (int i = 0; i < 3; i++)
		check();
	EXPECT_EQ(sys::pwrite(fd, "changed", 5000), 7);
	data.replace(5000, 7, "changed");
	for (int i = 0; i < 3; i++)
		check();
	EXPECT_EQ(::ftruncate(fd, 20000), 0);
	data.resize(20000);
	for (int i = 0; i < 3; i++)
		check();
}

TEST(Reply, DataOvertakenByAWrite)
{
	TestFs fs(hooks());
	const uint64_t node = fs.store.add_file("file", std::string(8192, 'a'));
	const sys::Fd fd(sys::open(fs.path("file"), O_RDWR));
	ASSERT_EQ(posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM), 0);
	struct stat st;
	sys::fstat(fd, &st);
	Hold held = fs.hold(Op::Read, Stage::Done, {}, node);
	auto slow = sys::in_background([&] { return sys::read_at(fd, 4096, 0); });
	ASSERT_TRUE(held.wait());
	// Another page: that one is locked until it has been read.
	EXPECT_EQ(sys::pwrite(fd, std::string(4096, 'b'), 4096), 4096);
	held.release();
	EXPECT_EQ(slow.get(), std::string(4096, 'a'));
	sys::drop_pages();
	const Counts c =
		during(fs, [&] { EXPECT_EQ(sys::read_at(fd, 4096, 0), std::string(4096, 'a')); });
	EXPECT_EQ(c.sent(Op::Read), 1) << c.text();
	EXPECT_EQ(sys::read_at(fd, 4096, 4096), std::string(4096, 'b'));
}

TEST(Reply, OtherUsersGetTheirOwn)
{
	constexpr uid_t alice = 1000, bob = 1001;
	Config config = hooks();
	config.default_permissions = false;
	TestFs fs(config);
	fs.store.add_file("name", "data");
	fs.set_policy([](const fuse_ctx &caller, Op op, uint64_t, const char *) {
		return op == Op::Lookup && caller.uid == bob ? EACCES : 0;
	});
	const auto stat = [&](uid_t uid) {
		return sys::as_user(uid, [&] { return sys::stat(fs.path("name")); });
	};
	for (const auto scope : {EXTFUSE_SCOPE_UID, EXTFUSE_SCOPE_CALLER, EXTFUSE_SCOPE_KERNEL}) {
		SCOPED_TRACE(scope);
		extfuse_invalidate_all(fs.ext());
		fs.say.entry = scope;
		EXPECT_EQ(stat(alice), 0);
		const Counts c = during(fs, [&] { EXPECT_EQ(stat(alice), 0); });
		// Nobody checks for the kernel on this mount.
		EXPECT_EQ(c.sent(Op::Lookup), scope == EXTFUSE_SCOPE_KERNEL ? 1 : 0) << c.text();
		EXPECT_EQ(stat(bob), -EACCES);
	}
	// The same user in other groups is somebody else.
	fs.say.entry = EXTFUSE_SCOPE_CALLER;
	extfuse_invalidate_all(fs.ext());
	EXPECT_EQ(stat(alice), 0);
	const Counts c = during(fs, [&] {
		EXPECT_EQ(sys::as_user(alice, alice, {5000},
				       [&] { return sys::stat(fs.path("name")); }),
			  0);
	});
	EXPECT_EQ(c.sent(Op::Lookup), 1) << c.text();
}

TEST(Reply, DetachedBetweenRequestAndReply)
{
	TestFs fs(hooks());
	const uint64_t node = fs.store.add_file("name", "data");
	Hold held = fs.hold(Op::Lookup, Stage::Done, "name");
	auto slow = sys::in_background([&] { return sys::stat(fs.path("name")); });
	ASSERT_TRUE(held.wait());
	EXPECT_EQ(extfuse_detach(fs.ext()), 0);
	held.release();
	EXPECT_EQ(slow.get(), 0);
	EXPECT_EQ(extfuse_attach(fs.ext()), 0);
	const Counts c = during(fs, [&] { EXPECT_EQ(sys::attr(fs.path("name")).st_size, 4); });
	EXPECT_EQ(c.sent(Op::Lookup), 1) << c.text();
	expect_hit(fs, "name", node, 4);
}

// What the daemon puts by itself is found as ever.
TEST(Reply, PutsWorkBesideMarks)
{
	TestFs fs(hooks());
	const uint64_t node = fs.store.add_file("name", "data");
	fs.say.split = true;
	sys::stat(fs.path("name"));
	const Counts c = during(fs, [&] { EXPECT_EQ(sys::attr(fs.path("name")).st_ino, node); });
	EXPECT_EQ(c.sent_all(), 0) << c.text();
	EXPECT_EQ(c.driver(lookup).reply, 0) << c.text();
}

// Is a file of four bytes a hit after at most so many stats?
static bool kept_by(TestFs &fs, const std::string &name, uint64_t nodeid, int tries)
{
	for (int i = 0; i < tries; i++) {
		struct stat st;
		const Counts c = during(fs, [&] { st = sys::attr(fs.path(name)); });
		EXPECT_EQ(st.st_ino, nodeid);
		EXPECT_EQ(st.st_size, 4);
		if (c.sent_all() + c.refused(lookup) + c.refused(getattr) + puts(c) == 0)
			return true;
	}
	return false;
}

// More names than slots: the caches replace, nothing false is served.
TEST(Reply, FullCaches)
{
	Config config = hooks();
	config.kind = Kind::Tiny;
	TestFs fs(config);
	std::vector<uint64_t> nodes;
	for (int i = 0; i < 64; i++)
		nodes.push_back(fs.store.add_file("name" + std::to_string(i),
						  std::string(static_cast<size_t>(i), 'x')));
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < nodes.size(); i++) {
			const struct stat st = sys::attr(fs.path("name" + std::to_string(i)));
			EXPECT_EQ(st.st_ino, nodes[i]);
			EXPECT_EQ(st.st_size, i);
		}
	}
	// A new name may replace its directory, and that it again; but not for long.
	for (int n = 0; n < 8; n++) {
		const std::string name = "last" + std::to_string(n);
		const uint64_t last = fs.store.add_file(name, "data");
		EXPECT_TRUE(kept_by(fs, name, last, 32)) << name;
	}
}

TEST(Reply, WithoutHooksNothingIsShown)
{
	TestFs fs;
	fs.store.add_file("name", "data");
	EXPECT_EQ(extfuse_reply_hooks(fs.ext()), 0);
	EXPECT_EQ(extfuse_mark_reply(fs.ext(), EXTFUSE_SCOPE_ALL, EXTFUSE_SCOPE_ALL, 0), 0);
	const Counts c = during(fs, [&] { sys::stat(fs.path("name")); });
	EXPECT_EQ(c.driver(lookup).reply + c.driver(lookup).reply_stale, 0) << c.text();
	EXPECT_GE(c.lib.put_entry, 1) << c.text();
}

} // namespace extfuse_test
