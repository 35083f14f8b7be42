// SPDX-License-Identifier: GPL-2.0-only
//
// Rounds: several processes do a few random operations each, at the same time;
// when all are through, the tree is read and the history is checked. The tree that
// a round leaves is what the next one begins with.
#ifndef EXTFUSE_TESTS_HISTORY_RUN_HPP
#define EXTFUSE_TESTS_HISTORY_RUN_HPP

#include <chrono>

#include "history_actor.hpp"
#include "history_model.hpp"

namespace extfuse_test::history
{

// What changes what is cached, and nothing that can be seen.
enum class Disturbance { DropNodes, DropAll, Detach, InvalidateAll, Forget, Count };
constexpr unsigned disturbances = static_cast<unsigned>(Disturbance::Count);

struct Options {
	std::string root; // where the processes work
	std::string lower; // what lies below a mount, else empty
	Control control; // of the daemon
	bool behind = false; // changes behind the mount, too
	std::vector<Disturbance> disturb; // one after the other ...
	unsigned disturb_every = 3; // ... in every third round
	Rules rules;
	unsigned seed = 1;
	std::chrono::milliseconds time{1000}; // at least
	uint64_t operations = 0; // at least, unless it takes eight times as long
};

struct Totals {
	uint64_t rounds = 0;
	uint64_t operations = 0;
	uint64_t overlapping = 0; // with one of another process
	uint64_t failed = 0; // returned an errno, as the model says
	uint64_t calls[call_count] = {};
	uint64_t disturbed[disturbances] = {};
	uint64_t configurations = 0; // that the searches tried
	double seconds = 0, checking = 0;
	std::string failure; // empty: all is as it must be

	uint64_t behind() const;
	uint64_t disturbed_by(Disturbance kind) const
	{
		return disturbed[static_cast<unsigned>(kind)];
	}
	std::string text() const;
};

// Until there was enough, or a round fails.
Totals run(const Options &options);

} // namespace extfuse_test::history

#endif
