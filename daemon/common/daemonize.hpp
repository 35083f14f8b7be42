// SPDX-License-Identifier: GPL-2.0-only
// Going into the background before the mount, with the parent waiting for the
// outcome: errors still reach the terminal, and no thread, mapping or lock has
// to survive a fork.
#pragma once

#include "common/fd.hpp"

namespace stackfs
{

class Background
{
	UniqueFd report_; // valid in the child until ready()

public:
	// Forks unless foreground. Returns in the child only: the parent exits, with
	// status 0 after ready(), with 1 if the child ends before that.
	// False: could not fork.
	bool start(bool foreground);

	// The mount is up: let the parent go, give up the terminal. False: the
	// parent was interrupted, nobody wants this mount any more.
	bool ready();
};

} // namespace stackfs
