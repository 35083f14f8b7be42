// SPDX-License-Identifier: GPL-2.0-only
// Threads doing everything at random, each against a model of its own directory; and
// all together in one directory, where only what must hold anyway is checked.
#include "mount_fixture.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <filesystem>
#include <map>
#include <random>
#include <thread>

namespace stackfs_test
{

using Stress = Mounted;

namespace
{

// A directory of regular files as it must be: names lead to contents, several
// names may lead to the same one.
class Model
{
	using Content = std::shared_ptr<std::string>;
	std::string top_;
	std::map<std::string, Content> files_;
	std::mt19937 random_;

	unsigned pick(unsigned below)
	{
		return random_() % below;
	}
	std::string any_name()
	{
		return "n" + std::to_string(pick(12));
	}
	std::string path(const std::string &name) const
	{
		return top_ + "/" + name;
	}
	bool known(const std::string &name) const
	{
		return files_.count(name) != 0;
	}

public:
	Model(std::string top, unsigned seed) : top_(std::move(top)), random_(seed) {}

	// What went wrong, or nothing.
	std::string step()
	{
		switch (pick(10)) {
		case 0:
		case 1:
			return check(any_name());
		case 2:
			return write(any_name());
		case 3:
			return append(any_name());
		case 4:
			return remove(any_name());
		case 5:
			return move(any_name(), any_name());
		case 6:
			return join(any_name(), any_name());
		case 7:
			return cut(any_name());
		case 8:
			return list();
		default:
			return exchange(any_name(), any_name());
		}
	}

	std::string check(const std::string &name)
	{
		struct stat st;
		const int err = errno_of(stat(path(name).c_str(), &st));
		if (!known(name))
			return err == ENOENT ? "" : "stat of missing " + name;
		const Content &content = files_[name];
		if (err)
			return "stat of " + name + ": " + strerror(err);
		if (st.st_size != static_cast<off_t>(content->size()))
			return "size of " + name + " is " + std::to_string(st.st_size) + ", not " +
			       std::to_string(content->size());
		long links = 0;
		for (const auto &file : files_)
			links += file.second == content;
		if (static_cast<long>(st.st_nlink) != links)
			return "link count of " + name + " is " + std::to_string(st.st_nlink) +
			       ", not " + std::to_string(links);
		return read_file(path(name)) == *content ? "" : "content of " + name;
	}

	std::string write(const std::string &name)
	{
		const std::string text(pick(20000), static_cast<char>('a' + pick(26)));
		if (!known(name))
			files_[name] = std::make_shared<std::string>();
		*files_[name] = text;
		const int err = write_file(path(name), text);
		return err ? "write of " + name + ": " + strerror(err) : check(name);
	}

	std::string append(const std::string &name)
	{
		const Fd fd(open(path(name).c_str(), O_WRONLY | O_APPEND));
		if (!known(name))
			return fd < 0 && errno == ENOENT ? "" : "append to missing " + name;
		const std::string text(pick(5000) + 1, '+');
		*files_[name] += text;
		if (::write(fd, text.data(), text.size()) != static_cast<ssize_t>(text.size()))
			return "append to " + name + ": " + strerror(errno);
		return check(name);
	}

	std::string remove(const std::string &name)
	{
		const int err = errno_of(unlink(path(name).c_str()));
		const int expected = known(name) ? 0 : ENOENT;
		files_.erase(name);
		return err == expected ? check(name) : "unlink of " + name + ": " + strerror(err);
	}

	std::string move(const std::string &from, const std::string &to)
	{
		const int err = errno_of(rename(path(from).c_str(), path(to).c_str()));
		if (err != (known(from) ? 0 : ENOENT))
			return "rename of " + from + ": " + strerror(err);
		// Two names of the same file: nothing happens.
		if (!err && !(known(to) && files_[to] == files_[from])) {
			files_[to] = files_[from];
			files_.erase(from);
		}
		const std::string wrong = check(from);
		return wrong.empty() ? check(to) : wrong + " after rename to " + to;
	}

	std::string exchange(const std::string &a, const std::string &b)
	{
		const int err = errno_of(renameat2(AT_FDCWD, path(a).c_str(), AT_FDCWD,
						   path(b).c_str(), RENAME_EXCHANGE));
		if (err != (known(a) && known(b) ? 0 : ENOENT))
			return "exchange of " + a + ": " + strerror(err);
		if (!err)
			std::swap(files_[a], files_[b]);
		const std::string wrong = check(a);
		return wrong.empty() ? check(b) : wrong + " after exchange with " + b;
	}

	std::string join(const std::string &from, const std::string &to)
	{
		const int err = errno_of(link(path(from).c_str(), path(to).c_str()));
		const int expected = !known(from) ? ENOENT : known(to) ? EEXIST : 0;
		if (err != expected)
			return "link of " + from + ": " + strerror(err);
		if (!err)
			files_[to] = files_[from];
		return check(to);
	}

	std::string cut(const std::string &name)
	{
		const size_t size = pick(10000);
		const int err = errno_of(truncate(path(name).c_str(), static_cast<off_t>(size)));
		if (err != (known(name) ? 0 : ENOENT))
			return "truncate of " + name + ": " + strerror(err);
		if (!err)
			files_[name]->resize(size);
		return check(name);
	}

	std::string list()
	{
		size_t count = 0;
		for (const auto &entry : std::filesystem::directory_iterator(top_)) {
			if (!known(entry.path().filename()))
				return "listed, but missing: " + entry.path().string();
			++count;
		}
		return count == files_.size() ? "" : "listed " + std::to_string(count);
	}
};

// At least one of these happens to be wrong if a node is confused with another: each
// file holds its own name's group, whatever it was renamed to.
std::string shared_step(const std::string &top, std::mt19937 &random)
{
	const unsigned group = random() % 4;
	const auto name = [&] {
		return top + "/g" + std::to_string(group) + "-" + std::to_string(random() % 5);
	};
	const std::string text = "group " + std::to_string(group);
	switch (random() % 6) {
	case 0:
	case 1: {
		// Appears complete, by rename.
		const std::string draft = name() + "." + std::to_string(gettid());
		write_file(draft, text);
		rename(draft.c_str(), name().c_str());
		break;
	}
	case 2:
		unlink(name().c_str());
		break;
	case 3:
		rename(name().c_str(), name().c_str());
		break;
	case 4:
		link(name().c_str(), name().c_str());
		break;
	default: {
		const Fd fd(open(name().c_str(), O_RDONLY));
		char buffer[32] = {};
		if (fd < 0)
			return errno == ENOENT ? "" : std::string("open: ") + strerror(errno);
		const ssize_t n = read(fd, buffer, sizeof(buffer));
		if (n < 0 || text != std::string(buffer, static_cast<size_t>(n)))
			return "read '" + std::string(buffer) + "', not '" + text + "'";
	}
	}
	return "";
}

template <typename Step> void run_threads(int threads, int steps, Step &&step)
{
	std::atomic<bool> failed{false};
	std::vector<std::thread> all;
	for (int t = 0; t < threads; ++t)
		all.emplace_back([&, t] {
			auto work = step(t);
			for (int i = 0; i < steps && !failed; ++i) {
				const std::string wrong = work();
				if (wrong.empty())
					continue;
				failed = true;
				ADD_FAILURE() << "thread " << t << ", step " << i << ": " << wrong;
			}
		});
	for (std::thread &thread : all)
		thread.join();
}

} // namespace

TEST_F(Stress, EightThreadsAgainstTheirModels)
{
	for (int t = 0; t < 8; ++t)
		ASSERT_EQ(mkdir(mnt("t" + std::to_string(t)).c_str(), 0755), 0);
	run_threads(8, steps(1500), [&](int t) {
		auto model = std::make_shared<Model>(mnt("t" + std::to_string(t)),
						     static_cast<unsigned>(t) + 1);
		return [model] { return model->step(); };
	});
}

TEST_F(Stress, EightThreadsInOneDirectory)
{
	ASSERT_EQ(mkdir(mnt("d").c_str(), 0755), 0);
	run_threads(8, steps(2500), [&](int t) {
		auto random = std::make_shared<std::mt19937>(static_cast<unsigned>(t) + 1);
		return [random, top = mnt("d")] { return shared_step(top, *random); };
	});
	for (const auto &entry : std::filesystem::directory_iterator(lower("d")))
		EXPECT_EQ(read_file(mnt("d/" + entry.path().filename().string())),
			  read_file(entry.path()));
}

} // namespace stackfs_test
