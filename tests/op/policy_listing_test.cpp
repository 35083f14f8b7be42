// SPDX-License-Identifier: GPL-2.0-only
//
// Policies: what is kept of directories that a daemon lists, and of what it tells there.
#include <gtest/gtest.h>

#include <dirent.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "plain_fs.hpp"
#include "sys.hpp"

namespace extfuse_test
{

namespace
{

constexpr uid_t alice = 1000, bob = 1001;

} // namespace

// What READDIRPLUS tells of names and attributes is told; also that they have ended at once.
TEST(Policy, PrivateKeepsWhatReaddirplusTells)
{
	Config config = private_cache();
	config.readdirplus = true;
	PlainFs fs(config);
	make_tree(fs, 100); // several replies
	EXPECT_EQ(list(fs.path("a")).size(), 102U);
	const Counts c = during(fs, [&] {
		for (int i = 0; i < 100; i++) {
			char name[32];
			snprintf(name, sizeof(name), "a/file-%04d", i);
			EXPECT_EQ(sys::attr(fs.path(name)).st_size, 9) << name;
		}
	});
	EXPECT_EQ(c.sent(Op::Lookup), 0) << c.text();
	EXPECT_EQ(c.sent(Op::Getattr), 0) << c.text();
}

// Who may list may not be allowed to search: only the daemon knows, whatever it gave to
// others as a timeout.
TEST(Policy, PrivateListingGivesNoRightToSearch)
{
	for (const double timeout : {0.0, 0.01}) {
		SCOPED_TRACE(timeout);
		Config config = private_cache();
		config.readdirplus = true;
		config.default_permissions = false;
		PlainFs fs(config);
		fs.say.timeout = timeout;
		fs.store.add_file("file", "data");
		fs.set_policy([](const fuse_ctx &caller, Op op, uint64_t, const char *) {
			return op == Op::Lookup && caller.uid == bob ? EACCES : 0;
		});
		const auto looked = [&](uid_t uid) {
			return sys::as_user(uid, [&] {
				EXPECT_EQ(list(fs.path()).size(), 3U);
				std::this_thread::sleep_for(std::chrono::milliseconds(100));
				return sys::stat(fs.path("file"));
			});
		};
		EXPECT_EQ(looked(bob), -EACCES);
		EXPECT_EQ(looked(alice), 0);
		EXPECT_EQ(looked(bob), -EACCES);
	}
}

// The daemon tells of a file that was written since it made its copy.
TEST(Policy, PrivateListingOfACopy)
{
	Config config = private_cache();
	config.readdirplus = config.listed_at_open = true;
	PlainFs fs(config);
	make_tree(fs, 100); // several replies
	const std::string late = fs.path("a/file-0098");
	const sys::Fd fd(sys::open(late, O_RDWR));
	DIR *dir = ::opendir(fs.path("a").c_str());
	ASSERT_TRUE(dir);
	ASSERT_TRUE(::readdir(dir));
	EXPECT_EQ(sys::pwrite(fd, "more", 9), 4);
	while (::readdir(dir)) {}
	::closedir(dir);
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(sys::attr(late).st_size, 13);
}

// The listing was made, then a file in it was written, and removed behind the mount.
TEST(Policy, PrivateListingOvertaken)
{
	Config config = private_cache();
	config.readdirplus = true;
	PlainFs fs(config);
	const uint64_t node = fs.store.add_file("file", "12345");
	fs.store.add_file("gone");
	const sys::Fd fd(sys::open(fs.path("file"), O_RDWR));
	Hold held = fs.hold(Op::Readdirplus, Stage::Done, {}, Store::root);
	auto slow = sys::in_background([&] { return static_cast<int>(list(fs.path()).size()); });
	ASSERT_TRUE(held.wait());
	ASSERT_EQ(sys::pwrite(fd, "67890", 5), 5);
	held.release();
	EXPECT_EQ(slow.get(), 4);
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(sys::attr(fs.path("file")).st_size, 10);
	extfuse_invalidate_node(fs.ext(), node);

	Hold again = fs.hold(Op::Readdirplus, Stage::Done, {}, Store::root);
	extfuse_invalidate_node(fs.ext(), Store::root);
	slow = sys::in_background([&] { return static_cast<int>(list(fs.path()).size()); });
	ASSERT_TRUE(again.wait());
	fs.store.unlink(Store::root, "gone");
	extfuse_invalidate_entry(fs.ext(), Store::root, "gone");
	again.release();
	EXPECT_EQ(slow.get(), 4);
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(sys::stat(fs.path("gone")), -ENOENT);
}

TEST(Policy, PrivateListsWhatChanges)
{
	PlainFs fs(private_cache());
	make_tree(fs, 3);
	const std::string dir = fs.path("a");
	using Names = std::vector<std::string>;
	Names names = {".", "..", "file-0000", "file-0001", "file-0002"};
	const auto same = [&] {
		std::sort(names.begin(), names.end());
		for (int i = 0; i < 2; i++)
			EXPECT_EQ(list(dir), names);
		const Counts c = during(fs, [&] { EXPECT_EQ(list(dir), names); });
		EXPECT_EQ(c.sent_all(), 0) << c.text();
	};
	same();
	EXPECT_EQ(sys::write_file(dir + "/new", "x"), 0);
	names.push_back("new");
	same();
	EXPECT_EQ(sys::rename(dir + "/new", dir + "/other"), 0);
	names.erase(std::find(names.begin(), names.end(), "new"));
	names.push_back("other");
	same();
	EXPECT_EQ(sys::unlink(dir + "/other"), 0);
	names.erase(std::find(names.begin(), names.end(), "other"));
	same();
	EXPECT_EQ(sys::mkdir(dir + "/dir"), 0);
	names.push_back("dir");
	same();
	EXPECT_EQ(sys::rename(dir + "/dir", fs.path("b/dir")), 0);
	names.erase(std::find(names.begin(), names.end(), "dir"));
	same();
}

// The test's daemon lists a directory as it was when it was opened.
TEST(Policy, PrivateListingOfAnOpenThatWasOvertaken)
{
	PlainFs fs(private_cache());
	make_tree(fs, 3);
	const std::string dir = fs.path("a");
	DIR *open = ::opendir(dir.c_str());
	ASSERT_TRUE(open);
	EXPECT_EQ(sys::write_file(dir + "/new", "x"), 0);
	size_t seen = 0;
	while (::readdir(open))
		seen++;
	EXPECT_EQ(seen, 5U); // without the new one
	::closedir(open);
	EXPECT_EQ(list(dir).size(), 6U);
	EXPECT_EQ(list(dir).size(), 6U);
}

// Who reads a directory while it changes gets every name that stays, once: from a
// copy, as a daemon gives it that has made its own.
TEST(Policy, PrivateListingWhileItsFilesAreRemoved)
{
	// Read by the daemon, or known; or known until the handler goes.
	for (const auto &[before, detach] :
	     {std::pair(0, false), std::pair(2, false), std::pair(2, true)}) {
		SCOPED_TRACE(before);
		SCOPED_TRACE(detach);
		Config config = private_cache();
		config.max_dirs = 4096; // 64 have no room for all, one time in a hundred
		PlainFs fs(config);
		make_tree(fs, 600);
		const std::string path = fs.path("a");
		for (int i = 0; i < before; i++)
			list(path);
		DIR *dir = nullptr;
		const Counts opened = during(fs, [&] { dir = ::opendir(path.c_str()); });
		ASSERT_TRUE(dir);
		EXPECT_EQ(opened.sent(Op::Opendir), before ? 0U : 1U) << opened.text();
		int removed = 0;
		while (const dirent *entry = ::readdir(dir)) {
			if (detach && !removed)
				extfuse_detach(fs.ext());
			if (entry->d_name[0] != '.')
				removed += sys::unlink(path + "/" + entry->d_name) == 0;
		}
		EXPECT_EQ(removed, 600);
		::rewinddir(dir);
		int left = 0;
		while (::readdir(dir))
			left++;
		if (before) {
			EXPECT_EQ(left, 2);
		}
		::closedir(dir);
		EXPECT_EQ(sys::rmdir(path), 0);
	}
}

// What is listed for one caller is not read on by another who has the descriptor.
TEST(Policy, PrivateListingReadByAnother)
{
	Config config = private_cache();
	config.default_permissions = false;
	PlainFs fs(config);
	make_tree(fs, 600);
	const std::string path = fs.path("a");
	const auto rest = [](DIR *dir) {
		size_t entries = 0;
		errno = 0;
		while (::readdir(dir))
			entries++;
		return std::pair(entries, errno);
	};
	// By the daemon, in parts: of what nobody has seen all, nothing is kept.
	DIR *dir = ::opendir(path.c_str());
	ASSERT_TRUE(dir && ::readdir(dir));
	std::vector<char> buffer(4096);
	EXPECT_GT(sys::as_user(bob,
			       [&] {
				       return syscall(SYS_getdents64, dirfd(dir), buffer.data(),
						      buffer.size()) > 0;
			       }),
		  0);
	EXPECT_EQ(rest(dir).second, 0);
	::closedir(dir);
	EXPECT_GT(during(fs, [&] { list(path); }).sent(Op::Readdir), 0U);
	list(path);
	EXPECT_EQ(during(fs, [&] { list(path); }).sent(Op::Readdir), 0U);
	// From the handler.
	dir = ::opendir(path.c_str());
	ASSERT_TRUE(dir && ::readdir(dir));
	const auto [others, refused] = sys::as_user(bob, [&] { return rest(dir); });
	EXPECT_EQ(refused, EACCES);
	const auto [own, error] = rest(dir);
	EXPECT_EQ(error, 0);
	EXPECT_EQ(1 + others + own, 602U); // what had been read already is anybody's
	::closedir(dir);
}

// Its daemon may have kept it under another name in the same directory, until now.
TEST(Policy, PrivateForgetsListingsWhenARemovedFileIsClosed)
{
	PlainFs fs(private_cache());
	make_tree(fs, 3);
	{
		const sys::Fd fd(sys::open(fs.path("a/file-0000"), O_RDONLY));
		EXPECT_EQ(sys::unlink(fs.path("a/file-0000")), 0);
		fs.store.add_file("a/.hidden");
		EXPECT_EQ(list(fs.path("a")).size(), 5U);
		EXPECT_EQ(list(fs.path("a")).size(), 5U);
		fs.store.unlink(fs.store.at("a"), ".hidden");
	}
	wait_for_no_handles(fs);
	// The reply to its RELEASE ends what that has begun.
	for (int i = 0; i < 100 && list(fs.path("a")).size() != 4; i++)
		std::this_thread::sleep_for(std::chrono::milliseconds(10));
	EXPECT_EQ(list(fs.path("a")).size(), 4U);
}

} // namespace extfuse_test
