// SPDX-License-Identifier: GPL-2.0-only
//
// "Contained": a wrong or hostile handler, or wrong maps, never make the driver
// give a wrong answer that it can tell from a right one, and never hurt the
// kernel. Every answer below is nonsense; the result must be the daemon's.
#include <gtest/gtest.h>

#include <sys/mman.h>

#include <atomic>
#include <cstring>
#include <limits>
#include <random>

#include <bpf/bpf.h>

#include "hostile.h"
#include "hostile.skel.h"
#include "sys.hpp"
#include "test_fs.hpp"

namespace extfuse_test
{

namespace
{

constexpr uint32_t good_flags =
	EXTFUSE_OUT_ANSWERED | (EXTFUSE_SCOPE_ALL << EXTFUSE_OUT_SCOPE_SHIFT);

// The handler of hostile.bpf.c, loaded and attached.
struct Hostile {
	hostile *skeleton = hostile__open_and_load();
	bpf_link *link = skeleton ? bpf_map__attach_struct_ops(skeleton->maps.hostile) : nullptr;

	Hostile()
	{
		if (!link)
			throw std::runtime_error("cannot load hostile.bpf.o");
	}
	~Hostile()
	{
		bpf_link__destroy(link);
		hostile__destroy(skeleton);
	}
	hostile_orders &orders()
	{
		return skeleton->bss->orders;
	}
};

class Contained : public testing::Test
{
protected:
	Hostile hostile;
	TestFs fs{config()};
	hostile_orders &orders = hostile.orders();

	uint64_t victim = fs.store.add_file("victim", "the daemon's data");
	uint64_t other = fs.store.add_file("other", "x");
	uint64_t dir = fs.store.add_dir("dir");

	Config config()
	{
		Config c;
		c.direct_io = true;
		c.handler_link = bpf_link__fd(hostile.link);
		return c;
	}

	void SetUp() override
	{
		// All inodes are alive: whatever is said of them could be believed.
		for (const char *name : {"victim", "other", "dir"})
			ASSERT_EQ(sys::stat(fs.path(name)), 0);
		memcpy(&orders.name, "victim\0\0", 8);
		orders.attr_node = orders.read_node = victim;
	}

	// A look at the name with the handler saying what the orders are.
	Counts look(uint64_t want_ino)
	{
		orders.lookup_on = 1;
		const Counts c = during(fs, [&] {
			EXPECT_EQ(sys::attr(fs.path("victim")).st_ino, want_ino);
			EXPECT_EQ(sys::attr(fs.path("other")).st_ino, other);
		});
		orders.lookup_on = 0;
		return c;
	}

	void order_name(uint64_t node, uint32_t flags = good_flags, int ret = EXTFUSE_HIT)
	{
		orders.lookup_nodeid = node;
		orders.lookup_behind = node ? extfuse_token_node(fs.ext(), node).behind : 0;
		orders.lookup_flags = flags;
		orders.lookup_ret = ret;
		orders.lookup_word_add = 0;
		orders.lookup_generation = 0;
	}

	extfuse_attr attr_of_victim()
	{
		const struct stat st = fs.store.stat("victim");
		extfuse_attr a = {};
		a.ino = st.st_ino;
		a.size = static_cast<uint64_t>(st.st_size);
		a.mode = st.st_mode;
		a.mtime = static_cast<uint64_t>(st.st_mtim.tv_sec);
		a.mtimensec = static_cast<uint32_t>(st.st_mtim.tv_nsec);
		a.nlink = 1;
		a.blksize = 4096;
		return a;
	}

	void order_attr(const extfuse_attr &attr, uint32_t flags = good_flags,
			int ret = EXTFUSE_HIT)
	{
		orders.attr = attr;
		orders.attr_flags = flags;
		orders.attr_ret = ret;
		orders.attr_word_add = 0;
	}

	Counts fstat_victim()
	{
		const sys::Fd fd(sys::open(fs.path("victim"), O_RDONLY));
		struct stat st = {};
		orders.attr_on = 1;
		const Counts c = during(fs, [&] {
			EXPECT_EQ(sys::fstat(fd, &st), 0);
			EXPECT_EQ(st.st_size, 17);
			EXPECT_EQ(st.st_mode, fs.store.stat("victim").st_mode);
			EXPECT_EQ(st.st_nlink, 1U);
		});
		orders.attr_on = 0;
		return c;
	}

	void order_read(uint64_t pos, uint32_t len, uint32_t size, uint32_t flags = good_flags,
			int ret = EXTFUSE_HIT)
	{
		orders.fill_pos = pos;
		orders.fill_len = len;
		orders.read_size = size;
		orders.read_flags = flags;
		orders.read_ret = ret;
		orders.read_word_add = 0;
		orders.fill_twice = 0;
	}

	Counts read_victim(const std::string &want = "the daemon's data")
	{
		const sys::Fd fd(sys::open(fs.path("victim"), O_RDONLY));
		orders.read_on = 1;
		const Counts c = during(fs, [&] { EXPECT_EQ(sys::read_at(fd, 4096, 0), want); });
		orders.read_on = 0;
		return c;
	}
};

} // namespace

// The tool works: a valid answer is believed.
TEST_F(Contained, ValidAnswersAreBelieved)
{
	order_name(victim);
	EXPECT_GE(look(victim).driver(EXTFUSE_OP_LOOKUP).hit, 1U);
	order_attr(attr_of_victim());
	EXPECT_EQ(fstat_victim().driver(EXTFUSE_OP_GETATTR).hit, 1U);
	memset(hostile.skeleton->bss->block, 'h', 4);
	order_read(0, 4, 4);
	EXPECT_EQ(read_victim("hhhh").driver(EXTFUSE_OP_READ).hit, 1U);
}

TEST_F(Contained, LookupOfAnotherNode)
{
	// The kernel holds "victim" as another node: the daemon has to confirm.
	order_name(other);
	const Counts c = look(victim);
	EXPECT_EQ(c.driver(EXTFUSE_OP_LOOKUP).hit, 0U) << c.text();
	EXPECT_GE(c.sent(Op::Lookup), 1U) << c.text();
}

TEST_F(Contained, LookupOfNodesThatMustNotBe)
{
	for (uint64_t node :
	     {uint64_t{Store::root}, victim + 1000000, ~uint64_t{0}, uint64_t{1} << 63}) {
		SCOPED_TRACE(node);
		order_name(node);
		const Counts c = look(victim);
		EXPECT_EQ(c.driver(EXTFUSE_OP_LOOKUP).hit, 0U) << c.text();
		EXPECT_GE(c.refused(EXTFUSE_OP_LOOKUP), 1U) << c.text();
	}
}

// The directory under its own name, and a directory that has a place already:
// taking them in would bend the tree.
TEST_F(Contained, LookupOfTheParentOrAnotherDirectory)
{
	fs.store.add_file("dir/victim");
	for (uint64_t node : {dir, Store::root}) {
		SCOPED_TRACE(node);
		order_name(node);
		orders.lookup_on = 1;
		const uint64_t want = fs.store.at("dir/victim");
		const Counts c = during(fs, [&] {
			EXPECT_EQ(sys::attr(fs.path("dir/victim")).st_ino, want);
		});
		orders.lookup_on = 0;
		EXPECT_EQ(c.driver(EXTFUSE_OP_LOOKUP).hit, 0U) << c.text();
		extfuse_invalidate_entry(fs.ext(), dir, "victim");
	}
	// An ancestor two levels up, for a name without a dentry.
	fs.store.add_dir("dir/sub");
	fs.store.add_file("dir/sub/victim");
	order_name(dir);
	orders.lookup_on = 1;
	EXPECT_EQ(sys::attr(fs.path("dir/sub/victim")).st_ino, fs.store.at("dir/sub/victim"));
	orders.lookup_on = 0;
}

// A name without a dentry given as a directory that lives elsewhere.
TEST_F(Contained, LookupMovesNoDirectory)
{
	fs.store.add_dir("elsewhere");
	sys::drop_caches();
	const sys::Fd keep(sys::open(fs.path("dir"), O_RDONLY));
	fs.store.unlink(Store::root, "victim");
	order_name(dir);
	orders.lookup_on = 1;
	EXPECT_EQ(sys::stat(fs.path("victim")), -ENOENT);
	orders.lookup_on = 0;
	EXPECT_EQ(sys::stat(fs.path("dir")), 0);
}

TEST_F(Contained, LookupWithWrongWords)
{
	std::mt19937_64 random(1);
	for (int i = 0; i < 20; i++) {
		order_name(other); // would be wrong
		orders.lookup_word_add = i == 0 ? 1 : i == 1 ? EXTFUSE_EPOCH_ONE : random() | 1;
		const Counts c = look(victim);
		EXPECT_EQ(c.driver(EXTFUSE_OP_LOOKUP).hit, 0U) << c.text();
		EXPECT_GE(c.driver(EXTFUSE_OP_LOOKUP).stale, 1U) << c.text();
	}
	order_name(victim);
	orders.lookup_behind += EXTFUSE_EPOCH_ONE;
	EXPECT_GE(look(victim).driver(EXTFUSE_OP_LOOKUP).stale, 1U);
}

TEST_F(Contained, LookupWithAnotherGeneration)
{
	order_name(victim);
	orders.lookup_generation = 77;
	const Counts c = look(victim);
	EXPECT_GE(c.driver(EXTFUSE_OP_LOOKUP).dead, 1U) << c.text();
}

TEST_F(Contained, UndefinedFlags)
{
	for (uint32_t bit : {1U << 3, 1U << 7, 1U << 16, 1U << 31}) {
		order_name(victim, good_flags | bit);
		EXPECT_GE(look(victim).driver(EXTFUSE_OP_LOOKUP).invalid, 1U) << bit;
		order_attr(attr_of_victim(), good_flags | bit);
		EXPECT_GE(fstat_victim().driver(EXTFUSE_OP_GETATTR).invalid, 1U) << bit;
		order_read(0, 4, 4, good_flags | bit);
		EXPECT_GE(read_victim().driver(EXTFUSE_OP_READ).invalid, 1U) << bit;
	}
}

TEST_F(Contained, UndefinedScopes)
{
	for (uint32_t scope : {0U, 5U, 128U, 255U}) {
		const uint32_t flags = EXTFUSE_OUT_ANSWERED | scope << EXTFUSE_OUT_SCOPE_SHIFT;
		order_name(victim, flags);
		EXPECT_GE(look(victim).driver(EXTFUSE_OP_LOOKUP).scope, 1U) << scope;
		order_attr(attr_of_victim(), flags);
		EXPECT_GE(fstat_victim().driver(EXTFUSE_OP_GETATTR).scope, 1U) << scope;
		order_read(0, 4, 4, flags);
		EXPECT_GE(read_victim().driver(EXTFUSE_OP_READ).scope, 1U) << scope;
	}
}

TEST_F(Contained, HitWithoutAnswered)
{
	order_name(0, EXTFUSE_SCOPE_ALL << EXTFUSE_OUT_SCOPE_SHIFT);
	EXPECT_EQ(look(victim).driver(EXTFUSE_OP_LOOKUP).hit, 0U);
	extfuse_attr attr = attr_of_victim();
	attr.size = 99;
	order_attr(attr, EXTFUSE_SCOPE_ALL << EXTFUSE_OUT_SCOPE_SHIFT);
	EXPECT_EQ(fstat_victim().driver(EXTFUSE_OP_GETATTR).hit, 0U);
	order_read(0, 4, 4, EXTFUSE_SCOPE_ALL << EXTFUSE_OUT_SCOPE_SHIFT);
	EXPECT_EQ(read_victim().driver(EXTFUSE_OP_READ).hit, 0U);
}

TEST_F(Contained, UndefinedReturnValues)
{
	for (int ret : {2, 42, 0x7fffffff, -ENOTDIR, -ENOMEM, -EINTR, -512 /* ERESTARTSYS */,
			-ECHILD, -4096, int(0x80000000)}) {
		SCOPED_TRACE(ret);
		order_name(0, good_flags, ret);
		EXPECT_GE(look(victim).driver(EXTFUSE_OP_LOOKUP).invalid, 1U);
		order_attr({}, good_flags, ret);
		EXPECT_GE(fstat_victim().driver(EXTFUSE_OP_GETATTR).invalid, 1U);
		order_read(0, 0, 0, good_flags, ret);
		EXPECT_GE(read_victim().driver(EXTFUSE_OP_READ).invalid, 1U);
	}
}

TEST_F(Contained, AttributesThatCannotBe)
{
	const auto refused = [&](const char *what, auto change) {
		SCOPED_TRACE(what);
		extfuse_attr attr = attr_of_victim();
		change(attr);
		order_attr(attr);
		const Counts c = fstat_victim();
		EXPECT_EQ(c.driver(EXTFUSE_OP_GETATTR).hit, 0U) << c.text();
		EXPECT_GE(c.driver(EXTFUSE_OP_GETATTR).invalid, 1U) << c.text();
		EXPECT_EQ(c.sent(Op::Getattr), 1U) << c.text();
	};
	refused("a directory", [](auto &a) { a.mode = S_IFDIR | 0755; });
	refused("no type", [](auto &a) { a.mode = 0644; });
	refused("an undefined type", [](auto &a) { a.mode = 0170644; });
	refused("a device", [](auto &a) { a.mode = S_IFBLK | 0644; });
	refused("a negative size", [](auto &a) { a.size = 1ULL << 63; });
	refused("all ones", [](auto &a) { a.size = ~0ULL; });
	refused("attribute flags", [](auto &a) { a.flags = 1; });
}

TEST_F(Contained, AttributesWithWrongWords)
{
	extfuse_attr attr = attr_of_victim();
	attr.size = 99;
	std::mt19937_64 random(2);
	for (int i = 0; i < 20; i++) {
		order_attr(attr);
		orders.attr_word_add = i == 0 ? 1 : i == 1 ? EXTFUSE_EPOCH_ONE : random() | 1;
		const Counts c = fstat_victim();
		EXPECT_GE(c.driver(EXTFUSE_OP_GETATTR).stale, 1U) << c.text();
	}
}

// "The kernel has them already", said of a word that the inode's are not of.
TEST_F(Contained, AttributesThatAreNotHeld)
{
	const sys::Fd fd(sys::open(fs.path("victim"), O_RDONLY));
	struct stat st = {};
	order_attr({}, good_flags | EXTFUSE_OUT_HELD);
	orders.attr_on = 1;
	const auto look = [&] {
		return during(fs, [&] {
			EXPECT_EQ(sys::fstat(fd, &st), 0);
			EXPECT_EQ(st.st_size, fs.store.stat("victim").st_size);
			EXPECT_EQ(st.st_mtim.tv_nsec, fs.store.stat("victim").st_mtim.tv_nsec);
		});
	};
	extfuse_invalidate_node(fs.ext(), victim);
	Counts c = look();
	EXPECT_GE(c.driver(EXTFUSE_OP_GETATTR).invalid, 1U) << c.text();
	EXPECT_EQ(c.sent(Op::Getattr), 1U) << c.text();
	// Once it has given them under the current word, they are.
	order_attr(attr_of_victim());
	c = look();
	EXPECT_EQ(c.driver(EXTFUSE_OP_GETATTR).hit, 1U) << c.text();
	order_attr({}, good_flags | EXTFUSE_OUT_HELD);
	c = look();
	EXPECT_EQ(c.driver(EXTFUSE_OP_GETATTR).hit, 1U) << c.text();
	fs.store.write(victim, 100, "longer");
	extfuse_invalidate_node(fs.ext(), victim);
	c = look();
	EXPECT_EQ(c.driver(EXTFUSE_OP_GETATTR).hit, 0U) << c.text();
	ASSERT_EQ(sys::truncate(fs.path("victim"), 3), 0);
	look();
	orders.attr_on = 0;
}

// Extreme but possible values are the handler's own affair: no fault in the kernel.
TEST_F(Contained, AttributesAtTheirLimits)
{
	extfuse_attr attr = attr_of_victim();
	attr.size = 0x7fffffffffffffff;
	attr.blocks = ~0ULL;
	attr.atime = attr.mtime = attr.ctime = ~0ULL >> 1;
	attr.atimensec = attr.mtimensec = attr.ctimensec = ~0U;
	attr.uid = attr.gid = attr.rdev = ~0U;
	attr.nlink = ~0U;
	attr.blksize = 0x80000001;
	attr.mode |= 07777;
	order_attr(attr);
	const sys::Fd fd(sys::open(fs.path("victim"), O_RDONLY));
	struct stat st;
	orders.attr_on = 1;
	EXPECT_EQ(sys::fstat(fd, &st), 0);
	EXPECT_EQ(st.st_size, std::numeric_limits<off_t>::max());
	sys::stat(fs.path("victim"));
	sys::access(fs.path("victim"), R_OK);
	::lseek(fd, 0, SEEK_END);
	orders.attr_on = 0;
	extfuse_invalidate_node(fs.ext(), victim);
	order_attr(attr_of_victim());
	fstat_victim();
}

TEST_F(Contained, ReadSizesThatAreNotFilled)
{
	memset(hostile.skeleton->bss->block, 'h', EXTFUSE_BLOCK_SIZE);
	const struct {
		const char *what;
		uint64_t pos;
		uint32_t len, size;
	} cases[] = {
		{"more than filled", 0, 4, 4096},
		{"less than filled", 0, 4096, 4},
		{"nothing filled", 0, 0, 17},
		{"more than wanted", 0, 4096, 100000},
		{"all ones", 0, 4096, 0xffffffff},
		{"another place", 4096, 4, 4},
		{"a gap", 4, 4, 8},
		{"far away", ~0ULL - 2, 4, 4},
		{"larger than the block", 0, 5000, 5000},
	};
	for (const auto &c : cases) {
		SCOPED_TRACE(c.what);
		order_read(c.pos, c.len, c.size);
		const Counts counts = read_victim();
		EXPECT_EQ(counts.driver(EXTFUSE_OP_READ).hit, 0U) << counts.text();
		EXPECT_EQ(counts.sent(Op::Read), 1U) << counts.text();
	}
}

// The same bytes twice are not twice as many bytes.
TEST_F(Contained, ReadFilledTwice)
{
	memset(hostile.skeleton->bss->block, 'h', EXTFUSE_BLOCK_SIZE);
	order_read(0, 2048, 4096);
	orders.fill_twice = 1;
	const Counts c = read_victim();
	EXPECT_EQ(c.driver(EXTFUSE_OP_READ).hit, 0U) << c.text();
}

TEST_F(Contained, ReadWithWrongWords)
{
	order_read(0, 4, 4);
	orders.read_word_add = EXTFUSE_EPOCH_ONE;
	EXPECT_GE(read_victim().driver(EXTFUSE_OP_READ).stale, 1U);
	orders.read_word_add = 1;
	EXPECT_GE(read_victim().driver(EXTFUSE_OP_READ).stale, 1U);
}

// Whatever a handler without a word on new names hides is not replaced, nor made again.
TEST_F(Contained, HiddenNamesAreNotMade)
{
	fs.store.add_file("hidden", "secret");
	memcpy(&orders.name, "hidden\0\0", 8);
	orders.lookup_ret = -ENOENT;
	orders.lookup_on = 1;
	const std::string hidden = fs.path("hidden");
	for (const bool known : {false, true}) { // to be hidden, by the dcache
		const auto at_first = [&] {
			if (known) {
				EXPECT_EQ(sys::stat(hidden), -ENOENT);
			}
		};
		const Counts c = during(fs, [&] {
			at_first();
			EXPECT_EQ(sys::open(hidden, O_CREAT | O_RDWR), -EACCES);
			at_first();
			EXPECT_EQ(sys::open(hidden, O_CREAT | O_EXCL | O_RDWR), -EACCES);
			at_first();
			EXPECT_EQ(sys::mkdir(hidden), -EACCES);
			at_first();
			EXPECT_EQ(sys::link(fs.path("other"), hidden), -EACCES);
			at_first();
			EXPECT_EQ(sys::rename(fs.path("other"), hidden), -EACCES);
		});
		for (const Op op : {Op::Create, Op::Mkdir, Op::Link, Op::Rename})
			EXPECT_EQ(c.sent(op), 0U) << c.text();
	}
	EXPECT_EQ(fs.store.content("hidden"), "secret");
	// What is not there is, for who makes it.
	EXPECT_EQ(fs.store.unlink(Store::root, "hidden"), 0);
	const sys::Fd fd(sys::open(hidden, O_CREAT | O_RDWR));
	EXPECT_GE(fd, 0);
	EXPECT_EQ(sys::stat(hidden), -ENOENT);
}

// Definite errors that a handler may give are given, and no others.
TEST_F(Contained, OpensThatCannotBe)
{
	constexpr uint32_t known = EXTFUSE_FILE_KEEP_CACHE | EXTFUSE_FILE_DIRECT_IO;
	const auto open_victim = [&](int flags = O_RDONLY) {
		return during(fs, [&] {
			orders.open_on = 1;
			const sys::Fd fd(sys::open(fs.path("victim"), flags));
			orders.open_on = 0;
			EXPECT_EQ(sys::read_at(fd, 4096, 0), "the daemon's data");
		});
	};
	const auto order = [&](uint32_t file, uint32_t flags = good_flags, int ret = EXTFUSE_HIT) {
		orders.open_node = victim;
		orders.open_file = file;
		orders.open_flags = flags;
		orders.open_ret = ret;
		orders.open_word_add = 0;
	};
	order(known);
	Counts c = open_victim();
	EXPECT_EQ(c.driver(EXTFUSE_OP_OPEN).hit, 1U) << c.text();
	EXPECT_EQ(c.lib.driver.opened_late, 1U) << c.text();

	for (uint32_t bit = 0; bit < 32; bit++) {
		order(1U << bit);
		c = open_victim();
		EXPECT_EQ(c.driver(EXTFUSE_OP_OPEN).hit, known >> bit & 1) << bit << c.text();
		EXPECT_EQ(c.sent(Op::Open), 1U) << bit << c.text(); // at once, or for the read
	}
	order(EXTFUSE_FILE_BACKING | EXTFUSE_FILE_KEEP_CACHE);
	EXPECT_EQ(open_victim().driver(EXTFUSE_OP_OPEN).invalid, 1U);
	order(known, EXTFUSE_OUT_ANSWERED);
	EXPECT_EQ(open_victim().driver(EXTFUSE_OP_OPEN).scope, 1U);
	order(known, good_flags | 1U << 30);
	EXPECT_EQ(open_victim().driver(EXTFUSE_OP_OPEN).invalid, 1U);
	for (int ret : {2, -ENOENT, -ENOSYS, -EINTR, INT32_MIN}) {
		order(known, good_flags, ret);
		EXPECT_EQ(open_victim().driver(EXTFUSE_OP_OPEN).invalid, 1U) << ret;
	}
	order(known);
	orders.open_word_add = EXTFUSE_EPOCH_ONE;
	EXPECT_EQ(open_victim().driver(EXTFUSE_OP_OPEN).stale, 1U);
	// For writing nobody is asked who has no registered file to name.
	order(known);
	c = open_victim(O_RDWR);
	EXPECT_EQ(c.driver(EXTFUSE_OP_OPEN).hit, 0U) << c.text();
	EXPECT_EQ(c.sent(Op::Open), 1U) << c.text();
	// A definite error is the handler's own.
	order(known, 0, -EACCES);
	orders.open_on = 1;
	EXPECT_EQ(sys::open(fs.path("victim"), O_RDONLY), -EACCES);
	orders.open_on = 0;
}

TEST_F(Contained, ClosesThatCannotBe)
{
	const auto close_victim = [&] {
		return during(fs, [&] {
			sys::Fd fd(sys::open(fs.path("victim"), O_RDONLY));
			orders.close_on = 1;
			EXPECT_EQ(sys::result(::close(fd.release())), 0);
			orders.close_on = 0;
		});
	};
	const auto order = [&](uint32_t flags, int ret = EXTFUSE_HIT, uint64_t add = 0) {
		orders.open_node = victim;
		orders.close_flags = flags;
		orders.close_ret = ret;
		orders.close_word_add = add;
	};
	order(good_flags);
	Counts c = close_victim();
	EXPECT_EQ(c.driver(EXTFUSE_OP_FLUSH).hit, 1U) << c.text();
	EXPECT_EQ(c.driver(EXTFUSE_OP_FLUSH).sent, 0U) << c.text();
	EXPECT_EQ(c.driver(EXTFUSE_OP_RELEASE).sent, 0U) << c.text();
	const auto refused = [&](auto why) {
		c = close_victim();
		for (extfuse_op op : {EXTFUSE_OP_FLUSH, EXTFUSE_OP_RELEASE}) {
			EXPECT_EQ(c.driver(op).sent, 1U) << c.text();
			EXPECT_EQ(c.driver(op).*why, 1U) << c.text();
		}
	};
	order(good_flags, EXTFUSE_HIT, EXTFUSE_EPOCH_ONE);
	refused(&extfuse_op_stats::stale);
	order(EXTFUSE_OUT_ANSWERED);
	refused(&extfuse_op_stats::scope);
	order(0);
	refused(&extfuse_op_stats::invalid);
	order(good_flags, -ENOENT);
	refused(&extfuse_op_stats::invalid);
}

TEST_F(Contained, DefiniteErrors)
{
	for (int error : {-EACCES, -EPERM, -EIO, -ENOENT}) {
		order_name(0, 0, error);
		orders.lookup_on = 1;
		const Counts c = during(fs, [&] { sys::stat(fs.path("victim")); });
		orders.lookup_on = 0;
		EXPECT_GE(c.driver(EXTFUSE_OP_LOOKUP).error, 1U) << error << c.text();
	}
	EXPECT_EQ(sys::stat(fs.path("victim")), 0);
}

// --- the library's handler, with maps that somebody scribbles over

TEST(ContainedMaps, WordsWrittenByTheDaemonCostOnlyHits)
{
	TestFs fs;
	const uint64_t node = fs.store.add_file("file", "12345");
	sys::stat(fs.path("file"));
	void *map = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fs.device(), 0);
	ASSERT_NE(map, MAP_FAILED);
	auto *header = static_cast<extfuse_words_header *>(map);
	const size_t bytes = header->bytes;
	munmap(map, 4096);
	map = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fs.device(), 0);
	ASSERT_NE(map, MAP_FAILED);
	header = static_cast<extfuse_words_header *>(map);

	auto *words = reinterpret_cast<uint64_t *>(static_cast<char *>(map) + 4096);
	std::mt19937_64 random(3);
	for (size_t i = 0; i < (bytes - 4096) / 8; i++)
		words[i] = random();
	header->mount_word = random();
	// The geometry is the driver's own, whatever is written there.
	header->seed = random();
	header->node_count = ~0U;
	header->node_offset = ~0ULL;
	for (int i = 0; i < 5; i++) {
		EXPECT_EQ(sys::attr(fs.path("file")).st_ino, node);
		EXPECT_EQ(sys::truncate(fs.path("file"), i), 0);
		EXPECT_EQ(sys::attr(fs.path("file")).st_size, i);
		EXPECT_EQ(sys::stat(fs.path("absent")), -ENOENT);
	}
	memset(words, 0xff, bytes - 4096);
	for (int i = 0; i < 5; i++) {
		EXPECT_EQ(sys::truncate(fs.path("file"), i), 0);
		EXPECT_EQ(sys::attr(fs.path("file")).st_size, i);
	}
	munmap(map, bytes);
}

namespace
{

// The newest map of this name, mapped: the mount's that was made last.
class MapMemory
{
	void *base_ = MAP_FAILED;
	size_t bytes_ = 0;

public:
	explicit MapMemory(const std::string &name)
	{
		for (uint32_t id = 0; bpf_map_get_next_id(id, &id) == 0;) {
			const sys::Fd fd(bpf_map_get_fd_by_id(id));
			bpf_map_info info = {};
			uint32_t len = sizeof(info);
			if (fd < 0 || bpf_map_get_info_by_fd(fd, &info, &len) || name != info.name)
				continue;
			if (base_ != MAP_FAILED)
				munmap(base_, bytes_);
			bytes_ =
				(size_t(info.value_size) * info.max_entries + 4095) & ~size_t(4095);
			base_ = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		}
	}
	~MapMemory()
	{
		munmap(base_, bytes_);
	}
	bool ok() const
	{
		return base_ != MAP_FAILED;
	}
	uint64_t *words()
	{
		return static_cast<uint64_t *>(base_);
	}
	size_t count() const
	{
		return bytes_ / sizeof(uint64_t);
	}
};

} // namespace

// Slots become nonsense, bit by bit and whole, while they are in use.
TEST(ContainedMaps, ScribbledOverUnderStress)
{
	Config config;
	config.max_names = config.max_attrs = 64;
	config.max_blocks = config.max_long_names = 16;
	TestFs fs(config);
	for (int i = 0; i < 10; i++)
		fs.store.add_file("f" + std::to_string(i), std::string(5000, 'x'));
	MapMemory names("ext_names"), long_names("ext_long_names"), attrs("ext_attrs"),
		blocks("ext_blocks");
	ASSERT_TRUE(names.ok() && long_names.ok() && attrs.ok() && blocks.ok());

	std::atomic<bool> stop{false};
	auto scribbler = sys::in_background([&] {
		std::mt19937_64 random(4);
		while (!stop)
			for (MapMemory *map : {&names, &long_names, &attrs, &blocks}) {
				uint64_t &word = map->words()[random() % map->count()];
				word = random() & 1 ? random() : word ^ (1ULL << random() % 64);
			}
	});
	std::vector<std::future<void>> users;
	for (unsigned t = 0; t < 2; t++)
		users.push_back(sys::in_background([&, t] {
			std::mt19937 random(t);
			const std::string own = fs.path("own" + std::to_string(t));
			for (int i = 0; i < 1500; i++) {
				const std::string name =
					fs.path("f" + std::to_string(random() % 12));
				switch (random() % 6) {
				case 0:
					sys::read_file(name);
					break;
				case 1:
					sys::write_file(own, "data");
					break;
				case 2:
					sys::unlink(own);
					break;
				case 3:
					sys::rename(own, fs.path("f10"));
					break;
				default:
					sys::stat(name);
				}
			}
		}));
	for (auto &user : users)
		user.get();
	stop = true;
	scribbler.get();

	for (MapMemory *map : {&names, &long_names, &attrs, &blocks})
		memset(map->words(), 0, map->count() * sizeof(uint64_t));
	extfuse_invalidate_all(fs.ext());
	sys::drop_caches();
	for (int i = 0; i < 10; i++) {
		const std::string name = "f" + std::to_string(i);
		EXPECT_EQ(sys::attr(fs.path(name)).st_ino, fs.store.at(name));
		EXPECT_EQ(sys::read_file(fs.path(name)), fs.store.content(name));
	}
}

} // namespace extfuse_test
