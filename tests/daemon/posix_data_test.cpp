// SPDX-License-Identifier: GPL-2.0-only
// File content, by every way in and out.
#include "mount_fixture.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <numeric>

namespace stackfs_test
{

using Data = Mounted;

namespace
{

std::string pattern(size_t size, unsigned seed = 1)
{
	std::string text(size, '\0');
	unsigned x = seed;
	for (char &c : text) {
		x = x * 1664525 + 1013904223;
		c = static_cast<char>(x >> 24);
	}
	return text;
}

off_t seek_to(const std::string &path, off_t from, int whence)
{
	const Fd fd(open(path.c_str(), O_RDONLY));
	const off_t at = lseek(fd, from, whence);
	return at < 0 ? -errno : at;
}

} // namespace

TEST_F(Data, SizesAroundBlocks)
{
	for (const size_t size : {0, 1, 4095, 4096, 4097, 8192, 65535, 65536, 65537, 300000}) {
		const std::string text = pattern(size);
		ASSERT_EQ(write_file(mnt("f"), text), 0);
		for (int i = 0; i < 3; ++i)
			ASSERT_EQ(read_file(mnt("f")), text) << size;
		ASSERT_EQ(read_file(lower("f")), text) << size;
	}
}

TEST_F(Data, ShortReadsAtTheEnd)
{
	ASSERT_EQ(write_file(mnt("f"), pattern(5000)), 0);
	const Fd fd(open(mnt("f").c_str(), O_RDONLY));
	char buffer[8192];
	for (int i = 0; i < 2; ++i) {
		EXPECT_EQ(pread(fd, buffer, sizeof(buffer), 0), 5000);
		EXPECT_EQ(pread(fd, buffer, sizeof(buffer), 4096), 904);
		EXPECT_EQ(pread(fd, buffer, 10, 4999), 1);
		EXPECT_EQ(pread(fd, buffer, 10, 5000), 0);
		EXPECT_EQ(pread(fd, buffer, 10, 1LL << 40), 0);
	}
}

TEST_F(Data, WrittenByOneReadByAnother)
{
	const Fd writer(open(mnt("f").c_str(), O_RDWR | O_CREAT, 0644));
	const Fd reader(open(mnt("f").c_str(), O_RDONLY));
	for (int i = 0; i < 200; ++i) {
		const std::string text = pattern(100 + static_cast<size_t>(i), i);
		ASSERT_EQ(pwrite(writer, text.data(), text.size(), 0),
			  static_cast<ssize_t>(text.size()));
		std::string back(text.size(), '\0');
		ASSERT_EQ(pread(reader, back.data(), back.size(), 0),
			  static_cast<ssize_t>(back.size()));
		ASSERT_EQ(back, text);
		struct stat st;
		ASSERT_EQ(fstat(reader, &st), 0);
		ASSERT_EQ(st.st_size, static_cast<off_t>(text.size()));
	}
}

TEST_F(Data, ChangedBehindThenTold)
{
	ASSERT_EQ(write_file(mnt("f"), "before"), 0);
	ASSERT_EQ(read_file(mnt("f")), "before");
	const Fd open_all_along(open(mnt("f").c_str(), O_RDONLY));
	ASSERT_EQ(write_file(lower("f"), "afterwards"), 0);
	EXPECT_EQ(control("invalidate-node f"), "ok");
	EXPECT_EQ(stat_of(mnt("f")).st_size, 10);
	EXPECT_EQ(read_file(mnt("f")), "afterwards");
	char text[16] = {};
	EXPECT_EQ(pread(open_all_along, text, sizeof(text), 0), 10);
	EXPECT_STREQ(text, "afterwards");
}

TEST_F(Data, TruncateThenStatAndRead)
{
	ASSERT_EQ(write_file(mnt("f"), pattern(10000)), 0);
	ASSERT_EQ(read_file(mnt("f")).size(), 10000U);
	ASSERT_EQ(truncate(mnt("f").c_str(), 5000), 0);
	EXPECT_EQ(stat_of(mnt("f")).st_size, 5000);
	EXPECT_EQ(read_file(mnt("f")), pattern(10000).substr(0, 5000));
	ASSERT_EQ(truncate(mnt("f").c_str(), 6000), 0);
	EXPECT_EQ(read_file(mnt("f")), pattern(10000).substr(0, 5000) + std::string(1000, '\0'));
	const Fd fd(open(mnt("f").c_str(), O_RDWR | O_TRUNC));
	EXPECT_EQ(stat_of(mnt("f")).st_size, 0);
	EXPECT_EQ(read_file(mnt("f")), "");
}

TEST_F(Data, TwoAppenders)
{
	const Fd a(open(mnt("f").c_str(), O_WRONLY | O_APPEND | O_CREAT, 0644));
	const Fd b(open(mnt("f").c_str(), O_WRONLY | O_APPEND));
	std::string expected;
	for (int i = 0; i < 100; ++i) {
		const std::string line = "line " + std::to_string(i) + "\n";
		ASSERT_EQ(write(i % 2 ? a : b, line.data(), line.size()),
			  static_cast<ssize_t>(line.size()));
		expected += line;
	}
	EXPECT_EQ(read_file(mnt("f")), expected);
	EXPECT_EQ(read_file(lower("f")), expected);
}

// Pages of a mapping are written back at their own offsets, also through a
// descriptor that appends.
TEST_F(Data, MappingOfAnAppendingDescriptor)
{
	ASSERT_EQ(write_file(mnt("f"), pattern(8192)), 0);
	const Fd fd(open(mnt("f").c_str(), O_RDWR | O_APPEND));
	char *map =
		static_cast<char *>(mmap(nullptr, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
	if (map == MAP_FAILED && has_argument("--direct-io"))
		GTEST_SKIP() << "no shared mappings with direct I/O";
	ASSERT_NE(map, MAP_FAILED);
	memcpy(map + 10, "mapped", 6);
	ASSERT_EQ(msync(map, 8192, MS_SYNC), 0);
	munmap(map, 8192);
	std::string expected = pattern(8192);
	expected.replace(10, 6, "mapped");
	EXPECT_EQ(read_file(lower("f")), expected);
	ASSERT_EQ(write(fd, "end", 3), 3);
	EXPECT_EQ(read_file(mnt("f")), expected + "end");
}

TEST_F(Data, MappingSeesWritesAndIsSeen)
{
	ASSERT_EQ(write_file(mnt("f"), pattern(4096)), 0);
	const Fd fd(open(mnt("f").c_str(), O_RDWR));
	char *map =
		static_cast<char *>(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
	if (map == MAP_FAILED && has_argument("--direct-io"))
		GTEST_SKIP() << "no shared mappings with direct I/O";
	ASSERT_NE(map, MAP_FAILED);
	ASSERT_EQ(pwrite(fd, "written", 7, 0), 7);
	EXPECT_EQ(memcmp(map, "written", 7), 0);
	memcpy(map + 100, "stored", 6);
	char text[6];
	EXPECT_EQ(pread(fd, text, 6, 100), 6);
	EXPECT_EQ(memcmp(text, "stored", 6), 0);
	munmap(map, 4096);
}

TEST_F(Data, Offsets64)
{
	const off_t far = 5LL << 30;
	const Fd fd(open(mnt("f").c_str(), O_RDWR | O_CREAT, 0644));
	ASSERT_EQ(pwrite(fd, "far", 3, far), 3);
	EXPECT_EQ(stat_of(mnt("f")).st_size, far + 3);
	char text[8] = {};
	EXPECT_EQ(pread(fd, text, 8, far), 3);
	EXPECT_STREQ(text, "far");
	EXPECT_EQ(pread(fd, text, 8, far - 4), 7);
	EXPECT_EQ(memcmp(text, "\0\0\0\0far", 7), 0);
}

TEST_F(Data, HolesAreFound)
{
	const Fd fd(open(mnt("f").c_str(), O_RDWR | O_CREAT, 0644));
	ASSERT_EQ(pwrite(fd, "a", 1, 0), 1);
	ASSERT_EQ(pwrite(fd, "b", 1, 1 << 20), 1);
	for (const off_t from : {off_t{0}, off_t{5}, off_t{500000}, off_t{1 << 20}, off_t{2 << 20}})
		for (const int whence : {SEEK_DATA, SEEK_HOLE})
			EXPECT_EQ(seek_to(mnt("f"), from, whence),
				  seek_to(lower("f"), from, whence))
				<< from;
	EXPECT_GE(seek_to(mnt("f"), 8192, SEEK_DATA), 8192);
}

TEST_F(Data, Fallocate)
{
	ASSERT_EQ(write_file(mnt("f"), pattern(20000)), 0);
	const Fd fd(open(mnt("f").c_str(), O_RDWR));
	ASSERT_EQ(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 100000), 0) << strerror(errno);
	EXPECT_EQ(stat_of(mnt("f")).st_size, 20000);
	ASSERT_EQ(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4096, 4096), 0);
	std::string expected = pattern(20000);
	expected.replace(4096, 4096, std::string(4096, '\0'));
	EXPECT_EQ(read_file(mnt("f")), expected);
	ASSERT_EQ(fallocate(fd, 0, 0, 30000), 0);
	EXPECT_EQ(stat_of(mnt("f")).st_size, 30000);
}

TEST_F(Data, CopyFileRange)
{
	const std::string text = pattern(200000);
	ASSERT_EQ(write_file(mnt("from"), text), 0);
	ASSERT_EQ(write_file(mnt("to"), pattern(1000, 7)), 0);
	ASSERT_EQ(read_file(mnt("to")).size(), 1000U);
	const Fd from(open(mnt("from").c_str(), O_RDONLY));
	const Fd to(open(mnt("to").c_str(), O_RDWR));
	off_t in = 1000;
	off_t out = 500;
	size_t left = 150000;
	while (left) {
		const ssize_t n = copy_file_range(from, &in, to, &out, left, 0);
		ASSERT_GT(n, 0) << strerror(errno);
		left -= static_cast<size_t>(n);
	}
	EXPECT_EQ(stat_of(mnt("to")).st_size, 150500);
	EXPECT_EQ(read_file(mnt("to")),
		  pattern(1000, 7).substr(0, 500) + text.substr(1000, 150000));
	EXPECT_GT(stat_number("copy_file_range"), 0) << "it must be the request of that name";
}

TEST_F(Data, FsyncAndClose)
{
	Fd fd(open(mnt("f").c_str(), O_RDWR | O_CREAT, 0644));
	ASSERT_EQ(write(fd, "x", 1), 1);
	EXPECT_EQ(fsync(fd), 0);
	EXPECT_EQ(fdatasync(fd), 0);
	EXPECT_EQ(fd.close(), 0);
	const Fd dir(open(mnt().c_str(), O_RDONLY | O_DIRECTORY));
	EXPECT_EQ(fsync(dir), 0);
}

TEST_F(Data, DirectIo)
{
	const std::string text = pattern(16384);
	const Fd fd(open(mnt("f").c_str(), O_RDWR | O_CREAT | O_DIRECT, 0644));
	ASSERT_GE(fd, 0) << strerror(errno);
	void *memory = nullptr;
	ASSERT_EQ(posix_memalign(&memory, 4096, 16384), 0);
	memcpy(memory, text.data(), text.size());
	EXPECT_EQ(pwrite(fd, memory, 16384, 0), 16384);
	memset(memory, 0, 16384);
	EXPECT_EQ(pread(fd, memory, 16384, 0), 16384);
	EXPECT_EQ(memcmp(memory, text.data(), text.size()), 0);
	free(memory);
	EXPECT_EQ(read_file(mnt("f")), text);
}

} // namespace stackfs_test
