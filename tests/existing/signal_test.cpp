// SPDX-License-Identifier: GPL-2.0-only
//
// extfuse-run: whom signals reach, and how often.
#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <functional>
#include <optional>
#include <thread>

#include <poll.h>
#include <pty.h>
#include <sys/wait.h>

#include "ending.hpp"
#include "guest.hpp"

namespace extfuse_test
{

namespace
{

using namespace std::chrono_literals;

bool eventually(const std::function<bool()> &what, std::chrono::seconds patience = 20s)
{
	const auto end = std::chrono::steady_clock::now() + patience * slower();

	while (!what()) {
		if (std::chrono::steady_clock::now() > end)
			return false;
		std::this_thread::sleep_for(10ms);
	}
	return true;
}

bool exists(pid_t pid)
{
	return kill(pid, 0) == 0;
}

// A command on a terminal of its own, as a shell would have it in the foreground.
class Terminal
{
public:
	explicit Terminal(const Words &words)
	{
		std::vector<char *> argv;

		for (const std::string &word : words)
			argv.push_back(const_cast<char *>(word.c_str()));
		argv.push_back(nullptr);
		pid_ = forkpty(&fd_, nullptr, nullptr, nullptr);
		if (pid_ == 0) {
			// Who runs us may have it ignored.
			for (const int number : {SIGINT, SIGTERM, SIGHUP})
				signal(number, SIG_DFL);
			execv(argv[0], argv.data());
			_exit(127);
		}
		reader_ = std::thread([this] { read_all(); });
	}
	~Terminal()
	{
		if (!status_)
			kill(pid_, SIGKILL);
		wait();
		said();
		close(fd_);
	}
	Terminal(const Terminal &) = delete;
	Terminal &operator=(const Terminal &) = delete;

	void type(char c) const
	{
		ASSERT_EQ(write(fd_, &c, 1), 1);
	}
	// Its status as a shell has it; -1: it does not end.
	int wait(std::chrono::seconds patience = 10s)
	{
		int status;

		if (!status_ &&
		    eventually([&] { return waitpid(pid_, &status, WNOHANG) == pid_; }, patience))
			status_ =
				WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
		return status_.value_or(-1);
	}
	// What has been said so far; nothing is read from then on.
	std::string said()
	{
		over_ = true;
		if (reader_.joinable())
			reader_.join();
		return said_;
	}

private:
	void read_all()
	{
		pollfd p = {fd_, POLLIN, 0};
		char part[256];

		for (;;) {
			if (poll(&p, 1, 50) == 0 && over_)
				return;
			const ssize_t n = p.revents ? read(fd_, part, sizeof(part)) : 0;
			if (n < 0)
				return;
			said_.append(part, static_cast<size_t>(n));
		}
	}

	pid_t pid_;
	int fd_ = -1;
	std::optional<int> status_;
	std::atomic<bool> over_ = false;
	std::string said_;
	std::thread reader_;
};

class ExistingSignal : public ExistingEnd
{
protected:
	// Serves in the background, and in the foreground saves something that takes its
	// time when it is told to end.
	Words saver(const std::string &signal) const
	{
		return {"sh", "-c",
			"told=; trap 'echo told; told=1' " + signal +
				"; bindfs $0 $1; while [ ! $told ]; do sleep 0.1; done; "
				"sleep 1.5; echo saved",
			place.source(), place.mnt()};
	}
	static size_t count(const std::string &text, const std::string &word)
	{
		size_t n = 0;

		for (size_t at = 0; (at = text.find(word, at)) != std::string::npos; at++)
			n++;
		return n;
	}
	bool wait_mounted_here() const
	{
		return eventually([&] { return !mounted(place.mnt()).empty(); });
	}
};

TEST_F(ExistingSignal, ToTheWholeGroup)
{
	Words words = by_driver({}, saver("TERM"));

	words.insert(words.begin(), "setsid");
	Job job(words);
	ASSERT_TRUE(wait_mounted(place.mnt(), job)) << Job::output();
	ASSERT_TRUE(shows_files());
	ASSERT_EQ(kill(-job.pid(), SIGTERM), 0) << errno;
	EXPECT_EQ(job.wait(), 0);
	EXPECT_EQ(count(Job::output(), "told"), 1U) << Job::output();
	EXPECT_TRUE(said("saved")) << Job::output();
	EXPECT_EQ(server(), -1);
	expect_nothing_left();
}

// First to the process it has started, then to the whole group.
TEST_F(ExistingSignal, ByTimeout)
{
	Words words = by_driver({}, saver("TERM"));

	words.insert(words.begin(), {"timeout", "1000"});
	Job job(words);
	ASSERT_TRUE(wait_mounted(place.mnt(), job)) << Job::output();
	ASSERT_TRUE(shows_files());
	kill(job.pid(), SIGTERM); // as if the time were over
	EXPECT_EQ(job.wait(), 0);
	EXPECT_TRUE(said("saved")) << Job::output();
	expect_nothing_left();
}

TEST_F(ExistingSignal, ToOneProcess)
{
	Job job(by_driver({}, saver("TERM")));
	ASSERT_TRUE(wait_mounted(place.mnt(), job)) << Job::output();
	kill(job.pid(), SIGTERM);
	usleep(200000);
	kill(job.pid(), SIGTERM);
	EXPECT_EQ(job.wait(), 0);
	EXPECT_EQ(count(Job::output(), "told"), 1U) << Job::output();
	EXPECT_TRUE(said("saved")) << Job::output();
	expect_nothing_left();
}

TEST_F(ExistingSignal, CtrlCInTheForeground)
{
	Terminal terminal(by_driver({}, saver("INT TERM")));
	ASSERT_TRUE(wait_mounted_here());
	ASSERT_TRUE(shows_files());
	terminal.type(3);
	EXPECT_EQ(terminal.wait(), 0);
	EXPECT_EQ(count(terminal.said(), "told"), 1U) << terminal.said();
	EXPECT_EQ(count(terminal.said(), "saved"), 1U) << terminal.said();
	EXPECT_EQ(server(), -1);
	expect_nothing_left();
}

TEST_F(ExistingSignal, CtrlCAndTheProgramIsInTheBackground)
{
	for (const char *option : {"--explain", "-f"}) {
		Terminal terminal(by_driver({option}, bindfs()));
		ASSERT_TRUE(wait_mounted_here());
		ASSERT_TRUE(shows_files());
		terminal.type(3);
		EXPECT_EQ(terminal.wait(), 0);
		EXPECT_EQ(server(), -1);
		expect_nothing_left();
	}
}

TEST_F(ExistingSignal, SecondCtrlC)
{
	Terminal terminal(by_driver(
		{}, {"sh", "-c", "trap '' INT TERM; bindfs $0 $1; while :; do sleep 1; done",
		     place.source(), place.mnt()}));
	ASSERT_TRUE(wait_mounted_here());
	ASSERT_TRUE(shows_files());
	terminal.type(3);
	EXPECT_EQ(terminal.wait(2s), -1);
	terminal.type(3);
	EXPECT_EQ(terminal.wait(), 128 + SIGKILL);
	expect_nothing_left();
}

TEST_F(ExistingSignal, IgnoredByTheCaller)
{
	for (const auto &[name, signal] : {std::pair("HUP", SIGHUP), std::pair("INT", SIGINT)}) {
		Words words = by_driver({}, bindfs({"-f"}));

		words.insert(words.begin(),
			     {"setsid", "env", std::string("--ignore-signal=") + name});
		Job job(words);
		ASSERT_TRUE(wait_mounted(place.mnt(), job)) << Job::output();
		ASSERT_TRUE(shows_files());
		ASSERT_EQ(kill(-job.pid(), signal), 0);
		EXPECT_FALSE(eventually([&] { return mounted(place.mnt()).empty(); }, 1s)) << name;
		kill(job.pid(), SIGTERM);
		EXPECT_EQ(job.wait(), 0);
		expect_nothing_left();
	}
}

TEST_F(ExistingSignal, ChildrenAreIgnoredByTheCaller)
{
	Words words = by_driver({}, {"sh", "-c", "exit 3"});

	words.insert(words.begin(), {"env", "--ignore-signal=CHLD"});
	Job job(words);
	EXPECT_EQ(job.wait(), 3) << Job::output();
}

TEST_F(ExistingSignal, ToOneThatServesSince)
{
	Job job(by_driver({"--stop-timeout=15"}, {MOUNTER_PROGRAM, place.mnt(), ".", "heir"}));
	ASSERT_TRUE(wait_mounted(place.mnt(), job)) << Job::output();
	kill(job.pid(), SIGTERM);
	EXPECT_EQ(job.wait(), 0) << Job::output();
	EXPECT_TRUE(said("the heir was told")) << Job::output();
	expect_nothing_left();
}

// Programs that the driver does not serve.

TEST_F(ExistingSignal, OnStockInTheBackground)
{
	Job job(by_driver({}, {"unshare", "-m", "bindfs", place.source(), place.mnt()}));
	EXPECT_TRUE(eventually([&] { return !exists(job.pid()); }));
	EXPECT_TRUE(said("in a namespace or root of the program's own")) << Job::output();
	EXPECT_FALSE(job.over());
	ASSERT_GT(server(), 0);
	kill(server(), SIGTERM);
	EXPECT_EQ(job.wait(), 0);
}

TEST_F(ExistingSignal, FailsAndLeavesSomethingRunning)
{
	Job job(by_driver({}, {"sh", "-c", "sleep 1234 & exit 3"}));
	EXPECT_TRUE(eventually([&] { return !exists(job.pid()); }));
	EXPECT_FALSE(job.over());
	ASSERT_EQ(system("kill $(pidof sleep)"), 0);
	EXPECT_EQ(job.wait(), 3);
}

TEST_F(ExistingSignal, DoesNotMountInTheBackground)
{
	Job job(by_driver({"--mount-timeout=1"}, {"sh", "-c", "sleep 1234 & exit 0"}));
	EXPECT_EQ(job.wait(), 0) << Job::output();
	EXPECT_TRUE(said("has not mounted anything in 1 s")) << Job::output();
}

} // namespace

} // namespace extfuse_test
