// SPDX-License-Identifier: GPL-2.0-only
// bench-ops: runs one operation many times and tells what an iteration costs.
//
//     bench-ops --make DIR        the files the operations need
//     bench-ops OPERATION DIR     takes commands on standard input, a line each:
//         warm N          N iterations, answered by "ok"
//         measure N R     R times N iterations, answered by JSON: nanoseconds of
//                         an iteration in each repeat, the loop's own taken off
//         profile N       N iterations between marks for the profiler, then "ok"
//
// Between two commands the other side can look at counters, so that it knows of
// exactly these iterations what became of them.
#include "mark.hpp"
#include "operation.hpp"

#include <time.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <iostream>
#include <sstream>

using namespace bench;

namespace
{

// Under icount a nanosecond of this clock is an instruction.
double now_ns()
{
	timespec t;
	clock_gettime(CLOCK_MONOTONIC_RAW, &t);
	return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
}

double time_of(Operation &operation, long n)
{
	const double begin = now_ns();
	for (long i = 0; i < n; ++i)
		operation.once();
	return (now_ns() - begin) / static_cast<double>(n);
}

void measure(Operation &operation, long n, long repeats)
{
	const auto empty = make_empty();
	const double loop = time_of(*empty, n);
	std::printf("{\"n\": %ld, \"loop\": %.3f, \"ns\": [", n, loop);
	for (long i = 0; i < repeats; ++i)
		std::printf("%s%.3f", i ? ", " : "", time_of(operation, n) - loop);
	std::printf("]}\n");
}

// False: the line is none of ours.
bool execute(Operation &operation, const std::string &line)
{
	std::istringstream in(line);
	std::string word;
	long n = 0, repeats = 1;
	in >> word >> n;
	if (n < 1)
		return false;
	if (word == "warm") {
		time_of(operation, n);
		std::printf("ok\n");
	} else if (word == "profile") {
		mark_begin();
		time_of(operation, n);
		mark_end();
		std::printf("ok\n");
	} else if (word == "measure" && in >> repeats && repeats >= 1) {
		measure(operation, n, repeats);
	} else {
		return false;
	}
	std::fflush(stdout);
	return true;
}

int serve(Operation &operation)
{
	for (std::string line; std::getline(std::cin, line);) {
		if (!execute(operation, line)) {
			std::fprintf(stderr, "bench-ops: cannot understand '%s'\n", line.c_str());
			return 2;
		}
	}
	return 0;
}

int usage()
{
	std::fprintf(stderr, "usage: bench-ops --make DIR | bench-ops OPERATION DIR\n");
	for (const Entry &entry : operations())
		std::cerr << "  " << entry.name << ": " << entry.text << "\n";
	return 2;
}

int run(const char *name, const char *dir)
{
	std::filesystem::current_path(dir);
	if (std::strcmp(name, "--make") == 0) {
		make_files();
		return 0;
	}
	for (const Entry &entry : operations())
		if (entry.name == name)
			return serve(*entry.make());
	return usage();
}

} // namespace

int main(int argc, char **argv)
{
	if (argc != 3)
		return usage();
	try {
		return run(argv[1], argv[2]);
	} catch (const std::exception &e) {
		std::fprintf(stderr, "bench-ops: %s in %s: %s\n", argv[1], argv[2], e.what());
		return 1;
	}
}
