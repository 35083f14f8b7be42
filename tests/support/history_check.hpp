// SPDX-License-Identifier: GPL-2.0-only
//
// Is a history linearizable? Is there an order of its operations that keeps the
// order of those which did not overlap, and in which each returns what the model
// says, and after which the tree is what it was found to be?
//
// The search is that of J. M. Wing and C. Gong, "Testing and verifying concurrent
// objects" (Journal of Parallel and Distributed Computing 17, 1993), with the
// memory of configurations that were tried, operations done and state, of G. Lowe,
// "Testing for linearizability" (Concurrency and Computation: Practice and
// Experience 29(4), 2017), and its partition into parts that do not depend on each
// other (A. Horn and D. Kroening, "Faster linearizability checking via
// P-compositionality", FORTE 2015). Operations of several steps (history_model.hpp)
// are in progress between their first and last one.
#ifndef EXTFUSE_TESTS_HISTORY_CHECK_HPP
#define EXTFUSE_TESTS_HISTORY_CHECK_HPP

#include "history.hpp"
#include "history_model.hpp"

namespace extfuse_test::history
{

constexpr unsigned max_operations = 40; // of one history

enum class Verdict {
	Linearizable,
	Not,
	Unknown, // the search was given up
};

struct Found {
	Verdict verdict = Verdict::Linearizable;
	uint64_t configurations = 0; // tried
	// If not: the shortest beginning of the history that is not linearizable. What
	// had not returned yet may have happened or not, whatever it returned later.
	// Empty if all operations fit, and only the final tree does not.
	History prefix;
	int64_t cut = 0; // end of the last operation that counts
};

// From the tree "before" to the tree "after"; operations of a process do not
// overlap.
Found check(const Tree &before, const History &history, const Tree &after, const Rules &rules);

// For people: what is known, and what is wrong.
std::string explain(const Tree &before, const History &history, const Tree &after,
		    const Found &found);

} // namespace extfuse_test::history

#endif
