// SPDX-License-Identifier: GPL-2.0-only
//
// "Plain FUSE below": the same work gives the same results on stock FUSE, on our
// driver without a handler, with one that always misses, with caches of a few
// entries, and with everything on.
#include <gtest/gtest.h>

#include <dirent.h>

#include <algorithm>
#include <random>
#include <sstream>

#include "sys.hpp"
#include "test_fs.hpp"

namespace extfuse_test
{

namespace
{

std::string kind_name(const testing::TestParamInfo<Kind> &info)
{
	switch (info.param) {
	case Kind::Stock:
		return "Stock";
	case Kind::NoHandler:
		return "NoHandler";
	case Kind::Off:
		return "AlwaysMisses";
	case Kind::Tiny:
		return "FullMaps";
	case Kind::Extfuse:
		return "Extfuse";
	}
	return "";
}

class Plain : public testing::TestWithParam<Kind>
{
protected:
	static Config config()
	{
		Config c;
		c.kind = GetParam();
		return c;
	}
	TestFs fs{config()};
};

std::string list(const std::string &path)
{
	std::vector<std::string> names;
	DIR *dir = opendir(path.c_str());
	if (!dir)
		return "error " + std::to_string(errno);
	while (const dirent *entry = readdir(dir))
		names.push_back(entry->d_name);
	closedir(dir);
	std::sort(names.begin(), names.end());
	std::string out;
	for (const std::string &name : names)
		out += name + ' ';
	return out;
}

std::string show(const std::string &path)
{
	struct stat st;
	const int error = sys::stat(path, &st);
	std::ostringstream out;
	if (error)
		out << error;
	else
		out << st.st_ino << ' ' << std::oct << st.st_mode << std::dec << ' ' << st.st_nlink
		    << ' ' << st.st_uid << ' ' << st.st_gid << ' '
		    << (S_ISDIR(st.st_mode) ? 0 : st.st_size);
	return out.str();
}

// Work at random, but the same for the same seed; what came out, line by line.
std::vector<std::string> work(TestFs &fs, unsigned seed, int steps)
{
	std::mt19937 random(seed);
	std::vector<std::string> out;
	const auto any = [&] {
		const unsigned dir = random() % 3, file = random() % 4;
		return (dir ? "d" + std::to_string(dir) + "/" : std::string()) + "n" +
		       std::to_string(file);
	};
	sys::mkdir(fs.path("d1"));
	sys::mkdir(fs.path("d2"));
	for (int i = 0; i < steps; i++) {
		const std::string a = any(), b = any(), pa = fs.path(a), pb = fs.path(b);
		std::ostringstream line;
		line << i << ' ';
		switch (random() % 14) {
		case 0:
			line << "write " << a << ' '
			     << sys::write_file(pa, "step" + std::to_string(i));
			break;
		case 1:
			line << "excl " << a << ' '
			     << sys::write_file(pa, "", O_CREAT | O_EXCL | O_RDWR);
			break;
		case 2:
			line << "trunc " << a << ' ' << sys::truncate(pa, random() % 9000);
			break;
		case 3:
			line << "unlink " << a << ' ' << sys::unlink(pa);
			break;
		case 4:
			line << "rename " << a << ' ' << b << ' ' << sys::rename(pa, pb);
			break;
		case 5:
			line << "link " << a << ' ' << b << ' ' << sys::link(pa, pb);
			break;
		case 6:
			line << "mkdir " << a << ' ' << sys::mkdir(pa);
			break;
		case 7:
			line << "rmdir " << a << ' ' << sys::rmdir(pa);
			break;
		case 8:
			line << "chmod " << a << ' ' << sys::chmod(pa, random() % 01000);
			break;
		case 9:
			line << "read " << a << ' ' << sys::read_file(pa);
			break;
		case 10:
			line << "list " << list(fs.path(random() % 2 ? "d1" : ""));
			break;
		case 11:
			line << "otrunc " << a << ' '
			     << sys::write_file(pa, "x", O_CREAT | O_TRUNC | O_WRONLY);
			break;
		case 12:
			line << "symlink " << a << ' ' << sys::symlink(b, pa);
			break;
		default:
			line << "access " << a << ' '
			     << sys::as_user(1000, [&] { return sys::access(pa, R_OK); });
		}
		line << " | " << show(pa) << " | " << show(pb) << " | " << show(fs.path("d1"));
		out.push_back(line.str());
	}
	return out;
}

} // namespace

INSTANTIATE_TEST_SUITE_P(On, Plain,
			 testing::Values(Kind::Stock, Kind::NoHandler, Kind::Off, Kind::Tiny,
					 Kind::Extfuse),
			 kind_name);

TEST_P(Plain, FilesAndDirectories)
{
	ASSERT_EQ(sys::mkdir(fs.path("dir")), 0);
	EXPECT_EQ(sys::mkdir(fs.path("dir")), -EEXIST);
	ASSERT_EQ(sys::write_file(fs.path("dir/a"), "hello"), 0);
	EXPECT_EQ(sys::read_file(fs.path("dir/a")), "hello");
	EXPECT_EQ(sys::stat(fs.path("dir/b")), -ENOENT);
	EXPECT_EQ(sys::link(fs.path("dir/a"), fs.path("dir/b")), 0);
	EXPECT_EQ(sys::attr(fs.path("dir/a")).st_nlink, 2U);
	EXPECT_EQ(list(fs.path("dir")), ". .. a b ");
	EXPECT_EQ(sys::rmdir(fs.path("dir")), -ENOTEMPTY);
	EXPECT_EQ(sys::unlink(fs.path("dir/a")), 0);
	EXPECT_EQ(sys::attr(fs.path("dir/b")).st_nlink, 1U);
	EXPECT_EQ(sys::rename(fs.path("dir/b"), fs.path("c")), 0);
	EXPECT_EQ(sys::rmdir(fs.path("dir")), 0);
	EXPECT_EQ(sys::stat(fs.path("dir")), -ENOENT);
	EXPECT_EQ(list(fs.path()), ". .. c ");
}

TEST_P(Plain, DataOfAllSizes)
{
	for (size_t size : {0, 1, 4095, 4096, 4097, 131072, 131073, 300000}) {
		std::string data(size, '\0');
		for (size_t i = 0; i < size; i++)
			data[i] = static_cast<char>(i * 31 + i / 4096);
		const std::string path = fs.path("f" + std::to_string(size));
		ASSERT_EQ(sys::write_file(path, data), 0);
		for (int i = 0; i < 3; i++)
			EXPECT_EQ(sys::read_file(path), data) << size;
		const sys::Fd fd(sys::open(path, O_RDONLY | O_DIRECT));
		EXPECT_EQ(sys::read_at(fd, 8192, 4096),
			  data.size() > 4096 ? data.substr(4096, 8192) : "");
	}
}

TEST_P(Plain, PermissionsByTheKernel)
{
	fs.store.add_dir("dir", 0710, {1000, 2000});
	fs.store.add_file("dir/file", "x", 0640, {1000, 2000});
	const auto read_as = [&](uid_t uid, gid_t gid, std::vector<gid_t> groups) {
		return sys::as_user(uid, gid, groups, [&] {
			const sys::Fd fd(sys::open(fs.path("dir/file"), O_RDONLY));
			return fd < 0 ? int(fd) : 0;
		});
	};
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(read_as(1000, 1000, {}), 0);
		EXPECT_EQ(read_as(1001, 2000, {}), 0);
		EXPECT_EQ(read_as(1001, 1001, {2000}), 0);
		EXPECT_EQ(read_as(1001, 1001, {}), -EACCES);
	}
}

// Full maps evict and never give errors: many more names than there is room.
TEST_P(Plain, ManyNames)
{
	fs.store.add_dir("dir");
	for (int i = 0; i < 100; i++)
		fs.store.add_file("dir/name" + std::to_string(i), std::to_string(i));
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < 100; i++) {
			const std::string name = "dir/name" + std::to_string(i);
			EXPECT_EQ(sys::attr(fs.path(name)).st_ino, fs.store.at(name));
			EXPECT_EQ(sys::stat(fs.path(name + "absent")), -ENOENT);
		}
	for (int i = 0; i < 100; i += 17)
		EXPECT_EQ(sys::read_file(fs.path("dir/name" + std::to_string(i))),
			  std::to_string(i));
}

TEST_P(Plain, TheDaemonsErrors)
{
	fs.store.add_file("file");
	for (const int error : {EIO, EACCES, ENOENT, ESTALE, EPERM}) {
		fs.set_policy([&](const fuse_ctx &, Op op, uint64_t, const char *name) {
			return op == Op::Lookup && std::string(name) == "forbidden" ? error : 0;
		});
		for (int i = 0; i < 2; i++)
			EXPECT_EQ(sys::stat(fs.path("forbidden")), -error);
	}
}

// The same steps, compared line by line with stock FUSE.
TEST(PlainCompared, RandomWorkIsTheSameOnAll)
{
	const unsigned seed = 20240607;
	std::vector<std::string> stock;
	for (const Kind kind :
	     {Kind::Stock, Kind::NoHandler, Kind::Off, Kind::Tiny, Kind::Extfuse}) {
		SCOPED_TRACE(static_cast<int>(kind));
		Config config;
		config.kind = kind;
		TestFs fs(config);
		const std::vector<std::string> lines = work(fs, seed, 150);
		if (kind == Kind::Stock) {
			stock = lines;
			continue;
		}
		ASSERT_EQ(lines.size(), stock.size());
		for (size_t i = 0; i < lines.size(); i++)
			ASSERT_EQ(lines[i], stock[i]) << "after " << (i ? lines[i - 1] : "nothing");
	}
}

} // namespace extfuse_test
