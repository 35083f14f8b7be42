// SPDX-License-Identifier: GPL-2.0-only
//
// A daemon that says nothing of caching: what is kept of its replies, a policy says.
#ifndef EXTFUSE_TESTS_PLAIN_FS_HPP
#define EXTFUSE_TESTS_PLAIN_FS_HPP

#include <gtest/gtest.h>

#include <dirent.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

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

// RELEASE is sent in the background.
inline void wait_for_no_handles(TestFs &fs)
{
	for (int i = 0; i < 1000 && fs.handles(); i++)
		std::this_thread::sleep_for(std::chrono::milliseconds(10));
	EXPECT_EQ(fs.handles(), 0U);
}

} // namespace extfuse_test

#endif
