// SPDX-License-Identifier: GPL-2.0-only
//
// bpf/examples/apps.bpf.c: what one app is told is never told another, whether the
// caches have it or the daemon is asked.
#include <cstring>

#include "example.hpp"

namespace extfuse_test
{

namespace
{

constexpr uid_t alice = 10001, bob = 10002, nobody = 10003, media = 10004;
constexpr gid_t media_rw = 1023;
constexpr auto lookup = EXTFUSE_OP_LOOKUP;
using Names = std::set<std::string>;

// Longer than what is inline.
const std::string alice_dir = "org.example.alice", bob_dir = "org.example.bob.with.a.longer.name";

// As in the example.
struct App {
	uint32_t name_len;
	uint32_t reserved;
	char name[EXTFUSE_NAME_MAX + 1];
};

class Apps : public testing::Test
{
protected:
	explicit Apps(Config config = {}) : fs(with_example("apps", std::move(config)))
	{
		for (const std::string &dir : {alice_dir, bob_dir}) {
			fs.store.add_dir(dir, 0777);
			fs.store.add_file(dir + "/file", dir);
		}
		set(alice, alice_dir);
		set(bob, bob_dir);
	}

	TestFs fs;

	int map()
	{
		return extfuse_handler_map_fd(fs.ext(), "apps");
	}
	void set(uid_t uid, const std::string &dir)
	{
		App app = {};

		app.name_len = static_cast<uint32_t>(dir.size());
		memcpy(app.name, dir.data(), dir.size());
		ASSERT_EQ(bpf_map_update_elem(map(), &uid, &app, BPF_ANY), 0) << strerror(errno);
	}
	int stat_as(uid_t uid, const std::string &name)
	{
		return sys::as_user(uid, [&] { return sys::stat(fs.path(name)); });
	}
	std::string read_as(uid_t uid, const std::string &name)
	{
		return sys::as_user(uid, [&] { return sys::read_file(fs.path(name)); });
	}
	Names list_as(uid_t uid, const std::string &dir = {})
	{
		return sys::as_user(uid, [&] { return names_in(fs.path(dir)); });
	}
};

} // namespace

TEST_F(Apps, SeeTheirOwnDirectoryOnly)
{
	for (int round = 0; round < 3; round++) {
		EXPECT_EQ(stat_as(alice, alice_dir), 0);
		EXPECT_EQ(stat_as(alice, bob_dir), -ENOENT);
		EXPECT_EQ(stat_as(bob, bob_dir), 0);
		EXPECT_EQ(stat_as(bob, alice_dir), -ENOENT);
		EXPECT_EQ(read_as(alice, alice_dir + "/file"), alice_dir);
		EXPECT_EQ(read_as(bob, alice_dir + "/file"), "error -2");
		EXPECT_EQ(stat_as(alice, "not there"), -ENOENT);
	}
}

TEST_F(Apps, OthersAreRefused)
{
	for (int round = 0; round < 2; round++) {
		EXPECT_EQ(stat_as(nobody, alice_dir), -EACCES);
		EXPECT_EQ(stat_as(nobody, "not there"), -EACCES);
		EXPECT_EQ(sys::stat(fs.path(alice_dir)), 0); // root
	}
}

TEST_F(Apps, MembersOfTheGroupSeeAll)
{
	for (const std::string &dir : {alice_dir, bob_dir}) {
		EXPECT_EQ(sys::as_user(media, media, {media_rw},
				       [&] { return sys::stat(fs.path(dir)); }),
			  0);
		EXPECT_EQ(sys::as_user(media, media_rw, {},
				       [&] { return sys::stat(fs.path(dir)); }),
			  0);
		EXPECT_EQ(stat_as(media, dir), -EACCES);
	}
}

// What was answered for one is in dentries, inodes and maps: of no use to the other.
TEST_F(Apps, HitsForOneAreNotHitsForAnother)
{
	ASSERT_EQ(stat_as(alice, alice_dir + "/file"), 0);
	const Counts hits = during(fs, [&] {
		for (int i = 0; i < 10; i++)
			EXPECT_EQ(stat_as(alice, alice_dir + "/file"), 0);
	});
	EXPECT_EQ(hits.sent_all(), 0) << hits.text();
	EXPECT_GE(hits.driver(lookup).hit, 10) << hits.text();

	const Counts denied = during(fs, [&] {
		for (int i = 0; i < 10; i++) {
			EXPECT_EQ(stat_as(bob, alice_dir), -ENOENT);
			EXPECT_EQ(stat_as(nobody, alice_dir), -EACCES);
		}
	});
	EXPECT_EQ(denied.sent_all(), 0) << denied.text();
	EXPECT_GE(denied.driver(lookup).error, 20) << denied.text();
	// What bob was told has not taken the name from alice.
	const Counts after = during(fs, [&] { EXPECT_EQ(stat_as(alice, alice_dir), 0); });
	EXPECT_EQ(after.sent_all(), 0) << after.text();
}

// A denial needs no dentry, and what it leaves behind does not last.
TEST_F(Apps, DeniedFirstIsThereForTheOwner)
{
	for (int round = 0; round < 3; round++) {
		sys::drop_caches();
		EXPECT_EQ(stat_as(bob, alice_dir), -ENOENT);
		EXPECT_EQ(stat_as(alice, alice_dir), 0);
	}
}

TEST_F(Apps, TableActsAtOnce)
{
	for (int round = 0; round < 3; round++) {
		set(bob, alice_dir);
		EXPECT_EQ(stat_as(bob, alice_dir), 0);
		EXPECT_EQ(stat_as(bob, bob_dir), -ENOENT);
		EXPECT_EQ(bpf_map_delete_elem(map(), &bob), 0);
		EXPECT_EQ(stat_as(bob, alice_dir), -EACCES);
		set(bob, bob_dir);
		EXPECT_EQ(stat_as(bob, alice_dir), -ENOENT);
		EXPECT_EQ(stat_as(bob, bob_dir), 0);
	}
}

TEST_F(Apps, ListingsShowTheirOwn)
{
	for (int round = 0; round < 3; round++) {
		EXPECT_EQ(list_as(alice), Names{alice_dir});
		EXPECT_EQ(list_as(bob), Names{bob_dir});
		EXPECT_EQ(list_as(nobody), Names{});
		EXPECT_EQ(names_in(fs.path()), (Names{alice_dir, bob_dir}));
		EXPECT_EQ(list_as(alice, alice_dir), Names{"file"});
	}
}

// Changes go through a name as well.
TEST_F(Apps, NothingIsDoneToOthers)
{
	chmod(fs.path().c_str(), 0777);
	for (int round = 0; round < 2; round++) {
		EXPECT_EQ(stat_as(alice, alice_dir), 0);
		sys::as_user(bob, [&] {
			EXPECT_EQ(sys::rmdir(fs.path(alice_dir)), -ENOENT);
			EXPECT_EQ(sys::rename(fs.path(alice_dir), fs.path(bob_dir + "/x")),
				  -ENOENT);
			EXPECT_EQ(sys::mkdir(fs.path("third")), -EACCES);
			EXPECT_EQ(sys::write_file(fs.path("third"), ""), -EACCES);
			EXPECT_LT(sys::rename(fs.path(bob_dir), fs.path(alice_dir)), 0);
			EXPECT_EQ(sys::rename(fs.path(bob_dir), fs.path("third")), -EACCES);
		});
	}
	EXPECT_EQ(names_in(fs.path()), (Names{alice_dir, bob_dir}));
	EXPECT_EQ(sys::stat(fs.path(alice_dir + "/file")), 0);
}

} // namespace extfuse_test
