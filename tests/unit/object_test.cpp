// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Putting single answers about a node, and directories, through the C API.
#include <gtest/gtest.h>

#include <linux/fuse.h>

#include "fake_kernel.hpp"
#include "reader.hpp"

using namespace exf::impl;
using namespace exf::test;

namespace
{

constexpr fuse_ino_t dir = 10, file = 20;
constexpr extfuse_scope scope_all = EXTFUSE_SCOPE_ALL;

class ObjectTest : public testing::Test
{
protected:
	void SetUp() override
	{
		fuse_args args = FUSE_ARGS_INIT(0, nullptr);

		fuse_opt_add_arg(&args, "program");
		fuse_opt_add_arg(&args, "-o");
		fuse_opt_add_arg(&args, "max_objects=64,max_dirs=64");
		x = make_object(state, messages, &args);
		fuse_opt_free_args(&args);
		ASSERT_TRUE(x);
		ASSERT_EQ(extfuse_mount(x.get(), some_session(), "/mnt"), 0);
	}

	extfuse_token node_token(fuse_ino_t node = file) const
	{
		return extfuse_token_node(x.get(), node);
	}
	int put_xattr(const char *name, const char *value, extfuse_token t, unsigned flags = 0)
	{
		return extfuse_put_xattr(x.get(), nullptr, file, name, value,
					 value ? strlen(value) : 0, t, scope_all, flags);
	}

	const extfuse_object_slot *find(extfuse_op kind, uint64_t arg = 0) const
	{
		const uint64_t hash = extfuse_object_hash(x->seed, file, kind, arg);
		const auto &maps = x->maps.objects;

		for (const auto &s : maps[bucket_index(hash, maps.size())].slot) {
			if (s.word && s.nodeid == file && s.kind == kind && s.arg == arg)
				return &s;
		}
		return nullptr;
	}
	const extfuse_object_slot *find_xattr(const char *name) const
	{
		NameKey key;

		EXPECT_TRUE(make_name_key(x->words.seed(), file, name, key));
		return find(EXTFUSE_OP_GETXATTR, key.hash);
	}
	static std::string data(const extfuse_object_slot *s)
	{
		return s ? std::string(reinterpret_cast<const char *>(s->data), s->len) : "none";
	}

	const extfuse_dir_slot *find_dir(uint64_t start) const
	{
		const uint64_t hash = extfuse_block_hash(x->seed, dir, start);
		const auto &maps = x->maps.dirs;

		for (const auto &s : maps[bucket_index(hash, maps.size())].slot) {
			if (s.word && s.nodeid == dir && s.start == start)
				return &s;
		}
		return nullptr;
	}

	FakeState state;
	Messages messages;
	Object x;
};

// Entries first .. last, each with the offset of its number.
std::string entries(int first, int last, size_t length = 5)
{
	std::string out;

	for (int i = first; i <= last; i++) {
		fuse_dirent head = {};
		std::string name = std::to_string(i);

		name.resize(length, '-');
		head.ino = static_cast<uint64_t>(1000 + i);
		head.off = static_cast<uint64_t>(i);
		head.namelen = static_cast<uint32_t>(length);
		head.type = 8;
		std::string one(offsetof(fuse_dirent, name), '\0');
		memcpy(one.data(), &head, one.size());
		one += name;
		one.resize((one.size() + 7) / 8 * 8);
		out += one;
	}
	return out;
}

TEST_F(ObjectTest, XattrValue)
{
	EXPECT_EQ(put_xattr("user.a", "value", node_token()), 1);
	const auto *s = find_xattr("user.a");
	ASSERT_TRUE(s);
	EXPECT_EQ(data(s), "value");
	EXPECT_EQ(s->flags, 0U);
	EXPECT_EQ(s->word, node_token().word);
	EXPECT_EQ(s->scope, EXTFUSE_SCOPE_ALL);
	EXPECT_EQ(s->name_len, 6U);
	EXPECT_EQ(memcmp(s->name, "user.a\0\0", 8), 0);
	EXPECT_FALSE(find_xattr("user.b"));
}

TEST_F(ObjectTest, XattrAbsentAndKept)
{
	state.words.xattr(file) = 7 * EXTFUSE_EPOCH_ONE;
	const extfuse_token token = extfuse_token_xattr(x.get(), file);
	EXPECT_EQ(token.word, 8 * EXTFUSE_EPOCH_ONE);
	EXPECT_EQ(put_xattr("user.a", nullptr, token, EXTFUSE_XATTR_KEPT), 1);
	const auto *s = find_xattr("user.a");
	ASSERT_TRUE(s);
	EXPECT_EQ(s->flags, EXTFUSE_OUT_ABSENT | EXTFUSE_OUT_XATTR_WORD);
	EXPECT_EQ(s->len, 0U);
	// A token of one kind is none of the other.
	EXPECT_EQ(put_xattr("user.b", nullptr, token), 0);
	EXPECT_EQ(put_xattr("user.b", nullptr, node_token(), EXTFUSE_XATTR_KEPT), 0);
}

TEST_F(ObjectTest, TokensFollowTheirWords)
{
	const extfuse_token xattr = extfuse_token_xattr(x.get(), file);
	const extfuse_token node = node_token();
	FakeWords::change(state.words.node(file));
	EXPECT_EQ(put_xattr("user.a", "1", node), 0);
	EXPECT_EQ(put_xattr("user.a", "1", xattr, EXTFUSE_XATTR_KEPT), 1);
	FakeWords::begin(state.words.xattr(file));
	EXPECT_EQ(extfuse_token_xattr(x.get(), file).word, 0U);
	FakeWords::end(state.words.xattr(file));
	EXPECT_EQ(put_xattr("user.a", "1", xattr, EXTFUSE_XATTR_KEPT), 0);

	struct statvfs st = {};
	const extfuse_token fs = extfuse_token_fs(x.get());
	EXPECT_EQ(extfuse_put_statfs(x.get(), nullptr, file, &st, fs, scope_all), 1);
	FakeWords::begin(state.words.fs());
	EXPECT_EQ(extfuse_token_fs(x.get()).word, 0U);
	FakeWords::end(state.words.fs());
	EXPECT_EQ(extfuse_put_statfs(x.get(), nullptr, file, &st, fs, scope_all), 0);
}

TEST_F(ObjectTest, Bounds)
{
	const std::string most(EXTFUSE_OBJECT_MAX, 'v'), more = most + "v";
	const std::string name(EXTFUSE_NAME_INLINE, 'n'), longer = name + "n";

	EXPECT_EQ(put_xattr("user.a", most.c_str(), node_token()), 1);
	EXPECT_EQ(data(find_xattr("user.a")), most);
	EXPECT_EQ(put_xattr("user.b", more.c_str(), node_token()), 0);
	EXPECT_EQ(put_xattr(name.c_str(), "1", node_token()), 1);
	EXPECT_EQ(put_xattr(longer.c_str(), "1", node_token()), 0);
	EXPECT_EQ(extfuse_put_readlink(x.get(), nullptr, file, more.c_str(), node_token(),
				       scope_all),
		  0);
}

TEST_F(ObjectTest, WrongArguments)
{
	const extfuse_token t = node_token();

	EXPECT_EQ(put_xattr("", "1", t), -EINVAL);
	EXPECT_EQ(put_xattr(nullptr, "1", t), -EINVAL);
	EXPECT_EQ(put_xattr("user.a", "1", t, 2), -EINVAL);
	EXPECT_EQ(extfuse_put_xattr(x.get(), nullptr, file, "a", nullptr, 1, t, scope_all, 0),
		  -EINVAL);
	EXPECT_EQ(extfuse_put_xattr(x.get(), nullptr, 0, "a", "1", 1, t, scope_all, 0), -EINVAL);
	EXPECT_EQ(extfuse_put_xattr(x.get(), nullptr, file, "a", "1", 1, t, EXTFUSE_SCOPE_UID, 0),
		  -EINVAL);
	EXPECT_EQ(extfuse_put_readlink(x.get(), nullptr, file, "", t, scope_all), -EINVAL);
	EXPECT_EQ(extfuse_put_statfs(x.get(), nullptr, file, nullptr, t, scope_all), -EINVAL);
	EXPECT_EQ(extfuse_put_access(x.get(), nullptr, file, 4, ENOENT, t, scope_all), -EINVAL);
	EXPECT_EQ(extfuse_put_access(x.get(), nullptr, file, -1, 0, t, scope_all), -EINVAL);
	EXPECT_EQ(extfuse_put_lseek(x.get(), nullptr, file, 0, SEEK_SET, 0, t, scope_all), -EINVAL);
	EXPECT_EQ(extfuse_put_lseek(x.get(), nullptr, file, 10, SEEK_DATA, 9, t, scope_all),
		  -EINVAL);
	for (const std::string &list : {std::string("a"), std::string("\0", 1),
					std::string("a\0\0", 3), std::string("a\0b", 3)})
		EXPECT_EQ(extfuse_put_xattr_list(x.get(), nullptr, file, list.data(), list.size(),
						 t, scope_all),
			  -EINVAL);
}

TEST_F(ObjectTest, OtherKinds)
{
	const extfuse_token t = node_token();
	const std::string list("user.a\0user.b\0", 14);
	struct statvfs st = {};

	EXPECT_EQ(extfuse_put_xattr_list(x.get(), nullptr, file, list.data(), 14, t, scope_all), 1);
	EXPECT_EQ(data(find(EXTFUSE_OP_LISTXATTR)), list);
	EXPECT_EQ(extfuse_put_readlink(x.get(), nullptr, file, "to/there", t, scope_all), 1);
	EXPECT_EQ(data(find(EXTFUSE_OP_READLINK)), "to/there");

	EXPECT_EQ(extfuse_put_access(x.get(), nullptr, file, 6, EACCES, t, scope_all), 1);
	const auto *a = find(EXTFUSE_OP_ACCESS, 6);
	ASSERT_TRUE(a);
	int32_t error;
	memcpy(&error, a->data, sizeof(error));
	EXPECT_EQ(error, -EACCES);
	EXPECT_FALSE(find(EXTFUSE_OP_ACCESS, 4));

	EXPECT_EQ(extfuse_put_lseek(x.get(), nullptr, file, 5, SEEK_HOLE, 9, t, scope_all), 1);
	const auto *l = find(EXTFUSE_OP_LSEEK, extfuse_lseek_arg(5, SEEK_HOLE));
	ASSERT_TRUE(l);
	uint64_t offset;
	memcpy(&offset, l->data, sizeof(offset));
	EXPECT_EQ(offset, 9U);
	EXPECT_EQ(l->flags, 0U);
	EXPECT_EQ(extfuse_put_lseek(x.get(), nullptr, file, 5, SEEK_DATA, -1, t, scope_all), 1);
	l = find(EXTFUSE_OP_LSEEK, extfuse_lseek_arg(5, SEEK_DATA));
	ASSERT_TRUE(l);
	EXPECT_EQ(l->flags, EXTFUSE_OUT_ABSENT);

	st.f_blocks = 1;
	st.f_bfree = 2;
	st.f_bavail = 3;
	st.f_files = 4;
	st.f_ffree = 5;
	st.f_bsize = 6;
	st.f_namemax = 7;
	st.f_frsize = 8;
	EXPECT_EQ(extfuse_put_statfs(x.get(), nullptr, file, &st, extfuse_token_fs(x.get()),
				     scope_all),
		  1);
	const auto *s = find(EXTFUSE_OP_STATFS);
	ASSERT_TRUE(s);
	extfuse_statfs out;
	memcpy(&out, s->data, sizeof(out));
	EXPECT_EQ(out.blocks, 1U);
	EXPECT_EQ(out.bfree, 2U);
	EXPECT_EQ(out.bavail, 3U);
	EXPECT_EQ(out.files, 4U);
	EXPECT_EQ(out.ffree, 5U);
	EXPECT_EQ(out.bsize, 6U);
	EXPECT_EQ(out.namelen, 7U);
	EXPECT_EQ(out.frsize, 8U);
}

TEST_F(ObjectTest, DirectoryInChunks)
{
	const std::string all = entries(1, 100);
	const extfuse_token t = node_token(dir);
	std::string found;
	uint64_t at = 0;

	EXPECT_GE(extfuse_put_dir(x.get(), nullptr, dir, 0, all.data(), all.size(), 1, t,
				  scope_all),
		  4);
	for (int chunks = 0; chunks < 100; chunks++) {
		const auto *s = find_dir(at);
		ASSERT_TRUE(s) << at;
		EXPECT_EQ(s->word, t.word);
		found.append(reinterpret_cast<const char *>(s->data), s->len);
		at = s->next;
		if (s->last)
			break;
	}
	EXPECT_EQ(found, all);
	EXPECT_EQ(at, 100U);
}

// Names of the greatest length: entries that nearly fill a chunk.
TEST_F(ObjectTest, DirectoryOfLongNames)
{
	const std::string all = entries(1, 7, 255);

	EXPECT_EQ(extfuse_put_dir(x.get(), nullptr, dir, 0, all.data(), all.size(), 0,
				  node_token(dir), scope_all),
		  3);
	const auto *s = find_dir(6);
	ASSERT_TRUE(s);
	EXPECT_EQ(s->len, 280U);
	EXPECT_EQ(s->last, 0U);
}

TEST_F(ObjectTest, DirectoryEnds)
{
	EXPECT_EQ(extfuse_put_dir(x.get(), nullptr, dir, 0, nullptr, 0, 0, node_token(dir),
				  scope_all),
		  0);
	EXPECT_EQ(extfuse_put_dir(x.get(), nullptr, dir, 55, nullptr, 0, 1, node_token(dir),
				  scope_all),
		  1);
	const auto *s = find_dir(55);
	ASSERT_TRUE(s);
	EXPECT_EQ(s->len, 0U);
	EXPECT_EQ(s->last, 1U);
	EXPECT_EQ(s->next, 55U);
}

TEST_F(ObjectTest, DirectoryMalformed)
{
	const std::string good = entries(1, 3);
	std::string nameless = good;
	nameless[16] = 0;
	std::string endless = good;
	endless[17] = 1; // 256 + 5
	for (const std::string &bad :
	     {good.substr(0, good.size() - 1), nameless, endless, good.substr(0, 10)})
		EXPECT_EQ(extfuse_put_dir(x.get(), nullptr, dir, 0, bad.data(), bad.size(), 1,
					  node_token(dir), scope_all),
			  -EINVAL);
}

TEST_F(ObjectTest, DirectoryWithOneOffsetTwice)
{
	const std::string twice = entries(1, 3) + entries(3, 3, 7) + entries(4, 5);

	EXPECT_EQ(extfuse_put_dir(x.get(), nullptr, dir, 0, twice.data(), twice.size(), 1,
				  node_token(dir), scope_all),
		  0);
}

TEST_F(ObjectTest, DirectoryStale)
{
	const std::string all = entries(1, 3);
	const extfuse_token t = node_token(dir);
	FakeWords::change(state.words.node(dir));
	EXPECT_EQ(extfuse_put_dir(x.get(), nullptr, dir, 0, all.data(), all.size(), 1, t,
				  scope_all),
		  0);
	EXPECT_EQ(extfuse_put_names(x.get(), nullptr, dir, nullptr, 0, t, scope_all), 0);
}

TEST_F(ObjectTest, AllNames)
{
	std::vector<std::string> text;
	std::vector<const char *> names;
	for (int i = 0; i < EXTFUSE_NAMES_MAX + 1; i++)
		text.push_back("name" + std::to_string(i));
	for (const std::string &name : text)
		names.push_back(name.c_str());
	EXPECT_EQ(extfuse_put_names(x.get(), nullptr, dir, names.data(), names.size(),
				    node_token(dir), scope_all),
		  0)
		<< "too many";
	names.resize(300);
	EXPECT_EQ(extfuse_put_names(x.get(), nullptr, dir, names.data(), names.size(),
				    node_token(dir), scope_all),
		  1);

	const auto &maps = x->maps.dir_names;
	const uint64_t hash = extfuse_node_hash(x->seed, dir);
	const extfuse_names_slot *slot = nullptr;
	for (const auto &s : maps[bucket_index(hash, maps.size())].slot)
		slot = s.word && s.nodeid == dir ? &s : slot;
	ASSERT_TRUE(slot);
	int wrong = 0;
	for (size_t i = 0; i < text.size(); i++) {
		NameKey key;
		bool there = true;
		ASSERT_TRUE(make_name_key(x->words.seed(), dir, text[i].c_str(), key));
		for (uint32_t probe = 0; probe < EXTFUSE_NAMES_PROBES; probe++) {
			const uint32_t bit = extfuse_names_bit(key.hash, probe);
			there = there && (slot->bits[bit / 64] >> bit % 64 & 1);
		}
		if (i < 300)
			EXPECT_TRUE(there) << text[i];
		else
			wrong += there;
	}
	EXPECT_LT(wrong, 20);
	const char *bad[] = {""};
	EXPECT_EQ(extfuse_put_names(x.get(), nullptr, dir, bad, 1, node_token(dir), scope_all),
		  -EINVAL);
}

// Changes behind the mount move all that was told of the node or the directory.
TEST_F(ObjectTest, Invalidation)
{
	const extfuse_token xattr = extfuse_token_xattr(x.get(), file);
	const extfuse_token fs = extfuse_token_fs(x.get());
	extfuse_invalidate_node(x.get(), file);
	EXPECT_NE(extfuse_token_xattr(x.get(), file).word, xattr.word);
	EXPECT_NE(extfuse_token_fs(x.get()).word, fs.word);
	const extfuse_token listing = node_token(dir);
	extfuse_invalidate_entry(x.get(), dir, "name");
	EXPECT_NE(node_token(dir).word, listing.word);
}

TEST_F(ObjectTest, Counters)
{
	const std::string all = entries(1, 3);
	EXPECT_EQ(put_xattr("user.a", "1", node_token()), 1);
	extfuse_put_dir(x.get(), nullptr, dir, 0, all.data(), all.size(), 1, node_token(dir),
			scope_all);
	extfuse_put_names(x.get(), nullptr, dir, nullptr, 0, node_token(dir), scope_all);
	extfuse_counters c = {};
	c.size = sizeof(c);
	ASSERT_EQ(extfuse_get_stats(x.get(), &c), 0);
	EXPECT_EQ(c.put_object, 1U);
	EXPECT_EQ(c.put_dir, 1U);
	EXPECT_EQ(c.put_names, 1U);
}

} // namespace
