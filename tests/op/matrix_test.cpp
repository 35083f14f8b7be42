// SPDX-License-Identifier: GPL-2.0-only
//
// Each operation in each of five cases: answered, not known, answered with an error,
// asked with the handler gone, asked with caches far too small. What is particular to
// one is in the other tests of this directory; of write, setattr and create, which
// answer nothing, in change_test.cpp.
#include <gtest/gtest.h>

#include <dirent.h>
#include <sys/statfs.h>

#include <algorithm>
#include <functional>

#include <bpf/bpf.h>

#include "refuse.h"
#include "refuse.skel.h"
#include "sys.hpp"
#include "test_fs.hpp"

namespace extfuse_test
{

namespace
{

constexpr int objects = 24; // of which a full cache has room for 4

struct Operation {
	const char *name;
	extfuse_op op;
	// What is done with the i-th object, as text; an error as its name.
	std::function<std::string(const TestFs &, int)> act;
	std::function<std::string(int)> right;
	// Where a question does not put the answer: EXTFUSE_FILE_* of its node.
	const char *put_open_for = nullptr;
	unsigned file_flags = 0;
	bool Config::*off = nullptr; // an option that has to be off,
	bool Config::*on = nullptr; // or on, for the operation to be asked at all
	bool error_is_seen = true;
};

void PrintTo(const Operation &o, std::ostream *out)
{
	*out << o.name;
}

std::string text(long result)
{
	return result < 0 ? strerrorname_np(static_cast<int>(-result)) : std::to_string(result);
}

// What call(room, size) puts there.
template <class Call> std::string fetch(Call call)
{
	std::string value(100, '\0');
	const ssize_t n = call(value.data(), value.size());
	if (n < 0)
		return strerrorname_np(errno);
	value.resize(static_cast<size_t>(n));
	return value;
}

std::string path(const TestFs &fs, const char *kind, int i)
{
	return fs.path(kind + std::to_string(i));
}

std::string content(int i)
{
	return "content of " + std::to_string(i);
}

std::string list(const std::string &of)
{
	DIR *dir = opendir(of.c_str());
	if (!dir)
		return strerrorname_np(errno);
	std::vector<std::string> names;
	errno = 0;
	while (const dirent *entry = readdir(dir))
		names.emplace_back(entry->d_name);
	const int error = errno;
	closedir(dir);
	if (error)
		return strerrorname_np(error);
	std::sort(names.begin(), names.end());
	std::string all;
	for (const std::string &name : names)
		all += name + ' ';
	return all;
}

std::string open_close(const std::string &of, int flags)
{
	const int fd = sys::open(of, flags);
	return fd < 0 ? text(fd) : text(sys::result(close(fd)));
}

std::string zero(int)
{
	return "0";
}

const Operation operations[] = {
	{.name = "lookup",
	 .op = EXTFUSE_OP_LOOKUP,
	 .act = [](const TestFs &fs, int i) { return open_close(path(fs, "f", i), O_PATH); },
	 .right = zero},
	{.name = "getattr",
	 .op = EXTFUSE_OP_GETATTR,
	 .act =
		 [](const TestFs &fs, int i) {
			 struct stat st;
			 const int error = sys::stat(path(fs, "f", i), &st);
			 return text(error ? error : st.st_size);
		 },
	 .right = [](int i) { return std::to_string(content(i).size()); }},
	{.name = "read",
	 .op = EXTFUSE_OP_READ,
	 .act =
		 [](const TestFs &fs, int i) {
			 const sys::Fd fd(sys::open(path(fs, "f", i), O_RDONLY));
			 return fetch([&](char *room, size_t n) { return pread(fd, room, n, 0); });
		 },
	 .right = content,
	 .on = &Config::direct_io},
	{.name = "getxattr",
	 .op = EXTFUSE_OP_GETXATTR,
	 .act =
		 [](const TestFs &fs, int i) {
			 const std::string p = path(fs, "f", i);
			 return fetch([&](char *room, size_t n) {
				 return lgetxattr(p.c_str(), "user.a", room, n);
			 });
		 },
	 .right = [](int i) { return "value " + std::to_string(i); }},
	{.name = "listxattr",
	 .op = EXTFUSE_OP_LISTXATTR,
	 .act =
		 [](const TestFs &fs, int i) {
			 const std::string p = path(fs, "f", i);
			 return fetch([&](char *room, size_t n) {
				 return llistxattr(p.c_str(), room, n);
			 });
		 },
	 .right = [](int) { return std::string("user.a", 7); }},
	{.name = "readlink",
	 .op = EXTFUSE_OP_READLINK,
	 .act =
		 [](const TestFs &fs, int i) {
			 const std::string p = path(fs, "l", i);
			 return fetch([&](char *room, size_t n) {
				 return ::readlink(p.c_str(), room, n);
			 });
		 },
	 .right = [](int i) { return "to " + std::to_string(i); }},
	{.name = "statfs",
	 .op = EXTFUSE_OP_STATFS,
	 .act =
		 [](const TestFs &fs, int i) {
			 struct statfs st;
			 const int error = sys::result(statfs(path(fs, "f", i).c_str(), &st));
			 return text(error ? error : static_cast<long>(st.f_bfree));
		 },
	 .right = [](int) { return "1000"; }},
	{.name = "access",
	 .op = EXTFUSE_OP_ACCESS,
	 .act = [](const TestFs &fs, int i) { return text(sys::access(path(fs, "f", i), R_OK)); },
	 .right = zero,
	 .off = &Config::default_permissions},
	{.name = "lseek",
	 .op = EXTFUSE_OP_LSEEK,
	 .act =
		 [](const TestFs &fs, int i) {
			 const sys::Fd fd(sys::open(path(fs, "f", i), O_RDONLY));
			 const off_t at = lseek(fd, 1, SEEK_DATA);
			 return text(at < 0 ? -errno : at);
		 },
	 .right = [](int) { return "1"; }},
	{.name = "readdir",
	 .op = EXTFUSE_OP_READDIR,
	 .act = [](const TestFs &fs, int i) { return list(path(fs, "d", i)); },
	 .right = [](int i) { return ". .. child" + std::to_string(i) + ' '; }},
	{.name = "open",
	 .op = EXTFUSE_OP_OPEN,
	 .act = [](const TestFs &fs, int i) { return open_close(path(fs, "f", i), O_RDONLY); },
	 .right = zero,
	 .put_open_for = "f",
	 .file_flags = EXTFUSE_FILE_KEEP_CACHE},
	{.name = "opendir",
	 .op = EXTFUSE_OP_OPENDIR,
	 .act = [](const TestFs &fs,
		   int i) { return open_close(path(fs, "d", i), O_RDONLY | O_DIRECTORY); },
	 .right = zero,
	 .put_open_for = "d"},
	{.name = "flush",
	 .op = EXTFUSE_OP_FLUSH,
	 .act = [](const TestFs &fs, int i) { return open_close(path(fs, "f", i), O_RDONLY); },
	 .right = zero,
	 .put_open_for = "f",
	 .file_flags = EXTFUSE_FILE_CLOSE_ONLY | EXTFUSE_FILE_NO_FLUSH},
	{.name = "release",
	 .op = EXTFUSE_OP_RELEASE,
	 .act = [](const TestFs &fs, int i) { return open_close(path(fs, "f", i), O_RDONLY); },
	 .right = zero,
	 .put_open_for = "f",
	 .file_flags = EXTFUSE_FILE_CLOSE_ONLY | EXTFUSE_FILE_NO_RELEASE,
	 .error_is_seen = false},
	{.name = "releasedir",
	 .op = EXTFUSE_OP_RELEASEDIR,
	 .act = [](const TestFs &fs,
		   int i) { return open_close(path(fs, "d", i), O_RDONLY | O_DIRECTORY); },
	 .right = zero,
	 .put_open_for = "d",
	 .file_flags = EXTFUSE_FILE_CLOSE_ONLY | EXTFUSE_FILE_NO_RELEASE,
	 .error_is_seen = false},
};

class Matrix : public testing::TestWithParam<Operation>
{
protected:
	const Operation &o = GetParam();

	Config config(Kind kind = Kind::Extfuse) const
	{
		Config c;
		c.kind = kind;
		c.remember = false; // the handler sees every call
		if (o.off)
			c.*o.off = false;
		if (o.on)
			c.*o.on = true;
		return c;
	}

	static void fill(TestFs &fs)
	{
		fs.say.atime = false;
		for (int i = 0; i < objects; i++) {
			const std::string n = std::to_string(i);
			fs.store.set_xattr(fs.store.add_file("f" + n, content(i)), "user.a",
					   "value " + n);
			fs.store.add_dir("d" + n);
			fs.store.add_file("d" + n + "/child" + n);
			fs.store.make(Store::root, "l" + n, S_IFLNK | 0777, {}, 0, "to " + n);
		}
	}

	std::string act(TestFs &fs, int i) const
	{
		if (o.put_open_for) {
			const uint64_t node = fs.store.at(o.put_open_for + std::to_string(i));
			sys::stat(path(fs, o.put_open_for, i));
			extfuse_put_open(fs.ext(), nullptr, node, o.file_flags,
					 extfuse_token_node(fs.ext(), node), EXTFUSE_SCOPE_ALL);
		}
		return o.act(fs, i);
	}
	// Without putting anything.
	Counts ask(TestFs &fs) const
	{
		return during(fs, [&] { EXPECT_EQ(o.act(fs, 0), o.right(0)); });
	}
	// Until it is answered in the kernel.
	void prime(TestFs &fs) const
	{
		for (int i = 0; i < 20; i++) {
			act(fs, 0);
			if (!ask(fs).driver(o.op).sent)
				return;
		}
		ADD_FAILURE() << o.name << " is not answered in the kernel";
	}
};

struct Refuse {
	refuse *skeleton = refuse__open_and_load();
	bpf_link *link = skeleton ? bpf_map__attach_struct_ops(skeleton->maps.refuse) : nullptr;

	Refuse()
	{
		if (!link)
			throw std::runtime_error("cannot load refuse.bpf.o");
	}
	~Refuse()
	{
		bpf_link__destroy(link);
		refuse__destroy(skeleton);
	}
};

} // namespace

TEST_P(Matrix, Hit)
{
	TestFs fs(config());
	fill(fs);
	prime(fs);
	const Counts c = ask(fs);
	EXPECT_EQ(c.driver(o.op).sent, 0) << c.text();
	EXPECT_GE(c.driver(o.op).hit, 1) << c.text();
}

TEST_P(Matrix, Miss)
{
	TestFs fs(config());
	fill(fs);
	prime(fs);
	// Known, and outdated.
	extfuse_invalidate_all(fs.ext());
	Counts c = ask(fs);
	EXPECT_GE(c.driver(o.op).sent, 1) << c.text();
	EXPECT_GE(c.driver(o.op).upcall, 1) << c.text();
	// Known, and not to be said.
	prime(fs);
	ASSERT_EQ(extfuse_set_enabled(fs.ext(), o.op, 0), 0);
	c = ask(fs);
	EXPECT_GE(c.driver(o.op).sent, 1) << c.text();
	EXPECT_GE(c.driver(o.op).upcall, 1) << c.text();
	EXPECT_EQ(c.driver(o.op).hit, 0) << c.text();
	ASSERT_EQ(extfuse_set_enabled(fs.ext(), o.op, 1), 0);
	prime(fs);
}

TEST_P(Matrix, Error)
{
	Refuse handler;
	refuse_orders &orders = handler.skeleton->data->orders;
	Config with = config();
	with.handler_link = bpf_link__fd(handler.link);
	TestFs fs(with);
	fill(fs);
	std::vector<int> allowed = {EACCES, EPERM, EIO};
	if (o.op == EXTFUSE_OP_LOOKUP)
		allowed.push_back(ENOENT); // hidden from this caller
	for (int error : allowed) {
		orders.ret = -error;
		orders.op = o.op;
		const Counts c = during(fs, [&] {
			EXPECT_EQ(o.act(fs, 0),
				  o.error_is_seen ? strerrorname_np(error) : o.right(0));
		});
		orders.op = EXTFUSE_OP_COUNT;
		EXPECT_GE(c.driver(o.op).error, 1) << c.text();
		EXPECT_EQ(c.driver(o.op).error, orders.calls) << c.text();
		EXPECT_EQ(c.driver(o.op).sent, 0) << c.text();
		orders.calls = 0;
	}
	// One that is not on the list of any is no answer.
	for (int error : {o.op == EXTFUSE_OP_LOOKUP ? ENOTDIR : ENOENT, ENOSYS, EINTR}) {
		orders.ret = -error;
		orders.op = o.op;
		const Counts c = ask(fs);
		orders.op = EXTFUSE_OP_COUNT;
		EXPECT_GE(c.driver(o.op).invalid, 1) << c.text();
		EXPECT_GE(c.driver(o.op).sent, 1) << c.text();
	}
	EXPECT_GE(ask(fs).driver(o.op).sent, 1);
}

TEST_P(Matrix, Detach)
{
	TestFs fs(config());
	fill(fs);
	prime(fs);
	ASSERT_EQ(extfuse_detach(fs.ext()), 0);
	for (int i = 0; i < 2; i++) {
		const Counts c = ask(fs);
		EXPECT_GE(c.driver(o.op).sent, 1) << c.text();
		EXPECT_EQ(c.driver(o.op).hit + c.driver(o.op).upcall, 0) << c.text();
	}
	ASSERT_EQ(extfuse_attach(fs.ext()), 0);
	prime(fs);
	EXPECT_EQ(ask(fs).driver(o.op).sent, 0);
}

TEST_P(Matrix, FullMap)
{
	TestFs fs(config(Kind::Tiny));
	fill(fs);
	for (int pass = 0; pass < 3; pass++)
		for (int i = 0; i < objects; i++)
			EXPECT_EQ(act(fs, i), o.right(i)) << i;
	if (o.op != EXTFUSE_OP_STATFS) { // of which there is one
		EXPECT_GT(fs.counts().lib.evicted, 0) << fs.counts().text();
	}
	prime(fs); // it still takes what is new
}

INSTANTIATE_TEST_SUITE_P(Operations, Matrix, testing::ValuesIn(operations),
			 [](const auto &i) { return i.param.name; });

// ---------------------------------------------------------------------------
// Requests that nobody waits for; of WRITE in change_path_test.cpp, of RELEASE above.

TEST(Background, ReadAheadAsksTheHandler)
{
	Refuse handler;
	refuse_orders &orders = handler.skeleton->data->orders;
	Config with;
	with.handler_link = bpf_link__fd(handler.link);
	TestFs fs(with);
	const std::string data(1 << 20, 'd');
	fs.store.add_file("file", data);
	EXPECT_EQ(sys::read_file(fs.path("file")), data);
	sys::drop_pages();
	orders.op = EXTFUSE_OP_READ;
	orders.ret = EXTFUSE_UPCALL;
	Counts c = during(fs, [&] { EXPECT_EQ(sys::read_file(fs.path("file")), data); });
	EXPECT_GT(orders.background, 0U) << c.text();
	EXPECT_EQ(orders.calls, c.sent(Op::Read)) << c.text();

	// An error of it is nobody's; who wants the page asks again.
	const sys::Fd fd(sys::open(fs.path("file"), O_RDONLY));
	sys::drop_pages();
	orders.ret = -EIO;
	c = during(fs, [&] { EXPECT_EQ(sys::read_at(fd, 100, 0), "error -5"); });
	EXPECT_EQ(c.sent(Op::Read), 0) << c.text();
	orders.op = EXTFUSE_OP_COUNT;
	EXPECT_EQ(sys::read_at(fd, data.size(), 0), data);
}

TEST(Background, ReadAheadIsAnsweredFromMaps)
{
	Config with;
	with.max_blocks = 16384; // 64 of them meet in one bucket of a small table often enough
	TestFs fs(with);
	const std::string data(256 << 10, 'd');
	fs.say.atime = false;
	fs.store.add_file("file", data);
	for (int i = 0; i < 2; i++) {
		EXPECT_EQ(sys::read_file(fs.path("file")), data);
		sys::drop_pages();
	}
	const Counts c = during(fs, [&] { EXPECT_EQ(sys::read_file(fs.path("file")), data); });
	EXPECT_EQ(c.sent(Op::Read), 0) << c.text();
	EXPECT_GE(c.driver(EXTFUSE_OP_READ).hit, 2) << c.text();
}

} // namespace extfuse_test
