// SPDX-License-Identifier: GPL-2.0-only
//
// "Fresh" under races: an answer that the daemon computed before a change, and
// that arrives after it, must never be served. The daemon is stopped between
// reading its store and replying; the change happens meanwhile.
#include <gtest/gtest.h>

#include <sys/wait.h>

#include <csignal>

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
}

// The kernel has the dentry, but neither name nor attributes are cached: the next
// look is a LOOKUP by revalidation, which takes no lock of the directory.
void known_but_not_cached(TestFs &fs, const std::string &name)
{
	sys::stat(fs.path(name));
	extfuse_invalidate_entry(fs.ext(), Store::root, name.c_str());
	extfuse_invalidate_node(fs.ext(), fs.store.at(name));
	sys::stat(fs.path());
}

} // namespace

// What fails without the driver's comparison of words: LOOKUP read the store,
// UNLINK completed, then the LOOKUP's put and reply came.
TEST(Race, LookupOvertakenByUnlink)
{
	TestFs fs;
	const uint64_t node = fs.store.add_file("name");
	fs.store.link(node, Store::root, "keep");
	const sys::Fd open(sys::open(fs.path("keep"), O_RDONLY)); // the inode stays alive
	known_but_not_cached(fs, "name");

	Hold held = fs.hold(Op::Lookup, Stage::Done, "name");
	auto slow = sys::in_background([&] { return sys::stat(fs.path("name")); });
	ASSERT_TRUE(held.wait());
	ASSERT_EQ(sys::unlink(fs.path("name")), 0);
	held.release();
	slow.get(); // either answer is right for it

	for (int i = 0; i < 3; i++)
		EXPECT_EQ(sys::stat(fs.path("name")), -ENOENT);
	EXPECT_EQ(sys::attr(fs.path("keep")).st_nlink, 1);
}

// The same while UNLINK is under way: a word with a change in flight is no token.
TEST(Race, LookupDuringUnlink)
{
	TestFs fs;
	const uint64_t node = fs.store.add_file("name");
	fs.store.link(node, Store::root, "keep");
	const sys::Fd open(sys::open(fs.path("keep"), O_RDONLY));
	warm(fs, {"name", "keep"});

	Hold held = fs.hold(Op::Unlink, Stage::Arrived, "name");
	auto slow = sys::in_background([&] { return sys::unlink(fs.path("name")); });
	ASSERT_TRUE(held.wait());
	// Still there in the store; but from now on nobody may remember it.
	const extfuse_token token = extfuse_token_entry(fs.ext(), Store::root, "name");
	EXPECT_EQ(token.word, 0U);
	const Counts c = during(fs, [&] { EXPECT_EQ(sys::attr(fs.path("keep")).st_nlink, 2); });
	EXPECT_GE(c.sent(Op::Getattr), 1U) << "the victim's attributes are changing: " << c.text();
	held.release();
	EXPECT_EQ(slow.get(), 0);
	EXPECT_EQ(sys::stat(fs.path("name")), -ENOENT);
	EXPECT_EQ(sys::attr(fs.path("keep")).st_nlink, 1);
}

// LOOKUP read the attributes, a write completed, then LOOKUP asked for the node's
// token: which is current, but not the attributes'.
TEST(Race, TokenAfterAttributesOvertakenByWrite)
{
	TestFs fs;
	fs.store.add_file("file", "12345");
	const sys::Fd fd(sys::open(fs.path("file"), O_RDWR));
	known_but_not_cached(fs, "file");

	Hold held = fs.hold(Op::Lookup, Stage::Read, "file");
	auto slow = sys::in_background([&] { return sys::stat(fs.path("file")); });
	ASSERT_TRUE(held.wait());
	ASSERT_EQ(sys::pwrite(fd, "67890", 5), 5);
	held.release();
	EXPECT_EQ(slow.get(), 0);
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(sys::attr(fs.path("file")).st_size, 10);
}

// The same for a change that the daemon hears of and tells.
TEST(Race, TokenAfterAttributesOvertakenByInvalidate)
{
	TestFs fs;
	const uint64_t node = fs.store.add_file("file", "12345");
	known_but_not_cached(fs, "file");

	Hold held = fs.hold(Op::Lookup, Stage::Read, "file");
	auto slow = sys::in_background([&] { return sys::stat(fs.path("file")); });
	ASSERT_TRUE(held.wait());
	fs.store.write(node, 5, "67890");
	extfuse_invalidate_node(fs.ext(), node);
	held.release();
	EXPECT_EQ(slow.get(), 0);
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(sys::attr(fs.path("file")).st_size, 10);
}

// GETATTR read the old size, the write completed, then the old size arrived.
TEST(Race, GetattrOvertakenByWrite)
{
	TestFs fs;
	const uint64_t node = fs.store.add_file("file", "12345");
	const sys::Fd fd(sys::open(fs.path("file"), O_RDWR));
	extfuse_invalidate_node(fs.ext(), node);

	Hold held = fs.hold(Op::Getattr, Stage::Done, {}, node);
	struct stat st = {}, slow_st = {};
	auto slow = sys::in_background([&] { return sys::fstat(fd, &slow_st); });
	ASSERT_TRUE(held.wait());
	ASSERT_EQ(sys::pwrite(fd, "67890", 5), 5);
	held.release();
	EXPECT_EQ(slow.get(), 0);
	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(sys::fstat(fd, &st), 0);
		EXPECT_EQ(st.st_size, 10);
		EXPECT_EQ(st.st_mtim.tv_nsec, fs.store.stat("file").st_mtim.tv_nsec);
	}
}

TEST(Race, GetattrOvertakenByTruncate)
{
	TestFs fs;
	const uint64_t node = fs.store.add_file("file", "12345");
	const sys::Fd fd(sys::open(fs.path("file"), O_RDWR));
	extfuse_invalidate_node(fs.ext(), node);
	Hold held = fs.hold(Op::Getattr, Stage::Done, {}, node);
	struct stat slow_st = {}, st = {};
	auto slow = sys::in_background([&] { return sys::fstat(fd, &slow_st); });
	ASSERT_TRUE(held.wait());
	ASSERT_EQ(::ftruncate(fd, 1), 0);
	held.release();
	slow.get();
	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(sys::fstat(fd, &st), 0);
		EXPECT_EQ(st.st_size, 1);
	}
}

// A put whose token was taken with a change in flight is refused or never served.
TEST(Race, TokenTakenDuringAChangeIsNotCacheable)
{
	TestFs fs;
	const uint64_t node = fs.store.add_file("file", "12345");
	const sys::Fd fd(sys::open(fs.path("file"), O_RDWR));

	Hold write = fs.hold(Op::Write, Stage::Arrived, {}, node);
	auto slow = sys::in_background([&] { return sys::pwrite(fd, "67890", 5); });
	ASSERT_TRUE(write.wait());
	const extfuse_token token = extfuse_token_node(fs.ext(), node);
	EXPECT_EQ(token.word, 0U);
	const struct stat old = fs.store.stat("file");
	EXPECT_EQ(extfuse_put_attr(fs.ext(), nullptr, node, &old, token, EXTFUSE_SCOPE_ALL), 0);
	struct stat st = {};
	const Counts c = during(fs, [&] { ASSERT_EQ(sys::fstat(fd, &st), 0); });
	EXPECT_EQ(c.sent(Op::Getattr), 1) << c.text();
	write.release();
	EXPECT_EQ(slow.get(), 5);
	EXPECT_EQ(extfuse_put_attr(fs.ext(), nullptr, node, &old, token, EXTFUSE_SCOPE_ALL), 0);
	ASSERT_EQ(sys::fstat(fd, &st), 0);
	EXPECT_EQ(st.st_size, 10);
}

// SETATTR predicts the word that it leaves behind. A second change of the same
// node in between makes the prediction wrong.
TEST(Race, SetattrsPredictionOvertakenByAWrite)
{
	TestFs fs;
	const uint64_t node = fs.store.add_file("file", "12345");
	const sys::Fd a(sys::open(fs.path("file"), O_RDWR));
	warm(fs, {"file"});

	// SETATTR has changed the mode and read the attributes (size 5).
	Hold held = fs.hold(Op::Setattr, Stage::Done, {}, node);
	auto slow = sys::in_background([&] { return sys::chmod(fs.path("file"), 0600); });
	ASSERT_TRUE(held.wait());
	// chmod holds the inode's lock: a change by the other way, COPY_FILE_RANGE
	// or WRITE, would wait for it. UNLINK of another name does too. So the change
	// is one behind the mount, made known.
	fs.store.write(node, 5, "67890");
	extfuse_invalidate_node(fs.ext(), node);
	held.release();
	EXPECT_EQ(slow.get(), 0);
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(sys::attr(fs.path("file")).st_size, 10);
		EXPECT_EQ(sys::attr(fs.path("file")).st_mode & 07777, 0600U);
	}
}

// CREATE predicts the word of the name. Another change of the name in between.
TEST(Race, CreatesPredictionOvertakenByAChangeBehind)
{
	TestFs fs;
	Hold held = fs.hold(Op::Create, Stage::Done, "file");
	auto slow = sys::in_background(
		[&] { return sys::write_file(fs.path("file"), "", O_CREAT | O_EXCL | O_WRONLY); });
	ASSERT_TRUE(held.wait());
	const uint64_t other = fs.store.add_file("other", "other");
	ASSERT_EQ(fs.store.rename(Store::root, "other", Store::root, "file"), 0);
	extfuse_invalidate_entry(fs.ext(), Store::root, "file");
	extfuse_invalidate_node(fs.ext(), Store::root);
	held.release();
	EXPECT_EQ(slow.get(), 0);
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(sys::attr(fs.path("file")).st_ino, other);
}

// A prediction that nobody disturbs is a hit: the token is the right one.
TEST(Race, PredictionsAloneAreRight)
{
	TestFs fs;
	// Nothing is opened: a RELEASE, which nobody waits for, would disturb.
	ASSERT_EQ(::mknod(fs.path("file").c_str(), S_IFREG | 0644, 0), 0);
	Counts c = during(fs, [&] { EXPECT_EQ(sys::chmod(fs.path("file"), 0600), 0); });
	EXPECT_EQ(c.sent(Op::Lookup), 0) << c.text();
	c = during(fs, [&] { EXPECT_EQ(sys::attr(fs.path("file")).st_mode & 0777, 0600U); });
	EXPECT_EQ(c.sent_all(), 0) << c.text();
}

// READ read the old bytes, the write completed, then the old bytes were put.
TEST(Race, ReadOvertakenByWrite)
{
	Config config;
	config.direct_io = true;
	TestFs fs(config);
	const uint64_t node = fs.store.add_file("file", "old!");
	const sys::Fd reader(sys::open(fs.path("file"), O_RDONLY));
	const sys::Fd writer(sys::open(fs.path("file"), O_WRONLY));

	Hold held = fs.hold(Op::Read, Stage::Done, {}, node);
	auto slow = sys::in_background([&] { return sys::read_at(reader, 4, 0); });
	ASSERT_TRUE(held.wait());
	ASSERT_EQ(sys::pwrite(writer, "new!", 0), 4);
	held.release();
	EXPECT_EQ(slow.get(), "old!"); // it began before
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(sys::read_at(reader, 4, 0), "new!");
}

// Negative answer on its way, then the name is created.
TEST(Race, NegativeLookupOvertakenByCreateBehind)
{
	TestFs fs;
	Hold held = fs.hold(Op::Lookup, Stage::Done, "name");
	auto slow = sys::in_background([&] { return sys::stat(fs.path("name")); });
	ASSERT_TRUE(held.wait());
	// An uncached LOOKUP holds the directory: create behind the mount.
	fs.store.add_file("name");
	extfuse_invalidate_entry(fs.ext(), Store::root, "name");
	held.release();
	EXPECT_EQ(slow.get(), -ENOENT);
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(sys::stat(fs.path("name")), 0);
}

// LOOKUP of the old name on its way, RENAME across directories completed.
TEST(Race, LookupOvertakenByRename)
{
	TestFs fs;
	fs.store.add_dir("dir");
	const uint64_t node = fs.store.add_file("name");
	sys::stat(fs.path("dir"));
	known_but_not_cached(fs, "name");
	Hold held = fs.hold(Op::Lookup, Stage::Done, "name");
	auto slow = sys::in_background([&] { return sys::stat(fs.path("name")); });
	ASSERT_TRUE(held.wait());
	ASSERT_EQ(sys::rename(fs.path("name"), fs.path("dir/moved")), 0);
	held.release();
	slow.get();
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(sys::stat(fs.path("name")), -ENOENT);
		EXPECT_EQ(sys::attr(fs.path("dir/moved")).st_ino, node);
	}
}

// While RENAME is under way nobody is served either name from memory.
TEST(Race, NamesDuringRenameGoUp)
{
	TestFs fs;
	fs.store.add_file("from");
	fs.store.add_file("to");
	warm(fs, {"from", "to"});
	Hold held = fs.hold(Op::Rename, Stage::Done, "from");
	auto slow = sys::in_background([&] { return sys::rename(fs.path("from"), fs.path("to")); });
	ASSERT_TRUE(held.wait()); // done in the store, not yet answered
	for (const char *name : {"from", "to"}) {
		const extfuse_token token = extfuse_token_entry(fs.ext(), Store::root, name);
		EXPECT_EQ(token.word, 0U) << name;
	}
	held.release();
	EXPECT_EQ(slow.get(), 0);
	EXPECT_EQ(sys::stat(fs.path("from")), -ENOENT);
}

// A change that fails in the daemon, or is interrupted, leaves nothing in flight.
TEST(Race, FailedChangesLeaveNothingInFlight)
{
	TestFs fs;
	fs.store.add_dir("dir");
	fs.store.add_file("dir/file");
	EXPECT_EQ(sys::rmdir(fs.path("dir")), -ENOTEMPTY);
	EXPECT_EQ(sys::rename(fs.path("dir/file"), fs.path("absent/file")), -ENOENT);
	for (const auto &[parent, name] : {std::pair{"", "dir"}, std::pair{"dir", "file"}}) {
		const uint64_t dir = fs.store.at(parent);
		EXPECT_NE(extfuse_token_entry(fs.ext(), dir, name).word, 0U);
		EXPECT_NE(extfuse_token_node(fs.ext(), dir).word, 0U);
	}
	warm(fs, {"dir", "dir/file"});
	const Counts c = during(fs, [&] { EXPECT_EQ(sys::stat(fs.path("dir/file")), 0); });
	EXPECT_EQ(c.sent_all(), 0) << c.text();
}

// A caller killed while its change waits in the daemon: the mark stays until the
// daemon has answered, and goes then.
TEST(Race, KilledChangeLeavesNothingInFlight)
{
	TestFs fs;
	const uint64_t node = fs.store.add_file("file", "12345");
	sys::stat(fs.path("file"));
	Hold held = fs.hold(Op::Setattr, Stage::Sampled, {}, node);
	const pid_t child = fork();
	if (child == 0) {
		chmod(fs.path("file").c_str(), 0600);
		_exit(0);
	}
	ASSERT_TRUE(held.wait());
	kill(child, SIGKILL);
	EXPECT_EQ(extfuse_token_node(fs.ext(), node).word, 0U); // in flight
	held.release();
	int status = 0;
	EXPECT_EQ(waitpid(child, &status, 0), child);
	// The mode may have been changed; what is served is what the store has.
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(sys::attr(fs.path("file")).st_mode, fs.store.stat("file").st_mode);
	EXPECT_NE(extfuse_token_node(fs.ext(), node).word, 0U);
}

} // namespace extfuse_test
