// SPDX-License-Identifier: GPL-2.0-only
//
// The lower file of a reader that is done is kept for the next one: nobody may
// notice, but who asks the lower file system whether somebody has the file open.
#include <gtest/gtest.h>

#include <linux/magic.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/vfs.h>

#include <algorithm>
#include <fstream>

#include "backed_fs.hpp"

namespace extfuse_test
{

namespace
{

// A lease for writing is given if nobody else has the file open.
bool alone(const Backed &fs)
{
	for (int i = 0; i < 100; i++) { // the last close may be under way
		if (fcntl(fs.lower_fd(), F_SETLEASE, F_WRLCK) == 0)
			return fcntl(fs.lower_fd(), F_SETLEASE, F_UNLCK) == 0;
		usleep(10000);
	}
	return false;
}

// Does a reader that opens so leave the lower file open?
bool kept(const Backed &fs, const std::string &name, int flags = O_RDONLY)
{
	sys::Fd fd(sys::open(fs.path(name), flags));
	EXPECT_GE(fd, 0);
	EXPECT_EQ(sys::read_at(fd, 5, 0), "lower");
	fd.close();
	return !alone(fs);
}

std::vector<uint32_t> events(int inotify)
{
	alignas(inotify_event) char buf[4096];
	std::vector<uint32_t> masks;
	const ssize_t n = read(inotify, buf, sizeof(buf));
	for (ssize_t at = 0; at < n;) {
		const auto *e = reinterpret_cast<const inotify_event *>(buf + at);
		masks.push_back(e->mask);
		at += static_cast<ssize_t>(sizeof(*e) + e->len);
	}
	return masks;
}

} // namespace

TEST(BackingIdle, GoesWithTheRegistration)
{
	Backed fs;
	fs.say.opens = false;
	const uint64_t node = fs.store.add_file("file", "daemon");
	const uint64_t other = fs.store.add_file("other", "daemon");
	ASSERT_EQ(fs.give(node, "lower"), 0);
	EXPECT_TRUE(alone(fs));
	EXPECT_TRUE(kept(fs, "file"));
	ASSERT_EQ(extfuse_unregister_backing(fs.ext(), node), 0);
	EXPECT_TRUE(alone(fs));

	ASSERT_EQ(fs.give(node, "lower"), 0);
	EXPECT_TRUE(kept(fs, "file"));
	const sys::Fd memory(memfd_create("replaces it", MFD_CLOEXEC));
	ASSERT_EQ(extfuse_register_backing(fs.ext(), node, memory,
					   extfuse_token_node(fs.ext(), node), 0),
		  0);
	EXPECT_TRUE(alone(fs));

	ASSERT_EQ(fs.give(node, "lower"), 0);
	EXPECT_TRUE(kept(fs, "file"));
	ASSERT_EQ(extfuse_register_backing(fs.ext(), other, memory,
					   extfuse_token_node(fs.ext(), other), 1),
		  0); // there is room for one
	EXPECT_TRUE(alone(fs));

	ASSERT_EQ(fs.give(node, "lower"), 0);
	EXPECT_TRUE(kept(fs, "file"));
	ASSERT_TRUE(fs.drop_until_forgotten(node));
	EXPECT_TRUE(alone(fs));
}

// Closed after the registration went: there is nothing to keep it.
TEST(BackingIdle, IsNotKeptWithoutARegistration)
{
	Backed fs;
	const uint64_t node = fs.store.add_file("file", "daemon");
	ASSERT_EQ(fs.give(node, "lower"), 0);
	sys::Fd fd(sys::open(fs.path("file"), O_RDONLY));
	EXPECT_EQ(sys::read_at(fd, 5, 0), "lower");
	ASSERT_EQ(extfuse_unregister_backing(fs.ext(), node), 0);
	EXPECT_FALSE(alone(fs));
	fd.close();
	EXPECT_TRUE(alone(fs));
}

// The mount is not busy by it, and it ends with the mount.
TEST(BackingIdle, HoldsNoMount)
{
	Backed fs;
	const uint64_t node = fs.store.add_file("file", "daemon");
	ASSERT_EQ(fs.give(node, "lower"), 0);
	EXPECT_TRUE(kept(fs, "file"));
	EXPECT_EQ(fs.unmount(), 0);
	EXPECT_TRUE(alone(fs));
}

TEST(BackingIdle, OnlyPlainReadersLeaveTheirs)
{
	Backed fs;
	const uint64_t node = fs.store.add_file("file", "daemon");
	ASSERT_EQ(fs.give(node, "lower"), 0);
	for (int flags : {O_RDWR, O_RDONLY | O_DIRECT, O_RDONLY | O_NOATIME, O_RDONLY | O_SYNC})
		EXPECT_FALSE(kept(fs, "file", flags)) << flags;
	EXPECT_TRUE(kept(fs, "file"));
	EXPECT_TRUE(kept(fs, "file", O_RDONLY | O_NOFOLLOW));
}

TEST(BackingIdle, MappedOnesAreInUse)
{
	Backed fs;
	const uint64_t node = fs.store.add_file("file", "daemon");
	ASSERT_EQ(fs.give(node, std::string(4096, 'l')), 0);
	// The second time it is one that was kept: it must tell where it is mapped from.
	for (int i = 0; i < 3; i++) {
		sys::Fd fd(sys::open(fs.path("file"), O_RDONLY));
		ASSERT_GE(fd, 0);
		auto *p = static_cast<char *>(mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE, fd, 0));
		ASSERT_NE(p, MAP_FAILED);
		if (i == 2)
			fd.close(); // in use by the mapping alone
		EXPECT_EQ(p[0], 'l');
		std::ifstream maps("/proc/self/maps");
		std::string line;
		bool named = false;
		while (std::getline(maps, line))
			named = named || line.find(fs.path("file")) != std::string::npos;
		EXPECT_TRUE(named) << i;
		munmap(p, 4096);
		fd.close();
		EXPECT_EQ(alone(fs), i == 2) << i;
	}
}

// inotify on the lower file: as if each reader had opened it.
TEST(BackingIdle, WatchersSeeEachOpen)
{
	Backed fs;
	const uint64_t node = fs.store.add_file("file", "daemon");
	ASSERT_EQ(fs.give(node, "lower"), 0);
	EXPECT_TRUE(kept(fs, "file"));
	const sys::Fd watch(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
	const std::string lower = "/proc/self/fd/" + std::to_string(fs.lower_fd());
	ASSERT_GE(inotify_add_watch(watch, lower.c_str(), IN_OPEN), 0) << strerror(errno);
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(sys::read_file(fs.path("file")), "lower");
		EXPECT_EQ(events(watch), std::vector<uint32_t>{IN_OPEN}) << i;
	}
}

// What a reader did with its file is not the next one's business.
TEST(BackingIdle, NextReaderFindsItAsOpened)
{
	Backed fs;
	fs.lower_dir = "/var/tmp";
	struct statfs st;
	ASSERT_EQ(statfs(fs.lower_dir.c_str(), &st), 0);
	ASSERT_EQ(st.f_type, EXT4_SUPER_MAGIC); // which is particular about O_DIRECT
	const uint64_t node = fs.store.add_file("file", "daemon");
	ASSERT_EQ(fs.give(node, std::string(8192, 'l')), 0);
	EXPECT_EQ(fsync(fs.lower_fd()), 0);
	alignas(4096) static char page[4096];
	for (int round = 0; round < 3; round++) {
		sys::Fd fd(sys::open(fs.path("file"), O_RDONLY));
		EXPECT_EQ(pread(fd, page, 10, 5), 10); // buffered
		EXPECT_EQ(lseek(fd, 0, SEEK_CUR), 0);
		EXPECT_EQ(lseek(fd, 0, SEEK_HOLE), 8192);
		EXPECT_EQ(posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM), 0);
		if (round == 0)
			continue;
		ASSERT_EQ(fcntl(fd, F_SETFL, O_DIRECT), 0);
		EXPECT_EQ(pread(fd, page, 4096, 0), 4096);
		EXPECT_EQ(sys::result(pread(fd, page, 10, 5)), -EINVAL);
	}
}

// Readers at the same time have each their own, of which one is kept.
TEST(BackingIdle, ManyReaders)
{
	Backed fs;
	const uint64_t node = fs.store.add_file("file", "daemon");
	ASSERT_EQ(fs.give(node, "lower"), 0);
	std::vector<std::thread> readers;
	for (int t = 0; t < 4; t++)
		readers.emplace_back([&] {
			for (int i = 0; i < 300; i++) {
				const std::string content = sys::read_file(fs.path("file"));
				EXPECT_TRUE(content == "lower" || content == "daemon") << content;
			}
		});
	std::thread registrar([&] {
		for (int i = 0; i < 50; i++) {
			extfuse_unregister_backing(fs.ext(), node);
			const extfuse_token token = extfuse_token_node(fs.ext(), node);
			EXPECT_EQ(extfuse_register_backing(fs.ext(), node, fs.lower_fd(), token, 0),
				  0);
		}
	});
	for (std::thread &t : readers)
		t.join();
	registrar.join();
	extfuse_unregister_backing(fs.ext(), node);
	EXPECT_TRUE(alone(fs));
}

} // namespace extfuse_test
