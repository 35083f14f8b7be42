// SPDX-License-Identifier: LGPL-2.1-or-later
#include "log.hpp"

#include <cstdarg>
#include <cstdio>
#include <cstring>

namespace exf::impl
{

namespace
{

void to_stderr(extfuse_log_level level, const char *msg)
{
	static constexpr const char *names[] = {"error: ", "warning: ", "", "debug: "};

	fprintf(stderr, "extfuse: %s%s\n", names[level], msg);
}

} // namespace

void Log::emit(extfuse_log_level level, const char *fmt, va_list args) const noexcept
{
	char line[1024];

	if (!wants(level))
		return;
	vsnprintf(line, sizeof(line), fmt, args);
	for (char *c = line; *c; c++) {
		if (*c == '\n')
			*c = ' ';
	}
	if (fn_)
		fn_(userdata_, level, line);
	else
		to_stderr(level, line);
}

void Log::error(const char *fmt, ...) const noexcept
{
	va_list args;
	va_start(args, fmt);
	emit(EXTFUSE_LOG_ERROR, fmt, args);
	va_end(args);
}

void Log::warning(const char *fmt, ...) const noexcept
{
	va_list args;
	va_start(args, fmt);
	emit(EXTFUSE_LOG_WARNING, fmt, args);
	va_end(args);
}

void Log::info(const char *fmt, ...) const noexcept
{
	va_list args;
	va_start(args, fmt);
	emit(EXTFUSE_LOG_INFO, fmt, args);
	va_end(args);
}

void Log::debug_lines(const char *prefix, const char *text) const noexcept
{
	if (!wants(EXTFUSE_LOG_DEBUG))
		return;
	while (*text) {
		const size_t len = strcspn(text, "\n");
		char line[1024];

		if (len > 0) {
			snprintf(line, sizeof(line), "%s: %.*s", prefix,
				 static_cast<int>(len < 900 ? len : 900), text);
			if (fn_)
				fn_(userdata_, EXTFUSE_LOG_DEBUG, line);
			else
				to_stderr(EXTFUSE_LOG_DEBUG, line);
		}
		text += len;
		if (*text == '\n')
			text++;
	}
}

} // namespace exf::impl
