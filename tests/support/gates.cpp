// SPDX-License-Identifier: GPL-2.0-only
#include "gates.hpp"

#include <chrono>

#include "guest.hpp"

namespace extfuse_test
{

const char *op_name(Op op)
{
	static constexpr std::array<const char *, op_count> names = {
		"lookup",          "forget",      "getattr", "setattr",  "readlink",
		"mknod",           "mkdir",       "unlink",  "rmdir",    "symlink",
		"rename",          "link",        "open",    "read",     "write",
		"flush",           "release",     "fsync",   "opendir",  "readdir",
		"readdirplus",     "releasedir",  "statfs",  "setxattr", "getxattr",
		"listxattr",       "removexattr", "access",  "create",   "fallocate",
		"copy_file_range", "lseek",       "ioctl"};
	return names.at(static_cast<size_t>(op));
}

Hold::~Hold()
{
	if (state_)
		release();
}

bool Hold::wait()
{
	std::unique_lock lock(gates_->mutex_);
	return gates_->changed_.wait_for(lock, std::chrono::seconds(10) * slower(),
					 [&] { return state_->reached; });
}

bool Hold::reached()
{
	const std::lock_guard lock(gates_->mutex_);
	return state_->reached;
}

void Hold::release()
{
	const std::lock_guard lock(gates_->mutex_);
	state_->released = true;
	gates_->holds_.remove(state_);
	gates_->changed_.notify_all();
}

Hold Gates::hold(Op op, Stage stage, std::string name, uint64_t node)
{
	auto state = std::make_shared<Hold::State>(
		Hold::State{op, stage, std::move(name), node, false, false});
	const std::lock_guard lock(mutex_);
	holds_.push_back(state);
	return {*this, std::move(state)};
}

void Gates::pass(Op op, Stage stage, uint64_t node, const char *name)
{
	std::unique_lock lock(mutex_);

	for (const auto &state : holds_) {
		if (state->op != op || state->stage != stage ||
		    (!state->name.empty() && state->name != name) ||
		    (state->node && state->node != node))
			continue;
		const std::shared_ptr<Hold::State> mine = state;

		holds_.remove(mine);
		mine->reached = true;
		changed_.notify_all();
		changed_.wait(lock, [&] { return mine->released || open_; });
		return;
	}
}

void Gates::open_all()
{
	const std::lock_guard lock(mutex_);
	open_ = true;
	changed_.notify_all();
}

} // namespace extfuse_test
