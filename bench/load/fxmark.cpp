// SPDX-License-Identifier: GPL-2.0-only
// The metadata workloads of FxMark (Min et al., "Understanding Manycore Scalability
// of File Systems", ATC'16), as its programs define them; a number of operations in
// place of their seconds. M: metadata; W, R: write, read; then what (C create, U
// unlink, D directory, P path); then L, M, H: how much the threads share.
#include "load/workload.hpp"

#include <dirent.h>
#include <fcntl.h>

#include <array>
#include <cerrno>

namespace load
{

namespace
{

constexpr size_t page_size = 4096;
using Path = std::filesystem::path;

std::string numbered(const char *name, int thread, long i)
{
	return std::string(name) + "-" + std::to_string(thread) + "-" + std::to_string(i);
}

Path private_dir(const Path &dir, int thread)
{
	return dir / std::to_string(thread);
}

// Empty files, each thread in a directory of its own.
class Mwcl : public Workload
{
public:
	using Workload::Workload;
	void prepare(const Path &dir) override
	{
		for (int t = 0; t < threads(); t++)
			create_directory(private_dir(dir, t));
	}
	long run(int thread, const Path &dir) override
	{
		const Path own = private_dir(dir, thread);
		const long n = share(thread);
		for (long i = 0; i < n; i++)
			const File file(own / numbered("f", thread, i), O_CREAT | O_RDWR, 0700);
		return n;
	}
};

// Files of a page, all in one directory.
class Mwcm : public Workload
{
public:
	using Workload::Workload;
	long run(int thread, const Path &dir) override
	{
		const std::array<char, page_size> page{};
		const long n = share(thread);
		for (long i = 0; i < n; i++)
			File(dir / numbered("f", thread, i), O_CREAT | O_RDWR, 0700)
				.write(page.data(), page.size(), 0);
		return n;
	}
};

// Unlinks empty files; shared: all of them lie in one directory.
template <bool shared> class Mwu : public Workload
{
	static Path place(const Path &dir, int thread)
	{
		return shared ? dir : private_dir(dir, thread);
	}

public:
	using Workload::Workload;
	void prepare(const Path &dir) override
	{
		for (int t = 0; t < threads(); t++) {
			create_directories(place(dir, t));
			for (long i = 0; i < share(t); i++)
				make_file(place(dir, t) / numbered("f", t, i), 0);
		}
	}
	long run(int thread, const Path &dir) override
	{
		const Path where = place(dir, thread);
		const long n = share(thread);
		for (long i = 0; i < n; i++)
			remove_file(where / numbered("f", thread, i));
		return n;
	}
};

// Reads entries of a directory with that many files, from its beginning whenever it
// ends.
template <bool shared> class Mrd : public Workload
{
	static Path place(const Path &dir, int thread)
	{
		return shared ? dir : private_dir(dir, thread);
	}
	static long read(const Path &path, long most)
	{
		const std::unique_ptr<DIR, int (*)(DIR *)> d(opendir(path.c_str()), closedir);
		if (!d)
			fail(errno, "opendir " + path.string());
		long n = 0;
		errno = 0;
		while (n < most && readdir(d.get()))
			n++;
		if (errno)
			fail(errno, "readdir " + path.string());
		return n;
	}

public:
	using Workload::Workload;
	void prepare(const Path &dir) override
	{
		for (int t = 0; t < threads(); t++) {
			create_directories(place(dir, t));
			for (long i = first_of(t); i < first_of(t + 1); i++)
				make_file(place(dir, t) / numbered("f", t, i), 0);
		}
	}
	void warm(int thread, const Path &dir) override
	{
		read(place(dir, thread), files() + 2);
	}
	long run(int thread, const Path &dir) override
	{
		long n = 0;
		while (n < share(thread))
			n += read(place(dir, thread), share(thread) - n);
		return n;
	}
};

// stat of a path of five components.
class Mrpl : public Workload
{
	static Path path(const Path &dir, int thread)
	{
		return private_dir(dir, thread) / "0/0/0/0";
	}

public:
	using Workload::Workload;
	void prepare(const Path &dir) override
	{
		for (int t = 0; t < threads(); t++) {
			create_directories(path(dir, t).parent_path());
			make_file(path(dir, t), 0);
		}
	}
	void warm(int thread, const Path &dir) override
	{
		stat_file(path(dir, thread));
	}
	long run(int thread, const Path &dir) override
	{
		const Path own = path(dir, thread);
		const long n = share(thread);
		for (long i = 0; i < n; i++)
			stat_file(own);
		return n;
	}
};

// The same in a tree of all threads, that branches `width` times in each of five
// levels: any of its files at random, or always the first.
template <bool same> class Mrp : public Workload
{
	static constexpr int depth = 5;
	long width_ = 0;

	static std::string below_root(long number, long width, int levels)
	{
		std::string text;
		for (int i = 0; i < levels; i++, number /= width)
			text += "/" + std::to_string(number % width);
		return text;
	}
	static long power(long base, int exponent)
	{
		long value = 1;
		for (int i = 0; i < exponent; i++)
			value *= base;
		return value;
	}

public:
	// The widest tree of at most that many files; theirs has 8 to the power of 5.
	explicit Mrp(const Scale &scale) : Workload(scale)
	{
		while (power(width_ + 1, depth) <= files())
			width_++;
		if (width_ == 0)
			fail(EINVAL, "--files is too small for a tree");
	}
	void prepare(const Path &dir) override
	{
		for (long i = 0; i < power(width_, depth - 1); i++) {
			const std::string parent = dir.string() + below_root(i, width_, depth - 1);
			std::filesystem::create_directories(parent);
			for (long j = 0; j < width_; j++)
				make_file(parent + "/" + std::to_string(j), 0);
		}
	}
	void warm(int thread, const Path &dir) override
	{
		if (thread == 0)
			for (long i = 0; i < (same ? 1 : power(width_, depth)); i++)
				stat_file(dir.string() + below_root(i, width_, depth));
	}
	long run(int thread, const Path &dir) override
	{
		auto random = numbers(thread);
		const auto all = static_cast<uint64_t>(power(width_, depth));
		const long n = share(thread);
		for (long i = 0; i < n; i++) {
			const auto which = same ? 0 : static_cast<long>(below(random, all));
			stat_file(dir.string() + below_root(which, width_, depth));
		}
		return n;
	}
};

} // namespace

std::vector<Entry> fxmark_workloads()
{
	return {
		{"MWCL",
		 "file",
		 "creates empty files in private directories",
		 {1, 200, 0},
		 make<Mwcl>},
		{"MWCM",
		 "file",
		 "creates files of a page in a shared directory",
		 {1, 200, 0},
		 make<Mwcm>},
		{"MWUL",
		 "file",
		 "unlinks empty files in private directories",
		 {1, 200, 0},
		 make<Mwu<false>>},
		{"MWUM",
		 "file",
		 "unlinks empty files in a shared directory",
		 {1, 200, 0},
		 make<Mwu<true>>},
		{"MRDL",
		 "entry",
		 "reads entries of private directories",
		 {1, 4000, 400},
		 make<Mrd<false>>},
		{"MRDM",
		 "entry",
		 "reads entries of a shared directory",
		 {1, 4000, 400},
		 make<Mrd<true>>},
		{"MRPL",
		 "stat",
		 "stat of private paths of five components",
		 {1, 2000, 0},
		 make<Mrpl>},
		{"MRPM",
		 "stat",
		 "stat of any path of five components in a shared tree",
		 {1, 2000, 243},
		 make<Mrp<false>>},
		{"MRPH",
		 "stat",
		 "stat of one and the same path of five components",
		 {1, 2000, 243},
		 make<Mrp<true>>},
	};
}

} // namespace load
