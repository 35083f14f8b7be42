// SPDX-License-Identifier: GPL-2.0-only
//
// bpf/examples/metrics.bpf.c: a file system that is a map. No request reaches the
// daemon, and nobody reads half of what was published.
#include <sys/statvfs.h>
#include <sys/wait.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "example.hpp"
#include "publisher.hpp"

namespace extfuse_test
{

namespace
{

using Names = std::set<std::string>;

Config config()
{
	Config c;

	c.stable = true;
	c.options = {"ro"};
	return with_example("metrics", c);
}

class Metrics : public testing::Test
{
protected:
	TestFs fs{config()};
	metricsfs::Publisher out{extfuse_handler_map_fd(fs.ext(), "metrics")};

	// No request has reached the daemon in all of the test but those of the mount.
	uint64_t before = fs.counts().lib.driver.sent_total;
	void TearDown() override
	{
		EXPECT_EQ(fs.counts().lib.driver.sent_total, before);
	}
};

} // namespace

TEST_F(Metrics, TreeIsThere)
{
	const uint64_t dir = out.add_directory(METRICS_ROOT, "dir");
	out.add_file(METRICS_ROOT, "zero", "0\n");
	out.add_file(dir, "one", "1\n");
	const uint64_t deeper = out.add_directory(dir, "deeper");
	out.add_file(deeper, "two", "two\n");
	const std::string longest(METRICS_NAME, 'l');
	out.add_file(deeper, longest, std::string(METRICS_TEXT, 't'));

	for (int round = 0; round < 2; round++) {
		EXPECT_EQ(names_in(fs.path()), (Names{"dir", "zero"}));
		EXPECT_EQ(names_in(fs.path("dir")), (Names{"one", "deeper"}));
		EXPECT_EQ(names_in(fs.path("dir/deeper")), (Names{"two", longest}));
		EXPECT_EQ(sys::read_file(fs.path("zero")), "0\n");
		EXPECT_EQ(sys::read_file(fs.path("dir/one")), "1\n");
		EXPECT_EQ(sys::read_file(fs.path("dir/deeper/two")), "two\n");
		EXPECT_EQ(sys::read_file(fs.path("dir/deeper/" + longest)),
			  std::string(METRICS_TEXT, 't'));
		EXPECT_EQ(sys::stat(fs.path("none")), -ENOENT);
		EXPECT_EQ(sys::stat(fs.path("dir/zero")), -ENOENT);
		EXPECT_EQ(sys::stat(fs.path("dir/one/x")), -ENOTDIR);
		sys::drop_caches();
	}
	struct stat st = sys::attr(fs.path("dir/one"));
	EXPECT_EQ(st.st_mode, static_cast<mode_t>(S_IFREG | 0444));
	EXPECT_EQ(st.st_size, 0); // as in /proc
	EXPECT_GT(st.st_mtime, 0);
	st = sys::attr(fs.path("dir"));
	EXPECT_EQ(st.st_mode, static_cast<mode_t>(S_IFDIR | 0555));
}

TEST_F(Metrics, OthersReadAndNobodyWrites)
{
	out.add_file(METRICS_ROOT, "file", "text");
	const auto all = [&] {
		EXPECT_EQ(sys::read_file(fs.path("file")), "text");
		EXPECT_EQ(names_in(fs.path()), Names{"file"});
		EXPECT_EQ(sys::open(fs.path("file"), O_WRONLY) < 0, true);
		EXPECT_LT(sys::unlink(fs.path("file")), 0);
		EXPECT_LT(sys::mkdir(fs.path("new")), 0);
		EXPECT_LT(sys::chmod(fs.path("file"), 0777), 0);
	};
	all();
	sys::as_user(1000, all);
}

// What ls -l, find and df ask.
TEST_F(Metrics, ProgramsAreSatisfied)
{
	out.add_file(out.add_directory(METRICS_ROOT, "dir"), "file", "text\n");
	const std::string path = fs.path();
	EXPECT_EQ(system(("ls -laR " + path + " > /dev/null").c_str()), 0);
	EXPECT_EQ(system(("find " + path + " -type f -name file | grep -q dir/file").c_str()), 0);
	EXPECT_EQ(system(("cat " + path + "/dir/file | grep -qx text").c_str()), 0);
	struct statvfs st;
	EXPECT_EQ(statvfs(path.c_str(), &st), 0);
	EXPECT_EQ(st.f_namemax, static_cast<unsigned long>(METRICS_NAME));
}

TEST_F(Metrics, NewNamesAndValuesAreSeenAtOnce)
{
	EXPECT_EQ(sys::stat(fs.path("late")), -ENOENT);
	EXPECT_EQ(sys::stat(fs.path("late")), -ENOENT);
	const uint64_t late = out.add_file(METRICS_ROOT, "late", "0");
	EXPECT_EQ(sys::stat(fs.path("late")), 0);
	const sys::Fd fd(sys::open(fs.path("late"), O_RDONLY));
	ASSERT_GE(fd, 0);
	for (int i = 1; i < 200; i++) {
		const std::string text(static_cast<size_t>(i % METRICS_TEXT), 'a');

		out.set(late, text);
		EXPECT_EQ(sys::read_at(fd, 4096, 0), text);
	}
	out.set(late, "0123456789");
	EXPECT_EQ(sys::read_at(fd, 3, 0), "012");
	EXPECT_EQ(sys::read_at(fd, 3, 8), "89");
	EXPECT_EQ(sys::read_at(fd, 3, 10), "");
	EXPECT_EQ(sys::read_at(fd, 3, 4096), "");
}

TEST_F(Metrics, NobodyReadsHalfOfAValue)
{
	const uint64_t node = out.add_file(METRICS_ROOT, "value", std::string(METRICS_TEXT, 'a'));
	std::atomic<bool> stop = false;
	std::thread writer([&] {
		for (unsigned i = 0; !stop; i++) {
			const size_t len = METRICS_TEXT - i % 7;

			out.set(node, std::string(len, static_cast<char>('a' + i % 26)));
		}
	});
	const sys::Fd fd(sys::open(fs.path("value"), O_RDONLY));
	std::set<std::string> seen;
	for (int i = 0; i < 20000; i++) {
		const std::string text = sys::read_at(fd, 4096, 0);

		seen.insert(text);
		if (text.size() < METRICS_TEXT - 6 ||
		    text.find_first_not_of(text[0]) != std::string::npos ||
		    (static_cast<size_t>(text[0] - 'a') > 25)) {
			ADD_FAILURE() << "torn: " << text;
			break;
		}
	}
	stop = true;
	writer.join();
	EXPECT_GT(seen.size(), 10);
}

// A writer that stops in the middle keeps nobody waiting.
TEST_F(Metrics, WriterMayDieInTheMiddle)
{
	const uint64_t node = out.add_file(METRICS_ROOT, "value", "old");
	const int map = extfuse_handler_map_fd(fs.ext(), "metrics");
	const uint32_t key = static_cast<uint32_t>(node - METRICS_FIRST_NODE);
	metric m = {};

	ASSERT_EQ(bpf_map_lookup_elem(map, &key, &m), 0);
	m.latch++; // odd: copy 0 is being written
	m.copy[0].len = 77;
	ASSERT_EQ(bpf_map_update_elem(map, &key, &m, BPF_ANY), 0);
	EXPECT_EQ(sys::read_file(fs.path("value")), "old");
}

// The program itself, which has counted what reached it.
TEST(MetricsFs, PublishesWithoutBeingAsked)
{
	char dir[] = "/tmp/metricsfs.XXXXXX";
	ASSERT_TRUE(mkdtemp(dir));
	const std::string path = std::string(dir) + "/";
	const pid_t pid = fork();
	if (pid == 0) {
		execl(METRICSFS_PROGRAM, METRICSFS_PROGRAM, dir, nullptr);
		_exit(127);
	}
	// Until it has counted the requests of the mount itself.
	for (int i = 0; i < 300 && atoi(sys::read_file(path + "ticks").c_str()) < 2; i++)
		usleep(100000);
	const std::string requests = sys::read_file(path + "requests");
	const int first = atoi(sys::read_file(path + "ticks").c_str());
	EXPECT_GT(first, 0);
	int later = first;
	for (int i = 0; i < 100 && later < first + 5; i++) {
		usleep(100000);
		EXPECT_EQ(names_in(path), (Names{"host", "ticks", "requests"}));
		EXPECT_EQ(names_in(path + "host"), (Names{"load", "uptime"}));
		EXPECT_GT(atof(sys::read_file(path + "host/uptime").c_str()), 0);
		later = atoi(sys::read_file(path + "ticks").c_str());
	}
	EXPECT_GE(later, first + 5);
	EXPECT_EQ(sys::read_file(path + "requests"), requests);
	EXPECT_EQ(kill(pid, SIGTERM), 0);
	int status = -1;
	EXPECT_EQ(waitpid(pid, &status, 0), pid);
	EXPECT_EQ(status, 0);
	EXPECT_EQ(names_in(path), Names{}); // not mounted any more
	EXPECT_EQ(rmdir(dir), 0);
}

// Another handler has no such map: the program ends, and what it has begun ends in order.
TEST(MetricsFs, EndsInOrderWithoutItsMap)
{
	char dir[] = "/tmp/metricsfs.XXXXXX", log[] = "/tmp/metricsfs-log.XXXXXX";
	ASSERT_TRUE(mkdtemp(dir));
	const sys::Fd said(mkstemp(log));
	ASSERT_GE(said, 0);
	const std::string option = "handler=" + example("minimal");
	const pid_t pid = fork();
	if (pid == 0) {
		dup2(said, STDERR_FILENO);
		setenv("ASAN_OPTIONS", "exitcode=99", 1);
		execl(METRICSFS_CHECKED, METRICSFS_CHECKED, "-o", option.c_str(), dir, nullptr);
		_exit(127);
	}
	int status = -1;
	EXPECT_EQ(waitpid(pid, &status, 0), pid);
	EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 1)
		<< status << ": " << sys::read_file(log);
	EXPECT_NE(sys::read_file(log).find("map of metrics"), std::string::npos);
	EXPECT_EQ(names_in(dir), Names{});
	EXPECT_EQ(rmdir(dir), 0);
	sys::unlink(log);
}

} // namespace extfuse_test
