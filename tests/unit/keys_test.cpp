// SPDX-License-Identifier: LGPL-2.1-or-later
#include <bit>
#include <cstring>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "keys.hpp"

using namespace exf::impl;

namespace
{

// The definition in abi.h, byte by byte, written a second time.
uint64_t hash_by_bytes(uint64_t seed, uint64_t parent, const std::string &name)
{
	uint64_t h = (parent ^ seed) * 0x9e3779b97f4a7c15ULL + name.size();
	uint64_t word = 0;
	unsigned shift = 0;

	for (size_t i = 0; i < name.size(); i++) {
		word |= static_cast<uint64_t>(static_cast<unsigned char>(name[i])) << shift;
		shift += 8;
		if (shift == 64 || i + 1 == name.size()) {
			h = (h ^ word) * 0x9fb21c651e98df25ULL;
			h ^= h >> 32;
			word = 0;
			shift = 0;
		}
	}
	h ^= h >> 33;
	h *= 0xff51afd7ed558ccdULL;
	h ^= h >> 33;
	return h;
}

uint64_t hash(uint64_t seed, uint64_t parent, const std::string &name)
{
	NameKey key;

	EXPECT_TRUE(make_name_key(seed, parent, name.c_str(), key));
	return key.hash;
}

TEST(Keys, KnownAnswers)
{
	// Driver and library must agree for ever on these.
	EXPECT_EQ(extfuse_mix(0), 0U);
	EXPECT_EQ(extfuse_mix(1), 0xff51afd792fd5b26ULL);
	EXPECT_EQ(extfuse_node_hash(42, 7), 0xe15be8f4c8a43473ULL);
	EXPECT_EQ(extfuse_block_hash(42, 7, 3), 0x249c03dfb1ba5bddULL);
	EXPECT_EQ(hash(42, 1, "a"), 0xbb926b5082fda3dcULL);
	EXPECT_EQ(hash(42, 1, "Makefile"), 0xbbdc6fbe4c8c3049ULL);
	EXPECT_EQ(hash(42, 1, std::string(255, 'x')), 0xa353d06fac76221aULL);
}

TEST(Keys, SameByWordsAndByBytes)
{
	std::string name;

	for (size_t len = 1; len <= EXTFUSE_NAME_MAX; len++) {
		name.push_back(static_cast<char>('!' + len % 90 + (len % 3 ? 0 : 128)));
		EXPECT_EQ(hash(0x1111, 99, name), hash_by_bytes(0x1111, 99, name)) << len;
	}
}

TEST(Keys, LengthsAtTheEdges)
{
	NameKey key;

	EXPECT_FALSE(make_name_key(1, 1, "", key));
	EXPECT_FALSE(make_name_key(1, 1, std::string(256, 'x').c_str(), key));
	EXPECT_TRUE(make_name_key(1, 1, std::string(255, 'x').c_str(), key));
	EXPECT_EQ(key.len, 255U);
	EXPECT_TRUE(key.is_long());
	EXPECT_TRUE(make_name_key(1, 1, std::string(33, 'x').c_str(), key));
	EXPECT_TRUE(key.is_long());
	EXPECT_TRUE(make_name_key(1, 1, std::string(32, 'x').c_str(), key));
	EXPECT_FALSE(key.is_long());
}

TEST(Keys, PaddedWithZeros)
{
	for (size_t len = 1; len <= EXTFUSE_NAME_MAX; len++) {
		NameKey key;
		memset(&key, 0xff, sizeof(key));
		ASSERT_TRUE(make_name_key(1, 1, std::string(len, 'x').c_str(), key));

		const size_t room = std::max<size_t>((len + 7) / 8 * 8, EXTFUSE_NAME_INLINE);
		const auto *bytes = reinterpret_cast<const char *>(key.words);
		for (size_t i = 0; i < room; i++)
			ASSERT_EQ(bytes[i], i < len ? 'x' : 0) << len << " " << i;
	}
}

TEST(Keys, PrefixesAndParentsDiffer)
{
	std::set<uint64_t> seen;
	size_t n = 0;

	// Names that are prefixes of each other, or differ in trailing zero bytes
	// only once they are padded.
	for (uint64_t parent = 1; parent <= 64; parent++) {
		for (size_t len = 1; len <= 64; len++, n++)
			seen.insert(hash(5, parent, std::string(len, 'a')));
	}
	EXPECT_EQ(seen.size(), n);
}

// One bit more or less in the name, the parent or the node moves about half of
// the bits, and each of the bits that choose words and buckets.
void expect_avalanche(const std::vector<uint64_t> &base, const std::vector<uint64_t> &flipped,
		      const char *what)
{
	std::vector<unsigned> moved(64);
	double sum = 0;

	for (size_t i = 0; i < base.size(); i++) {
		const uint64_t diff = base[i] ^ flipped[i];
		sum += std::popcount(diff);
		for (unsigned bit = 0; bit < 64; bit++)
			moved[bit] += diff >> bit & 1;
	}
	const double n = static_cast<double>(base.size());
	EXPECT_GT(sum / n, 20) << what;
	EXPECT_LT(sum / n, 44) << what;
	// Low bits choose the word, 32 and up the bucket.
	for (unsigned bit = 0; bit < 48; bit++) {
		EXPECT_GT(moved[bit], base.size() / 4) << what << ", bit " << bit;
		EXPECT_LT(moved[bit], base.size() * 3 / 4) << what << ", bit " << bit;
	}
}

TEST(Keys, AvalancheOfNames)
{
	std::vector<uint64_t> base, name_flipped;

	for (int i = 0; i < 2000; i++) {
		std::string name = "file_" + std::to_string(i) + ".c";
		const size_t at = static_cast<size_t>(i) % name.size();

		base.push_back(hash(7, 1000, name));
		name[at] = static_cast<char>(name[at] ^ 1 << i % 7);
		if (!name[at])
			name[at] = '~';
		name_flipped.push_back(hash(7, 1000, name));
	}
	expect_avalanche(base, name_flipped, "name");
}

// Node ids come in rows (small numbers) or as addresses. Words and buckets must be
// evenly used.
void expect_even(const std::vector<uint64_t> &hashes, const char *what)
{
	constexpr size_t bins = 1024;
	std::vector<unsigned> words(bins), buckets(bins);

	for (const uint64_t h : hashes) {
		words[EXTFUSE_WORD_INDEX(h, bins)]++;
		buckets[bucket_index(h, bins)]++;
	}
	const auto mean = static_cast<unsigned>(hashes.size() / bins);
	for (size_t i = 0; i < bins; i++) {
		EXPECT_LT(words[i], 3 * mean) << what << ", word " << i;
		EXPECT_LT(buckets[i], 3 * mean) << what << ", bucket " << i;
	}
}

TEST(Keys, NodesAreSpread)
{
	std::vector<uint64_t> rows, addresses, blocks, names;

	for (uint64_t i = 0; i < 32768; i++) {
		rows.push_back(extfuse_node_hash(0x5eed, i + 1));
		addresses.push_back(extfuse_node_hash(0x5eed, 0x7f0012340000 + i * 96));
		blocks.push_back(extfuse_block_hash(0x5eed, 17, i));
		names.push_back(hash(0x5eed, 17, "file" + std::to_string(i)));
	}
	expect_even(rows, "rows");
	expect_even(addresses, "addresses");
	expect_even(blocks, "blocks");
	expect_even(names, "names");
}

TEST(Keys, BucketsForEntries)
{
	EXPECT_EQ(buckets_for(0), 1U);
	EXPECT_EQ(buckets_for(1), 1U);
	EXPECT_EQ(buckets_for(4), 1U);
	EXPECT_EQ(buckets_for(5), 2U);
	EXPECT_EQ(buckets_for(131072), 32768U);
	EXPECT_EQ(buckets_for(131073), 65536U);
	EXPECT_EQ(buckets_for(1U << 26), 1U << 24);
}

} // namespace
