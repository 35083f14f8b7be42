// SPDX-License-Identifier: GPL-2.0-only
//
// Files that the daemon registered for its nodes. What is behind a node here and
// what is in the registered file differ on purpose: it shows who was asked.
#include <gtest/gtest.h>

#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <array>
#include <atomic>
#include <thread>

#include "backed_fs.hpp"
#include "child_daemon.hpp"

namespace extfuse_test
{

TEST(Backing, OpenReadCloseWithoutTheDaemon)
{
	Backed fs;
	const uint64_t node = fs.store.add_file("file", "daemon");
	ASSERT_EQ(fs.give(node, "lower"), 0);
	EXPECT_EQ(sys::read_file(fs.path("file")), "lower"); // the daemon let it in
	fs.prime("file");
	const Counts c = during(fs, [&] {
		for (int i = 0; i < 5; i++)
			EXPECT_EQ(sys::read_file(fs.path("file")), "lower");
	});
	EXPECT_EQ(c.sent_all(), 0) << c.text();
	EXPECT_EQ(c.lib.driver.backing_opens, 5) << c.text();
	EXPECT_EQ(fs.registered(), 1);
}

TEST(Backing, WritesReachTheFile)
{
	Backed fs;
	const uint64_t node = fs.store.add_file("file", "daemon");
	ASSERT_EQ(fs.give(node, "lower"), 0);
	fs.prime("file");
	const Counts c = during(fs, [&] {
		const sys::Fd fd(sys::open(fs.path("file"), O_RDWR));
		EXPECT_EQ(sys::pwrite(fd, "LO", 0), 2);
		EXPECT_EQ(sys::read_at(fd, 100, 0), "LOwer");
		EXPECT_EQ(fsync(fd), 0);
		EXPECT_EQ(lseek(fd, 0, SEEK_END), 5);
		EXPECT_EQ(lseek(fd, 0, SEEK_HOLE), 5);
		EXPECT_EQ(fallocate(fd, 0, 0, 20), 0);
		EXPECT_EQ(lseek(fd, 0, SEEK_END), 20);
	});
	for (Op op : {Op::Open, Op::Read, Op::Write, Op::Fsync, Op::Fallocate, Op::Flush})
		EXPECT_EQ(c.sent(op), 0) << op_name(op) << ' ' << c.text();
	EXPECT_EQ(fs.lower().substr(0, 5), "LOwer");
	EXPECT_EQ(fs.store.content("file"), "daemon");
	EXPECT_EQ(fs.handles(), 0);
}

TEST(Backing, AppendAppends)
{
	Backed fs;
	const uint64_t node = fs.store.add_file("file", "daemon");
	ASSERT_EQ(fs.give(node, "lower"), 0);
	const sys::Fd fd(sys::open(fs.path("file"), O_WRONLY | O_APPEND));
	EXPECT_EQ(write(fd, " and", 4), 4);
	EXPECT_EQ(sys::pwrite(fs.lower_fd(), "more", 9), 4); // behind its back
	EXPECT_EQ(write(fd, " end", 4), 4);
	EXPECT_EQ(fs.lower(), "lower andmore end");
}

TEST(Backing, TruncatingOpensGoUp)
{
	Backed fs;
	const uint64_t node = fs.store.add_file("file", "daemon");
	ASSERT_EQ(fs.give(node, "lower"), 0);
	const Counts c = during(fs, [&] {
		const sys::Fd fd(sys::open(fs.path("file"), O_WRONLY | O_TRUNC));
		EXPECT_GE(fd, 0);
		EXPECT_EQ(sys::pwrite(fd, "X", 0), 1);
	});
	EXPECT_EQ(c.sent(Op::Open), 1) << c.text();
	EXPECT_EQ(c.sent(Op::Write), 0) << c.text();
	EXPECT_EQ(fs.store.attr(node).attr.st_size, 0); // its, and it was asked
	EXPECT_EQ(fs.lower(), "Xower");
}

TEST(Backing, AttributesGoUpWhileItIsOpenForWriting)
{
	Backed fs;
	const uint64_t node = fs.store.add_file("file", "daemon");
	ASSERT_EQ(fs.give(node, "lower"), 0);
	sys::read_file(fs.path("file"));
	sys::stat(fs.path("file"));
	sys::Fd fd(sys::open(fs.path("file"), O_RDWR));
	for (uint64_t size : {10, 20}) {
		fs.store.set_size(node, size);
		EXPECT_EQ(sys::attr(fs.path("file")).st_size, static_cast<off_t>(size));
	}
	fd.close();
	fs.store.set_size(node, 30);
	EXPECT_EQ(sys::attr(fs.path("file")).st_size, 30);
}

TEST(Backing, MappingsAreOfTheFile)
{
	Backed fs;
	const uint64_t node = fs.store.add_file("file", "daemon");
	ASSERT_EQ(fs.give(node, std::string(4096, 'l')), 0);
	sys::Fd fd(sys::open(fs.path("file"), O_RDWR));
	auto *p =
		static_cast<char *>(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
	ASSERT_NE(p, MAP_FAILED);
	fd.close();
	EXPECT_EQ(p[0], 'l');
	p[0] = 'M';
	EXPECT_EQ(fs.lower().substr(0, 2), "Ml");
	// Nobody sees such a write: attributes are asked for from now on.
	fs.store.set_size(node, 77);
	EXPECT_EQ(sys::attr(fs.path("file")).st_size, 77);
	fs.store.set_size(node, 78);
	EXPECT_EQ(sys::attr(fs.path("file")).st_size, 78);
	munmap(p, 4096);
}

TEST(Backing, WhoComesSecondJoins)
{
	Backed fs;
	fs.say.opens = false;
	const uint64_t node = fs.store.add_file("file", "daemon");
	{ // The page cache was first.
		const sys::Fd cached(sys::open(fs.path("file"), O_RDWR));
		EXPECT_EQ(sys::read_at(cached, 100, 0), "daemon");
		ASSERT_EQ(fs.give(node, "lower"), 0);
		const sys::Fd second(sys::open(fs.path("file"), O_RDWR));
		ASSERT_GE(second, 0);
		EXPECT_EQ(sys::read_at(second, 100, 0), "daemon");
		EXPECT_EQ(sys::pwrite(second, "DAEMON", 0), 6);
		EXPECT_EQ(sys::read_at(cached, 100, 0), "DAEMON");
	}
	{ // The file was first; what opens when it is no more registered joins it.
		const sys::Fd first(sys::open(fs.path("file"), O_RDWR));
		EXPECT_EQ(sys::read_at(first, 100, 0), "lower");
		EXPECT_EQ(extfuse_unregister_backing(fs.ext(), node), 0);
		const sys::Fd second(sys::open(fs.path("file"), O_RDWR));
		ASSERT_GE(second, 0);
		EXPECT_EQ(sys::pwrite(second, "LOWER", 0), 5);
		EXPECT_EQ(sys::read_at(first, 100, 0), "LOWER");
	}
	EXPECT_EQ(sys::read_file(fs.path("file")), "DAEMON");
}

// A handler says backing, and the page cache is in use: opened as otherwise.
TEST(Backing, AnswerGivesWayToThePageCache)
{
	Backed fs;
	const uint64_t node = fs.store.add_file("file", "daemon");
	const auto token = [&] { return extfuse_token_node(fs.ext(), node); };
	sys::stat(fs.path("file"));
	const sys::Fd cached(sys::open(fs.path("file"), O_RDONLY));
	EXPECT_EQ(sys::read_at(cached, 100, 0), "daemon");
	ASSERT_EQ(fs.give(node, "lower"), 0);
	ASSERT_EQ(extfuse_put_open(fs.ext(), nullptr, node, backed, token(), EXTFUSE_SCOPE_KERNEL),
		  1);
	Counts c = during(fs, [&] {
		const sys::Fd fd(sys::open(fs.path("file"), O_RDONLY));
		EXPECT_EQ(sys::read_at(fd, 100, 0), "daemon");
	});
	EXPECT_EQ(c.sent(Op::Open), 0) << c.text();
	c = during(fs, [&] {
		const sys::Fd fd(sys::open(fs.path("file"), O_RDWR));
		EXPECT_EQ(sys::pwrite(fd, "D", 0), 1);
		EXPECT_EQ(sys::read_at(cached, 100, 0), "Daemon");
	});
	EXPECT_EQ(c.sent(Op::Open), 1) << c.text(); // writing needs a handle
	EXPECT_EQ(fs.store.content("file"), "Daemon");
}

// Who has the old file open keeps it. Later opens are served by the daemon until
// nobody has.
TEST(Backing, AnotherFileForTheNode)
{
	Backed fs;
	fs.say.opens = false;
	const uint64_t node = fs.store.add_file("file", "daemon");
	ASSERT_EQ(fs.give(node, "lower 1"), 0);
	sys::Fd first(sys::open(fs.path("file"), O_RDONLY));
	ASSERT_EQ(fs.give(node, "lower 2"), 0);
	EXPECT_EQ(sys::read_file(fs.path("file")), "daemon");
	EXPECT_EQ(sys::read_at(first, 100, 0), "lower 1");
	first.close();
	EXPECT_EQ(sys::read_file(fs.path("file")), "lower 2");
	EXPECT_EQ(fs.registered(), 1);
}

// A daemon registers at each open; those of others at the same time find one or the other.
TEST(Backing, NeverWithoutOneWhileAnotherIsRegistered)
{
	Backed fs;
	fs.say.opens = false;
	const uint64_t node = fs.store.add_file("file", "daemon");
	std::array<sys::Fd, 2> lower;
	for (sys::Fd &fd : lower) {
		ASSERT_EQ(fs.give(node, "lower"), 0);
		fd = sys::Fd(dup(fs.lower_fd()));
	}
	std::atomic<bool> stop = false;
	std::atomic<int> errors = 0, times = 0;
	std::thread again([&] {
		for (unsigned i = 0; !stop; i++, times++) { // the same one twice, then the other
			const extfuse_token token = extfuse_token_node(fs.ext(), node);
			if (extfuse_register_backing(fs.ext(), node, lower[i / 2 % 2], token, 0))
				errors++;
		}
	});
	int wrong = 0;
	for (int i = 0; i < 2000; i++)
		wrong += sys::read_file(fs.path("file")) != "lower";
	stop = true;
	again.join();
	EXPECT_EQ(wrong, 0);
	EXPECT_EQ(errors, 0);
	EXPECT_GT(times, 2000);
	EXPECT_EQ(fs.registered(), 1);
}

TEST(Backing, OutdatedOneDoesNotReplaceANewerOne)
{
	Backed fs;
	fs.say.opens = false;
	const uint64_t node = fs.store.add_file("file", "daemon");
	const extfuse_token old = extfuse_token_node(fs.ext(), node);
	const sys::Fd late(sys::open(fs.lower_dir, O_TMPFILE | O_RDWR, 0600));
	extfuse_invalidate_node(fs.ext(), node);
	ASSERT_EQ(fs.give(node, "lower"), 0);
	EXPECT_EQ(extfuse_register_backing(fs.ext(), node, late, old, 0), -ESTALE);
	EXPECT_EQ(sys::read_file(fs.path("file")), "lower");
	EXPECT_EQ(fs.registered(), 1);
	// An outdated one that it finds goes: nobody can open that any more.
	extfuse_invalidate_node(fs.ext(), node);
	EXPECT_EQ(extfuse_register_backing(fs.ext(), node, late, old, 0), -ESTALE);
	EXPECT_EQ(fs.registered(), 0);
}

TEST(Backing, AppendingCanBeEnded)
{
	Backed fs;
	const uint64_t node = fs.store.add_file("file", "daemon");
	ASSERT_EQ(fs.give(node, "lower"), 0);
	const sys::Fd fd(sys::open(fs.path("file"), O_WRONLY | O_APPEND));
	ASSERT_EQ(fcntl(fd, F_SETFL, 0), 0);
	EXPECT_EQ(sys::pwrite(fd, "LO", 0), 2);
	EXPECT_EQ(fs.lower(), "LOwer");
	ASSERT_EQ(fcntl(fd, F_SETFL, O_APPEND), 0);
	EXPECT_EQ(write(fd, "!", 1), 1);
	EXPECT_EQ(fs.lower(), "LOwer!");
}

// The daemon would be told EPERM; opening the registered file asks nobody.
TEST(Backing, AppendOnlyFilesAreTheDaemons)
{
	Backed fs;
	const uint64_t node = fs.store.add_file("file", "daemon");
	ASSERT_EQ(fs.give(node, "lower"), 0);
	// Other changes may be under way (a RELEASE, an access time): not each open counts.
	const auto daemon_is_asked = [&] {
		for (int i = 0; i < 10; i++) {
			fs.prime("file");
			const Counts c =
				during(fs, [&] { sys::Fd(sys::open(fs.path("file"), O_RDWR)); });
			if (!c.sent(Op::Open))
				return false;
		}
		return true;
	};
	EXPECT_FALSE(daemon_is_asked());
	for (int flag : {FS_APPEND_FL, FS_IMMUTABLE_FL}) {
		ASSERT_EQ(ioctl(fs.lower_fd(), FS_IOC_SETFLAGS, &flag), 0) << strerror(errno);
		EXPECT_TRUE(daemon_is_asked());
	}
	int none = 0;
	ASSERT_EQ(ioctl(fs.lower_fd(), FS_IOC_SETFLAGS, &none), 0);
	EXPECT_FALSE(daemon_is_asked());
}

// A writer that has to use the page cache, as others do, asks the daemon for a handle.
TEST(Backing, DaemonsErrorOfALateOpenIsTheOpeners)
{
	Backed fs;
	fs.say.opens = false;
	const uint64_t node = fs.store.add_file("file", "daemon");
	const sys::Fd cached(sys::open(fs.path("file"), O_RDONLY));
	ASSERT_EQ(fs.give(node, "lower"), 0);
	fs.say.opens = true;
	sys::Fd(sys::open(fs.path("file"), O_RDWR));
	fs.set_policy([](const fuse_ctx &, Op op, uint64_t, const char *) {
		return op == Op::Open ? ETXTBSY : 0;
	});
	const Counts c =
		during(fs, [&] { EXPECT_EQ(sys::open(fs.path("file"), O_RDWR), -ETXTBSY); });
	EXPECT_EQ(c.sent(Op::Open), 1) << c.text();
	fs.set_policy({});
}

// Stores through it are seen by nobody: who opens the inode later must not cache.
// Nor with the registration gone.
TEST(Backing, MappingKeepsThePageCacheUnused)
{
	Backed fs;
	const uint64_t node = fs.store.add_file("file", "daemon");
	ASSERT_EQ(fs.give(node, "lower"), 0);
	sys::Fd fd(sys::open(fs.path("file"), O_RDWR));
	char *map =
		static_cast<char *>(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
	ASSERT_NE(map, MAP_FAILED);
	fd.close();
	map[0] = 'L';
	EXPECT_EQ(sys::read_file(fs.path("file")), "Lower");
	ASSERT_EQ(extfuse_unregister_backing(fs.ext(), node), 0);
	fs.say.file_flags = 0;
	for (const char first : {'1', '2', '3'}) {
		map[0] = first;
		EXPECT_EQ(sys::read_file(fs.path("file")), first + std::string("ower"));
	}
	munmap(map, 4096);
	EXPECT_TRUE(fs.drop_until_forgotten(node));
}

TEST(Backing, ReadersMayNotWrite)
{
	Backed fs;
	fs.say.file_flags = EXTFUSE_FILE_BACKING;
	const uint64_t node = fs.store.add_file("file", "daemon");
	ASSERT_EQ(fs.give(node, "lower"), 0);
	fs.prime("file");
	Counts c = during(fs, [&] { EXPECT_EQ(sys::read_file(fs.path("file")), "lower"); });
	EXPECT_EQ(c.sent(Op::Open), 0) << c.text();
	c = during(fs, [&] { sys::Fd(sys::open(fs.path("file"), O_RDWR)); });
	EXPECT_EQ(c.sent(Op::Open), 1) << c.text();
}

TEST(Backing, ForgottenNodeLosesItsFile)
{
	Backed fs;
	const uint64_t node = fs.store.add_file("file", "daemon");
	sys::stat(fs.path("file"));
	ASSERT_EQ(fs.give(node, "lower"), 0);
	const extfuse_token old = extfuse_token_node(fs.ext(), node);
	EXPECT_EQ(fs.registered(), 1);
	ASSERT_TRUE(fs.drop_until_forgotten(node));
	EXPECT_EQ(fs.registered(), 0);
	// Read before the node was forgotten: for what it was then.
	const sys::Fd fd(memfd_create("other", MFD_CLOEXEC));
	EXPECT_EQ(extfuse_register_backing(fs.ext(), node, fd, old, 0), -ESTALE);
	EXPECT_EQ(sys::read_file(fs.path("file")), "daemon");
	EXPECT_EQ(fs.registered(), 0);
}

TEST(Backing, InvalidatedNodeLosesItsFile)
{
	Backed fs;
	const uint64_t node = fs.store.add_file("file", "daemon");
	ASSERT_EQ(fs.give(node, "lower"), 0);
	EXPECT_EQ(sys::read_file(fs.path("file")), "lower");
	extfuse_invalidate_node(fs.ext(), node);
	EXPECT_EQ(sys::read_file(fs.path("file")), "daemon");
	ASSERT_EQ(fs.give(node, "lower"), 0);
	EXPECT_EQ(sys::read_file(fs.path("file")), "lower");
}

TEST(Backing, NoMoreThanTheLimitAndTheUsedOnesStay)
{
	Backed fs;
	fs.say.opens = false;
	std::vector<uint64_t> nodes;
	for (int i = 0; i < 50; i++)
		nodes.push_back(fs.store.add_file("f" + std::to_string(i), "daemon"));
	for (size_t i = 0; i < nodes.size(); i++) {
		ASSERT_EQ(fs.give(nodes[i], "lower", 8), 0);
		EXPECT_EQ(sys::read_file(fs.path("f" + std::to_string(i))), "lower");
		EXPECT_EQ(sys::read_file(fs.path("f0")), "lower") << i;
		EXPECT_LE(fs.registered(), 8);
	}
	EXPECT_EQ(sys::read_file(fs.path("f1")), "daemon"); // not used for long
	EXPECT_EQ(sys::read_file(fs.path("f49")), "lower");
	ASSERT_EQ(fs.give(nodes[1], "lower", 2), 0);
	EXPECT_EQ(fs.registered(), 2);
}

TEST(Backing, OpenOnesOutliveTheLimit)
{
	Backed fs;
	fs.say.opens = false;
	const uint64_t a = fs.store.add_file("a", "daemon"), b = fs.store.add_file("b", "daemon");
	ASSERT_EQ(fs.give(a, "lower", 1), 0);
	const sys::Fd fd(sys::open(fs.path("a"), O_RDONLY));
	ASSERT_EQ(fs.give(b, "lower", 1), 0);
	EXPECT_EQ(fs.registered(), 1);
	EXPECT_EQ(sys::read_at(fd, 100, 0), "lower");
	EXPECT_EQ(sys::read_file(fs.path("a")), "lower"); // joins
}

TEST(Backing, RefusesWhatItMust)
{
	Backed fs;
	const uint64_t node = fs.store.add_file("file", "daemon");
	const extfuse_token token = extfuse_token_node(fs.ext(), node);
	const auto set = [&](int fd) {
		return extfuse_register_backing(fs.ext(), node, fd, token, 0);
	};
	const sys::Fd file(memfd_create("lower", MFD_CLOEXEC));
	EXPECT_EQ(set(sys::Fd(sys::open("/tmp", O_RDONLY | O_DIRECTORY))), -EINVAL);
	EXPECT_EQ(set(sys::Fd(sys::open("/dev/null", O_RDONLY))), -EINVAL);
	EXPECT_EQ(set(sys::Fd(sys::open(fs.path("file"), O_RDONLY))), -ELOOP);
	EXPECT_EQ(set(999), -EBADF);
	EXPECT_EQ(extfuse_unregister_backing(fs.ext(), node), -ENOENT);
	EXPECT_EQ(sys::as_user(1000, [&] { return set(file); }), -EPERM);
	extfuse_backing raw = {};
	raw.size = sizeof(raw);
	raw.fd = file;
	raw.nodeid = node;
	raw.behind = token.behind;
	raw.flags = 1;
	EXPECT_EQ(sys::result(ioctl(fs.device(), EXTFUSE_IOC_BACKING_SET, &raw)), -EINVAL);
	raw.flags = 0;
	raw.limit = EXTFUSE_BACKING_MAX + 1;
	EXPECT_EQ(sys::result(ioctl(fs.device(), EXTFUSE_IOC_BACKING_SET, &raw)), -EINVAL);
	EXPECT_EQ(fs.registered(), 0);

	Backed plain{Config()}; // passthrough was not asked for
	EXPECT_EQ(extfuse_register_backing(plain.ext(), 5, file, {}, 0), -EPERM);
}

TEST(Backing, LowerFilesErrorsAreTheOpeners)
{
	Backed fs;
	const uint64_t node = fs.store.add_file("file", "daemon");
	const std::string path = "/tmp/extfuse-lower-" + std::to_string(getpid());
	ASSERT_EQ(sys::write_file(path, sys::read_file("/bin/sleep"), O_CREAT | O_WRONLY), 0);
	ASSERT_EQ(sys::chmod(path, 0755), 0);
	const extfuse_token token = extfuse_token_node(fs.ext(), node);
	ASSERT_EQ(extfuse_register_backing(fs.ext(), node, sys::Fd(sys::open(path, O_RDONLY)),
					   token, 0),
		  0);
	fs.prime("file");
	const pid_t pid = fork();
	if (pid == 0) {
		for (int i = 0; i < 300; i++) { // the parent's looking is in the way
			execl(path.c_str(), "sleep", "100", nullptr);
			usleep(3000);
		}
		_exit(1);
	}
	for (int i = 0; i < 300 && sys::Fd(sys::open(path, O_WRONLY)) != -ETXTBSY; i++)
		usleep(10000);
	EXPECT_EQ(sys::open(fs.path("file"), O_RDWR), -ETXTBSY);
	kill(pid, SIGKILL);
	waitpid(pid, nullptr, 0);
	const sys::Fd fd(sys::open(fs.path("file"), O_RDWR));
	EXPECT_GE(fd, 0);
	const pid_t other = fork(); // and the other way round
	if (other == 0) {
		execl(path.c_str(), "sleep", "0", nullptr);
		_exit(errno);
	}
	int status = 0;
	waitpid(other, &status, 0);
	EXPECT_EQ(WEXITSTATUS(status), ETXTBSY);
	unlink(path.c_str());
}

TEST(Backing, DaemonsDeathReleasesTheFiles)
{
	const std::string path = "/tmp/extfuse-lower-" + std::to_string(getpid());
	ASSERT_EQ(sys::write_file(path, "lower"), 0);
	sys::Fd fd;
	{
		ChildDaemon daemon(passthrough(), [&](TestFs &fs) {
			fs.say.atime = false;
			const uint64_t node = fs.store.add_file("file", "daemon");
			const extfuse_token token = extfuse_token_node(fs.ext(), node);
			const sys::Fd lower(sys::open(path, O_RDONLY));
			if (extfuse_register_backing(fs.ext(), node, lower, token, 0))
				abort();
			return std::vector<Hold>();
		});
		EXPECT_EQ(sys::read_file(daemon.path("file")), "lower"); // that file is kept
		fd = sys::Fd(sys::open(daemon.path("file"), O_RDWR));
		EXPECT_EQ(sys::read_at(fd, 100, 0), "lower");
		daemon.kill();
		EXPECT_EQ(sys::read_at(fd, 100, 0), "lower"); // is open, stays open
		EXPECT_LT(sys::open(daemon.path("file"), O_RDONLY), 0);
		fd.close();
		EXPECT_EQ(daemon.unmount(), 0);
	}
	// A lease for writing is given if nobody else has the file open.
	const sys::Fd alone(sys::open(path, O_RDWR));
	int lease = -1;
	for (int i = 0; i < 300 && lease; i++) {
		lease = fcntl(alone, F_SETLEASE, F_WRLCK);
		usleep(10000);
	}
	EXPECT_EQ(lease, 0);
	unlink(path.c_str());
}

TEST(Backing, AccessTimeIsNoticedOnce)
{
	Backed fs;
	const uint64_t node = fs.store.add_file("file", "daemon");
	ASSERT_EQ(fs.give(node, "lower"), 0);
	for (int i = 0; i < 3; i++) {
		sys::read_file(fs.path("file"));
		sys::stat(fs.path("file"));
	}
	const Counts c = during(fs, [&] {
		for (int i = 0; i < 3; i++) {
			sys::read_file(fs.path("file"));
			sys::stat(fs.path("file"));
		}
	});
	EXPECT_EQ(c.sent_all(), 0) << c.text();
}

} // namespace extfuse_test
