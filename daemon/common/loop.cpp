// SPDX-License-Identifier: GPL-2.0-only
#include "common/loop.hpp"

#include "common/log.hpp"

#include <extfuse/extfuse.h>

#include <pthread.h>
#include <signal.h>

#include <atomic>
#include <cerrno>
#include <ctime>
#include <system_error>
#include <thread>

namespace stackfs
{

namespace
{

constexpr int wake_signal = SIGUSR2; // only ends a system call
constexpr long nudge_interval_ns = 10'000'000;

sigset_t waited_signals()
{
	sigset_t set;
	sigemptyset(&set);
	for (int sig : {SIGHUP, SIGINT, SIGTERM, SIGUSR1})
		sigaddset(&set, sig);
	return set;
}

void nothing(int) {}

void install_wake_signal()
{
	struct sigaction action = {};
	action.sa_handler = nothing; // no SA_RESTART: the call must return
	sigaction(wake_signal, &action, nullptr);
}

// Waits for signals on a thread of its own. The one that ends the loop keeps
// waking the main thread until the loop has returned: a single signal could
// arrive just before the thread sleeps, and be lost.
class SignalThread
{
	fuse_session *session_;
	const std::function<void()> &on_usr1_;
	pthread_t main_ = pthread_self();
	std::atomic<bool> loop_done_{false};
	std::thread thread_;

	void run() noexcept
	{
		const sigset_t set = waited_signals();
		for (;;) {
			const int sig = sigwaitinfo(&set, nullptr);
			if (loop_done_)
				return;
			if (sig == SIGUSR1)
				on_usr1_();
			else if (sig > 0)
				end_loop(sig);
		}
	}

	void end_loop(int sig)
	{
		log_debug("ending after signal %d", sig);
		fuse_session_exit(session_);
		while (!loop_done_) {
			pthread_kill(main_, wake_signal);
			const timespec tick = {0, nudge_interval_ns};
			nanosleep(&tick, nullptr);
		}
	}

public:
	SignalThread(fuse_session *session, const std::function<void()> &on_usr1)
		: session_(session), on_usr1_(on_usr1), thread_([this] { run(); })
	{
	}
	~SignalThread()
	{
		loop_done_ = true;
		pthread_kill(thread_.native_handle(), SIGUSR1);
		thread_.join();
	}
};

int loop_many(fuse_session *session, unsigned threads)
{
	fuse_loop_config *config = fuse_loop_cfg_create();
	if (!config)
		return ENOMEM;
	fuse_loop_cfg_set_clone_fd(config, 0);
	fuse_loop_cfg_set_max_threads(config, threads);
	fuse_loop_cfg_set_idle_threads(config, threads);
	const int result = fuse_session_loop_mt(session, config);
	fuse_loop_cfg_destroy(config);
	return result;
}

} // namespace

void loop_block_signals() noexcept
{
	const sigset_t set = waited_signals();
	pthread_sigmask(SIG_BLOCK, &set, nullptr);
	signal(SIGPIPE, SIG_IGN);
	install_wake_signal();
}

int run_loop(fuse_session *session, unsigned threads, const std::function<void()> &on_usr1)
{
	try {
		SignalThread signals(session, on_usr1);
		const int result =
			threads == 1 ? fuse_session_loop(session) : loop_many(session, threads);
		return result < 0 ? -result : 0;
	} catch (const std::system_error &e) {
		log_error("cannot start the signal thread: %s", e.what());
		return EAGAIN;
	}
}

} // namespace stackfs
