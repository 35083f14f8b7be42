// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Tokens against words that change before, while and after.
#include <gtest/gtest.h>

#include "fake_kernel.hpp"
#include "words.hpp"

using namespace exf::impl;
using exf::test::FakeWords;

namespace
{

constexpr uint64_t node = 4711;
constexpr uint64_t parent = 1;
const char name[] = "file";

class WordsTest : public testing::Test
{
protected:
	void SetUp() override
	{
		ASSERT_TRUE(words.set(fake.base(), FakeWords::bytes));
		ASSERT_TRUE(make_name_key(words.seed(), parent, name, key));
	}

	uint64_t entry() const
	{
		return words.entry_token(parent, key.hash);
	}
	bool current(uint64_t token) const
	{
		return words.entry_current(parent, key.hash, token);
	}

	FakeWords fake;
	Words words;
	NameKey key;
};

TEST_F(WordsTest, TokenIsTheSum)
{
	fake.node(node) = 3 * EXTFUSE_EPOCH_ONE;
	fake.name(parent, name) = 5 * EXTFUSE_EPOCH_ONE;
	fake.behind(parent) = 7 * EXTFUSE_EPOCH_ONE;
	fake.header()->mount_word = 11 * EXTFUSE_EPOCH_ONE;
	EXPECT_EQ(words.node_token(node), 14 * EXTFUSE_EPOCH_ONE);
	EXPECT_EQ(entry(), 23 * EXTFUSE_EPOCH_ONE);
	EXPECT_EQ(words.behind(parent), 7 * EXTFUSE_EPOCH_ONE);
}

TEST_F(WordsTest, FreshMountGivesTokens)
{
	EXPECT_NE(words.node_token(node), 0U);
	EXPECT_NE(entry(), 0U);
	EXPECT_TRUE(current(entry()));
	EXPECT_FALSE(current(0));
}

TEST_F(WordsTest, NoTokenWhileAChangeIsInFlight)
{
	FakeWords::begin(fake.node(node));
	EXPECT_EQ(words.node_token(node), 0U);
	FakeWords::end(fake.node(node));
	EXPECT_NE(words.node_token(node), 0U);

	for (uint64_t *word : {&fake.name(parent, name), &fake.behind(parent),
			       reinterpret_cast<uint64_t *>(&fake.header()->mount_word)}) {
		FakeWords::begin(*word);
		EXPECT_EQ(entry(), 0U);
		EXPECT_EQ(words.changed_entry_token(parent, key.hash) != 0,
			  word == &fake.name(parent, name));
		FakeWords::end(*word);
		EXPECT_NE(entry(), 0U);
	}
}

TEST_F(WordsTest, AnyChangeAfterwardsPasses)
{
	uint64_t token = entry();
	FakeWords::change(fake.name(parent, name));
	EXPECT_FALSE(current(token));

	token = entry();
	FakeWords::change(fake.behind(parent));
	EXPECT_FALSE(current(token));

	token = entry();
	words.change_all();
	EXPECT_FALSE(current(token));

	token = entry();
	FakeWords::begin(fake.name(parent, name));
	EXPECT_FALSE(current(token)) << "in flight";
	FakeWords::end(fake.name(parent, name));
	EXPECT_FALSE(current(token)) << "over";

	token = words.node_token(node);
	FakeWords::change(fake.node(node));
	EXPECT_FALSE(words.node_current(node, token));
}

TEST_F(WordsTest, PredictedTokenIsWhatTheWordBecomes)
{
	FakeWords::begin(fake.name(parent, name));
	const uint64_t token = words.changed_entry_token(parent, key.hash);
	ASSERT_NE(token, 0U);
	EXPECT_TRUE(current(token)) << "while the request runs";
	FakeWords::end(fake.name(parent, name));
	EXPECT_EQ(token, entry());
	EXPECT_TRUE(current(token));

	FakeWords::begin(fake.node(node));
	const uint64_t changed = words.changed_node_token(node);
	ASSERT_NE(changed, 0U);
	EXPECT_TRUE(words.node_current(node, changed));
	FakeWords::end(fake.node(node));
	EXPECT_EQ(changed, words.node_token(node));
}

TEST_F(WordsTest, NothingPredictedWithoutAChange)
{
	EXPECT_EQ(words.changed_entry_token(parent, key.hash), 0U);
	EXPECT_EQ(words.changed_node_token(node), 0U);
}

TEST_F(WordsTest, NothingPredictedBesideAnotherChange)
{
	uint64_t &word = fake.name(parent, name);

	FakeWords::begin(word); // another one
	FakeWords::begin(word); // ours
	EXPECT_EQ(words.changed_entry_token(parent, key.hash), 0U);
	FakeWords::end(word); // the other one is over before the sample
	EXPECT_NE(words.changed_entry_token(parent, key.hash), 0U);
}

TEST_F(WordsTest, PredictedTokenPassesWithAnotherChange)
{
	uint64_t &word = fake.name(parent, name);

	// Another change begins while ours runs, and ends before or after it.
	for (const bool ours_first : {true, false}) {
		FakeWords::begin(word);
		const uint64_t token = words.changed_entry_token(parent, key.hash);
		ASSERT_NE(token, 0U);
		FakeWords::begin(word);
		EXPECT_FALSE(current(token));
		FakeWords::end(word);
		EXPECT_FALSE(current(token)) << ours_first;
		FakeWords::end(word);
		EXPECT_FALSE(current(token));
		EXPECT_NE(token, entry());
	}

	// It comes after ours is over.
	FakeWords::begin(word);
	const uint64_t token = words.changed_entry_token(parent, key.hash);
	FakeWords::end(word);
	EXPECT_TRUE(current(token));
	FakeWords::begin(word);
	EXPECT_FALSE(current(token));
	FakeWords::end(word);
	EXPECT_FALSE(current(token));

	// Invalidations count as well.
	FakeWords::begin(word);
	const uint64_t other = words.changed_entry_token(parent, key.hash);
	words.change_entry(parent, key.hash);
	EXPECT_FALSE(current(other));
	FakeWords::end(word);
	EXPECT_FALSE(current(other));
}

// A plain token is not taken for the prediction of a later change, in whatever
// order changes begin and end.
TEST_F(WordsTest, TokensNeverComeBack)
{
	uint64_t &word = fake.name(parent, name);
	std::vector<uint64_t> passed;
	unsigned in_flight = 0;
	uint32_t random = 1;

	for (int step = 0; step < 20000; step++) {
		const uint64_t plain = entry();
		const uint64_t predicted = words.changed_entry_token(parent, key.hash);

		EXPECT_EQ(plain != 0, in_flight == 0);
		EXPECT_EQ(predicted != 0, in_flight == 1);
		for (const uint64_t token : passed)
			ASSERT_FALSE(current(token)) << step;
		random = random * 1664525 + 1013904223;
		switch (random >> 28 & 3) {
		case 0:
		case 1:
			if (plain)
				passed.push_back(plain);
			if (predicted)
				passed.push_back(predicted);
			FakeWords::begin(word);
			in_flight++;
			break;
		case 2:
			if (!in_flight)
				break;
			FakeWords::end(word);
			in_flight--;
			break;
		case 3:
			if (plain)
				passed.push_back(plain);
			if (predicted)
				passed.push_back(predicted);
			words.change_entry(parent, key.hash);
			break;
		}
		if (passed.size() > 16)
			passed.erase(passed.begin());
	}
}

TEST_F(WordsTest, InvalidateMovesItsWords)
{
	const auto all = [&] {
		return std::vector<uint64_t>{fake.node(node),  fake.behind(node),
					     fake.data(node),  fake.name(parent, name),
					     fake.mount(),     fake.mount_data(),
					     fake.node(parent)};
	};
	const auto expect_moved = [&](const std::vector<uint64_t> &before,
				      std::initializer_list<int> moved) {
		const std::vector<uint64_t> after = all();
		for (size_t i = 0; i < after.size(); i++)
			EXPECT_EQ(after[i] - before[i], moved.begin()[i] ? EXTFUSE_EPOCH_ONE : 0)
				<< i;
	};

	std::vector<uint64_t> before = all();
	words.change_node(node);
	expect_moved(before, {1, 1, 1, 0, 0, 0, 0});
	before = all();
	words.change_entry(parent, key.hash);
	expect_moved(before, {0, 0, 0, 1, 0, 0, 1});
	before = all();
	words.change_all();
	expect_moved(before, {0, 0, 0, 0, 1, 1, 0});
}

TEST_F(WordsTest, RefusesNonsense)
{
	Words w;

	EXPECT_FALSE(w.set(fake.base(), 64));
	EXPECT_FALSE(w.set(fake.base(), FakeWords::bytes - 1));
	EXPECT_FALSE(w.active());

	fake.header()->node_count = 1000; // not a power of two
	EXPECT_FALSE(w.set(fake.base(), FakeWords::bytes));
	fake.header()->node_count = 2 * FakeWords::count; // runs into the next array, ends inside
	EXPECT_TRUE(w.set(fake.base(), FakeWords::bytes));
	fake.header()->node_count = 1U << 31;
	EXPECT_FALSE(w.set(fake.base(), FakeWords::bytes));
	fake.header()->node_count = FakeWords::count;
	fake.header()->behind_offset = FakeWords::bytes - 8; // ends outside
	EXPECT_FALSE(w.set(fake.base(), FakeWords::bytes));
	fake.header()->behind_offset = ~7ULL;
	EXPECT_FALSE(w.set(fake.base(), FakeWords::bytes));
	fake.header()->behind_offset = 4096 + 4; // not aligned
	EXPECT_FALSE(w.set(fake.base(), FakeWords::bytes));
	fake.header()->behind_offset = 4096;
	EXPECT_TRUE(w.set(fake.base(), FakeWords::bytes));
	const uint64_t xattr_offset = fake.header()->xattr_offset;
	fake.header()->xattr_offset = FakeWords::bytes - 8; // ends outside
	EXPECT_FALSE(w.set(fake.base(), FakeWords::bytes));
	fake.header()->xattr_offset = xattr_offset;
}

TEST_F(WordsTest, MarksSpeakOfOneRequest)
{
	const auto *table = reinterpret_cast<const uint64_t *>(
		static_cast<const char *>(fake.base()) + fake.header()->marks_offset);
	const uint64_t far = 2 * uint64_t{EXTFUSE_MARK_COUNT};

	ASSERT_TRUE(words.marks());
	words.mark(6, 0x8001);
	EXPECT_EQ(table[3], 0x8001U);
	// The same element, another request; and one more, whose id has a high bit.
	words.mark(6 + 5 * far, 0x8002);
	EXPECT_EQ(table[3], 5U << EXTFUSE_MARK_BITS | 0x8002U);
	EXPECT_NE(extfuse_mark_entry(6, 0), extfuse_mark_entry(6 + (far << 40), 0));
	EXPECT_EQ(extfuse_mark_index(6 + (far << 40)), 3U);
}

TEST_F(WordsTest, WithoutATableNothingIsMarked)
{
	Words w;

	fake.header()->marks_count = 1;
	EXPECT_TRUE(w.set(fake.base(), FakeWords::bytes));
	EXPECT_FALSE(w.marks());
	fake.header()->marks_count = EXTFUSE_MARK_COUNT;
	fake.header()->marks_offset += 8; // ends outside
	EXPECT_TRUE(w.set(fake.base(), FakeWords::bytes));
	EXPECT_FALSE(w.marks());
}

} // namespace
