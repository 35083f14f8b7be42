// SPDX-License-Identifier: GPL-2.0-only
//
// Programs nobody here wrote, wrapped by one line (docs/wrapping.md): libfuse's
// examples, erofsfuse of Debian's archive.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include <grp.h>
#include <sys/statvfs.h>
#include <sys/wait.h>

#include "guest.hpp"
#include "sys.hpp"
#include "wrapped_program.hpp"

namespace extfuse_test
{

namespace
{

namespace fs = std::filesystem;

std::string program(const std::string &name)
{
	return std::string(WRAPPED_PROGRAMS) + "/" + name;
}

void write(const std::string &path, const std::string &text)
{
	std::ofstream out(path, std::ios::binary);

	out << text;
	EXPECT_TRUE(out.flush()) << path;
}

std::string read(const std::string &path)
{
	std::ifstream in(path, std::ios::binary);

	return {std::istreambuf_iterator<char>(in), {}};
}

// Directories, files of several sizes, links.
void make_tree(const std::string &root)
{
	for (const std::string dir : {"", "/a", "/a/b", "/c"}) {
		fs::create_directory(root + dir);
		for (const unsigned size : {0U, 5U, 4096U, 10000U})
			write(root + dir + "/file" + std::to_string(size),
			      std::string(size, static_cast<char>('a' + size % 26)));
		fs::create_symlink("file5", root + dir + "/link");
	}
	setxattr((root + "/file5").c_str(), "user.test", "value", 5, 0);
}

// Nothing is looked up, no attributes, links and data are asked for.
void expect_in_kernel(const Requests &r)
{
	for (const char *name : {"LOOKUP", "GETATTR", "READLINK", "READ", "GETXATTR"})
		EXPECT_EQ(of(r, name), 0U) << text(r);
}

int as_user(uid_t uid, const std::function<int()> &body)
{
	const pid_t child = fork();
	if (child == 0)
		_exit(setgroups(0, nullptr) < 0 || setresgid(uid, uid, uid) < 0 ||
				      setresuid(uid, uid, uid) < 0
			      ? 126
			      : body());
	int status = -1;
	waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

} // namespace

// ---------------------------------------------------------------------------
// hello_ll

TEST(WrapHello, SameAsUnwrappedOnStock)
{
	Program plain({program("hello_ll"), "-d"});
	Program wrapped({program("hello_ll_wrapped"), "-d", "-o", "extfuse=require"});
	ASSERT_TRUE(plain.mounted()) << plain.said();
	ASSERT_TRUE(wrapped.mounted()) << wrapped.said();
	EXPECT_EQ(plain.type(), "fuse.hello_ll");
	EXPECT_EQ(wrapped.type(), "extfuse.hello_ll_wrapped");

	const std::string expected = tree(plain.path());
	EXPECT_NE(expected.find("Hello World!"), std::string::npos);
	for (int pass = 0; pass < 3; pass++)
		EXPECT_EQ(tree(wrapped.path()), expected);
	EXPECT_EQ(wrapped.end(), 0);
	EXPECT_EQ(plain.end(), 0);
}

TEST(WrapHello, SecondPassIsAnsweredInTheKernel)
{
	Program wrapped({program("hello_ll_wrapped"), "-d", "-o", "extfuse=require"});
	ASSERT_TRUE(wrapped.mounted()) << wrapped.said();
	const std::string file = wrapped.path("hello");
	const auto pass = [&] {
		EXPECT_EQ(sys::attr(file).st_size, 13);
		EXPECT_EQ(sys::stat(file + ".absent"), -ENOENT);
		EXPECT_EQ(read(file), "Hello World!\n");
	};
	const Requests first = wrapped.during(pass);
	EXPECT_GE(of(first, "LOOKUP"), 2U) << text(first);
	EXPECT_EQ(of(first, "READ"), 1U) << text(first);
	wrapped.during(pass); // the read has moved the access time
	expect_in_kernel(wrapped.during(pass));
}

// ---------------------------------------------------------------------------
// passthrough_ll: a lower directory

class WrapPassthrough : public testing::TestWithParam<std::vector<std::string>>
{
protected:
	WrapPassthrough()
	{
		make_tree(lower.path("tree"));
	}
	std::string source() const
	{
		return "source=" + lower.path("tree") + ",cache=auto,timeout=0,xattr";
	}
	std::vector<std::string> wrapped(const std::string &more = "extfuse=require") const
	{
		std::vector<std::string> argv = {program("passthrough_ll_wrapped"), "-d", "-o",
						 source() + "," + more};
		argv.insert(argv.end(), GetParam().begin(), GetParam().end());
		return argv;
	}

	Scratch lower;
};

INSTANTIATE_TEST_SUITE_P(Threads, WrapPassthrough,
			 testing::Values(std::vector<std::string>{}, std::vector<std::string>{"-s"},
					 std::vector<std::string>{"-o", "clone_fd"},
					 std::vector<std::string>{"-o", "default_permissions"}));

TEST_P(WrapPassthrough, SameAsUnwrappedOnStock)
{
	Program plain({program("passthrough_ll"), "-d", "-o", source()});
	Program p(wrapped());
	ASSERT_TRUE(plain.mounted()) << plain.said();
	ASSERT_TRUE(p.mounted()) << p.said();
	const std::string expected = tree(plain.path());
	for (int pass = 0; pass < 2; pass++)
		EXPECT_EQ(tree(p.path()), expected);
	EXPECT_EQ(p.end(), 0);
	EXPECT_EQ(p.said().find("trying to continue"), std::string::npos) << "clone_fd";
}

TEST_P(WrapPassthrough, SecondPassIsAnsweredInTheKernel)
{
	Program p(wrapped());
	ASSERT_TRUE(p.mounted()) << p.said();
	const Requests first = p.during([&] { walk(p.path()); });
	EXPECT_GE(of(first, "LOOKUP") + of(first, "READDIRPLUS"), 20U) << text(first);
	EXPECT_GE(of(first, "READLINK"), 4U) << text(first);
	p.during([&] { walk(p.path()); });
	expect_in_kernel(p.during([&] { walk(p.path()); }));
}

TEST_P(WrapPassthrough, ChangesThroughTheMountAreSeenAtOnce)
{
	Program p(wrapped());
	ASSERT_TRUE(p.mounted()) << p.said();
	for (int i = 0; i < 3; i++)
		walk(p.path());

	const std::string file = p.path("a/file5"), made = p.path("a/new");
	write(file, "other contents");
	EXPECT_EQ(sys::attr(file).st_size, 14);
	EXPECT_EQ(read(file), "other contents");
	EXPECT_EQ(chmod(file.c_str(), 0600), 0);
	EXPECT_EQ(sys::attr(file).st_mode & 07777, 0600U);
	EXPECT_EQ(setxattr(file.c_str(), "user.test", "new", 3, 0), 0);
	char value[8] = {};
	EXPECT_EQ(getxattr(file.c_str(), "user.test", value, sizeof(value)), 3);
	EXPECT_STREQ(value, "new");
	EXPECT_EQ(sys::stat(made), -ENOENT);
	write(made, "x");
	EXPECT_EQ(sys::attr(made).st_size, 1);
	EXPECT_EQ(rename(made.c_str(), p.path("a/renamed").c_str()), 0);
	EXPECT_EQ(sys::stat(made), -ENOENT);
	EXPECT_EQ(sys::attr(p.path("a/renamed")).st_size, 1);
	EXPECT_EQ(sys::unlink(p.path("a/renamed")), 0);
	EXPECT_EQ(sys::stat(p.path("a/renamed")), -ENOENT);
	// Two names of one file, which are one node here.
	EXPECT_EQ(link(file.c_str(), made.c_str()), 0);
	EXPECT_EQ(sys::attr(file).st_nlink, 2U);
	write(made, "by the other name");
	EXPECT_EQ(sys::attr(file).st_size, 17);
	EXPECT_EQ(read(file), "by the other name");
	EXPECT_EQ(tree(p.path()), tree(lower.path("tree")));
}

TEST_P(WrapPassthrough, WhatIsLeftGoesUp)
{
	Program p(wrapped("extfuse=require,extfuse_leave=getattr:readlink"));
	ASSERT_TRUE(p.mounted()) << p.said();
	const auto pass = [&] {
		sys::stat(p.path("file5"));
		char target[16];
		EXPECT_EQ(readlink(p.path("link").c_str(), target, sizeof(target)), 5);
	};
	p.during(pass);
	const Requests r = p.during(pass);
	EXPECT_GE(of(r, "GETATTR"), 1U) << text(r);
	EXPECT_EQ(of(r, "READLINK"), 1U) << text(r);
	EXPECT_EQ(of(r, "LOOKUP"), 0U) << text(r); // the name is kept
}

// Timeouts, which are 0 here, count for those who mount so.
TEST_P(WrapPassthrough, TimeoutsCount)
{
	Program p(wrapped("extfuse=require,cache=timeouts"));
	ASSERT_TRUE(p.mounted()) << p.said();
	const sys::Fd fd(sys::open(p.path("file5"), O_RDONLY));
	ASSERT_GE(fd, 0);
	for (int i = 0; i < 3; i++) {
		const Requests r = p.during([&] {
			struct stat st;
			EXPECT_EQ(sys::fstat(fd, &st), 0);
		});
		EXPECT_EQ(of(r, "GETATTR"), 1U) << text(r);
	}
	// Behind the mount, which nobody says.
	write(lower.path("tree/a/file5"), "other contents");
	for (int i = 0; i < 3; i++) {
		write(lower.path("tree/a/file5"), std::string(20U + static_cast<unsigned>(i), 'x'));
		EXPECT_EQ(sys::attr(p.path("a/file5")).st_size, 20 + i);
	}
}

TEST_P(WrapPassthrough, SecondWalkAsksNothingOfAPrivateOne)
{
	Program p(wrapped("extfuse=require,cache=private"));
	ASSERT_TRUE(p.mounted()) << p.said();
	const std::string expected = tree(lower.path("tree"));
	EXPECT_EQ(tree(p.path()), expected);
	const Requests r = p.during([&] { EXPECT_EQ(tree(p.path()), expected); });
	EXPECT_EQ(text(r), "");
	write(p.path("a/new"), "new");
	EXPECT_EQ(tree(p.path()), tree(lower.path("tree")));
}

// The author has not promised that nobody sees an open.
TEST_P(WrapPassthrough, OpensAndListingsGoUpUnlessSaid)
{
	const auto look = [](const Program &p) {
		EXPECT_EQ(read(p.path("file5")).size(), 5U);
		EXPECT_EQ(std::distance(fs::directory_iterator(p.path("a")), {}), 6);
	};
	for (const std::string more : {"", ",cache=private,extfuse_leave=open:opendir:readdir"}) {
		Program p(wrapped("extfuse=require" + more));
		ASSERT_TRUE(p.mounted()) << p.said();
		look(p);
		const Requests r = p.during([&] { look(p); });
		EXPECT_EQ(of(r, "OPEN"), 1U) << more << text(r);
		EXPECT_EQ(of(r, "OPENDIR"), 1U) << more << text(r);
		EXPECT_GE(of(r, "READDIR") + of(r, "READDIRPLUS"), 1U) << more << text(r);
	}
}

TEST(WrapOptions, UnknownOnesAreRefused)
{
	for (const std::string option :
	     {"extfuse_leave=lookup:nothing", "extfuse_scope=me", "extfuse=maybe", "max_names=0"}) {
		Program p({program("hello_ll_wrapped"), "-f", "-o", option});
		EXPECT_FALSE(p.mounted()) << option;
		EXPECT_NE(p.said().find(option.substr(0, option.find('='))), std::string::npos)
			<< p.said();
	}
}

TEST(WrapOptions, StatfsIsNotKeptUnlessAsked)
{
	Scratch lower;
	Program p({program("passthrough_ll_wrapped"), "-d", "-o",
		   "extfuse=require,source=" + lower.path()});
	ASSERT_TRUE(p.mounted()) << p.said();
	const auto ask = [&] {
		struct statvfs st;
		EXPECT_EQ(statvfs(p.path().c_str(), &st), 0);
	};
	p.during(ask);
	EXPECT_EQ(of(p.during(ask), "STATFS"), 1U);
}

// ---------------------------------------------------------------------------
// Who may be served

TEST(WrapScope, AnotherUserIsAnsweredByTheProgram)
{
	Scratch lower;
	make_tree(lower.path("tree"));
	Program p({program("passthrough_ll_wrapped"), "-d", "-o",
		   "extfuse=require,allow_other,timeout=0,source=" + lower.path("tree")});
	ASSERT_TRUE(p.mounted()) << p.said();
	const std::string path = p.path("a/file5");
	const auto one = [&] { EXPECT_EQ(as_user(1000, [&] { return -sys::stat(path); }), 0); };
	const auto other = [&] { EXPECT_EQ(as_user(1001, [&] { return -sys::stat(path); }), 0); };

	p.during(one);
	Requests r = p.during(one);
	EXPECT_EQ(of(r, "LOOKUP") + of(r, "GETATTR"), 0U) << text(r);
	r = p.during(other);
	EXPECT_GE(of(r, "LOOKUP") + of(r, "GETATTR"), 1U) << text(r);
	r = p.during(other);
	EXPECT_EQ(of(r, "LOOKUP") + of(r, "GETATTR"), 0U) << text(r);
}

TEST(WrapScope, WithDefaultPermissionsTheKernelChecks)
{
	Scratch lower;
	make_tree(lower.path("tree"));
	chmod(lower.path("tree/c").c_str(), 0700);
	Program p({program("passthrough_ll_wrapped"), "-d", "-o",
		   "extfuse=require,allow_other,default_permissions,timeout=0,source=" +
			   lower.path("tree")});
	ASSERT_TRUE(p.mounted()) << p.said();
	const auto walk_both = [&] {
		EXPECT_EQ(sys::stat(p.path("a/file5")), 0);
		EXPECT_EQ(sys::stat(p.path("c/file5")), 0);
	};
	p.during(walk_both);
	const Requests r = p.during([&] {
		EXPECT_EQ(as_user(1001, [&] { return -sys::stat(p.path("a/file5")); }), 0);
		EXPECT_EQ(as_user(1001, [&] { return -sys::stat(p.path("c/file5")); }), EACCES);
	});
	EXPECT_EQ(of(r, "LOOKUP") + of(r, "GETATTR"), 0U) << text(r);
}

// ---------------------------------------------------------------------------
// passthrough: the path API

class WrapPath : public testing::Test
{
protected:
	WrapPath()
	{
		make_tree(lower.path("tree"));
	}
	std::vector<std::string> argv(const std::string &name, const std::string &more) const
	{
		return {program(name), "-d", "-o",
			"modules=subdir,subdir=" + lower.path("tree") + more};
	}

	Scratch lower;
};

TEST_F(WrapPath, SameAsUnwrappedOnStock)
{
	Program plain(argv("passthrough", ""));
	Program p(argv("passthrough_wrapped", ",extfuse=require"));
	ASSERT_TRUE(plain.mounted()) << plain.said();
	ASSERT_TRUE(p.mounted()) << p.said();
	const std::string expected = tree(plain.path());
	for (int pass = 0; pass < 2; pass++)
		EXPECT_EQ(tree(p.path()), expected);
	EXPECT_EQ(p.end(), 0);
}

TEST_F(WrapPath, SecondPassIsAnsweredInTheKernel)
{
	Program p(argv("passthrough_wrapped", ",extfuse=require"));
	ASSERT_TRUE(p.mounted()) << p.said();
	p.during([&] { walk(p.path()); });
	p.during([&] { walk(p.path()); });
	expect_in_kernel(p.during([&] { walk(p.path()); }));
}

TEST_F(WrapPath, SecondWalkAsksNothingOfAPrivateOne)
{
	Program p(argv("passthrough_wrapped", ",extfuse=require,cache=private"));
	ASSERT_TRUE(p.mounted()) << p.said();
	const std::string expected = tree(p.path());
	const Requests r = p.during([&] { EXPECT_EQ(tree(p.path()), expected); });
	EXPECT_EQ(text(r), "");
}

class WrapPathOptions : public WrapPath, public testing::WithParamInterface<std::string>
{
};

INSTANTIATE_TEST_SUITE_P(Policies, WrapPathOptions,
			 testing::Values("", ",cache=timeouts", ",cache=private",
					 ",cache=private,extfuse_scope=all"));

// Each name is a node of its own to this API: none knows of a change by the other.
TEST_P(WrapPathOptions, ChangesByAnotherNameAreSeen)
{
	ASSERT_EQ(link(lower.path("tree/file5").c_str(), lower.path("tree/twin").c_str()), 0);
	Program p(argv("passthrough_wrapped", ",extfuse=require" + GetParam()));
	ASSERT_TRUE(p.mounted()) << p.said();
	const std::string one = p.path("file5"), other = p.path("twin");
	for (int i = 0; i < 3; i++) {
		walk(p.path());
		sys::stat(one);
		sys::stat(other);
	}
	write(other, "longer than it was");
	EXPECT_EQ(sys::attr(one).st_size, 18);
	EXPECT_EQ(read(one), "longer than it was");

	// And of a link that is made now, of a file that was kept.
	const std::string kept = p.path("a/file5"), late = p.path("a/late");
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(read(kept), read(lower.path("tree/a/file5")));
	ASSERT_EQ(link(kept.c_str(), late.c_str()), 0);
	EXPECT_EQ(read(kept).size(), 5U);
	write(late, "0123456789");
	EXPECT_EQ(sys::attr(kept).st_size, 10);
	EXPECT_EQ(read(kept), "0123456789");
}

// libfuse hides an open file that is removed, and removes it with its last close.
TEST_F(WrapPath, HiddenFilesGoWithTheirLastClose)
{
	Program p(argv("passthrough_wrapped", ",extfuse=require"));
	ASSERT_TRUE(p.mounted()) << p.said();
	std::string hidden;
	{
		const sys::Fd fd(sys::open(p.path("a/file5"), O_RDONLY));
		ASSERT_GE(fd, 0);
		ASSERT_EQ(sys::unlink(p.path("a/file5")), 0);
		for (const auto &entry : fs::directory_iterator(lower.path("tree/a"))) {
			const std::string name = entry.path().filename();
			if (name.starts_with(".fuse_hidden"))
				hidden = name;
		}
		ASSERT_NE(hidden, "");
		for (int i = 0; i < 3; i++)
			EXPECT_EQ(sys::stat(p.path("a/" + hidden)), 0);
	}
	p.during([] {}); // until RELEASE has come
	EXPECT_EQ(sys::stat(lower.path("tree/a/" + hidden)), -ENOENT);
	EXPECT_EQ(sys::stat(p.path("a/" + hidden)), -ENOENT);
}

// ---------------------------------------------------------------------------
// Overrides, other threads, notifications

class WrapOwn : public testing::Test
{
protected:
	off_t size(const std::string &name) const
	{
		return sys::attr(fs.path(name)).st_size;
	}
	Requests again(const std::string &name) const
	{
		sys::stat(fs.path(name));
		return fs.during([&] { sys::stat(fs.path(name)); });
	}
	void SetUp() override
	{
		ASSERT_TRUE(fs.mounted()) << fs.said();
	}

	Program fs{{program("wrap_fs"), "-d", "-o", "extfuse=require"}};
};

TEST_F(WrapOwn, ReplyIsOverridden)
{
	EXPECT_EQ(of(again("sync"), "LOOKUP"), 0U);
	const Requests r = again("live");
	EXPECT_EQ(of(r, "LOOKUP"), 1U) << text(r);
}

TEST_F(WrapOwn, ReplyOfAnotherThreadIsKept)
{
	const Requests r = again("async");
	EXPECT_EQ(of(r, "LOOKUP") + of(r, "GETATTR"), 0U) << text(r);
}

// Two nodes of one file: a change of the one is not known to be a change of the other.
TEST_F(WrapOwn, SeveralNamesInRepliesOfAnotherThread)
{
	const std::string one = fs.path("one");
	off_t expected = 1;
	for (const off_t next : {7, 3, 20}) {
		for (int i = 0; i < 3; i++) {
			EXPECT_EQ(size("one"), expected);
			EXPECT_EQ(size("other"), expected);
			EXPECT_EQ(read(one).size(), static_cast<size_t>(expected));
		}
		ASSERT_EQ(sys::truncate(fs.path("other"), static_cast<uint64_t>(next)), 0);
		expected = next;
		EXPECT_EQ(read(one).size(), static_cast<size_t>(expected));
	}
	EXPECT_EQ(size("one"), expected);
}

TEST_F(WrapOwn, SplicedReplyIsOverridden)
{
	const auto look = [&] {
		sys::drop_pages();
		EXPECT_EQ(read(fs.path("large")), std::string(65536, 0));
	};
	fs.during(look);
	fs.during(look);
	const Requests r = fs.during(look);
	EXPECT_GE(of(r, "READ"), 1U) << text(r);
	EXPECT_EQ(of(r, "LOOKUP"), 0U) << text(r);
}

TEST_F(WrapOwn, OpensAreKeptIfTheAuthorSaysSo)
{
	const auto look = [&] { EXPECT_EQ(read(fs.path("sync")), "x"); };
	EXPECT_EQ(of(fs.during(look), "OPEN"), 1U);
	fs.during(look);
	const Requests r = fs.during(look);
	EXPECT_EQ(text(r), "");
}

TEST_F(WrapOwn, NotificationsOutdateWhatIsKept)
{
	int expected = 1;
	for (const int signal : {SIGUSR1, SIGUSR2, SIGUSR1}) {
		for (const char *name : {"sync", "async", "live"})
			for (int i = 0; i < 3; i++)
				EXPECT_EQ(size(name), expected) << name;
		fs.signal(signal);
		expected++;
		ASSERT_TRUE(fs.wait_said("changed: " + std::to_string(expected)));
		for (const char *name : {"sync", "async", "live"})
			EXPECT_EQ(size(name), expected) << name << " after signal " << signal;
	}
}

// ---------------------------------------------------------------------------
// erofsfuse, from Debian's source package

class WrapErofs : public testing::Test
{
protected:
	WrapErofs()
	{
		make_tree(lower.path("tree"));
		const std::string command = program("mkfs.erofs") + " " + image() + " " +
					    lower.path("tree") + " >" + lower.path("log") + " 2>&1";
		EXPECT_EQ(system(command.c_str()), 0) << read(lower.path("log"));
	}
	std::string image() const
	{
		return lower.path("image");
	}

	Scratch lower;
};

TEST_F(WrapErofs, SameAsUnwrappedOnStock)
{
	Program plain({program("erofsfuse"), "-f", image()});
	Program p({program("erofsfuse_wrapped"), "-f", "-o", "extfuse=require", image()});
	ASSERT_TRUE(plain.mounted()) << plain.said();
	ASSERT_TRUE(p.mounted()) << p.said();
	const std::string expected = tree(plain.path());
	EXPECT_NE(expected.find("a/b/file10000"), std::string::npos);
	for (int pass = 0; pass < 2; pass++)
		EXPECT_EQ(tree(p.path()), expected);
	EXPECT_EQ(p.end(), 0);
}

// Its timeouts let stock FUSE keep names and attributes, too, but neither targets of
// links nor extended attributes.
TEST_F(WrapErofs, SecondPassIsAnsweredInTheKernel)
{
	Requests second[2];
	int i = 0;
	for (const char *driver : {"extfuse=stock", "extfuse=require"}) {
		Program p({program("erofsfuse_wrapped"), "-d", "-o", driver, image()});
		ASSERT_TRUE(p.mounted()) << p.said();
		p.during([&] { walk(p.path()); });
		p.during([&] { walk(p.path()); });
		second[i++] = p.during([&] { walk(p.path()); });
	}
	EXPECT_EQ(of(second[0], "READLINK"), 4U) << text(second[0]);
	EXPECT_GE(of(second[0], "GETXATTR"), 16U) << text(second[0]);
	expect_in_kernel(second[1]);
}

TEST_F(WrapErofs, ThirdWalkAsksNothingOfAPrivateOne)
{
	Program p({program("erofsfuse_wrapped"), "-d", "-o", "extfuse=require,cache=private",
		   image()});
	ASSERT_TRUE(p.mounted()) << p.said();
	const std::string expected = tree(p.path());
	EXPECT_NE(expected.find("a/b/file10000"), std::string::npos);
	// What came with directories is kept once it has been asked for.
	walk(p.path());
	const Requests r = p.during([&] { EXPECT_EQ(tree(p.path()), expected); });
	EXPECT_EQ(text(r), "");
}

// ---------------------------------------------------------------------------
// Without the driver

TEST(WrapStock, WithoutDriverItWarnsOnceAndServes)
{
	ASSERT_EQ(unload_driver_soon(), 0);
	{
		Program p({program("hello_ll_wrapped"), "-d"});
		ASSERT_TRUE(p.mounted()) << p.said();
		EXPECT_EQ(p.type(), "fuse.hello_ll_wrapped");
		EXPECT_EQ(read(p.path("hello")), "Hello World!\n");
		const std::string said = p.said(), warning = "stock FUSE";
		const size_t first = said.find(warning);
		ASSERT_NE(first, std::string::npos) << said;
		EXPECT_EQ(said.find(warning, first + 1), std::string::npos) << said;
		EXPECT_EQ(p.end(), 0);

		Program refused({program("hello_ll_wrapped"), "-f", "-o", "extfuse=require"});
		EXPECT_FALSE(refused.mounted());
		EXPECT_NE(refused.said().find("load the driver"), std::string::npos)
			<< refused.said();
	}
	ASSERT_EQ(load_driver(), 0);
}

} // namespace extfuse_test
