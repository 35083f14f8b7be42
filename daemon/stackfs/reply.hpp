// SPDX-License-Identifier: GPL-2.0-only
// How handlers report: an errno that is still to be sent (0 is success), or
// `replied`.
#pragma once

#include <cerrno>
#include <new>

namespace stackfs
{

constexpr int replied = -1;

// Nothing is thrown through libfuse. A handler must not throw once it has
// replied.
template <typename F> int guarded(F &&f) noexcept
{
	try {
		return f();
	} catch (const std::bad_alloc &) {
		return ENOMEM;
	} catch (...) {
		return EIO;
	}
}

} // namespace stackfs
