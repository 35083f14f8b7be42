// SPDX-License-Identifier: GPL-2.0-only
//
// Handlers come and go while mounts are in use; daemons die; mounts end in every
// way there is. Nothing breaks, nothing leaks, nobody waits for ever.
#include <gtest/gtest.h>

#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>

#include <thread>

#include "child_daemon.hpp"
#include "guest.hpp"
#include "sys.hpp"
#include "test_fs.hpp"

namespace extfuse_test
{

namespace
{

// Threads that look at the mount until told to end, and count what is wrong.
class Load
{
	std::atomic<bool> stop_{false};
	std::atomic<uint64_t> rounds_{0};
	std::atomic<uint64_t> wrong_{0};
	std::vector<std::thread> threads_;

public:
	template <class Work> Load(unsigned threads, Work work)
	{
		for (unsigned t = 0; t < threads; t++)
			threads_.emplace_back([this, t, work] {
				while (!stop_) {
					if (!work(t))
						wrong_++;
					rounds_++;
				}
			});
	}
	~Load()
	{
		end();
	}
	uint64_t end()
	{
		stop_ = true;
		for (std::thread &t : threads_)
			if (t.joinable())
				t.join();
		return wrong_;
	}
	uint64_t rounds() const
	{
		return rounds_;
	}
	void wait_rounds(uint64_t more) const
	{
		for (const uint64_t until = rounds_ + more; rounds_ < until;)
			std::this_thread::yield();
	}
};

int mount_with(const std::string &dir, const std::string &data)
{
	return sys::result(
		::mount("test", dir.c_str(), EXTFUSE_FS_TYPE, MS_NOSUID | MS_NODEV, data.c_str()));
}

} // namespace

TEST(Lifecycle, DetachAndAttachInUse)
{
	TestFs fs;
	fs.store.add_dir("dir");
	fs.store.add_file("dir/file", "12345");
	const std::string path = fs.path("dir/file"), absent = fs.path("dir/absent");
	Load load(2, [&](unsigned) {
		return sys::attr(path).st_size == 5 && sys::stat(absent) == -ENOENT;
	});
	for (int i = 0; i < 15; i++) {
		ASSERT_EQ(extfuse_detach(fs.ext()), 0);
		load.wait_rounds(4);
		ASSERT_EQ(extfuse_attach(fs.ext()), 0);
		load.wait_rounds(4);
	}
	EXPECT_EQ(load.end(), 0U);
	const Counts c = during(fs, [&] {
		for (int i = 0; i < 3; i++)
			sys::stat(path);
	});
	EXPECT_GE(c.served(EXTFUSE_OP_LOOKUP), 2U) << c.text();
}

TEST(Lifecycle, DetachedIsPlainFuse)
{
	TestFs fs;
	fs.store.add_file("file");
	sys::stat(fs.path("file"));
	ASSERT_EQ(extfuse_detach(fs.ext()), 0);
	Counts c = during(fs, [&] {
		for (int i = 0; i < 3; i++)
			EXPECT_EQ(sys::stat(fs.path("file")), 0);
	});
	EXPECT_EQ(c.sent(Op::Lookup), 3U) << c.text();
	EXPECT_EQ(c.served(EXTFUSE_OP_LOOKUP), 0U) << c.text();
	EXPECT_EQ(c.served(EXTFUSE_OP_GETATTR), 0U) << c.text();
	ASSERT_EQ(extfuse_attach(fs.ext()), 0);
	c = during(fs, [&] {
		for (int i = 0; i < 3; i++)
			EXPECT_EQ(sys::stat(fs.path("file")), 0);
	});
	EXPECT_LE(c.sent(Op::Lookup), 1U) << c.text();
}

TEST(Lifecycle, TwoMountsDoNotKnowOfEachOther)
{
	TestFs a, b;
	a.store.use_ids({{500, 0}});
	b.store.use_ids({{500, 0}});
	a.store.add_file("name", "aaa");
	b.store.add_file("name", "b");
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(sys::attr(a.path("name")).st_size, 3);
		EXPECT_EQ(sys::attr(b.path("name")).st_size, 1);
	}
	// One loses its handler; the other is served as before.
	ASSERT_EQ(extfuse_detach(a.ext()), 0);
	Counts c = during(b, [&] { EXPECT_EQ(sys::stat(b.path("name")), 0); });
	EXPECT_EQ(c.sent_all(), 0U) << c.text();
	// One forgets everything; the other does not.
	extfuse_invalidate_all(a.ext());
	c = during(b, [&] { EXPECT_EQ(sys::stat(b.path("name")), 0); });
	EXPECT_EQ(c.sent_all(), 0U) << c.text();
	a.stop();
	c = during(b, [&] { EXPECT_EQ(sys::stat(b.path("name")), 0); });
	EXPECT_EQ(c.sent_all(), 0U) << c.text();
}

TEST(Lifecycle, MountWithoutHandlerBesideOneWith)
{
	Config plain;
	plain.kind = Kind::NoHandler;
	TestFs a(plain), b;
	a.store.add_file("name");
	b.store.add_file("name");
	for (TestFs *fs : {&a, &b})
		for (int i = 0; i < 3; i++)
			EXPECT_EQ(sys::stat(fs->path("name")), 0);
	EXPECT_EQ(a.counts().served(EXTFUSE_OP_LOOKUP), 0U);
	EXPECT_GE(b.counts().served(EXTFUSE_OP_LOOKUP), 2U);
}

TEST(Lifecycle, BindRefusesWhatIsNoHandler)
{
	TestFs fs;
	const sys::Fd file(sys::open("/dev/null", O_RDONLY));
	const sys::Fd dir(sys::open("/tmp", O_RDONLY | O_DIRECTORY));
	int pipes[2];
	ASSERT_EQ(pipe(pipes), 0);
	EXPECT_EQ(bind_handler(fs.device(), file), -EINVAL);
	EXPECT_EQ(bind_handler(fs.device(), dir), -EINVAL);
	EXPECT_EQ(bind_handler(fs.device(), pipes[0]), -EINVAL);
	EXPECT_EQ(bind_handler(fs.device(), fs.device()), -EINVAL);
	EXPECT_EQ(bind_handler(fs.device(), 9999), -EBADF);
	EXPECT_EQ(bind_handler(fs.device(), -1, sizeof(extfuse_bind) - 1), -EINVAL);
	EXPECT_EQ(bind_handler(fs.device(), -1, sizeof(extfuse_bind), 1), -EINVAL);
	close(pipes[0]);
	close(pipes[1]);

	const sys::Fd unmounted(sys::open(EXTFUSE_DEVICE, O_RDWR));
	ASSERT_GE(unmounted, 0);
	EXPECT_EQ(bind_handler(unmounted, -1), -ENOTCONN);
	extfuse_stats stats = {};
	stats.abi_version = EXTFUSE_ABI_VERSION;
	stats.size = sizeof(stats);
	EXPECT_EQ(sys::result(ioctl(unmounted, EXTFUSE_IOC_STATS, &stats)), -ENOTCONN);
	stats.abi_version = 99;
	EXPECT_EQ(sys::result(ioctl(fs.device(), EXTFUSE_IOC_STATS, &stats)), -EPROTO);
	// None of it took the handler away.
	fs.store.add_file("file");
	sys::stat(fs.path("file"));
	const Counts c = during(fs, [&] { EXPECT_EQ(sys::stat(fs.path("file")), 0); });
	EXPECT_EQ(c.sent_all(), 0U) << c.text();
}

TEST(Lifecycle, MountOptionHandlerRefusesWhatIsNoLink)
{
	char dir[] = "/tmp/extfuse-mount-XXXXXX";
	ASSERT_TRUE(mkdtemp(dir));
	const sys::Fd device(sys::open(EXTFUSE_DEVICE, O_RDWR));
	const sys::Fd file(sys::open("/dev/null", O_RDONLY));
	const std::string base =
		"fd=" + std::to_string(device) + ",rootmode=40000,user_id=0,group_id=0,handler=";
	EXPECT_EQ(mount_with(dir, base + std::to_string(file)), -EINVAL);
	EXPECT_EQ(mount_with(dir, base + std::to_string(device)), -EINVAL);
	EXPECT_LT(mount_with(dir, base + "9999"), 0);
	EXPECT_LT(mount_with(dir, base + "-1"), 0);
	EXPECT_LT(mount_with(dir, base + "x"), 0);
	EXPECT_EQ(rmdir(dir), 0);
}

// A second mapping of the words outlives the mount; memory of nobody's is shown.
TEST(Lifecycle, MappedWordsOutliveTheMount)
{
	void *map;
	{
		TestFs fs;
		map = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fs.device(), 0);
		ASSERT_NE(map, MAP_FAILED);
		EXPECT_EQ(static_cast<extfuse_words_header *>(map)->magic, EXTFUSE_WORDS_MAGIC);
		EXPECT_EQ(mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE, fs.device(), 0), MAP_FAILED);
		EXPECT_EQ(mmap(nullptr, 4096, PROT_READ, MAP_SHARED, fs.device(), 1LL << 40),
			  MAP_FAILED);
		EXPECT_EQ(mmap(nullptr, 64 << 20, PROT_READ, MAP_SHARED, fs.device(), 0),
			  MAP_FAILED);
	}
	EXPECT_EQ(static_cast<extfuse_words_header *>(map)->magic, EXTFUSE_WORDS_MAGIC);
	static_cast<extfuse_words_header *>(map)->mount_word += EXTFUSE_EPOCH_ONE;
	munmap(map, 4096);
}

TEST(Lifecycle, DaemonKilledWithRequestsInFlight)
{
	const KernelLog log;
	{
		ChildDaemon daemon({}, [](TestFs &fs) {
			fs.store.add_file("file", "data");
			fs.store.add_file("slow", "data");
			fs.store.add_file("busy", "data");
			std::vector<Hold> holds;
			holds.push_back(fs.hold(Op::Lookup, Stage::Done, "slow"));
			holds.push_back(fs.hold(Op::Unlink, Stage::Done, "busy"));
			return holds;
		});
		EXPECT_EQ(sys::stat(daemon.path("file")), 0);
		EXPECT_EQ(sys::stat(daemon.path("file")), 0); // answered in the kernel
		const sys::Fd open(sys::open(daemon.path("file"), O_RDONLY));
		auto lookup = sys::in_background([&] { return sys::stat(daemon.path("slow")); });
		ASSERT_TRUE(daemon.wait_reached());
		ASSERT_EQ(sys::stat(daemon.path("file")), 0);
		daemon.kill();
		EXPECT_EQ(lookup.get(), -ECONNABORTED);
		// A dead mount answers nothing, warm or not.
		EXPECT_EQ(sys::stat(daemon.path("file")), -ENOTCONN);
		EXPECT_EQ(sys::stat(daemon.path("absent")), -ENOTCONN);
		std::string out;
		EXPECT_LT(sys::pread(open, 4, 0, &out), 0);
		EXPECT_EQ(daemon.unmount(), -EBUSY); // the open file
		EXPECT_EQ(daemon.unmount(MNT_DETACH), 0);
	}
}

// The handler was attached by the daemon that died: its link goes with it, and
// nothing keeps the module.
TEST(Lifecycle, ModuleUnloadsAfterTheDaemonWasKilled)
{
	{
		ChildDaemon daemon({}, [](TestFs &fs) {
			fs.store.add_file("file", "data");
			return std::vector<Hold>{};
		});
		for (int i = 0; i < 3; i++)
			EXPECT_EQ(sys::stat(daemon.path("file")), 0);
		daemon.kill();
		EXPECT_LT(unload_driver(), 0) << "still mounted";
		EXPECT_EQ(daemon.unmount(), 0);
	}
	EXPECT_EQ(unload_driver_soon(), 0);
	ASSERT_EQ(load_driver(), 0);
}

TEST(Lifecycle, DaemonKilledWithAChangeInFlight)
{
	ChildDaemon daemon({}, [](TestFs &fs) {
		fs.store.add_file("busy", "data");
		std::vector<Hold> holds;
		holds.push_back(fs.hold(Op::Unlink, Stage::Done, "busy"));
		return holds;
	});
	EXPECT_EQ(sys::stat(daemon.path("busy")), 0);
	auto unlink = sys::in_background([&] { return sys::unlink(daemon.path("busy")); });
	ASSERT_TRUE(daemon.wait_reached());
	daemon.kill();
	EXPECT_EQ(unlink.get(), -ECONNABORTED);
	EXPECT_EQ(daemon.unmount(), 0);
}

TEST(Lifecycle, UnmountForced)
{
	Config config;
	config.may_fail = true;
	TestFs fs(config);
	fs.store.add_file("file");
	fs.store.add_file("slow");
	sys::stat(fs.path("file"));
	sys::stat(fs.path("file"));
	Hold held = fs.hold(Op::Lookup, Stage::Done, "slow");
	auto slow = sys::in_background([&] { return sys::stat(fs.path("slow")); });
	ASSERT_TRUE(held.wait());
	fs.unmount(MNT_FORCE); // aborts; the mount itself may be busy
	EXPECT_EQ(slow.get(), -ECONNABORTED);
	// Nothing is served from memory on an aborted connection.
	const int now = sys::stat(fs.path("file"));
	EXPECT_TRUE(now == -ENOTCONN || now == -ENOENT) << now;
	held.release();
}

TEST(Lifecycle, UnmountLazilyUnderLoad)
{
	TestFs fs;
	fs.store.add_dir("dir");
	fs.store.add_file("dir/file", "12345");
	sys::Fd dir(sys::open(fs.path("dir"), O_RDONLY | O_DIRECTORY));
	{
		Load load(2, [&](unsigned) {
			struct stat st = {};
			return ::fstatat(dir, "file", &st, 0) == 0 && st.st_size == 5;
		});
		load.wait_rounds(20);
		ASSERT_EQ(fs.unmount(MNT_DETACH), 0);
		load.wait_rounds(20);
		// Lazily unmounted, still in use: still right.
		EXPECT_EQ(load.end(), 0U);
	}
	EXPECT_EQ(sys::stat(fs.path("dir")), -ENOENT);
	dir.close(); // the last user goes
}

TEST(Lifecycle, HandlerDiesWhileTheMountLives)
{
	// The library's own link is closed by destroying the handler: detach does it.
	TestFs fs;
	fs.store.add_file("file", "12345");
	for (int i = 0; i < 3; i++)
		sys::stat(fs.path("file"));
	ASSERT_EQ(extfuse_detach(fs.ext()), 0);
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(sys::attr(fs.path("file")).st_size, 5);
}

TEST(Lifecycle, RmmodIsRefusedWhileMounted)
{
	TestFs fs;
	EXPECT_LT(unload_driver(), 0);
	fs.store.add_file("file");
	EXPECT_EQ(sys::stat(fs.path("file")), 0);
	ASSERT_EQ(extfuse_detach(fs.ext()), 0);
	EXPECT_LT(unload_driver(), 0) << "mounted without a handler";
}

// Load, use, unload; nothing of it is left.
TEST(Lifecycle, ModuleReloadLeavesNothing)
{
	ASSERT_EQ(unload_driver_soon(), 0);
	const BpfObjects before = bpf_objects();
	for (int round = 0; round < 3; round++) {
		ASSERT_EQ(load_driver(), 0);
		{
			TestFs fs;
			fs.store.add_dir("dir");
			for (int i = 0; i < 30; i++)
				fs.store.add_file("dir/f" + std::to_string(i), "data");
			for (int k = 0; k < 3; k++)
				for (int i = 0; i < 30; i++)
					sys::read_file(fs.path("dir/f" + std::to_string(i)));
			if (round == 1)
				extfuse_detach(fs.ext());
		}
		ASSERT_EQ(unload_driver_soon(), 0);
		EXPECT_TRUE(driver_slabs().empty());
		BpfObjects after = bpf_objects();
		for (int i = 0; i < 50 && !(after == before); i++) { // freed by RCU, no event
			std::this_thread::sleep_for(std::chrono::milliseconds(100));
			after = bpf_objects();
		}
		EXPECT_EQ(after.programs, before.programs);
		EXPECT_EQ(after.maps, before.maps);
		EXPECT_EQ(after.links, before.links);
	}
	ASSERT_EQ(load_driver(), 0);
}

// Mounts made and ended in a loop do not add up in the driver's slabs.
TEST(Lifecycle, MountsLeaveNoObjects)
{
	const auto round = [] {
		TestFs fs;
		fs.store.add_dir("dir");
		for (int i = 0; i < 200; i++)
			fs.store.add_file("dir/f" + std::to_string(i));
		for (int i = 0; i < 200; i++)
			sys::stat(fs.path("dir/f" + std::to_string(i)));
		sys::write_file(fs.path("dir/new"), "x");
		sys::unlink(fs.path("dir/new"));
	};
	round();
	sys::drop_caches();
	const auto before = driver_slabs();
	for (int i = 0; i < 4; i++)
		round();
	sys::drop_caches();
	auto after = driver_slabs();
	// Freed by RCU, and counted by whole slabs: less than one round's worth.
	for (int i = 0; i < 50; i++) {
		bool more = false;
		for (const auto &[name, objects] : after)
			more |= objects > before.at(name) + 100;
		if (!more)
			break;
		std::this_thread::sleep_for(std::chrono::milliseconds(100));
		after = driver_slabs();
	}
	for (const auto &[name, objects] : after)
		EXPECT_LE(objects, before.at(name) + 100) << name;
}

// Without driver, the caller's choice: an error, or stock FUSE.
TEST(Lifecycle, WithoutTheDriver)
{
	ASSERT_EQ(unload_driver_soon(), 0);
	Config config;
	config.may_fail = true;
	{
		TestFs fs(config);
		EXPECT_EQ(fs.mount_error(), -ENODEV);
	}
	config.options = {"extfuse=auto"};
	{
		TestFs fs(config);
		EXPECT_EQ(fs.mount_error(), 0);
		EXPECT_FALSE(fs.active());
		fs.store.add_file("file", "12345");
		EXPECT_EQ(sys::attr(fs.path("file")).st_size, 5);
	}
	ASSERT_EQ(load_driver(), 0);
}

} // namespace extfuse_test
