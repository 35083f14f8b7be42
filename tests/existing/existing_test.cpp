// SPDX-License-Identifier: GPL-2.0-only
//
// Programs of Debian's archive on the driver: what they show, how they fail and what
// is seen after each change is the same as on stock FUSE.
#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>

#include <sys/mount.h>

#include "program.hpp"
#include "record.hpp"

namespace extfuse_test
{

namespace
{

class Existing : public testing::TestWithParam<Program>
{
protected:
	// Mount, record, unmount; false: one of these failed.
	void record(Workplace &place, Way way, Record &out)
	{
		place.reset();
		Job job(place.command(way));

		ASSERT_TRUE(wait_mounted(place.mnt(), job)) << Job::output();
		EXPECT_EQ(mounted(place.mnt()).starts_with("extfuse"), way != Way::stock)
			<< mounted(place.mnt());
		for (int pass = 0; pass < 2; pass++) {
			record_tree(place.mnt(), GetParam().links, out);
			record_errors(place.mnt(), out);
		}
		if (!GetParam().read_only) {
			record_changes(place.mnt(), out);
			if (GetParam().links)
				record_links(place.mnt(), out);
			record_tree(place.mnt(), GetParam().links, out);
		}
		EXPECT_EQ(umount2(place.mnt().c_str(), 0), 0) << strerror(errno);
		EXPECT_EQ(job.wait(), 0) << Job::output();
		EXPECT_EQ(mounted(place.mnt()), "");
	}
};

TEST_P(Existing, ShowsWhatItShowsOnStock)
{
	Workplace place(GetParam());
	Record stock, driver, private_files;

	ASSERT_NO_FATAL_FAILURE(record(place, Way::stock, stock));
	// It was not an empty one.
	EXPECT_GT(stock.size(), 150U);
	ASSERT_NO_FATAL_FAILURE(record(place, Way::driver, driver));
	EXPECT_TRUE(stock == driver) << differences(stock, driver);
	ASSERT_NO_FATAL_FAILURE(record(place, Way::private_files, private_files));
	EXPECT_TRUE(stock == private_files) << "--private\n" << differences(stock, private_files);
}

std::string name_of(const testing::TestParamInfo<Program> &info)
{
	std::string name = info.param.name;

	std::erase(name, '-');
	return name;
}

INSTANTIATE_TEST_SUITE_P(Programs, Existing, testing::ValuesIn(all_programs()), name_of);

} // namespace

// For gtest's messages.
void PrintTo(const Program &program, std::ostream *out)
{
	*out << program.name;
}

} // namespace extfuse_test
