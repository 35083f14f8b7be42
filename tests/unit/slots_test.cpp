// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The slot protocol: writers against readers that do what the handlers do.
#include <atomic>
#include <cstring>
#include <thread>

#include <gtest/gtest.h>

#include "fake_kernel.hpp"
#include "reader.hpp"
#include "slots.hpp"

using namespace exf::impl;
using namespace exf::test;

namespace
{

constexpr uint64_t seed = 0xfeedULL;
constexpr Audience all = {EXTFUSE_SCOPE_ALL, 0};

class SlotsTest : public testing::Test
{
protected:
	void SetUp() override
	{
		make(4, 4, 4, 2);
		ASSERT_TRUE(words.set(fake.base(), FakeWords::bytes));
	}

	void make(size_t n, size_t l, size_t a, size_t b)
	{
		names.assign(n, {});
		long_names.assign(l, {});
		attrs.assign(a, {});
		blocks.assign(b, {});
		opens.assign(4, {});
		maps = {names, long_names, attrs, blocks, {}, {}, {}, opens};
	}

	NameKey key(uint64_t parent, const std::string &name) const
	{
		NameKey k;

		EXPECT_TRUE(make_name_key(words.seed(), parent, name.c_str(), k));
		return k;
	}

	// Stored under the token of now.
	Stored put(const NameKey &k, uint64_t nodeid, const Audience &who = all)
	{
		return store_name(maps, words, k,
				  {words.entry_token(k.parent, k.hash), nodeid, nodeid * 3,
				   static_cast<uint32_t>(nodeid * 7)},
				  who);
	}

	std::optional<uint64_t> get(const NameKey &k) const
	{
		if (k.is_long()) {
			const auto s = find_name(maps.long_names, k);
			return s ? std::optional<uint64_t>(s->nodeid) : std::nullopt;
		}
		const auto s = find_name(maps.names, k);
		return s ? std::optional<uint64_t>(s->nodeid) : std::nullopt;
	}

	Stored put_attr(uint64_t node, uint64_t size)
	{
		extfuse_attr a = {};

		a.ino = node;
		a.size = size;
		return store_attr(maps, words, node, words.node_token(node), a, all);
	}

	Stored put_block(uint64_t node, uint64_t index, const std::string &data, uint64_t size)
	{
		return store_block(maps, words, seed,
				   {node, index, words.node_token(node), size, data.data(),
				    static_cast<uint32_t>(data.size())},
				   all);
	}

	FakeWords fake;
	Words words;
	std::vector<extfuse_name_bucket> names;
	std::vector<extfuse_long_name_bucket> long_names;
	std::vector<extfuse_attr_bucket> attrs;
	std::vector<extfuse_data_bucket> blocks;
	std::vector<extfuse_open_bucket> opens;
	HandlerMaps maps;
};

TEST_F(SlotsTest, EmptyCachesHaveNothing)
{
	EXPECT_FALSE(find_attr(maps, words.seed(), 1));
	EXPECT_FALSE(find_block(maps, seed, 1, 0));
	EXPECT_FALSE(get(key(1, "a")));
}

TEST_F(SlotsTest, EveryFieldArrives)
{
	const NameKey k = key(17, "name");
	const uint64_t token = words.entry_token(17, k.hash);

	EXPECT_EQ(store_name(maps, words, k, {token, 42, 43, 44}, {EXTFUSE_SCOPE_UID, 1000}),
		  Stored::yes);
	const auto s = find_name(maps.names, k);
	ASSERT_TRUE(s);
	EXPECT_EQ(s->word, token);
	EXPECT_EQ(s->parent, 17U);
	EXPECT_EQ(s->nodeid, 42U);
	EXPECT_EQ(s->behind, 43U);
	EXPECT_EQ(s->generation, 44U);
	EXPECT_EQ(s->caller, 1000U);
	EXPECT_EQ(s->scope, EXTFUSE_SCOPE_UID);
	EXPECT_EQ(s->name_len, 4U);
}

TEST_F(SlotsTest, NamesOfEveryLength)
{
	make(64, 64, 1, 1);
	for (size_t len = 1; len <= EXTFUSE_NAME_MAX; len++) {
		const NameKey k = key(5, std::string(len, 'n'));

		ASSERT_NE(put(k, len + 1), Stored::no);
		ASSERT_EQ(get(k), len + 1) << len;
		// Not for another directory, nor for another name.
		ASSERT_FALSE(get(key(6, std::string(len, 'n'))));
		ASSERT_FALSE(get(key(5, std::string(len - 1, 'n') + "o")));
	}
}

// A slot of a long name is used again for a shorter one.
TEST_F(SlotsTest, ShorterAfterLonger)
{
	make(1, 1, 1, 1);
	for (const size_t len : {255, 40, 200, 33, 34, 100}) {
		for (char c = 'a'; c < 'a' + EXTFUSE_WAYS; c++) {
			const NameKey k = key(1, std::string(len, c));

			words.change_all(); // all before are outdated
			ASSERT_EQ(put(k, len), Stored::yes);
			ASSERT_EQ(get(k), len);
		}
	}
}

TEST_F(SlotsTest, SameKeyIsReplacedInPlace)
{
	make(1, 1, 1, 1);
	const NameKey k = key(1, "name");

	for (uint64_t i = 1; i <= 100; i++) {
		ASSERT_EQ(put(k, i), Stored::yes);
		ASSERT_EQ(get(k), i);
	}
	size_t used = 0;
	for (const auto &s : names[0].slot)
		used += s.word != 0;
	EXPECT_EQ(used, 1U);
}

TEST_F(SlotsTest, OutdatedSlotsGoFirst)
{
	make(1, 1, 1, 1);
	std::vector<NameKey> keys;
	for (int i = 0; i < EXTFUSE_WAYS; i++) {
		keys.push_back(key(1, "n" + std::to_string(i)));
		ASSERT_EQ(put(keys.back(), 10), Stored::yes);
	}
	words.change_entry(keys[2].parent, keys[2].hash);
	ASSERT_EQ(put(key(1, "new"), 99), Stored::yes);
	EXPECT_EQ(get(key(1, "new")), 99U);
	EXPECT_TRUE(get(keys[0]));
	EXPECT_TRUE(get(keys[1]));
	EXPECT_FALSE(get(keys[2]));
	EXPECT_TRUE(get(keys[3]));
}

// A slot stored under a predicted token, whose change is in flight, is not
// outdated.
TEST_F(SlotsTest, PredictedSlotsAreLive)
{
	make(1, 1, 1, 1);
	std::vector<NameKey> keys;
	for (int i = 0; i < EXTFUSE_WAYS; i++) {
		const std::string n = "n" + std::to_string(i);
		keys.push_back(key(1, n));
		FakeWords::begin(fake.name(1, n.c_str()));
		ASSERT_EQ(store_name(maps, words, keys.back(),
				     {words.changed_entry_token(1, keys.back().hash), 5, 0, 0},
				     all),
			  Stored::yes);
	}
	EXPECT_EQ(put(key(1, "new"), 99), Stored::evicted);
}

TEST_F(SlotsTest, FullMapEvictsAndNeverFails)
{
	make(2, 2, 2, 1);
	size_t evicted = 0;

	for (uint64_t i = 1; i <= 5000; i++) {
		const std::string n = std::to_string(i);
		const NameKey s = key(i, n);
		const NameKey l = key(i, std::string(250, 'l') + n.substr(0, 5));

		const Stored stored = put(s, i);
		ASSERT_NE(stored, Stored::no);
		evicted += stored == Stored::evicted;
		ASSERT_EQ(get(s), i) << "the newest is there";
		ASSERT_NE(put(l, i), Stored::no);
		ASSERT_EQ(get(l), i);
		ASSERT_NE(put_attr(i, i), Stored::no);
		ASSERT_TRUE(find_attr(maps, words.seed(), i));
		ASSERT_NE(put_block(i, i << 40, "x", (i << 52) + 1), Stored::no);
		ASSERT_TRUE(find_block(maps, seed, i, i << 40));
	}
	EXPECT_EQ(evicted, 5000U - 2 * EXTFUSE_WAYS);
}

// Beside others that nobody asks for any more.
TEST_F(SlotsTest, TwoInUseDoNotReplaceEachOtherForEver)
{
	for (uint64_t root = 1; root <= 64; root++) {
		make(1, 1, 1, 1);
		for (uint64_t i = 0; i < EXTFUSE_WAYS; i++)
			put_attr(1000 + i, i);
		size_t stored = 0;
		for (int i = 0; i < 1000; i++) {
			for (const uint64_t node : {root, root + 1}) {
				if (find_attr(maps, words.seed(), node))
					continue;
				ASSERT_EQ(put_attr(node, 0), Stored::evicted);
				stored++;
			}
		}
		EXPECT_LT(stored, 40) << root;
	}
}

TEST_F(SlotsTest, AttributesArrive)
{
	extfuse_attr a;
	for (size_t i = 0; i < sizeof(a); i++)
		reinterpret_cast<unsigned char *>(&a)[i] = static_cast<unsigned char>(i + 1);

	ASSERT_EQ(store_attr(maps, words, 9, words.node_token(9), a, {EXTFUSE_SCOPE_CALLER, 55}),
		  Stored::yes);
	const auto s = find_attr(maps, words.seed(), 9);
	ASSERT_TRUE(s);
	EXPECT_EQ(memcmp(&s->attr, &a, sizeof(a)), 0);
	EXPECT_EQ(s->scope, EXTFUSE_SCOPE_CALLER);
	EXPECT_EQ(s->caller, 55U);
	EXPECT_EQ(s->word, words.node_token(9));
}

TEST_F(SlotsTest, BlocksOfEveryLength)
{
	std::string data(EXTFUSE_BLOCK_SIZE, 0);
	for (size_t i = 0; i < data.size(); i++)
		data[i] = static_cast<char>(i * 31 + 7);

	for (const size_t len : {0, 1, 7, 8, 9, 4088, 4090, 4095, 4096}) {
		ASSERT_NE(put_block(3, 1ULL << 51, data.substr(0, len), (1ULL << 63) - 1),
			  Stored::no);
		const auto s = find_block(maps, seed, 3, 1ULL << 51);
		ASSERT_TRUE(s);
		EXPECT_EQ(s->len, len);
		EXPECT_EQ(s->size, (1ULL << 63) - 1);
		EXPECT_EQ(memcmp(s->data, data.data(), len), 0) << len;
	}
}

// A writer that died: its slot is odd for ever.
TEST_F(SlotsTest, DeadWritersSlotIsAMiss)
{
	make(1, 1, 1, 1);
	const NameKey k = key(1, "victim");
	ASSERT_EQ(put(k, 1), Stored::yes);
	for (auto &s : names[0].slot) {
		if (s.word)
			s.seq++;
	}
	EXPECT_FALSE(get(k));
	EXPECT_EQ(put(k, 2), Stored::no);
	EXPECT_FALSE(get(k));

	// The other ways go on, also when the bucket is full.
	for (int i = 0; i < 200; i++) {
		const NameKey other = key(1, "other" + std::to_string(i));
		ASSERT_NE(put(other, 3), Stored::no);
		ASSERT_EQ(get(other), 3U);
	}
	// All of them dead: misses, no errors, no endless loop.
	for (auto &s : names[0].slot)
		s.seq |= 1;
	EXPECT_EQ(put(key(1, "last"), 4), Stored::no);
}

TEST_F(SlotsTest, SequenceIsEvenAndMoves)
{
	make(1, 1, 1, 1);
	const NameKey k = key(1, "name");
	put(k, 1);
	const uint32_t before = names[0].slot[0].seq;
	put(k, 2);
	EXPECT_EQ(before % 2, 0U);
	EXPECT_EQ(names[0].slot[0].seq, before + 2);

	// Also over the end of the numbers.
	names[0].slot[0].seq = 0xfffffffeU;
	EXPECT_EQ(put(k, 3), Stored::yes);
	EXPECT_EQ(names[0].slot[0].seq, 0U);
	EXPECT_EQ(get(k), 3U);
}

// Writers of one bucket, readers that must never see a mixture. Every value is a
// function of the key and of nothing that two writes share.
TEST_F(SlotsTest, ReadersNeverSeeMixtures)
{
	make(1, 1, 1, 1);
	constexpr int writers = 3, rounds = 20000, keys = 6;
	std::vector<NameKey> k;
	for (int i = 0; i < keys; i++)
		k.push_back(key(static_cast<uint64_t>(i) + 1, "name" + std::to_string(i)));

	std::atomic<bool> stop{false};
	std::atomic<uint64_t> names_seen{0}, attrs_seen{0}, blocks_seen{0}, torn{0};
	std::atomic<uint64_t> stored{0};
	const uint64_t token = words.entry_token(1, k[0].hash); // any will do

	const auto write = [&](int thread) {
		for (int i = 0; i < rounds; i++) {
			const uint64_t v =
				static_cast<uint64_t>(i) * writers + static_cast<uint64_t>(thread);
			const NameKey &n = k[v % keys];
			extfuse_attr a = {};
			uint64_t block[EXTFUSE_BLOCK_SIZE / 8];

			stored += store_name(maps, words, n,
					     {token, v, ~v, static_cast<uint32_t>(v * 5)},
					     {EXTFUSE_SCOPE_UID, v ^ 0x55}) != Stored::no;
			a.ino = v;
			a.size = ~v;
			a.nlink = static_cast<uint32_t>(v * 3);
			store_attr(maps, words, v % keys + 1, token, a, {EXTFUSE_SCOPE_ALL, v * 9});
			for (uint64_t &w : block)
				w = v;
			store_block(maps, words, seed,
				    {v % keys + 1, v % 2, token, v, block, EXTFUSE_BLOCK_SIZE},
				    {EXTFUSE_SCOPE_ALL, v});
		}
	};
	const auto read = [&] {
		for (uint64_t i = 0; !stop.load(std::memory_order_relaxed); i++) {
			if (const auto s = find_name(maps.names, k[i % keys])) {
				names_seen++;
				torn += s->nodeid % keys != i % keys || s->behind != ~s->nodeid ||
					s->generation != static_cast<uint32_t>(s->nodeid * 5) ||
					s->caller != (s->nodeid ^ 0x55);
			}
			if (const auto s = find_attr(maps, words.seed(), i % keys + 1)) {
				attrs_seen++;
				torn += s->attr.ino % keys != i % keys ||
					s->attr.size != ~s->attr.ino ||
					s->attr.nlink != static_cast<uint32_t>(s->attr.ino * 3) ||
					s->caller != s->attr.ino * 9;
			}
			if (const auto s = find_block(maps, seed, i % keys + 1, i % keys % 2)) {
				uint64_t block[EXTFUSE_BLOCK_SIZE / 8];

				blocks_seen++;
				memcpy(block, s->data, sizeof(block));
				for (const uint64_t w : block)
					torn += w != s->size;
			}
		}
	};

	std::vector<std::thread> readers, threads;
	for (int i = 0; i < 2; i++)
		readers.emplace_back(read);
	for (int i = 0; i < writers; i++)
		threads.emplace_back(write, i);
	for (auto &t : threads)
		t.join();
	// What was stored last can be read now, so the readers see something.
	while (!names_seen || !attrs_seen || !blocks_seen)
		std::this_thread::yield();
	stop = true;
	for (auto &t : readers)
		t.join();

	EXPECT_EQ(torn, 0U);
	EXPECT_GT(stored, 0U);
	for (const auto &s : names[0].slot)
		EXPECT_EQ(s.seq % 2, 0U);
}

} // namespace
