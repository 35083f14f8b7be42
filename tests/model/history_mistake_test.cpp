// SPDX-License-Identifier: GPL-2.0-only
//
// Does the checker notice? A driver that makes a deliberate mistake
// (kpatch/src/ext_mistake.h), and a daemon that makes another, must be caught.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>

#include "ext_mistake.h"
#include "guest.hpp"
#include "history_mount.hpp"
#include "history_run.hpp"

namespace extfuse_test::history
{

namespace
{

constexpr unsigned patience = 120; // seconds, on a busy machine

// Of the driver that is loaded. The mount must be idle.
void make_mistake(unsigned mistake)
{
	std::ofstream file("/sys/module/extfuse/parameters/mistake");
	file << mistake << std::flush;
	if (!file)
		throw std::runtime_error("the driver cannot make mistakes");
}

// A mistake shows under the conditions that it is about; what else goes on can
// only hide it.
Options usual(const StackfsMount &mount)
{
	const char *seed = getenv("EXTFUSE_SEED");
	Options options;
	options.root = mount.root();
	options.lower = mount.lower();
	options.control = [&mount](const std::string &command) { return mount.control(command); };
	options.rules.page_cache = true;
	options.seed = seed ? unsigned(atoi(seed)) : 1;
	options.time = std::chrono::seconds(patience * slower());
	return options;
}

void must_be_caught(const Totals &totals)
{
	EXPECT_FALSE(totals.failure.empty())
		<< totals.operations << " operations, and nothing was wrong with them";
	printf("caught after %lu operations, %.1f s:\n%s\n", totals.operations, totals.seconds,
	       totals.failure.c_str());
	EXPECT_EQ(totals.failure.find("hangs"), std::string::npos) << totals.failure;
}

const std::vector<Disturbance> all = {Disturbance::DropNodes, Disturbance::DropAll,
				      Disturbance::Detach, Disturbance::InvalidateAll,
				      Disturbance::Forget};

const std::vector<std::string> arguments = {"--require", "--cache=data", "-o",
					    "allow_other,default_permissions"};

struct Case {
	const char *name;
	unsigned mistake;
	bool behind = false;
	std::vector<Disturbance> disturb = {};
};

class HistoryMistake : public testing::TestWithParam<Case>
{
protected:
	static std::string usual_;
	static std::unique_ptr<StackfsMount> mount_;

	static void change_driver(const std::string &path)
	{
		// On a busy machine the last programs take long to go.
		for (unsigned i = 0; i < 5 && unload_driver_soon(); i++)
			continue;
		ASSERT_FALSE(driver_loaded());
		setenv("EXTFUSE_MODULE", path.c_str(), 1);
		ASSERT_EQ(load_driver(), 0) << path;
	}

	static void SetUpTestSuite()
	{
		usual_ = module_path();
		const std::string dir = usual_.substr(0, usual_.rfind('/'));
		change_driver(dir + "/mistakes/extfuse.ko");
		mount_ = std::make_unique<StackfsMount>(STACKFS_SLOW, arguments);
		make_tree(mount_->lower());
	}
	static void TearDownTestSuite()
	{
		mount_.reset();
		change_driver(usual_);
	}
};

std::string HistoryMistake::usual_;
std::unique_ptr<StackfsMount> HistoryMistake::mount_;

} // namespace

TEST_P(HistoryMistake, IsCaught)
{
	mount_->control("attach");
	mount_->control("remember 1");
	mount_->control("invalidate-all");
	make_mistake(GetParam().mistake);
	Options options = usual(*mount_);
	options.behind = GetParam().behind;
	options.disturb = GetParam().disturb;
	options.disturb_every = options.disturb.size() > 1 ? 3 : 1;
	const Totals totals = run(options);
	make_mistake(EXT_NO_MISTAKE);
	must_be_caught(totals);
}

INSTANTIATE_TEST_SUITE_P(
	Driver, HistoryMistake,
	testing::Values(
		Case{"WordUncompared", EXT_WORD_UNCOMPARED, true, {Disturbance::DropNodes}},
		Case{"EndKeepsEpoch", EXT_END_KEEPS_EPOCH},
		Case{"EpochAtBegin", EXT_EPOCH_AT_BEGIN, true, all},
		Case{"NamesNotMarked", EXT_NAMES_NOT_MARKED, false, {Disturbance::DropNodes}},
		Case{"NodeNotMarked", EXT_NODE_NOT_MARKED}, Case{"PagesKept", EXT_PAGES_KEPT, true},
		Case{"DetachedNotMarked", EXT_DETACHED_NOT_MARKED, false, {Disturbance::Detach}}),
	[](const testing::TestParamInfo<Case> &info) { return std::string(info.param.name); });

TEST(HistoryMistakeOfDaemon, TokenAfterReadIsCaught)
{
	const StackfsMount mount(STACKFS_LATE_TOKENS, arguments);
	make_tree(mount.lower());
	Options options = usual(mount);
	options.behind = true;
	options.disturb = all;
	must_be_caught(run(options));
}

} // namespace extfuse_test::history
