// SPDX-License-Identifier: GPL-2.0-only
// LOOKUP: stat by path, relative to the directory the program runs in.
#include "operation.hpp"

#include <sys/stat.h>

#include <cerrno>

namespace bench
{

namespace
{

class Stat : public Operation
{
	const char *path_;

public:
	explicit Stat(const char *path) : path_(path) {}
	void once() override
	{
		struct stat st;
		if (stat(path_, &st) < 0)
			fail(errno, std::string("stat ") + path_);
	}
};

class Absent : public Operation
{
public:
	void once() override
	{
		struct stat st;
		if (stat(absent_path, &st) == 0)
			fail(EEXIST, std::string("stat ") + absent_path);
		if (errno != ENOENT)
			fail(errno, std::string("stat ") + absent_path);
	}
};

} // namespace

std::unique_ptr<Operation> make_stat1()
{
	return std::make_unique<Stat>(file_path);
}

std::unique_ptr<Operation> make_stat8()
{
	return std::make_unique<Stat>(deep_path);
}

std::unique_ptr<Operation> make_absent()
{
	return std::make_unique<Absent>();
}

} // namespace bench
