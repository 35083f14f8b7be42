// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <vector>

#include <unistd.h>

#include <extfuse/abi.h>

#include "caller.hpp"

using exf::impl::caller_digest;

namespace
{

std::string status(const std::string &uid, const std::string &gid, const std::string &groups)
{
	return "Name:\tUid: 7 7 7 7\nUmask:\t0022\nUid:\t" + uid + "\nGid:\t" + gid +
	       "\nFDSize:\t64\nGroups:\t" + groups + "\nNStgid:\t1\n";
}

uint64_t digest(uint32_t uid, uint32_t gid, const std::vector<uint32_t> &groups)
{
	uint64_t d = extfuse_digest_begin(uid, gid);

	for (const uint32_t g : groups)
		d = extfuse_digest_group(d, g);
	return extfuse_digest_end(d);
}

TEST(Caller, ReadsFileSystemIdsAndGroups)
{
	const std::string s = status("1 2 3 1000", "5 6 7 100", "4 24 1000 ");

	EXPECT_EQ(caller_digest(s, 1000, 100), digest(1000, 100, {4, 24, 1000}));
	EXPECT_NE(caller_digest(s, 1000, 100), 0U);
}

TEST(Caller, NoGroupsIsAList)
{
	EXPECT_EQ(caller_digest(status("0 0 0 0", "0 0 0 0", " "), 0, 0), digest(0, 0, {}));
	EXPECT_EQ(caller_digest(status("0 0 0 0", "0 0 0 0", ""), 0, 0), digest(0, 0, {}));
}

TEST(Caller, OrderDoesNotMatterAnythingElseDoes)
{
	const uint64_t d = digest(1, 2, {3, 4, 5});

	EXPECT_EQ(d, digest(1, 2, {5, 3, 4}));
	EXPECT_NE(d, digest(2, 1, {3, 4, 5}));
	EXPECT_NE(d, digest(1, 3, {2, 4, 5}));
	EXPECT_NE(d, digest(1, 2, {3, 4}));
	EXPECT_NE(d, digest(1, 2, {3, 4, 5, 5}));
	EXPECT_NE(d, digest(1, 2, {}));
	EXPECT_NE(digest(0, 0, {}), 0U);
}

TEST(Caller, AnotherTaskHasThePid)
{
	const std::string s = status("1000 1000 1000 1000", "100 100 100 100", "100");

	EXPECT_EQ(caller_digest(s, 1001, 100), 0U);
	EXPECT_EQ(caller_digest(s, 1000, 101), 0U);
	EXPECT_NE(caller_digest(s, 1000, 100), 0U);
}

TEST(Caller, RefusesWhatItCannotRead)
{
	EXPECT_EQ(caller_digest("", 0, 0), 0U);
	EXPECT_EQ(caller_digest("Uid:\t0 0 0\nGid:\t0 0 0 0\nGroups:\t\n", 0, 0), 0U);
	EXPECT_EQ(caller_digest("Uid:\t0 0 0 0\nGid:\t0 0 0 0\n", 0, 0), 0U);
	EXPECT_EQ(caller_digest("Uid:\t0 0 0 0\nGid:\t0 0 0 0\nGroups:\t1 2x\n", 0, 0), 0U);
	EXPECT_EQ(caller_digest("Uid:\t0 0 0 0\nGid:\t0 0 0 0\nGroups:\t99999999999\n", 0, 0), 0U);
	// Cut off in the middle of the list.
	EXPECT_EQ(caller_digest("Uid:\t0 0 0 0\nGid:\t0 0 0 0\nGroups:\t1 2", 0, 0), 0U);
}

TEST(Caller, ReadsThisKernelsFormat)
{
	std::ifstream file("/proc/self/status");
	std::stringstream text;
	text << file.rdbuf();

	std::vector<gid_t> groups(static_cast<size_t>(getgroups(0, nullptr)));
	ASSERT_GE(getgroups(static_cast<int>(groups.size()), groups.data()), 0);
	EXPECT_EQ(caller_digest(text.str(), geteuid(), getegid()),
		  digest(geteuid(), getegid(), {groups.begin(), groups.end()}));
}

} // namespace
