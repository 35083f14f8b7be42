// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Messages: what failed, on what, what to do about it; one line each.
#ifndef EXTFUSE_SRC_LOG_HPP
#define EXTFUSE_SRC_LOG_HPP

#include <extfuse/extfuse.h>

namespace exf::impl
{

class Log
{
public:
	Log() = default;
	Log(extfuse_log_fn fn, void *userdata, extfuse_log_level level)
		: fn_(fn), userdata_(userdata), level_(level)
	{
	}

	bool wants(extfuse_log_level level) const
	{
		return level <= level_;
	}

	[[gnu::format(printf, 2, 3)]] void error(const char *fmt, ...) const noexcept;
	[[gnu::format(printf, 2, 3)]] void warning(const char *fmt, ...) const noexcept;
	[[gnu::format(printf, 2, 3)]] void info(const char *fmt, ...) const noexcept;
	// Text of several lines, one message each, after a prefix.
	void debug_lines(const char *prefix, const char *text) const noexcept;

private:
	void emit(extfuse_log_level level, const char *fmt, __builtin_va_list args) const noexcept;

	extfuse_log_fn fn_ = nullptr; // standard error
	void *userdata_ = nullptr;
	extfuse_log_level level_ = EXTFUSE_LOG_WARNING;
};

} // namespace exf::impl

#endif
