// SPDX-License-Identifier: GPL-2.0-only
// stat of one name after the other of a directory, each once: what a name costs that
// the kernel does not know. Whoever measures drops the caches between two rounds.
#include "operation.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

namespace bench
{

namespace
{

std::string name_of(size_t i)
{
	return "name-" + std::to_string(1000 + i);
}

class FirstTouch : public Operation
{
	int dir_;
	size_t next_ = 0;
	std::vector<std::string> names_;

public:
	FirstTouch() : dir_(open(names_path, O_PATH | O_DIRECTORY | O_CLOEXEC))
	{
		if (dir_ < 0)
			fail(errno, std::string("open ") + names_path);
		for (size_t i = 0; i < names_count; i++)
			names_.push_back(name_of(i));
	}
	void once() override
	{
		struct stat st;
		const std::string &name = names_[next_++ % names_.size()];
		if (fstatat(dir_, name.c_str(), &st, AT_SYMLINK_NOFOLLOW) < 0)
			fail(errno, "stat " + name);
	}
};

} // namespace

void make_names()
{
	const std::filesystem::path dir(names_path);
	std::filesystem::create_directories(dir);
	for (size_t i = 0; i < names_count; i++)
		if (!std::ofstream(dir / name_of(i)))
			fail(errno, "create " + name_of(i));
}

std::unique_ptr<Operation> make_first_touch()
{
	return std::make_unique<FirstTouch>();
}

} // namespace bench
