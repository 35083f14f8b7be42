// SPDX-License-Identifier: GPL-2.0-only
//
// Policies: a daemon that says nothing of caching, and what is kept of its replies.
#include <gtest/gtest.h>

#include <dirent.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <thread>

#include "plain_fs.hpp"
#include "sys.hpp"

namespace extfuse_test
{

namespace
{

constexpr auto lookup = EXTFUSE_OP_LOOKUP;
constexpr auto getattr = EXTFUSE_OP_GETATTR;
constexpr uid_t alice = 1000, bob = 1001;

uint64_t puts(const Counts &c)
{
	return c.lib.put_entry + c.lib.put_attr + c.lib.put_data + c.lib.put_object +
	       c.lib.put_dir + c.lib.put_names + c.lib.put_open;
}

uint64_t unkept(const Counts &c, extfuse_op op, extfuse_unkept why)
{
	return c.lib.handler[op].unkept[why];
}

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
		EXPECT_EQ(sys::as_user(alice, alice, {7},
				       [&] { return sys::stat(fs.path("file")); }),
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
			EXPECT_EQ(xattr(fs.path("one"), "security.capability"), -ENODATA);
		};
		look();
		const Counts c = during(fs, look);
		EXPECT_EQ(c.sent(Op::Getattr) > 0, !links) << c.text();
		EXPECT_EQ(c.sent(Op::Getxattr), links ? 0 : 2) << c.text();
		EXPECT_EQ(unkept(c, getattr, EXTFUSE_UNKEPT_LINKS) > 0, !links) << c.text();
		// One name more, by a request: known at once.
		fs.store.add_file("single", "data");
		EXPECT_EQ(sys::attr(fs.path("single")).st_nlink, 1);
		EXPECT_EQ(sys::link(fs.path("single"), fs.path("double")), 0);
		EXPECT_EQ(sys::attr(fs.path("single")).st_nlink, 2);
		const auto ask = [&] {
			EXPECT_EQ(xattr(fs.path("single"), "security.capability"), -ENODATA);
		};
		ask();
		EXPECT_EQ(during(fs, ask).sent(Op::Getxattr), links ? 0 : 1);
	}
}

// That there are no capabilities is asked for with each write, and stays known.
TEST(Policy, PrivateKeepsThatThereAreNoCapabilities)
{
	PlainFs fs(private_cache());
	fs.store.add_file("file", "data");
	sys::stat(fs.path("file"));
	const auto write = [&] {
		const sys::Fd fd(sys::open(fs.path("file"), O_WRONLY));
		EXPECT_EQ(sys::pwrite(fd, "x", 0), 1);
	};
	write();
	// Changed by the daemon: known no more, and asked for while the size is not known.
	extfuse_invalidate_node(fs.ext(), fs.store.at("file"));
	write();
	const Counts c = during(fs, [&] {
		for (int i = 0; i < 3; i++)
			write();
	});
	EXPECT_EQ(c.sent(Op::Getxattr), 0U) << c.text();
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

// --- private: opens and listings

// find, ls -lR, cat of every file, by a program that knows nothing of us.
TEST(Policy, PrivateSecondWalkAsksNothing)
{
	for (const bool plus : {false, true}) {
		SCOPED_TRACE(plus);
		Config config = private_cache();
		config.readdirplus = config.readdirplus_auto = plus;
		PlainFs fs(config);
		const std::string expected = make_tree(fs, 300); // several replies
		EXPECT_EQ(walk(fs.path()), expected);
		Counts c = during(fs, [&] { EXPECT_EQ(walk(fs.path()), expected); });
		EXPECT_EQ(c.sent_all(), 0) << c.text();
		EXPECT_EQ(c.sent(Op::Release) + c.sent(Op::Releasedir), 0) << c.text();
		EXPECT_EQ(puts(c), 0) << c.text();
		wait_for_no_handles(fs);
		// Without the page cache, too.
		sys::drop_pages();
		c = during(fs, [&] { EXPECT_EQ(walk(fs.path()), expected); });
		EXPECT_EQ(c.sent(Op::Opendir) + c.sent(Op::Lookup) + c.sent(Op::Getattr), 0)
			<< c.text();
		// A handle for what the maps had no room for.
		EXPECT_EQ(c.sent(Op::Open), c.sent(Op::Read)) << c.text();
		EXPECT_LE(c.sent(Op::Read), 60U) << c.text();
	}
}

TEST(Policy, PrivateReadsWhatChanges)
{
	PlainFs fs(private_cache());
	const uint64_t node = fs.store.add_file("file", "data");
	const std::string path = fs.path("file");
	std::string data = "data";
	const auto same = [&] {
		for (int i = 0; i < 3; i++) {
			EXPECT_EQ(sys::read_file(path), data);
			EXPECT_EQ(sys::attr(path).st_size, static_cast<off_t>(data.size()));
		}
		Counts c = during(fs, [&] { EXPECT_EQ(sys::read_file(path), data); });
		EXPECT_EQ(c.sent_all(), 0) << c.text();
		sys::drop_pages();
		c = during(fs, [&] { EXPECT_EQ(sys::read_file(path), data); });
		EXPECT_EQ(c.sent(Op::Open), c.sent(Op::Read) ? 1U : 0U) << c.text();
	};
	same();
	EXPECT_EQ(sys::write_file(path, "longer data", O_WRONLY), 0);
	data = "longer data";
	same();
	EXPECT_EQ(sys::truncate(path, 3), 0);
	data = "lon";
	same();
	EXPECT_EQ(sys::write_file(path, "x", O_WRONLY | O_TRUNC), 0);
	data = "x";
	same();
	EXPECT_EQ(sys::Fd(sys::open(path, O_RDONLY | O_TRUNC)) >= 0, true);
	data = "";
	same();
	{
		const sys::Fd fd(sys::open(path, O_RDWR));
		EXPECT_EQ(::fallocate(fd, 0, 0, 5), 0);
	}
	data = std::string(5, '\0');
	same();
	// By its owner's program, which says so.
	fs.store.write(node, 0, "12345");
	extfuse_invalidate_node(fs.ext(), node);
	data = "12345";
	same();
	EXPECT_EQ(sys::chmod(path, 0600), 0);
	EXPECT_EQ(sys::attr(path).st_mode & 0777, 0600U);
	EXPECT_EQ(sys::set_xattr(path, "user.name", "one"), 0);
	std::string value;
	for (const char *to : {"one", "other"}) {
		EXPECT_EQ(sys::set_xattr(path, "user.name", to), 0);
		for (int i = 0; i < 2; i++) {
			xattr(path, "user.name", &value);
			EXPECT_EQ(value, to);
		}
	}
	EXPECT_EQ(::lremovexattr(path.c_str(), "user.name"), 0);
	EXPECT_EQ(xattr(path, "user.name"), -ENODATA);
	const Counts c = during(fs, [&] { EXPECT_EQ(xattr(path, "user.name"), -ENODATA); });
	EXPECT_EQ(c.sent_all(), 0) << c.text();
}

// What cannot be read through the page cache is each time the daemon's.
TEST(Policy, PrivateDirectOpensGoUp)
{
	Config config = private_cache();
	config.direct_io = true;
	PlainFs fs(config);
	const uint64_t node = fs.store.add_file("file", "data");
	const std::string path = fs.path("file");
	EXPECT_EQ(sys::read_file(path), "data");
	const sys::Fd mapped(sys::open(path, O_RDONLY));
	const void *map = ::mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE, mapped, 0);
	ASSERT_NE(map, MAP_FAILED);
	EXPECT_EQ(std::string(static_cast<const char *>(map), 4), "data");
	::munmap(const_cast<void *>(map), 4096);
	fs.store.replace_quietly(node, "atad"); // another time, other data
	const Counts c = during(fs, [&] { EXPECT_EQ(sys::read_file(path), "atad"); });
	EXPECT_EQ(c.sent(Op::Open), 1) << c.text();
	EXPECT_GE(c.sent(Op::Read), 1) << c.text();
	EXPECT_EQ(unkept(c, EXTFUSE_OP_OPEN, EXTFUSE_UNKEPT_KIND), 1) << c.text();
	EXPECT_EQ(c.lib.handler[EXTFUSE_OP_READ].kept, 0) << c.text();
}

TEST(Policy, PrivateNonseekableOpensGoUp)
{
	PlainFs fs(private_cache());
	fs.nonseekable = true;
	fs.store.add_file("file", "data");
	for (int i = 0; i < 3; i++) {
		const Counts c = during(fs, [&] {
			const sys::Fd fd(sys::open(fs.path("file"), O_RDONLY));
			EXPECT_EQ(::lseek(fd, 1, SEEK_SET), -1);
			EXPECT_EQ(errno, ESPIPE);
		});
		EXPECT_EQ(c.sent(Op::Open), 1) << c.text();
	}
}

TEST(Policy, PrivateKeepsNoRefusals)
{
	Config config = private_cache();
	config.default_permissions = false;
	PlainFs fs(config);
	make_tree(fs, 3);
	std::atomic<bool> open{false};
	fs.set_policy([&](const fuse_ctx &caller, Op op, uint64_t, const char *) {
		const bool refused =
			!open && (op == Op::Open || op == Op::Opendir) && caller.uid == bob;
		return refused ? EACCES : 0;
	});
	const auto as = [&](uid_t uid) {
		return sys::as_user(uid, [&] { return walk(fs.path("a")); });
	};
	const std::string all = "file-0000 9 file-0000 file-0001 9 file-0001 "
				"file-0002 9 file-0002 ";
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(as(alice), all);
		EXPECT_EQ(as(bob), "error 13 0 error -2 ");
	}
	as(alice); // one place for both: the last of them has it
	const Counts c = during(fs, [&] { EXPECT_EQ(as(alice), all); });
	EXPECT_EQ(c.sent_all(), 0) << c.text();
	open = true;
	EXPECT_EQ(as(bob), all);
}

// A daemon that goes by names has to know which files are open before one goes.
TEST(Policy, PrivateTellsOfOpenFilesBeforeTheyAreRemoved)
{
	PlainFs fs(private_cache());
	const std::string data(100000, 'd');
	for (const char *name : {"unlinked", "replaced", "by"})
		fs.store.add_file(name, data);
	fs.store.add_dir("dir");
	for (int i = 0; i < 2; i++) {
		for (const char *name : {"unlinked", "replaced"})
			sys::read_file(fs.path(name));
		list(fs.path("dir"));
	}
	const sys::Fd unlinked(sys::open(fs.path("unlinked"), O_RDONLY));
	const sys::Fd replaced(sys::open(fs.path("replaced"), O_RDONLY));
	const sys::Fd dir(sys::open(fs.path("dir"), O_RDONLY | O_DIRECTORY));
	wait_for_no_handles(fs);
	Counts c = during(fs, [&] { EXPECT_EQ(sys::unlink(fs.path("unlinked")), 0); });
	EXPECT_EQ(c.sent(Op::Open), 1) << c.text();
	EXPECT_EQ(fs.handles(), 1U);
	c = during(fs, [&] { EXPECT_EQ(sys::rename(fs.path("by"), fs.path("replaced")), 0); });
	EXPECT_EQ(c.sent(Op::Open), 1) << c.text();
	c = during(fs, [&] { EXPECT_EQ(sys::rmdir(fs.path("dir")), 0); });
	EXPECT_EQ(c.sent(Op::Opendir), 1) << c.text();
	EXPECT_EQ(fs.handles(), 3U);
	sys::drop_pages();
	EXPECT_EQ(sys::read_at(unlinked, data.size(), 0), data);
	EXPECT_EQ(sys::read_at(replaced, data.size(), 0), data);
}

// Whatever is evicted, in the middle of a directory or a file: the daemon has it.
TEST(Policy, PrivateWithTinyMaps)
{
	Config config = private_cache();
	config.kind = Kind::Tiny;
	PlainFs fs(config);
	const std::string expected = make_tree(fs, 300);
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(walk(fs.path()), expected);
	wait_for_no_handles(fs);
}

TEST(Policy, PrivateAfterDetach)
{
	PlainFs fs(private_cache());
	const std::string expected = make_tree(fs, 300);
	walk(fs.path());
	const sys::Fd open(sys::open(fs.path("a/file-0001"), O_RDONLY));
	DIR *dir = ::opendir(fs.path("a").c_str());
	ASSERT_TRUE(dir && ::readdir(dir));
	ASSERT_EQ(extfuse_detach(fs.ext()), 0);
	// Told although nobody is there who could say so.
	EXPECT_EQ(sys::unlink(fs.path("a/file-0001")), 0);
	sys::drop_pages();
	EXPECT_EQ(sys::read_at(open, 9, 0), "file-0001");
	size_t rest = 0;
	while (::readdir(dir))
		rest++;
	EXPECT_GE(rest, 300U);
	::closedir(dir);
	EXPECT_EQ(sys::write_file(fs.path("a/new"), "new"), 0);
	ASSERT_EQ(extfuse_attach(fs.ext()), 0);
	EXPECT_EQ(list(fs.path("a")).size(), 302U);
	EXPECT_EQ(sys::read_file(fs.path("a/new")), "new");
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
