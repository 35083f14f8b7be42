// SPDX-License-Identifier: GPL-2.0-only
//
// Carries out the operations of a history, and notes what they returned.
#ifndef EXTFUSE_TESTS_HISTORY_ACTOR_HPP
#define EXTFUSE_TESTS_HISTORY_ACTOR_HPP

#include <functional>
#include <random>
#include <string>

#include "history.hpp"

namespace extfuse_test::history
{

// A line to the daemon, its answer; throws if that is no success.
using Control = std::function<std::string(const std::string &)>;

// One process of a history, on the tree at root.
class Actor
{
	std::string root_;
	int file_ = -1;
	bool read_only_ = false;

	std::string path(const Place &place) const;
	int carry_out(Operation &op);
	int open(const Operation &op);
	int stat(Operation &op) const;
	int list(Operation &op) const;
	int by_name(Operation &op);
	int by_file(Operation &op) const;

public:
	explicit Actor(std::string root) : root_(std::move(root)) {}
	~Actor();
	Actor(const Actor &) = delete;
	Actor &operator=(const Actor &) = delete;

	bool can_write() const
	{
		return file_ >= 0 && !read_only_;
	}
	bool has_file() const
	{
		return file_ >= 0;
	}
	void run(Operation &op);
	void close_file();
};

// Who changes the lower directory behind the mount, and tells the daemon.
class Outsider
{
	std::string lower_;
	Control control_;

	int carry_out(const Operation &op);
	int change_file(const Operation &op);
	int change_entry(const Operation &op);
	void tell(const Operation &op, int result);

public:
	Outsider(std::string lower, Control control)
		: lower_(std::move(lower)), control_(std::move(control))
	{
	}
	void run(Operation &op);
};

// What a process of one round is inclined to do.
struct Mood {
	Place hot; // what all processes deal with half of the time
	bool watches = false; // opens one file, and looks at it again and again
};

// Choices.
Operation choose(std::mt19937 &random, const Mood &mood, const Actor &actor);
Operation choose_behind(std::mt19937 &random, const Mood &mood);

// Makes the fixed directories.
void make_tree(const std::string &root);
// Reads all of it, while nobody changes it. Throws if it is not what it can be.
Tree read_tree(const std::string &root);

} // namespace extfuse_test::history

#endif
