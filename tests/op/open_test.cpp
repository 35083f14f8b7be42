// SPDX-License-Identifier: GPL-2.0-only
//
// OPEN, OPENDIR, FLUSH, RELEASE and RELEASEDIR without the daemon, and with it,
// late, when something needs its handle.
#include <gtest/gtest.h>

#include <dirent.h>
#include <spawn.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <chrono>
#include <thread>

#include "child_daemon.hpp"
#include "sys.hpp"
#include "test_fs.hpp"

namespace extfuse_test
{

namespace
{

constexpr auto op = EXTFUSE_OP_OPEN;

struct Opens : TestFs {
	explicit Opens(Config config = {}) : TestFs(std::move(config))
	{
		say.opens = true;
		say.atime = false; // reading is no change: tokens stay
	}
};

Config without_remember()
{
	Config c;
	c.remember = false;
	return c;
}

Config of_kind(Kind kind)
{
	Config c;
	c.kind = kind;
	return c;
}

// Opened, read, closed once: all is known.
void prime(TestFs &fs, const std::string &name)
{
	sys::read_file(fs.path(name));
	sys::stat(fs.path(name));
	sys::read_file(fs.path(name));
}

// RELEASE comes when it likes.
bool all_released(TestFs &fs)
{
	for (int i = 0; i < 500 && fs.handles(); i++)
		std::this_thread::sleep_for(std::chrono::milliseconds(10));
	return !fs.handles();
}

uint64_t files_open()
{
	uint64_t n = 0;
	FILE *f = fopen("/proc/sys/fs/file-nr", "re");
	EXPECT_EQ(fscanf(f, "%lu", &n), 1);
	fclose(f);
	return n;
}

} // namespace

TEST(Open, HitNeedsNoDaemon)
{
	Opens fs(without_remember());
	fs.store.add_file("file", "content");
	prime(fs, "file");
	ASSERT_TRUE(all_released(fs));
	const Counts c = during(fs, [&] {
		for (int i = 0; i < 5; i++)
			EXPECT_EQ(sys::read_file(fs.path("file")), "content");
	});
	EXPECT_EQ(c.sent_all() + c.sent(Op::Release), 0) << c.text();
	EXPECT_EQ(c.driver(op).hit, 5) << c.text();
	EXPECT_EQ(c.driver(op).warm, 0) << c.text();
	EXPECT_EQ(c.lib.driver.opened_late, 0) << c.text();
}

TEST(Open, RememberedNeedsNoHandler)
{
	Opens fs;
	fs.store.add_file("file", "content");
	prime(fs, "file");
	prime(fs, "file");
	const Counts c = during(fs, [&] {
		for (int i = 0; i < 5; i++)
			EXPECT_EQ(sys::read_file(fs.path("file")), "content");
	});
	EXPECT_EQ(c.sent_all(), 0) << c.text();
	EXPECT_EQ(c.driver(op).warm, 5) << c.text();
}

TEST(Open, MissGoesUp)
{
	Opens fs;
	fs.say.opens = false;
	fs.store.add_file("file", "content");
	prime(fs, "file");
	const Counts c = during(fs, [&] { EXPECT_EQ(sys::read_file(fs.path("file")), "content"); });
	EXPECT_EQ(c.sent(Op::Open), 1) << c.text();
	EXPECT_EQ(c.sent(Op::Flush), 1) << c.text();
	EXPECT_EQ(c.driver(op).upcall, 1) << c.text();
	EXPECT_TRUE(all_released(fs));
}

TEST(Open, SameOnEveryDriver)
{
	for (Kind kind : {Kind::Stock, Kind::NoHandler, Kind::Off, Kind::Tiny, Kind::Extfuse}) {
		Opens fs(of_kind(kind));
		for (int i = 0; i < 40; i++)
			fs.store.add_file("f" + std::to_string(i), "content " + std::to_string(i));
		const Counts c = during(fs, [&] {
			for (int round = 0; round < 3; round++)
				for (int i = 0; i < 40; i++)
					EXPECT_EQ(sys::read_file(fs.path("f" + std::to_string(i))),
						  "content " + std::to_string(i));
		});
		if (kind != Kind::Extfuse && kind != Kind::Tiny) {
			EXPECT_EQ(c.sent(Op::Open), 120) << c.text();
			EXPECT_EQ(c.sent(Op::Flush), 120) << c.text();
		}
		EXPECT_TRUE(all_released(fs));
	}
}

TEST(Open, ReadThatNeedsTheDaemonOpensLate)
{
	Opens fs;
	fs.say.blocks = false;
	fs.store.add_file("file", "content");
	prime(fs, "file");
	ASSERT_TRUE(all_released(fs));
	sys::drop_pages();
	Counts c = during(fs, [&] {
		const sys::Fd fd(sys::open(fs.path("file"), O_RDONLY));
		EXPECT_EQ(fs.sent(Op::Open), 1); // the one of prime()
		EXPECT_EQ(sys::read_at(fd, 100, 0), "content");
		EXPECT_EQ(fs.handles(), 1);
		EXPECT_EQ(sys::read_at(fd, 100, 0), "content");
	});
	EXPECT_EQ(c.sent(Op::Open), 1) << c.text();
	EXPECT_EQ(c.sent(Op::Read), 1) << c.text();
	EXPECT_EQ(c.sent(Op::Flush), 1) << c.text();
	EXPECT_EQ(c.lib.driver.opened_late, 1) << c.text();
	EXPECT_TRUE(all_released(fs));
}

// The data cache answers where the page cache has nothing: still nobody is told.
TEST(Open, ReadFromMapsNeedsNoHandle)
{
	Opens fs;
	fs.store.add_file("file", "content");
	prime(fs, "file");
	sys::drop_pages();
	const Counts c = during(fs, [&] { EXPECT_EQ(sys::read_file(fs.path("file")), "content"); });
	EXPECT_EQ(c.sent_all(), 0) << c.text();
	EXPECT_EQ(c.driver(EXTFUSE_OP_READ).hit, 1) << c.text();
}

TEST(Open, EverythingElseThatNeedsAHandleOpensLate)
{
	Opens fs;
	fs.store.add_file("file", "content");
	prime(fs, "file");
	ASSERT_TRUE(all_released(fs));
	const auto late = [&](const char *what, const std::function<void(int)> &work) {
		const Counts c = during(fs, [&] {
			const sys::Fd fd(sys::open(fs.path("file"), O_RDONLY));
			work(fd);
			work(fd);
		});
		EXPECT_EQ(c.sent(Op::Open), 1) << what << ' ' << c.text();
		EXPECT_EQ(c.lib.driver.opened_late, 1) << what << ' ' << c.text();
		EXPECT_TRUE(all_released(fs)) << what;
		prime(fs, "file");
	};
	late("fsync", [](int fd) { EXPECT_EQ(fsync(fd), 0); });
	late("flock", [](int fd) { EXPECT_EQ(flock(fd, LOCK_SH), 0); });
}

TEST(Open, StatOfAFileNobodyToldAboutNeedsNoHandle)
{
	Opens fs;
	fs.say.attrs = false;
	fs.store.add_file("file", "content");
	prime(fs, "file");
	const sys::Fd fd(sys::open(fs.path("file"), O_RDONLY));
	const Counts c = during(fs, [&] {
		struct stat st;
		EXPECT_EQ(sys::fstat(fd, &st), 0);
		EXPECT_EQ(st.st_size, 7);
	});
	EXPECT_EQ(c.sent(Op::Getattr), 1) << c.text();
	EXPECT_EQ(c.sent(Op::Open), 0) << c.text();
}

TEST(Open, ForWritingGoesUp)
{
	Opens fs;
	const uint64_t node = fs.store.add_file("file", "content");
	prime(fs, "file");
	for (int flags : {O_WRONLY, O_RDWR, O_RDONLY | O_TRUNC, O_WRONLY | O_TRUNC}) {
		const Counts c = during(fs, [&] {
			const sys::Fd fd(sys::open(fs.path("file"), flags));
			EXPECT_GE(fd, 0);
		});
		EXPECT_EQ(c.sent(Op::Open), 1) << flags << ' ' << c.text();
		if (flags & O_TRUNC) {
			EXPECT_EQ(fs.store.attr(node).attr.st_size, 0);
		}
		fs.store.replace_quietly(node, "content");
		extfuse_invalidate_node(fs.ext(), node);
		prime(fs, "file");
	}
}

TEST(Open, UnlinkedWhileNobodyKnowsIsStillReadable)
{
	Opens fs;
	fs.say.blocks = false;
	fs.store.add_file("file", "content");
	prime(fs, "file");
	sys::drop_pages();
	const sys::Fd fd(sys::open(fs.path("file"), O_RDONLY));
	EXPECT_EQ(sys::unlink(fs.path("file")), 0);
	EXPECT_EQ(sys::stat(fs.path("file")), -ENOENT);
	sys::drop_caches();
	const Counts c = during(fs, [&] { EXPECT_EQ(sys::read_at(fd, 100, 0), "content"); });
	EXPECT_EQ(c.sent(Op::Open), 1) << c.text();
}

TEST(Open, LateOpenThatFailsIsTheReadersError)
{
	Opens fs;
	fs.say.blocks = false;
	fs.store.add_file("file", "content");
	prime(fs, "file");
	ASSERT_TRUE(all_released(fs));
	sys::drop_pages();
	std::atomic<bool> deny{true};
	fs.set_policy([&](const fuse_ctx &, Op what, uint64_t, const char *) {
		return deny && what == Op::Open ? EACCES : 0;
	});
	const Counts c = during(fs, [&] {
		sys::Fd fd(sys::open(fs.path("file"), O_RDONLY));
		EXPECT_GE(fd, 0);
		EXPECT_EQ(sys::read_at(fd, 100, 0), "error " + std::to_string(-EACCES));
		deny = false;
		EXPECT_EQ(sys::read_at(fd, 100, 0), "content"); // it is asked again
		deny = true;
		sys::Fd other(sys::open(fs.path("file"), O_RDONLY));
		other.close(); // without a word to the daemon
	});
	EXPECT_EQ(c.sent(Op::Flush), 1) << c.text();
	fs.set_policy({});
	EXPECT_TRUE(all_released(fs));
}

// Who reads need not be who opened.
TEST(Open, LateOpenIsInTheOpenersName)
{
	Opens fs;
	fs.say.blocks = false;
	fs.store.add_file("file", "content");
	const auto as_opener = [&] { return sys::open(fs.path("file"), O_RDONLY); };
	prime(fs, "file");
	sys::drop_pages();
	std::atomic<uid_t> opener{9999};
	fs.set_policy([&](const fuse_ctx &caller, Op what, uint64_t, const char *) {
		if (what == Op::Open)
			opener = caller.uid;
		return 0;
	});
	const sys::Fd fd(sys::as_user(1000, as_opener));
	ASSERT_GE(fd, 0);
	EXPECT_EQ(opener, 9999U);
	EXPECT_EQ(sys::read_at(fd, 100, 0), "content");
	EXPECT_EQ(opener, 1000U);
	fs.set_policy({});
}

// Permission was given when it was opened.
TEST(Open, LateOpenOfAFileClosedForItsOpener)
{
	Opens fs;
	fs.say.blocks = false;
	fs.store.add_file("file", "content");
	prime(fs, "file");
	sys::drop_pages();
	const sys::Fd fd(sys::as_user(1000, [&] { return sys::open(fs.path("file"), O_RDONLY); }));
	ASSERT_GE(fd, 0);
	fs.set_policy([&](const fuse_ctx &caller, Op what, uint64_t, const char *) {
		return what == Op::Open && caller.uid ? EACCES : 0;
	});
	EXPECT_EQ(sys::read_at(fd, 100, 0), "content");
	// Not for those who open it now.
	extfuse_invalidate_all(fs.ext());
	EXPECT_EQ(sys::as_user(1000, [&] { return sys::open(fs.path("file"), O_RDONLY); }),
		  -EACCES);
	fs.set_policy({});
}

TEST(Open, ManyReadersOpenLateOnce)
{
	Opens fs;
	fs.say.blocks = false;
	const uint64_t node = fs.store.add_file("file", std::string(16 * 4096, 'x'));
	prime(fs, "file");
	ASSERT_TRUE(all_released(fs));
	sys::drop_pages();
	const Counts c = during(fs, [&] {
		const sys::Fd fd(sys::open(fs.path("file"), O_RDONLY));
		posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
		auto held = fs.hold(Op::Open, Stage::Arrived, "", node);
		std::vector<std::future<std::string>> readers;
		for (uint64_t i = 0; i < 16; i++)
			readers.push_back(sys::in_background(
				[&fd, i] { return sys::read_at(fd, 10, i * 4096); }));
		EXPECT_TRUE(held.wait());
		held.release();
		for (auto &r : readers)
			EXPECT_EQ(r.get(), std::string(10, 'x'));
	});
	EXPECT_EQ(c.sent(Op::Open), 1) << c.text();
	EXPECT_TRUE(all_released(fs));
}

TEST(Open, MappedFileFaultsIn)
{
	Opens fs;
	fs.say.blocks = false;
	fs.store.add_file("file", std::string(3 * 4096, 'm'));
	prime(fs, "file");
	sys::drop_pages();
	const Counts c = during(fs, [&] {
		sys::Fd fd(sys::open(fs.path("file"), O_RDONLY));
		auto *p =
			static_cast<char *>(mmap(nullptr, 3 * 4096, PROT_READ, MAP_PRIVATE, fd, 0));
		ASSERT_NE(p, MAP_FAILED);
		fd.close();
		EXPECT_EQ(std::string(p, 3 * 4096), std::string(3 * 4096, 'm'));
		munmap(p, 3 * 4096);
	});
	EXPECT_EQ(c.sent(Op::Open), 1) << c.text();
	EXPECT_TRUE(all_released(fs));
}

TEST(Open, ProgramsRun)
{
	Opens fs;
	fs.say.blocks = false;
	fs.store.add_file("true", sys::read_file("/bin/true"), 0755);
	for (int i = 0; i < 4; i++) {
		const std::string path = fs.path("true");
		char *argv[] = {const_cast<char *>("true"), nullptr};
		pid_t pid = 0;
		int status = -1;
		ASSERT_EQ(posix_spawn(&pid, path.c_str(), nullptr, nullptr, argv, nullptr), 0);
		waitpid(pid, &status, 0);
		EXPECT_EQ(status, 0);
		if (i == 2)
			sys::drop_pages();
	}
	EXPECT_TRUE(all_released(fs));
}

TEST(Open, ChangesOfTheFileSendTheNextOneUp)
{
	Opens fs;
	const uint64_t node = fs.store.add_file("file", "content");
	const auto goes_up = [&](const char *what) {
		Counts c = during(fs, [&] { sys::read_file(fs.path("file")); });
		EXPECT_EQ(c.sent(Op::Open), 1) << what << ' ' << c.text();
		prime(fs, "file");
		c = during(fs, [&] { sys::read_file(fs.path("file")); });
		EXPECT_EQ(c.sent(Op::Open), 0) << what << ' ' << c.text();
	};
	prime(fs, "file");
	EXPECT_EQ(sys::chmod(fs.path("file"), 0600), 0);
	goes_up("chmod");
	EXPECT_EQ(sys::chown(fs.path("file"), 1, 1), 0);
	goes_up("chown");
	EXPECT_EQ(sys::set_xattr(fs.path("file"), "user.x", "y"), 0);
	goes_up("setxattr");
	extfuse_invalidate_node(fs.ext(), node);
	goes_up("invalidate");
	extfuse_invalidate_all(fs.ext());
	goes_up("invalidate all");
	EXPECT_EQ(sys::write_file(fs.path("file"), "CONTENT", O_WRONLY), 0);
	goes_up("write");
}

// An answer that was put while a change was under way is never given.
TEST(Open, AnswerThatRacedWithAChangeIsNotServed)
{
	Opens fs(without_remember());
	const uint64_t node = fs.store.add_file("file", "content");
	sys::stat(fs.path("file"));
	auto held = fs.hold(Op::Open, Stage::Done, "", node);
	auto slow = sys::in_background([&] { return sys::read_file(fs.path("file")); });
	ASSERT_TRUE(held.wait());
	EXPECT_EQ(sys::chmod(fs.path("file"), 0600), 0);
	held.release();
	slow.get();
	const Counts c = during(fs, [&] { sys::read_file(fs.path("file")); });
	EXPECT_EQ(c.sent(Op::Open), 1) << c.text();
}

TEST(Open, ContentChangedBehindIsNotServedFromKeptPages)
{
	Opens fs;
	const uint64_t node = fs.store.add_file("file", "old content");
	prime(fs, "file");
	prime(fs, "file");
	fs.store.replace_quietly(node, "new content");
	extfuse_invalidate_node(fs.ext(), node);
	EXPECT_EQ(sys::read_file(fs.path("file")), "new content");
	EXPECT_EQ(sys::read_file(fs.path("file")), "new content");
	EXPECT_EQ(sys::read_file(fs.path("file")), "new content");
}

TEST(Open, PagesAreDroppedWhereTheyAreNotToBeKept)
{
	Opens fs;
	fs.say.file_flags = 0;
	fs.say.blocks = false;
	fs.store.add_file("file", "content");
	prime(fs, "file");
	const Counts c = during(fs, [&] { EXPECT_EQ(sys::read_file(fs.path("file")), "content"); });
	EXPECT_EQ(c.sent(Op::Read), 1) << c.text();
}

TEST(Open, AnotherUserOfTheSameSlotGoesUp)
{
	for (extfuse_scope scope : {EXTFUSE_SCOPE_UID, EXTFUSE_SCOPE_CALLER}) {
		Config config;
		config.default_permissions = false;
		Opens fs(config);
		fs.say.open = scope;
		fs.say.entry = EXTFUSE_SCOPE_ALL;
		fs.store.add_file("file", "content");
		fs.set_policy([&](const fuse_ctx &caller, Op what, uint64_t, const char *) {
			return what == Op::Open && caller.uid == 1001 ? EACCES : 0;
		});
		const auto read = [&] { return sys::read_file(fs.path("file")); };
		sys::as_user(1000, read);
		sys::as_user(1000, read);
		Counts c = during(fs, [&] { EXPECT_EQ(sys::as_user(1000, read), "content"); });
		EXPECT_EQ(c.sent(Op::Open), 0) << c.text();
		c = during(fs, [&] {
			EXPECT_EQ(sys::as_user(1001, read), "error " + std::to_string(-EACCES));
		});
		EXPECT_EQ(c.sent(Op::Open), 1) << c.text();
	}
}

TEST(Open, TheKernelChecksWhereItIsToCheck)
{
	Opens fs;
	fs.store.add_file("file", "content", 0600, {1000, 1000});
	const auto read = [&] { return sys::read_file(fs.path("file")); };
	prime(fs, "file");
	EXPECT_EQ(sys::as_user(1000, read), "content");
	const Counts c = during(fs, [&] {
		EXPECT_EQ(sys::as_user(1001, read), "error " + std::to_string(-EACCES));
		EXPECT_EQ(sys::as_user(1000, read), "content");
	});
	EXPECT_EQ(c.sent(Op::Open), 0) << c.text();
}

TEST(Open, WithoutAScopeOrWithoutTheKernelsChecksNothingIsServed)
{
	for (extfuse_scope scope : {EXTFUSE_SCOPE_NONE, EXTFUSE_SCOPE_KERNEL}) {
		Config config;
		config.default_permissions = false;
		Opens fs(config);
		fs.say.open = scope;
		fs.store.add_file("file", "content");
		prime(fs, "file");
		const Counts c = during(fs, [&] { sys::read_file(fs.path("file")); });
		EXPECT_EQ(c.sent(Op::Open), 1) << c.text();
	}
}

TEST(Open, DetachBetweenOpenAndRead)
{
	Opens fs;
	fs.say.blocks = false;
	fs.store.add_file("file", "content");
	prime(fs, "file");
	ASSERT_TRUE(all_released(fs)); // prime()'s
	sys::drop_pages();
	sys::Fd fd(sys::open(fs.path("file"), O_RDONLY)),
		silent(sys::open(fs.path("file"), O_RDONLY));
	EXPECT_EQ(fs.handles(), 0);
	EXPECT_EQ(extfuse_detach(fs.ext()), 0);
	silent.close();
	EXPECT_EQ(sys::read_at(fd, 100, 0), "content");
	EXPECT_EQ(fs.handles(), 1);
	const Counts c = during(fs, [&] { sys::read_file(fs.path("file")); });
	EXPECT_EQ(c.sent(Op::Open), 1) << c.text();
	fd.close();
	EXPECT_TRUE(all_released(fs));
	EXPECT_EQ(extfuse_attach(fs.ext()), 0);
}

TEST(Open, DaemonKilledWhileItDoesNotKnow)
{
	ChildDaemon daemon({}, [](TestFs &fs) {
		fs.say.opens = true;
		fs.say.blocks = false;
		fs.say.atime = false;
		fs.store.add_file("file", "content");
		fs.store.add_file("other", "content");
		return std::vector<Hold>();
	});
	for (int i = 0; i < 3; i++)
		for (const char *name : {"file", "other"})
			sys::read_file(daemon.path(name));
	sys::Fd fd(sys::open(daemon.path("file"), O_RDONLY));
	ASSERT_GE(fd, 0);
	EXPECT_EQ(sys::read_at(fd, 100, 0), "content");
	sys::drop_pages();
	const sys::Fd dropped(sys::open(daemon.path("other"), O_RDONLY));
	daemon.kill();
	EXPECT_EQ(sys::read_at(dropped, 100, 0).substr(0, 5), "error");
	EXPECT_EQ(sys::result(close(fd.release())), 0); // nobody to ask, nothing to ask
	EXPECT_LT(sys::open(daemon.path("file"), O_RDONLY), 0);
}

TEST(Open, DirectoriesAreOpenedLate)
{
	Opens fs;
	fs.say.listings = false;
	for (const char *name : {"d", "d/x", "d/y"})
		fs.store.add_dir(name);
	const auto list = [&] {
		std::string names;
		DIR *dir = opendir(fs.path("d").c_str());
		EXPECT_NE(dir, nullptr);
		for (const dirent *e; dir && (e = readdir(dir));)
			names += std::string(e->d_name) + " ";
		if (dir)
			closedir(dir);
		return names;
	};
	const std::string names = list();
	EXPECT_EQ(names, ". .. x y ");
	EXPECT_EQ(list(), names);
	ASSERT_TRUE(all_released(fs));
	Counts c = during(fs, [&] {
		const sys::Fd fd(sys::open(fs.path("d"), O_RDONLY | O_DIRECTORY));
		EXPECT_GE(fd, 0);
	});
	EXPECT_EQ(c.sent_all() + c.sent(Op::Releasedir), 0) << c.text();
	EXPECT_EQ(c.served(EXTFUSE_OP_OPENDIR), 1) << c.text();
	c = during(fs, [&] { EXPECT_EQ(list(), names); });
	EXPECT_EQ(c.sent(Op::Opendir), 1) << c.text();
	EXPECT_EQ(c.lib.driver.opened_late, 1) << c.text();
	EXPECT_TRUE(all_released(fs));
}

TEST(Flush, AnsweredForFilesThatTheDaemonOpened)
{
	Opens fs;
	fs.say.file_flags = EXTFUSE_FILE_CLOSE_ONLY | EXTFUSE_FILE_NO_FLUSH;
	fs.store.add_file("file", "content");
	prime(fs, "file");
	Counts c = during(fs, [&] { sys::read_file(fs.path("file")); });
	EXPECT_EQ(c.sent(Op::Open), 1) << c.text();
	EXPECT_EQ(c.sent(Op::Flush), 0) << c.text();
	EXPECT_EQ(c.driver(EXTFUSE_OP_FLUSH).hit, 1) << c.text();
	c = during(fs, [&] { sys::write_file(fs.path("file"), "x", O_WRONLY); });
	EXPECT_EQ(c.sent(Op::Flush), 1) << c.text();
	EXPECT_TRUE(all_released(fs));
}

// A close of any file of an inode ends the POSIX locks of its process there.
TEST(Flush, GoesUpWhereLocksAreHeld)
{
	Opens fs;
	fs.say.file_flags = EXTFUSE_FILE_KEEP_CACHE | EXTFUSE_FILE_NO_FLUSH;
	fs.store.add_file("file", "content");
	prime(fs, "file");
	const sys::Fd locker(sys::open(fs.path("file"), O_RDONLY));
	struct flock lock = {};
	lock.l_type = F_RDLCK;
	EXPECT_EQ(fcntl(locker, F_SETLK, &lock), 0);
	const Counts c = during(fs, [&] {
		sys::Fd fd(sys::open(fs.path("file"), O_RDONLY));
		EXPECT_EQ(sys::result(close(fd.release())), 0);
	});
	EXPECT_EQ(c.sent(Op::Flush), 1) << c.text();
}

TEST(Release, AnsweredWhereHandlesAreNothing)
{
	Opens fs;
	fs.say.file_flags =
		EXTFUSE_FILE_CLOSE_ONLY | EXTFUSE_FILE_NO_FLUSH | EXTFUSE_FILE_NO_RELEASE;
	fs.store.add_file("file", "content");
	fs.store.add_dir("dir");
	prime(fs, "file");
	Counts c = during(fs, [&] { sys::read_file(fs.path("file")); });
	EXPECT_EQ(c.sent(Op::Open), 1) << c.text();
	EXPECT_EQ(c.driver(EXTFUSE_OP_RELEASE).hit, 1) << c.text();
	EXPECT_EQ(c.driver(EXTFUSE_OP_RELEASE).sent, 0) << c.text();
	// With a lock there is something to release.
	c = during(fs, [&] {
		const sys::Fd fd(sys::open(fs.path("file"), O_RDONLY));
		EXPECT_EQ(flock(fd, LOCK_SH), 0);
	});
	EXPECT_EQ(c.driver(EXTFUSE_OP_RELEASE).sent, 1) << c.text();
	EXPECT_EQ(extfuse_detach(fs.ext()), 0);
	c = during(fs, [&] { sys::read_file(fs.path("file")); });
	EXPECT_EQ(c.driver(EXTFUSE_OP_RELEASE).sent, 1) << c.text();
}

TEST(Open, TenThousandLeaveNothing)
{
	Opens fs;
	fs.store.add_file("file", "content");
	fs.store.add_dir("dir");
	prime(fs, "file");
	const uint64_t before = files_open();
	for (int i = 0; i < 10000; i++) {
		const sys::Fd file(sys::open(fs.path("file"), O_RDONLY));
		const sys::Fd dir(sys::open(fs.path("dir"), O_RDONLY | O_DIRECTORY));
		ASSERT_GE(file, 0);
		ASSERT_GE(dir, 0);
	}
	EXPECT_TRUE(all_released(fs));
	EXPECT_LT(files_open(), before + 500);
	EXPECT_EQ(fs.unmount(), 0);
}

} // namespace extfuse_test
