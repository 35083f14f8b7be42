// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libbpf_log.hpp"

#include <cstdarg>
#include <cstdio>
#include <string_view>

namespace exf::impl
{

namespace
{

std::mutex &mutex()
{
	static std::mutex m;
	return m;
}

std::string *&text()
{
	thread_local std::string *t;
	return t;
}

// Lines that are not empty.
std::vector<std::string_view> lines_of(std::string_view all)
{
	std::vector<std::string_view> lines;

	while (!all.empty()) {
		const size_t end = all.find('\n');
		const std::string_view line = all.substr(0, end);

		if (line.find_first_not_of(" \t") != line.npos)
			lines.push_back(line);
		all = end == all.npos ? std::string_view() : all.substr(end + 1);
	}
	return lines;
}

constexpr std::string_view prefix = "libbpf: ";

} // namespace

Messages::Messages() : lock_(mutex()), previous_(libbpf_set_print(print))
{
	text() = &own_;
}

Messages::~Messages()
{
	text() = nullptr;
	libbpf_set_print(previous_);
}

int Messages::print(enum libbpf_print_level level, const char *fmt, va_list args) noexcept
{
	char part[2048];

	if (level == LIBBPF_DEBUG || !text())
		return 0;
	va_list copy;
	va_copy(copy, args);
	const int n = vsnprintf(part, sizeof(part), fmt, copy);
	va_end(copy);
	try {
		if (n >= static_cast<int>(sizeof(part))) { // a verifier log
			std::vector<char> whole(static_cast<size_t>(n) + 1);
			vsnprintf(whole.data(), whole.size(), fmt, args);
			text()->append(whole.data(), static_cast<size_t>(n));
		} else if (n > 0) {
			text()->append(part, static_cast<size_t>(n));
		}
	} catch (...) { // out of memory: a message less
	}
	return 0;
}

std::string Messages::last() const
{
	const auto lines = lines_of(own_);

	if (lines.empty())
		return {};
	std::string_view line = lines.back();
	if (line.starts_with(prefix))
		line.remove_prefix(prefix.size());
	return std::string(line);
}

// libbpf: prog 'NAME': BPF program load failed: ...
std::string Messages::refused_program() const
{
	const size_t failed = own_.find("': BPF program load failed");

	if (failed == own_.npos)
		return {};
	const size_t quote = own_.rfind('\'', failed - 1);
	return quote == own_.npos ? std::string() : own_.substr(quote + 1, failed - quote - 1);
}

std::vector<std::string> Messages::verifier_lines(size_t most) const
{
	const size_t begin = own_.find("-- BEGIN PROG LOAD LOG --");
	const size_t end = own_.find("-- END PROG LOAD LOG --");

	if (begin == own_.npos || end == own_.npos || end < begin)
		return {};
	auto lines = lines_of(std::string_view(own_).substr(begin, end - begin));
	std::erase_if(lines, [](std::string_view line) {
		return line.starts_with("processed ") || line.starts_with(prefix) ||
		       line.starts_with("-- BEGIN");
	});
	if (lines.size() > most)
		lines.erase(lines.begin(), lines.end() - static_cast<long>(most));
	return {lines.begin(), lines.end()};
}

} // namespace exf::impl
