// SPDX-License-Identifier: GPL-2.0-only
//
// "Contained", as contained_test.cpp, for answers of bytes or a status about one
// node: every answer below is nonsense, the result must be the daemon's.
#include <gtest/gtest.h>

#include <dirent.h>
#include <linux/fuse.h>
#include <sys/statfs.h>

#include <cstddef>
#include <cstring>
#include <memory>

#include <bpf/bpf.h>

#include "hostile_object.h"
#include "hostile_object.skel.h"
#include "sys.hpp"
#include "test_fs.hpp"

namespace extfuse_test
{

namespace
{

constexpr uint32_t good_flags =
	EXTFUSE_OUT_ANSWERED | (EXTFUSE_SCOPE_ALL << EXTFUSE_OUT_SCOPE_SHIFT);

struct Hostile {
	hostile_object *skeleton = hostile_object__open_and_load();
	bpf_link *link =
		skeleton ? bpf_map__attach_struct_ops(skeleton->maps.hostile_object) : nullptr;

	Hostile()
	{
		if (!link)
			throw std::runtime_error("cannot load hostile_object.bpf.o");
	}
	~Hostile()
	{
		bpf_link__destroy(link);
		hostile_object__destroy(skeleton);
	}
};

class ContainedObject : public testing::Test
{
protected:
	Hostile hostile;
	TestFs fs{config()};
	hostile_object_orders &orders = hostile.skeleton->bss->orders;

	uint64_t file = fs.store.add_file("file", "the daemon's data");
	uint64_t dir = fs.store.add_dir("dir");

	Config config()
	{
		Config c;
		c.default_permissions = false;
		c.handler_link = bpf_link__fd(hostile.link);
		return c;
	}

	void SetUp() override
	{
		fs.store.add_file("dir/there");
		fs.store.set_xattr(file, "user.a", "daemon");
		ASSERT_EQ(sys::symlink("daemon", fs.path("link")), 0);
		for (const char *name : {"file", "dir", "link"})
			ASSERT_EQ(sys::stat(fs.path(name)), 0);
	}

	// Bytes for the operation on the node, all in order so far.
	void order(extfuse_op op, uint64_t node, const std::string &bytes)
	{
		memset(&orders, 0, sizeof(orders));
		orders.node = node;
		orders.op = op;
		orders.ret = EXTFUSE_HIT;
		orders.flags = good_flags;
		orders.put = orders.size = static_cast<uint32_t>(bytes.size());
		orders.times = 1;
		memcpy(hostile.skeleton->bss->data, bytes.data(), bytes.size());
	}

	std::string ask(size_t room = 100)
	{
		std::string out(room, '\0');
		ssize_t n = -1;
		errno = EINVAL;
		switch (orders.op) {
		case EXTFUSE_OP_GETXATTR:
			n = lgetxattr(fs.path("file").c_str(), "user.a", out.data(), room);
			break;
		case EXTFUSE_OP_LISTXATTR:
			n = llistxattr(fs.path("file").c_str(), out.data(), room);
			break;
		case EXTFUSE_OP_READLINK:
			n = ::readlink(fs.path("link").c_str(), out.data(), room);
			break;
		default:
			break;
		}
		if (n < 0)
			return strerrorname_np(errno);
		out.resize(room ? static_cast<size_t>(n) : 0);
		return out;
	}

	// The handler is asked, refused, and the daemon answers this.
	void expect_refused(const std::string &daemons, const char *what)
	{
		const Counts c = during(fs, [&] { EXPECT_EQ(ask(), daemons) << what; });
		const auto op = static_cast<extfuse_op>(orders.op);
		EXPECT_GE(orders.calls, 1U) << what;
		EXPECT_EQ(c.driver(op).hit, 0) << what;
		EXPECT_GE(c.refused(op), 1) << what;
	}

	std::string list_dir()
	{
		std::string all;
		DIR *d = opendir(fs.path("dir").c_str());
		errno = 0;
		while (const dirent *entry = d ? readdir(d) : nullptr) {
			all += entry->d_name;
			all += ' ';
			if (all.size() > 1000)
				break;
		}
		const int error = errno;
		if (d)
			closedir(d);
		return error ? strerrorname_np(error) : all;
	}
};

std::string dirent_of(const std::string &name, uint64_t offset, uint32_t length)
{
	fuse_dirent head = {};
	head.ino = 5;
	head.off = offset;
	head.namelen = length;
	head.type = DT_REG;
	std::string out(offsetof(fuse_dirent, name), '\0');
	memcpy(out.data(), &head, out.size());
	out += name;
	out.resize((out.size() + 7) / 8 * 8);
	return out;
}

std::string dirent_of(const std::string &name, uint64_t offset)
{
	return dirent_of(name, offset, static_cast<uint32_t>(name.size()));
}

const std::string users("user.a\0", 7);

} // namespace

TEST_F(ContainedObject, ValidAnswersAreBelieved)
{
	order(EXTFUSE_OP_GETXATTR, file, "kernel");
	EXPECT_EQ(ask(), "kernel");
	orders.flags |= EXTFUSE_OUT_XATTR_WORD;
	EXPECT_EQ(ask(), "kernel");
	order(EXTFUSE_OP_LISTXATTR, file, std::string("user.k\0", 7));
	EXPECT_EQ(ask(), std::string("user.k\0", 7));
	order(EXTFUSE_OP_READLINK, fs.store.at("link"), "kernel");
	EXPECT_EQ(ask(), "kernel");
	EXPECT_EQ(orders.calls, 1U);
	EXPECT_EQ(orders.put_result, 6);
}

TEST_F(ContainedObject, WrongWordsFlagsAndReturnValues)
{
	const struct {
		extfuse_op op;
		uint64_t node;
		std::string bytes, daemons;
	} cases[] = {
		{EXTFUSE_OP_GETXATTR, file, "kernel", "daemon"},
		{EXTFUSE_OP_LISTXATTR, file, std::string("user.k\0", 7), users},
		{EXTFUSE_OP_READLINK, fs.store.at("link"), "kernel", "daemon"},
	};
	for (const auto &c : cases) {
		for (const uint64_t add : {1ULL, 1ULL << 20, ~0ULL, 1ULL << 63}) {
			order(c.op, c.node, c.bytes);
			orders.word_add = add;
			expect_refused(c.daemons, "word");
		}
		for (const uint32_t flags :
		     {0U, good_flags | 1U << 31, good_flags | 1U << 6,
		      good_flags & ~EXTFUSE_OUT_ANSWERED,
		      static_cast<uint32_t>(EXTFUSE_OUT_ANSWERED),
		      EXTFUSE_OUT_ANSWERED | 99U << EXTFUSE_OUT_SCOPE_SHIFT}) {
			order(c.op, c.node, c.bytes);
			orders.flags = flags;
			expect_refused(c.daemons, "flags");
		}
		for (const int ret : {2, 99, -ENOSYS, -ENODATA, -ERANGE, -ENOENT, -4096}) {
			order(c.op, c.node, c.bytes);
			orders.ret = ret;
			expect_refused(c.daemons, "return value");
		}
		order(c.op, c.node, c.bytes);
		orders.ret = -EACCES;
		EXPECT_EQ(ask(), "EACCES");
		order(c.op, c.node, c.bytes);
		orders.ret = EXTFUSE_UPCALL;
		EXPECT_EQ(ask(), c.daemons);
	}
	// What no error of a handler can switch off.
	order(EXTFUSE_OP_GETXATTR, file, "kernel");
	EXPECT_EQ(ask(), "kernel");
}

TEST_F(ContainedObject, SizesThatWereNotPut)
{
	for (const uint32_t size : {0U, 5U, 7U, 100U, ~0U}) {
		order(EXTFUSE_OP_GETXATTR, file, "kernel");
		orders.size = size;
		expect_refused("daemon", "size");
	}
	order(EXTFUSE_OP_GETXATTR, file, "kernel");
	orders.times = 2;
	expect_refused("daemon", "put twice");
	orders.size = 12;
	EXPECT_EQ(ask(), "kernelkernel");
	// More than is there, or than a value can be.
	order(EXTFUSE_OP_GETXATTR, file, "kernel");
	orders.put = 8193;
	expect_refused("daemon", "more than the memory");
	EXPECT_EQ(orders.put_result, -ERANGE);
	// With the other function.
	order(EXTFUSE_OP_GETXATTR, file, "kernel");
	orders.put_by_other = 1;
	expect_refused("daemon", "other function");
	EXPECT_EQ(orders.put_result, -EINVAL);
}

// The caller's buffer is smaller than what is put: nothing behind it is touched.
TEST_F(ContainedObject, MoreThanThereIsRoomFor)
{
	order(EXTFUSE_OP_GETXATTR, file, std::string(8000, 'x'));
	orders.times = 4;
	orders.size = 32000;
	for (const size_t room : {1, 10, 100, 4096, 31999})
		EXPECT_EQ(ask(room), "ERANGE") << room;
	EXPECT_EQ(ask(32000), std::string(32000, 'x'));
	order(EXTFUSE_OP_READLINK, fs.store.at("link"), std::string(5000, 'x'));
	expect_refused("daemon", "target longer than a page");
}

TEST_F(ContainedObject, AbsentWithBytes)
{
	order(EXTFUSE_OP_GETXATTR, file, "kernel");
	orders.flags |= EXTFUSE_OUT_ABSENT;
	expect_refused("daemon", "absent, but bytes");
	order(EXTFUSE_OP_GETXATTR, file, "");
	orders.flags |= EXTFUSE_OUT_ABSENT;
	orders.times = 0;
	EXPECT_EQ(ask(), "ENODATA");
	// Of other operations that means nothing.
	order(EXTFUSE_OP_LISTXATTR, file, users);
	orders.flags |= EXTFUSE_OUT_ABSENT;
	expect_refused(users, "absent list");
}

TEST_F(ContainedObject, ListsThatAreNone)
{
	for (const std::string &bad : {std::string("a"), std::string("a\0b", 3),
				       std::string("\0", 1), std::string("a\0\0", 3)}) {
		order(EXTFUSE_OP_LISTXATTR, file, bad);
		expect_refused(users, "list");
	}
}

TEST_F(ContainedObject, TargetsThatAreNone)
{
	for (const std::string &bad :
	     {std::string(), std::string("a\0b", 3), std::string("a\0", 2)}) {
		order(EXTFUSE_OP_READLINK, fs.store.at("link"), bad);
		expect_refused("daemon", "target");
	}
}

TEST_F(ContainedObject, Entries)
{
	const std::string daemons = list_dir();
	const std::string good = dirent_of("one", 1) + dirent_of("two", 2);
	order(EXTFUSE_OP_READDIR, dir, good);
	orders.start = 0;
	// Answered again at offset 2, where the entries before it are passed over; the
	// result still says they were put.
	EXPECT_EQ(list_dir().substr(0, 8), "one two ");

	const std::string bad[] = {
		good.substr(0, good.size() - 1),
		good.substr(0, 10),
		dirent_of("one", 1) + dirent_of("t/o", 2),
		dirent_of("/", 1),
		dirent_of(std::string("o\0e", 3), 1),
		dirent_of("one", 1, 0),
		dirent_of("one", 1, 1000),
		dirent_of("one", 1, ~0U),
		dirent_of("one", 1, 0xfffffff0),
		dirent_of(std::string(256, 'n'), 1),
	};
	for (const std::string &entries : bad) {
		order(EXTFUSE_OP_READDIR, dir, entries);
		const Counts c = during(fs, [&] { EXPECT_EQ(list_dir(), daemons); });
		EXPECT_EQ(c.driver(EXTFUSE_OP_READDIR).hit, 0) << c.text();
		EXPECT_GE(c.driver(EXTFUSE_OP_READDIR).invalid, 1) << c.text();
	}
	for (const uint32_t size : {0U, 31U, 33U, 64U, ~0U}) {
		order(EXTFUSE_OP_READDIR, dir, dirent_of("one", 1));
		orders.size = size;
		EXPECT_EQ(list_dir(), daemons) << size;
	}
	order(EXTFUSE_OP_READDIR, dir, good);
	orders.put_by_other = 1;
	EXPECT_EQ(list_dir(), daemons);
	EXPECT_EQ(orders.put_result, -EINVAL);
}

// More entries than fit: those that do.
TEST_F(ContainedObject, MoreEntriesThanFit)
{
	std::string many;
	for (uint64_t i = 1; i <= 200; i++)
		many += dirent_of("name" + std::to_string(i), i);
	order(EXTFUSE_OP_READDIR, dir, many);
	orders.times = 4;
	const Counts c = during(fs, [&] { list_dir(); });
	EXPECT_EQ(orders.put_result, -ENOSPC);
	EXPECT_GE(c.driver(EXTFUSE_OP_READDIR).invalid, 1) << "the size was not what was put";
}

TEST_F(ContainedObject, Statfs)
{
	const auto blocks = [&] {
		struct statfs st;
		EXPECT_EQ(statfs(fs.path().c_str(), &st), 0);
		return st.f_blocks;
	};
	order(EXTFUSE_OP_STATFS, Store::root, "");
	orders.st.blocks = 77;
	EXPECT_EQ(blocks(), 77U);
	orders.word_add = 1 << 20;
	EXPECT_EQ(blocks(), 5000U);
	orders.word_add = 0;
	memset(&orders.st, 0xff, sizeof(orders.st));
	EXPECT_EQ(blocks(), ~0ULL);
}

TEST_F(ContainedObject, Access)
{
	const std::string path = fs.path("file");
	for (const int error : {0, -EACCES, -EPERM, -EROFS}) {
		order(EXTFUSE_OP_ACCESS, file, "");
		orders.error = error;
		EXPECT_EQ(sys::access(path, R_OK), error);
	}
	for (const int error : {1, 2, -ENOSYS, -EIO, -ENOENT, -4096, -1 - 0x7fffffff}) {
		order(EXTFUSE_OP_ACCESS, file, "");
		orders.error = error;
		const Counts c = during(fs, [&] { EXPECT_EQ(sys::access(path, R_OK), 0); });
		EXPECT_EQ(c.sent(Op::Access), 1) << error;
		EXPECT_EQ(c.driver(EXTFUSE_OP_ACCESS).invalid, 1) << error;
	}
}

TEST_F(ContainedObject, Lseek)
{
	const sys::Fd fd(sys::open(fs.path("file"), O_RDONLY));
	const auto seek = [&] { return lseek(fd, 5, SEEK_HOLE); };
	order(EXTFUSE_OP_LSEEK, file, "");
	orders.offset = 11;
	EXPECT_EQ(seek(), 11);
	for (const uint64_t offset : {0ULL, 4ULL, 1ULL << 63, ~0ULL}) {
		order(EXTFUSE_OP_LSEEK, file, "");
		orders.offset = offset;
		const Counts c = during(fs, [&] { EXPECT_EQ(seek(), 17); });
		EXPECT_EQ(c.driver(EXTFUSE_OP_LSEEK).invalid, 1) << offset;
	}
}

// "Not among the directory's names" needs the directory's token.
TEST_F(ContainedObject, Complete)
{
	const auto order_absent = [&](uint64_t add, uint64_t nodeid) {
		order(EXTFUSE_OP_LOOKUP, 0, "");
		orders.flags |= EXTFUSE_OUT_COMPLETE;
		orders.lookup_nodeid = nodeid;
		orders.lookup_behind = extfuse_token_node(fs.ext(), dir).word;
		orders.lookup_behind_add = add;
		orders.parent = dir;
	};
	order_absent(0, 0);
	const Counts good = during(fs, [&] { EXPECT_EQ(sys::stat(fs.path("dir/none")), -ENOENT); });
	EXPECT_EQ(good.driver(EXTFUSE_OP_LOOKUP).hit, 1) << good.text();
	for (const uint64_t add : {1ULL, 1ULL << 20, ~0ULL}) {
		order_absent(add, 0);
		const std::string path = fs.path("dir/new" + std::to_string(add));
		const Counts c = during(fs, [&] { EXPECT_EQ(sys::stat(path), -ENOENT); });
		EXPECT_EQ(c.driver(EXTFUSE_OP_LOOKUP).hit, 0) << c.text();
		EXPECT_GE(c.driver(EXTFUSE_OP_LOOKUP).stale, 1) << c.text();
	}
	// A node and its absence at once.
	order_absent(0, file);
	const Counts c = during(fs, [&] { EXPECT_EQ(sys::stat(fs.path("dir/there")), 0); });
	EXPECT_EQ(c.driver(EXTFUSE_OP_LOOKUP).hit, 0) << c.text();
	EXPECT_EQ(c.refused(EXTFUSE_OP_LOOKUP), 1) << c.text();
}

} // namespace extfuse_test
