// SPDX-License-Identifier: GPL-2.0-only
//
// A mount whose handler is one of bpf/examples, loaded as a daemon loads it.
#ifndef EXTFUSE_TESTS_EXAMPLE_HPP
#define EXTFUSE_TESTS_EXAMPLE_HPP

#include <gtest/gtest.h>

#include <dirent.h>

#include <cerrno>
#include <set>
#include <string>
#include <vector>

#include <bpf/bpf.h>

#include "sys.hpp"
#include "test_fs.hpp"

namespace extfuse_test
{

inline std::string example(const std::string &name)
{
	return std::string(EXTFUSE_EXAMPLES "/") + name + ".bpf.o";
}

inline Config with_example(const std::string &name, Config config = {})
{
	config.options.push_back("handler=" + example(name));
	return config;
}

// Names in a directory but "." and "..", or the error as text.
inline std::set<std::string> names_in(const std::string &path)
{
	DIR *dir = opendir(path.c_str());
	std::set<std::string> names;

	if (!dir)
		return {"error " + std::to_string(-errno)};
	errno = 0;
	while (const dirent *entry = readdir(dir)) {
		if (entry->d_name != std::string(".") && entry->d_name != std::string(".."))
			names.insert(entry->d_name);
	}
	if (errno)
		names.insert("error " + std::to_string(-errno));
	closedir(dir);
	return names;
}

} // namespace extfuse_test

#endif
