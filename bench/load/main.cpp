// SPDX-License-Identifier: GPL-2.0-only
// bench-load: a fixed amount of work by several threads, timed.
//
//     bench-load --list
//     bench-load WORKLOAD --lower DIR --dir DIR [--threads N] [--operations N]
//         [--files N] [--block BYTES]
//
// --lower is a directory that does not exist yet, --dir the same one through the mount;
// without --lower the tree is there already.
// It talks with who started it: prints "prepared" when the tree is there, "ready" when
// all threads have warmed up, and after the work a line of JSON; before each next step
// it waits for a line. At the end it removes the tree.
#include "load/workload.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <cerrno>
#include <cstdio>
#include <exception>
#include <iostream>
#include <mutex>
#include <optional>
#include <thread>

using namespace load;

namespace
{

std::vector<Entry> all_workloads()
{
	std::vector<Entry> all;
	for (const auto &part :
	     {fxmark_workloads(), stackfs_workloads(), server_workloads(), block_workloads(),
	      data_workloads(), name_workloads(), archive_workloads()})
		all.insert(all.end(), part.begin(), part.end());
	return all;
}

// Under icount a nanosecond of this clock is an instruction.
uint64_t now_ns()
{
	timespec t;
	clock_gettime(CLOCK_MONOTONIC_RAW, &t);
	return static_cast<uint64_t>(t.tv_sec) * 1000000000U + static_cast<uint64_t>(t.tv_nsec);
}

void say_and_wait(const std::string &line)
{
	std::cout << line << std::endl;
	std::string answer;
	if (!std::getline(std::cin, answer))
		throw std::runtime_error("who started this is gone");
}

struct Paths {
	std::string lower;
	std::string dir;
};

struct Worker {
	uint64_t begin = 0, end = 0;
	long operations = 0;
};

// The first exception of any thread, for the main one.
class Failures
{
	std::mutex mutex_;
	std::exception_ptr first_;

public:
	template <typename Body> void guard(Body &&body) noexcept
	{
		try {
			body();
		} catch (...) {
			const std::lock_guard lock(mutex_);
			if (!first_)
				first_ = std::current_exception();
		}
	}
	void rethrow()
	{
		const std::lock_guard lock(mutex_);
		if (first_)
			std::rethrow_exception(first_);
	}
};

// All threads through, from the moment they are released to the end of the last one.
std::vector<Worker> work(Workload &workload, const Paths &paths)
{
	const auto count = static_cast<size_t>(workload.threads());
	std::vector<Worker> workers(count);
	std::barrier warmed(static_cast<std::ptrdiff_t>(count) + 1);
	std::barrier released(static_cast<std::ptrdiff_t>(count) + 1);
	std::atomic<bool> cancelled = false;
	Failures failures;
	std::vector<std::jthread> threads;
	for (size_t i = 0; i < count; i++)
		threads.emplace_back([&, i] {
			const int id = static_cast<int>(i);
			failures.guard([&] { workload.warm(id, paths.dir); });
			warmed.arrive_and_wait();
			released.arrive_and_wait();
			if (cancelled)
				return;
			workers[i].begin = now_ns();
			failures.guard(
				[&] { workers[i].operations = workload.run(id, paths.dir); });
			workers[i].end = now_ns();
		});
	warmed.arrive_and_wait();
	failures.guard([&] {
		failures.rethrow();
		say_and_wait("ready");
	});
	try {
		failures.rethrow();
	} catch (...) {
		cancelled = true;
	}
	released.arrive_and_wait();
	threads.clear();
	failures.rethrow();
	return workers;
}

nlohmann::json result_of(const Entry &entry, const Scale &scale, const std::vector<Worker> &workers)
{
	uint64_t begin = workers[0].begin, end = workers[0].end;
	long operations = 0;
	for (const Worker &w : workers) {
		begin = std::min(begin, w.begin);
		end = std::max(end, w.end);
		operations += w.operations;
	}
	return {{"workload", entry.name},   {"operation", entry.operation},
		{"threads", scale.threads}, {"files", scale.files},
		{"operations", operations}, {"nanoseconds", end - begin}};
}

// Gone at the end, however that comes.
class Tree
{
	std::filesystem::path path_;

public:
	explicit Tree(const std::string &path) : path_(path)
	{
		if (!std::filesystem::create_directory(path_))
			fail(EEXIST, "--lower " + path);
	}
	~Tree()
	{
		std::error_code ignored;
		std::filesystem::remove_all(path_, ignored);
	}
	Tree(const Tree &) = delete;
	Tree &operator=(const Tree &) = delete;

	// What was made is on its way to the disk before the clock starts.
	void sync()
	{
		const int fd = open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0 || syncfs(fd) < 0)
			fail(errno, "syncfs " + path_.string());
		close(fd);
	}
};

void list()
{
	for (const Entry &e : all_workloads())
		std::cout << e.name << " " << e.scale.threads << " " << e.scale.operations << " "
			  << e.scale.files << ": " << e.text << "\n";
}

const Entry &entry_of(const std::vector<Entry> &all, const std::string &name)
{
	const auto at = std::find_if(all.begin(), all.end(),
				     [&](const Entry &e) { return e.name == name; });
	if (at == all.end())
		throw CLI::ValidationError("no workload '" + name + "': see --list");
	return *at;
}

int run(const Entry &entry, const Scale &scale, const Paths &paths)
{
	const std::unique_ptr<Workload> workload = entry.make(scale);
	std::optional<Tree> tree;
	if (!paths.lower.empty()) {
		tree.emplace(paths.lower);
		workload->prepare(paths.lower);
		tree->sync();
	}
	say_and_wait("prepared");
	const std::vector<Worker> workers = work(*workload, paths);
	say_and_wait(result_of(entry, scale, workers).dump());
	return 0;
}

} // namespace

int main(int argc, char **argv)
{
	CLI::App app("A fixed amount of file system work by several threads, timed", "bench-load");
	std::string name;
	Paths paths;
	Scale asked{0, 0, 0, 4096};
	bool listing = false;
	const auto positive = CLI::Range(1L, 1L << 40);
	app.add_option("WORKLOAD", name, "which one");
	app.add_flag("--list", listing, "workloads, with threads, operations and files");
	app.add_option("--lower", paths.lower,
		       "directory to make, in the lower file system; without, it is there");
	app.add_option("--dir", paths.dir, "the same one through the mount");
	app.add_option("--threads", asked.threads, "default: as listed")
		->check(CLI::Range(1, 1024));
	app.add_option("--operations", asked.operations, "of all threads")->check(positive);
	app.add_option("--files", asked.files, "in the tree that is found")->check(positive);
	app.add_option("--block", asked.block, "bytes, of the workloads on blocks")
		->check(CLI::Range(1L, 1L << 24))
		->capture_default_str();
	try {
		app.parse(argc, argv);
		if (listing) {
			list();
			return 0;
		}
		if (name.empty() || paths.dir.empty())
			throw CLI::ValidationError("WORKLOAD and --dir are needed");
		const std::vector<Entry> all = all_workloads();
		const Entry &entry = entry_of(all, name);
		return run(entry,
			   {asked.threads ? asked.threads : entry.scale.threads,
			    asked.operations ? asked.operations : entry.scale.operations,
			    asked.files ? asked.files : entry.scale.files, asked.block},
			   paths);
	} catch (const CLI::ParseError &e) {
		return app.exit(e);
	} catch (const std::exception &e) {
		std::fprintf(stderr, "bench-load: %s: %s\n", name.c_str(), e.what());
		return 1;
	}
}
