// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Wrapped sessions: what becomes of a program's operations, what requests are marked
// with, and that nothing of libfuse's is overlooked.
#include "wrap.hpp"

#include <cstring>
#include <set>
#include <thread>

#include <gtest/gtest.h>

#include <fcntl.h>
#include <unistd.h>

#include "fake_kernel.hpp"
#include "reader.hpp"
#include "wrap_slots.hpp"

using namespace exf::impl;
using namespace exf::test;

namespace
{

constexpr auto set = EXTFUSE_MARK_SET;
constexpr auto nobody = set;
constexpr auto annotated = EXTFUSE_CACHE_ANNOTATED;

uint32_t entry_mark(extfuse_scope name, extfuse_scope attr)
{
	return set | name | static_cast<uint32_t>(attr) << EXTFUSE_MARK_ATTR_SHIFT;
}

// As many bytes as ops, each pointer different from all others and from null.
template <class Ops> Ops all_members()
{
	Ops ops;
	uintptr_t value = 0x1000;

	static_assert(sizeof(ops) % sizeof(value) == 0);
	for (size_t at = 0; at < sizeof(ops); at += sizeof(value), value += 8)
		memcpy(reinterpret_cast<char *>(&ops) + at, &value, sizeof(value));
	return ops;
}

template <class Ops> uintptr_t member(const Ops *ops, size_t at)
{
	uintptr_t value;

	memcpy(&value, reinterpret_cast<const char *>(ops) + at, sizeof(value));
	return value;
}

class WrapTest : public testing::Test
{
protected:
	void SetUp() override
	{
		fuse_opt_add_arg(&args, "test");
	}
	void TearDown() override
	{
		while (!wraps.empty())
			drop_last();
		fuse_opt_free_args(&args);
	}
	extfuse_wrap *begin(const extfuse_wrap_config *config = nullptr)
	{
		extfuse_wrap *w = wrap_begin(&args, config, std::make_unique<FakeKernel>(state));

		if (w)
			wraps.push_back(w);
		return w;
	}
	void drop_last()
	{
		extfuse_wrap_end(wraps.back(), nullptr);
		wraps.pop_back();
	}
	void option(const char *o)
	{
		fuse_opt_add_arg(&args, "-o");
		fuse_opt_add_arg(&args, o);
	}

	// The session has been given the device; the driver sends this request.
	void mount(extfuse_wrap *w)
	{
		ASSERT_EQ(extfuse_mount(w->x, some_session(), "/mnt"), 0);
	}
	void take(extfuse_wrap *w, uint32_t opcode, uint64_t unique, uint64_t node,
		  const std::string &body = {})
	{
		fuse_in_header in = {};

		in.opcode = opcode;
		in.unique = unique;
		in.nodeid = node;
		in.len = static_cast<uint32_t>(sizeof(in) + body.size());
		w->taken((std::string(reinterpret_cast<char *>(&in), sizeof(in)) + body).data(),
			 in.len);
	}
	template <class Out> void reply(extfuse_wrap *w, uint64_t unique, const Out &out)
	{
		fuse_out_header header = {sizeof(header) + sizeof(out), 0, unique};
		Out copy = out;
		const iovec iov[] = {{&header, sizeof(header)}, {&copy, sizeof(copy)}};

		w->replying(iov, 2);
	}
	// 0: none.
	uint32_t mark_of(uint64_t unique)
	{
		const uint64_t *marks =
			reinterpret_cast<uint64_t *>(static_cast<char *>(state.words.base()) +
						     state.words.header()->marks_offset);
		const uint64_t found = marks[extfuse_mark_index(unique)];

		if ((found ^ extfuse_mark_entry(unique, 0)) >> EXTFUSE_MARK_BITS)
			return 0;
		return found & EXTFUSE_MARK_SET ? found & 0xffff : 0;
	}

	FakeState state;
	fuse_args args = FUSE_ARGS_INIT(0, nullptr);
	std::vector<extfuse_wrap *> wraps;
};

} // namespace

// ---------------------------------------------------------------------------
// Operations

TEST_F(WrapTest, AllMembersButInitAreThoseOfTheProgram)
{
	const auto ops = all_members<fuse_lowlevel_ops>();
	extfuse_wrap *w = begin();
	const fuse_lowlevel_ops *copy = extfuse_wrap_ops(w, &ops, sizeof(ops));

	for (size_t at = 0; at < sizeof(ops); at += sizeof(void *)) {
		if (at == offsetof(fuse_lowlevel_ops, init))
			EXPECT_NE(member(copy, at), member(&ops, at));
		else
			EXPECT_EQ(member(copy, at), member(&ops, at)) << at;
	}
	EXPECT_EQ(w->init, ops.init);
}

TEST_F(WrapTest, MissingMembersStayMissing)
{
	const fuse_lowlevel_ops ops = {};
	const fuse_lowlevel_ops *copy = extfuse_wrap_ops(begin(), &ops, sizeof(ops));

	for (size_t at = 0; at < sizeof(ops); at += sizeof(void *)) {
		if (at == offsetof(fuse_lowlevel_ops, init))
			continue;
		EXPECT_EQ(member(copy, at), 0U) << at;
	}
	// Requests that come in pipes could not be marked.
	fuse_conn_info conn = {};
	conn.capable_ext = conn.want_ext = FUSE_CAP_SPLICE_READ | FUSE_CAP_ASYNC_READ;
	conn.want = static_cast<uint32_t>(conn.want_ext);
	copy->init(nullptr, &conn);
	EXPECT_EQ(conn.want_ext, FUSE_CAP_ASYNC_READ);
	EXPECT_EQ(conn.want, FUSE_CAP_ASYNC_READ);
}

TEST_F(WrapTest, AllPathMembersButTwoAreThoseOfTheProgram)
{
	const auto ops = all_members<fuse_operations>();
	extfuse_wrap *w = begin();
	const fuse_operations *copy = extfuse_wrap_path_ops(w, &ops, sizeof(ops));

	for (size_t at = 0; at < sizeof(ops); at += sizeof(void *)) {
		if (at == offsetof(fuse_operations, init) ||
		    at == offsetof(fuse_operations, unlink))
			EXPECT_NE(member(copy, at), member(&ops, at));
		else
			EXPECT_EQ(member(copy, at), member(&ops, at)) << at;
	}
	const fuse_operations none = {};
	copy = extfuse_wrap_path_ops(begin(), &none, sizeof(none));
	EXPECT_EQ(copy->unlink, nullptr);
	EXPECT_EQ(copy->getattr, nullptr);
}

// An older program's structure is shorter.
TEST_F(WrapTest, ShorterStructures)
{
	const auto ops = all_members<fuse_lowlevel_ops>();
	extfuse_wrap *w = begin();
	constexpr size_t size = offsetof(fuse_lowlevel_ops, getattr);

	const fuse_lowlevel_ops *copy = extfuse_wrap_ops(w, &ops, size);
	EXPECT_EQ(w->ops.size(), size); // no byte behind it is there to be read
	EXPECT_EQ(member(copy, offsetof(fuse_lowlevel_ops, lookup)),
		  member(&ops, offsetof(fuse_lowlevel_ops, lookup)));
	EXPECT_EQ(w->init, ops.init);

	const auto path_ops = all_members<fuse_operations>();
	w = begin();
	ASSERT_NE(extfuse_wrap_path_ops(w, &path_ops, offsetof(fuse_operations, unlink)), nullptr);
	EXPECT_EQ(w->path_init, nullptr);
	EXPECT_EQ(w->path_unlink, nullptr);
}

// What the program asks for reaches libfuse, whichever of the two ways it uses.
TEST_F(WrapTest, InitKeepsWhatTheProgramWants)
{
	const auto run = [&](void (*init)(void *, fuse_conn_info *)) {
		fuse_lowlevel_ops ops = {};
		fuse_conn_info conn = {};

		ops.init = init;
		conn.capable_ext = conn.want_ext = FUSE_CAP_SPLICE_READ | FUSE_CAP_ASYNC_READ;
		conn.want = static_cast<uint32_t>(conn.want_ext);
		extfuse_wrap_ops(begin(), &ops, sizeof(ops))->init(nullptr, &conn);
		return std::pair<uint64_t, uint64_t>(conn.want_ext, conn.want);
	};
	const std::pair<uint64_t, uint64_t> expected(FUSE_CAP_WRITEBACK_CACHE,
						     FUSE_CAP_WRITEBACK_CACHE);

	EXPECT_EQ(run([](void *, fuse_conn_info *conn) {
			  conn->want |= FUSE_CAP_WRITEBACK_CACHE;
			  conn->want &= ~static_cast<uint32_t>(FUSE_CAP_ASYNC_READ);
		  }),
		  expected);
	EXPECT_EQ(run([](void *, fuse_conn_info *conn) {
			  conn->want_ext |= FUSE_CAP_WRITEBACK_CACHE;
			  conn->want_ext &= ~static_cast<uint64_t>(FUSE_CAP_ASYNC_READ);
		  }),
		  expected);
}

// ---------------------------------------------------------------------------
// Marks

// Whoever updates libfuse or the kernel's protocol decides here what becomes of what is new.
TEST(WrapMarks, EveryOperationIsKnown)
{
	EXPECT_EQ(sizeof(fuse_lowlevel_ops) / sizeof(void *), 45U);
	EXPECT_EQ(sizeof(fuse_operations) / sizeof(void *), 42U);

	const std::set<uint32_t> kept = {FUSE_LOOKUP,    FUSE_MKNOD,    FUSE_MKDIR,   FUSE_SYMLINK,
					 FUSE_LINK,      FUSE_CREATE,   FUSE_GETATTR, FUSE_SETATTR,
					 FUSE_READ,      FUSE_GETXATTR, FUSE_LSEEK,   FUSE_ACCESS,
					 FUSE_LISTXATTR, FUSE_READLINK, FUSE_STATFS};
	const std::set<uint32_t> not_kept = {
		FUSE_FORGET,       FUSE_UNLINK,          FUSE_RMDIR,        FUSE_RENAME,
		FUSE_OPEN,         FUSE_WRITE,           FUSE_RELEASE,      FUSE_FSYNC,
		FUSE_SETXATTR,     FUSE_REMOVEXATTR,     FUSE_FLUSH,        FUSE_INIT,
		FUSE_OPENDIR,      FUSE_READDIR,         FUSE_RELEASEDIR,   FUSE_FSYNCDIR,
		FUSE_GETLK,        FUSE_SETLK,           FUSE_SETLKW,       FUSE_INTERRUPT,
		FUSE_BMAP,         FUSE_DESTROY,         FUSE_IOCTL,        FUSE_POLL,
		FUSE_NOTIFY_REPLY, FUSE_BATCH_FORGET,    FUSE_FALLOCATE,    FUSE_READDIRPLUS,
		FUSE_RENAME2,      FUSE_COPY_FILE_RANGE, FUSE_SETUPMAPPING, FUSE_REMOVEMAPPING,
		FUSE_SYNCFS,       FUSE_TMPFILE,         FUSE_STATX};
	const OpcodeMarks marks = make_marks({}, true, annotated);

	for (uint32_t opcode = 1; opcode <= FUSE_STATX; opcode++) {
		EXPECT_EQ(marks[opcode] != 0, kept.contains(opcode)) << opcode;
		// 7 and 19 were never given away.
		EXPECT_EQ(kept.contains(opcode) || not_kept.contains(opcode),
			  opcode != 7 && opcode != 19)
			<< opcode;
	}
}

// A policy would decide of entries, past what is said of LOOKUP and GETATTR.
TEST(WrapMarks, EntriesOfListingsAreNotKept)
{
	EXPECT_EQ(make_marks({}, true, EXTFUSE_CACHE_PRIVATE)[FUSE_READDIRPLUS], nobody);
	EXPECT_EQ(make_marks({}, true, annotated)[FUSE_READDIRPLUS], 0U);
}

TEST(WrapMarks, Scopes)
{
	const extfuse_wrap_config none = {};
	OpcodeMarks marks = make_marks(none, false, annotated);

	EXPECT_EQ(marks[FUSE_LOOKUP], entry_mark(EXTFUSE_SCOPE_CALLER, EXTFUSE_SCOPE_CALLER));
	EXPECT_EQ(marks[FUSE_GETATTR], set | EXTFUSE_SCOPE_CALLER);
	EXPECT_EQ(marks[FUSE_READ], set | EXTFUSE_SCOPE_ALL);
	EXPECT_EQ(marks[FUSE_STATFS], nobody);

	marks = make_marks(none, true, annotated);
	EXPECT_EQ(marks[FUSE_CREATE], entry_mark(EXTFUSE_SCOPE_KERNEL, EXTFUSE_SCOPE_KERNEL));
	EXPECT_EQ(marks[FUSE_GETXATTR], set | EXTFUSE_SCOPE_KERNEL);

	extfuse_wrap_config c = {};
	c.scope = EXTFUSE_SCOPE_UID;
	c.op_scope[EXTFUSE_OP_GETATTR] = EXTFUSE_SCOPE_ALL;
	c.op_scope[EXTFUSE_OP_STATFS] = EXTFUSE_SCOPE_ALL;
	c.leave = EXTFUSE_WRAP_OP(EXTFUSE_OP_READLINK);
	marks = make_marks(c, true, annotated);
	EXPECT_EQ(marks[FUSE_MKDIR], entry_mark(EXTFUSE_SCOPE_UID, EXTFUSE_SCOPE_ALL));
	EXPECT_EQ(marks[FUSE_SETATTR], set | EXTFUSE_SCOPE_ALL);
	EXPECT_EQ(marks[FUSE_STATFS], set | EXTFUSE_SCOPE_ALL);
	EXPECT_EQ(marks[FUSE_READLINK], nobody);
	EXPECT_EQ(marks[FUSE_LISTXATTR], set | EXTFUSE_SCOPE_UID);

	c.leave = EXTFUSE_WRAP_OP(EXTFUSE_OP_GETATTR);
	marks = make_marks(c, true, annotated);
	EXPECT_EQ(marks[FUSE_LOOKUP], entry_mark(EXTFUSE_SCOPE_UID, EXTFUSE_SCOPE_NONE));
	EXPECT_EQ(marks[FUSE_GETATTR], nobody);
}

// With a mark, what a timeout speaks of would be kept past it.
TEST(WrapMarks, NoneWhereTimeoutsCount)
{
	extfuse_wrap_config c = {};
	c.scope = EXTFUSE_SCOPE_ALL;
	c.op_scope[EXTFUSE_OP_OPEN] = EXTFUSE_SCOPE_ALL;
	EXPECT_EQ(make_marks(c, true, EXTFUSE_CACHE_TIMEOUTS), OpcodeMarks{});

	c.leave = EXTFUSE_WRAP_OP(EXTFUSE_OP_GETATTR);
	const OpcodeMarks marks = make_marks(c, true, EXTFUSE_CACHE_TIMEOUTS);
	const std::set<uint32_t> left = {FUSE_LOOKUP,  FUSE_MKNOD,   FUSE_MKDIR,
					 FUSE_SYMLINK, FUSE_LINK,    FUSE_CREATE,
					 FUSE_GETATTR, FUSE_SETATTR, FUSE_READDIRPLUS};
	for (uint32_t opcode = 0; opcode < marks.size(); opcode++)
		EXPECT_EQ(marks[opcode], left.contains(opcode) ? nobody : 0U) << opcode;
}

TEST(WrapMarks, Opens)
{
	extfuse_wrap_config c = {};
	const auto opens = [&](extfuse_policy policy) {
		const OpcodeMarks marks = make_marks(c, false, policy);
		return std::pair(marks[FUSE_OPEN], marks[FUSE_OPENDIR]);
	};
	using Pair = std::pair<uint32_t, uint32_t>;

	EXPECT_EQ(opens(annotated), Pair(0, 0));
	EXPECT_EQ(opens(EXTFUSE_CACHE_PRIVATE), Pair(0, 0)); // as the policy says
	c.scope = EXTFUSE_SCOPE_UID;
	EXPECT_EQ(opens(annotated), Pair(0, 0));
	EXPECT_EQ(opens(EXTFUSE_CACHE_PRIVATE),
		  Pair(set | EXTFUSE_SCOPE_UID, set | EXTFUSE_SCOPE_UID));
	c.op_scope[EXTFUSE_OP_OPEN] = EXTFUSE_SCOPE_ALL;
	c.leave = EXTFUSE_WRAP_OP(EXTFUSE_OP_OPENDIR);
	EXPECT_EQ(opens(annotated), Pair(set | EXTFUSE_SCOPE_ALL, nobody));
	EXPECT_EQ(opens(EXTFUSE_CACHE_PRIVATE), Pair(set | EXTFUSE_SCOPE_ALL, nobody));
}

// What is kept without a mark is for no more than the session's configuration says.
TEST_F(WrapTest, PoliciesFollowTheScope)
{
	extfuse_wrap_config c = {};
	c.size = sizeof(c);
	const auto policy = [&] {
		extfuse_wrap *w = begin(&c);
		EXPECT_EQ(extfuse_mount(w->x, some_session(), "/mnt"), 0);
		return state.params.policy;
	};
	option("default_permissions,cache=timeouts");
	EXPECT_EQ(policy().attrs, EXTFUSE_SCOPE_ALL);
	fuse_opt_add_arg(&args, "-odefault_permissions,cache=timeouts");
	c.op_scope[EXTFUSE_OP_GETATTR] = EXTFUSE_SCOPE_CALLER;
	EXPECT_EQ(policy().attrs, EXTFUSE_SCOPE_CALLER);
	c.op_scope[EXTFUSE_OP_GETATTR] = EXTFUSE_SCOPE_NONE;
	c.scope = EXTFUSE_SCOPE_UID;
	fuse_opt_add_arg(&args, "-odefault_permissions,cache=private");
	EXPECT_EQ(policy().names, EXTFUSE_SCOPE_CALLER);
	EXPECT_EQ(state.params.policy.listings, EXTFUSE_SCOPE_UID);
	// Who mounts has said it.
	fuse_opt_add_arg(&args, "-odefault_permissions,cache=private,cache_for=all");
	EXPECT_EQ(policy().names, EXTFUSE_SCOPE_ALL);
}

// So do files of several names, whose node is one unless the author says otherwise.
TEST_F(WrapTest, PoliciesKeepFilesOfSeveralNames)
{
	for (const unsigned per_name : {0U, 1U}) {
		extfuse_wrap_config c = {};
		c.size = sizeof(c);
		c.node_per_name = per_name;
		option("cache=private");
		extfuse_wrap *w = begin(&c);
		extfuse_wrap_end(w, some_session());
		mount(w);
		EXPECT_EQ(state.params.policy.links, !per_name);
	}
}

TEST_F(WrapTest, OpensAndListings)
{
	extfuse_wrap_config c = {};
	c.size = sizeof(c);
	const auto mounted = [&](const char *options) {
		if (options)
			option(options);
		mount(begin(&c));
	};
	mounted(nullptr);
	EXPECT_FALSE(state.params.opens);
	mounted("cache=private");
	EXPECT_TRUE(state.params.opens);
	EXPECT_EQ(state.params.policy.listings, state.params.policy.others);
	EXPECT_NE(state.params.policy.listings, EXTFUSE_SCOPE_NONE);
	mounted("cache=private,extfuse_leave=readdir");
	EXPECT_EQ(state.params.policy.listings, EXTFUSE_SCOPE_NONE);
	c.op_scope[EXTFUSE_OP_OPENDIR] = EXTFUSE_SCOPE_ALL;
	mounted(nullptr);
	EXPECT_TRUE(state.params.opens);
	EXPECT_EQ(wraps.back()->marks[FUSE_OPENDIR], set | EXTFUSE_SCOPE_ALL);
	EXPECT_EQ(wraps.back()->marks[FUSE_OPEN], 0U);
}

TEST_F(WrapTest, RequestsAreMarkedAsTheyAreTaken)
{
	option("default_permissions");
	extfuse_wrap *w = begin();
	mount(w);

	take(w, FUSE_LOOKUP, 20, 1);
	EXPECT_EQ(mark_of(20), entry_mark(EXTFUSE_SCOPE_KERNEL, EXTFUSE_SCOPE_KERNEL));
	EXPECT_EQ(extfuse_wrapped(nullptr), w->x);
	take(w, FUSE_WRITE, 22, 7);
	EXPECT_EQ(mark_of(22), 0U);
	take(w, 4711, 24, 7);
	EXPECT_EQ(mark_of(24), 0U);

	const std::string size(sizeof(fuse_getxattr_in), 'x');
	take(w, FUSE_GETXATTR, 26, 7, size + std::string("user.name", 10));
	EXPECT_EQ(mark_of(26), set | EXTFUSE_SCOPE_KERNEL);
	// Who may see these depends on what no scope knows of.
	take(w, FUSE_GETXATTR, 28, 7, size + std::string("trusted.name", 13));
	EXPECT_EQ(mark_of(28), nobody);
	take(w, FUSE_GETXATTR, 30, 7);
	EXPECT_EQ(mark_of(30), nobody);

	w->taken("short", 5);
	EXPECT_EQ(extfuse_wrapped(nullptr), nullptr);
	EXPECT_EQ(state.params.replies, true);
}

TEST_F(WrapTest, FilesWithSeveralNamesAreNotKept)
{
	extfuse_wrap_config c = {};
	c.size = sizeof(c);
	c.node_per_name = 1;
	extfuse_wrap *w = begin(&c);
	mount(w);
	fuse_entry_out entry = {};
	entry.nodeid = 7;
	entry.attr.mode = S_IFREG;
	entry.attr.nlink = 1;

	take(w, FUSE_LOOKUP, 20, 1);
	reply(w, 20, entry);
	EXPECT_EQ(mark_of(20), entry_mark(EXTFUSE_SCOPE_CALLER, EXTFUSE_SCOPE_CALLER));
	take(w, FUSE_READ, 22, 7);
	EXPECT_NE(mark_of(22), nobody);

	entry.attr.nlink = 2;
	take(w, FUSE_LOOKUP, 24, 1);
	reply(w, 24, entry);
	EXPECT_EQ(mark_of(24), entry_mark(EXTFUSE_SCOPE_CALLER, EXTFUSE_SCOPE_NONE));
	take(w, FUSE_READ, 26, 7);
	EXPECT_EQ(mark_of(26), nobody);
	take(w, FUSE_READ, 28, 8);
	EXPECT_NE(mark_of(28), nobody);

	// Directories have several links by nature.
	entry.nodeid = 9;
	entry.attr.mode = S_IFDIR;
	take(w, FUSE_LOOKUP, 30, 1);
	reply(w, 30, entry);
	EXPECT_NE(mark_of(30) >> EXTFUSE_MARK_ATTR_SHIFT & 0xf, 0U);

	// By its attributes; by a link that is being made.
	fuse_attr_out attr = {};
	attr.attr.mode = S_IFREG;
	attr.attr.nlink = 3;
	take(w, FUSE_GETATTR, 32, 11);
	EXPECT_NE(mark_of(32), nobody);
	reply(w, 32, attr);
	EXPECT_EQ(mark_of(32), nobody);
	fuse_link_in link = {};
	link.oldnodeid = 13;
	take(w, FUSE_LINK, 34, 1, std::string(reinterpret_cast<char *>(&link), sizeof(link)));
	take(w, FUSE_GETATTR, 36, 13);
	EXPECT_EQ(mark_of(36), nobody);

	// By a directory read.
	fuse_direntplus dirent = {};
	dirent.entry_out.nodeid = 15;
	dirent.entry_out.attr.mode = S_IFREG;
	dirent.entry_out.attr.nlink = 2;
	take(w, FUSE_READDIRPLUS, 38, 1);
	reply(w, 38, dirent);
	take(w, FUSE_GETATTR, 40, 15);
	EXPECT_EQ(mark_of(40), nobody);
}

// Whoever replies, and whatever has been asked since.
TEST_F(WrapTest, FilesWithSeveralNamesInOtherThreads)
{
	extfuse_wrap_config c = {};
	c.size = sizeof(c);
	c.node_per_name = 1;
	extfuse_wrap *w = begin(&c);
	mount(w);
	fuse_entry_out entry = {};
	entry.nodeid = 7;
	entry.attr.mode = S_IFREG;
	entry.attr.nlink = 2;
	fuse_attr_out attr = {};
	attr.attr = entry.attr;

	take(w, FUSE_LOOKUP, 20, 1);
	take(w, FUSE_GETATTR, 22, 9);
	std::thread([&] {
		reply(w, 20, entry);
		reply(w, 22, attr);
	}).join();
	EXPECT_EQ(mark_of(20), entry_mark(EXTFUSE_SCOPE_CALLER, EXTFUSE_SCOPE_NONE));
	EXPECT_EQ(mark_of(22), nobody);
	for (const uint64_t node : {7U, 9U}) {
		take(w, FUSE_READ, 24, node);
		EXPECT_EQ(mark_of(24), nobody) << node;
	}
	// One that has been overtaken by so many that nobody knows what it was.
	take(w, FUSE_GETATTR, 26, 11);
	take(w, FUSE_READ, 26 + 2 * EXTFUSE_MARK_COUNT, 12);
	reply(w, 26, attr);
	EXPECT_EQ(mark_of(26), nobody);
}

TEST_F(WrapTest, NodesAreOfTheirFilesUnlessSaid)
{
	extfuse_wrap *w = begin();
	mount(w);
	fuse_attr_out attr = {};
	attr.attr.mode = S_IFREG;
	attr.attr.nlink = 3;

	take(w, FUSE_GETATTR, 20, 11);
	reply(w, 20, attr);
	EXPECT_NE(mark_of(20), nobody);
}

// The header of a reply that libfuse splices is in a pipe.
TEST_F(WrapTest, SplicedRepliesAreOverridden)
{
	extfuse_wrap *w = begin();
	mount(w);
	const auto send = [&](uint64_t unique) {
		int ends[2];
		const int to = open("/dev/null", O_WRONLY | O_CLOEXEC);
		char back[sizeof(fuse_out_header) + 8] = {};
		fuse_out_header header = {sizeof(back), 0, unique};

		ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
		memcpy(back, &header, sizeof(header));
		ASSERT_EQ(write(ends[1], back, sizeof(back)), ssize_t(sizeof(back)));
		EXPECT_EQ(w->x->io->splice_send(ends[0], nullptr, to, nullptr, sizeof(back), 0,
						nullptr),
			  ssize_t(sizeof(back)));
		for (const int fd : {ends[0], ends[1], to})
			close(fd);
	};

	take(w, FUSE_READ, 20, 7);
	EXPECT_EQ(mark_of(20), set | EXTFUSE_SCOPE_ALL);
	extfuse_mark_reply(w->x, EXTFUSE_SCOPE_NONE, EXTFUSE_SCOPE_NONE, 0);
	send(20);
	EXPECT_EQ(mark_of(20), nobody);
	take(w, FUSE_READ, 22, 7);
	send(22);
	EXPECT_EQ(mark_of(22), set | EXTFUSE_SCOPE_ALL);

	// By whoever sends it; and with no descriptor left it is not kept either.
	take(w, FUSE_READ, 24, 7);
	take(w, FUSE_READ, 26, 7);
	std::thread([&] {
		extfuse_mark_reply(w->x, EXTFUSE_SCOPE_UID, EXTFUSE_SCOPE_NONE, 0);
		send(24);
	}).join();
	EXPECT_EQ(mark_of(24), set | EXTFUSE_SCOPE_UID);
	EXPECT_EQ(mark_of(26), set | EXTFUSE_SCOPE_ALL);
	const uint64_t token = extfuse_token_node(w->x, 7).word;
	extfuse_mark_reply(w->x, EXTFUSE_SCOPE_NONE, EXTFUSE_SCOPE_NONE, 0);
	EXPECT_EQ(w->x->io->splice_send(-1, nullptr, -1, nullptr, 1, 0, nullptr), -1);
	EXPECT_NE(extfuse_token_node(w->x, 7).word, token);
}

// ---------------------------------------------------------------------------
// Sessions and configuration

TEST_F(WrapTest, OptionsAreTaken)
{
	option("extfuse_leave=lookup:read:open,extfuse_scope=uid,ro,max_names=64,other");
	extfuse_wrap *w = begin();
	ASSERT_NE(w, nullptr);
	EXPECT_EQ(w->marks[FUSE_READ], nobody);
	EXPECT_EQ(w->marks[FUSE_OPEN], nobody);
	EXPECT_EQ(w->marks[FUSE_OPENDIR], 0U);
	EXPECT_EQ(w->marks[FUSE_GETATTR], set | EXTFUSE_SCOPE_UID);
	EXPECT_EQ(w->x->options.max_names, 64U);
	ASSERT_EQ(args.argc, 3);
	EXPECT_STREQ(args.argv[2], "ro,other");
}

TEST_F(WrapTest, BadConfigurationIsRefused)
{
	extfuse_wrap_config c = {};

	EXPECT_EQ(begin(&c), nullptr); // no size
	c.size = sizeof(c);
	c.leave = 1U << EXTFUSE_OP_COUNT;
	EXPECT_EQ(begin(&c), nullptr);
	// Nothing is ever kept of these.
	c.leave = EXTFUSE_WRAP_OP(EXTFUSE_OP_FLUSH);
	EXPECT_EQ(begin(&c), nullptr);
	c.leave = 0;
	c.op_scope[EXTFUSE_OP_RELEASE] = EXTFUSE_SCOPE_ALL;
	EXPECT_EQ(begin(&c), nullptr);
	c.op_scope[EXTFUSE_OP_RELEASE] = EXTFUSE_SCOPE_NONE;
	EXPECT_NE(begin(&c), nullptr);
	const int scope = 9;
	memcpy(&c.op_scope[3], &scope, sizeof(scope));
	EXPECT_EQ(begin(&c), nullptr);

	struct {
		extfuse_wrap_config c;
		uint64_t more;
	} longer = {};
	longer.c.size = sizeof(longer);
	EXPECT_NE(begin(&longer.c), nullptr);
	longer.more = 1;
	EXPECT_EQ(begin(&longer.c), nullptr);
	// An older program knows less.
	c = {};
	c.size = offsetof(extfuse_wrap_config, scope);
	c.leave = EXTFUSE_WRAP_OP(EXTFUSE_OP_READ);
	c.scope = EXTFUSE_SCOPE_UID;
	extfuse_wrap *w = begin(&c);
	ASSERT_NE(w, nullptr);
	EXPECT_EQ(w->marks[FUSE_READ], nobody);
	EXPECT_EQ(w->marks[FUSE_GETATTR], set | EXTFUSE_SCOPE_CALLER);
}

TEST_F(WrapTest, AsManySessionsAsThereAreNumbers)
{
	std::set<size_t> numbers;

	for (size_t i = 0; i < max_wrapped; i++) {
		extfuse_wrap *w = begin();
		ASSERT_NE(w, nullptr) << i;
		EXPECT_EQ(wrap_slot(w->number), w);
		numbers.insert(w->number);
	}
	EXPECT_EQ(numbers.size(), max_wrapped);
	EXPECT_EQ(begin(), nullptr);
	drop_last();
	EXPECT_NE(begin(), nullptr);
}

// Somebody else has mounted: libfuse takes the descriptor as ever.
TEST_F(WrapTest, SessionsThatAreNotWrapped)
{
	EXPECT_EQ(extfuse_wrapped(some_session()), nullptr);
	extfuse_wrap *w = begin();
	const fuse_lowlevel_ops ops = {};
	fuse_session *se = fuse_session_new(&args, extfuse_wrap_ops(w, &ops, sizeof(ops)),
					    sizeof(ops), nullptr);
	ASSERT_NE(se, nullptr);
	wraps.pop_back(); // the session's now
	EXPECT_EQ(extfuse_wrap_end(w, se), se);
	EXPECT_EQ(extfuse_wrapped(se), w->x);

	const int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	ASSERT_EQ(extfuse_session_mount(se, ("/dev/fd/" + std::to_string(fd)).c_str()), 0);
	EXPECT_EQ(fuse_session_fd(se), fd);
	EXPECT_TRUE(state.calls.empty());
	extfuse_session_unmount(se);
	extfuse_session_destroy(se);
	EXPECT_EQ(extfuse_wrapped(se), nullptr);
}
