// SPDX-License-Identifier: GPL-2.0-only
//
// READDIR and READDIRPLUS from listings, and directories all of whose names are
// known.
#include <gtest/gtest.h>

#include <dirent.h>

#include <algorithm>
#include <memory>

#include "sys.hpp"
#include "test_fs.hpp"

namespace extfuse_test
{

namespace
{

constexpr auto op = EXTFUSE_OP_READDIR;
using Names = std::vector<std::string>;

struct Close {
	void operator()(DIR *dir) const
	{
		closedir(dir);
	}
};
using Dir = std::unique_ptr<DIR, Close>;

Names names(const std::string &path)
{
	const Dir dir(opendir(path.c_str()));
	Names all;
	if (!dir)
		return {strerrorname_np(errno)};
	while (const dirent *entry = readdir(dir.get()))
		all.push_back(entry->d_name);
	std::sort(all.begin(), all.end());
	return all;
}

// Through a buffer of so many bytes at a time.
Names names_by(const std::string &path, size_t room)
{
	const sys::Fd fd(sys::open(path, O_RDONLY | O_DIRECTORY));
	std::vector<char> buffer(room);
	Names all;
	long n;
	while ((n = syscall(SYS_getdents64, static_cast<int>(fd), buffer.data(), room)) > 0)
		for (long at = 0; at < n;) {
			const auto *entry = reinterpret_cast<const dirent64 *>(&buffer[at]);
			all.push_back(entry->d_name);
			at += entry->d_reclen;
		}
	EXPECT_EQ(n, 0) << strerrorname_np(errno);
	std::sort(all.begin(), all.end());
	return all;
}

// A directory of so many files, which names() then gives.
Names fill(TestFs &fs, const std::string &dir, int count, size_t length = 0)
{
	Names all = {".", ".."};
	fs.store.add_dir(dir);
	for (int i = 0; i < count; i++) {
		std::string name = "file" + std::to_string(i);
		name.resize(std::max(length, name.size()), 'x');
		fs.store.add_file(dir + "/" + name);
		all.push_back(name);
	}
	std::sort(all.begin(), all.end());
	return all;
}

int sent(const Counts &c)
{
	return static_cast<int>(c.sent(Op::Readdir) + c.sent(Op::Readdirplus));
}

// Twice: the first reading moves the access time.
void warm_up(const std::string &path)
{
	names(path);
	names(path);
}

} // namespace

TEST(Readdir, Hit)
{
	TestFs fs;
	const Names all = fill(fs, "dir", 10);
	warm_up(fs.path("dir"));
	const Counts c = during(fs, [&] {
		for (int i = 0; i < 3; i++)
			EXPECT_EQ(names(fs.path("dir")), all);
	});
	EXPECT_EQ(sent(c), 0) << c.text();
	EXPECT_EQ(c.driver(op).hit, 6) << "one for the entries, one for the end " << c.text();
}

TEST(Readdir, EmptyDirectory)
{
	TestFs fs;
	const Names all = fill(fs, "dir", 0);
	warm_up(fs.path("dir"));
	const Counts c = during(fs, [&] { EXPECT_EQ(names(fs.path("dir")), all); });
	EXPECT_EQ(sent(c), 0) << c.text();
}

// Several chunks, several replies; names of every length.
TEST(Readdir, LargeDirectories)
{
	Config config;
	config.max_dirs = 8192; // no bucket overflows
	TestFs fs(config);
	for (const auto &[count, length] :
	     {std::pair{30, 30UL}, {200, 0UL}, {700, 100UL}, {50, 255UL}, {2000, 0UL}}) {
		const std::string dir = "dir" + std::to_string(count);
		const Names all = fill(fs, dir, count, length);
		warm_up(fs.path(dir));
		const Counts c = during(fs, [&] { EXPECT_EQ(names(fs.path(dir)), all); });
		EXPECT_EQ(sent(c), 0) << count << c.text();
	}
}

// Replies and buffers end anywhere: the offset asked for is in the middle of what
// is cached.
TEST(Readdir, AnyOffset)
{
	TestFs fs;
	const Names all = fill(fs, "dir", 300);
	warm_up(fs.path("dir"));
	const Counts c = during(fs, [&] {
		for (size_t room : {48, 100, 333, 1000, 5000})
			EXPECT_EQ(names_by(fs.path("dir"), room), all) << room;
	});
	EXPECT_EQ(sent(c), 0) << c.text();
}

TEST(Readdir, SeekingBack)
{
	TestFs fs;
	fill(fs, "dir", 100);
	warm_up(fs.path("dir"));
	const Dir dir(opendir(fs.path("dir").c_str()));
	ASSERT_TRUE(dir);
	const Counts c = during(fs, [&] {
		std::vector<std::pair<long, std::string>> seen;
		for (;;) {
			const long at = telldir(dir.get());
			const dirent *entry = readdir(dir.get());
			if (!entry)
				break;
			seen.emplace_back(at, entry->d_name);
		}
		EXPECT_EQ(seen.size(), 102U);
		for (size_t i = seen.size(); i-- > 0;) {
			seekdir(dir.get(), seen[i].first);
			const dirent *entry = readdir(dir.get());
			ASSERT_TRUE(entry);
			EXPECT_EQ(entry->d_name, seen[i].second);
		}
	});
	EXPECT_EQ(sent(c), 0) << c.text();
}

TEST(Readdir, ChangesAreSeen)
{
	TestFs fs;
	Names all = fill(fs, "dir", 5);
	const std::string dir = fs.path("dir");
	warm_up(dir);
	const auto expect = [&](const Names &expected) {
		for (int i = 0; i < 3; i++)
			EXPECT_EQ(names(dir), expected);
	};
	expect(all);
	EXPECT_EQ(sys::write_file(dir + "/new", ""), 0);
	all.push_back("new");
	expect(all);
	EXPECT_EQ(sys::rename(dir + "/new", dir + "/newer"), 0);
	all.back() = "newer";
	expect(all);
	EXPECT_EQ(sys::rename(dir + "/newer", fs.path("away")), 0);
	all.pop_back();
	expect(all);
	EXPECT_EQ(sys::link(fs.path("away"), dir + "/linked"), 0);
	all.push_back("linked");
	expect(all);
	EXPECT_EQ(sys::unlink(dir + "/linked"), 0);
	all.pop_back();
	expect(all);
	EXPECT_EQ(sys::mkdir(dir + "/sub"), 0);
	all.push_back("sub");
	expect(all);
	EXPECT_EQ(sys::rmdir(dir + "/sub"), 0);
	all.pop_back();
	expect(all);
	// Behind the mount: saying which name is enough.
	fs.store.add_file("dir/zz");
	extfuse_invalidate_entry(fs.ext(), fs.store.at("dir"), "zz");
	all.push_back("zz");
	expect(all);
}

// A listing that was under way when a file came must not be kept. (Through the
// mount that cannot be: the kernel locks the directory.)
TEST(Readdir, AnswerOvertakenByAChange)
{
	TestFs fs;
	Names all = fill(fs, "dir", 3);
	warm_up(fs.path("dir"));
	const uint64_t node = fs.store.at("dir");
	extfuse_invalidate_node(fs.ext(), node);
	auto held = fs.hold(Op::Readdir, Stage::Done);
	auto slow = sys::in_background([&] { return names(fs.path("dir")); });
	ASSERT_TRUE(held.wait());
	fs.store.add_file("dir/new");
	extfuse_invalidate_entry(fs.ext(), node, "new");
	held.release();
	EXPECT_EQ(slow.get(), all);
	all.push_back("new");
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(names(fs.path("dir")), all);
}

TEST(Readdir, MissDetachAndOff)
{
	TestFs fs;
	const Names all = fill(fs, "dir", 3);
	const std::string dir = fs.path("dir");
	fs.say.listings = false;
	warm_up(dir);
	Counts c = during(fs, [&] { EXPECT_EQ(names(dir), all); });
	EXPECT_EQ(sent(c), 2) << c.text();
	EXPECT_EQ(c.driver(op).upcall, 2) << c.text();
	EXPECT_EQ(c.driver(op).sent, 2) << c.text();
	fs.say.listings = true;
	names(dir);
	ASSERT_EQ(extfuse_set_enabled(fs.ext(), op, 0), 0);
	c = during(fs, [&] { EXPECT_EQ(names(dir), all); });
	EXPECT_EQ(sent(c), 2) << c.text();
	ASSERT_EQ(extfuse_set_enabled(fs.ext(), op, 1), 0);
	c = during(fs, [&] { EXPECT_EQ(names(dir), all); });
	EXPECT_EQ(sent(c), 0) << c.text();
	ASSERT_EQ(extfuse_detach(fs.ext()), 0);
	c = during(fs, [&] { EXPECT_EQ(names(dir), all); });
	EXPECT_EQ(sent(c), 2) << c.text();
}

TEST(Readdir, FullMap)
{
	Config config;
	config.kind = Kind::Tiny;
	TestFs fs(config);
	const Names few = fill(fs, "few", 3), many = fill(fs, "many", 500, 60);
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(names(fs.path("many")), many);
		EXPECT_EQ(names(fs.path("few")), few);
		EXPECT_EQ(names_by(fs.path("many"), 200), many);
	}
}

struct Plus : TestFs {
	explicit Plus(bool adaptive = false) : TestFs(config(adaptive)) {}
	static Config config(bool adaptive)
	{
		Config c;
		c.readdirplus = true;
		c.readdirplus_auto = adaptive;
		return c;
	}

	// The test daemon does it with READDIR only.
	void put_listing(uint64_t node)
	{
		const extfuse_token token = extfuse_token_node(ext(), node);
		std::vector<Store::Entry> entries;
		store.list(node, &entries);
		std::string buffer(65536, '\0');
		size_t used = 0;
		for (size_t i = 0; i < entries.size(); i++)
			used += fuse_add_direntry(nullptr, &buffer[used], buffer.size() - used,
						  entries[i].name.c_str(), &entries[i].attr,
						  static_cast<off_t>(i + 1));
		EXPECT_GT(extfuse_put_dir(ext(), nullptr, node, 0, buffer.data(), used, 1, token,
					  EXTFUSE_SCOPE_ALL),
			  0);
	}
};

// READDIRPLUS fills the dentry cache: as long as it is full there is no need.
TEST(ReaddirPlus, PlainWhileTheNamesAreKnown)
{
	Plus fs;
	const Names all = fill(fs, "dir", 20);
	const uint64_t node = fs.store.at("dir");
	const std::string dir = fs.path("dir");
	EXPECT_EQ(names(dir), all);
	const auto put = [&] { fs.put_listing(node); };
	names(dir);
	put();
	Counts c = during(fs, [&] { EXPECT_EQ(names(dir), all); });
	EXPECT_EQ(sent(c), 0) << c.text();
	EXPECT_EQ(c.driver(op).hit, 2) << c.text();

	// Without dentries the daemon is asked, for it gives attributes with them.
	ASSERT_TRUE(fs.drop_until_all_forgotten());
	sys::stat(dir);
	put();
	c = during(fs, [&] { EXPECT_EQ(names(dir), all); });
	EXPECT_GE(c.sent(Op::Readdirplus), 1) << c.text();
	EXPECT_GE(c.driver(op).dead, 1) << c.text();
	put();
	c = during(fs, [&] { EXPECT_EQ(names(dir), all); });
	EXPECT_EQ(sent(c), 0) << c.text();
}

// READDIRPLUS has room for few of the names that come with one READDIR, and is asked
// for the first ones only if nobody looks at the files: the others stay unknown.
TEST(ReaddirPlus, PlainWhileTheFirstNamesAreKnown)
{
	Plus fs(true);
	const Names all = fill(fs, "dir", 100);
	const std::string dir = fs.path("dir");
	Counts c = during(fs, [&] { EXPECT_EQ(names(dir), all); });
	EXPECT_EQ(c.sent(Op::Readdirplus), 1) << c.text();
	EXPECT_GE(c.sent(Op::Readdir), 1) << c.text();
	names(dir);
	fs.put_listing(fs.store.at("dir"));
	c = during(fs, [&] { EXPECT_EQ(names(dir), all); });
	EXPECT_EQ(sent(c), 0) << c.text();
	EXPECT_EQ(c.driver(op).dead, 0) << c.text();
}

TEST(Complete, AbsentNamesAreNotAskedFor)
{
	TestFs fs;
	fs.say.complete = true;
	fs.say.negatives = false;
	fill(fs, "dir", 100);
	const std::string dir = fs.path("dir");
	warm_up(dir);
	const Counts c = during(fs, [&] {
		for (int i = 100; i < 200; i++)
			EXPECT_EQ(sys::stat(dir + "/file" + std::to_string(i)), -ENOENT);
		EXPECT_EQ(sys::stat(dir + "/" + std::string(255, 'n')), -ENOENT);
	});
	EXPECT_LE(c.sent(Op::Lookup), 3) << "some are taken for there " << c.text();
	EXPECT_GE(c.driver(EXTFUSE_OP_LOOKUP).hit, 95) << c.text();
	EXPECT_GE(c.lib.handler[EXTFUSE_OP_LOOKUP].negative, 95) << c.text();
}

// No false negatives, whatever is evicted.
TEST(Complete, NamesThatAreThereAreFound)
{
	Config config;
	config.kind = Kind::Tiny;
	TestFs fs(config);
	fs.say.complete = true;
	fill(fs, "dir", 1000);
	warm_up(fs.path("dir"));
	for (int i = 0; i < 1000; i++)
		EXPECT_EQ(sys::stat(fs.path("dir/file" + std::to_string(i))), 0) << i;
}

TEST(Complete, CreatedNamesAreThere)
{
	TestFs fs;
	fs.say.complete = true;
	fs.say.negatives = false;
	fs.say.changes = false;
	fs.store.add_file("outside");
	fill(fs, "dir", 10);
	const std::string dir = fs.path("dir");
	const auto appears = [&](const std::string &name, auto make) {
		warm_up(dir);
		EXPECT_EQ(sys::stat(dir + "/" + name), -ENOENT);
		Counts c = during(fs, [&] { EXPECT_EQ(sys::stat(dir + "/" + name), -ENOENT); });
		EXPECT_EQ(c.sent(Op::Lookup), 0) << name << c.text();
		EXPECT_EQ(make(dir + "/" + name), 0) << name;
		EXPECT_EQ(sys::stat(dir + "/" + name), 0) << name;
		// A name that nobody asked for before.
		EXPECT_EQ(sys::stat(dir + "/" + name + "-other"), -ENOENT);
	};
	appears("created", [](const std::string &p) { return sys::write_file(p, ""); });
	appears("directory", [](const std::string &p) { return sys::mkdir(p); });
	appears("symlink", [](const std::string &p) { return sys::symlink("x", p); });
	appears("link", [&](const std::string &p) { return sys::link(fs.path("outside"), p); });
	appears("moved", [&](const std::string &p) { return sys::rename(fs.path("outside"), p); });
	appears("behind", [&](const std::string &p) {
		fs.store.add_file("dir/behind");
		extfuse_invalidate_entry(fs.ext(), fs.store.at("dir"), "behind");
		return sys::stat(p);
	});
	// One that was not asked for while it was absent.
	warm_up(dir);
	EXPECT_EQ(sys::stat(dir + "/absent"), -ENOENT);
	fs.store.add_file("dir/silent");
	extfuse_invalidate_node(fs.ext(), fs.store.at("dir"));
	EXPECT_EQ(sys::stat(dir + "/silent"), 0);
}

// A set that was being read when a name came says nothing about it.
TEST(Complete, OvertakenByACreate)
{
	TestFs fs;
	fs.say.complete = true;
	fs.say.negatives = false;
	fs.say.changes = false;
	fs.say.names = false;
	fill(fs, "dir", 3);
	const std::string dir = fs.path("dir");
	warm_up(dir);
	auto held = fs.hold(Op::Opendir, Stage::Done);
	auto reader = sys::in_background(
		[&] { return sys::Fd(sys::open(dir, O_RDONLY | O_DIRECTORY)) >= 0; });
	ASSERT_TRUE(held.wait());
	EXPECT_EQ(sys::write_file(dir + "/new", ""), 0);
	held.release();
	EXPECT_TRUE(reader.get());
	sys::drop_caches();
	EXPECT_EQ(sys::stat(dir + "/new"), 0);
}

} // namespace extfuse_test
