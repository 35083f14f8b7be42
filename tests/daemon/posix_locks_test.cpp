// SPDX-License-Identifier: GPL-2.0-only
// Locks, and waiting for them: who waits can be interrupted, and holds up nobody.
#include "mount_fixture.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <thread>

namespace stackfs_test
{

using namespace std::chrono_literals;

class Locks : public Mounted
{
protected:
	void SetUp() override
	{
		Mounted::SetUp();
		if (IsSkipped() || HasFatalFailure())
			return;
		ASSERT_EQ(write_file(mnt("f"), "0123456789"), 0);
	}
	Fd file() const
	{
		return Fd(open(mnt("f").c_str(), O_RDWR | O_CLOEXEC));
	}
	// Until that many wait in the daemon.
	void wait_for_waiters(long count) const
	{
		for (int i = 0; i < 4000 && stat_number("waiting") < count; ++i)
			std::this_thread::sleep_for(5ms);
		EXPECT_GE(stat_number("waiting"), count);
	}
};

namespace
{

int lock_range(int fd, int command, short type, off_t start, off_t length)
{
	struct flock lock = {};
	lock.l_type = type;
	lock.l_whence = SEEK_SET;
	lock.l_start = start;
	lock.l_len = length;
	return errno_of(fcntl(fd, command, &lock));
}

struct flock who_holds(int fd, short type, off_t start, off_t length)
{
	struct flock lock = {};
	lock.l_type = type;
	lock.l_whence = SEEK_SET;
	lock.l_start = start;
	lock.l_len = length;
	EXPECT_EQ(fcntl(fd, F_GETLK, &lock), 0) << strerror(errno);
	return lock;
}

void on_alarm(int) {}

// A signal that interrupts and does not kill.
void alarm_soon()
{
	struct sigaction action = {};
	action.sa_handler = on_alarm;
	sigaction(SIGALRM, &action, nullptr);
	ualarm(200000, 100000);
}

} // namespace

TEST_F(Locks, FlockBetweenOpenFiles)
{
	const Fd a = file();
	const Fd b = file();
	ASSERT_EQ(flock(a, LOCK_EX), 0) << strerror(errno);
	EXPECT_EQ(errno_of(flock(b, LOCK_EX | LOCK_NB)), EWOULDBLOCK);
	EXPECT_EQ(errno_of(flock(b, LOCK_SH | LOCK_NB)), EWOULDBLOCK);
	ASSERT_EQ(flock(a, LOCK_SH), 0);
	EXPECT_EQ(flock(b, LOCK_SH | LOCK_NB), 0);
	ASSERT_EQ(flock(a, LOCK_UN), 0);
	EXPECT_EQ(flock(b, LOCK_EX | LOCK_NB), 0);
}

TEST_F(Locks, FlockIsSeenBelow)
{
	const Fd a = file();
	const Fd below(open(lower("f").c_str(), O_RDWR));
	ASSERT_EQ(flock(a, LOCK_EX), 0);
	EXPECT_EQ(errno_of(flock(below, LOCK_EX | LOCK_NB)), EWOULDBLOCK);
	ASSERT_EQ(flock(a, LOCK_UN), 0);
	EXPECT_EQ(flock(below, LOCK_EX | LOCK_NB), 0);
	EXPECT_EQ(errno_of(flock(a, LOCK_SH | LOCK_NB)), EWOULDBLOCK);
}

TEST_F(Locks, CloseReleasesFlock)
{
	Fd a = file();
	const Fd b = file();
	ASSERT_EQ(flock(a, LOCK_EX), 0);
	a.close();
	for (int i = 0; i < 200 && flock(b, LOCK_EX | LOCK_NB) != 0; ++i)
		std::this_thread::sleep_for(5ms); // RELEASE is sent behind close()
	EXPECT_EQ(flock(b, LOCK_EX | LOCK_NB), 0);
}

TEST_F(Locks, FlockWaiterGetsItsTurn)
{
	const Fd a = file();
	ASSERT_EQ(flock(a, LOCK_EX), 0);
	const pid_t child = spawn([&] {
		const Fd b = file();
		return errno_of(flock(b, LOCK_EX));
	});
	wait_for_waiters(1);
	ASSERT_EQ(flock(a, LOCK_UN), 0);
	EXPECT_EQ(wait_for(child, 10s), 0);
}

TEST_F(Locks, FlockWaiterCanBeInterrupted)
{
	const Fd a = file();
	ASSERT_EQ(flock(a, LOCK_EX), 0);
	const pid_t child = spawn([&] {
		const Fd b = file();
		alarm_soon();
		return errno_of(flock(b, LOCK_EX));
	});
	EXPECT_EQ(wait_for(child, 10s), EINTR);
}

TEST_F(Locks, FlockWaiterCanBeKilled)
{
	const Fd a = file();
	ASSERT_EQ(flock(a, LOCK_EX), 0);
	const pid_t child = spawn([&] {
		const Fd b = file();
		return errno_of(flock(b, LOCK_EX));
	});
	wait_for_waiters(1);
	kill(child, SIGKILL);
	EXPECT_EQ(wait_for(child, 10s), 128 + SIGKILL);
	for (int i = 0; i < 1000 && stat_number("waiting"); ++i)
		std::this_thread::sleep_for(5ms);
	EXPECT_EQ(stat_number("waiting"), 0);
	ASSERT_EQ(flock(a, LOCK_UN), 0);
	const Fd c = file();
	EXPECT_EQ(flock(c, LOCK_EX | LOCK_NB), 0) << "the killed one must not hold it";
}

TEST_F(Locks, RangesBetweenProcesses)
{
	const Fd a = file();
	ASSERT_EQ(lock_range(a, F_SETLK, F_WRLCK, 0, 5), 0);
	const pid_t parent = getpid();
	const pid_t child = spawn([&] {
		const Fd b = file();
		const struct flock held = who_holds(b, F_WRLCK, 0, 0);
		if (held.l_type != F_WRLCK || held.l_start != 0 || held.l_len != 5)
			return 100;
		if (held.l_pid != parent)
			return 101;
		if (lock_range(b, F_SETLK, F_WRLCK, 4, 2) != EAGAIN)
			return 102;
		if (lock_range(b, F_SETLK, F_WRLCK, 5, 5) != 0)
			return 103;
		return 0;
	});
	EXPECT_EQ(wait_for(child, 10s), 0);
	EXPECT_EQ(lock_range(a, F_SETLK, F_WRLCK, 5, 5), 0) << "its owner has ended";
	EXPECT_EQ(lock_range(a, F_SETLK, F_WRLCK, 0, 0), 0) << "nobody is in one's own way";
	EXPECT_EQ(lock_range(a, F_SETLK, F_RDLCK, 0, 3), 0);
	EXPECT_EQ(lock_range(a, F_SETLK, F_UNLCK, 0, 0), 0);
}

TEST_F(Locks, SharedRanges)
{
	const Fd a(open(mnt("f").c_str(), O_RDONLY));
	ASSERT_EQ(lock_range(a, F_SETLK, F_RDLCK, 0, 0), 0);
	const pid_t child = spawn([&] {
		const Fd b = file();
		if (lock_range(b, F_SETLK, F_RDLCK, 0, 0) != 0)
			return 100;
		return lock_range(b, F_SETLK, F_WRLCK, 0, 0);
	});
	EXPECT_EQ(wait_for(child, 10s), EAGAIN);
}

TEST_F(Locks, RangesAreSeenBelow)
{
	const Fd a = file();
	ASSERT_EQ(lock_range(a, F_SETLK, F_WRLCK, 0, 5), 0);
	const Fd below(open(lower("f").c_str(), O_RDWR));
	EXPECT_EQ(lock_range(below, F_SETLK, F_WRLCK, 0, 5), EAGAIN);
	EXPECT_EQ(lock_range(below, F_SETLK, F_WRLCK, 5, 5), 0);
	EXPECT_EQ(lock_range(a, F_SETLK, F_WRLCK, 5, 5), EAGAIN);
	EXPECT_EQ(who_holds(a, F_WRLCK, 5, 5).l_pid, getpid());
}

// POSIX: closing any descriptor of the file drops the process's locks on it.
TEST_F(Locks, AnyCloseDropsRanges)
{
	const Fd a = file();
	ASSERT_EQ(lock_range(a, F_SETLK, F_WRLCK, 0, 5), 0);
	file().close();
	const pid_t child = spawn([&] {
		const Fd b = file();
		return lock_range(b, F_SETLK, F_WRLCK, 0, 5);
	});
	EXPECT_EQ(wait_for(child, 10s), 0);
}

TEST_F(Locks, OpenFileDescriptionLocks)
{
	Fd a = file();
	const Fd b = file();
	ASSERT_EQ(lock_range(a, F_OFD_SETLK, F_WRLCK, 0, 5), 0) << strerror(errno);
	EXPECT_EQ(lock_range(b, F_OFD_SETLK, F_WRLCK, 0, 5), EAGAIN);
	file().close();
	EXPECT_EQ(lock_range(b, F_OFD_SETLK, F_WRLCK, 0, 5), EAGAIN) << "no POSIX lock";
	a.close();
	int err = EAGAIN;
	for (int i = 0; i < 400 && err; ++i) {
		err = lock_range(b, F_OFD_SETLK, F_WRLCK, 0, 5);
		std::this_thread::sleep_for(5ms);
	}
	EXPECT_EQ(err, 0) << "released with its file";
}

TEST_F(Locks, RangeWaiterGetsItsTurn)
{
	const Fd a = file();
	ASSERT_EQ(lock_range(a, F_SETLK, F_WRLCK, 0, 5), 0);
	const pid_t child = spawn([&] {
		const Fd b = file();
		return lock_range(b, F_SETLKW, F_WRLCK, 0, 5);
	});
	wait_for_waiters(1);
	ASSERT_EQ(lock_range(a, F_SETLK, F_UNLCK, 0, 5), 0);
	EXPECT_EQ(wait_for(child, 10s), 0);
}

TEST_F(Locks, RangeWaiterCanBeInterruptedAndKilled)
{
	const Fd a = file();
	ASSERT_EQ(lock_range(a, F_SETLK, F_WRLCK, 0, 5), 0);
	pid_t child = spawn([&] {
		const Fd b = file();
		alarm_soon();
		return lock_range(b, F_SETLKW, F_WRLCK, 0, 5);
	});
	EXPECT_EQ(wait_for(child, 10s), EINTR);
	child = spawn([&] {
		const Fd b = file();
		return lock_range(b, F_SETLKW, F_WRLCK, 0, 5);
	});
	wait_for_waiters(1);
	kill(child, SIGKILL);
	EXPECT_EQ(wait_for(child, 10s), 128 + SIGKILL);
}

TEST_F(Locks, FiftyWaitersDoNotHoldUpTheUnlock)
{
	const Fd a = file();
	ASSERT_EQ(flock(a, LOCK_EX), 0);
	ASSERT_EQ(lock_range(a, F_SETLK, F_WRLCK, 0, 0), 0);
	std::vector<pid_t> children;
	for (int i = 0; i < 50; ++i)
		children.push_back(spawn([&] {
			const Fd b = file();
			if (i % 2)
				return errno_of(flock(b, LOCK_EX));
			return lock_range(b, F_SETLKW, F_WRLCK, 0, 0);
		}));
	wait_for_waiters(50);
	EXPECT_EQ(read_file(mnt("f")), "0123456789") << "others are served";
	ASSERT_EQ(flock(a, LOCK_UN), 0);
	ASSERT_EQ(lock_range(a, F_SETLK, F_UNLCK, 0, 0), 0);
	for (const pid_t child : children)
		EXPECT_EQ(wait_for(child, 20s), 0);
}

TEST_F(Locks, UnmountWithWaiters)
{
	const Fd below(open(lower("f").c_str(), O_RDWR));
	ASSERT_EQ(flock(below, LOCK_EX), 0);
	const pid_t child = spawn([&] {
		const Fd b = file();
		return flock(b, LOCK_EX) == 0 ? 0 : 1;
	});
	wait_for_waiters(1);
	unmount(); // checks that the daemon ends
	EXPECT_EQ(wait_for(child, 10s), 1);
}

// open() below waits until a lease is given up, at most 45 seconds.
TEST_F(Locks, OpenThatWaitsForALease)
{
	const Fd below(open(lower("f").c_str(), O_RDONLY));
	signal(SIGIO, SIG_IGN);
	int err = EAGAIN; // until the writer's RELEASE has come
	for (int i = 0; i < 400 && err == EAGAIN; ++i) {
		err = errno_of(fcntl(below, F_SETLEASE, F_RDLCK));
		std::this_thread::sleep_for(5ms);
	}
	if (err)
		GTEST_SKIP() << "no leases here: " << strerror(err);
	pid_t child = spawn([&] {
		const Fd b(open(mnt("f").c_str(), O_WRONLY));
		return b < 0 ? errno : 0;
	});
	wait_for_waiters(1);
	kill(child, SIGKILL);
	EXPECT_EQ(wait_for(child, 10s), 128 + SIGKILL);

	child = spawn([&] { return errno_of(truncate(mnt("f").c_str(), 3)); });
	wait_for_waiters(1);
	ASSERT_EQ(fcntl(below, F_SETLEASE, F_UNLCK), 0);
	EXPECT_EQ(wait_for(child, 10s), 0);
	EXPECT_EQ(stat_of(mnt("f")).st_size, 3);
	signal(SIGIO, SIG_DFL);
}

} // namespace stackfs_test
