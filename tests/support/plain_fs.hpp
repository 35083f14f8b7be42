// SPDX-License-Identifier: GPL-2.0-only
//
// A daemon that says nothing of caching: what is kept of its replies, a policy says.
#ifndef EXTFUSE_TESTS_PLAIN_FS_HPP
#define EXTFUSE_TESTS_PLAIN_FS_HPP

#include <gtest/gtest.h>

#include <dirent.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "sys.hpp"
#include "test_fs.hpp"

namespace extfuse_test
{

inline Config with(extfuse_policy policy)
{
	Config c;
	c.cache = policy;
	c.reply_hooks = false;
	return c;
}

inline Config private_cache(bool remember = true)
{
	Config c = with(EXTFUSE_CACHE_PRIVATE);
	c.remember = remember;
	return c;
}

// Says nothing: plain fuse_reply_*().
struct PlainFs : TestFs {
	explicit PlainFs(Config config) : TestFs(std::move(config))
	{
		say.names = say.negatives = say.attrs = say.blocks = say.objects = false;
		say.listings = say.changes = false;
	}
};

inline std::vector<std::string> list(const std::string &path)
{
	std::vector<std::string> names;
	DIR *dir = ::opendir(path.c_str());
	if (!dir)
		return {"error " + std::to_string(errno)};
	while (const dirent *entry = ::readdir(dir))
		names.emplace_back(entry->d_name);
	::closedir(dir);
	std::sort(names.begin(), names.end());
	return names;
}

inline std::string link_target(const std::string &path)
{
	char buffer[512];
	const ssize_t n = ::readlink(path.c_str(), buffer, sizeof(buffer));
	return n < 0 ? "error " + std::to_string(-errno) : std::string(buffer, size_t(n));
}

// As `find` and `cat` of all that is there.
inline std::string walk(const std::string &path)
{
	std::string all;
	for (const std::string &name : list(path)) {
		if (name == "." || name == "..")
			continue;
		const std::string child = path + "/" + name;
		const struct stat st = sys::attr(child);
		all += name + " " + std::to_string(st.st_size) + " ";
		if (S_ISDIR(st.st_mode))
			all += "{ " + walk(child) + "} ";
		else if (S_ISLNK(st.st_mode))
			all += "-> " + link_target(child) + " ";
		else
			all += sys::read_file(child) + " ";
	}
	return all;
}

inline std::string make_tree(TestFs &fs, int files)
{
	std::string expected = "a 0 { ";
	fs.store.add_dir("a");
	for (int i = 0; i < files; i++) {
		char name[32];
		snprintf(name, sizeof(name), "file-%04d", i);
		fs.store.add_file(std::string("a/") + name, name);
		expected += std::string(name) + " 9 " + name + " ";
	}
	fs.store.add_dir("b");
	fs.store.make(Store::root, "link", S_IFLNK | 0777, {}, 0, "a/file-0000");
	return expected + "} b 0 { } link 11 -> a/file-0000 ";
}

// RELEASE is sent in the background.
inline void wait_for_no_handles(TestFs &fs)
{
	for (int i = 0; i < 1000 && fs.handles(); i++)
		std::this_thread::sleep_for(std::chrono::milliseconds(10));
	EXPECT_EQ(fs.handles(), 0U);
}

} // namespace extfuse_test

#endif
