// SPDX-License-Identifier: GPL-2.0-only
#include "served.hpp"

#include "process.hpp"

namespace extfuse_run
{

using namespace std::chrono_literals;

Served::Served(Object x, Fd device, std::string target, bool in_transit)
	: x_(std::move(x)), device_(std::move(device)), target_(std::move(target)),
	  patience_(in_transit ? Clock::now() + 5s : Clock::time_point::min())
{
	look_for_holders();
}

bool Served::look_for_holders()
{
	const auto now = Clock::now();

	holders_.clear();
	look_again_ = Clock::time_point::max();
	for (const pid_t pid : holders_of(device_.get())) {
		Fd pidfd = open_pidfd(pid);

		if (pidfd)
			holders_.push_back({pid, std::move(pidfd)});
	}
	if (!holders_.empty())
		return true;
	if (now >= patience_)
		return false;
	look_again_ = now + 50ms;
	return true;
}

void Served::unmount()
{
	// Ours is the last copy beside libextfuse's: with that the connection ends.
	device_.reset();
	x_.reset();
}

} // namespace extfuse_run
