// SPDX-License-Identifier: GPL-2.0-only
#include "common/log.hpp"

#include <syslog.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdio>

namespace stackfs
{

namespace
{

std::atomic<LogLevel> level_now{LogLevel::warning};
std::atomic<bool> syslog_now{false};

const char *word_of(LogLevel level)
{
	switch (level) {
	case LogLevel::error:
		return "error: ";
	case LogLevel::warning:
		return "warning: ";
	case LogLevel::debug:
		return "debug: ";
	default:
		return "";
	}
}

int priority_of(LogLevel level)
{
	switch (level) {
	case LogLevel::error:
		return LOG_ERR;
	case LogLevel::warning:
		return LOG_WARNING;
	case LogLevel::debug:
		return LOG_DEBUG;
	default:
		return LOG_INFO;
	}
}

} // namespace

void log_set_level(LogLevel level) noexcept
{
	level_now = level;
}

LogLevel log_level() noexcept
{
	return level_now;
}

void log_to_syslog() noexcept
{
	openlog("stackfs", LOG_PID, LOG_DAEMON);
	syslog_now = true;
}

void log_line(LogLevel level, const char *format, ...) noexcept
{
	if (level > level_now.load(std::memory_order_relaxed))
		return;
	const int saved = errno;
	char text[1024];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (syslog_now)
		syslog(priority_of(level), "%s%s", word_of(level), text);
	else // One call per line, so that lines of several threads do not mix.
		fprintf(stderr, "stackfs: %s%s\n", word_of(level), text);
	errno = saved;
}

} // namespace stackfs
