// SPDX-License-Identifier: GPL-2.0-only
//
// READ: file data from maps, past and through the page cache.
#include <gtest/gtest.h>

#include <sys/mman.h>

#include "sys.hpp"
#include "test_fs.hpp"

namespace extfuse_test
{

namespace
{

constexpr auto op = EXTFUSE_OP_READ;

// No two blocks, and no two positions of a block, are alike.
std::string pattern(size_t size, unsigned seed = 1)
{
	std::string s(size, '\0');
	for (size_t i = 0; i < size; i++)
		s[i] = static_cast<char>((i * 2654435761U + seed * 40503U) >> 13);
	return s;
}

struct Direct : TestFs {
	Direct() : TestFs(config()) {}
	static Config config()
	{
		Config c;
		c.direct_io = true;
		return c;
	}
};

} // namespace

TEST(Read, DirectHit)
{
	Direct fs;
	const std::string data = pattern(4096);
	fs.store.add_file("file", data);
	const sys::Fd fd(sys::open(fs.path("file"), O_RDONLY));
	Counts c = during(fs, [&] { EXPECT_EQ(sys::read_at(fd, 4096, 0), data); });
	EXPECT_EQ(c.sent(Op::Read), 1) << c.text();

	c = during(fs, [&] {
		for (int i = 0; i < 5; i++)
			EXPECT_EQ(sys::read_at(fd, 4096, 0), data);
	});
	EXPECT_EQ(c.sent(Op::Read), 0) << c.text();
	EXPECT_EQ(c.driver(op).hit, 5) << c.text();
}

TEST(Read, DirectAtAnyOffsetAndSize)
{
	Direct fs;
	const std::string data = pattern(50000);
	fs.store.add_file("file", data);
	const sys::Fd fd(sys::open(fs.path("file"), O_RDONLY));
	EXPECT_EQ(sys::read_at(fd, 65536, 0), data);

	const Counts c = during(fs, [&] {
		for (size_t offset :
		     {0, 1, 100, 4095, 4096, 4097, 8191, 40000, 49151, 49152, 49999})
			for (size_t size : {1, 2, 511, 4095, 4096, 4097, 8192, 9000, 65536})
				EXPECT_EQ(sys::read_at(fd, size, offset), data.substr(offset, size))
					<< offset << "+" << size;
	});
	EXPECT_EQ(c.sent(Op::Read), 0) << c.text();
}

TEST(Read, DirectShortAtTheEnd)
{
	Direct fs;
	fs.store.add_file("file", "hello");
	const sys::Fd fd(sys::open(fs.path("file"), O_RDONLY));
	EXPECT_EQ(sys::read_at(fd, 100, 0), "hello");
	const Counts c = during(fs, [&] {
		EXPECT_EQ(sys::read_at(fd, 100, 0), "hello");
		EXPECT_EQ(sys::read_at(fd, 100, 3), "lo");
		EXPECT_EQ(sys::read_at(fd, 100, 5), "");
		EXPECT_EQ(sys::read_at(fd, 100, 4000), "");
	});
	EXPECT_EQ(c.sent(Op::Read), 0) << c.text();
	EXPECT_EQ(c.driver(op).hit, 4) << c.text();
}

TEST(Read, DirectBeyondTheEnd)
{
	Direct fs;
	const std::string data = pattern(8192);
	fs.store.add_file("file", data);
	const sys::Fd fd(sys::open(fs.path("file"), O_RDONLY));
	EXPECT_EQ(sys::read_at(fd, 8192, 0), data);
	EXPECT_EQ(sys::read_at(fd, 4096, 8192), "");
	EXPECT_EQ(sys::read_at(fd, 4096, 1ULL << 40), "");
	EXPECT_EQ(sys::read_at(fd, 4096, (1ULL << 62) + 5), "");
}

TEST(Read, EmptyFile)
{
	Direct fs;
	fs.store.add_file("file");
	const sys::Fd fd(sys::open(fs.path("file"), O_RDONLY));
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(sys::read_at(fd, 4096, 0), "");
}

TEST(Read, OffsetsBeyond4GiB)
{
	Direct fs;
	const uint64_t far = (5ULL << 32) + 4096 * 3 + 17;
	const uint64_t node = fs.store.add_file("file");
	fs.store.write(node, 17, "near");
	fs.store.write(node, far, "far away");
	const sys::Fd fd(sys::open(fs.path("file"), O_RDONLY));
	for (int i = 0; i < 2; i++) { // the first read moves the access time
		EXPECT_EQ(sys::read_at(fd, 4, 17), "near");
		EXPECT_EQ(sys::read_at(fd, 100, far), "far away");
		sys::stat(fs.path("file"));
	}
	const Counts c = during(fs, [&] {
		EXPECT_EQ(sys::read_at(fd, 4, 17), "near");
		EXPECT_EQ(sys::read_at(fd, 100, far), "far away");
		EXPECT_EQ(sys::read_at(fd, 3, far + 1), "ar ");
	});
	EXPECT_EQ(c.sent(Op::Read), 0) << c.text();
	// The same block index modulo 2^32 and 2^20 is another block.
	EXPECT_EQ(sys::read_at(fd, 4, far & 0xffffffff), std::string(4, '\0'));
}

TEST(Read, HundredTwentyEightKiBInOneRequest)
{
	Direct fs;
	const std::string data = pattern(256 * 1024);
	fs.store.add_file("file", data);
	const sys::Fd fd(sys::open(fs.path("file"), O_RDONLY));
	for (size_t at : {0, 131072})
		sys::read_at(fd, 131072, at);
	const Counts c = during(fs, [&] {
		EXPECT_EQ(sys::read_at(fd, 131072, 0), data.substr(0, 131072));
		EXPECT_EQ(sys::read_at(fd, 131072, 65536), data.substr(65536, 131072));
		EXPECT_EQ(sys::read_at(fd, 131072, 4097), data.substr(4097, 131072));
	});
	EXPECT_EQ(c.sent(Op::Read), 0) << c.text();
	EXPECT_EQ(c.driver(op).hit, 3) << c.text();
}

// One block of many is missing: the whole read is the daemon's, and right.
TEST(Read, OneMissingBlockSendsAllUp)
{
	Direct fs;
	const std::string data = pattern(16384);
	fs.store.add_file("file", data);
	const sys::Fd fd(sys::open(fs.path("file"), O_RDONLY));
	sys::read_at(fd, 4096, 0);
	sys::read_at(fd, 4096, 8192);
	const Counts c =
		during(fs, [&] { EXPECT_EQ(sys::read_at(fd, 12288, 0), data.substr(0, 12288)); });
	EXPECT_EQ(c.sent(Op::Read), 1) << c.text();
	EXPECT_EQ(c.driver(op).hit, 0) << c.text();
}

TEST(Read, ThroughThePageCache)
{
	TestFs fs;
	const std::string data = pattern(100000);
	fs.store.add_file("file", data);
	EXPECT_EQ(sys::read_file(fs.path("file")), data);
	// Opening drops the pages (no FOPEN_KEEP_CACHE): they are read again, by
	// read-ahead, from maps.
	const Counts c = during(fs, [&] { EXPECT_EQ(sys::read_file(fs.path("file")), data); });
	EXPECT_EQ(c.sent(Op::Read), 0) << c.text();
	EXPECT_GE(c.driver(op).hit, 1) << c.text();
}

// What is behind the end in the last page is zero, not an older page.
TEST(Read, LastPageIsZeroedBehindTheEnd)
{
	TestFs fs;
	fs.store.add_file("file", pattern(5000));
	sys::read_file(fs.path("file"));
	const sys::Fd fd(sys::open(fs.path("file"), O_RDONLY));
	void *map = mmap(nullptr, 8192, PROT_READ, MAP_PRIVATE, fd, 0);
	ASSERT_NE(map, MAP_FAILED);
	const Counts c = during(fs, [&] {
		EXPECT_EQ(std::string(static_cast<char *>(map), 5000), pattern(5000));
		EXPECT_EQ(std::string(static_cast<char *>(map) + 5000, 3192),
			  std::string(3192, '\0'));
	});
	EXPECT_EQ(c.sent(Op::Read), 0) << c.text();
	munmap(map, 8192);
}

TEST(Read, ODirectOnACachedFile)
{
	TestFs fs;
	const std::string data = pattern(20000);
	fs.store.add_file("file", data);
	sys::read_file(fs.path("file"));
	const sys::Fd fd(sys::open(fs.path("file"), O_RDONLY | O_DIRECT));
	const Counts c =
		during(fs, [&] { EXPECT_EQ(sys::read_at(fd, 16384, 0), data.substr(0, 16384)); });
	EXPECT_EQ(c.sent(Op::Read), 0) << c.text();
	EXPECT_GE(c.driver(op).hit, 1) << c.text();
}

TEST(Read, MissGoesToTheDaemon)
{
	Direct fs;
	fs.say.blocks = false;
	fs.store.add_file("file", "data");
	const sys::Fd fd(sys::open(fs.path("file"), O_RDONLY));
	const Counts c = during(fs, [&] {
		for (int i = 0; i < 3; i++)
			EXPECT_EQ(sys::read_at(fd, 10, 0), "data");
	});
	EXPECT_EQ(c.sent(Op::Read), 3) << c.text();
	EXPECT_EQ(c.driver(op).upcall, 3) << c.text();
	EXPECT_EQ(c.driver(op).sent, 3) << c.text();
}

// A file that was just written: its first read moves the access time (relatime),
// and that is a change. The ones after it do not, and must become hits, also if
// nobody asks for the attributes in between.
TEST(Read, BecomesAHitThoughTheFirstReadMovesAtime)
{
	Direct fs;
	const uint64_t node = fs.store.add_file("file");
	fs.store.write(node, 0, "data");
	const sys::Fd fd(sys::open(fs.path("file"), O_RDONLY));
	for (int i = 0; i < 5; i++)
		EXPECT_EQ(sys::read_at(fd, 10, 0), "data");
	const Counts c = during(fs, [&] { EXPECT_EQ(sys::read_at(fd, 10, 0), "data"); });
	EXPECT_EQ(c.sent(Op::Read), 0) << c.text();
}

// A hole reads as zeros, whatever the slot held before.
TEST(Read, HolesAreZeros)
{
	Direct fs;
	const uint64_t node = fs.store.add_file("file");
	fs.store.write(node, 3 * 4096, "end");
	const sys::Fd fd(sys::open(fs.path("file"), O_RDONLY));
	const std::string all = std::string(3 * 4096, '\0') + "end";
	for (int i = 0; i < 2; i++)
		EXPECT_EQ(sys::read_at(fd, 65536, 0), all);
}

} // namespace extfuse_test
