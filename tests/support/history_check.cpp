// SPDX-License-Identifier: GPL-2.0-only
#include "history_check.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <stdexcept>
#include <unordered_set>

namespace extfuse_test::history
{

namespace
{

constexpr uint64_t too_many = 3'000'000; // configurations of one search
constexpr int64_t never = std::numeric_limits<int64_t>::max();

struct Part {
	unsigned dirs; // mask
	std::vector<unsigned> operations; // indices
};

// Operations on the process's file belong to where it was opened.
std::vector<Part> parts(const Tree &before, const History &history)
{
	std::vector<Part> out;
	for (const unsigned mask : Model::components(before))
		out.push_back({mask, {}});

	std::array<unsigned, max_processes> opened = {};
	std::vector<unsigned> touched(history.size());
	std::vector<unsigned> order(history.size());
	for (unsigned i = 0; i < history.size(); i++)
		order[i] = i;
	std::stable_sort(order.begin(), order.end(), [&](unsigned a, unsigned b) {
		return history[a].begin < history[b].begin;
	});
	for (const unsigned i : order) {
		const Operation &op = history[i];
		touched[i] = 1U << op.at.dir | 1U << op.to.dir;
		if (op.call != Call::Link && op.call != Call::Rename &&
		    op.call != Call::RenameNoReplace && op.call != Call::RenameExchange)
			touched[i] = 1U << op.at.dir;
		if (uses_file(op.call))
			touched[i] = opened[op.process];
		else if (op.call <= Call::Open && op.result >= 0)
			opened[op.process] = touched[i];
	}
	for (const unsigned i : order) {
		// Into the first part that is touched, which swallows the others.
		Part *home = nullptr;
		for (Part &part : out) {
			if (!(part.dirs & touched[i]))
				continue;
			if (!home) {
				home = &part;
				continue;
			}
			home->dirs |= part.dirs;
			home->operations.insert(home->operations.end(), part.operations.begin(),
						part.operations.end());
			part = {0, {}};
		}
		if (!home)
			throw std::invalid_argument("an operation on a file that was not opened");
		home->operations.push_back(i);
	}
	return out;
}

struct Key {
	uint64_t a, b;
	bool operator==(const Key &) const = default;
};

struct KeyHash {
	size_t operator()(const Key &key) const
	{
		return key.a;
	}
};

class Search
{
	const History &history_;
	const Tree &after_;
	const Rules &rules_;
	const unsigned dirs_;
	const int64_t cut_; // what ends later is pending; never: nothing is
	std::array<std::vector<unsigned>, max_processes> queue_;

	struct Config {
		Model model;
		std::array<uint8_t, max_processes> next = {};
		std::array<bool, max_processes> begun = {};
	};
	std::unordered_set<Key, KeyHash> tried_;

	bool pending(const Operation &op) const
	{
		return op.end > cut_;
	}

	const Operation *current(const Config &config, unsigned process) const
	{
		const std::vector<unsigned> &queue = queue_[process];
		const unsigned i = config.next[process];
		return i < queue.size() ? &history_[queue[i]] : nullptr;
	}

	bool complete(const Config &config) const
	{
		for (unsigned p = 0; p < max_processes; p++) {
			const Operation *op = current(config, p);
			if (op && !pending(*op))
				return false;
		}
		return cut_ != never || config.model.is(after_, dirs_);
	}

	bool seen_before(const Config &config)
	{
		uint64_t positions[2] = {0, 0};
		for (unsigned p = 0; p < max_processes; p++)
			positions[p / 3] = positions[p / 3] << 8 | config.next[p] << 1 |
					   uint64_t(config.begun[p]);
		return !tried_.insert({config.model.hash(positions[0] + 1) ^ positions[1],
				       config.model.hash(~positions[1]) + positions[0]})
				.second;
	}

	// Those that may be next, the one that ended first before the others: it is
	// the most likely one.
	unsigned candidates(const Config &config, std::array<unsigned, max_processes> *out) const
	{
		int64_t first_end = never;
		unsigned count = 0;

		for (unsigned p = 0; p < max_processes; p++)
			if (const Operation *op = current(config, p))
				first_end = std::min(first_end, op->end);
		for (unsigned p = 0; p < max_processes; p++) {
			const Operation *op = current(config, p);
			if (!op || (!config.begun[p] && op->begin > first_end))
				continue;
			unsigned at = count++;
			for (; at && current(config, (*out)[at - 1])->end > op->end; at--)
				(*out)[at] = (*out)[at - 1];
			(*out)[at] = p;
		}
		return count;
	}

	bool go(const Config &config)
	{
		if (complete(config))
			return true;
		if (seen_before(config))
			return false;
		if (tried_.size() > too_many)
			throw std::length_error("search");
		std::array<unsigned, max_processes> order;
		const unsigned count = candidates(config, &order);
		for (unsigned i = 0; i < count; i++)
			for (unsigned choice = 0; choice < 2; choice++)
				if (advance(config, order[i], choice))
					return true;
		return false;
	}

	bool advance(const Config &config, unsigned p, unsigned choice)
	{
		Config next = config;
		const unsigned number = queue_[p][config.next[p]];
		const Operation &op = history_[number];

		switch (next.model.step(op, number, pending(op), choice, rules_)) {
		case Model::Step::Refused:
			return false;
		case Model::Step::More:
			next.begun[p] = true;
			break;
		case Model::Step::Done:
			next.begun[p] = false;
			next.next[p]++;
		}
		return go(next);
	}

public:
	Search(const History &history, const Part &part, const Tree &after, const Rules &rules,
	       int64_t cut)
		: history_(history), after_(after), rules_(rules), dirs_(part.dirs), cut_(cut)
	{
		for (const unsigned i : part.operations)
			if (history[i].begin <= cut)
				queue_[history[i].process].push_back(i);
		for (auto &queue : queue_)
			std::sort(queue.begin(), queue.end(), [&](unsigned a, unsigned b) {
				return history[a].begin < history[b].begin;
			});
	}

	Verdict run(const Tree &before, uint64_t *configurations)
	{
		Verdict verdict = Verdict::Unknown;
		try {
			verdict =
				go({Model(before), {}, {}}) ? Verdict::Linearizable : Verdict::Not;
		} catch (const std::length_error &) {
			// too many
		}
		*configurations += tried_.size();
		return verdict;
	}
};

// The shortest beginning that does not fit. Beginnings of one that fits do.
void shorten(const Tree &before, const History &history, const Part &part, const Tree &after,
	     const Rules &rules, Found *found)
{
	std::vector<int64_t> ends;
	for (const unsigned i : part.operations)
		ends.push_back(history[i].end);
	std::sort(ends.begin(), ends.end());
	uint64_t ignored = 0;
	const auto fits = [&](int64_t cut) {
		return Search(history, part, after, rules, cut).run(before, &ignored) !=
		       Verdict::Not;
	};
	const auto first = std::partition_point(ends.begin(), ends.end(), fits);
	if (first == ends.end())
		return;
	found->cut = *first;
	for (const unsigned i : part.operations)
		if (history[i].begin <= found->cut)
			found->prefix.push_back(history[i]);
}

} // namespace

Found check(const Tree &before, const History &history, const Tree &after, const Rules &rules)
{
	Found found;

	if (history.size() > max_operations)
		throw std::invalid_argument("a history of too many operations");
	for (const Part &part : parts(before, history)) {
		if (!part.dirs)
			continue;
		const Verdict verdict = Search(history, part, after, rules, never)
						.run(before, &found.configurations);
		if (verdict == Verdict::Linearizable)
			continue;
		found.verdict = verdict;
		if (verdict == Verdict::Not)
			shorten(before, history, part, after, rules, &found);
		return found;
	}
	return found;
}

std::string explain(const Tree &before, const History &history, const Tree &after,
		    const Found &found)
{
	std::string out = "The tree before:\n" + text(before) + "All operations:\n" +
			  text(history) + "The tree afterwards:\n" + text(after);
	if (found.verdict == Verdict::Unknown)
		return out + "The search was given up after " +
		       std::to_string(found.configurations) + " configurations.\n";
	if (found.prefix.empty())
		return out + "Each operation fits, but none of their orders leaves this tree.\n";
	int64_t zero = never;
	for (const Operation &op : found.prefix)
		zero = std::min(zero, op.begin);
	return out + "The shortest beginning that no order explains; what ends after " +
	       std::to_string((found.cut - zero) / 1000) + " us may have happened or not:\n" +
	       text(found.prefix);
}

} // namespace extfuse_test::history
