// SPDX-License-Identifier: GPL-2.0-only
// Data: samples for training, and several writers of one file.
#include "load/workload.hpp"

#include <fcntl.h>

#include <algorithm>
#include <numeric>

namespace load
{

namespace
{

using Path = std::filesystem::path;

// A data loader: files of many samples each, read in shuffled order, in batches, by
// workers. A sample has 4 KiB to 4 MiB, at any byte: sizes are spread evenly over
// their logarithms, as small ones are the many.
class Samples : public Workload
{
	static constexpr long per_file = 64;
	static constexpr long batch = 32;
	static constexpr unsigned smallest = 12, largest = 22; // bits

	struct Sample {
		long file;
		off_t at;
		size_t size;
	};
	std::vector<Sample> samples_; // in the order they are read in
	std::vector<size_t> sizes_;   // of files
	std::vector<std::vector<File>> open_;
	std::vector<std::vector<char>> buffers_;

	static Path path(const Path &dir, long i)
	{
		return dir / ("shard-" + std::to_string(i));
	}

public:
	explicit Samples(const Scale &scale)
		: Workload(scale), sizes_(static_cast<size_t>(scale.files)),
		  open_(static_cast<size_t>(scale.threads)),
		  buffers_(static_cast<size_t>(scale.threads))
	{
		auto random = numbers(0);
		for (long i = 0; i < files() * per_file; i++) {
			const long file = i / per_file;
			const auto bits = smallest + below(random, largest - smallest);
			const size_t size = (size_t{1} << bits) + below(random, size_t{1} << bits);
			size_t &end = sizes_[static_cast<size_t>(file)];
			samples_.push_back({file, static_cast<off_t>(end), size});
			end += size;
		}
		// Fisher and Yates; std::shuffle may differ between libraries.
		for (size_t i = samples_.size(); i > 1; i--)
			std::swap(samples_[i - 1], samples_[below(random, i)]);
	}
	void prepare(const Path &dir) override
	{
		const std::vector<char> block(1 << 20, 'x');
		for (long i = 0; i < files(); i++) {
			File file(path(dir, i), O_CREAT | O_EXCL | O_WRONLY);
			for (size_t left = sizes_[static_cast<size_t>(i)]; left;) {
				const size_t n = std::min(left, block.size());
				file.append(block.data(), n);
				left -= n;
			}
		}
	}
	void warm(int thread, const Path &dir) override
	{
		const auto t = static_cast<size_t>(thread);
		buffers_[t].resize(size_t{1} << largest);
		for (long i = 0; i < files(); i++)
			open_[t].emplace_back(path(dir, i), O_RDONLY);
		// Once through, so that all have the pages they keep.
		for (size_t i = t; i < samples_.size(); i += open_.size())
			read(thread, samples_[i]);
	}
	void read(int thread, const Sample &sample)
	{
		const auto t = static_cast<size_t>(thread);
		open_[t][static_cast<size_t>(sample.file)].read(buffers_[t].data(), sample.size,
								sample.at);
	}
	// A worker takes every n-th batch.
	long run(int thread, const Path &) override
	{
		const long n = share(thread);
		long done = 0;
		for (long b = thread; done < n; b += threads())
			for (long i = 0; i < batch && done < n; i++, done++)
				read(thread, samples_[static_cast<size_t>(b * batch + i) %
						      samples_.size()]);
		return n;
	}
};

// Blocks of 64 KiB of one file, each thread in its own part.
class SharedWrite : public Workload
{
	static constexpr size_t block_size = 64 << 10;
	static constexpr long blocks = 16; // of each thread's part
	std::vector<File> open_;
	const std::vector<char> block_ = std::vector<char>(block_size, 'y');

public:
	using Workload::Workload;
	void prepare(const Path &dir) override
	{
		make_file(dir / "shared", block_size * static_cast<size_t>(blocks * threads()));
	}
	void warm(int thread, const Path &dir) override
	{
		File file(dir / "shared", O_RDWR);
		std::vector<char> buffer(block_size);
		for (long i = 0; i < blocks; i++)
			file.read(buffer.data(), buffer.size(), offset(thread, i));
	}
	long run(int thread, const Path &dir) override
	{
		File file(dir / "shared", O_WRONLY);
		const long n = share(thread);
		for (long i = 0; i < n; i++)
			file.write(block_.data(), block_.size(), offset(thread, i % blocks));
		return n;
	}

private:
	static off_t offset(int thread, long i)
	{
		return (thread * blocks + i) * static_cast<off_t>(block_size);
	}
};

} // namespace

std::vector<Entry> data_workloads()
{
	return {
		{"ai-samples",
		 "sample",
		 "8 workers read samples in shuffled order, in batches",
		 {8, 64, 1},
		 make<Samples>},
		{"shared-write",
		 "block",
		 "4 threads write blocks of 64 KiB of one file",
		 {4, 400, 0},
		 make<SharedWrite>},
	};
}

} // namespace load
