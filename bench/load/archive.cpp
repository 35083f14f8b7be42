// SPDX-License-Identifier: GPL-2.0-only
// ExtFUSE's archives (Bijlani and Ramachandran, ATC'19): a source tree unpacked by tar,
// and packed. Theirs is a kernel's; here its shape: 12 files a directory, of 1 to 24 KiB.
#include "load/workload.hpp"

#include <spawn.h>
#include <sys/wait.h>

#include <cerrno>
#include <stdexcept>

namespace load
{

namespace
{

using Path = std::filesystem::path;
constexpr long directory_width = 12;
constexpr uint64_t smallest = 1024, range = 23 * 1024;

void tar(std::vector<std::string> words)
{
	words.insert(words.begin(), "tar");
	std::vector<char *> argv;
	for (std::string &word : words)
		argv.push_back(word.data());
	argv.push_back(nullptr);
	pid_t pid;
	const int error = posix_spawnp(&pid, "tar", nullptr, nullptr, argv.data(), environ);
	if (error)
		fail(error, "tar");
	int status;
	if (waitpid(pid, &status, 0) != pid)
		fail(errno, "waiting for tar");
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		throw std::runtime_error("tar failed: its message is above");
}

void make_tree(const Path &dir, long count)
{
	auto random = numbers(0);
	for (long i = 0; i < count; i++) {
		const Path directory = dir / std::to_string(i / directory_width);
		if (i % directory_width == 0)
			create_directories(directory);
		make_file(directory / ("file-" + std::to_string(i) + ".c"),
			  smallest + below(random, range));
	}
}

// Each thread has a tree of its own.
class Archive : public Workload
{
public:
	using Workload::Workload;
	static Path place(const Path &dir, int thread)
	{
		return dir / std::to_string(thread);
	}
	static void pack(const Path &place)
	{
		tar({"-cf", place / "archive.tar", "-C", place, "tree"});
	}
	void prepare(const Path &dir) override
	{
		for (int t = 0; t < threads(); t++)
			make_tree(place(dir, t) / "tree", share(t));
	}
};

class Unpack : public Archive
{
public:
	using Archive::Archive;
	void prepare(const Path &dir) override
	{
		Archive::prepare(dir);
		for (int t = 0; t < threads(); t++) {
			pack(place(dir, t));
			remove_all(place(dir, t) / "tree");
		}
	}
	long run(int thread, const Path &dir) override
	{
		tar({"-xf", place(dir, thread) / "archive.tar", "-C", place(dir, thread)});
		return share(thread);
	}
};

// To a file beside the tree. `warmed`: once before.
template <bool warmed> class Pack : public Archive
{
public:
	using Archive::Archive;
	void warm(int thread, const Path &dir) override
	{
		if (warmed)
			pack(place(dir, thread));
	}
	long run(int thread, const Path &dir) override
	{
		pack(place(dir, thread));
		return share(thread);
	}
};

} // namespace

std::vector<Entry> archive_workloads()
{
	return {
		{"untar", "file", "unpacks an archive of a source tree", {1, 240, 0}, make<Unpack>},
		{"tar", "file", "packs a source tree, cold", {1, 240, 0}, make<Pack<false>>},
		{"tar-warm", "file", "the same for the second time", {1, 240, 0}, make<Pack<true>>},
	};
}

} // namespace load
