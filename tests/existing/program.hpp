// SPDX-License-Identifier: GPL-2.0-only
//
// FUSE programs of programs.json, mounted the usual way and by extfuse-run.
#ifndef EXTFUSE_TESTS_PROGRAM_HPP
#define EXTFUSE_TESTS_PROGRAM_HPP

#include <string>
#include <vector>

#include <sys/types.h>

namespace extfuse_test
{

using Words = std::vector<std::string>;

struct Program {
	std::string name;
	std::string prepare; // a command of the shell
	Words argv;
	bool read_only = false;
	bool fill = false; // the tree is made through the mount, on stock
	bool sshd = false;
	// A file has the same attributes, and number of links, by each of its names, and
	// listed or looked up; maybe some time later.
	bool links = true;
};

std::vector<Program> all_programs();

// A child of ours with all that it leaves in the background.
class Job
{
public:
	// Output goes to a file, see output().
	explicit Job(const Words &argv);
	~Job();
	Job(const Job &) = delete;
	Job &operator=(const Job &) = delete;

	// argv's own process, not what it left in the background.
	pid_t pid() const
	{
		return pid_;
	}
	// Until everything has ended: the exit status of argv, 128 + signal if it was
	// killed, -1 if time runs out.
	int wait();
	// Has everything ended?
	bool over();
	static std::string output();

private:
	pid_t keeper_, pid_ = -1;
	int status_ = -1;
	bool over_ = false;
};

enum class Way { stock, driver, private_files };

// Directories of one program under test: what it shows, its own files, mount point.
class Workplace
{
public:
	explicit Workplace(const Program &program);
	~Workplace();

	// As it was prepared.
	void reset();
	Words command(Way way, const Words &options = {}) const;
	std::string mnt() const;
	std::string source() const;

private:
	const Program &program_;
};

// "fuse.sshfs" say; empty: nothing of FUSE is mounted there.
std::string mounted(const std::string &mnt);
// Within a minute, or a bit more on slow kernels.
bool wait_mounted(const std::string &mnt, Job &job);
bool wait_not_mounted(const std::string &mnt);
// extfuse-run with these options before "--".
Words by_driver(const Words &options, const Words &program);

} // namespace extfuse_test

#endif
