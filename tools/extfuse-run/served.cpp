// SPDX-License-Identifier: GPL-2.0-only
#include "served.hpp"

#include <algorithm>

#include <poll.h>

namespace extfuse_run
{

using namespace std::chrono_literals;

Served::Served(Object x, Fd device, std::string target, pid_t mounter)
	: x_(std::move(x)), device_(std::move(device)), target_(std::move(target)),
	  mounter_(mounter), patience_(Clock::now() + 5s)
{
	look_for_holders();
}

bool Served::served(bool in_transit)
{
	std::vector<pollfd> fds = {{device_.get(), 0, 0}};

	for (const Process &holder : holders_)
		fds.push_back({holder.pidfd.get(), POLLIN, 0});
	poll(fds.data(), fds.size(), 0);
	if (fds[0].revents & POLLERR)
		return false;
	const auto now = Clock::now();
	if (look_again_ <= now ||
	    std::any_of(fds.begin() + 1, fds.end(), [](const pollfd &p) { return p.revents != 0; }))
		look_for_holders();
	if (!holders_.empty())
		return true;
	look_again_ = std::min(look_again_, now + 50ms);
	return in_transit && now < patience_;
}

void Served::look_for_holders()
{
	holders_ = holders_of(device_.get());
	look_again_ = Clock::time_point::max();
	// It has arrived.
	if (std::any_of(holders_.begin(), holders_.end(),
			[this](const Process &p) { return p.pid != mounter_; }))
		patience_ = Clock::time_point::min();
}

void Served::unmount()
{
	// Ours is the last copy beside libextfuse's: with that the connection ends.
	device_.reset();
	x_.reset();
}

} // namespace extfuse_run
