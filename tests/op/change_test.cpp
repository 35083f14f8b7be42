// SPDX-License-Identifier: GPL-2.0-only
//
// WRITE, SETATTR and CREATE as a handler observes them: told before anything is sent,
// free to forbid it or to have more count as changed, not to answer.
#include "observer.hpp"

#include <sys/sysmacros.h>

#include <algorithm>
#include <functional>
#include <vector>

namespace extfuse_test
{

namespace
{

class Write : public Observed
{
protected:
	explicit Write(Config config = {}) : Observed(std::move(config)) {}

	int put(const std::string &data = "CON", uint64_t offset = 0, int flags = O_WRONLY)
	{
		const sys::Fd fd(sys::open(fs.path("file"), flags));
		return fd < 0 ? static_cast<int>(fd) : sys::pwrite(fd, data, offset);
	}
};

// Where the kernel does not drop pages by itself when the time of change moves.
class WritePages : public Write
{
protected:
	WritePages() : Write(no_auto_inval()) {}

private:
	static Config no_auto_inval()
	{
		Config c;
		c.auto_inval_data = false;
		return c;
	}
};

class Setattr : public Observed
{
};

// A daemon to which OPEN is not a way to truncate.
class SetattrAfterOpen : public Observed
{
protected:
	SetattrAfterOpen() : Observed(no_atomic_o_trunc()) {}

private:
	static Config no_atomic_o_trunc()
	{
		Config c;
		c.atomic_o_trunc = false;
		return c;
	}
};

class Create : public Observed
{
};

} // namespace

// ---------------------------------------------------------------------------
// WRITE

TEST_F(Write, GoesOnAndIsToldWhat)
{
	sys::Fd fd(sys::open(fs.path("file"), O_RDWR | O_APPEND));
	const uint64_t before = token(file);
	const Counts c = during(fs, [&] { EXPECT_EQ(write(fd, "12345", 5), 5); });
	EXPECT_EQ(c.sent(Op::Write), 1) << c.text();
	EXPECT_EQ(c.driver(EXTFUSE_OP_WRITE).upcall, 1) << c.text();
	EXPECT_EQ(c.driver(EXTFUSE_OP_WRITE).sent, 1) << c.text();
	EXPECT_EQ(fs.store.content("file"), "content12345");
	EXPECT_EQ(seen.calls[EXTFUSE_OP_WRITE], 1);
	EXPECT_EQ(seen.write.nodeid, file);
	EXPECT_EQ(seen.write.word, before);
	EXPECT_EQ(seen.write.offset, 7);
	EXPECT_EQ(seen.write.size, 5);
	EXPECT_EQ(seen.write.op, EXTFUSE_OP_WRITE);
	EXPECT_EQ(seen.write.flags, 0);
	EXPECT_EQ(seen.write.mode, 0);
	EXPECT_EQ(seen.write.file_flags & (O_ACCMODE | O_APPEND), O_RDWR | O_APPEND);
	EXPECT_EQ(seen.write.caller.uid, 0);
	EXPECT_EQ(seen.write.caller.pid, getpid());
	EXPECT_EQ(seen.write.caller.flags, EXTFUSE_CALLER_CURRENT);
}

TEST_F(Write, Denied)
{
	const sys::Fd fd(sys::open(fs.path("file"), O_WRONLY));
	expect_denied(EXTFUSE_OP_WRITE, [&] { return sys::pwrite(fd, "CON", 0); });
	expect_denied(EXTFUSE_OP_WRITE,
		      [&] { return sys::pwrite(fd, std::string(10000, 'x'), 4096); });
	EXPECT_EQ(fs.store.content("file"), "content");
	// Nothing of it is in the page cache.
	EXPECT_EQ(sys::read_file(fs.path("file")), "content");
	EXPECT_EQ(put(), 3);
	EXPECT_EQ(sys::read_file(fs.path("file")), "CONtent");
}

TEST_F(Write, NonsenseGoesOn)
{
	expect_invalid(EXTFUSE_OP_WRITE, [&] { return put(); });
	EXPECT_EQ(fs.store.content("file"), "CONtent");
}

TEST_F(Write, DeniedByUser)
{
	fs.store.add_file("open", "content", 0666);
	order(EXTFUSE_OP_WRITE, -EACCES);
	orders.by_uid = 1;
	orders.uid = 1001;
	const auto write_as = [&](uid_t uid) {
		return sys::as_user(uid, [&] {
			return sys::write_file(fs.path("open"), "x", O_WRONLY);
		});
	};
	EXPECT_EQ(write_as(1000), 0);
	EXPECT_EQ(write_as(1001), -EACCES);
	EXPECT_EQ(seen.write.caller.uid, 1001);
	EXPECT_EQ(seen.write.caller.gid, 1001);
	// Who writes counts, not who has opened.
	const sys::Fd fd(sys::open(fs.path("open"), O_WRONLY));
	EXPECT_EQ(sys::as_user(1001, [&] { return sys::pwrite(fd, "y", 0); }), -EACCES);
	EXPECT_EQ(sys::pwrite(fd, "y", 0), 1);
}

TEST_F(Write, NotAskedOnceDetached)
{
	order(EXTFUSE_OP_WRITE, -EACCES);
	const sys::Fd fd(sys::open(fs.path("file"), O_WRONLY));
	EXPECT_EQ(sys::pwrite(fd, "1", 0), -EACCES);
	observer.detach();
	EXPECT_EQ(sys::pwrite(fd, "2", 0), 1);
	EXPECT_EQ(fs.store.content("file"), "2ontent");
}

// One that is on its way when the handler goes away.
TEST_F(Write, DetachedInBetween)
{
	auto held = fs.hold(Op::Write, Stage::Arrived);
	order(EXTFUSE_OP_WRITE, EXTFUSE_UPCALL, EXTFUSE_CHANGE_INVALIDATE | EXTFUSE_CHANGE_PAGES);
	auto writer = sys::in_background([&] { return put(); });
	ASSERT_TRUE(held.wait());
	EXPECT_EQ(xattr_token(file), 0); // in flight
	observer.detach();
	held.release();
	EXPECT_EQ(writer.get(), 3);
	EXPECT_NE(xattr_token(file), 0);
	EXPECT_TRUE(settled());
}

TEST_F(Write, Invalidates)
{
	const uint64_t xattr = xattr_token(file);
	EXPECT_EQ(put(), 3);
	EXPECT_EQ(xattr_token(file), xattr); // by itself it does not touch them
	order(EXTFUSE_OP_WRITE, EXTFUSE_UPCALL, EXTFUSE_CHANGE_INVALIDATE);
	EXPECT_EQ(put(), 3);
	EXPECT_NE(xattr_token(file), xattr);
	EXPECT_NE(xattr_token(file), 0);
}

// The daemon stores something else than was written.
TEST_F(WritePages, Dropped)
{
	const sys::Fd fd(sys::open(fs.path("file"), O_RDWR));
	const auto change = [&] {
		EXPECT_EQ(sys::read_at(fd, 100, 0).size(), 7);
		auto held = fs.hold(Op::Write, Stage::Done);
		auto writer = sys::in_background([&] { return sys::pwrite(fd, "abc", 0); });
		EXPECT_TRUE(held.wait());
		fs.store.replace_quietly(file, "ABCtent");
		held.release();
		EXPECT_EQ(writer.get(), 3);
	};
	change();
	EXPECT_EQ(sys::read_at(fd, 100, 0), "abctent"); // as on stock
	order(EXTFUSE_OP_WRITE, EXTFUSE_UPCALL, EXTFUSE_CHANGE_PAGES);
	change();
	EXPECT_EQ(sys::read_at(fd, 100, 0), "ABCtent");
}

// A page that is read while the request is on its way is dropped as well.
TEST_F(WritePages, DroppedIfReadMeanwhile)
{
	const sys::Fd fd(sys::open(fs.path("file"), O_RDWR));
	order(EXTFUSE_OP_WRITE, EXTFUSE_UPCALL, EXTFUSE_CHANGE_PAGES);
	fs.store.set_size(file, 8192);
	sys::stat(fs.path("file"));
	auto held = fs.hold(Op::Write, Stage::Arrived);
	auto writer =
		sys::in_background([&] { return sys::pwrite(fd, std::string(4096, 'n'), 0); });
	ASSERT_TRUE(held.wait());
	EXPECT_EQ(sys::read_at(fd, 7, 0), "content");
	held.release();
	EXPECT_EQ(writer.get(), 4096);
	EXPECT_EQ(sys::read_at(fd, 7, 0), "nnnnnnn");
}

TEST_F(Write, FallocateAndCopy)
{
	fs.store.add_file("from", std::string(8192, 'f'));
	const sys::Fd from(sys::open(fs.path("from"), O_RDONLY));
	const sys::Fd fd(sys::open(fs.path("file"), O_RDWR));
	const auto allocate = [&] { return sys::result(fallocate(fd, 0, 100, 50)); };
	const auto copy = [&] {
		off_t in = 10, out = 20;
		return sys::result(copy_file_range(from, &in, fd, &out, 30, 0));
	};
	EXPECT_EQ(allocate(), 0);
	EXPECT_EQ(seen.write.offset, 100);
	EXPECT_EQ(seen.write.size, 50);
	EXPECT_EQ(seen.write.flags, EXTFUSE_WRITE_FALLOCATE);
	EXPECT_EQ(copy(), 30);
	EXPECT_EQ(seen.write.nodeid, file);
	EXPECT_EQ(seen.write.offset, 20);
	EXPECT_EQ(seen.write.size, 30);
	EXPECT_EQ(seen.write.flags, EXTFUSE_WRITE_COPY);
	const std::string before = fs.store.content("file");
	expect_denied(EXTFUSE_OP_WRITE, allocate);
	expect_denied(EXTFUSE_OP_WRITE, copy);
	EXPECT_EQ(fs.store.content("file"), before);
	const Counts c = during(fs, [&] {
		order(EXTFUSE_OP_WRITE, -EROFS);
		EXPECT_EQ(copy(), -EROFS);
		EXPECT_EQ(allocate(), -EROFS);
	});
	EXPECT_EQ(c.sent(Op::CopyFileRange) + c.sent(Op::Fallocate) + c.sent(Op::Write), 0);
	quiet();
	order(EXTFUSE_OP_WRITE, EXTFUSE_UPCALL, EXTFUSE_CHANGE_INVALIDATE);
	const uint64_t xattr = xattr_token(file);
	EXPECT_EQ(copy(), 30);
	EXPECT_NE(xattr_token(file), xattr); // of the one that was written to
}

// ---------------------------------------------------------------------------
// SETATTR

TEST_F(Setattr, IsToldWhat)
{
	const std::string path = fs.path("file");
	EXPECT_EQ(sys::chmod(path, 0640), 0);
	EXPECT_EQ(seen.setattr.nodeid, file);
	EXPECT_EQ(seen.setattr.valid, EXTFUSE_SET_MODE);
	EXPECT_EQ(seen.setattr.mode & 07777, 0640);
	EXPECT_EQ(seen.setattr.op, EXTFUSE_OP_SETATTR);
	EXPECT_EQ(seen.setattr.flags, 0);
	EXPECT_EQ(seen.setattr.caller.flags, EXTFUSE_CALLER_CURRENT);

	EXPECT_EQ(sys::chown(path, 1000, 1001), 0);
	EXPECT_EQ(seen.setattr.valid & (EXTFUSE_SET_UID | EXTFUSE_SET_GID),
		  EXTFUSE_SET_UID | EXTFUSE_SET_GID);
	EXPECT_EQ(seen.setattr.uid, 1000);
	EXPECT_EQ(seen.setattr.gid, 1001);

	EXPECT_EQ(sys::truncate(path, 3), 0);
	EXPECT_EQ(seen.setattr.valid & EXTFUSE_SET_SIZE, EXTFUSE_SET_SIZE);
	EXPECT_EQ(seen.setattr.size, 3);

	const timespec times[2] = {{100, 1}, {200, 2}};
	EXPECT_EQ(utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
	EXPECT_EQ(seen.setattr.valid & (EXTFUSE_SET_ATIME | EXTFUSE_SET_MTIME |
					EXTFUSE_SET_ATIME_NOW | EXTFUSE_SET_MTIME_NOW),
		  EXTFUSE_SET_ATIME | EXTFUSE_SET_MTIME);
	EXPECT_EQ(seen.setattr.atime, 100);
	EXPECT_EQ(seen.setattr.atimensec, 1);
	EXPECT_EQ(seen.setattr.mtime, 200);
	EXPECT_EQ(seen.setattr.mtimensec, 2);
	EXPECT_EQ(utimensat(AT_FDCWD, path.c_str(), nullptr, 0), 0);
	EXPECT_NE(seen.setattr.valid & EXTFUSE_SET_MTIME_NOW, 0);
	EXPECT_EQ(seen.calls[EXTFUSE_OP_SETATTR], 5);
}

TEST_F(Setattr, Denied)
{
	const std::string path = fs.path("file");
	const sys::Fd fd(sys::open(path, O_WRONLY));
	expect_denied(EXTFUSE_OP_SETATTR, [&] { return sys::chmod(path, 0600); });
	expect_denied(EXTFUSE_OP_SETATTR, [&] { return sys::chown(path, 1000, 1000); });
	expect_denied(EXTFUSE_OP_SETATTR, [&] { return sys::truncate(path, 1); });
	expect_denied(EXTFUSE_OP_SETATTR, [&] { return sys::result(ftruncate(fd, 100)); });
	const struct stat st = sys::attr(path);
	EXPECT_EQ(st.st_mode & 07777, 0644U);
	EXPECT_EQ(st.st_uid, 0U);
	EXPECT_EQ(st.st_size, 7);
	EXPECT_EQ(fs.sent(Op::Setattr), 0U);
	EXPECT_EQ(sys::read_file(path), "content");
	// And it can be changed afterwards: nothing is held.
	EXPECT_EQ(sys::truncate(path, 2), 0);
	EXPECT_EQ(sys::read_file(path), "co");
}

TEST_F(Setattr, NonsenseGoesOn)
{
	expect_invalid(EXTFUSE_OP_SETATTR, [&] { return sys::chmod(fs.path("file"), 0600); });
	EXPECT_EQ(sys::attr(fs.path("file")).st_mode & 07777, 0600U);
}

TEST_F(Setattr, DeniedByUser)
{
	fs.store.add_file("his", "x", 0666, {1001, 1001});
	fs.store.add_file("hers", "x", 0666, {1002, 1002});
	order(EXTFUSE_OP_SETATTR, -EPERM);
	orders.by_uid = 1;
	orders.uid = 1001;
	EXPECT_EQ(sys::as_user(1001, [&] { return sys::chmod(fs.path("his"), 0600); }), -EPERM);
	EXPECT_EQ(sys::as_user(1002, [&] { return sys::chmod(fs.path("hers"), 0600); }), 0);
	EXPECT_EQ(fs.sent(Op::Setattr), 1U);
}

TEST_F(Setattr, NotAskedOnceDetached)
{
	order(EXTFUSE_OP_SETATTR, -EACCES);
	EXPECT_EQ(sys::chmod(fs.path("file"), 0600), -EACCES);
	observer.detach();
	EXPECT_EQ(sys::chmod(fs.path("file"), 0600), 0);
}

TEST_F(Setattr, DropsPages)
{
	const sys::Fd fd(sys::open(fs.path("file"), O_RDONLY));
	EXPECT_EQ(sys::read_at(fd, 100, 0), "content");
	fs.store.replace_quietly(file, "CONTENT");
	EXPECT_EQ(sys::chmod(fs.path("file"), 0600), 0);
	EXPECT_EQ(sys::read_at(fd, 100, 0), "content");
	order(EXTFUSE_OP_SETATTR, EXTFUSE_UPCALL, EXTFUSE_CHANGE_PAGES);
	EXPECT_EQ(sys::chmod(fs.path("file"), 0644), 0);
	EXPECT_EQ(sys::read_at(fd, 100, 0), "CONTENT");
}

// OPEN itself truncates.
TEST_F(Setattr, TruncatingOpen)
{
	const auto open = [&] {
		const sys::Fd fd(sys::open(fs.path("file"), O_WRONLY | O_TRUNC));
		return fd < 0 ? static_cast<int>(fd) : 0;
	};
	const Counts c = during(fs, [&] {
		order(EXTFUSE_OP_SETATTR, -EROFS);
		EXPECT_EQ(open(), -EROFS);
	});
	EXPECT_EQ(c.sent(Op::Open), 0) << c.text();
	expect_denied(EXTFUSE_OP_SETATTR, open);
	EXPECT_EQ(fs.store.content("file"), "content");
	EXPECT_EQ(fs.handles(), 0U);
	EXPECT_EQ(seen.setattr.nodeid, file);
	EXPECT_EQ(seen.setattr.flags, EXTFUSE_SETATTR_OPEN);
	EXPECT_EQ(seen.setattr.valid & EXTFUSE_SET_SIZE, EXTFUSE_SET_SIZE);
	EXPECT_EQ(seen.setattr.size, 0);
	const uint32_t calls = seen.calls[EXTFUSE_OP_SETATTR];
	EXPECT_EQ(open(), 0);
	EXPECT_EQ(seen.calls[EXTFUSE_OP_SETATTR], calls + 1);
	EXPECT_EQ(fs.store.content("file"), "");
	// Others are none of its business.
	EXPECT_EQ(sys::write_file(fs.path("file"), "x", O_WRONLY), 0);
	EXPECT_EQ(seen.calls[EXTFUSE_OP_SETATTR], calls + 1);
}

TEST_F(Setattr, TruncatingOpenInvalidates)
{
	const auto open = [&] {
		const sys::Fd fd(sys::open(fs.path("file"), O_WRONLY | O_TRUNC));
		return fd < 0 ? static_cast<int>(fd) : 0;
	};
	const uint64_t before = xattr_token(file);
	EXPECT_EQ(open(), 0);
	EXPECT_EQ(xattr_token(file), before);
	order(EXTFUSE_OP_SETATTR, EXTFUSE_UPCALL, EXTFUSE_CHANGE_INVALIDATE);
	auto held = fs.hold(Op::Open, Stage::Arrived);
	auto opener = sys::in_background(open);
	ASSERT_TRUE(held.wait());
	EXPECT_EQ(xattr_token(file), 0U); // in flight
	held.release();
	EXPECT_EQ(opener.get(), 0);
	EXPECT_NE(xattr_token(file), 0U);
	EXPECT_NE(xattr_token(file), before);
}

TEST_F(SetattrAfterOpen, TruncatingOpenIsTwoRequests)
{
	const auto open = [&] {
		const sys::Fd fd(sys::open(fs.path("file"), O_WRONLY | O_TRUNC));
		return fd < 0 ? static_cast<int>(fd) : 0;
	};
	order(EXTFUSE_OP_SETATTR, -EDQUOT);
	EXPECT_EQ(open(), -EDQUOT);
	EXPECT_EQ(seen.calls[EXTFUSE_OP_SETATTR], 1U);
	EXPECT_EQ(seen.setattr.flags, 0U);
	EXPECT_EQ(seen.setattr.valid & EXTFUSE_SET_SIZE, EXTFUSE_SET_SIZE);
	EXPECT_EQ(fs.store.content("file"), "content");
	quiet();
	EXPECT_EQ(open(), 0);
	EXPECT_EQ(fs.store.content("file"), "");
}

// ---------------------------------------------------------------------------
// CREATE and its kind

TEST_F(Create, IsToldWhat)
{
	umask(022);
	const auto expect = [&](extfuse_create_kind kind, const std::string &name, mode_t mode) {
		SCOPED_TRACE(name);
		EXPECT_EQ(seen.create.kind, kind);
		EXPECT_EQ(seen.create.mode, mode);
		EXPECT_EQ(seen.create.entry.parent, Store::root);
		EXPECT_EQ(seen.create.entry.name_len, name.size());
		EXPECT_EQ(seen.name_copied, static_cast<int>(name.size()));
		EXPECT_EQ(memcmp(seen.name, name.data(), name.size()), 0);
		EXPECT_EQ(memcmp(seen.create.entry.name, name.data(),
				 std::min<size_t>(name.size(), EXTFUSE_NAME_INLINE)),
			  0);
		EXPECT_EQ(seen.create.entry.op, EXTFUSE_OP_CREATE);
		EXPECT_EQ(seen.create.entry.caller.flags, EXTFUSE_CALLER_CURRENT);
	};
	EXPECT_EQ(sys::write_file(fs.path("new"), "x"), 0);
	expect(EXTFUSE_CREATE_FILE, "new", S_IFREG | 0644);
	EXPECT_EQ(seen.create.umask, 022);
	EXPECT_EQ(seen.create.file_flags & O_ACCMODE, O_WRONLY);
	EXPECT_EQ(sys::result(mknod(fs.path("dev").c_str(), S_IFCHR | 0600, makedev(5, 1))), 0);
	expect(EXTFUSE_CREATE_NODE, "dev", S_IFCHR | 0600);
	EXPECT_EQ(seen.create.rdev, 5 << 8 | 1);
	EXPECT_EQ(sys::mkdir(fs.path("a directory"), 0750), 0);
	expect(EXTFUSE_CREATE_DIR, "a directory", S_IFDIR | 0750);
	EXPECT_EQ(sys::symlink("to", fs.path("symlink")), 0);
	expect(EXTFUSE_CREATE_SYMLINK, "symlink", S_IFLNK | 0777);
	EXPECT_EQ(seen.create.entry.nodeid, 0);
	EXPECT_EQ(sys::link(fs.path("file"), fs.path("link")), 0);
	expect(EXTFUSE_CREATE_LINK, "link", 0);
	EXPECT_EQ(seen.create.entry.nodeid, file);
	EXPECT_EQ(seen.calls[EXTFUSE_OP_CREATE], 5);
	EXPECT_EQ(sys::as_user(1000, 1000, {5}, [&] { return sys::mkdir(fs.path("no")); }),
		  -EACCES); // the kernel's: nobody is asked
	EXPECT_EQ(seen.calls[EXTFUSE_OP_CREATE], 5);
}

TEST_F(Create, GroupsOfTheCaller)
{
	fs.store.add_dir("all", 0777);
	for (const std::vector<gid_t> &groups : {std::vector<gid_t>{}, {5}, {4, 6}, {4, 5, 6}}) {
		const bool member = std::find(groups.begin(), groups.end(), 5) != groups.end();
		EXPECT_EQ(sys::as_user(1000, 1000, groups,
				       [&] {
					       return sys::mkdir(fs.path(
						       "all/" + std::to_string(groups.size())));
				       }),
			  0);
		EXPECT_EQ(seen.in_group, member) << groups.size();
	}
}

TEST_F(Create, Denied)
{
	const std::string path = fs.path("new");
	const std::vector<std::function<int()>> ways = {
		[&] { return sys::write_file(path, "x"); },
		[&] { return sys::write_file(path, "x", O_CREAT | O_EXCL | O_WRONLY); },
		[&] { return sys::write_file(path, "x", O_CREAT | O_TRUNC | O_WRONLY); },
		[&] { return sys::result(mknod(path.c_str(), S_IFIFO | 0600, 0)); },
		[&] { return sys::mkdir(path); },
		[&] { return sys::symlink("to", path); },
		[&] { return sys::link(fs.path("file"), path); },
		[&] { return sys::open(fs.path(), O_TMPFILE | O_RDWR); },
	};
	for (size_t i = 0; i < ways.size(); i++) {
		SCOPED_TRACE(i);
		expect_denied(EXTFUSE_OP_CREATE, ways[i]);
		EXPECT_EQ(sys::stat(path), -ENOENT);
		EXPECT_EQ(fs.handles(), 0U);
	}
	for (Op op : {Op::Create, Op::Mknod, Op::Mkdir, Op::Symlink, Op::Link})
		EXPECT_EQ(fs.sent(op), 0U) << op_name(op);
	// The name is as free as before.
	for (size_t i = 0; i + 1 < ways.size(); i++) {
		SCOPED_TRACE(i);
		EXPECT_EQ(ways[i](), 0);
		EXPECT_EQ(i == 4 ? sys::rmdir(path) : sys::unlink(path), 0);
	}
}

TEST_F(Create, NonsenseGoesOn)
{
	int n = 0;
	expect_invalid(EXTFUSE_OP_CREATE,
		       [&] { return sys::mkdir(fs.path("d" + std::to_string(n++))); });
	expect_invalid(EXTFUSE_OP_CREATE,
		       [&] { return sys::write_file(fs.path("f" + std::to_string(n++)), "x"); });
}

TEST_F(Create, DeniedByName)
{
	for (size_t size : {1, 7, 8, 31, 32, 33, 255}) {
		SCOPED_TRACE(size);
		const std::string name(size, 'n'), other = name.substr(1) + 'o';
		order(EXTFUSE_OP_CREATE, -EPERM);
		order_name(name);
		EXPECT_EQ(sys::mkdir(fs.path(name)), -EPERM);
		EXPECT_EQ(sys::write_file(fs.path(name), "x"), -EPERM);
		EXPECT_EQ(sys::mkdir(fs.path(other)), 0);
		EXPECT_EQ(seen.create.entry.name_len, size);
	}
}

// Longer than what a lookup is answered for: a policy is not passed by.
TEST_F(Create, LongNames)
{
	for (size_t size : {256, 300, 1000, 1024}) {
		SCOPED_TRACE(size);
		const std::string name(size, 'l');
		order(EXTFUSE_OP_CREATE, -EPERM);
		order_name(name);
		EXPECT_EQ(sys::mkdir(fs.path(name)), -EPERM);
		EXPECT_EQ(seen.create.entry.name_len, size);
		EXPECT_EQ(seen.name_copied, static_cast<int>(size));
	}
}

TEST_F(Create, NotAskedOnceDetached)
{
	order(EXTFUSE_OP_CREATE, -EACCES);
	EXPECT_EQ(sys::mkdir(fs.path("dir")), -EACCES);
	observer.detach();
	EXPECT_EQ(sys::mkdir(fs.path("dir")), 0);
}

TEST_F(Create, InvalidatesTheDirectory)
{
	const auto names = [&] {
		return extfuse_token_entry(fs.ext(), Store::root, "another").word;
	};
	const uint64_t before = names();
	EXPECT_EQ(sys::mkdir(fs.path("one")), 0);
	EXPECT_EQ(names(), before);
	order(EXTFUSE_OP_CREATE, EXTFUSE_UPCALL, EXTFUSE_CHANGE_INVALIDATE);
	EXPECT_EQ(sys::mkdir(fs.path("two")), 0);
	EXPECT_NE(names(), before);
	EXPECT_NE(names(), 0);
}

// Nor is a name answered from its dentry.
TEST_F(Create, InvalidatesWhatIsRemembered)
{
	const auto absent = [&] { EXPECT_EQ(sys::stat(fs.path("._one")), -ENOENT); };
	absent();
	absent();
	Counts c = during(fs, absent);
	EXPECT_EQ(c.driver(EXTFUSE_OP_LOOKUP).warm, 1) << c.text();
	EXPECT_EQ(sys::mkdir(fs.path("one")), 0);
	c = during(fs, absent);
	EXPECT_EQ(c.driver(EXTFUSE_OP_LOOKUP).warm, 1) << c.text();
	order(EXTFUSE_OP_CREATE, EXTFUSE_UPCALL, EXTFUSE_CHANGE_INVALIDATE);
	EXPECT_EQ(sys::mkdir(fs.path("two")), 0);
	c = during(fs, absent);
	EXPECT_EQ(c.driver(EXTFUSE_OP_LOOKUP).warm, 0) << c.text();
	EXPECT_EQ(c.driver(EXTFUSE_OP_LOOKUP).hit, 1) << c.text();
}

// ---------------------------------------------------------------------------
// Whom to ask changes while the mount lives

namespace
{

class Updated : public Observed
{
protected:
	void update(bpf_map *map)
	{
		ASSERT_EQ(bpf_link__update_map(observer.link, map), 0);
	}
	// Which of a write, a chmod and a mkdir are forbidden when all are to be.
	std::string denied()
	{
		std::string all;
		const auto deny = [&](extfuse_op op, const char *name, auto &&change) {
			order(op, -EACCES);
			const int err = change();
			EXPECT_TRUE(err == 0 || err == -EACCES) << name << " " << err;
			if (err)
				all += name;
		};
		deny(EXTFUSE_OP_WRITE, "write ",
		     [&] { return sys::write_file(fs.path("file"), "x", O_WRONLY); });
		deny(EXTFUSE_OP_SETATTR, "setattr ",
		     [&] { return sys::chmod(fs.path("file"), 0600); });
		deny(EXTFUSE_OP_CREATE, "create ",
		     [&] { return sys::mkdir(fs.path(std::to_string(made_++))); });
		return all;
	}

private:
	int made_ = 0;
};

} // namespace

TEST_F(Updated, AskedFromThenOn)
{
	const auto &maps = observer.skeleton->maps;

	update(maps.blind);
	ASSERT_EQ(bind_handler(fs.device(), -1), 0);
	ASSERT_EQ(bind_handler(fs.device(), bpf_link__fd(observer.link)), 0);
	EXPECT_EQ(denied(), "");
	update(maps.observer);
	EXPECT_EQ(denied(), "write setattr create ");
	update(maps.blind);
	EXPECT_EQ(denied(), "");
}

TEST_F(Updated, AskedWhereItHasAProgram)
{
	const auto &maps = observer.skeleton->maps;

	update(maps.writes);
	EXPECT_EQ(denied(), "write ");
	update(maps.attributes);
	EXPECT_EQ(denied(), "setattr ");
	update(maps.names);
	EXPECT_EQ(denied(), "create ");
}

TEST(Observers, AskedAsSoonAsOneIsBound)
{
	TestFs fs;
	Observer observer;
	observer_orders &orders = observer.skeleton->bss->orders;

	orders.op = EXTFUSE_OP_CREATE;
	orders.ret = -EPERM;
	EXPECT_EQ(sys::mkdir(fs.path("before")), 0);
	ASSERT_EQ(bind_handler(fs.device(), bpf_link__fd(observer.link)), 0);
	EXPECT_EQ(sys::mkdir(fs.path("bound")), -EPERM);
	ASSERT_EQ(bind_handler(fs.device(), -1), 0);
	EXPECT_EQ(sys::mkdir(fs.path("after")), 0);
}

} // namespace extfuse_test
