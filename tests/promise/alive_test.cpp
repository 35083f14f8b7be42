// SPDX-License-Identifier: GPL-2.0-only
//
// "Alive": a node id is handed out only while the kernel holds a reference that
// the daemon knows of; lookup counts stay exact.
#include <gtest/gtest.h>

#include <dirent.h>
#include <sys/wait.h>

#include <csignal>

#include "sys.hpp"
#include "test_fs.hpp"

namespace extfuse_test
{

namespace
{

constexpr auto op = EXTFUSE_OP_LOOKUP;

} // namespace

// The maps still know the name; the inode has gone. It must go up.
TEST(Alive, NameOfAForgottenInodeGoesUp)
{
	TestFs fs;
	const uint64_t node = fs.store.add_file("name");
	for (int i = 0; i < 3; i++)
		sys::stat(fs.path("name"));
	EXPECT_EQ(fs.store.lookups(node), 1U);
	ASSERT_TRUE(fs.drop_until_forgotten(node)) << "no FORGET came";

	const Counts c = during(fs, [&] { EXPECT_EQ(sys::attr(fs.path("name")).st_ino, node); });
	EXPECT_EQ(c.sent(Op::Lookup), 1) << c.text();
	EXPECT_EQ(c.driver(op).hit, 0) << c.text();
	EXPECT_EQ(fs.store.lookups(node), 1U);
}

// A put for a name the kernel has never seen is not enough: refused as dead.
// Fails without ext_find_alive().
TEST(Alive, PutAloneMakesNoInode)
{
	TestFs fs;
	const uint64_t node = fs.store.add_file("name");
	sys::stat(fs.path());
	fuse_entry_param e = {};
	e.ino = node;
	e.attr = fs.store.stat("name");
	ASSERT_EQ(extfuse_put_entry(fs.ext(), nullptr, Store::root, "name", &e,
				    extfuse_token_entry(fs.ext(), Store::root, "name"),
				    extfuse_token_node(fs.ext(), node), EXTFUSE_SCOPE_ALL,
				    EXTFUSE_SCOPE_ALL),
		  1);
	const Counts c = during(fs, [&] { EXPECT_EQ(sys::attr(fs.path("name")).st_ino, node); });
	EXPECT_EQ(c.driver(op).dead, 1) << c.text();
	EXPECT_EQ(c.sent(Op::Lookup), 1) << c.text();
	EXPECT_EQ(fs.store.lookups(node), 1U);
}

// Hits take no lookup count, however many.
TEST(Alive, HitsAreNotCounted)
{
	TestFs fs;
	const uint64_t node = fs.store.add_file("a");
	fs.store.link(node, Store::root, "b");
	sys::stat(fs.path("a"));
	sys::stat(fs.path("b"));
	EXPECT_EQ(fs.store.lookups(node), 2U);
	for (int i = 0; i < 20; i++) {
		sys::stat(fs.path("a"));
		sys::stat(fs.path("b"));
	}
	EXPECT_EQ(fs.store.lookups(node), 2U);
	EXPECT_TRUE(fs.drop_until_forgotten(node));
}

// Every count comes back, after everything that makes entries. More FORGETs than
// lookups are an error of their own (TestFs checks at its end).
TEST(Alive, EveryLookupIsForgotten)
{
	Config config;
	config.readdirplus = true;
	TestFs fs(config);
	fs.store.add_dir("dir");
	for (int i = 0; i < 50; i++)
		fs.store.add_file("dir/f" + std::to_string(i));
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 60; i++) // ten are absent
			sys::stat(fs.path("dir/f" + std::to_string(i)));
		if (DIR *dir = opendir(fs.path("dir").c_str())) {
			while (readdir(dir)) {}
			closedir(dir);
		}
		sys::write_file(fs.path("dir/new"), "x");
		sys::mkdir(fs.path("dir/sub"));
		sys::link(fs.path("dir/new"), fs.path("dir/hard"));
		sys::rename(fs.path("dir/new"), fs.path("dir/sub/moved"));
		sys::unlink(fs.path("dir/hard"));
		sys::unlink(fs.path("dir/sub/moved"));
		sys::rmdir(fs.path("dir/sub"));
		sys::drop_caches();
	}
	EXPECT_TRUE(fs.drop_until_all_forgotten()) << fs.store.lookups() << " left";
}

// The node id is used again, with the same generation, for another file of
// another type and size under another name, and under the same one.
TEST(Alive, ReusedNodeIdWithTheSameGeneration)
{
	TestFs fs;
	fs.store.use_ids({{500, 0}});
	fs.store.add_file("old", "old content");
	for (int i = 0; i < 3; i++)
		sys::stat(fs.path("old"));
	EXPECT_EQ(sys::read_file(fs.path("old")), "old content");
	ASSERT_EQ(sys::unlink(fs.path("old")), 0);
	ASSERT_TRUE(fs.drop_until_forgotten(500));
	ASSERT_FALSE(fs.store.exists(500));

	fs.store.use_ids({{500, 0}});
	fs.store.add_file("new", "n");
	extfuse_invalidate_entry(fs.ext(), Store::root, "new"); // made behind the mount
	const struct stat st = sys::attr(fs.path("new"));
	EXPECT_EQ(st.st_ino, 500U);
	EXPECT_EQ(st.st_size, 1);
	EXPECT_EQ(sys::read_file(fs.path("new")), "n");
	EXPECT_EQ(sys::stat(fs.path("old")), -ENOENT);
}

// The name's slot survives in the map while its node is forgotten and means
// another file: the behind word of the node tells. The name itself did not
// change through the mount. Fails without ext_forget().
TEST(Alive, OldNameOfAReusedNodeIdIsNotServed)
{
	TestFs fs;
	fs.store.use_ids({{500, 0}});
	fs.store.add_file("x", "first");
	for (int i = 0; i < 3; i++)
		sys::stat(fs.path("x"));
	// The daemon moves it away behind the mount, and says nothing yet.
	fs.store.unlink(Store::root, "x");
	ASSERT_TRUE(fs.drop_until_forgotten(500));

	fs.store.use_ids({{500, 0}});
	fs.store.add_file("y", "second");
	EXPECT_EQ(sys::attr(fs.path("y")).st_ino, 500U); // alive again, another file
	const Counts c = during(fs, [&] { EXPECT_EQ(sys::stat(fs.path("x")), -ENOENT); });
	EXPECT_EQ(c.sent(Op::Lookup), 1) << "the slot of x must not give node 500: " << c.text();
}

// Attributes of the forgotten node must not be given for its successor.
TEST(Alive, AttributesOfAReusedNodeIdAreNotServed)
{
	TestFs fs;
	fs.store.use_ids({{500, 0}});
	fs.store.add_file("x", "0123456789");
	const struct stat old = fs.store.stat("x");
	const extfuse_token before = extfuse_token_node(fs.ext(), 500);
	sys::stat(fs.path("x"));
	ASSERT_EQ(sys::unlink(fs.path("x")), 0);
	ASSERT_TRUE(fs.drop_until_forgotten(500));

	fs.store.use_ids({{500, 0}});
	fs.say.attrs = false;
	fs.store.add_file("y", "1");
	extfuse_invalidate_entry(fs.ext(), Store::root, "y");
	EXPECT_EQ(sys::attr(fs.path("y")).st_size, 1);
	// A late put for the old file: refused, or stored and never served.
	extfuse_put_attr(fs.ext(), nullptr, 500, &old, before, EXTFUSE_SCOPE_ALL);
	EXPECT_EQ(sys::attr(fs.path("y")).st_size, 1);
}

// The same id with another generation is another file; the stale inode is still
// held by somebody.
TEST(Alive, AnotherGenerationOfALivingNodeId)
{
	TestFs fs;
	fs.store.use_ids({{500, 1}});
	fs.store.add_file("x", "12345");
	const sys::Fd keep(sys::open(fs.path("x"), O_RDONLY));
	for (int i = 0; i < 3; i++)
		sys::stat(fs.path("x"));
	fuse_entry_param e = {};
	e.ino = 500;
	e.generation = 2;
	e.attr = fs.store.stat("x");
	ASSERT_EQ(extfuse_put_entry(fs.ext(), nullptr, Store::root, "y", &e,
				    extfuse_token_entry(fs.ext(), Store::root, "y"),
				    extfuse_token_node(fs.ext(), 500), EXTFUSE_SCOPE_ALL,
				    EXTFUSE_SCOPE_ALL),
		  1);
	const Counts c = during(fs, [&] { EXPECT_EQ(sys::stat(fs.path("y")), -ENOENT); });
	EXPECT_EQ(c.driver(op).dead, 1) << c.text();
}

// Put before its reply: the name is in the map, the kernel knows nothing of the
// node. A second look meanwhile goes up too, and both are counted.
TEST(Alive, PutIsNoHitBeforeItsReply)
{
	TestFs fs;
	fs.say.split = true;
	fs.store.add_dir("dir");
	const uint64_t node = fs.store.add_file("dir/name");
	fs.store.link(node, Store::root, "hard");
	sys::stat(fs.path("dir"));
	Hold held = fs.hold(Op::Lookup, Stage::Put, "name");
	auto slow = sys::in_background([&] { return sys::stat(fs.path("dir/name")); });
	ASSERT_TRUE(held.wait());
	const Counts c = during(fs, [&] { EXPECT_EQ(sys::stat(fs.path("hard")), 0); });
	EXPECT_EQ(c.sent(Op::Lookup), 1) << c.text();
	held.release();
	EXPECT_EQ(slow.get(), 0);
	EXPECT_EQ(fs.store.lookups(node), 2U);
	EXPECT_TRUE(fs.drop_until_forgotten(node));
}

// A lookup that is killed before its answer: the daemon's reply fails, and what
// it counted it takes back; no FORGET comes for it.
TEST(Alive, KilledLookupIsCountedOnce)
{
	TestFs fs;
	const uint64_t node = fs.store.add_file("name");
	sys::stat(fs.path());
	Hold held = fs.hold(Op::Lookup, Stage::Done, "name");
	const pid_t child = fork();
	if (child == 0) {
		struct stat st;
		::stat(fs.path("name").c_str(), &st);
		_exit(0);
	}
	ASSERT_TRUE(held.wait());
	kill(child, SIGKILL);
	held.release();
	int status = 0;
	EXPECT_EQ(waitpid(child, &status, 0), child);
	EXPECT_EQ(sys::stat(fs.path("name")), 0);
	EXPECT_TRUE(fs.drop_until_forgotten(node));
}

// Directories in use: the working directory keeps its inode, whatever is dropped.
TEST(Alive, WorkingDirectoryStaysUsable)
{
	TestFs fs;
	fs.store.add_dir("dir");
	const uint64_t node = fs.store.add_file("dir/file", "123");
	const sys::Fd dir(sys::open(fs.path("dir"), O_RDONLY | O_DIRECTORY));
	struct stat st = {};
	for (int i = 0; i < 3; i++)
		ASSERT_EQ(::fstatat(dir, "file", &st, 0), 0);
	ASSERT_TRUE(fs.drop_until_forgotten(node));
	ASSERT_EQ(::fstatat(dir, "file", &st, 0), 0);
	EXPECT_EQ(st.st_size, 3);
	ASSERT_EQ(sys::rename(fs.path("dir"), fs.path("moved")), 0);
	ASSERT_EQ(::fstatat(dir, "file", &st, 0), 0);
	EXPECT_EQ(sys::stat(fs.path("dir/file")), -ENOENT);
	EXPECT_EQ(sys::stat(fs.path("moved/file")), 0);
}

} // namespace extfuse_test
