// SPDX-License-Identifier: GPL-2.0-only
//
// Stable entries: names that the kernel has never seen, of nodes that stay valid
// for ever, are found without the daemon, and counted by nobody.
#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>

#include <atomic>
#include <cstring>
#include <limits>
#include <thread>

#include "hostile.h"
#include "hostile.skel.h"
#include "sys.hpp"
#include "test_fs.hpp"

namespace extfuse_test
{

namespace
{

constexpr auto lookup = EXTFUSE_OP_LOOKUP;
constexpr auto getattr = EXTFUSE_OP_GETATTR;
constexpr uid_t alice = 1000, bob = 1001;

Config declared(bool remember = true)
{
	Config c;
	c.stable = true;
	c.remember = remember;
	return c;
}

// Dentries that were used get a second chance, and inodes go after them.
void drop()
{
	for (int i = 0; i < 3; i++)
		sys::drop_caches();
}

uint64_t ino(TestFs &fs, const std::string &name)
{
	return sys::attr(fs.path(name)).st_ino;
}

} // namespace

TEST(Stable, NameThatTheKernelHasNeverSeen)
{
	TestFs fs(declared());
	const uint64_t node = fs.store.add_file("new", "data", 0640, {alice, bob});
	ASSERT_EQ(fs.prefetch(Store::root), 1);
	sys::stat(fs.path());

	const Counts c = during(fs, [&] {
		const struct stat st = sys::attr(fs.path("new"));
		EXPECT_EQ(st.st_ino, node);
		EXPECT_EQ(st.st_size, 4);
		EXPECT_EQ(st.st_mode, S_IFREG | 0640U);
		EXPECT_EQ(st.st_uid, alice);
		EXPECT_EQ(st.st_gid, bob);
		EXPECT_EQ(st.st_nlink, 1U);
	});
	EXPECT_EQ(c.sent_all(), 0) << c.text();
	EXPECT_EQ(c.driver(lookup).hit, 1) << c.text();
	EXPECT_EQ(c.driver(lookup).dead, 0) << c.text();
	EXPECT_EQ(c.driver(getattr).hit, 1) << "asked once, for the inode: " << c.text();
	EXPECT_EQ(c.driver(getattr).warm, 2) << "the root's mode, and stat: " << c.text();
	EXPECT_EQ(fs.store.lookups(), 0);
	EXPECT_EQ(sys::read_file(fs.path("new")), "data");
}

TEST(Stable, NotDeclaredIsAMiss)
{
	TestFs fs;
	const uint64_t node = fs.store.add_file("new", "data");
	ASSERT_EQ(fs.prefetch(Store::root), 1);

	const Counts c = during(fs, [&] { EXPECT_EQ(ino(fs, "new"), node); });
	EXPECT_EQ(c.sent(Op::Lookup), 1) << c.text();
	EXPECT_EQ(c.driver(lookup).dead, 1) << c.text();
	EXPECT_EQ(fs.store.lookups(node), 1);
}

TEST(Stable, EveryType)
{
	TestFs fs(declared());
	fs.store.make(Store::root, "link", S_IFLNK | 0777, {}, 0, "target");
	fs.store.make(Store::root, "fifo", S_IFIFO | 0600, {});
	fs.store.make(Store::root, "null", S_IFCHR | 0600, {}, makedev(1, 3));
	fs.store.add_dir("dir");
	fs.store.add_file("file");
	ASSERT_EQ(fs.prefetch(Store::root), 5);
	for (const char *name : {"link", "fifo", "null", "dir", "file"}) {
		const Counts c = during(fs, [&] {
			const struct stat st = sys::attr(fs.path(name));
			EXPECT_EQ(st.st_mode, fs.store.stat(name).st_mode) << name;
			EXPECT_EQ(st.st_rdev, fs.store.stat(name).st_rdev) << name;
		});
		EXPECT_EQ(c.sent_all(), 0) << name << ' ' << c.text();
	}
	char target[16] = {};
	EXPECT_EQ(readlink(fs.path("link").c_str(), target, sizeof(target)), 6);
	EXPECT_STREQ(target, "target");
}

TEST(Stable, HardLinksAreOneInode)
{
	TestFs fs(declared());
	const uint64_t node = fs.store.add_file("first", "1234");
	fs.store.link(node, Store::root, "second");
	fs.prefetch(Store::root);

	const Counts c = during(fs, [&] {
		EXPECT_EQ(ino(fs, "second"), node);
		EXPECT_EQ(ino(fs, "first"), node);
		EXPECT_EQ(sys::attr(fs.path("first")).st_nlink, 2U);
	});
	EXPECT_EQ(c.sent_all(), 0) << c.text();
	ASSERT_EQ(sys::truncate(fs.path("first"), 2), 0);
	EXPECT_EQ(sys::attr(fs.path("second")).st_size, 2);
}

TEST(Stable, DeepPath)
{
	TestFs fs(declared());
	std::string dir;
	for (const char *part : {"a", "bb", "ccc", "dddd"}) {
		dir += (dir.empty() ? "" : "/") + std::string(part);
		fs.store.add_dir(dir);
	}
	const uint64_t node = fs.store.add_file(dir + "/file");
	fs.prefetch(Store::root);
	for (const char *part : {"a", "a/bb", "a/bb/ccc", "a/bb/ccc/dddd"})
		fs.prefetch(fs.store.at(part));

	const Counts c = during(fs, [&] { EXPECT_EQ(ino(fs, dir + "/file"), node); });
	EXPECT_EQ(c.sent_all(), 0) << c.text();
	EXPECT_EQ(c.driver(lookup).hit, 5) << c.text();
	// The directories are used like any others.
	EXPECT_EQ(sys::write_file(fs.path(dir + "/new"), "x"), 0);
	EXPECT_EQ(sys::mkdir(fs.path("a/sub")), 0);
	EXPECT_EQ(sys::rename(fs.path(dir), fs.path("a/sub/moved")), 0);
	EXPECT_EQ(ino(fs, "a/sub/moved/file"), node);
	EXPECT_EQ(sys::stat(fs.path(dir)), -ENOENT);
}

// A directory is in one place. One that is said to be in two is left to the daemon.
TEST(Stable, DirectoryIsNotMovedByAHandler)
{
	TestFs fs(declared());
	const uint64_t dir = fs.store.add_dir("dir");
	fs.store.add_file("dir/below");
	fs.prefetch(Store::root);
	fs.prefetch(dir);
	ASSERT_EQ(ino(fs, "dir"), dir);

	fuse_entry_param e = {};
	e.ino = dir;
	e.generation = fs.store.lookup(Store::root, "dir", false).node.generation;
	const extfuse_token entry = extfuse_token_entry(fs.ext(), Store::root, "alias");
	ASSERT_EQ(extfuse_put_entry(fs.ext(), nullptr, Store::root, "alias", &e, entry,
				    extfuse_token{0, extfuse_token_node(fs.ext(), dir).behind},
				    EXTFUSE_SCOPE_ALL, EXTFUSE_SCOPE_NONE),
		  1);
	const Counts c = during(fs, [&] { EXPECT_EQ(sys::stat(fs.path("alias")), -ENOENT); });
	EXPECT_EQ(c.sent(Op::Lookup), 1) << c.text();
	EXPECT_EQ(c.driver(lookup).dead, 1) << c.text();
	EXPECT_EQ(sys::stat(fs.path("dir/below")), 0);
}

// The name is known, its node's attributes are not, or no more.
TEST(Stable, WithoutFreshAttributesItGoesUp)
{
	TestFs fs(declared());
	const uint64_t node = fs.store.add_file("first");
	fs.store.link(node, Store::root, "second");
	fs.prefetch(Store::root);
	ASSERT_EQ(ino(fs, "second"), node);
	fs.say.changes = false; // the reply to chmod is not put
	ASSERT_EQ(sys::chmod(fs.path("second"), 0600), 0);
	drop();

	Counts c =
		during(fs, [&] { EXPECT_EQ(sys::attr(fs.path("first")).st_mode & 07777, 0600U); });
	EXPECT_EQ(c.sent(Op::Lookup), 1) << c.text();
	EXPECT_EQ(c.lib.handler[getattr].miss[EXTFUSE_MISS_STALE], 1) << c.text();
	EXPECT_EQ(c.driver(lookup).dead, 1) << c.text();

	const uint64_t other = fs.store.add_file("other");
	fs.say.attr = EXTFUSE_SCOPE_NONE;
	fs.prefetch(Store::root);
	c = during(fs, [&] { EXPECT_EQ(ino(fs, "other"), other); });
	EXPECT_EQ(c.sent(Op::Lookup), 1) << c.text();
}

// What one caller may see makes no inode for all.
TEST(Stable, ScopeOfOneCallerMakesNoInode)
{
	Config config = declared();
	config.default_permissions = false;
	TestFs fs(config);
	const fuse_ctx ctx = {alice, alice, 1, 0};
	const auto put = [&](const char *name, extfuse_scope entry_scope,
			     extfuse_scope attr_scope) {
		const uint64_t node = fs.store.add_file(name);
		fuse_entry_param e = {};
		e.ino = node;
		e.generation = fs.store.lookup(Store::root, name, false).node.generation;
		e.attr = fs.store.stat(name);
		ASSERT_EQ(extfuse_put_entry(fs.ext(), &ctx, Store::root, name, &e,
					    extfuse_token_entry(fs.ext(), Store::root, name),
					    extfuse_token_node(fs.ext(), node), entry_scope,
					    attr_scope),
			  1);
	};
	const auto look = [&](uid_t uid, const char *name) {
		return during(fs, [&] {
			EXPECT_EQ(sys::as_user(uid, [&] { return sys::stat(fs.path(name)); }), 0);
		});
	};

	put("attr", EXTFUSE_SCOPE_ALL, EXTFUSE_SCOPE_UID);
	Counts c = look(alice, "attr");
	EXPECT_EQ(c.sent(Op::Lookup), 1) << c.text();

	put("entry", EXTFUSE_SCOPE_UID, EXTFUSE_SCOPE_ALL);
	c = look(bob, "entry");
	EXPECT_EQ(c.sent(Op::Lookup), 1) << c.text();

	put("mine", EXTFUSE_SCOPE_UID, EXTFUSE_SCOPE_ALL);
	c = look(alice, "mine");
	EXPECT_EQ(c.sent(Op::Lookup), 0) << c.text();

	// Nobody checks on behalf of the kernel here.
	put("kernel", EXTFUSE_SCOPE_ALL, EXTFUSE_SCOPE_KERNEL);
	c = look(alice, "kernel");
	EXPECT_EQ(c.sent(Op::Lookup), 1) << c.text();
}

// A directory that the caller may not search hides what was prefetched of it.
TEST(Stable, DirectoryThatMayNotBeSearched)
{
	TestFs fs(declared());
	const uint64_t dir = fs.store.add_dir("private", 0700, {alice, alice});
	fs.store.add_file("private/file");
	fs.prefetch(Store::root);
	fs.prefetch(dir);
	const auto look = [&](uid_t uid) {
		return sys::as_user(uid, [&] { return sys::stat(fs.path("private/file")); });
	};
	EXPECT_EQ(look(bob), -EACCES);
	EXPECT_EQ(look(alice), 0);
	EXPECT_EQ(look(bob), -EACCES);
}

TEST(Stable, LeavesTheCacheAndComesBackWithoutForget)
{
	TestFs fs(declared());
	const uint64_t dir = fs.store.add_dir("dir");
	const uint64_t node = fs.store.add_file("dir/file", "data");
	fs.prefetch(Store::root);
	fs.prefetch(dir);
	ASSERT_EQ(ino(fs, "dir/file"), node);

	const Counts c = during(fs, [&] {
		for (int i = 0; i < 5; i++) {
			drop();
			EXPECT_EQ(ino(fs, "dir/file"), node);
		}
	});
	EXPECT_EQ(c.sent_all(), 0) << c.text();
	EXPECT_EQ(c.sent(Op::Forget), 0) << c.text();
	EXPECT_EQ(c.driver(lookup).hit, 10) << "made again each time: " << c.text();
}

// A reply of the daemon counts from nothing, and is forgotten as usual; what was
// put stays right.
TEST(Stable, CountedLater)
{
	Config config = declared();
	config.readdirplus = true;
	TestFs fs(config);
	const uint64_t node = fs.store.add_file("file");
	fs.prefetch(Store::root);
	ASSERT_EQ(ino(fs, "file"), node);
	extfuse_invalidate_entry(fs.ext(), Store::root, "file");

	Counts c = during(fs, [&] { EXPECT_EQ(ino(fs, "file"), node); });
	EXPECT_EQ(c.sent(Op::Lookup), 1) << c.text();
	EXPECT_EQ(fs.store.lookups(node), 1);
	EXPECT_TRUE(fs.drop_until_forgotten(node));
	c = during(fs, [&] { EXPECT_EQ(ino(fs, "file"), node); });
	EXPECT_EQ(c.sent_all(), 0) << "FORGET has moved no word: " << c.text();
	EXPECT_EQ(fs.store.lookups(node), 0);

	EXPECT_EQ(std::system(("ls -l " + fs.path() + " >/dev/null").c_str()), 0);
	EXPECT_GE(fs.store.lookups(node), 1) << "by READDIRPLUS";
	EXPECT_TRUE(fs.drop_until_forgotten(node));
	EXPECT_EQ(ino(fs, "file"), node);
}

TEST(Stable, InvalidateStillWorks)
{
	TestFs fs(declared());
	const uint64_t node = fs.store.add_file("file", "old");
	fs.prefetch(Store::root);
	fs.store.write(node, 0, "longer");
	extfuse_invalidate_node(fs.ext(), node);
	EXPECT_EQ(sys::attr(fs.path("file")).st_size, 6);
	EXPECT_EQ(sys::read_file(fs.path("file")), "longer");

	fs.store.add_file("other");
	fs.prefetch(Store::root);
	fs.store.unlink(Store::root, "other");
	extfuse_invalidate_entry(fs.ext(), Store::root, "other");
	EXPECT_EQ(sys::stat(fs.path("other")), -ENOENT);

	fs.store.add_file("third");
	fs.prefetch(Store::root);
	fs.store.unlink(Store::root, "third");
	extfuse_invalidate_all(fs.ext());
	EXPECT_EQ(sys::stat(fs.path("third")), -ENOENT);
}

// A file without links is kept by the daemon until the kernel has no inode of it.
TEST(Stable, UnlinkedFileIsForgottenWhenItsInodeGoes)
{
	TestFs fs(declared());
	const uint64_t node = fs.store.add_file("file", "data");
	fs.prefetch(Store::root);
	sys::Fd fd(sys::open(fs.path("file"), O_RDONLY));
	ASSERT_GE(fd, 0);
	ASSERT_EQ(fs.store.lookups(node), 0);

	ASSERT_EQ(sys::unlink(fs.path("file")), 0);
	EXPECT_EQ(sys::stat(fs.path("file")), -ENOENT);
	struct stat st = {};
	EXPECT_EQ(sys::fstat(fd, &st), 0);
	EXPECT_EQ(st.st_nlink, 0U);
	EXPECT_EQ(sys::read_at(fd, 4, 0), "data");
	EXPECT_TRUE(fs.store.exists(node));
	fd.close();
	for (int i = 0; i < 100 && fs.store.exists(node); i++)
		std::this_thread::sleep_for(std::chrono::milliseconds(50));
	EXPECT_FALSE(fs.store.exists(node));
	EXPECT_EQ(fs.counts().sent(Op::Forget), 1);

	// With a lookup that is counted there are two.
	const uint64_t counted = fs.store.add_file("counted");
	ASSERT_EQ(ino(fs, "counted"), counted);
	ASSERT_EQ(fs.store.lookups(counted), 1);
	ASSERT_EQ(sys::unlink(fs.path("counted")), 0);
	for (int i = 0; i < 100 && fs.store.exists(counted); i++)
		std::this_thread::sleep_for(std::chrono::milliseconds(50));
	EXPECT_FALSE(fs.store.exists(counted));
	EXPECT_EQ(fs.counts().sent(Op::Forget), 3);
}

TEST(Stable, ChangesThroughTheMountAreSeen)
{
	TestFs fs(declared());
	const uint64_t a = fs.store.add_file("a"), b = fs.store.add_file("b");
	fs.store.add_dir("empty");
	fs.prefetch(Store::root);
	EXPECT_EQ(sys::rename(fs.path("a"), fs.path("c")), 0);
	EXPECT_EQ(sys::stat(fs.path("a")), -ENOENT);
	EXPECT_EQ(ino(fs, "c"), a);
	EXPECT_EQ(sys::rename(fs.path("b"), fs.path("c")), 0);
	EXPECT_EQ(ino(fs, "c"), b);
	EXPECT_EQ(sys::rmdir(fs.path("empty")), 0);
	EXPECT_EQ(sys::stat(fs.path("empty")), -ENOENT);
	EXPECT_EQ(sys::write_file(fs.path("c"), "0123456789"), 0);
	drop();
	fs.prefetch(Store::root);
	EXPECT_EQ(sys::attr(fs.path("c")).st_size, 10);
}

namespace
{

// Names come and go, are put by a prefetcher and dropped by the kernel, while `turn`
// exchanges "a" and "b" and says which node is "a" now.
void churn(TestFs &fs, const std::function<void()> &turn)
{
	std::atomic<bool> over{false};
	std::thread dropper([&] {
		while (!over)
			sys::drop_caches();
	});
	std::thread prefetcher([&] {
		while (!over)
			fs.prefetch(Store::root);
	});
	std::thread reader([&] {
		while (!over)
			for (const char *name : {"a", "b"})
				EXPECT_EQ(sys::stat(fs.path(name)), 0);
	});
	uint64_t made = 0;
	const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(3);
	for (int i = 0; std::chrono::steady_clock::now() < until; i++) {
		turn();
		const uint64_t a = fs.store.at("a"), b = fs.store.at("b");
		const Counts c = during(fs, [&] {
			ASSERT_EQ(ino(fs, "a"), a) << "turn " << i;
			ASSERT_EQ(ino(fs, "b"), b) << "turn " << i;
		});
		made += c.driver(lookup).hit;
	}
	over = true;
	dropper.join();
	prefetcher.join();
	reader.join();
	EXPECT_GT(made, 0) << "nothing was ever found in the kernel";
}

} // namespace

TEST(Stable, RacesWithRenamesThroughTheMount)
{
	TestFs fs(declared());
	fs.store.add_file("a");
	fs.store.add_file("b");
	churn(fs, [&] { ASSERT_EQ(sys::rename(fs.path("a"), fs.path("b"), RENAME_EXCHANGE), 0); });
}

TEST(Stable, RacesWithRenamesBehindTheMount)
{
	TestFs fs(declared());
	fs.store.add_file("a");
	fs.store.add_file("b");
	churn(fs, [&] {
		ASSERT_EQ(fs.store.rename(Store::root, "a", Store::root, "b", RENAME_EXCHANGE), 0);
		extfuse_invalidate_entry(fs.ext(), Store::root, "a");
		extfuse_invalidate_entry(fs.ext(), Store::root, "b");
	});
}

TEST(Stable, RacesWithUnlinks)
{
	TestFs fs(declared());
	std::atomic<bool> over{false};
	std::thread prefetcher([&] {
		while (!over)
			fs.prefetch(Store::root);
	});
	std::thread reader([&] {
		while (!over)
			sys::stat(fs.path("file"));
	});
	const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(4);
	for (int i = 0; std::chrono::steady_clock::now() < until; i++) {
		const uint64_t node = fs.store.add_file("file");
		extfuse_invalidate_entry(fs.ext(), Store::root, "file");
		ASSERT_EQ(ino(fs, "file"), node);
		ASSERT_EQ(sys::unlink(fs.path("file")), 0);
		ASSERT_EQ(sys::stat(fs.path("file")), -ENOENT) << i;
	}
	over = true;
	prefetcher.join();
	reader.join();
}

// Many at once for the same nodes, by names of their own: each node is one inode.
TEST(Stable, TwoLookupsMakeOneInode)
{
	constexpr int nodes = 100, threads = 4;
	Config config = declared();
	config.max_names = config.max_attrs = 1 << 16; // nothing is evicted
	TestFs fs(config);
	std::vector<uint64_t> ids;
	for (int i = 0; i < nodes; i++) {
		ids.push_back(fs.store.add_file("0." + std::to_string(i)));
		for (int t = 1; t < threads; t++)
			fs.store.link(ids.back(), Store::root,
				      std::to_string(t) + '.' + std::to_string(i));
	}
	fs.prefetch(Store::root);
	for (int round = 0; round < 3; round++) {
		std::atomic<int> ready{0};
		std::vector<std::thread> all;
		sys::stat(fs.path());
		const Counts c = during(fs, [&] {
			for (int t = 0; t < threads; t++)
				all.emplace_back([&, t] {
					ready++;
					while (ready < threads)
						std::this_thread::yield();
					for (int i = 0; i < nodes; i++)
						EXPECT_EQ(ino(fs, std::to_string(t) + '.' +
									  std::to_string(i)),
							  ids[i]);
				});
			for (std::thread &thread : all)
				thread.join();
		});
		EXPECT_EQ(c.sent_all(), 0) << c.text();
		drop();
	}
}

TEST(Stable, DetachedItGoesUp)
{
	TestFs fs(declared());
	const uint64_t seen = fs.store.add_file("seen"), unseen = fs.store.add_file("unseen");
	fs.prefetch(Store::root);
	ASSERT_EQ(ino(fs, "seen"), seen);
	ASSERT_EQ(extfuse_detach(fs.ext()), 0);
	Counts c = during(fs, [&] {
		EXPECT_EQ(ino(fs, "seen"), seen);
		EXPECT_EQ(ino(fs, "unseen"), unseen);
	});
	EXPECT_EQ(c.sent(Op::Lookup), 2) << c.text();
	ASSERT_EQ(extfuse_attach(fs.ext()), 0);
	EXPECT_TRUE(fs.drop_until_all_forgotten());
	fs.prefetch(Store::root);
	sys::stat(fs.path());
	c = during(fs, [&] { EXPECT_EQ(ino(fs, "unseen"), unseen); });
	EXPECT_EQ(c.sent_all(), 0) << c.text();
}

TEST(Stable, UnmountedWithInodesThatNobodyCounted)
{
	TestFs fs(declared());
	fs.store.add_dir("dir");
	for (int i = 0; i < 50; i++)
		fs.store.add_file("dir/" + std::to_string(i));
	fs.prefetch(Store::root);
	fs.prefetch(fs.store.at("dir"));
	for (int i = 0; i < 50; i++)
		ASSERT_EQ(sys::stat(fs.path("dir/" + std::to_string(i))), 0);
	EXPECT_EQ(fs.unmount(), 0);
	fs.stop();
	EXPECT_EQ(fs.sent(Op::Forget), 0);
}

TEST(Stable, DeclarationIsTheConnectionsOwn)
{
	TestFs fs;
	extfuse_declare d = {sizeof(d), 0};
	EXPECT_EQ(sys::result(ioctl(fs.device(), EXTFUSE_IOC_DECLARE, &d)), -EINVAL);
	d.flags = EXTFUSE_DECLARE_STABLE | 2;
	EXPECT_EQ(sys::result(ioctl(fs.device(), EXTFUSE_IOC_DECLARE, &d)), -EINVAL);
	d = {sizeof(d) + 1, EXTFUSE_DECLARE_STABLE};
	EXPECT_EQ(sys::result(ioctl(fs.device(), EXTFUSE_IOC_DECLARE, &d)), -EINVAL);
	EXPECT_EQ(sys::result(ioctl(fs.device(), EXTFUSE_IOC_DECLARE, nullptr)), -EFAULT);
	const sys::Fd idle(sys::open(EXTFUSE_DEVICE, O_RDWR));
	d = {sizeof(d), EXTFUSE_DECLARE_STABLE};
	EXPECT_EQ(sys::result(ioctl(idle, EXTFUSE_IOC_DECLARE, &d)), -ENOTCONN);

	// Another mount's says nothing of this one.
	TestFs other(declared());
	fs.store.add_file("new");
	fs.prefetch(Store::root);
	const Counts c = during(fs, [&] { EXPECT_EQ(sys::stat(fs.path("new")), 0); });
	EXPECT_EQ(c.sent(Op::Lookup), 1) << c.text();
}

// --- handlers that are wrong

namespace
{

constexpr uint32_t good_flags =
	EXTFUSE_OUT_ANSWERED | (EXTFUSE_SCOPE_ALL << EXTFUSE_OUT_SCOPE_SHIFT);

class StableHostile : public testing::Test
{
protected:
	struct Handler {
		hostile *skeleton = hostile__open_and_load();
		bpf_link *link =
			skeleton ? bpf_map__attach_struct_ops(skeleton->maps.hostile) : nullptr;
		Handler()
		{
			if (!link)
				throw std::runtime_error("cannot load hostile.bpf.o");
		}
		~Handler()
		{
			bpf_link__destroy(link);
			hostile__destroy(skeleton);
		}
	} handler;
	TestFs fs{config()};
	hostile_orders &orders = handler.skeleton->bss->orders;
	uint64_t victim = fs.store.add_file("victim", "data");

	Config config()
	{
		Config c;
		c.stable = true;
		c.handler_link = bpf_link__fd(handler.link);
		return c;
	}

	void SetUp() override
	{
		memcpy(&orders.name, "victim\0\0", 8);
		order(victim);
	}

	// The truth, to be spoilt.
	void order(uint64_t node)
	{
		const struct stat st = fs.store.stat("victim");
		const Store::Found found = fs.store.lookup(Store::root, "victim", false);
		orders.lookup_nodeid = node;
		orders.lookup_behind = extfuse_token_node(fs.ext(), node).behind;
		orders.lookup_generation = static_cast<uint32_t>(found.node.generation);
		orders.lookup_flags = orders.attr_flags = good_flags;
		orders.lookup_ret = orders.attr_ret = EXTFUSE_HIT;
		orders.lookup_on = orders.attr_on = 1;
		orders.attr_word_add = 0;
		orders.attr_node = node;
		orders.attr = {};
		orders.attr.ino = node;
		orders.attr.size = static_cast<uint64_t>(st.st_size);
		orders.attr.mode = st.st_mode;
		orders.attr.nlink = 1;
		orders.attr.blksize = 4096;
	}

	Counts look()
	{
		return during(fs, [&] { EXPECT_EQ(ino(fs, "victim"), victim); });
	}

	void expect_upcall()
	{
		const Counts c = look();
		EXPECT_EQ(c.sent(Op::Lookup), 1) << c.text();
		EXPECT_EQ(c.driver(lookup).hit, 0) << c.text();
		orders.lookup_on = orders.attr_on = 0;
		EXPECT_TRUE(fs.drop_until_all_forgotten());
		order(victim);
	}
};

} // namespace

TEST_F(StableHostile, TheTruthIsAHit)
{
	const Counts c = look();
	EXPECT_EQ(c.sent(Op::Lookup), 0) << c.text();
	EXPECT_EQ(c.driver(lookup).hit, 1) << c.text();
}

// The name comes to mean another file when the handler has been believed and the
// inode is about to be made: the answer is judged once more.
TEST_F(StableHostile, NameThatChangesBeforeItsInodeIsThere)
{
	std::atomic_ref<uint32_t> wait(orders.attr_wait);
	wait = HOSTILE_WAIT_ARMED;
	uint64_t other = 0;
	const Counts c = during(fs, [&] {
		auto slow = sys::in_background([&] { return ino(fs, "victim"); });
		for (int i = 0; i < 5000 && wait == HOSTILE_WAIT_ARMED; i++)
			std::this_thread::sleep_for(std::chrono::milliseconds(1));
		fs.store.unlink(Store::root, "victim");
		other = fs.store.add_file("victim");
		extfuse_invalidate_entry(fs.ext(), Store::root, "victim");
		EXPECT_EQ(wait.exchange(HOSTILE_WAIT_NOT), HOSTILE_WAIT_THERE);
		EXPECT_EQ(slow.get(), other);
	});
	EXPECT_NE(other, victim);
	EXPECT_EQ(c.driver(lookup).stale, 1) << c.text();
	EXPECT_EQ(c.driver(lookup).hit, 0) << c.text();
	EXPECT_EQ(c.sent(Op::Lookup), 1) << c.text();
}

TEST_F(StableHostile, AttributesThatMakeNoInode)
{
	for (const uint32_t mode : {0U, 0644U, S_IFMT | 0644U, 0030000U | 0644U}) {
		orders.attr.mode = mode;
		expect_upcall();
	}
	orders.attr.size = std::numeric_limits<uint64_t>::max();
	expect_upcall();
	orders.attr.flags = 1; // FUSE_ATTR_SUBMOUNT
	orders.attr.mode = S_IFDIR | 0755;
	expect_upcall();
	orders.attr_flags |= EXTFUSE_OUT_HELD;
	expect_upcall();
	orders.attr_flags = EXTFUSE_OUT_ANSWERED;
	expect_upcall();
	orders.attr_flags = EXTFUSE_OUT_ANSWERED | (EXTFUSE_SCOPE_UID << EXTFUSE_OUT_SCOPE_SHIFT);
	expect_upcall();
	orders.attr_word_add = EXTFUSE_EPOCH_ONE;
	expect_upcall();
	orders.attr_ret = -EACCES; // its own decision, when attributes are asked for
	const Counts c = during(fs, [&] { EXPECT_EQ(sys::stat(fs.path("victim")), -EACCES); });
	EXPECT_EQ(c.sent(Op::Lookup), 1) << c.text();
}

TEST_F(StableHostile, RootAndParentAreFoundUnderNoName)
{
	order(FUSE_ROOT_ID);
	orders.attr.mode = S_IFDIR | 0755;
	expect_upcall();

	const uint64_t dir = fs.store.add_dir("dir");
	const uint64_t inside = fs.store.add_file("dir/victim");
	order(dir);
	orders.attr.mode = S_IFDIR | 0755;
	const Counts c = during(fs, [&] { EXPECT_EQ(ino(fs, "dir/victim"), inside); });
	EXPECT_GE(c.sent(Op::Lookup), 1) << c.text();
}

// The kernel's own inode of the id says otherwise: it stays as it is.
TEST_F(StableHostile, InodeOfAnotherGenerationOrType)
{
	fs.store.link(victim, Store::root, "other");
	const sys::Fd keep(sys::open(fs.path("other"), O_RDONLY));
	ASSERT_GE(keep, 0);
	for (int i = 0; i < 2; i++) {
		order(victim);
		if (i)
			orders.attr.mode = S_IFDIR | 0755;
		else
			orders.lookup_generation += 1;
		const Counts c = look();
		EXPECT_EQ(ino(fs, "other"), victim);
		EXPECT_EQ(sys::read_at(keep, 4, 0), "data") << "the inode went bad";
		EXPECT_GE(c.sent(Op::Lookup), i ? 0 : 1) << c.text();
		EXPECT_TRUE(S_ISREG(sys::attr(fs.path("victim")).st_mode));
	}
}

// A node that the daemon has never heard of: requests for it fail, nothing else.
TEST_F(StableHostile, NodeThatDoesNotExist)
{
	fs.say.store_errors = true;
	order(0xdead);
	orders.attr.mode = S_IFREG | 0644;
	EXPECT_EQ(sys::stat(fs.path("victim")), 0) << "its own mount is spoilt, as was told";
	EXPECT_LT(sys::chmod(fs.path("victim"), 0600), 0);
	orders.lookup_on = orders.attr_on = 0;
	extfuse_invalidate_all(fs.ext());
	EXPECT_EQ(ino(fs, "victim"), victim);
	EXPECT_EQ(sys::read_file(fs.path("victim")), "data");
}

} // namespace extfuse_test
