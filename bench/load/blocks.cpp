// SPDX-License-Identifier: GPL-2.0-only
// Reads and writes of blocks, in order or at random, of one file or of a file for each
// thread, as in "To FUSE or Not to FUSE" (FAST'17): a file that is written in order is
// a new one, the others are there. Theirs have 60 GB and are in no cache; ours are in
// the page cache, where a disk does not hide what a request costs.
#include "load/workload.hpp"

#include <fcntl.h>

namespace load
{

namespace
{

using Path = std::filesystem::path;
constexpr size_t all_files = 32 << 20;

enum class Order { Sequential, Random };

template <bool writes, Order order> class Blocks : public Workload
{
	static constexpr bool creates = writes && order == Order::Sequential;
	const size_t size_; // of a file: all have the same
	const std::vector<char> data_;

	Path path(const Path &dir, int thread) const
	{
		return dir / std::to_string(thread % files());
	}
	off_t next(std::mt19937_64 &random, long i) const
	{
		const uint64_t blocks = size_ / block();
		const uint64_t which = order == Order::Random ? below(random, blocks)
							      : static_cast<uint64_t>(i) % blocks;
		return static_cast<off_t>(which * block());
	}

public:
	explicit Blocks(const Scale &scale)
		: Workload(scale),
		  size_(std::max(all_files / 4 / static_cast<size_t>(files()), block())),
		  data_(block(), 'x')
	{
	}
	void prepare(const Path &dir) override
	{
		for (int i = 0; i < files() && !creates; i++)
			make_file(path(dir, i), size_);
	}
	void warm(int thread, const Path &dir) override
	{
		std::vector<char> buffer(block());
		if (thread < files() && !creates)
			File(path(dir, thread), O_RDONLY).read_whole(buffer);
	}
	long run(int thread, const Path &dir) override
	{
		std::vector<char> buffer(block());
		auto random = numbers(thread);
		File file(path(dir, thread),
			  writes ? O_WRONLY | (creates ? O_CREAT : 0) : O_RDONLY);
		const long n = share(thread);
		for (long i = 0; i < n; i++) {
			if (writes)
				file.write(data_.data(), data_.size(), next(random, i));
			else
				file.read(buffer.data(), buffer.size(), next(random, i));
		}
		return n;
	}
};

} // namespace

std::vector<Entry> block_workloads()
{
	return {
		{"seq-rd",
		 "block",
		 "reads blocks in order",
		 {1, 1024, 1},
		 make<Blocks<false, Order::Sequential>>},
		{"seq-wr",
		 "block",
		 "creates a file and writes blocks in order",
		 {1, 1024, 1},
		 make<Blocks<true, Order::Sequential>>},
		{"rnd-rd",
		 "block",
		 "reads blocks at random",
		 {1, 1024, 1},
		 make<Blocks<false, Order::Random>>},
		{"rnd-wr",
		 "block",
		 "writes blocks at random",
		 {1, 1024, 1},
		 make<Blocks<true, Order::Random>>},
	};
}

} // namespace load
