// SPDX-License-Identifier: GPL-2.0-only
//
// Many readers and writers of one file: who need not wait for each other does not,
// and nothing is lost on the way.
#include <gtest/gtest.h>

#include <linux/capability.h>
#include <linux/fs.h>
#include <sys/inotify.h>
#include <sys/uio.h>

#include <future>
#include <thread>

#include "backed_fs.hpp"

namespace extfuse_test
{

namespace
{

constexpr int writers = 4;
constexpr size_t block = 4096;

// Memory that O_DIRECT takes.
class Page
{
	alignas(block) char data_[block];

public:
	explicit Page(char c)
	{
		fill(c);
	}
	void fill(char c)
	{
		std::fill_n(data_, block, c);
	}
	char *data()
	{
		return data_;
	}
	// The one byte that it is full of, or 0.
	char byte() const
	{
		for (char c : data_)
			if (c != data_[0])
				return 0;
		return data_[0];
	}
};

// A daemon below that holds what a test says, with a file of `size` bytes.
struct Below {
	TestFs fs;
	uint64_t node;
	sys::Fd fd;

	explicit Below(size_t size) : fs(config()), node(fs.store.add_file("below", ""))
	{
		fs.store.write(node, 0, std::string(size, '.'));
		fd = sys::Fd(sys::open(fs.path("below"), O_RDWR));
		EXPECT_GE(fd, 0);
	}
	static Config config()
	{
		Config c;
		c.kind = Kind::Stock; // another type: the two super blocks nest
		c.direct_io = c.parallel = true;
		return c;
	}
	Hold hold_a_write()
	{
		return fs.hold(Op::Write, Stage::Sampled, {}, node);
	}
};

std::future<int> write_later(int fd, size_t at, char c)
{
	return std::async(std::launch::async,
			  [=] { return sys::pwrite(fd, std::string(block, c), at); });
}

bool done(std::future<int> &f, int ms)
{
	return f.wait_for(std::chrono::milliseconds(ms)) == std::future_status::ready;
}

// Write one after the other until it is known that there are no capabilities.
void settle(Backed &fs, int fd)
{
	for (int i = 0; i < 100; i++) {
		const Counts c = during(fs, [&] { EXPECT_EQ(sys::pwrite(fd, "x", 0), 1); });
		if (!c.sent(Op::Getxattr) && !c.served(EXTFUSE_OP_GETXATTR))
			return;
	}
	ADD_FAILURE() << "each write asks for security.capability";
}

// One writer's blocks, each with the number of the round.
void write_own(int fd, int writer, int rounds, bool interleaved, int blocks)
{
	Page page(0);
	for (int round = 1; round <= rounds; round++)
		for (int i = 0; i < blocks; i++) {
			const int at = interleaved ? i * writers + writer : writer * blocks + i;
			page.fill(static_cast<char>('a' + writer * rounds + round - 1));
			ASSERT_EQ(pwrite(fd, page.data(), block, at * block),
				  static_cast<ssize_t>(block));
		}
}

} // namespace

// While the lower file system is busy with one write, another one is done.
TEST(BackingData, WritesOverlap)
{
	Below below(16 * block);
	Backed fs;
	fs.say.opens = false;
	const uint64_t node = fs.store.add_file("file", "");
	fs.store.set_size(node, 16 * block);
	ASSERT_EQ(extfuse_register_backing(fs.ext(), node, below.fd,
					   extfuse_token_node(fs.ext(), node), 0),
		  0);
	const sys::Fd one(sys::open(fs.path("file"), O_RDWR)),
		two(sys::open(fs.path("file"), O_RDWR));
	ASSERT_EQ(sys::read_at(two, 3, 0), "...");
	settle(fs, one);

	Hold held = below.hold_a_write();
	auto slow = write_later(one, 0, 'A');
	ASSERT_TRUE(held.wait());
	auto quick = write_later(two, block, 'B');
	EXPECT_TRUE(done(quick, 10000));
	EXPECT_FALSE(done(slow, 0));
	EXPECT_EQ(sys::read_at(two, 3, block), "BBB");
	// These are not within the file, or say where by its size.
	auto extending = write_later(two, 16 * block, 'C');
	EXPECT_FALSE(done(extending, 300));
	EXPECT_FALSE(done(slow, 0));
	held.release();
	EXPECT_EQ(slow.get(), static_cast<int>(block));
	EXPECT_EQ(quick.get(), static_cast<int>(block));
	EXPECT_EQ(extending.get(), static_cast<int>(block));
	EXPECT_EQ(lseek(one, 0, SEEK_END), static_cast<off_t>(17 * block));
	EXPECT_EQ(below.fs.store.content("below").substr(0, 2 * block),
		  std::string(block, 'A') + std::string(block, 'B'));
}

// The same without a registered file, where the daemon allows it.
TEST(BackingData, DaemonsDirectWritesOverlap)
{
	Config config;
	config.direct_io = config.parallel = true;
	TestFs fs(config);
	const uint64_t node = fs.store.add_file("file", "");
	fs.store.write(node, 0, std::string(4 * block, '.'));
	const sys::Fd fd(sys::open(fs.path("file"), O_RDWR));
	Hold held = fs.hold(Op::Write, Stage::Sampled, {}, node);
	auto slow = write_later(fd, 0, 'A');
	ASSERT_TRUE(held.wait());
	auto quick = write_later(fd, block, 'B');
	EXPECT_TRUE(done(quick, 10000));
	EXPECT_FALSE(done(slow, 0));
	held.release();
	EXPECT_EQ(slow.get(), static_cast<int>(block));
	EXPECT_EQ(quick.get(), static_cast<int>(block));
	EXPECT_EQ(fs.store.content("file").substr(block - 1, 2), "AB");
}

// Readers see whole blocks of one writer; in the end all is there.
TEST(BackingData, DisjointWritersAndReaders)
{
	for (int direct : {0, O_DIRECT}) {
		constexpr int blocks = 16;
		Backed fs;
		fs.lower_dir = direct ? "/var/tmp" : "/tmp";
		const uint64_t node = fs.store.add_file("file", "");
		ASSERT_EQ(fs.give(node, std::string(writers * blocks * block, 'a')), 0);
		ASSERT_EQ(fsync(fs.lower_fd()), 0);
		fs.store.set_size(node, writers * blocks * block);
		std::vector<std::thread> threads;
		std::atomic<bool> over = false;
		for (int w = 0; w < writers; w++)
			threads.emplace_back([&, w] {
				const sys::Fd fd(sys::open(fs.path("file"), O_RDWR | direct));
				write_own(fd, w, 4, w & 1, blocks / 2);
			});
		std::thread reader([&] {
			const sys::Fd fd(sys::open(fs.path("file"), O_RDONLY | direct));
			Page page(0);
			for (int i = 0; !over; i++) {
				ASSERT_EQ(pread(fd, page.data(), block, i % blocks * block),
					  static_cast<ssize_t>(block));
				EXPECT_NE(page.byte(), 0);
			}
		});
		for (std::thread &t : threads)
			t.join();
		over = true;
		reader.join();
		EXPECT_EQ(lseek(fs.lower_fd(), 0, SEEK_END),
			  static_cast<off_t>(writers * blocks * block));
	}
}

// Writers that let the file grow at the same time.
TEST(BackingData, SizeAfterManyHaveExtended)
{
	Backed fs;
	const uint64_t node = fs.store.add_file("file", "");
	ASSERT_EQ(fs.give(node, ""), 0);
	constexpr int blocks = 64;
	std::vector<std::thread> threads;
	for (int w = 0; w < writers; w++)
		threads.emplace_back([&, w] {
			const sys::Fd fd(sys::open(fs.path("file"), O_RDWR));
			write_own(fd, w, 2, true, blocks);
		});
	for (std::thread &t : threads)
		t.join();
	constexpr off_t size = writers * blocks * block;
	const sys::Fd fd(sys::open(fs.path("file"), O_RDONLY));
	EXPECT_EQ(lseek(fd, 0, SEEK_END), size);
	EXPECT_EQ(lseek(fs.lower_fd(), 0, SEEK_END), size);
	Page page(0);
	for (int i = 0; i < writers * blocks; i++) {
		ASSERT_EQ(pread(fd, page.data(), block, i * block), static_cast<ssize_t>(block));
		EXPECT_EQ(page.byte(), 'a' + i % writers * 2 + 1) << i;
	}
}

// Appenders at the same time: each record once, whole.
TEST(BackingData, AppendsDoNotOverwriteEachOther)
{
	Backed fs;
	const uint64_t node = fs.store.add_file("file", "");
	ASSERT_EQ(fs.give(node, ""), 0);
	std::vector<std::thread> threads;
	for (int w = 0; w < writers; w++)
		threads.emplace_back([&, w] {
			const sys::Fd fd(sys::open(fs.path("file"), O_WRONLY | O_APPEND));
			const std::string record(10, static_cast<char>('a' + w));
			for (int i = 0; i < 50; i++)
				ASSERT_EQ(write(fd, record.data(), 10), 10);
		});
	for (std::thread &t : threads)
		t.join();
	std::string all;
	ASSERT_EQ(sys::pread(fs.lower_fd(), 10000, 0, &all), writers * 50 * 10);
	for (size_t i = 0; i < all.size(); i += 10)
		EXPECT_EQ(all.substr(i, 10), std::string(10, all[i]));
}

// What a write takes away is not forgotten because earlier ones took nothing.
TEST(BackingData, WritesTakePrivilegesAway)
{
	Backed fs;
	fs.say.opens = false;
	const uint64_t node = fs.store.add_file("file", "12345");
	ASSERT_EQ(fs.give(node, "12345"), 0);
	ASSERT_EQ(sys::chmod(fs.path("file"), 0666), 0);
	const sys::Fd fd(sys::open(fs.path("file"), O_RDWR));
	const auto write_as_user = [&] {
		EXPECT_EQ(sys::as_user(1000, [&] { return sys::pwrite(fd, "x", 0); }), 1);
	};
	settle(fs, fd);
	write_as_user();
	ASSERT_EQ(sys::chmod(fs.path("file"), 04777), 0);
	write_as_user();
	EXPECT_EQ(fs.store.attr(node).attr.st_mode & 07777, 0777U);

	vfs_cap_data caps = {};
	caps.magic_etc = VFS_CAP_REVISION_2;
	caps.data[0].permitted = 1U << CAP_CHOWN;
	const std::string value(reinterpret_cast<const char *>(&caps), sizeof(caps));
	std::string got;
	for (bool behind : {false, true}) {
		settle(fs, fd);
		if (behind) { // not through the mount
			ASSERT_EQ(fs.store.set_xattr(node, "security.capability", value), 0);
			extfuse_invalidate_node(fs.ext(), node);
		} else {
			ASSERT_EQ(sys::set_xattr(fs.path("file"), "security.capability", value), 0);
		}
		write_as_user();
		EXPECT_LT(fs.store.get_xattr(node, "security.capability", &got), 0) << behind;
	}
}

// inotify on the lower file: as if each call had been made there.
TEST(BackingData, WatchersSeeReadsAndWrites)
{
	Backed fs;
	fs.say.opens = false;
	const uint64_t node = fs.store.add_file("file", "12345");
	ASSERT_EQ(fs.give(node, "12345"), 0);
	const sys::Fd fd(sys::open(fs.path("file"), O_RDWR));
	settle(fs, fd);
	EXPECT_EQ(sys::read_at(fd, 2, 0), "x2");
	EXPECT_EQ(sys::read_at(fd, 2, 0), "x2");
	const sys::Fd watch(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
	const std::string lower = "/proc/self/fd/" + std::to_string(fs.lower_fd());
	ASSERT_GE(inotify_add_watch(watch, lower.c_str(), IN_ACCESS | IN_MODIFY), 0);
	const auto event = [&] {
		alignas(inotify_event) char buf[4096];
		return read(watch, buf, sizeof(buf)) > 0
			       ? reinterpret_cast<inotify_event *>(buf)->mask
			       : 0U;
	};
	for (int i = 0; i < 2; i++) {
		EXPECT_EQ(sys::read_at(fd, 2, 0), "x2");
		EXPECT_EQ(event(), static_cast<uint32_t>(IN_ACCESS));
		EXPECT_EQ(sys::pwrite(fd, "x", 0), 1);
		EXPECT_EQ(event(), static_cast<uint32_t>(IN_MODIFY));
	}
}

// Odd offsets and sizes, in one call or several pieces; across the end as well.
TEST(BackingData, UnalignedReads)
{
	Backed fs;
	const uint64_t node = fs.store.add_file("file", "");
	std::string content(300001, '\0');
	for (size_t i = 0; i < content.size(); i++)
		content[i] = static_cast<char>(i * 131 + i / 4096);
	ASSERT_EQ(fs.give(node, content), 0);
	const sys::Fd fd(sys::open(fs.path("file"), O_RDONLY));
	for (size_t size : {1U, 4097U, 70001U, 400000U})
		for (size_t at : {0U, 1U, 4095U, 131073U, 299999U, 300001U, 500000U}) {
			const std::string want =
				at < content.size() ? content.substr(at, size) : std::string();
			EXPECT_EQ(sys::read_at(fd, size, at), want) << at << ' ' << size;
			std::string a(size / 2, 0), b(size - size / 2, 0);
			iovec pieces[] = {{a.data(), a.size()}, {b.data(), b.size()}};
			EXPECT_EQ(preadv2(fd, pieces, 2, static_cast<off_t>(at), 0),
				  static_cast<ssize_t>(want.size()));
			EXPECT_EQ((a + b).substr(0, want.size()), want) << at << ' ' << size;
		}
}

} // namespace extfuse_test
