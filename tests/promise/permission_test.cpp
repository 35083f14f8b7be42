// SPDX-License-Identifier: GPL-2.0-only
//
// "Same permissions": the same caller gets the same allow or deny as by upcall,
// and nobody is served what was computed for another.
#include <gtest/gtest.h>

#include "sys.hpp"
#include "test_fs.hpp"

namespace extfuse_test
{

namespace
{

constexpr auto lookup = EXTFUSE_OP_LOOKUP;
constexpr auto getattr = EXTFUSE_OP_GETATTR;
constexpr uid_t alice = 1000, bob = 1001;

// The daemon decides; the kernel does not check.
Config daemon_checks(bool remember = true)
{
	Config c;
	c.default_permissions = false;
	c.remember = remember;
	return c;
}

void annotate(TestFs &fs, extfuse_scope scope)
{
	fs.say.entry = scope;
	fs.say.attr = scope;
	fs.say.data = scope;
}

// An xattr value of a POSIX ACL: owner, one named user, group, mask, others.
std::string acl(unsigned owner, uid_t user, unsigned user_perm, unsigned group, unsigned mask,
		unsigned other)
{
	std::string out("\2\0\0\0", 4);
	const auto add = [&](unsigned tag, unsigned perm, uint32_t id) {
		for (const uint32_t word : {tag | perm << 16, id})
			out.append(reinterpret_cast<const char *>(&word), 4);
	};
	add(0x01, owner, ~0U);
	add(0x02, user_perm, user);
	add(0x04, group, ~0U);
	add(0x10, mask, ~0U);
	add(0x20, other, ~0U);
	return out;
}

int stat_as(uid_t uid, TestFs &fs, const std::string &name)
{
	return sys::as_user(uid, [&] { return sys::stat(fs.path(name)); });
}

} // namespace

// --- scopes without default_permissions

TEST(Permission, ScopeUidServesThatUserOnly)
{
	TestFs fs(daemon_checks());
	annotate(fs, EXTFUSE_SCOPE_UID);
	fs.store.add_file("file");
	stat_as(alice, fs, "file");
	Counts c = during(fs, [&] { EXPECT_EQ(stat_as(alice, fs, "file"), 0); });
	EXPECT_EQ(c.sent_all(), 0) << c.text();
	EXPECT_EQ(c.driver(lookup).warm, 0) << "must not be remembered: " << c.text();

	c = during(fs, [&] { EXPECT_EQ(stat_as(bob, fs, "file"), 0); });
	EXPECT_GE(c.sent(Op::Lookup), 1) << c.text();
	EXPECT_GE(c.sent(Op::Getattr), 0) << c.text();
	EXPECT_EQ(c.driver(lookup).hit, 0) << c.text();
	EXPECT_GE(c.lib.handler[lookup].miss[EXTFUSE_MISS_CALLER], 1) << c.text();
}

// The daemon allows Alice and denies Bob; each gets their own answer, whoever
// came first.
TEST(Permission, DeniedUserIsNeverServedTheOthersAnswer)
{
	for (const extfuse_scope scope :
	     {EXTFUSE_SCOPE_UID, EXTFUSE_SCOPE_CALLER, EXTFUSE_SCOPE_NONE, EXTFUSE_SCOPE_KERNEL}) {
		SCOPED_TRACE(scope);
		TestFs fs(daemon_checks());
		annotate(fs, scope);
		fs.set_policy([](const fuse_ctx &who, Op, uint64_t node, const char *) {
			return who.uid == bob && node != Store::root ? EACCES : 0;
		});
		fs.store.add_dir("dir");
		fs.store.add_file("dir/file", "secret");
		for (int i = 0; i < 4; i++) {
			EXPECT_EQ(stat_as(alice, fs, "dir/file"), 0);
			EXPECT_EQ(stat_as(bob, fs, "dir/file"), -EACCES);
		}
	}
}

TEST(Permission, ScopeCallerTellsGroupsApart)
{
	TestFs fs(daemon_checks());
	annotate(fs, EXTFUSE_SCOPE_CALLER);
	fs.store.add_file("file");
	const auto as = [&](gid_t gid, std::vector<gid_t> groups) {
		return during(fs, [&] {
			EXPECT_EQ(sys::as_user(alice, gid, groups,
					       [&] { return sys::stat(fs.path("file")); }),
				  0);
		});
	};
	as(alice, {10, 20});
	Counts c = as(alice, {10, 20});
	EXPECT_EQ(c.sent(Op::Lookup), 0) << c.text();
	c = as(alice, {20, 10}); // the kernel sorts them; the digest does not care
	EXPECT_EQ(c.sent(Op::Lookup), 0) << c.text();
	c = as(alice, {10});
	EXPECT_GE(c.sent(Op::Lookup), 1) << "fewer groups: " << c.text();
	c = as(alice, {10, 21});
	EXPECT_GE(c.sent(Op::Lookup), 1) << "another group: " << c.text();
	c = as(bob, {10, 21});
	EXPECT_GE(c.sent(Op::Lookup), 1) << "another primary group: " << c.text();
	c = as(alice, {10, 20, 30});
	EXPECT_GE(c.sent(Op::Lookup), 1) << "one group more: " << c.text();
}

TEST(Permission, ScopeNoneAlwaysGoesUp)
{
	TestFs fs;
	annotate(fs, EXTFUSE_SCOPE_NONE);
	extfuse_invalidate_all(fs.ext()); // the root's attributes are known already
	fs.store.add_file("file");
	for (int i = 0; i < 3; i++) {
		const Counts c = during(fs, [&] { EXPECT_EQ(sys::stat(fs.path("file")), 0); });
		EXPECT_GE(c.sent(Op::Lookup), 1) << c.text();
		EXPECT_EQ(c.served(lookup), 0) << c.text();
		EXPECT_EQ(c.served(getattr), 0) << c.text();
	}
}

// "The kernel checks" is not true without default_permissions: library or driver
// refuse. Fails without ext_scope_granted().
TEST(Permission, ScopeKernelNeedsDefaultPermissions)
{
	TestFs fs(daemon_checks());
	annotate(fs, EXTFUSE_SCOPE_KERNEL);
	fs.store.add_file("file");
	for (int i = 0; i < 3; i++) {
		const Counts c = during(fs, [&] { EXPECT_EQ(sys::stat(fs.path("file")), 0); });
		EXPECT_GE(c.sent(Op::Lookup), 1) << c.text();
		EXPECT_EQ(c.served(lookup), 0) << c.text();
		EXPECT_EQ(c.served(getattr), 0) << c.text();
	}
}

TEST(Permission, ScopeAllServesEverybody)
{
	TestFs fs(daemon_checks());
	annotate(fs, EXTFUSE_SCOPE_ALL);
	fs.store.add_file("file");
	stat_as(alice, fs, "file");
	const Counts c = during(fs, [&] {
		EXPECT_EQ(stat_as(bob, fs, "file"), 0);
		EXPECT_EQ(stat_as(alice, fs, "file"), 0);
	});
	EXPECT_EQ(c.sent_all(), 0) << c.text();
}

TEST(Permission, DataOfScopeUidIsThatUsersOnly)
{
	Config config = daemon_checks();
	config.direct_io = true;
	TestFs fs(config);
	annotate(fs, EXTFUSE_SCOPE_UID);
	fs.store.add_file("file", "data", 0666);
	const auto read_as = [&](uid_t uid) {
		return during(fs, [&] {
			sys::as_user(uid, [&] {
				// Attributes known: reading is known not to move atime.
				sys::stat(fs.path("file"));
				const sys::Fd fd(sys::open(fs.path("file"), O_RDONLY));
				EXPECT_EQ(sys::read_at(fd, 10, 0), "data");
				return 0;
			});
		});
	};
	read_as(alice);
	Counts c = read_as(alice);
	EXPECT_EQ(c.sent(Op::Read), 0) << c.text();
	c = read_as(bob);
	EXPECT_EQ(c.sent(Op::Read), 1) << c.text();
}

TEST(Permission, NegativeOfScopeUidIsThatUsersOnly)
{
	TestFs fs(daemon_checks());
	annotate(fs, EXTFUSE_SCOPE_UID);
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(stat_as(alice, fs, "absent"), -ENOENT);
	const Counts c = during(fs, [&] { EXPECT_EQ(stat_as(bob, fs, "absent"), -ENOENT); });
	EXPECT_GE(c.sent(Op::Lookup), 1) << c.text();
}

// First seen by everybody, later computed for one: what is remembered in dentry
// and inode from the first time must not outlive the change.
TEST(Permission, WarmAnswersEndWithTheirWord)
{
	TestFs fs(daemon_checks());
	annotate(fs, EXTFUSE_SCOPE_ALL);
	const uint64_t node = fs.store.add_file("file");
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(stat_as(alice, fs, "file"), 0); // warm
	annotate(fs, EXTFUSE_SCOPE_UID);
	extfuse_invalidate_entry(fs.ext(), Store::root, "file");
	extfuse_invalidate_node(fs.ext(), node);
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(stat_as(alice, fs, "file"), 0); // for Alice now
	fs.set_policy([](const fuse_ctx &who, Op, uint64_t, const char *) {
		return who.uid == bob ? EACCES : 0;
	});
	const Counts c = during(fs, [&] { EXPECT_EQ(stat_as(bob, fs, "file"), -EACCES); });
	EXPECT_EQ(c.driver(lookup).warm, 0) << c.text();
}

// Remembered for the wrong caller is the most dangerous mistake: a UID answer is
// never warm, even for the same user, even with remember on.
TEST(Permission, CallerScopesAreNeverRemembered)
{
	for (const extfuse_scope scope : {EXTFUSE_SCOPE_UID, EXTFUSE_SCOPE_CALLER}) {
		SCOPED_TRACE(scope);
		TestFs fs(daemon_checks());
		annotate(fs, scope);
		fs.store.add_file("file");
		const Counts c = during(fs, [&] {
			for (int i = 0; i < 5; i++)
				EXPECT_EQ(stat_as(alice, fs, "file"), 0);
		});
		EXPECT_EQ(c.driver(lookup).warm, 0) << c.text();
		EXPECT_EQ(c.driver(getattr).warm, 0) << c.text();
		EXPECT_GE(c.driver(lookup).hit, 4) << c.text();
	}
}

// The daemon's own GETATTR was applied to the inode under the current word; a
// caller's answer must still be one that the driver takes. (A handler that says
// "held" of it sends every stat up.)
TEST(Permission, CallerScopeIsAHitAfterTheDaemonsGetattr)
{
	TestFs fs(daemon_checks());
	annotate(fs, EXTFUSE_SCOPE_UID);
	const uint64_t node = fs.store.add_file("file", "12345");
	const sys::Fd fd(sys::open(fs.path("file"), O_RDONLY));
	extfuse_invalidate_node(fs.ext(), node);
	struct stat st = {};
	Counts c = during(fs, [&] { EXPECT_EQ(sys::fstat(fd, &st), 0); });
	EXPECT_EQ(c.sent(Op::Getattr), 1U) << c.text();
	c = during(fs, [&] {
		for (int i = 0; i < 3; i++)
			EXPECT_EQ(sys::fstat(fd, &st), 0);
	});
	EXPECT_EQ(c.sent(Op::Getattr), 0U) << c.text();
	EXPECT_EQ(st.st_size, 5);
}

// --- the kernel checks: default_permissions

TEST(Permission, DirectoryClosedByChmod)
{
	TestFs fs;
	fs.store.add_dir("dir", 0755);
	fs.store.add_file("dir/file");
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(stat_as(bob, fs, "dir/file"), 0);
	ASSERT_EQ(sys::chmod(fs.path("dir"), 0700), 0);
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(stat_as(bob, fs, "dir/file"), -EACCES);
		EXPECT_EQ(sys::stat(fs.path("dir/file")), 0); // root may
	}
	ASSERT_EQ(sys::chmod(fs.path("dir"), 0755), 0);
	EXPECT_EQ(stat_as(bob, fs, "dir/file"), 0);
}

TEST(Permission, DirectoryClosedByChown)
{
	TestFs fs;
	fs.store.add_dir("dir", 0700, {alice, alice});
	fs.store.add_file("dir/file");
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(stat_as(alice, fs, "dir/file"), 0);
		EXPECT_EQ(stat_as(bob, fs, "dir/file"), -EACCES);
	}
	ASSERT_EQ(sys::chown(fs.path("dir"), bob, bob), 0);
	EXPECT_EQ(stat_as(alice, fs, "dir/file"), -EACCES);
	EXPECT_EQ(stat_as(bob, fs, "dir/file"), 0);
}

TEST(Permission, DenialsAreAnsweredInTheKernelToo)
{
	TestFs fs;
	fs.store.add_dir("dir", 0700);
	fs.store.add_file("dir/file");
	EXPECT_EQ(stat_as(bob, fs, "dir/file"), -EACCES);
	const Counts c = during(fs, [&] { EXPECT_EQ(stat_as(bob, fs, "dir/file"), -EACCES); });
	EXPECT_EQ(c.sent_all(), 0) << c.text();
}

TEST(Permission, OpenAndReadNeedTheMode)
{
	TestFs fs;
	fs.store.add_file("file", "secret", 0600, {alice, alice});
	const auto open_as = [&](uid_t uid) {
		return sys::as_user(uid, [&] {
			const sys::Fd fd(sys::open(fs.path("file"), O_RDONLY));
			return fd < 0 ? int(fd) : 0;
		});
	};
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(open_as(alice), 0);
		EXPECT_EQ(open_as(bob), -EACCES);
	}
	ASSERT_EQ(sys::chmod(fs.path("file"), 0644), 0);
	EXPECT_EQ(open_as(bob), 0);
}

// Scopes computed under a directory that was searchable then: who may search it
// is part of a name's token (behind word of the parent).
TEST(Permission, NamesOfACallerScopeEndWithTheDirectorysMode)
{
	TestFs fs(daemon_checks());
	annotate(fs, EXTFUSE_SCOPE_UID);
	std::atomic<bool> closed{false};
	const uint64_t dir = fs.store.add_dir("dir");
	fs.store.add_file("dir/file");
	fs.set_policy([&](const fuse_ctx &who, Op op, uint64_t node, const char *) {
		return closed && who.uid == bob && op == Op::Lookup && node == dir ? EACCES : 0;
	});
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(stat_as(bob, fs, "dir/file"), 0);
	closed = true;
	ASSERT_EQ(sys::chmod(fs.path("dir"), 0700), 0);
	EXPECT_EQ(stat_as(bob, fs, "dir/file"), -EACCES);
}

TEST(Permission, AclOfADirectoryChanges)
{
	Config config;
	config.posix_acl = true;
	TestFs fs(config);
	fs.store.add_dir("dir", 0700);
	fs.store.add_file("dir/file");
	const char *name = "system.posix_acl_access";
	ASSERT_EQ(sys::set_xattr(fs.path("dir"), name, acl(7, bob, 7, 0, 7, 0)), 0);
	// The test file system leaves the mode alone; a real one sets the mask.
	ASSERT_EQ(sys::chmod(fs.path("dir"), 0770), 0);
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(stat_as(bob, fs, "dir/file"), 0);
		EXPECT_EQ(stat_as(alice, fs, "dir/file"), -EACCES);
	}
	ASSERT_EQ(sys::set_xattr(fs.path("dir"), name, acl(7, alice, 7, 0, 7, 0)), 0);
	EXPECT_EQ(stat_as(bob, fs, "dir/file"), -EACCES);
	EXPECT_EQ(stat_as(alice, fs, "dir/file"), 0);
	ASSERT_EQ(sys::set_xattr(fs.path("dir"), name, acl(7, alice, 0, 0, 7, 0)), 0);
	EXPECT_EQ(stat_as(alice, fs, "dir/file"), -EACCES);
}

// A GETATTR reply is dropped if other attributes were applied since it was sent.
// They may be older than it, and must not decide.
TEST(Permission, ReplyDroppedForAnOlderOne)
{
	TestFs fs;
	const uint64_t dir = fs.store.add_dir("dir");
	fs.store.add_file("dir/file");
	// Not by name: LOOKUP replies bring attributes of the directory as well.
	const sys::Fd fd(sys::open(fs.path("dir"), O_PATH));
	const auto search = [&] {
		return sys::as_user(alice, [&] {
			struct stat st;
			return sys::result(::fstatat(fd, "file", &st, 0));
		});
	};
	ASSERT_EQ(search(), 0);
	fs.say.attrs = false;
	extfuse_invalidate_node(fs.ext(), dir);

	Hold open = fs.hold(Op::Getattr, Stage::Done, {}, dir);
	auto before = sys::in_background(search);
	ASSERT_TRUE(open.wait()); // has read 0755
	struct stat closed = {};
	closed.st_mode = 0700;
	fs.store.setattr(dir, closed, 1 /* FUSE_SET_ATTR_MODE */);
	extfuse_invalidate_node(fs.ext(), dir);

	Hold late = fs.hold(Op::Getattr, Stage::Arrived, {}, dir);
	auto after = sys::in_background(search);
	ASSERT_TRUE(late.wait()); // sent, and will read 0700
	open.release();
	before.get(); // began while it was open
	late.release();
	EXPECT_EQ(after.get(), -EACCES);
}

// The mount is one user's, and not allow_other: others have no business in it,
// cached or not. The check comes before any answer.
TEST(Permission, MountOfOneUserOnly)
{
	Config config;
	config.allow_other = false;
	TestFs fs(config);
	fs.store.add_file("file");
	for (int i = 0; i < 4; i++) {
		EXPECT_EQ(sys::stat(fs.path("file")), 0);
		EXPECT_EQ(stat_as(bob, fs, "file"), -EACCES);
	}
}

// A read-only descriptor's O_PATH cousin, access(2) by real ids: the caller in
// the handler's context is the fsuid.
TEST(Permission, FsuidCountsNotUid)
{
	TestFs fs(daemon_checks());
	annotate(fs, EXTFUSE_SCOPE_UID);
	fs.store.add_file("file");
	const auto with_fsuid = [&](uid_t fsuid) {
		return during(fs, [&] {
			sys::in_background([&] {
				syscall(SYS_setfsuid, fsuid);
				return sys::stat(fs.path("file"));
			}).get();
		});
	};
	with_fsuid(alice);
	Counts c = with_fsuid(alice);
	EXPECT_EQ(c.sent(Op::Lookup), 0) << c.text();
	c = with_fsuid(bob);
	EXPECT_GE(c.sent(Op::Lookup), 1) << c.text();
}

} // namespace extfuse_test
