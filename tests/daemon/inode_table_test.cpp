// SPDX-License-Identifier: GPL-2.0-only
// Node ids, generations, lookup counts, descriptors.
#include "stackfs/inode_table.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <thread>

namespace stackfs
{

class Table : public ::testing::Test
{
protected:
	std::string dir_;
	std::unique_ptr<InodeTable> table;

	void SetUp() override
	{
		std::string pattern = ::testing::TempDir() + "stackfs-table-XXXXXX";
		ASSERT_NE(mkdtemp(pattern.data()), nullptr);
		dir_ = pattern;
		make(1000);
	}
	void TearDown() override
	{
		table.reset();
		std::filesystem::remove_all(dir_);
	}

	void make(size_t max_fds)
	{
		struct stat st;
		UniqueFd root(open(dir_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
		ASSERT_EQ(fstat(root.get(), &st), 0);
		table = std::make_unique<InodeTable>(std::move(root), st, max_fds);
	}
	void touch(const std::string &name)
	{
		std::ofstream(dir_ + "/" + name) << name;
	}
	InodeTable::Pin look_up(const std::string &name, bool *fresh = nullptr)
	{
		UniqueFd fd(open((dir_ + "/" + name).c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
		struct stat st;
		EXPECT_EQ(fstat(fd.get(), &st), 0) << name;
		InodeTable::Pin pin;
		EXPECT_EQ(table->intern(std::move(fd), st, pin, fresh), 0);
		return pin;
	}
	// Handles need CAP_DAC_READ_SEARCH and a file system that has them.
	bool can_evict()
	{
		touch("probe");
		make(2);
		for (int i = 0; i < 10; ++i)
			touch("p" + std::to_string(i)), look_up("p" + std::to_string(i));
		const bool can = table->open_fds() < table->size() && geteuid() == 0;
		make(1000);
		return can;
	}
};

TEST_F(Table, RootIsOneAndStays)
{
	InodeTable::Pin pin;
	ASSERT_EQ(table->pin(1, pin), 0);
	EXPECT_EQ(pin->id, 1U);
	pin.reset();
	table->forget(1, 1000);
	EXPECT_EQ(table->pin(1, pin), 0);
	EXPECT_EQ(table->size(), 1U);
}

TEST_F(Table, UnknownIdsAreStale)
{
	InodeTable::Pin pin;
	EXPECT_EQ(table->pin(0, pin), ESTALE);
	EXPECT_EQ(table->pin(2, pin), ESTALE);
	EXPECT_EQ(table->pin(~uint64_t{0}, pin), ESTALE);
	table->forget(0, 1);
	table->forget(77, 1);
}

TEST_F(Table, OneNodePerFile)
{
	touch("a");
	ASSERT_EQ(link((dir_ + "/a").c_str(), (dir_ + "/b").c_str()), 0);
	bool fresh = false;
	const uint64_t a = look_up("a", &fresh)->id;
	EXPECT_TRUE(fresh);
	EXPECT_EQ(look_up("b", &fresh)->id, a);
	EXPECT_FALSE(fresh);
	EXPECT_EQ(table->size(), 2U);
	table->forget(a, 1);
	EXPECT_EQ(table->size(), 2U) << "looked up twice";
	table->forget(a, 1);
	EXPECT_EQ(table->size(), 1U);
}

TEST_F(Table, PinKeepsAForgottenNode)
{
	touch("a");
	InodeTable::Pin pin = look_up("a");
	const uint64_t id = pin->id;
	table->forget(id, 1);
	struct stat st;
	EXPECT_EQ(fstat(pin.fd(), &st), 0);
	pin.reset();
	EXPECT_EQ(table->pin(id, pin), ESTALE);
}

TEST_F(Table, ReusedIndexHasAnotherGeneration)
{
	touch("a");
	std::map<uint64_t, std::set<uint64_t>> seen;
	for (int i = 0; i < 100; ++i) {
		InodeTable::Pin pin = look_up("a");
		EXPECT_TRUE(seen[pin->id].insert(pin->generation).second);
		table->forget(pin->id, 1);
	}
	EXPECT_LE(seen.size(), 2U) << "ids are reused";
}

TEST_F(Table, KnownFileWithoutADescriptor)
{
	touch("a");
	struct stat st;
	ASSERT_EQ(stat((dir_ + "/a").c_str(), &st), 0);
	InodeTable::Pin pin;
	const uint64_t before = table->sequence();
	EXPECT_FALSE(table->intern_known(st, before, pin));
	const uint64_t id = look_up("a")->id;
	EXPECT_FALSE(table->intern_known(st, before, pin)) << "its descriptor is younger";
	EXPECT_TRUE(table->intern_known(st, table->sequence(), pin));
	EXPECT_EQ(pin->id, id);
	pin.reset();
	table->forget(id, 2);
	EXPECT_EQ(table->size(), 1U);
}

TEST_F(Table, NodesGiveUpDescriptors)
{
	if (!can_evict())
		GTEST_SKIP() << "no file handles here, or no privilege to open them";
	make(20);
	std::vector<uint64_t> ids;
	for (int i = 0; i < 200; ++i) {
		touch("f" + std::to_string(i));
		ids.push_back(look_up("f" + std::to_string(i))->id);
	}
	EXPECT_EQ(table->size(), 201U);
	EXPECT_LE(table->open_fds(), 25U);
	for (int i = 0; i < 200; ++i) {
		InodeTable::Pin pin;
		ASSERT_EQ(table->pin(ids[static_cast<size_t>(i)], pin), 0) << i;
		struct stat st;
		struct stat other;
		ASSERT_EQ(fstat(pin.fd(), &st), 0);
		ASSERT_EQ(stat((dir_ + "/f" + std::to_string(i)).c_str(), &other), 0);
		EXPECT_EQ(st.st_ino, other.st_ino);
		const uint64_t id = look_up("f" + std::to_string(i))->id;
		EXPECT_EQ(id, pin->id) << "the same node";
	}
}

// What finds a node by its file gives it a descriptor, too: as often as one likes.
TEST_F(Table, FindingStaysWithinTheLimit)
{
	if (!can_evict())
		GTEST_SKIP() << "no file handles here, or no privilege to open them";
	make(20);
	for (int i = 0; i < 200; ++i) {
		touch("f" + std::to_string(i));
		look_up("f" + std::to_string(i));
	}
	for (int i = 0; i < 200; ++i) {
		struct stat st;
		InodeTable::Pin pin;
		ASSERT_EQ(stat((dir_ + "/f" + std::to_string(i)).c_str(), &st), 0);
		ASSERT_TRUE(table->find(st, pin)) << i;
		EXPECT_GE(pin.fd(), 0);
		ASSERT_LE(table->open_fds(), 25U) << i;
	}
}

TEST_F(Table, FileThatIsGoneIsStale)
{
	if (!can_evict())
		GTEST_SKIP() << "no file handles here, or no privilege to open them";
	make(4);
	touch("victim");
	const uint64_t id = look_up("victim")->id;
	for (int i = 0; i < 50; ++i) {
		touch("f" + std::to_string(i));
		look_up("f" + std::to_string(i));
	}
	ASSERT_EQ(unlink((dir_ + "/victim").c_str()), 0);
	InodeTable::Pin pin;
	EXPECT_EQ(table->pin(id, pin), ESTALE);
	touch("victim"); // may get the same inode number
	EXPECT_NE(look_up("victim")->id, id);
}

TEST_F(Table, ThreadsLookingUpAndForgetting)
{
	for (const size_t max_fds : {size_t{1000}, size_t{8}}) {
		make(max_fds);
		for (int i = 0; i < 32; ++i)
			touch("f" + std::to_string(i));
		std::vector<std::thread> threads;
		std::atomic<int> wrong{0};
		for (unsigned t = 0; t < 8; ++t)
			threads.emplace_back([&, t] {
				unsigned x = t + 1;
				for (int i = 0; i < 2000; ++i) {
					x = x * 1664525 + 1013904223;
					const std::string name =
						"f" + std::to_string((x >> 16) % 32);
					InodeTable::Pin pin = look_up(name);
					struct stat st;
					struct stat by_name;
					if (fstat(pin.fd(), &st) < 0 ||
					    stat((dir_ + "/" + name).c_str(), &by_name) < 0 ||
					    st.st_ino != by_name.st_ino)
						++wrong;
					const uint64_t id = pin->id;
					if (x & 1)
						pin.reset();
					InodeTable::Pin again;
					if (table->pin(id, again) != 0 ||
					    again->key.ino != st.st_ino)
						++wrong;
					table->forget(id, 1);
				}
			});
		for (std::thread &thread : threads)
			thread.join();
		EXPECT_EQ(wrong, 0);
		EXPECT_EQ(table->size(), 1U) << "lookup counts are exact";
		EXPECT_EQ(table->open_fds(), 1U);
	}
}

} // namespace stackfs
