// SPDX-License-Identifier: GPL-2.0-only
#include "served.hpp"

#include <algorithm>

#include <poll.h>

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

bool Served::served()
{
	std::vector<pollfd> fds = {{device_.get(), 0, 0}};

	for (const Holder &holder : holders_)
		fds.push_back({holder.pidfd.get(), POLLIN, 0});
	poll(fds.data(), fds.size(), 0);
	if (fds[0].revents & POLLERR)
		return false;
	const bool ended = std::any_of(fds.begin() + 1, fds.end(),
				       [](const pollfd &p) { return p.revents != 0; });
	return (!ended && look_again_ > Clock::now()) || look_for_holders();
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
