// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What libbpf says while a handler is opened and loaded.
#ifndef EXTFUSE_SRC_LIBBPF_LOG_HPP
#define EXTFUSE_SRC_LIBBPF_LOG_HPP

#include <mutex>
#include <string>
#include <vector>

#include <bpf/libbpf.h>

namespace exf::impl
{

// libbpf's messages during one load. Its print callback is one per process.
class Messages
{
public:
	Messages();
	Messages(const Messages &) = delete;
	Messages &operator=(const Messages &) = delete;
	~Messages();

	const std::string &all() const
	{
		return own_;
	}
	// The last line that is not empty, without "libbpf: ".
	std::string last() const;
	// The name of the program that the verifier refused, else empty.
	std::string refused_program() const;
	// The end of the verifier's words about it: at most so many lines.
	std::vector<std::string> verifier_lines(size_t most) const;

private:
	static int print(enum libbpf_print_level level, const char *fmt, va_list args) noexcept;

	std::lock_guard<std::mutex> lock_;
	std::string own_;
	libbpf_print_fn_t previous_;
};

} // namespace exf::impl

#endif
