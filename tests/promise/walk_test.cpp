// SPDX-License-Identifier: GPL-2.0-only
//
// "Fresh" and "same permissions" on the way to a file: threads walk paths of
// eight components, most of it in RCU walk, while others rename, exchange and
// close directories on them, through the mount and behind it. What a walk finds must be what was
// there at some moment between its begin and its end. On the debug kernel this is also the test
// that names, dentries and inodes are read safely there.
#define FUSE_USE_VERSION FUSE_MAKE_VERSION(3, 17)
#include <fuse_lowlevel.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <mutex>
#include <random>
#include <thread>

#include "guest.hpp"
#include "sys.hpp"
#include "test_fs.hpp"

namespace extfuse_test
{

namespace
{

constexpr uid_t alice = 1000;
constexpr unsigned turns = 3, sides = 2;

// Something that one thread changes step by step, known to all by its number.
class Steps
{
	std::atomic<uint64_t> begun_ = 0, ended_ = 0;

public:
	// Only by the thread that changes it.
	template <class Work> void step(Work work)
	{
		work(begun_++);
		ended_++;
	}

	uint64_t begun() const
	{
		return begun_;
	}
	uint64_t ended() const
	{
		return ended_;
	}
};

// The steps after which it may have been looked at.
struct Window {
	uint64_t first, last;

	template <class Is> bool may_be(Is is) const
	{
		for (uint64_t n = first; n <= last && n < first + 16; n++)
			if (is(n))
				return true;
		return false;
	}
};

// d1/turn/d3/d4/SIDE/d6/d7/leaf
//   turn: one of three directories, that come and go; they differ below
//   SIDE: two directories in each of them that are exchanged
//   d1:   closed for others now and then
class Tree
{
	TestFs &fs_;
	const bool checked_; // by the kernel, against the mode of d1
	std::array<std::array<uint64_t, sides>, turns> leaf_ = {};
	std::array<sys::Fd, turns> d4_;
	std::array<uint64_t, turns> d4_node_ = {};
	Steps turn_, gate_;
	std::atomic<bool> gate_behind_ = false; // the last step
	std::array<Steps, turns> exchange_;
	std::atomic<bool> stop_ = false;
	std::atomic<uint64_t> walks_ = 0, found_ = 0, denied_ = 0, moved_ = 0, wrong_ = 0;
	std::mutex print_;

	// Names that lie in the dentry itself, and names that do not.
	static std::string side(unsigned i)
	{
		return i ? std::string(70, 'b') : "a";
	}

	static std::pair<std::string, std::string> away(unsigned turn)
	{
		static const std::array<std::pair<std::string, std::string>, turns> names = {
			{{"d1", "out"},
			 {"d1", std::string(45, 'o')},
			 {"attic", std::string(200, 'x')}}};
		return names[turn];
	}

	// After n steps of turn_: the directory that is there, or none.
	static int there(uint64_t n)
	{
		return n % 2 ? -1 : static_cast<int>(n / 2 % turns);
	}

	static bool open_after(uint64_t n)
	{
		return n % 2 == 0;
	}

	// What lies on this side after n exchanges.
	static unsigned shown(uint64_t n, unsigned side)
	{
		return n % 2 ? 1 - side : side;
	}

	void fail(const std::string &what)
	{
		if (wrong_++ >= 10)
			return;
		const std::lock_guard lock(print_);
		ADD_FAILURE() << what;
	}

	void need(const char *what, int error)
	{
		if (error < 0)
			fail(std::string(what) + ": " + strerror(-error));
	}

	void pause(std::mt19937 &random)
	{
		// A pace, so that something is remembered between two changes.
		std::this_thread::sleep_for(std::chrono::microseconds(random() % 4000));
	}

	// A rename that finds a directory under a name the kernel does not know yet
	// cannot move it there, for want of the lock that it holds itself: that is so
	// on every file system. A look before mends it, unless others look too.
	template <class... Paths> int rename(unsigned flags, const Paths &...paths)
	{
		int error;
		do {
			(sys::stat(paths), ...);
			error = sys::rename(paths..., flags);
		} while (error == -ESTALE);
		return error;
	}

	void invalidate(uint64_t dir, const std::string &name)
	{
		extfuse_invalidate_entry(fs_.ext(), dir, name.c_str());
		extfuse_invalidate_node(fs_.ext(), dir);
	}

	void turn(bool behind)
	{
		turn_.step([&](uint64_t n) {
			std::pair<std::string, std::string> from = {"d1", "turn"},
							    to = away(n / 2 % turns);
			if (n % 2) {
				to = from;
				from = away((n / 2 + 1) % turns);
			}
			if (behind) {
				const uint64_t old_dir = fs_.store.at(from.first);
				const uint64_t new_dir = fs_.store.at(to.first);
				need("turn behind",
				     fs_.store.rename(old_dir, from.second, new_dir, to.second));
				invalidate(old_dir, from.second);
				invalidate(new_dir, to.second);
			} else {
				need("turn", rename(0, fs_.path(from.first + "/" + from.second),
						    fs_.path(to.first + "/" + to.second)));
			}
		});
	}

	void exchange(unsigned i, bool behind)
	{
		exchange_[i].step([&](uint64_t) {
			if (behind) {
				need("exchange behind",
				     fs_.store.rename(d4_node_[i], side(0), d4_node_[i], side(1),
						      RENAME_EXCHANGE));
				invalidate(d4_node_[i], side(0));
				invalidate(d4_node_[i], side(1));
			} else {
				const std::string d4 = "/proc/self/fd/" + std::to_string(d4_[i]);
				need("exchange", rename(RENAME_EXCHANGE, d4 + "/" + side(0),
							d4 + "/" + side(1)));
			}
		});
	}

	void open_or_close(bool behind)
	{
		gate_.step([&](uint64_t n) {
			gate_behind_ = behind;
			struct stat st = {};
			st.st_mode = n % 2 ? 0755 : 0700;
			if (behind) {
				const uint64_t d1 = fs_.store.at("d1");
				need("chmod behind",
				     fs_.store.setattr(d1, st, FUSE_SET_ATTR_MODE).error);
				extfuse_invalidate_node(fs_.ext(), d1);
			} else {
				need("chmod", sys::chmod(fs_.path("d1"), st.st_mode));
			}
		});
	}

	void turner(unsigned seed)
	{
		std::mt19937 random(seed);
		while (!stop_) {
			turn(random() % 2);
			pause(random);
		}
	}

	void exchanger(unsigned seed)
	{
		std::mt19937 random(seed);
		while (!stop_) {
			exchange(random() % turns, random() % 2);
			pause(random);
		}
	}

	void gatekeeper(unsigned seed)
	{
		std::mt19937 random(seed);
		while (!stop_) {
			pause(random);
			open_or_close(random() % 2);
			if (open_after(gate_.ended()))
				std::this_thread::sleep_for(std::chrono::milliseconds(20));
		}
	}

	void walk(unsigned s)
	{
		const Steps *const steps[] = {&turn_, &gate_, &exchange_[0], &exchange_[1],
					      &exchange_[2]};
		std::array<Window, std::size(steps)> w;
		struct stat st = {};
		const std::string path = fs_.path("d1/turn/d3/d4/" + side(s) + "/d6/d7/leaf");

		for (size_t i = 0; i < w.size(); i++)
			w[i].first = steps[i]->ended();
		const int error = sys::stat(path, &st);
		for (size_t i = 0; i < w.size(); i++)
			w[i].last = steps[i]->begun();
		walks_++;
		judge(s, error, st, w[0], w[1], &w[2]);
	}

	void judge(unsigned s, int error, const struct stat &st, Window turn, Window gate,
		   const Window *exchange)
	{
		const auto closed = [](uint64_t n) { return !open_after(n); };
		if (error == -EACCES && checked_ && gate.may_be(closed)) {
			denied_++;
			return;
		}
		if (checked_ && !gate.may_be(open_after))
			return fail(std::string("through a directory closed ") +
				    (gate_behind_ ? "behind the mount" : "through the mount"));
		if (error == -ENOENT && turn.may_be([](uint64_t n) { return there(n) < 0; }))
			return;
		// As on stock FUSE: the directory was found under its other name, and
		// somebody was renaming.
		if (error == -ESTALE) {
			moved_++;
			return;
		}
		for (unsigned i = 0; i < turns && !error; i++) {
			for (unsigned j = 0; j < sides; j++) {
				if (st.st_ino != leaf_[i][j])
					continue;
				found_++;
				if (!turn.may_be([&](uint64_t n) { return there(n) == int(i); }))
					return fail("turn: directory " + std::to_string(i) +
						    " was not there");
				if (!exchange[i].may_be(
					    [&](uint64_t n) { return shown(n, s) == j; }))
					return fail("exchange: the other side");
				return;
			}
		}
		fail("steps " + std::to_string(turn.first) + " to " + std::to_string(turn.last) +
		     ": " + (error ? strerror(-error) : "inode " + std::to_string(st.st_ino)));
	}

	void walker(unsigned seed)
	{
		std::mt19937 random(seed);
		while (!stop_)
			walk(random() % sides);
	}

public:
	explicit Tree(TestFs &fs) : fs_(fs), checked_(fs.config().default_permissions)
	{
		fs.store.add_dir("d1");
		fs.store.add_dir("attic");
		for (unsigned i = 0; i < turns; i++) {
			const std::string top =
				i ? away(i).first + "/" + away(i).second : "d1/turn";
			for (const char *dir : {"", "/d3", "/d3/d4"})
				fs.store.add_dir(top + dir);
			for (unsigned j = 0; j < sides; j++) {
				std::string dir = top + "/d3/d4/" + side(j);
				fs.store.add_dir(dir);
				for (const char *next : {"/d6", "/d7"})
					fs.store.add_dir(dir += next);
				leaf_[i][j] = fs.store.add_file(dir + "/leaf");
			}
			d4_node_[i] = fs.store.at(top + "/d3/d4");
			d4_[i] =
				sys::Fd(sys::open(fs.path(top + "/d3/d4"), O_RDONLY | O_DIRECTORY));
		}
	}

	void run(std::chrono::seconds time)
	{
		const unsigned seed = std::random_device{}();
		std::vector<std::thread> all;
		all.emplace_back([&] { turner(seed); });
		all.emplace_back([&] { exchanger(seed + 1); });
		all.emplace_back([&] { gatekeeper(seed + 2); });
		for (unsigned i = 3; i < 6; i++)
			all.emplace_back(
				[&, i] { sys::as_user(alice, [&] { walker(seed + i); }); });
		std::mt19937 random(seed);
		const auto end = std::chrono::steady_clock::now() + time;
		while (std::chrono::steady_clock::now() < end) {
			std::this_thread::sleep_for(std::chrono::milliseconds(100));
			disturb(random() % 8);
		}
		stop_ = true;
		for (std::thread &t : all)
			t.join();
		// To a state in which everything can be reached.
		if (there(turn_.ended()) < 0)
			turn(false);
		if (!open_after(gate_.ended()))
			open_or_close(false);
		for (unsigned s = 0; s < sides; s++)
			walk(s);
		printf("%lu walks, %lu found, %lu denied, %lu moved, %lu wrong; "
		       "%lu turns, %lu exchanges, %lu gates\n%s\n",
		       walks_.load(), found_.load(), denied_.load(), moved_.load(), wrong_.load(),
		       turn_.ended(), exchange_[0].ended(), gate_.ended(),
		       fs_.counts().text().c_str());
		for (sys::Fd &fd : d4_)
			fd.close();
		EXPECT_EQ(wrong_, 0U);
		EXPECT_GT(found_, 100U);
		EXPECT_LT(moved_, walks_ / 20);
		EXPECT_EQ(denied_ > 0, checked_);
		EXPECT_GT(turn_.ended(), 50U);
	}

private:
	void disturb(unsigned how)
	{
		switch (how) {
		case 0:
		case 1:
			sys::drop_caches();
			break;
		case 2:
			extfuse_invalidate_all(fs_.ext());
			break;
		case 3:
			extfuse_detach(fs_.ext());
			extfuse_attach(fs_.ext());
			break;
		}
	}
};

// Long where a kernel with checkers does the walking, which is what it is for.
std::chrono::seconds walk_time()
{
	return std::chrono::seconds(slower() > 1 ? 20 : 4);
}

} // namespace

TEST(Walk, RememberedUnderRenames)
{
	TestFs fs;
	Tree tree(fs);
	tree.run(walk_time());
	const Counts c = fs.counts();
	EXPECT_GT(c.driver(EXTFUSE_OP_LOOKUP).warm, 1000U) << c.text();
	EXPECT_GT(c.driver(EXTFUSE_OP_GETATTR).warm, 1000U) << c.text();
	EXPECT_TRUE(fs.drop_until_all_forgotten());
}

TEST(Walk, RememberedUnderRenamesDaemonChecks)
{
	Config config;
	config.default_permissions = false;
	TestFs fs(config);
	fs.say.entry = EXTFUSE_SCOPE_ALL;
	Tree tree(fs);
	tree.run(walk_time());
	const Counts c = fs.counts();
	EXPECT_GT(c.driver(EXTFUSE_OP_LOOKUP).warm, 1000U) << c.text();
	EXPECT_TRUE(fs.drop_until_all_forgotten());
}

// Nothing is remembered: each component is answered by the handler.
TEST(Walk, FromMapsUnderRenames)
{
	Config config;
	config.remember = false;
	TestFs fs(config);
	Tree tree(fs);
	tree.run(walk_time());
	const Counts c = fs.counts();
	EXPECT_EQ(c.driver(EXTFUSE_OP_LOOKUP).warm, 0U) << c.text();
	EXPECT_GT(c.driver(EXTFUSE_OP_LOOKUP).hit, 1000U) << c.text();
	EXPECT_TRUE(fs.drop_until_all_forgotten());
}

TEST(Walk, FromMapsUnderRenamesDaemonChecks)
{
	Config config;
	config.remember = false;
	config.default_permissions = false;
	TestFs fs(config);
	fs.say.entry = EXTFUSE_SCOPE_ALL;
	Tree tree(fs);
	tree.run(walk_time());
	const Counts c = fs.counts();
	EXPECT_GT(c.driver(EXTFUSE_OP_LOOKUP).hit, 1000U) << c.text();
	EXPECT_TRUE(fs.drop_until_all_forgotten());
}

} // namespace extfuse_test
