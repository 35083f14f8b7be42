// SPDX-License-Identifier: GPL-2.0-only
//
// Eight threads at random against a model: every name is a register with a
// history. Whoever looks at it must see one of the states that it had between
// the beginning and the end of the look. Each name has one thread that changes
// it; all look at all. Handlers come and go, caches are dropped, everything is
// declared outdated, meanwhile; and some changes are made behind the mount.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <random>
#include <sstream>
#include <thread>

#include "sys.hpp"
#include "test_fs.hpp"

namespace extfuse_test
{

namespace
{

constexpr unsigned threads = 8;
constexpr unsigned names = 24;
constexpr uint64_t unknown = ~0ULL;

struct State {
	bool exists = false;
	uint64_t ino = unknown; // unknown while it is being made
	uint64_t size = 0;
	mode_t mode = 0;
	uint64_t nlink = 1;

	bool matches(int error, const struct stat &st) const
	{
		if (!exists)
			return error == -ENOENT;
		return error == 0 && (ino == unknown || ino == st.st_ino) &&
		       size == static_cast<uint64_t>(st.st_size) && mode == (st.st_mode & 07777) &&
		       nlink == st.st_nlink;
	}

	bool same_file(const State &other) const
	{
		return exists && ino != unknown && ino == other.ino;
	}

	std::string text() const
	{
		std::ostringstream s;
		if (exists)
			s << "ino " << int64_t(ino) << " size " << size << " mode " << std::oct
			  << mode << std::dec << " nlink " << nlink;
		else
			s << "absent";
		return s.str();
	}
};

// One name. States [done, history.size()) are those it may be in now.
class Register
{
	std::mutex mutex_;
	std::vector<State> history_{State{}};
	size_t done_ = 0;

public:
	State now()
	{
		const std::lock_guard lock(mutex_);
		return history_.back();
	}
	void begin(const State &next)
	{
		const std::lock_guard lock(mutex_);
		history_.push_back(next);
	}
	void end(uint64_t ino)
	{
		const std::lock_guard lock(mutex_);
		history_.back().ino = ino;
		done_ = history_.size() - 1;
	}
	size_t first()
	{
		const std::lock_guard lock(mutex_);
		return done_;
	}
	// Was it in such a state since "first"?
	bool was(size_t first, int error, const struct stat &st, std::string *expected)
	{
		const std::lock_guard lock(mutex_);
		for (size_t i = first; i < history_.size(); i++) {
			State state = history_[i];
			if (state.matches(error, st))
				return true;
			// Found under the name, and replaced or removed before its attributes
			// were read: a stat is not one step.
			state.nlink = 0;
			if (i + 1 < history_.size() && !(history_[i + 1].same_file(state)) &&
			    state.matches(error, st))
				return true;
		}
		for (size_t i = first; i < history_.size(); i++)
			*expected += "\n  " + history_[i].text();
		return false;
	}
};

class Model
{
	TestFs &fs_;
	std::array<Register, names> registers_;
	std::atomic<bool> stop_{false};
	std::atomic<uint64_t> looks_{0}, changes_{0}, wrong_{0};

	std::string name(unsigned i) const
	{
		return "d" + std::to_string(i % 3) + "/name" + std::to_string(i);
	}
	std::string spare(unsigned i) const
	{
		return "d" + std::to_string(i % 2) + "/s" + std::to_string(i);
	}

	void complain(unsigned i, const std::string &what)
	{
		if (wrong_++ < 10)
			ADD_FAILURE() << name(i) << ": " << what;
	}

	void need(unsigned i, const char *what, int result)
	{
		if (result < 0)
			complain(i, std::string(what) + ": " + strerror(-result));
	}

	void look(unsigned i)
	{
		struct stat st = {};
		const size_t first = registers_[i].first();
		const int error = sys::stat(fs_.path(name(i)), &st);
		std::string expected;

		looks_++;
		if (registers_[i].was(first, error, st, &expected))
			return;
		std::ostringstream got;
		got << "error " << error << " ino " << st.st_ino << " size " << st.st_size
		    << " mode " << std::oct << (st.st_mode & 07777) << std::dec << " nlink "
		    << st.st_nlink;
		complain(i, "saw " + got.str() + ", may be" + expected);
	}

	// A name that is not there: by creating, by rename of a spare, or behind.
	void make(unsigned i, std::mt19937 &random)
	{
		State next{true, unknown, random() % 5000, mode_t(0600 | random() % 8), 1};
		const std::string path = fs_.path(name(i));

		switch (random() % 3) {
		case 0: {
			// Created empty; the rest comes in changes of its own.
			next.size = 0;
			registers_[i].begin(next);
			const sys::Fd fd(sys::open(path, O_CREAT | O_EXCL | O_WRONLY, next.mode));
			need(i, "create", fd);
			break;
		}
		case 1: {
			const std::string from = fs_.path(spare(i));
			const sys::Fd fd(sys::open(from, O_CREAT | O_EXCL | O_WRONLY, next.mode));
			need(i, "create spare", fd);
			need(i, "ftruncate", sys::result(::ftruncate(fd, off_t(next.size))));
			registers_[i].begin(next);
			need(i, "rename", sys::rename(from, path));
			break;
		}
		default:
			registers_[i].begin(next);
			behind(i, next);
		}
		registers_[i].end(fs_.store.at(name(i)));
	}

	void behind(unsigned i, const State &next)
	{
		const std::string full = name(i);
		const size_t slash = full.find('/');
		const uint64_t dir = fs_.store.at(full.substr(0, slash));

		const std::string aside = "new" + std::to_string(i);
		const uint64_t node = fs_.store.add_file(aside, "", next.mode);
		fs_.store.set_size(node, next.size);
		fs_.store.rename(Store::root, aside, dir, full.substr(slash + 1));
		extfuse_invalidate_entry(fs_.ext(), dir, full.c_str() + slash + 1);
		extfuse_invalidate_node(fs_.ext(), dir);
	}

	void change(unsigned i, std::mt19937 &random)
	{
		State next = registers_[i].now();
		const std::string path = fs_.path(name(i));

		changes_++;
		if (!next.exists) {
			make(i, random);
			return;
		}
		switch (random() % 8) {
		case 0:
		case 1:
			next.size = random() % 9000;
			registers_[i].begin(next);
			need(i, "truncate", sys::truncate(path, off_t(next.size)));
			break;
		case 2:
			next.mode = 0600 | (random() % 0100);
			registers_[i].begin(next);
			need(i, "chmod", sys::chmod(path, next.mode));
			break;
		case 3: {
			const sys::Fd fd(sys::open(path, O_WRONLY));
			next.size += 1 + random() % 100;
			registers_[i].begin(next);
			need(i, "write", sys::pwrite(fd, "x", next.size - 1));
			break;
		}
		case 4: // one link more, then one less
			next.nlink = 2;
			registers_[i].begin(next);
			need(i, "link", sys::link(path, fs_.path(spare(i))));
			registers_[i].end(next.ino);
			next.nlink = 1;
			registers_[i].begin(next);
			need(i, "unlink link", sys::unlink(fs_.path(spare(i))));
			break;
		case 5: // behind the mount
			next.size = random() % 9000;
			registers_[i].begin(next);
			fs_.store.set_size(next.ino, next.size);
			extfuse_invalidate_node(fs_.ext(), next.ino);
			break;
		case 6: { // another file in its place
			const std::string from = fs_.path(spare(i));
			const sys::Fd fd(sys::open(from, O_CREAT | O_EXCL | O_WRONLY, 0644));
			need(i, "create spare", fd);
			next = {true, fs_.store.at(spare(i)), 0, 0644, 1};
			registers_[i].begin(next);
			need(i, "rename over", sys::rename(from, path));
			break;
		}
		default:
			next = {};
			registers_[i].begin(next);
			need(i, "unlink", sys::unlink(path));
			break;
		}
		registers_[i].end(next.ino);
	}

	void worker(unsigned self, unsigned seed)
	{
		std::mt19937 random(seed * 1000 + self);
		while (!stop_) {
			// Names self, self + 8, self + 16 are mine to change.
			if (random() % 4 == 0)
				change(self + threads * (random() % (names / threads)), random);
			else
				look(random() % names);
		}
	}

public:
	explicit Model(TestFs &fs) : fs_(fs)
	{
		for (const char *dir : {"d0", "d1", "d2"})
			fs.store.add_dir(dir);
	}

	void run(unsigned seed, std::chrono::seconds time, bool disturb)
	{
		std::vector<std::thread> all;
		for (unsigned t = 0; t < threads; t++)
			all.emplace_back([this, t, seed] { worker(t, seed); });
		std::mt19937 random(seed);
		const auto end = std::chrono::steady_clock::now() + time;
		while (std::chrono::steady_clock::now() < end) {
			// Not synchronisation: a pace for the disturbances.
			std::this_thread::sleep_for(std::chrono::milliseconds(50));
			if (!disturb)
				continue;
			switch (random() % 8) {
			case 0:
				extfuse_detach(fs_.ext());
				std::this_thread::sleep_for(std::chrono::milliseconds(20));
				extfuse_attach(fs_.ext());
				break;
			case 1:
				extfuse_invalidate_all(fs_.ext());
				break;
			case 2:
				sys::drop_caches();
				break;
			}
		}
		stop_ = true;
		for (std::thread &t : all)
			t.join();
		for (unsigned i = 0; i < names; i++)
			look(i);
		printf("seed %u: %lu looks, %lu changes, %lu wrong\n%s\n", seed, looks_.load(),
		       changes_.load(), wrong_.load(), fs_.counts().text().c_str());
		EXPECT_EQ(wrong_, 0U);
		EXPECT_GT(looks_, 200U);
		EXPECT_GT(changes_, 50U);
	}
};

unsigned seed_of_the_day()
{
	const char *given = getenv("EXTFUSE_SEED");
	const unsigned seed = given ? static_cast<unsigned>(atoi(given)) : std::random_device{}();
	printf("EXTFUSE_SEED=%u repeats the choices of this run\n", seed);
	return seed;
}

} // namespace

TEST(Model, EightThreadsWithTinyMaps)
{
	Config config;
	config.kind = Kind::Tiny;
	TestFs fs(config);
	fs.say.unlinks = true;
	Model model(fs);
	model.run(seed_of_the_day(), std::chrono::seconds(25), true);
	EXPECT_TRUE(fs.drop_until_all_forgotten());
}

TEST(Model, EightThreadsWithRoomForAll)
{
	TestFs fs;
	fs.say.unlinks = true;
	Model model(fs);
	model.run(seed_of_the_day(), std::chrono::seconds(25), true);
	const Counts c = fs.counts();
	EXPECT_GT(c.served(EXTFUSE_OP_LOOKUP), 0U) << "nothing was tested: " << c.text();
	EXPECT_GT(c.served(EXTFUSE_OP_GETATTR), 0U) << "nothing was tested: " << c.text();
	EXPECT_TRUE(fs.drop_until_all_forgotten());
}

// Nothing is remembered: every answer is the handler's.
TEST(Model, EightThreadsFromMapsOnly)
{
	Config config;
	config.remember = false;
	TestFs fs(config);
	Model model(fs);
	model.run(seed_of_the_day(), std::chrono::seconds(10), false);
}

} // namespace extfuse_test
