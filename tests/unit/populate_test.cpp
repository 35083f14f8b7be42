// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Tokens and put through the C API: what gets into the maps, and what must not.
#include <gtest/gtest.h>

#include "fake_kernel.hpp"
#include "reader.hpp"

using namespace exf::impl;
using namespace exf::test;

namespace
{

constexpr fuse_ino_t dir = 10, file = 20;
constexpr extfuse_scope scope_all = EXTFUSE_SCOPE_ALL;

class PopulateTest : public testing::Test
{
protected:
	void SetUp() override
	{
		mount("max_names=64,max_long_names=64,max_attrs=64,max_blocks=64,"
		      "max_objects=64,max_dirs=64,max_opens=64");
	}

	void mount(const char *options)
	{
		x = make_with(state, messages, options);
		ASSERT_TRUE(x);
		ASSERT_EQ(extfuse_mount(x.get(), some_session(), "/mnt"), 0);
	}

	static fuse_entry_param entry(fuse_ino_t ino = file)
	{
		fuse_entry_param e = {};

		e.ino = ino;
		e.generation = 0x1234567800000003ULL;
		e.attr.st_ino = 999;
		e.attr.st_size = 5LL << 40;
		e.attr.st_blocks = 77;
		e.attr.st_mode = S_IFREG | 0640;
		e.attr.st_nlink = 2;
		e.attr.st_uid = 1000;
		e.attr.st_gid = 100;
		e.attr.st_rdev = 3;
		e.attr.st_blksize = 4096;
		e.attr.st_atim = {1, 2};
		e.attr.st_mtim = {-3, 4};
		e.attr.st_ctim = {5, 6};
		return e;
	}

	extfuse_token token(const char *name) const
	{
		return extfuse_token_entry(x.get(), dir, name);
	}
	extfuse_token token(fuse_ino_t node) const
	{
		return extfuse_token_node(x.get(), node);
	}

	int put(const char *name, const fuse_entry_param *e, extfuse_token t, extfuse_token n,
		extfuse_scope scope = scope_all, const fuse_ctx *caller = nullptr,
		extfuse_scope attr_scope = scope_all)
	{
		return extfuse_put_entry(x.get(), caller, dir, name, e, t, n, scope, attr_scope);
	}

	std::optional<extfuse_name_slot> find(const char *name) const
	{
		NameKey key;

		EXPECT_TRUE(make_name_key(x->words.seed(), dir, name, key));
		return find_name(x->maps.names, key);
	}

	uint64_t refused() const
	{
		extfuse_counters c = {};

		c.size = sizeof(c);
		EXPECT_EQ(extfuse_get_stats(x.get(), &c), 0);
		return c.put_refused;
	}

	FakeState state;
	Messages messages;
	Object x;
};

TEST_F(PopulateTest, TokenSinceASnapshot)
{
	state.words.behind(file) = 8 * EXTFUSE_EPOCH_ONE;
	const extfuse_snapshot since = extfuse_snapshot_now(x.get());
	const extfuse_token t = extfuse_token_node_since(x.get(), file, since);

	EXPECT_NE(t.word, 0U);
	EXPECT_EQ(t.word, token(file).word);
	EXPECT_EQ(t.behind, 8 * EXTFUSE_EPOCH_ONE);
	EXPECT_EQ(extfuse_token_node_since(x.get(), file, {0}).word, 0U) << "no driver then";

	FakeWords::begin(state.words.node(file));
	EXPECT_EQ(extfuse_token_node_since(x.get(), file, since).word, 0U) << "a change in flight";
	state.words.header()->changes++; // as the driver does
	FakeWords::end(state.words.node(file));
	EXPECT_EQ(extfuse_token_node_since(x.get(), file, since).word, 0U) << "over since then";
	EXPECT_NE(extfuse_token_node_since(x.get(), file, extfuse_snapshot_now(x.get())).word, 0U);
}

TEST_F(PopulateTest, InvalidationsEndSnapshots)
{
	const auto outdated = [&](auto invalidate) {
		const extfuse_snapshot since = extfuse_snapshot_now(x.get());

		invalidate();
		return extfuse_token_node_since(x.get(), file, since).word == 0;
	};

	EXPECT_TRUE(outdated([&] { extfuse_invalidate_node(x.get(), file); }));
	EXPECT_TRUE(outdated([&] { extfuse_invalidate_entry(x.get(), dir, "name"); }));
	EXPECT_TRUE(outdated([&] { extfuse_invalidate_all(x.get()); }));
	EXPECT_FALSE(outdated([] {}));
}

TEST_F(PopulateTest, EntryWithAttributes)
{
	const fuse_entry_param e = entry();
	state.words.behind(file) = 8 * EXTFUSE_EPOCH_ONE;

	EXPECT_EQ(put("name", &e, token("name"), token(file)), 1);
	const auto s = find("name");
	ASSERT_TRUE(s);
	EXPECT_EQ(s->nodeid, file);
	EXPECT_EQ(s->generation, 3U) << "the low half";
	EXPECT_EQ(s->word, token("name").word);
	EXPECT_EQ(s->behind, 8 * EXTFUSE_EPOCH_ONE);
	EXPECT_EQ(s->scope, EXTFUSE_SCOPE_ALL);

	const auto a = find_attr(x->maps, x->words.seed(), file);
	ASSERT_TRUE(a);
	EXPECT_EQ(a->word, token(file).word);
	EXPECT_EQ(a->attr.ino, 999U);
	EXPECT_EQ(a->attr.size, 5ULL << 40);
	EXPECT_EQ(a->attr.blocks, 77U);
	EXPECT_EQ(a->attr.mode, S_IFREG | 0640U);
	EXPECT_EQ(a->attr.nlink, 2U);
	EXPECT_EQ(a->attr.uid, 1000U);
	EXPECT_EQ(a->attr.gid, 100U);
	EXPECT_EQ(a->attr.rdev, 3U);
	EXPECT_EQ(a->attr.blksize, 4096U);
	EXPECT_EQ(a->attr.flags, 0U);
	EXPECT_EQ(a->attr.atime, 1U);
	EXPECT_EQ(a->attr.atimensec, 2U);
	EXPECT_EQ(a->attr.mtime, static_cast<uint64_t>(-3));
	EXPECT_EQ(a->attr.mtimensec, 4U);
	EXPECT_EQ(a->attr.ctime, 5U);
	EXPECT_EQ(a->attr.ctimensec, 6U);
}

TEST_F(PopulateTest, NegativeEntry)
{
	EXPECT_EQ(put("no", nullptr, token("no"), {}), 1);
	const auto s = find("no");
	ASSERT_TRUE(s);
	EXPECT_EQ(s->nodeid, 0U);
	EXPECT_EQ(s->behind, 0U);

	const fuse_entry_param none = {};
	EXPECT_EQ(put("neither", &none, token("neither"), token(file)), 1);
	EXPECT_EQ(find("neither")->nodeid, 0U);
	EXPECT_FALSE(find_attr(x->maps, x->words.seed(), file));
}

TEST_F(PopulateTest, NoTokenNoEntry)
{
	const fuse_entry_param e = entry();

	EXPECT_EQ(put("name", &e, {}, token(file)), 0);
	EXPECT_FALSE(find("name"));
	EXPECT_EQ(refused(), 1U);
	// The attributes have a token of their own.
	EXPECT_TRUE(find_attr(x->maps, x->words.seed(), file));
}

TEST_F(PopulateTest, NoNodeTokenNoAttributes)
{
	const fuse_entry_param e = entry();
	extfuse_token n = token(file);

	n.word = 0;
	EXPECT_EQ(put("name", &e, token("name"), n), 1);
	EXPECT_TRUE(find("name"));
	EXPECT_FALSE(find_attr(x->maps, x->words.seed(), file));
}

// The race of an insertion with a change, before, while and after.
TEST_F(PopulateTest, StaleTokensAreRefused)
{
	const fuse_entry_param e = entry();
	uint64_t &word = state.words.name(dir, "name");
	// Without attributes, which have a token of their own.
	const extfuse_token node = {0, token(file).behind};

	extfuse_token t = token("name");
	FakeWords::change(word);
	EXPECT_EQ(put("name", &e, t, node), 0) << "unlinked since";

	t = token("name");
	FakeWords::begin(word);
	EXPECT_EQ(put("name", &e, t, node), 0) << "being unlinked";
	EXPECT_EQ(put("name", &e, token("name"), node), 0) << "no token meanwhile";
	FakeWords::end(word);

	t = token("name");
	FakeWords::change(state.words.behind(dir));
	EXPECT_EQ(put("name", &e, t, node), 0) << "the directory's owner changed";

	t = token("name");
	extfuse_invalidate_all(x.get());
	EXPECT_EQ(put("name", &e, t, node), 0) << "everything invalidated";

	extfuse_token n = token(file);
	extfuse_invalidate_node(x.get(), file);
	EXPECT_EQ(put("name", &e, token("name"), n), 0) << "the node id was forgotten";
	EXPECT_EQ(extfuse_put_attr(x.get(), nullptr, file, &e.attr, n, scope_all), 0);

	EXPECT_FALSE(find("name"));
	EXPECT_FALSE(find_attr(x->maps, x->words.seed(), file));
	EXPECT_EQ(put("name", &e, token("name"), token(file)), 1);
}

// A create: the change is this request's own.
TEST_F(PopulateTest, PredictedTokens)
{
	const fuse_entry_param e = entry();
	uint64_t &word = state.words.name(dir, "new");

	FakeWords::begin(word);
	EXPECT_EQ(token("new").word, 0U);
	extfuse_token t = extfuse_token_changed_entry(x.get(), dir, "new");
	ASSERT_NE(t.word, 0U);
	EXPECT_EQ(put("new", &e, t, token(file)), 1);
	FakeWords::end(word);
	EXPECT_EQ(find("new")->word, token("new").word) << "served when the request is over";

	// Somebody unlinks it in between.
	FakeWords::begin(word);
	t = extfuse_token_changed_entry(x.get(), dir, "new");
	FakeWords::begin(word);
	EXPECT_EQ(put("new", &e, t, token(file)), 0);
	FakeWords::end(word);
	FakeWords::end(word);
	EXPECT_NE(find("new")->word, token("new").word);

	FakeWords::begin(state.words.node(file));
	t = extfuse_token_changed_node(x.get(), file);
	ASSERT_NE(t.word, 0U);
	EXPECT_EQ(extfuse_put_attr(x.get(), nullptr, file, &e.attr, t, scope_all), 1);
	FakeWords::end(state.words.node(file));
	EXPECT_EQ(find_attr(x->maps, x->words.seed(), file)->word, token(file).word);
}

TEST_F(PopulateTest, InvalidateMakesEntriesStale)
{
	const fuse_entry_param e = entry();

	ASSERT_EQ(put("name", &e, token("name"), token(file)), 1);
	extfuse_invalidate_entry(x.get(), dir, "name");
	EXPECT_NE(find("name")->word, token("name").word);
	extfuse_invalidate_node(x.get(), file);
	EXPECT_NE(find_attr(x->maps, x->words.seed(), file)->word, token(file).word);
	EXPECT_NE(find("name")->behind, token(file).behind);

	// Names that cannot be cached, and no object.
	extfuse_invalidate_entry(x.get(), dir, "");
	extfuse_invalidate_entry(x.get(), dir, std::string(300, 'x').c_str());
	extfuse_invalidate_entry(nullptr, dir, "x");
	extfuse_invalidate_node(nullptr, 1);
	extfuse_invalidate_all(nullptr);
}

TEST_F(PopulateTest, ScopeNoneIsNotStored)
{
	const fuse_entry_param e = entry();

	EXPECT_EQ(put("name", &e, token("name"), token(file), EXTFUSE_SCOPE_NONE), 0);
	EXPECT_FALSE(find("name"));
	EXPECT_TRUE(find_attr(x->maps, x->words.seed(), file));
	EXPECT_EQ(put("other", &e, token("other"), token(file + 1), scope_all, nullptr,
		      EXTFUSE_SCOPE_NONE),
		  1);
	EXPECT_FALSE(find_attr(x->maps, x->words.seed(), file + 1));
}

TEST_F(PopulateTest, ScopeUid)
{
	const fuse_entry_param e = entry();
	fuse_ctx caller = {};

	caller.uid = 1234;
	EXPECT_EQ(put("name", &e, token("name"), token(file), EXTFUSE_SCOPE_UID, &caller), 1);
	EXPECT_EQ(find("name")->scope, EXTFUSE_SCOPE_UID);
	EXPECT_EQ(find("name")->caller, 1234U);
	EXPECT_EQ(put("name", &e, token("name"), token(file), EXTFUSE_SCOPE_UID), -EINVAL);
	EXPECT_TRUE(state.when("status 0") < 0);
}

TEST_F(PopulateTest, ScopeCaller)
{
	const fuse_entry_param e = entry();
	fuse_ctx caller = {};

	caller.uid = 1000;
	caller.gid = 100;
	caller.pid = 55;
	state.status[55] = "Uid:\t1 1 1 1000\nGid:\t1 1 1 100\nGroups:\t4 5 \n";
	EXPECT_EQ(put("name", &e, token("name"), token(file), EXTFUSE_SCOPE_CALLER, &caller), 1);
	const uint64_t digest = extfuse_digest_end(
		extfuse_digest_group(extfuse_digest_group(extfuse_digest_begin(1000, 100), 5), 4));
	EXPECT_EQ(find("name")->caller, digest);
	EXPECT_EQ(find("name")->scope, EXTFUSE_SCOPE_CALLER);

	// Groups change; each put reads them.
	state.status[55] = "Uid:\t1 1 1 1000\nGid:\t1 1 1 100\nGroups:\t4 \n";
	EXPECT_EQ(put("name", &e, token("name"), token(file), EXTFUSE_SCOPE_CALLER, &caller), 1);
	EXPECT_NE(find("name")->caller, digest);

	// Not readable, or not the caller: nobody may have it.
	caller.uid = 1001;
	EXPECT_EQ(put("other", &e, token("other"), {}, EXTFUSE_SCOPE_CALLER, &caller), 0);
	caller.pid = 56;
	EXPECT_EQ(put("other", &e, token("other"), {}, EXTFUSE_SCOPE_CALLER, &caller), 0);
	caller.pid = 0;
	EXPECT_EQ(put("other", &e, token("other"), {}, EXTFUSE_SCOPE_CALLER, &caller), 0);
	EXPECT_FALSE(find("other"));
	EXPECT_EQ(put("other", &e, token("other"), {}, EXTFUSE_SCOPE_CALLER), -EINVAL);
}

TEST_F(PopulateTest, WrongArguments)
{
	const fuse_entry_param e = entry();
	const auto bad = static_cast<extfuse_scope>(99);

	EXPECT_EQ(put("", &e, token("x"), {}), -EINVAL);
	EXPECT_EQ(put(nullptr, &e, token("x"), {}), -EINVAL);
	EXPECT_EQ(put("x", &e, token("x"), {}, bad), -EINVAL);
	EXPECT_EQ(put("x", &e, token("x"), {}, scope_all, nullptr, bad), -EINVAL);
	EXPECT_EQ(extfuse_put_entry(nullptr, nullptr, dir, "x", &e, {}, {}, scope_all, scope_all),
		  -EINVAL);
	EXPECT_EQ(extfuse_put_attr(x.get(), nullptr, 0, &e.attr, token(file), scope_all), -EINVAL);
	EXPECT_EQ(extfuse_put_attr(x.get(), nullptr, file, nullptr, token(file), scope_all),
		  -EINVAL);
	EXPECT_EQ(extfuse_put_data(x.get(), nullptr, file, 1, "x", 1, 2, token(file), scope_all),
		  -EINVAL);
	EXPECT_EQ(extfuse_put_data(x.get(), nullptr, file, 0, "x", 2, 1, token(file), scope_all),
		  -EINVAL)
		<< "behind the end";
	EXPECT_EQ(extfuse_put_data(x.get(), nullptr, file, 8192, "x", 0, 1, token(file), scope_all),
		  -EINVAL);
	EXPECT_EQ(extfuse_put_data(x.get(), nullptr, file, 0, nullptr, 1, 1, token(file),
				   scope_all),
		  -EINVAL);
	EXPECT_EQ(refused(), 0U);
}

TEST_F(PopulateTest, NamesThatCannotBeCached)
{
	const fuse_entry_param e = entry();
	const std::string longest(EXTFUSE_NAME_MAX, 'y'), longer(EXTFUSE_NAME_MAX + 1, 'y');

	EXPECT_EQ(put(longest.c_str(), &e, token(longest.c_str()), {}), 1);
	EXPECT_EQ(token(longer.c_str()).word, 0U);
	EXPECT_EQ(put(longer.c_str(), &e, token("x"), {}), 0);
}

TEST_F(PopulateTest, Batch)
{
	const fuse_entry_param a = entry(21), b = entry(22);
	extfuse_batch_entry batch[] = {
		{"a", &a, token("a"), token(21)},
		{"stale", &b, {}, {}},
		{"b", &b, token("b"), token(22)},
		{"none", nullptr, token("none"), {}},
	};

	EXPECT_EQ(extfuse_put_entries(x.get(), nullptr, dir, batch, 4, scope_all, scope_all), 3);
	EXPECT_EQ(find("a")->nodeid, 21U);
	EXPECT_EQ(find("b")->nodeid, 22U);
	EXPECT_FALSE(find("stale"));
	EXPECT_EQ(find("none")->nodeid, 0U);
	EXPECT_TRUE(find_attr(x->maps, x->words.seed(), 22));
	EXPECT_EQ(extfuse_put_entries(x.get(), nullptr, dir, nullptr, 0, scope_all, scope_all), 0);
	EXPECT_EQ(extfuse_put_entries(x.get(), nullptr, dir, nullptr, 1, scope_all, scope_all),
		  -EINVAL);

	// The caller's groups are read once for all.
	fuse_ctx caller = {};
	caller.pid = 55;
	state.status[55] = "Uid:\t0 0 0 0\nGid:\t0 0 0 0\nGroups:\t\n";
	EXPECT_EQ(extfuse_put_entries(x.get(), &caller, dir, batch, 4, EXTFUSE_SCOPE_CALLER,
				      EXTFUSE_SCOPE_CALLER),
		  3);
	EXPECT_EQ(std::count(state.calls.begin(), state.calls.end(), "status 55"), 1);
}

// What a handler would answer for [offset, offset + size); nothing: upcall.
std::optional<std::string> read_cached(const extfuse &x, fuse_ino_t node, uint64_t offset,
				       size_t size)
{
	std::string out;
	auto block = find_block(x.maps, x.seed, node, offset / EXTFUSE_BLOCK_SIZE);

	if (!block)
		return std::nullopt;
	while (out.size() < size && offset + out.size() < block->size) {
		const uint64_t at = offset + out.size();
		const auto b = find_block(x.maps, x.seed, node, at / EXTFUSE_BLOCK_SIZE);
		if (!b)
			return std::nullopt;
		const uint64_t skip = at % EXTFUSE_BLOCK_SIZE;
		out.append(reinterpret_cast<const char *>(b->data) + skip,
			   std::min<uint64_t>(size - out.size(), b->len - skip));
	}
	return out;
}

TEST_F(PopulateTest, DataOfEverySize)
{
	for (const size_t size : {1, 4095, 4096, 4097, 8192, 12345}) {
		const fuse_ino_t node = 1000 + size;
		std::string data(size, 0);
		for (size_t i = 0; i < size; i++)
			data[i] = static_cast<char>(i * 7 + i / 4096);

		EXPECT_EQ(extfuse_put_data(x.get(), nullptr, node, 0, data.data(), size, size,
					   token(node), scope_all),
			  static_cast<int>((size + 4095) / 4096));
		EXPECT_EQ(read_cached(*x, node, 0, 1 << 20), data);
		EXPECT_EQ(read_cached(*x, node, size / 2, 10), data.substr(size / 2, 10));
	}
}

TEST_F(PopulateTest, EmptyFileHasASizeToo)
{
	EXPECT_EQ(extfuse_put_data(x.get(), nullptr, file, 0, nullptr, 0, 0, token(file),
				   scope_all),
		  1);
	const auto b = find_block(x->maps, x->seed, file, 0);
	ASSERT_TRUE(b);
	EXPECT_EQ(b->len, 0U);
	EXPECT_EQ(b->size, 0U);
}

TEST_F(PopulateTest, PartsOfAFile)
{
	const std::string data(10000, 'd');

	// The last block is not whole and not the file's last: left out.
	EXPECT_EQ(extfuse_put_data(x.get(), nullptr, file, 0, data.data(), 5000, 10000, token(file),
				   scope_all),
		  1);
	EXPECT_FALSE(find_block(x->maps, x->seed, file, 1));
	EXPECT_EQ(extfuse_put_data(x.get(), nullptr, file, 8192, data.data(), 1808, 10000,
				   token(file), scope_all),
		  1);
	EXPECT_EQ(find_block(x->maps, x->seed, file, 2)->len, 1808U);
	// At the end there is nothing.
	EXPECT_EQ(extfuse_put_data(x.get(), nullptr, file, 8192, data.data(), 0, 8192, token(file),
				   scope_all),
		  0);
}

TEST_F(PopulateTest, HugeOffsets)
{
	const uint64_t last = (1ULL << 63) - 4096;

	EXPECT_EQ(extfuse_put_data(x.get(), nullptr, file, last, std::string(4095, 'z').data(),
				   4095, last + 4095, token(file), scope_all),
		  1);
	const auto b = find_block(x->maps, x->seed, file, last / 4096);
	ASSERT_TRUE(b);
	EXPECT_EQ(b->size, last + 4095);
	EXPECT_FALSE(find_block(x->maps, x->seed, file, 0));
}

TEST_F(PopulateTest, StaleDataIsRefused)
{
	const extfuse_token t = token(file);

	FakeWords::begin(state.words.node(file));
	EXPECT_EQ(extfuse_put_data(x.get(), nullptr, file, 0, "x", 1, 1, t, scope_all), 0);
	EXPECT_EQ(extfuse_put_data(x.get(), nullptr, file, 0, "x", 1, 1, {}, scope_all), 0);
	EXPECT_FALSE(find_block(x->maps, x->seed, file, 0));
	EXPECT_EQ(refused(), 2U);
}

TEST_F(PopulateTest, OpensArrive)
{
	fuse_ctx caller = {};

	caller.uid = 1000;
	EXPECT_EQ(extfuse_put_open(x.get(), &caller, file,
				   EXTFUSE_FILE_KEEP_CACHE | EXTFUSE_FILE_NO_FLUSH, token(file),
				   EXTFUSE_SCOPE_UID),
		  1);
	const auto s = find_open(x->maps, x->words.seed(), file);
	ASSERT_TRUE(s);
	EXPECT_EQ(s->word, token(file).word);
	EXPECT_EQ(s->flags, EXTFUSE_FILE_KEEP_CACHE | EXTFUSE_FILE_NO_FLUSH);
	EXPECT_EQ(s->scope, EXTFUSE_SCOPE_UID);
	EXPECT_EQ(s->caller, 1000U);
	// The newer one instead.
	EXPECT_EQ(extfuse_put_open(x.get(), nullptr, file, EXTFUSE_FILE_BACKING, token(file),
				   scope_all),
		  1);
	EXPECT_EQ(find_open(x->maps, x->words.seed(), file)->flags, EXTFUSE_FILE_BACKING);
}

TEST_F(PopulateTest, OpensThatAreWrongOrStaleAreRefused)
{
	const extfuse_token t = token(file);
	const auto put = [&](unsigned flags, extfuse_scope scope) {
		return extfuse_put_open(x.get(), nullptr, file, flags, t, scope);
	};

	EXPECT_EQ(put(1U << 7, scope_all), -EINVAL);
	EXPECT_EQ(put(1U << 20, scope_all), -EINVAL);
	EXPECT_EQ(put(EXTFUSE_FILE_BACKING | EXTFUSE_FILE_KEEP_CACHE, scope_all), -EINVAL);
	EXPECT_EQ(put(0, EXTFUSE_SCOPE_UID), -EINVAL); // of whom?
	EXPECT_EQ(put(0, EXTFUSE_SCOPE_NONE), 0);
	FakeWords::begin(state.words.node(file));
	EXPECT_EQ(put(0, scope_all), 0);
	EXPECT_FALSE(find_open(x->maps, x->words.seed(), file));
	EXPECT_EQ(refused(), 2U);
}

TEST_F(PopulateTest, BackingFilesAreRegisteredUnderTheBehindWord)
{
	const extfuse_token t = token(file);

	EXPECT_EQ(extfuse_register_backing(x.get(), file, 7, t, 99), 0);
	EXPECT_EQ(extfuse_unregister_backing(x.get(), file), 0);
	ASSERT_EQ(state.backings.size(), 2U);
	EXPECT_EQ(state.backings[0].size, sizeof(extfuse_backing));
	EXPECT_EQ(state.backings[0].fd, 7);
	EXPECT_EQ(state.backings[0].nodeid, file);
	EXPECT_EQ(state.backings[0].behind, t.behind);
	EXPECT_EQ(state.backings[0].limit, 99U);
	EXPECT_EQ(state.backings[0].flags, 0U);
	EXPECT_EQ(state.backings[1].fd, -1);
	state.backing_error = -ESTALE;
	EXPECT_EQ(extfuse_register_backing(x.get(), file, 7, t, 0), -ESTALE);
	EXPECT_EQ(extfuse_register_backing(x.get(), file, -1, t, 0), -EINVAL);
	EXPECT_EQ(extfuse_register_backing(x.get(), 0, 7, t, 0), -EINVAL);
	extfuse_unmount(x.get());
	EXPECT_EQ(extfuse_register_backing(x.get(), file, 7, t, 0), -ENOTCONN);
}

TEST_F(PopulateTest, FullMapsAreNoError)
{
	mount("max_names=4,max_attrs=4,max_blocks=4");
	for (fuse_ino_t i = 1; i < 500; i++) {
		const fuse_entry_param e = entry(i);
		const std::string n = std::to_string(i);

		ASSERT_EQ(put(n.c_str(), &e, token(n.c_str()), token(i)), 1);
		ASSERT_EQ(extfuse_put_data(x.get(), nullptr, i, 0, "x", 1, 1, token(i), scope_all),
			  1);
	}
	extfuse_counters c = {};
	c.size = sizeof(c);
	ASSERT_EQ(extfuse_get_stats(x.get(), &c), 0);
	EXPECT_EQ(c.put_entry, 499U);
	EXPECT_EQ(c.put_attr, 499U);
	EXPECT_EQ(c.put_data, 499U);
	EXPECT_EQ(c.put_refused, 0U);
	EXPECT_EQ(c.evicted, 3 * (499U - 4));
}

TEST_F(PopulateTest, NothingWithoutTheDriver)
{
	mount("extfuse=stock");
	const fuse_entry_param e = entry();

	EXPECT_EQ(token("name").word, 0U);
	EXPECT_EQ(token(file).word, 0U);
	EXPECT_EQ(extfuse_token_changed_entry(x.get(), dir, "x").word, 0U);
	EXPECT_EQ(extfuse_token_changed_node(x.get(), file).word, 0U);
	EXPECT_EQ(extfuse_token_node(nullptr, file).word, 0U);
	const extfuse_token t = {EXTFUSE_EPOCH_ONE, 0};
	EXPECT_EQ(put("name", &e, t, t), 0);
	EXPECT_EQ(extfuse_put_attr(x.get(), nullptr, file, &e.attr, t, scope_all), 0);
	EXPECT_EQ(extfuse_put_data(x.get(), nullptr, file, 0, "x", 1, 1, t, scope_all), 0);
	extfuse_invalidate_all(x.get());
	extfuse_invalidate_node(x.get(), 1);
	extfuse_invalidate_entry(x.get(), 1, "x");
}

TEST_F(PopulateTest, NothingAfterUnmount)
{
	extfuse_unmount(x.get());
	EXPECT_EQ(token("name").word, 0U);
	EXPECT_EQ(put("name", nullptr, {EXTFUSE_EPOCH_ONE, 0}, {}), 0);
}

TEST_F(PopulateTest, NoStoresWithoutAHandler)
{
	mount("no_handler");
	EXPECT_NE(token("name").word, 0U);
	EXPECT_EQ(put("name", nullptr, token("name"), {}), 0);
}

TEST_F(PopulateTest, StatsAreSummed)
{
	const auto cpu = [](uint64_t base) {
		extfuse_op_counters c = {};
		c.hit = base;
		c.negative = base + 1;
		c.error = base + 2;
		for (size_t i = 0; i < EXTFUSE_MISS_COUNT; i++)
			c.miss[i] = base + 10 * (i + 1);
		return c;
	};
	state.per_cpu[EXTFUSE_OP_LOOKUP] = {cpu(100), cpu(2000), cpu(30000)};
	state.per_cpu[EXTFUSE_OP_READ] = {cpu(1)};
	state.stats.sent_total = 12;
	state.stats.op[EXTFUSE_OP_GETATTR].warm = 13;

	extfuse_counters c = {};
	c.size = sizeof(c);
	ASSERT_EQ(extfuse_get_stats(x.get(), &c), 0);
	EXPECT_EQ(c.handler[EXTFUSE_OP_LOOKUP].hit, 32100U);
	EXPECT_EQ(c.handler[EXTFUSE_OP_LOOKUP].negative, 32103U);
	EXPECT_EQ(c.handler[EXTFUSE_OP_LOOKUP].error, 32106U);
	EXPECT_EQ(c.handler[EXTFUSE_OP_LOOKUP].miss[EXTFUSE_MISS_ABSENT], 32130U);
	EXPECT_EQ(c.handler[EXTFUSE_OP_LOOKUP].miss[EXTFUSE_MISS_OFF], 32250U);
	EXPECT_EQ(c.handler[EXTFUSE_OP_GETATTR].hit, 0U);
	EXPECT_EQ(c.handler[EXTFUSE_OP_READ].miss[EXTFUSE_MISS_STALE], 21U);
	EXPECT_EQ(c.driver.sent_total, 12U);
	EXPECT_EQ(c.driver.op[EXTFUSE_OP_GETATTR].warm, 13U);
	EXPECT_EQ(c.map_bytes, x->maps.bytes() + FakeWords::bytes);
	// Two buckets of entries for four directories; their names apart.
	EXPECT_EQ(x->maps.bytes(),
		  16U * (384 + 1248 + 480 + 4 * 4160 + sizeof(extfuse_object_bucket) +
			 2 * sizeof(extfuse_dir_bucket) + sizeof(extfuse_names_bucket) +
			 sizeof(extfuse_open_bucket)));

	// A program built with an older, shorter struct.
	c = {};
	c.size = offsetof(extfuse_counters, put_entry);
	c.put_entry = 4711;
	ASSERT_EQ(extfuse_get_stats(x.get(), &c), 0);
	EXPECT_EQ(c.handler[EXTFUSE_OP_LOOKUP].hit, 32100U);
	EXPECT_EQ(c.put_entry, 4711U);
	c.size = 0;
	EXPECT_EQ(extfuse_get_stats(x.get(), &c), -EINVAL);
}

// What a name of up to 31 bytes takes: its slot, and that of its attributes.
TEST_F(PopulateTest, BytesPerName)
{
	EXPECT_LE(sizeof(extfuse_name_slot) + sizeof(extfuse_attr_slot), 256U);
}

} // namespace
