// SPDX-License-Identifier: GPL-2.0-only
//
// A directory of 100,000 entries, with room for a fraction of it in the caches.
#include <gtest/gtest.h>

#include <dirent.h>

#include "sys.hpp"
#include "test_fs.hpp"

namespace extfuse_test
{

TEST(Large, DirectoryOf100000Entries)
{
	constexpr int count = 100000;
	Config config;
	config.max_names = config.max_attrs = 8192;
	TestFs fs(config);
	const uint64_t dir = fs.store.add_dir("dir");
	for (int i = 0; i < count; i++)
		fs.store.make(dir, "entry" + std::to_string(i), S_IFREG | 0644, {});

	const auto list = [&] {
		int seen = 0;
		if (DIR *d = opendir(fs.path("dir").c_str())) {
			while (readdir(d))
				seen++;
			closedir(d);
		}
		return seen;
	};
	EXPECT_EQ(list(), count + 2);

	// A slice of it: all known after the first time, and right.
	const auto look = [&](int from, int to, int step) {
		return during(fs, [&] {
			for (int i = from; i < to; i += step) {
				const std::string name = "entry" + std::to_string(i);
				ASSERT_EQ(sys::attr(fs.path("dir/" + name)).st_ino,
					  fs.store.lookup(dir, name).node.id);
			}
		});
	};
	look(0, count, 100);
	Counts c = look(0, count, 100);
	EXPECT_LE(c.sent(Op::Lookup), 100U) << "evicted, of 1000: " << c.text();
	EXPECT_GE(c.served(EXTFUSE_OP_LOOKUP), 900U + 1000U) << c.text();

	// One changes: it is seen, and the others stay known.
	ASSERT_EQ(sys::unlink(fs.path("dir/entry500")), 0);
	EXPECT_EQ(sys::stat(fs.path("dir/entry500")), -ENOENT);
	c = look(1000, count, 100);
	EXPECT_LE(c.sent(Op::Lookup), 100U) << c.text();
	EXPECT_EQ(list(), count + 1);
}

} // namespace extfuse_test
