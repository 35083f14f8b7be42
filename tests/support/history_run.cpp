// SPDX-License-Identifier: GPL-2.0-only
#include "history_run.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <stdexcept>

#include "guest.hpp"
#include "history_check.hpp"

namespace extfuse_test::history
{

namespace
{

using Clock = std::chrono::steady_clock;

constexpr unsigned workers = 4;
constexpr unsigned outsider = workers; // index of the process behind the mount
constexpr unsigned processes = workers + 1;
constexpr unsigned max_calls = 7; // of one process in one round

double since(Clock::time_point begin)
{
	return std::chrono::duration<double>(Clock::now() - begin).count();
}

// What the processes share.
struct Board {
	sem_t go[processes];
	sem_t done;
	pthread_barrier_t start;
	bool stop;
	unsigned round;
	unsigned count[processes];
	Operation operations[processes][max_calls];
	uint64_t disturbed[disturbances];
	char error[256]; // of a process that could not go on
};

class Shared
{
	Board *board_;

public:
	Shared()
	{
		void *memory = mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE,
				    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		if (memory == MAP_FAILED)
			throw std::runtime_error("mmap");
		board_ = new (memory) Board{};
		for (sem_t &go : board_->go)
			sem_init(&go, 1, 0);
		sem_init(&board_->done, 1, 0);
		pthread_barrierattr_t shared;
		pthread_barrierattr_init(&shared);
		pthread_barrierattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
		pthread_barrier_init(&board_->start, &shared, processes);
		pthread_barrierattr_destroy(&shared);
	}
	~Shared()
	{
		munmap(board_, sizeof(Board));
	}
	Shared(const Shared &) = delete;
	Shared &operator=(const Shared &) = delete;

	Board *operator->()
	{
		return board_;
	}
};

// -------------------------------------------------------------------------
// In a process of its own

std::mt19937 choices(const Options &options, unsigned round, unsigned process)
{
	std::seed_seq seed{options.seed, round, process};
	return std::mt19937(seed);
}

Mood common_mood(const Options &options, unsigned round)
{
	std::mt19937 random = choices(options, round, processes);
	Mood mood;
	mood.hot.dir = uint8_t(random() % fixed_dirs);
	mood.hot.name = int8_t(random() % dir_names);
	return mood;
}

void work(Shared &board, const Options &options, unsigned self, Actor &actor)
{
	std::mt19937 random = choices(options, board->round, self);
	const unsigned count = 3 + random() % (max_calls - 3);
	Mood mood = common_mood(options, board->round);

	mood.watches = random() % 4 == 0;
	board->count[self] = 0;
	pthread_barrier_wait(&board->start);
	for (unsigned i = 0; i < count; i++) {
		Operation &op = board->operations[self][i];
		op = choose(random, mood, actor);
		op.process = uint8_t(self);
		actor.run(op);
		board->count[self] = i + 1;
		if (random() % 4 == 0)
			sched_yield();
	}
	actor.close_file();
}

void drop_caches(const char *what)
{
	const int fd = open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC);
	// Names that were used lately get a second chance.
	for (unsigned i = 0; i < 3; i++)
		if (fd < 0 || write(fd, what, 1) != 1)
			throw std::runtime_error(std::string("drop_caches: ") + strerror(errno));
	close(fd);
}

void disturb(Shared &board, const Options &options, const std::function<void()> &meanwhile)
{
	const unsigned number = board->round / options.disturb_every;
	const Disturbance kind = options.disturb[number % options.disturb.size()];

	switch (kind) {
	case Disturbance::DropNodes:
		drop_caches("2");
		break;
	case Disturbance::DropAll:
		drop_caches("3");
		break;
	case Disturbance::Detach:
		options.control("detach");
		meanwhile();
		usleep(20'000); // for the others to do something
		options.control("attach");
		break;
	case Disturbance::InvalidateAll:
		options.control("invalidate-all");
		break;
	default:
		options.control("remember 0");
		meanwhile();
		options.control("remember 1");
	}
	board->disturbed[static_cast<unsigned>(kind)]++;
	if (kind != Disturbance::Detach && kind != Disturbance::Forget)
		meanwhile();
}

void work_behind(Shared &board, const Options &options, Outsider &who)
{
	std::mt19937 random = choices(options, board->round, outsider);
	const Mood mood = common_mood(options, board->round);
	unsigned &count = board->count[outsider];

	count = 0;
	pthread_barrier_wait(&board->start);
	const auto change = [&] {
		const unsigned changes = options.behind ? random() % 4 : 0;
		for (unsigned i = 0; i < changes; i++) {
			Operation &op = board->operations[outsider][count];
			op = choose_behind(random, mood);
			op.process = outsider;
			who.run(op);
			count++;
		}
	};
	if (!options.disturb.empty() && board->round % options.disturb_every == 0)
		disturb(board, options, change);
	else
		change();
}

[[noreturn]] void process(Shared &board, const Options &options, unsigned self)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	try {
		Actor actor(options.root);
		Outsider who(options.lower, options.control);
		for (;;) {
			while (sem_wait(&board->go[self]) < 0)
				continue;
			if (board->stop)
				_exit(0);
			if (self == outsider)
				work_behind(board, options, who);
			else
				work(board, options, self, actor);
			sem_post(&board->done);
		}
	} catch (const std::exception &e) {
		snprintf(board->error, sizeof(board->error), "process %u: %s", self, e.what());
	}
	sem_post(&board->done);
	_exit(1);
}

// -------------------------------------------------------------------------

class Processes
{
	Shared &board_;
	std::vector<pid_t> pids_;

public:
	Processes(Shared &board, const Options &options) : board_(board)
	{
		fflush(nullptr);
		for (unsigned i = 0; i < processes; i++) {
			const pid_t pid = fork();
			if (pid == 0)
				process(board, options, i);
			pids_.push_back(pid);
		}
	}
	~Processes()
	{
		board_->stop = true;
		for (sem_t &go : board_->go)
			sem_post(&go);
		// Those that do not listen any more.
		for (const pid_t pid : pids_) {
			if (!ended(pid))
				kill(pid, SIGKILL);
			waitpid(pid, nullptr, 0);
		}
	}
	Processes(const Processes &) = delete;
	Processes &operator=(const Processes &) = delete;

	// False: a process did not come back.
	bool round(unsigned number)
	{
		board_->round = number;
		for (sem_t &go : board_->go)
			sem_post(&go);
		timespec limit;
		clock_gettime(CLOCK_REALTIME, &limit);
		limit.tv_sec += 30 * long{slower()};
		for (unsigned i = 0; i < processes && !board_->error[0]; i++) {
			int error;
			while ((error = sem_timedwait(&board_->done, &limit)) && errno == EINTR)
				continue;
			if (error)
				return false;
		}
		return true;
	}

private:
	static bool ended(pid_t pid)
	{
		siginfo_t info = {};
		for (unsigned i = 0; i < 200; i++) {
			waitid(P_PID, id_t(pid), &info, WEXITED | WNOWAIT | WNOHANG);
			if (info.si_pid == pid)
				return true;
			usleep(10'000);
		}
		return false;
	}
};

class Runner
{
	const Options &options_;
	Shared board_;
	Totals totals_;

	History collect()
	{
		History history;
		for (unsigned p = 0; p < processes; p++)
			history.insert(history.end(), board_->operations[p],
				       board_->operations[p] + board_->count[p]);
		return history;
	}

	void count(const History &history)
	{
		totals_.rounds++;
		totals_.operations += history.size();
		for (const Operation &op : history) {
			totals_.calls[static_cast<unsigned>(op.call)]++;
			totals_.failed += op.result < 0;
			totals_.overlapping +=
				std::any_of(history.begin(), history.end(), [&](const auto &o) {
					return o.process != op.process && o.begin < op.end &&
					       op.begin < o.end;
				});
		}
	}

	// All is quiet: the mount shows what the lower directory is.
	Tree look(const Tree *before, const History &history)
	{
		if (options_.lower.empty())
			return read_tree(options_.root);
		const Tree lower = read_tree(options_.lower);
		// Every other time: what was cached before is still to be used, too.
		if (totals_.rounds % 2)
			return lower;
		// And from the maps alone, sometimes.
		if (!options_.disturb.empty() && totals_.rounds % 4 == 0)
			drop_caches("2");
		std::string wrong;
		try {
			wrong = difference(read_tree(options_.root), lower);
		} catch (const std::exception &e) {
			wrong = e.what() + std::string("\n");
		}
		if (!wrong.empty())
			throw std::runtime_error(
				"the mount shows what is not so\n" + wrong + "The tree before:\n" +
				(before ? text(*before) : "") + "All operations:\n" +
				text(history) + "The tree afterwards:\n" + text(lower));
		return lower;
	}

	// A busy machine may take longer.
	bool enough(Clock::duration spent) const
	{
		return spent >= options_.time &&
		       (totals_.operations >= options_.operations || spent >= options_.time * 8);
	}

	Tree round(Processes &all, const Tree &before)
	{
		if (!all.round(unsigned(totals_.rounds)))
			throw std::runtime_error("a process hangs\n" + text(collect()));
		if (board_->error[0])
			throw std::runtime_error(board_->error);
		const History history = collect();
		count(history);
		const Tree after = look(&before, history);
		const auto begin = Clock::now();
		const Found found = check(before, history, after, options_.rules);
		totals_.checking += since(begin);
		totals_.configurations += found.configurations;
		if (found.verdict != Verdict::Linearizable)
			throw std::runtime_error("not linearizable\n" +
						 explain(before, history, after, found));
		return after;
	}

public:
	explicit Runner(const Options &options) : options_(options) {}

	Totals run()
	{
		const auto begin = Clock::now();
		try {
			Processes all(board_, options_);
			Tree tree = look(nullptr, {});
			while (!enough(Clock::now() - begin))
				tree = round(all, tree);
		} catch (const std::exception &e) {
			totals_.failure = "round " + std::to_string(totals_.rounds) + ", seed " +
					  std::to_string(options_.seed) + ": " + e.what();
		}
		totals_.seconds = since(begin);
		std::copy_n(board_->disturbed, disturbances, totals_.disturbed);
		return totals_;
	}
};

} // namespace

uint64_t Totals::behind() const
{
	uint64_t sum = 0;
	for (unsigned i = 0; i < call_count; i++)
		if (is_behind(static_cast<Call>(i)))
			sum += calls[i];
	return sum;
}

std::string Totals::text() const
{
	char line[320];
	snprintf(line, sizeof(line),
		 "%lu operations in %lu rounds checked, %lu overlapping, %lu failed as they must, "
		 "%lu behind; %.1f s, of which checking %.1f s, %lu configurations\n",
		 operations, rounds, overlapping, failed, behind(), seconds, checking,
		 configurations);
	std::string out = line;
	for (unsigned i = 0; i < call_count; i++)
		out += (i ? ", " : "  ") + std::string(call_name(static_cast<Call>(i))) + " " +
		       std::to_string(calls[i]);
	return out + "\n";
}

Totals run(const Options &options)
{
	return Runner(options).run();
}

} // namespace extfuse_test::history
