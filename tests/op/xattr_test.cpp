// SPDX-License-Identifier: GPL-2.0-only
//
// GETXATTR and LISTXATTR: values, absence, sizes, and no room.
#include <gtest/gtest.h>

#include "sys.hpp"
#include "test_fs.hpp"

namespace extfuse_test
{

namespace
{

constexpr auto op = EXTFUSE_OP_GETXATTR;
constexpr auto list_op = EXTFUSE_OP_LISTXATTR;

// The value, or the error as text; room 0 asks for the size.
std::string get(const std::string &path, const char *name, size_t room = 1000)
{
	std::string value(room, '\0');
	const ssize_t n = lgetxattr(path.c_str(), name, value.data(), room);
	if (n < 0)
		return strerrorname_np(errno);
	if (!room)
		return std::to_string(n);
	value.resize(static_cast<size_t>(n));
	return value;
}

std::string list(const std::string &path, size_t room = 1000)
{
	std::string names(room, '\0');
	const ssize_t n = llistxattr(path.c_str(), names.data(), room);
	if (n < 0)
		return strerrorname_np(errno);
	if (!room)
		return std::to_string(n);
	names.resize(static_cast<size_t>(n));
	return names;
}

std::string zeros(const char *text)
{
	std::string s = text;
	for (char &c : s)
		if (c == '|')
			c = '\0';
	return s;
}

struct Xattr : testing::Test {
	TestFs fs;
	const uint64_t node = fs.store.add_file("file");
	const std::string path = fs.path("file");

	Xattr()
	{
		sys::stat(path);
	}
};

} // namespace

TEST_F(Xattr, Value)
{
	fs.store.set_xattr(node, "user.a", "value");
	EXPECT_EQ(get(path, "user.a"), "value");
	const Counts c = during(fs, [&] {
		for (int i = 0; i < 5; i++)
			EXPECT_EQ(get(path, "user.a"), "value");
	});
	EXPECT_EQ(c.sent(Op::Getxattr), 0) << c.text();
	EXPECT_EQ(c.driver(op).hit, 5) << c.text();
}

TEST_F(Xattr, Absent)
{
	EXPECT_EQ(get(path, "user.none"), "ENODATA");
	const Counts c = during(fs, [&] {
		EXPECT_EQ(get(path, "user.none"), "ENODATA");
		EXPECT_EQ(get(path, "user.none", 0), "ENODATA");
	});
	EXPECT_EQ(c.sent(Op::Getxattr), 0) << c.text();
	EXPECT_EQ(c.driver(op).hit, 2) << c.text();
	EXPECT_EQ(c.lib.handler[op].negative, 2) << c.text();
}

TEST_F(Xattr, SizesAndRoom)
{
	fs.store.set_xattr(node, "user.a", "12345678");
	// Put by a question for the size alone.
	EXPECT_EQ(get(path, "user.a", 0), "8");
	const Counts c = during(fs, [&] {
		EXPECT_EQ(get(path, "user.a", 0), "8");
		EXPECT_EQ(get(path, "user.a", 8), "12345678");
		EXPECT_EQ(get(path, "user.a", 9), "12345678");
		EXPECT_EQ(get(path, "user.a", 7), "ERANGE");
		EXPECT_EQ(get(path, "user.a", 1), "ERANGE");
	});
	EXPECT_EQ(c.sent(Op::Getxattr), 0) << c.text();
	EXPECT_EQ(c.driver(op).hit, 5) << c.text();
}

TEST_F(Xattr, EmptyValue)
{
	fs.store.set_xattr(node, "user.empty", "");
	for (int i = 0; i < 2; i++) {
		EXPECT_EQ(get(path, "user.empty"), "");
		EXPECT_EQ(get(path, "user.empty", 0), "0");
	}
}

TEST_F(Xattr, ValuesOfEverySize)
{
	for (size_t size : {1, 7, 8, 9, 255, 256, 257, 900}) {
		const std::string value = std::string(size - 1, 'x') + "y";
		fs.store.set_xattr(node, "user.a", value);
		extfuse_invalidate_node(fs.ext(), node);
		const Counts c = during(fs, [&] {
			for (int i = 0; i < 3; i++)
				EXPECT_EQ(get(path, "user.a"), value);
		});
		EXPECT_EQ(c.sent(Op::Getxattr), size <= EXTFUSE_OBJECT_MAX ? 1 : 3) << size;
	}
}

TEST_F(Xattr, NamesAreNotMixedUp)
{
	const std::string longest = "user." + std::string(EXTFUSE_NAME_INLINE - 5, 'n');
	const std::string beyond = longest + "n";
	fs.store.set_xattr(node, "user.a", "a");
	fs.store.set_xattr(node, "user.b", "b");
	fs.store.set_xattr(node, longest, "longest");
	fs.store.set_xattr(node, beyond, "beyond");
	for (int i = 0; i < 2; i++) {
		const Counts c = during(fs, [&] {
			EXPECT_EQ(get(path, "user.a"), "a");
			EXPECT_EQ(get(path, "user.b"), "b");
			EXPECT_EQ(get(path, "user.c"), "ENODATA");
			EXPECT_EQ(get(path, longest.c_str()), "longest");
			EXPECT_EQ(get(path, beyond.c_str()), "beyond");
		});
		// Only the long name is not cached.
		EXPECT_EQ(c.sent(Op::Getxattr), i ? 1 : 5) << c.text();
	}
	// Nor is another file's.
	fs.store.add_file("other");
	EXPECT_EQ(get(fs.path("other"), "user.a"), "ENODATA");
}

TEST_F(Xattr, ChangesAreSeen)
{
	EXPECT_EQ(get(path, "user.a"), "ENODATA");
	EXPECT_EQ(sys::set_xattr(path, "user.a", "one"), 0);
	EXPECT_EQ(get(path, "user.a"), "one");
	EXPECT_EQ(sys::set_xattr(path, "user.a", "two"), 0);
	EXPECT_EQ(get(path, "user.a"), "two");
	EXPECT_EQ(lremovexattr(path.c_str(), "user.a"), 0);
	EXPECT_EQ(get(path, "user.a"), "ENODATA");
	// Behind the mount.
	fs.store.set_xattr(node, "user.a", "three");
	extfuse_invalidate_node(fs.ext(), node);
	EXPECT_EQ(get(path, "user.a"), "three");
}

// A reply that was under way when the attribute came must not be kept.
TEST_F(Xattr, AnswerOvertakenByAChange)
{
	auto held = fs.hold(Op::Getxattr, Stage::Done);
	auto slow = sys::in_background([&] { return get(path, "user.a"); });
	ASSERT_TRUE(held.wait());
	EXPECT_EQ(sys::set_xattr(path, "user.a", "new"), 0);
	held.release();
	EXPECT_EQ(slow.get(), "ENODATA");
	EXPECT_EQ(get(path, "user.a"), "new");
	EXPECT_EQ(get(path, "user.a"), "new");
}

// Before each write the kernel asks whether the file has capabilities.
TEST_F(Xattr, WritingAsksTheDaemonNothing)
{
	EXPECT_EQ(sys::write_file(path, "x", O_WRONLY), 0);
	const sys::Fd fd(sys::open(path, O_WRONLY));
	const Counts c = during(fs, [&] {
		for (int i = 0; i < 10; i++)
			EXPECT_EQ(sys::pwrite(fd, "data", 0), 4);
	});
	EXPECT_EQ(c.sent(Op::Getxattr), 0) << c.text();
	EXPECT_EQ(c.sent(Op::Write), 10) << c.text();
	EXPECT_EQ(c.sent_all(), 10) << c.text();
}

// Where the daemon does not promise that, a write is a change.
TEST_F(Xattr, WritingMayChangeWhatIsNotKept)
{
	fs.say.kept = false;
	EXPECT_EQ(get(path, "user.sum"), "ENODATA");
	EXPECT_EQ(sys::write_file(path, "x", O_WRONLY), 0);
	fs.store.set_xattr(node, "user.sum", "1");
	EXPECT_EQ(get(path, "user.sum"), "1");
	EXPECT_EQ(sys::write_file(path, "y", O_WRONLY), 0);
	fs.store.set_xattr(node, "user.sum", "2");
	EXPECT_EQ(get(path, "user.sum"), "2");
}

TEST_F(Xattr, List)
{
	fs.store.set_xattr(node, "user.a", "1");
	fs.store.set_xattr(node, "user.b", "2");
	EXPECT_EQ(list(path), zeros("user.a|user.b|"));
	const Counts c = during(fs, [&] {
		EXPECT_EQ(list(path), zeros("user.a|user.b|"));
		EXPECT_EQ(list(path, 0), "14");
		EXPECT_EQ(list(path, 14), zeros("user.a|user.b|"));
		EXPECT_EQ(list(path, 13), "ERANGE");
	});
	EXPECT_EQ(c.sent(Op::Listxattr), 0) << c.text();
	EXPECT_EQ(c.driver(list_op).hit, 4) << c.text();
	EXPECT_EQ(sys::set_xattr(path, "user.c", "3"), 0);
	EXPECT_EQ(list(path), zeros("user.a|user.b|user.c|"));
}

TEST_F(Xattr, ListOfNone)
{
	EXPECT_EQ(list(path), "");
	const Counts c = during(fs, [&] {
		EXPECT_EQ(list(path), "");
		EXPECT_EQ(list(path, 0), "0");
	});
	EXPECT_EQ(c.sent(Op::Listxattr), 0) << c.text();
}

TEST_F(Xattr, MissGoesToTheDaemon)
{
	fs.say.objects = false;
	fs.store.set_xattr(node, "user.a", "1");
	const Counts c = during(fs, [&] {
		for (int i = 0; i < 3; i++) {
			EXPECT_EQ(get(path, "user.a"), "1");
			EXPECT_EQ(get(path, "user.b"), "ENODATA");
			EXPECT_EQ(list(path), zeros("user.a|"));
		}
	});
	EXPECT_EQ(c.sent(Op::Getxattr), 6) << c.text();
	EXPECT_EQ(c.sent(Op::Listxattr), 3) << c.text();
	EXPECT_EQ(c.driver(op).upcall, 6) << c.text();
	EXPECT_EQ(c.driver(op).sent, 6) << c.text();
	EXPECT_EQ(c.driver(list_op).sent, 3) << c.text();
}

TEST_F(Xattr, DetachAndAttach)
{
	EXPECT_EQ(get(path, "user.a"), "ENODATA");
	ASSERT_EQ(extfuse_detach(fs.ext()), 0);
	EXPECT_EQ(sys::set_xattr(path, "user.a", "1"), 0);
	Counts c = during(fs, [&] { EXPECT_EQ(get(path, "user.a"), "1"); });
	EXPECT_EQ(c.sent(Op::Getxattr), 1) << c.text();
	ASSERT_EQ(extfuse_attach(fs.ext()), 0);
	EXPECT_EQ(get(path, "user.a"), "1");
	c = during(fs, [&] { EXPECT_EQ(get(path, "user.a"), "1"); });
	EXPECT_EQ(c.sent(Op::Getxattr), 0) << c.text();
}

// More than there is room for: the right answers all the same.
TEST(XattrFull, EvictsAndAnswers)
{
	Config config;
	config.kind = Kind::Tiny;
	TestFs fs(config);
	for (int i = 0; i < 100; i++) {
		const std::string name = "f" + std::to_string(i);
		fs.store.set_xattr(fs.store.add_file(name), "user.i", name);
	}
	const Counts c = during(fs, [&] {
		for (int pass = 0; pass < 2; pass++)
			for (int i = 0; i < 100; i++) {
				const std::string name = "f" + std::to_string(i);
				EXPECT_EQ(get(fs.path(name), "user.i"), name);
				EXPECT_EQ(get(fs.path(name), "user.i"), name);
			}
	});
	EXPECT_GE(c.driver(op).hit, 200) << c.text();
	EXPECT_GE(c.lib.evicted, 100) << c.text();
}

// What was answered to one user is nobody else's.
TEST(XattrScope, Uid)
{
	TestFs fs;
	fs.say.object = EXTFUSE_SCOPE_UID;
	const uint64_t node = fs.store.add_file("file");
	fs.store.set_xattr(node, "user.a", "1");
	const std::string path = fs.path("file");
	for (int i = 0; i < 2; i++) {
		const Counts c = during(fs, [&] {
			EXPECT_EQ(get(path, "user.a"), "1");
			EXPECT_EQ(get(path, "user.a"), "1");
		});
		EXPECT_EQ(c.sent(Op::Getxattr), i ? 0 : 1) << c.text();
	}
	const Counts c = during(fs, [&] {
		sys::as_user(1000, [&] { EXPECT_EQ(get(path, "user.a"), "1"); });
	});
	EXPECT_EQ(c.sent(Op::Getxattr), 1) << c.text();
}

} // namespace extfuse_test
