// SPDX-License-Identifier: GPL-2.0-only
#include "stackfs/locks.hpp"

#include <gtest/gtest.h>

#include <random>

namespace stackfs
{

TEST(LockRanges, SplitsAndReplaces)
{
	LockRanges ranges;
	ranges.set(0, 99, F_WRLCK);
	ranges.set(10, 19, F_UNLCK);
	EXPECT_TRUE(ranges.overlaps(0, 9));
	EXPECT_FALSE(ranges.overlaps(10, 19));
	EXPECT_TRUE(ranges.overlaps(19, 20));
	ranges.set(5, 50, F_RDLCK);
	EXPECT_TRUE(ranges.overlaps(10, 19));
	ranges.set(0, 1000, F_UNLCK);
	EXPECT_TRUE(ranges.empty());
}

TEST(LockRanges, AgreesWithAnArray)
{
	std::mt19937 random(1);
	LockRanges ranges;
	short model[64] = {};
	for (int round = 0; round < 20000; ++round) {
		const off_t start = random() % 64;
		const off_t end = start + random() % (64 - start);
		const short types[] = {F_RDLCK, F_WRLCK, F_UNLCK};
		const short type = types[random() % 3];
		ranges.set(start, end, type);
		for (off_t i = start; i <= end; ++i)
			model[i] = type == F_UNLCK ? short{0} : static_cast<short>(type + 1);
		short now[64] = {};
		for (const LockRanges::Range &r : ranges.all())
			for (off_t i = r.start; i <= r.end; ++i) {
				ASSERT_EQ(now[i], 0) << "ranges overlap";
				now[i] = static_cast<short>(r.type + 1);
			}
		for (int i = 0; i < 64; ++i)
			ASSERT_EQ(now[i], model[i]);
	}
}

} // namespace stackfs
