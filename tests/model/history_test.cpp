// SPDX-License-Identifier: GPL-2.0-only
//
// Random operations of several processes, and changes behind the mount, checked
// for linearizability: on tmpfs itself, on stock FUSE, and on the driver.
#include <gtest/gtest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <random>

#include "guest.hpp"
#include "history_mount.hpp"
#include "history_run.hpp"

namespace extfuse_test::history
{

namespace
{

using std::chrono::milliseconds;

unsigned seed_of_this_run()
{
	const char *given = getenv("EXTFUSE_SEED");
	return given ? unsigned(atoi(given)) : std::random_device{}();
}

// EXTFUSE_HISTORY_SECONDS=N: N seconds for each case.
milliseconds time_for(unsigned seconds)
{
	const char *given = getenv("EXTFUSE_HISTORY_SECONDS");
	return std::chrono::seconds(given ? unsigned(atoi(given)) : seconds * slower());
}

void repeat(const Totals &totals, const Options &options)
{
	const auto *test = testing::UnitTest::GetInstance()->current_test_info();
	ADD_FAILURE() << totals.failure
		      << "\nThe same choices again:\n  ./dev vm -- env EXTFUSE_SEED="
		      << options.seed
		      << " /build/tests/vm/history_test --gtest_filter=" << test->test_suite_name()
		      << "." << test->name();
}

constexpr uint64_t enough = 500; // operations of one case

Totals check_run(Options options)
{
	options.operations = enough;
	const Totals totals = run(options);
	printf("seed %u: %s", options.seed, totals.text().c_str());
	if (!totals.failure.empty())
		repeat(totals, options);
	EXPECT_GE(totals.operations, enough);
	// So many, not such a part: on a busy host two CPUs seldom run side by side.
	EXPECT_GT(totals.overlapping, enough / 10);
	EXPECT_GT(totals.failed, totals.operations / 50);
	return totals;
}

Options on_mount(const StackfsMount &mount, unsigned seconds)
{
	Options options;
	options.root = mount.root();
	options.lower = mount.lower();
	options.control = [&mount](const std::string &command) { return mount.control(command); };
	options.rules.page_cache = true;
	options.seed = seed_of_this_run();
	options.time = time_for(seconds);
	make_tree(mount.lower());
	return options;
}

// On the driver, with all that may disturb; what the daemon and the driver counted.
std::string extfuse_run(const char *program, std::vector<std::string> arguments, unsigned seconds)
{
	arguments.insert(arguments.begin(),
			 {"--require", "--cache=data", "-o", "allow_other,default_permissions"});
	const StackfsMount mount(program, arguments);
	Options options = on_mount(mount, seconds);
	options.behind = true;
	for (unsigned i = 0; i < disturbances; i++)
		options.disturb.push_back(static_cast<Disturbance>(i));
	const Totals totals = check_run(options);
	EXPECT_GT(totals.behind(), 20U);
	for (unsigned i = 0; i < disturbances; i++)
		EXPECT_GT(totals.disturbed[i], 0U) << "disturbance " << i;

	const std::string json = mount.control("stats");
	printf("  %lu hits, %lu warm, %lu upcalls; stale answers dropped: %lu; evicted: %lu; "
	       "caches dropped %lu times, handler detached %lu times\n",
	       sum_of(json, "driver", "hit"), sum_of(json, "driver", "warm"),
	       sum_of(json, "extfuse", "sent_total"), sum_of(json, "driver", "stale"),
	       sum_of(json, "extfuse", "evicted"),
	       totals.disturbed_by(Disturbance::DropNodes) +
		       totals.disturbed_by(Disturbance::DropAll),
	       totals.disturbed_by(Disturbance::Detach));
	return json;
}

} // namespace

TEST(History, OfTmpfsItself)
{
	char base[] = "/tmp/native-XXXXXX";
	ASSERT_NE(mkdtemp(base), nullptr);
	make_tree(base);
	Options options;
	options.root = base;
	options.seed = seed_of_this_run();
	options.time = time_for(4);
	check_run(options);
	std::filesystem::remove_all(base);
}

TEST(History, OfStockFuse)
{
	const StackfsMount mount(STACKFS_PROGRAM, {"--stock", "-o", "default_permissions"});
	check_run(on_mount(mount, 4));
}

TEST(History, WithRoomForAll)
{
	const std::string json = extfuse_run(STACKFS_PROGRAM, {}, 8);
	for (const char *op : {"lookup", "getattr"}) {
		EXPECT_GT(sum_of(json, op, "warm"), 0U) << op;
		EXPECT_GT(sum_of(json, op, "hit"), 0U) << op;
	}
	for (const char *op : {"read", "open", "getxattr", "readdir"})
		EXPECT_GT(sum_of(json, op, "hit"), 0U) << op;
}

TEST(History, WithTinyMaps)
{
	const std::string json =
		extfuse_run(STACKFS_PROGRAM,
			    {"--max-names=4", "--max-attrs=4", "--max-blocks=2", "--max-opens=2"},
			    6);
	EXPECT_GT(sum_of(json, "extfuse", "evicted"), 0U);
}

// A store that takes its time: more happens between a token and what it is for.
TEST(History, WithSlowDaemon)
{
	extfuse_run(STACKFS_SLOW, {}, 6);
}

// Files that were opened once are read and written past the daemon.
TEST(History, WithBackingFiles)
{
	const std::string json = extfuse_run(STACKFS_PROGRAM, {"--backing=8"}, 6);
	EXPECT_GT(sum_of(json, "driver", "backing_opens"), 0U);
}

} // namespace extfuse_test::history
