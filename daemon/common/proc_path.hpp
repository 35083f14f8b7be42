// SPDX-License-Identifier: GPL-2.0-only
// The path by which this process can name what an O_PATH descriptor stands for.
#pragma once

#include <cstdio>

namespace stackfs
{

class ProcPath
{
	char text_[32];

public:
	explicit ProcPath(int fd) noexcept
	{
		snprintf(text_, sizeof(text_), "/proc/self/fd/%d", fd);
	}
	const char *c_str() const noexcept
	{
		return text_;
	}
};

} // namespace stackfs
