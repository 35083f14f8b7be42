// SPDX-License-Identifier: GPL-2.0-only
// Many names: what one costs that the caches hold, however many there are, and what
// they cost when there are more than the caches hold.
#include "load/workload.hpp"

#include <algorithm>

namespace load
{

namespace
{

using Path = std::filesystem::path;
constexpr long directory_width = 1000;

// stat of some of the names, spread evenly over all, of any of them, or of each in turn.
enum class Which { Some, Any, Each };

template <Which which> class Names : public Workload
{
	static constexpr bool sampled = which == Which::Some;
	static constexpr long sample = 1000;

	static Path path(const Path &dir, long i)
	{
		return dir / std::to_string(i / directory_width) / std::to_string(i);
	}
	long used() const
	{
		return sampled ? std::min(sample, files()) : files();
	}
	long name(long i) const
	{
		return sampled ? i * (files() / used()) : i;
	}

public:
	using Workload::Workload;
	void prepare(const Path &dir) override
	{
		for (long i = 0; i < files(); i++) {
			if (i % directory_width == 0)
				create_directory(path(dir, i).parent_path());
			make_file(path(dir, i), 0);
		}
	}
	// All directories are looked up: a mount that prefetches names does it now.
	void warm(int thread, const Path &dir) override
	{
		if (thread != 0)
			return;
		for (long i = 0; i < files(); i += directory_width)
			stat_file(path(dir, i).parent_path());
		for (int pass = 0; pass < 2; pass++)
			for (long i = 0; i < used(); i++)
				stat_file(path(dir, name(i)));
	}
	long run(int thread, const Path &dir) override
	{
		auto random = numbers(thread);
		const long n = share(thread);
		for (long i = 0; i < n; i++) {
			const auto any =
				static_cast<long>(below(random, static_cast<uint64_t>(used())));
			stat_file(path(dir, name(which == Which::Each ? i % used() : any)));
		}
		return n;
	}
};

} // namespace

std::vector<Entry> name_workloads()
{
	return {
		{"names-some",
		 "stat",
		 "stat of 1,000 names out of many",
		 {1, 2000, 10000},
		 make<Names<Which::Some>>},
		{"names-any",
		 "stat",
		 "stat of any of many names",
		 {1, 2000, 10000},
		 make<Names<Which::Any>>},
		{"names-each",
		 "stat",
		 "stat of each of many names, in order",
		 {1, 2000, 2000},
		 make<Names<Which::Each>>},
	};
}

} // namespace load
