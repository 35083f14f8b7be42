// SPDX-License-Identifier: GPL-2.0-only
// bench-pair: the walk to a file of its own, by one thread or by two at once, each on
// a CPU of its own, on the wall clock.
//
//     bench-pair DIR...    takes lines on standard input: the index of a DIR, N, R.
//         Answers by JSON: seconds of N walks on CPU 0 alone, on CPU 1 alone, and of
//         N on each at the same time; the best of R each. Few walks and many times,
//         that some of them are not disturbed.
#include "operation.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/stat.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <exception>
#include <iostream>
#include <thread>

using namespace bench;

namespace
{

double now()
{
	timespec t;
	clock_gettime(CLOCK_MONOTONIC_RAW, &t);
	return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

void pin(int cpu)
{
	cpu_set_t set;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	const int error = pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
	if (error)
		fail(error, "pin to CPU " + std::to_string(cpu));
}

// A walk begins at a descriptor of its own: they share nothing there.
struct alignas(128) Walker {
	int cpu;
	int dir;
	const char *path;
	double begin = 0, end = 0;
	int error = 0;

	void walk(long n)
	{
		struct stat st;
		begin = now();
		for (long i = 0; i < n && !error; i++)
			if (fstatat(dir, path, &st, 0) < 0)
				error = errno;
		end = now();
	}
};

// From the first one's begin to the last one's end.
double seconds(const std::vector<Walker> &walkers)
{
	double begin = walkers[0].begin, end = walkers[0].end;
	for (const Walker &w : walkers) {
		if (w.error)
			fail(w.error, std::string("stat ") + w.path);
		begin = std::min(begin, w.begin);
		end = std::max(end, w.end);
	}
	return end - begin;
}

// The best of so many times.
double together(std::vector<Walker> walkers, long n, long times)
{
	std::atomic<size_t> arrived{0}; // all wait for all, before and after each time
	double best = 0;
	std::vector<std::thread> threads;
	const auto meet = [&](size_t stop) {
		++arrived;
		while (arrived < stop * walkers.size())
			;
	};
	for (Walker &w : walkers)
		threads.emplace_back([&] {
			pin(w.cpu);
			for (long i = 1; i <= times; i++) {
				meet(2 * i - 1);
				w.walk(n);
				meet(2 * i);
				if (&w == &walkers[0]) {
					const double s = seconds(walkers);
					best = i == 1 ? s : std::min(best, s);
				}
			}
		});
	for (std::thread &t : threads)
		t.join();
	return best;
}

Walker walker(const char *dir, int cpu)
{
	const int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		fail(errno, std::string("open ") + dir);
	return {cpu, fd, cpu ? deep_path_too : deep_path};
}

int serve(const std::vector<std::vector<Walker>> &places)
{
	size_t which;
	for (long n, times; std::cin >> which >> n >> times;) {
		const std::vector<Walker> &both = places.at(which);
		std::printf("{\"first\": %.9f, \"second\": %.9f, \"both\": %.9f}\n",
			    together({both[0]}, n, times), together({both[1]}, n, times),
			    together(both, n, times));
		std::fflush(stdout);
	}
	return 0;
}

} // namespace

int main(int argc, char **argv)
{
	try {
		std::vector<std::vector<Walker>> places;
		for (int i = 1; i < argc; i++)
			places.push_back({walker(argv[i], 0), walker(argv[i], 1)});
		return serve(places);
	} catch (const std::exception &e) {
		std::fprintf(stderr, "bench-pair: %s\n", e.what());
		return 1;
	}
}
