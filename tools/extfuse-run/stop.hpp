// SPDX-License-Identifier: GPL-2.0-only
//
// When the program is told to end, and when it is killed.
#ifndef EXTFUSE_RUN_STOP_HPP
#define EXTFUSE_RUN_STOP_HPP

#include <chrono>
#include <csignal>

namespace extfuse_run
{

using Clock = std::chrono::steady_clock;

// SIGINT, SIGTERM and SIGHUP, but those that our caller wants ignored (nohup).
sigset_t stop_signals();

/*
 * A signal to the process group (Ctrl-C, timeout, kill -PGID) reaches the program as
 * well, and both of our processes. It is to be told once: the second signal may end it
 * while it saves what it has. So we wait a moment for who else has got it.
 */
class Stop
{
public:
	enum Source : unsigned {
		front = 1,    // by the process that our caller knows
		self = 2,     // by the one that supervises
		terminal = 4, // by the terminal, to the whole group
		alone = 8,    // we want it to end, nobody else knows
	};
	enum class Step { none, tell, kill };

	// patience: until it is killed.
	void ask(Source source, int signal, std::chrono::seconds patience);
	bool asked() const
	{
		return sources_ != 0;
	}
	// Has the process group been told?
	bool group_told() const
	{
		return sources_ & terminal || (sources_ & front && sources_ & self);
	}
	// When step() is due; max(): never.
	Clock::time_point next() const;
	// What is to be done now. tell comes again and again, for processes that were not
	// known before; so does kill.
	Step step();

private:
	unsigned sources_ = 0;
	Clock::time_point since_;
	Clock::time_point tell_at_ = Clock::time_point::max();
	Clock::time_point kill_at_ = Clock::time_point::max();
};

} // namespace extfuse_run

#endif
