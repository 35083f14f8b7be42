// SPDX-License-Identifier: GPL-2.0-only
#include "stop.hpp"

#include <algorithm>

namespace extfuse_run
{

using namespace std::chrono_literals;

sigset_t stop_signals()
{
	sigset_t set;

	sigemptyset(&set);
	for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
		struct sigaction action = {};

		sigaction(signal, nullptr, &action);
		if (action.sa_handler != SIG_IGN)
			sigaddset(&set, signal);
	}
	return set;
}

void Stop::ask(Source source, int signal, std::chrono::seconds patience)
{
	const auto now = Clock::now();

	if (!asked()) {
		since_ = now;
		tell_at_ = source == front || source == self ? now + 200ms : now;
		kill_at_ = now + patience;
	} else if (signal == SIGINT && now - since_ >= 1s) {
		kill_at_ = now;
	}
	sources_ |= source;
}

Clock::time_point Stop::next() const
{
	return std::min(tell_at_, kill_at_);
}

Stop::Step Stop::step()
{
	const auto now = Clock::now();

	if (now >= kill_at_) {
		tell_at_ = Clock::time_point::max();
		kill_at_ = now + 1s;
		return Step::kill;
	}
	if (now < tell_at_)
		return Step::none;
	tell_at_ = now + 500ms;
	return Step::tell;
}

} // namespace extfuse_run
