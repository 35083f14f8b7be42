// SPDX-License-Identifier: GPL-2.0-only
//
// bpf/examples/hide.bpf.c: who is not to see a name does not, wherever the name comes
// from, and others do.
#include <cstring>

#include "example.hpp"
#include "hide.h"

namespace extfuse_test
{

namespace
{

constexpr uid_t alice = 10001, bob = 10002;
constexpr auto lookup = EXTFUSE_OP_LOOKUP;
constexpr auto readdir_op = EXTFUSE_OP_READDIR;
using Names = std::set<std::string>;

const std::string long_name = std::string(100, 'n') + ".key";

class Hide : public testing::Test
{
protected:
	explicit Hide(Config config = {}) : fs(with_example("hide", std::move(config)))
	{
		fs.store.add_dir("dir", 0777);
		for (const char *name : {"a.key", "plain", ".git", ".gitignore", "key"})
			fs.store.add_file(std::string("dir/") + name, name, 0666);
		fs.store.add_file("dir/" + long_name, "long", 0666);
	}

	TestFs fs;
	const Names all = {"a.key", "plain", ".git", ".gitignore", "key", long_name};

	void rule(uint32_t index, uid_t uid, const std::string &text, bool at_end)
	{
		hide_rule r = {};

		r.uid = uid;
		r.len = static_cast<uint16_t>(text.size());
		r.at_end = at_end;
		memcpy(r.text, text.data(), text.size());
		ASSERT_EQ(bpf_map_update_elem(extfuse_handler_map_fd(fs.ext(), "rules"), &index, &r,
					      BPF_ANY),
			  0);
	}
	// .key from alice, .git from everybody.
	void rules()
	{
		rule(0, alice, ".key", true);
		rule(7, HIDE_EVERYBODY, ".git", false);
	}
	std::string in(const std::string &name = {})
	{
		return fs.path("dir/" + name);
	}
	int stat_as(uid_t uid, const std::string &name)
	{
		return sys::as_user(uid, [&] { return sys::stat(in(name)); });
	}
	Names list_as(uid_t uid)
	{
		return sys::as_user(uid, [&] { return names_in(fs.path("dir")); });
	}
	void expect_lists()
	{
		EXPECT_EQ(list_as(alice), (Names{"plain", "key"}));
		EXPECT_EQ(list_as(bob), (Names{"plain", "key", "a.key", long_name}));
		EXPECT_EQ(names_in(fs.path("dir")), all);
	}
};

class HidePages : public Hide
{
protected:
	HidePages() : Hide(cached())
	{
		fs.say.opens = true;
		fs.say.file_flags = EXTFUSE_FILE_CACHE_DIR;
	}
	static Config cached()
	{
		Config c;
		c.readdirplus = true;
		return c;
	}
};

} // namespace

TEST_F(Hide, NothingWithoutRules)
{
	EXPECT_EQ(list_as(alice), all);
	for (const std::string &name : all)
		EXPECT_EQ(stat_as(alice, name), 0) << name;
}

TEST_F(Hide, NamesAreNotFound)
{
	rules();
	for (int round = 0; round < 3; round++) {
		for (const char *name : {"a.key", ".git", ".gitignore", long_name.c_str()})
			EXPECT_EQ(stat_as(alice, name), -ENOENT) << name;
		for (const char *name : {"plain", "key"})
			EXPECT_EQ(stat_as(alice, name), 0) << name;
		for (const char *name : {"a.key", "plain", "key", long_name.c_str()})
			EXPECT_EQ(stat_as(bob, name), 0) << name;
		EXPECT_EQ(stat_as(bob, ".git"), -ENOENT);
		for (const std::string &name : all)
			EXPECT_EQ(sys::stat(in(name)), 0) << name; // root
	}
}

TEST_F(Hide, DenialsAreNotSentAndHitsAreHits)
{
	rules();
	EXPECT_EQ(stat_as(bob, "a.key"), 0);
	EXPECT_EQ(stat_as(alice, "a.key"), -ENOENT);
	const Counts c = during(fs, [&] {
		for (int i = 0; i < 10; i++) {
			EXPECT_EQ(stat_as(bob, "a.key"), 0);
			EXPECT_EQ(stat_as(alice, "a.key"), -ENOENT);
		}
	});
	EXPECT_EQ(c.sent_all(), 0) << c.text();
	EXPECT_GE(c.driver(lookup).error, 10) << c.text();
}

// The first listing is the daemon's, the next ones are the caches'.
TEST_F(Hide, ListingsLeaveThemOut)
{
	rules();
	const Counts miss = during(fs, [&] { EXPECT_EQ(list_as(alice), (Names{"plain", "key"})); });
	EXPECT_GE(miss.sent(Op::Readdir), 1) << miss.text();
	list_as(alice); // the first one has moved the access time
	const Counts hit = during(fs, [&] { expect_lists(); });
	EXPECT_EQ(hit.sent(Op::Readdir), 0) << hit.text();
	EXPECT_GE(hit.driver(readdir_op).hit, 3) << hit.text();
}

TEST_F(HidePages, ListingsLeaveThemOut)
{
	rules();
	for (int round = 0; round < 4; round++)
		expect_lists();
}

// A reader who gets nothing would take it for the end.
TEST_F(Hide, ManyHiddenDoNotEndTheListing)
{
	fs.store.add_dir("many", 0777);
	for (int i = 0; i < 1000; i++)
		fs.store.add_file("many/" + std::to_string(i) + ".key");
	fs.store.add_file("many/zz");
	rules();
	for (int round = 0; round < 2; round++) {
		EXPECT_EQ(sys::as_user(alice, [&] { return names_in(fs.path("many")); }),
			  Names{"zz"});
		EXPECT_EQ(names_in(fs.path("many")).size(), 1001);
	}
}

TEST_F(Hide, NamesAreNotMade)
{
	rules();
	const auto denied = [&] {
		EXPECT_EQ(sys::write_file(in("new.key"), ""), -EACCES);
		EXPECT_EQ(sys::mkdir(in("new.key")), -EACCES);
		EXPECT_EQ(sys::symlink("x", in("new.key")), -EACCES);
		EXPECT_EQ(sys::link(in("plain"), in("new.key")), -EACCES);
		EXPECT_EQ(sys::rename(in("plain"), in("new.key")), -EACCES);
		// That it is there is not told either.
		EXPECT_EQ(sys::write_file(in("a.key"), ""), -EACCES);
		EXPECT_EQ(sys::mkdir(in("a.key")), -EACCES);
		EXPECT_EQ(sys::symlink("x", in("a.key")), -EACCES);
		EXPECT_EQ(sys::link(in("plain"), in("a.key")), -EACCES);
		EXPECT_EQ(sys::rename(in("plain"), in("a.key")), -EACCES);
		EXPECT_EQ(sys::rename(in("plain"), in("a.key"), RENAME_NOREPLACE), -EACCES);
		EXPECT_LT(sys::rename(in("plain"), in("a.key"), RENAME_EXCHANGE), 0);
	};
	for (int round = 0; round < 2; round++) {
		sys::as_user(alice, denied);
		EXPECT_EQ(sys::stat(in("a.key")), 0);
		EXPECT_EQ(sys::stat(in("new.key")), -ENOENT);
	}
	sys::drop_caches();
	sys::as_user(alice, denied);
	EXPECT_EQ(sys::read_file(in("a.key")), "a.key");
	EXPECT_EQ(names_in(fs.path("dir")), all);
	EXPECT_EQ(sys::as_user(bob, [&] { return sys::write_file(in("new.key"), "x"); }), 0);
}

TEST_F(Hide, NamesAreNotRemovedOrMoved)
{
	rules();
	for (int round = 0; round < 2; round++) {
		sys::as_user(alice, [&] {
			EXPECT_EQ(sys::unlink(in("a.key")), -ENOENT);
			EXPECT_EQ(sys::rename(in("a.key"), in("b")), -ENOENT);
			EXPECT_EQ(sys::link(in("a.key"), in("b")), -ENOENT);
		});
		EXPECT_EQ(sys::stat(in("a.key")), 0);
	}
}

// Denials hold while somebody else has just been told to ask the daemon.
TEST_F(Hide, RulesActAtOnce)
{
	for (int round = 0; round < 3; round++) {
		EXPECT_EQ(stat_as(alice, "a.key"), 0);
		rule(3, alice, "a.k", false);
		EXPECT_EQ(stat_as(alice, "a.key"), -ENOENT);
		EXPECT_EQ(list_as(alice).count("a.key"), 0);
		rule(3, alice, "", false);
	}
}

} // namespace extfuse_test
