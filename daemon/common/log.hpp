// SPDX-License-Identifier: GPL-2.0-only
// Messages: what happened, to what, what to do. Standard error until the daemon
// is in the background, syslog from then on. Any thread.
#pragma once

namespace stackfs
{

enum class LogLevel { error, warning, info, debug };

void log_set_level(LogLevel level) noexcept;
LogLevel log_level() noexcept;
void log_to_syslog() noexcept;

[[gnu::format(printf, 2, 3)]] void log_line(LogLevel level, const char *format, ...) noexcept;

} // namespace stackfs

#define log_error(...) ::stackfs::log_line(::stackfs::LogLevel::error, __VA_ARGS__)
#define log_warning(...) ::stackfs::log_line(::stackfs::LogLevel::warning, __VA_ARGS__)
#define log_info(...) ::stackfs::log_line(::stackfs::LogLevel::info, __VA_ARGS__)
#define log_debug(...) ::stackfs::log_line(::stackfs::LogLevel::debug, __VA_ARGS__)
