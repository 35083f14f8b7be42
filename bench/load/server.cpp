// SPDX-License-Identifier: GPL-2.0-only
// The mail, file and web server of filebench, with the parameters of "To FUSE or Not
// to FUSE" (FAST'17) but for the number of files: theirs are 1,500,000 of 16 KiB in
// one directory, 200,000 of 128 KiB and 1,250,000 of 16 KiB, 20 a directory.
// Operations are counted as filebench does: open, read, append, sync, close, delete
// and stat are one each.
#include "load/workload.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace load
{

namespace
{

using Path = std::filesystem::path;
constexpr size_t io_size = 1 << 20; // of reads and of whole writes
constexpr size_t append_most = 16 << 10;

// A gamma distribution of shape 1.5 gives filebench its sizes; all runs have the same
// ones.
size_t size_of(long i, size_t mean)
{
	std::mt19937_64 random(static_cast<uint64_t>(i) + 77);
	std::gamma_distribution<double> gamma(1.5, static_cast<double>(mean) / 1.5);
	return std::max<size_t>(1, static_cast<size_t>(gamma(random)));
}

class Server : public Workload
{
	const size_t mean_;
	const long width_;
	std::vector<std::vector<char>> buffers_;

protected:
	struct Thread {
		std::mt19937_64 random;
		std::vector<char> &buffer;
		long first, last; // its files: those of others may be gone
		long hole;        // the one of them that is not there
		long operations = 0;

		// Any of its files that are there.
		long any()
		{
			const long i =
				first + static_cast<long>(below(
						random, static_cast<uint64_t>(last - first - 1)));
			return i < hole ? i : i + 1;
		}
		// That one is gone; what was not there before.
		long instead_of(long gone)
		{
			return std::exchange(hole, gone);
		}
	};

	Server(const Scale &scale, size_t mean, long width)
		: Workload(scale), mean_(mean), width_(width)
	{
		if (files() < 2 * threads())
			fail(EINVAL, "--files: two for each thread are needed");
		for (int i = 0; i < threads(); i++)
			buffers_.emplace_back(io_size, 'x');
	}
	virtual void turn(Thread &thread, const Path &dir) = 0;

	Path path(const Path &dir, long i) const
	{
		return dir / ("d" + std::to_string(i / width_)) / std::to_string(i);
	}
	size_t mean() const
	{
		return mean_;
	}
	void read_whole(Thread &t, const Path &dir, long i)
	{
		File(path(dir, i), O_RDONLY).read_whole(t.buffer);
		t.operations += 3;
	}
	void append(Thread &t, File &file)
	{
		file.append(t.buffer.data(), 1 + below(t.random, append_most));
		t.operations++;
	}

public:
	void prepare(const Path &dir) override
	{
		for (long i = 0; i < files(); i++) {
			if (i % width_ == 0)
				create_directory(path(dir, i).parent_path());
			make_file(path(dir, i), size_of(i, mean_));
		}
		for (int t = 0; t < threads(); t++)
			remove_file(path(dir, first_of(t)));
		make_file(dir / "log", mean_);
	}
	long run(int thread, const Path &dir) override
	{
		Thread t{numbers(thread), buffers_[static_cast<size_t>(thread)], first_of(thread),
			 first_of(thread + 1), first_of(thread)};
		while (t.operations < share(thread))
			turn(t, dir);
		return t.operations;
	}
};

constexpr int create_flags = O_CREAT | O_EXCL | O_WRONLY;

class Mail : public Server
{
public:
	explicit Mail(const Scale &scale) : Server(scale, 16 << 10, scale.files) {}
	void turn(Thread &t, const Path &dir) override
	{
		const long gone = t.any();
		remove_file(path(dir, gone));
		{
			File file(path(dir, t.instead_of(gone)), create_flags);
			append(t, file);
			file.sync();
		}
		{
			File file(path(dir, t.any()), O_RDWR | O_APPEND);
			file.read_whole(t.buffer);
			append(t, file);
			file.sync();
		}
		t.operations += 8; // delete, create, sync, close, open, read, sync, close
		read_whole(t, dir, t.any());
	}
};

class FileServer : public Server
{
public:
	explicit FileServer(const Scale &scale) : Server(scale, 128 << 10, 20) {}
	void turn(Thread &t, const Path &dir) override
	{
		const long gone = t.any();
		const long fresh = t.instead_of(gone);
		{
			File file(path(dir, fresh), create_flags);
			file.append(t.buffer.data(), std::min(size_of(fresh, mean()), io_size));
		}
		{
			File file(path(dir, t.any()), O_WRONLY | O_APPEND);
			append(t, file);
		}
		read_whole(t, dir, t.any());
		remove_file(path(dir, gone));
		stat_file(path(dir, t.any()));
		t.operations += 7; // create, write, close, open, close, delete, stat
	}
};

class Web : public Server
{
public:
	explicit Web(const Scale &scale) : Server(scale, 16 << 10, 20) {}
	void turn(Thread &t, const Path &dir) override
	{
		for (int i = 0; i < 10; i++)
			read_whole(t, dir, t.any());
		File log(dir / "log", O_WRONLY | O_APPEND);
		append(t, log);
	}
};

} // namespace

std::vector<Entry> server_workloads()
{
	return {
		{"mail-server",
		 "operation",
		 "16 threads: delete, create, append, sync, read",
		 {16, 600, 160},
		 make<Mail>},
		{"file-server",
		 "operation",
		 "50 threads: create, append, read, delete, stat",
		 {50, 500, 150},
		 make<FileServer>},
		{"web-server",
		 "operation",
		 "100 threads: ten files read whole, a log appended",
		 {100, 3100, 200},
		 make<Web>},
	};
}

} // namespace load
