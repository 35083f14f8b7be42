// SPDX-License-Identifier: GPL-2.0-only
// Workloads on small files of "To FUSE or Not to FUSE" (Vangoor et al., FAST'17):
// files of 4 KiB, 1,000 a directory; and what creates and deletes cost alone.
#include "load/workload.hpp"

#include <fcntl.h>

#include <array>

namespace load
{

namespace
{

using Path = std::filesystem::path;
constexpr size_t file_size = 4096;
constexpr long directory_width = 1000;

Path file_path(const Path &dir, long i)
{
	return dir / std::to_string(i / directory_width) / std::to_string(i);
}

void make_directories(const Path &dir, long count)
{
	for (long i = 0; i < count; i += directory_width)
		create_directory(dir / std::to_string(i / directory_width));
}

// Files are numbered through: the first thread has the first ones.
class Numbered : public Workload
{
public:
	using Workload::Workload;
	long begin_of(int thread) const
	{
		long sum = 0;
		for (int t = 0; t < thread; t++)
			sum += share(t);
		return sum;
	}
};

class FilesCreate : public Numbered
{
public:
	using Numbered::Numbered;
	void prepare(const Path &dir) override
	{
		make_directories(dir, begin_of(threads()));
	}
	long run(int thread, const Path &dir) override
	{
		const std::array<char, file_size> data{};
		const long first = begin_of(thread), n = share(thread);
		for (long i = first; i < first + n; i++)
			File(file_path(dir, i), O_CREAT | O_EXCL | O_WRONLY)
				.write(data.data(), data.size(), 0);
		return n;
	}
};

class FilesDelete : public Numbered
{
public:
	using Numbered::Numbered;
	void prepare(const Path &dir) override
	{
		make_directories(dir, begin_of(threads()));
		for (long i = 0; i < begin_of(threads()); i++)
			make_file(file_path(dir, i), file_size);
	}
	long run(int thread, const Path &dir) override
	{
		const long first = begin_of(thread), n = share(thread);
		for (long i = first; i < first + n; i++)
			remove_file(file_path(dir, i));
		return n;
	}
};

// Opens, reads, closes any of the files. Theirs were not in any cache; `warm`: ours
// were all read once, as on the second epoch of a training job.
template <bool warmed> class FilesRead : public Workload
{
	static void read(const Path &path)
	{
		std::array<char, file_size> data;
		File(path, O_RDONLY).read(data.data(), data.size(), 0);
	}

public:
	using Workload::Workload;
	void prepare(const Path &dir) override
	{
		make_directories(dir, files());
		for (long i = 0; i < files(); i++)
			make_file(file_path(dir, i), file_size);
	}
	void warm(int thread, const Path &dir) override
	{
		for (long i = first_of(thread); warmed && i < first_of(thread + 1); i++)
			read(file_path(dir, i));
	}
	long run(int thread, const Path &dir) override
	{
		auto random = numbers(thread);
		const long n = share(thread);
		for (long i = 0; i < n; i++)
			read(file_path(dir, static_cast<long>(below(
						    random, static_cast<uint64_t>(files())))));
		return n;
	}
};

// RFUSE's latency of a request that does nothing: create in the root of the mount.
// Their file system answers at once; the lower one of ours makes a file.
class CreateLatency : public Workload
{
public:
	using Workload::Workload;
	long run(int thread, const Path &dir) override
	{
		const long n = share(thread);
		for (long i = 0; i < n; i++)
			const File file(dir / (std::to_string(thread) + "-" + std::to_string(i)),
					O_CREAT | O_EXCL | O_WRONLY);
		return n;
	}
};

} // namespace

std::vector<Entry> stackfs_workloads()
{
	return {
		{"files-cr",
		 "file",
		 "creates files of 4 KiB, over many directories",
		 {1, 200, 0},
		 make<FilesCreate>},
		{"files-rd",
		 "file",
		 "reads files of 4 KiB, over many directories, cold",
		 {1, 200, 400},
		 make<FilesRead<false>>},
		{"files-rd-warm",
		 "file",
		 "the same, all of them read once before",
		 {1, 400, 200},
		 make<FilesRead<true>>},
		{"files-del",
		 "file",
		 "deletes files of 4 KiB, over many directories",
		 {1, 200, 0},
		 make<FilesDelete>},
		{"create-root",
		 "create",
		 "creates and closes empty files in one directory",
		 {1, 200, 0},
		 make<CreateLatency>},
	};
}

} // namespace load
