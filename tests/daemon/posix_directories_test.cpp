// SPDX-License-Identifier: GPL-2.0-only
// Reading directories, large ones and ones that change.
#include "mount_fixture.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstring>
#include <map>
#include <memory>
#include <set>
#include <thread>

namespace stackfs_test
{

using Directories = Mounted;

namespace
{

struct DirCloser {
	void operator()(DIR *dir) const
	{
		closedir(dir);
	}
};
using Dir = std::unique_ptr<DIR, DirCloser>;

// Names (without . and ..) and how often each was seen.
std::map<std::string, int> read_all(DIR *dir)
{
	std::map<std::string, int> names;
	while (const dirent *entry = readdir(dir))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			++names[entry->d_name];
	return names;
}

std::map<std::string, int> read_all(const std::string &path)
{
	const Dir dir(opendir(path.c_str()));
	EXPECT_TRUE(dir) << path << ": " << strerror(errno);
	return dir ? read_all(dir.get()) : std::map<std::string, int>();
}

void make_files(const std::string &dir, long count, const std::string &prefix = "f")
{
	const Fd at(open(dir.c_str(), O_RDONLY | O_DIRECTORY));
	for (long i = 0; i < count; ++i)
		ASSERT_EQ(mknodat(at, (prefix + std::to_string(i)).c_str(), S_IFREG | 0644, 0), 0);
}

} // namespace

TEST_F(Directories, EmptyOne)
{
	ASSERT_EQ(mkdir(mnt("d").c_str(), 0755), 0);
	const Dir dir(opendir(mnt("d").c_str()));
	std::set<std::string> names;
	while (const dirent *entry = readdir(dir.get()))
		names.insert(entry->d_name);
	EXPECT_EQ(names, (std::set<std::string>{".", ".."}));
}

TEST_F(Directories, TypesAndInodes)
{
	ASSERT_EQ(mkdir(mnt("dir").c_str(), 0755), 0);
	ASSERT_EQ(write_file(mnt("file"), ""), 0);
	ASSERT_EQ(symlink("x", mnt("link").c_str()), 0);
	const std::map<std::string, int> types = {
		{"dir", DT_DIR}, {"file", DT_REG}, {"link", DT_LNK}};
	const Dir dir(opendir(mnt().c_str()));
	size_t found = 0;
	while (const dirent *entry = readdir(dir.get())) {
		const auto it = types.find(entry->d_name);
		if (it == types.end())
			continue;
		++found;
		EXPECT_EQ(entry->d_type, it->second) << entry->d_name;
		EXPECT_EQ(entry->d_ino, stat_of(lower(entry->d_name)).st_ino);
	}
	EXPECT_EQ(found, 3U);
}

TEST_F(Directories, ManyEntries)
{
	const long count = many_files();
	ASSERT_NO_FATAL_FAILURE(make_files(lower(), count));
	for (int round = 0; round < 2; ++round) {
		const auto names = read_all(mnt());
		EXPECT_EQ(static_cast<long>(names.size()), count);
		for (const auto &[name, times] : names)
			ASSERT_EQ(times, 1) << name;
	}
	for (long i = 0; i < count; i += 997)
		EXPECT_TRUE(exists(mnt("f" + std::to_string(i))));
}

TEST_F(Directories, SeekToWhatTellSaid)
{
	ASSERT_NO_FATAL_FAILURE(make_files(lower(), 2000));
	const Dir dir(opendir(mnt().c_str()));
	std::vector<std::pair<long, std::string>> seen;
	for (;;) {
		const long at = telldir(dir.get());
		const dirent *entry = readdir(dir.get());
		if (!entry)
			break;
		seen.emplace_back(at, entry->d_name);
	}
	ASSERT_EQ(seen.size(), 2002U);
	for (size_t i = 0; i < seen.size(); i += 37) {
		const auto &[at, name] = seen[(i * 7919) % seen.size()];
		seekdir(dir.get(), at);
		const dirent *entry = readdir(dir.get());
		ASSERT_NE(entry, nullptr);
		ASSERT_EQ(entry->d_name, name);
	}
	rewinddir(dir.get());
	EXPECT_EQ(read_all(dir.get()).size(), 2000U);
}

TEST_F(Directories, RewindSeesWhatCame)
{
	ASSERT_NO_FATAL_FAILURE(make_files(mnt(), 10));
	const Dir dir(opendir(mnt().c_str()));
	EXPECT_EQ(read_all(dir.get()).size(), 10U);
	ASSERT_EQ(write_file(mnt("new"), ""), 0);
	rewinddir(dir.get());
	EXPECT_EQ(read_all(dir.get()).size(), 11U);
}

// What is there all along is seen once, whatever others do.
TEST_F(Directories, ChangedWhileBeingRead)
{
	const int count = steps(3000);
	ASSERT_NO_FATAL_FAILURE(make_files(lower(), count, "stay"));
	ASSERT_NO_FATAL_FAILURE(make_files(lower(), count, "go"));
	const Dir dir(opendir(mnt().c_str()));
	std::map<std::string, int> names;
	int step = 0;
	while (const dirent *entry = readdir(dir.get())) {
		++names[entry->d_name];
		if (step < count) {
			unlink(mnt("go" + std::to_string(step)).c_str());
			write_file(mnt("come" + std::to_string(step)), "");
		}
		++step;
	}
	for (int i = 0; i < count; ++i)
		ASSERT_EQ(names["stay" + std::to_string(i)], 1) << i;
}

// rm -r while reading, as rm does.
TEST_F(Directories, RemovedWhileBeingRead)
{
	ASSERT_EQ(mkdir(mnt("d").c_str(), 0755), 0);
	ASSERT_NO_FATAL_FAILURE(make_files(lower("d"), steps(5000)));
	tell_about_changes();
	for (int round = 0; round < 20 && exists(mnt("d")); ++round) {
		const Dir dir(opendir(mnt("d").c_str()));
		while (const dirent *entry = readdir(dir.get())) {
			if (entry->d_name[0] != '.') {
				ASSERT_EQ(unlink(mnt("d/" + std::string(entry->d_name)).c_str()), 0)
					<< entry->d_name << ": " << strerror(errno);
			}
		}
		rmdir(mnt("d").c_str());
	}
	EXPECT_FALSE(exists(lower("d")));
}

TEST_F(Directories, SeveralReadersOfOneHandle)
{
	ASSERT_NO_FATAL_FAILURE(make_files(lower(), 5000));
	const Fd fd(open(mnt().c_str(), O_RDONLY | O_DIRECTORY));
	std::vector<std::thread> threads;
	std::vector<size_t> counts(4);
	for (size_t t = 0; t < counts.size(); ++t)
		threads.emplace_back([&, t] {
			char buffer[4096];
			for (;;) {
				const ssize_t n = getdents64(fd, buffer, sizeof(buffer));
				if (n <= 0)
					return;
				for (ssize_t at = 0; at < n;) {
					const auto *entry =
						reinterpret_cast<const dirent64 *>(buffer + at);
					at += entry->d_reclen;
					++counts[t];
				}
			}
		});
	for (std::thread &thread : threads)
		thread.join();
	EXPECT_EQ(counts[0] + counts[1] + counts[2] + counts[3], 5002U);
}

TEST_F(Directories, WithoutTheRightToSearch)
{
	ASSERT_EQ(mkdir(mnt("d").c_str(), 0744), 0);
	ASSERT_NO_FATAL_FAILURE(make_files(mnt("d"), 5));
	const int count = as_user({1001, 1001}, [&] {
		const Dir dir(opendir(mnt("d").c_str()));
		return dir ? static_cast<int>(read_all(dir.get()).size()) : 100;
	});
	EXPECT_EQ(count, 5) << "names may be read";
	EXPECT_EQ(as_user({1001, 1001},
			  [&] {
				  struct stat st;
				  return errno_of(stat(mnt("d/f0").c_str(), &st));
			  }),
		  EACCES);
}

} // namespace stackfs_test
