// SPDX-License-Identifier: GPL-2.0-only
//
// Policies: a daemon that says nothing of caching, and what is kept of its replies.
#include <gtest/gtest.h>

#include <sys/statvfs.h>
#include <sys/xattr.h>

#include <chrono>
#include <cstring>
#include <thread>

#include "sys.hpp"
#include "test_fs.hpp"

namespace extfuse_test
{

namespace
{

constexpr auto lookup = EXTFUSE_OP_LOOKUP;
constexpr auto getattr = EXTFUSE_OP_GETATTR;
constexpr uid_t alice = 1000, bob = 1001;

Config with(extfuse_policy policy)
{
	Config c;
	c.cache = policy;
	c.reply_hooks = false;
	return c;
}

Config private_cache(bool remember = true)
{
	Config c = with(EXTFUSE_CACHE_PRIVATE);
	c.remember = remember;
	return c;
}

uint64_t puts(const Counts &c)
{
	return c.lib.put_entry + c.lib.put_attr + c.lib.put_data + c.lib.put_object +
	       c.lib.put_dir + c.lib.put_names + c.lib.put_open;
}

uint64_t unkept(const Counts &c, extfuse_op op, extfuse_unkept why)
{
	return c.lib.handler[op].unkept[why];
}

// Says nothing: plain fuse_reply_*().
struct PlainFs : TestFs {
	explicit PlainFs(Config config) : TestFs(std::move(config))
	{
		say.names = say.negatives = say.attrs = say.blocks = say.objects = false;
		say.listings = say.changes = false;
	}
};

int64_t xattr(const std::string &path, const char *name, std::string *value = nullptr)
{
	char buffer[512];
	const ssize_t n = ::lgetxattr(path.c_str(), name, buffer, sizeof(buffer));
	if (n < 0)
		return -errno;
	if (value)
		value->assign(buffer, static_cast<size_t>(n));
	return n;
}

std::string link_target(const std::string &path)
{
	char buffer[512];
	const ssize_t n = ::readlink(path.c_str(), buffer, sizeof(buffer));
	return n < 0 ? "error " + std::to_string(-errno) : std::string(buffer, size_t(n));
}

// What a program that knows nothing of us is asked about one file; the same each time.
void look_at_all(TestFs &fs)
{
	EXPECT_EQ(sys::attr(fs.path("dir/file")).st_size, 4);
	EXPECT_EQ(sys::stat(fs.path("dir/none")), -ENOENT);
	EXPECT_EQ(link_target(fs.path("link")), "dir/file");
	EXPECT_EQ(xattr(fs.path("dir/file"), "user.name"), 5);
	EXPECT_EQ(xattr(fs.path("dir/file"), "user.none"), -ENODATA);
}

void make_all(TestFs &fs)
{
	fs.store.add_dir("dir");
	const uint64_t node = fs.store.add_file("dir/file", "data");
	ASSERT_EQ(fs.store.set_xattr(node, "user.name", "value"), 0);
	ASSERT_EQ(fs.store.make(Store::root, "link", S_IFLNK | 0777, {}, 0, "dir/file").error, 0);
}

} // namespace

// --- private: whatever timeouts say, which is 0

TEST(Policy, PrivateSecondPassAsksNothing)
{
	for (const bool permissions : {true, false}) {
		for (const bool others : {true, false}) {
			SCOPED_TRACE(permissions);
			SCOPED_TRACE(others);
			Config config = private_cache();
			config.default_permissions = permissions;
			config.allow_other = others;
			PlainFs fs(config);
			make_all(fs);
			look_at_all(fs);
			const Counts c = during(fs, [&] { look_at_all(fs); });
			EXPECT_EQ(c.sent_all(), 0) << c.text();
			EXPECT_EQ(puts(c), 0) << c.text();
			// The kernel checks, or there is one who may ask: from the dentry.
			look_at_all(fs);
			const Counts third = during(fs, [&] { look_at_all(fs); });
			if (permissions || !others)
				EXPECT_EQ(third.driver(lookup).hit, 0) << third.text();
			else
				EXPECT_EQ(third.driver(lookup).warm, 0) << third.text();
		}
	}
}

TEST(Policy, AnnotatedKeepsNothingOfAPlainDaemon)
{
	PlainFs fs(with(EXTFUSE_CACHE_ANNOTATED));
	make_all(fs);
	look_at_all(fs);
	const Counts first = during(fs, [&] { look_at_all(fs); });
	EXPECT_GE(first.sent(Op::Lookup), 5) << first.text();
	EXPECT_EQ(first.sent(Op::Getxattr), 2) << first.text();
	EXPECT_EQ(first.sent(Op::Readlink), 1) << first.text();
}

// What was computed for Alice is not for Bob, unless the kernel checks.
TEST(Policy, PrivateServesTheCallerOnly)
{
	Config config = private_cache();
	config.default_permissions = false;
	PlainFs fs(config);
	fs.store.add_file("file", "data");
	fs.set_policy([](const fuse_ctx &caller, Op op, uint64_t, const char *) {
		return op == Op::Lookup && caller.uid == bob ? EACCES : 0;
	});
	const auto as = [&](uid_t uid) {
		return sys::as_user(uid, [&] { return sys::stat(fs.path("file")); });
	};
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(as(alice), 0);
		EXPECT_EQ(as(bob), -EACCES);
	}
	as(alice);
	const Counts c = during(fs, [&] { EXPECT_EQ(as(alice), 0); });
	EXPECT_EQ(c.sent_all(), 0) << c.text();
	// The same user in another group is another caller.
	const Counts other = during(fs, [&] {
		EXPECT_EQ(sys::as_user(alice, alice, {7}, [&] { return sys::stat(fs.path("file")); }),
			  0);
	});
	EXPECT_EQ(other.sent(Op::Lookup), 1) << other.text();
}

// A mount without allow_other: nobody else, also not before a remembered answer. What
// its owner is told while it acts as somebody else is not kept for the owner.
TEST(Policy, PrivateOfTheOwnerAlone)
{
	Config config = private_cache();
	config.default_permissions = false;
	config.allow_other = false;
	PlainFs fs(config);
	fs.store.add_file("file", "data");
	fs.store.add_file("other", "data");
	fs.set_policy([](const fuse_ctx &caller, Op op, uint64_t, const char *name) {
		return op == Op::Lookup && caller.uid == 0 && !strcmp(name, "other") ? EACCES : 0;
	});
	sys::stat(fs.path("file"));
	sys::stat(fs.path("file"));
	EXPECT_EQ(sys::as_user(alice, [&] { return sys::stat(fs.path("file")); }), -EACCES);
	sys::in_background([&] {
		syscall(SYS_setfsuid, alice);
		return sys::stat(fs.path("other"));
	}).get();
	const Counts c = during(fs, [&] { EXPECT_EQ(sys::stat(fs.path("other")), -EACCES); });
	EXPECT_GE(c.sent(Op::Lookup), 1) << c.text();
}

// Every name of a file may have a node of its own: what is written by one is not seen
// to change the other.
TEST(Policy, PrivateLeavesFilesOfSeveralLinksAlone)
{
	for (const bool links : {false, true}) {
		SCOPED_TRACE(links);
		Config config = private_cache();
		config.cache_links = links;
		PlainFs fs(config);
		const uint64_t node = fs.store.add_file("one", "data");
		fs.store.link(node, Store::root, "two");
		ASSERT_EQ(fs.store.set_xattr(node, "user.name", "value"), 0);
		const auto look = [&] {
			EXPECT_EQ(sys::attr(fs.path("one")).st_nlink, 2);
			EXPECT_EQ(xattr(fs.path("one"), "user.name"), 5);
		};
		look();
		const Counts c = during(fs, look);
		EXPECT_EQ(c.sent(Op::Getattr) > 0, !links) << c.text();
		EXPECT_EQ(c.sent(Op::Getxattr), links ? 0 : 1) << c.text();
		EXPECT_EQ(unkept(c, getattr, EXTFUSE_UNKEPT_LINKS) > 0, !links) << c.text();
		// One name more, by a request: known at once.
		fs.store.add_file("single", "data");
		EXPECT_EQ(sys::attr(fs.path("single")).st_nlink, 1);
		EXPECT_EQ(sys::link(fs.path("single"), fs.path("double")), 0);
		EXPECT_EQ(sys::attr(fs.path("single")).st_nlink, 2);
	}
}

TEST(Policy, PrivateNeverKeeps)
{
	PlainFs fs(private_cache());
	const uint64_t node = fs.store.add_file("file", "data");
	const auto names = {"trusted.name", "system.other", "user.name", "security.other"};
	for (const char *name : names)
		ASSERT_EQ(fs.store.set_xattr(node, name, "value"), 0);
	sys::stat(fs.path("file"));
	struct statvfs st;
	const auto look = [&] {
		for (const char *name : names)
			EXPECT_EQ(xattr(fs.path("file"), name), 5) << name;
		EXPECT_EQ(::statvfs(fs.path("file").c_str(), &st), 0);
	};
	look();
	const Counts c = during(fs, look);
	EXPECT_EQ(c.sent(Op::Getxattr), 2) << c.text();
	EXPECT_EQ(unkept(c, EXTFUSE_OP_GETXATTR, EXTFUSE_UNKEPT_KIND), 2) << c.text();
	EXPECT_EQ(c.sent(Op::Statfs), 1) << c.text();
	EXPECT_EQ(unkept(c, EXTFUSE_OP_STATFS, EXTFUSE_UNKEPT_KIND), 1) << c.text();
}

// Reading moves the access time of the store, and costs no request, unless that is
// wanted.
TEST(Policy, PrivateAccessTimes)
{
	for (const bool follow : {false, true}) {
		SCOPED_TRACE(follow);
		Config config = private_cache();
		config.follow_atime = follow;
		PlainFs fs(config);
		fs.store.write(fs.store.add_file("file"), 0, "data"); // after the access time
		sys::stat(fs.path("file"));
		const time_t before = sys::attr(fs.path("file")).st_atime;
		const Counts c = during(fs, [&] {
			EXPECT_EQ(sys::read_file(fs.path("file")), "data");
			sys::stat(fs.path("file"));
		});
		EXPECT_EQ(c.sent(Op::Getattr), follow ? 1 : 0) << c.text();
		EXPECT_GE(sys::attr(fs.path("file")).st_atime, before);
	}
}

// --- timeouts

TEST(Policy, TimeoutsKeepAttributesForSoLong)
{
	PlainFs fs(with(EXTFUSE_CACHE_TIMEOUTS));
	fs.store.add_file("file", "data");
	fs.say.timeout = 3600;
	sys::stat(fs.path("file"));
	const sys::Fd fd(sys::open(fs.path("file"), O_RDONLY));
	struct stat st;
	// The kernel itself does not know the access time after a read; once, it is asked.
	EXPECT_EQ(sys::read_at(fd, 4, 0), "data");
	EXPECT_EQ(sys::fstat(fd, &st), 0);
	sys::drop_pages();
	EXPECT_EQ(sys::read_at(fd, 4, 0), "data");
	Counts c = during(fs, [&] { EXPECT_EQ(sys::fstat(fd, &st), 0); });
	EXPECT_EQ(c.sent(Op::Getattr), 0) << c.text();
	EXPECT_EQ(c.driver(getattr).hit, 1) << c.text();
	// Everything that no timeout speaks of goes up.
	xattr(fs.path("file"), "user.none");
	c = during(fs, [&] { EXPECT_EQ(xattr(fs.path("file"), "user.none"), -ENODATA); });
	EXPECT_EQ(c.sent(Op::Getxattr), 1) << c.text();
}

TEST(Policy, TimeoutsRunOut)
{
	PlainFs fs(with(EXTFUSE_CACHE_TIMEOUTS));
	const uint64_t node = fs.store.add_file("file", "data");
	fs.say.timeout = 0.5;
	const sys::Fd fd(sys::open(fs.path("file"), O_RDONLY));
	struct stat st;
	EXPECT_EQ(sys::read_at(fd, 4, 0), "data");
	EXPECT_EQ(sys::fstat(fd, &st), 0);
	fs.store.set_size(node, 9); // behind the mount: seen when the time is over
	std::this_thread::sleep_for(std::chrono::milliseconds(900));
	EXPECT_EQ(sys::fstat(fd, &st), 0);
	EXPECT_EQ(st.st_size, 9);
	fs.say.timeout = 0;
	for (int i = 0; i < 2; i++) {
		std::this_thread::sleep_for(std::chrono::milliseconds(600));
		const Counts c = during(fs, [&] { EXPECT_EQ(sys::fstat(fd, &st), 0); });
		EXPECT_EQ(c.sent(Op::Getattr), 1) << c.text();
		EXPECT_EQ(unkept(c, getattr, EXTFUSE_UNKEPT_TIMEOUT), 1) << c.text();
	}
}

} // namespace extfuse_test
