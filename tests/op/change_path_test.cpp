// SPDX-License-Identifier: GPL-2.0-only
//
// The ways on which a write reaches a file: an observer is on each of them, also where
// nobody waits, and where there is no request.
#include "observer.hpp"

#include <linux/aio_abi.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

namespace extfuse_test
{

namespace
{

Config with(bool Config::*option)
{
	Config c;
	c.*option = true;
	return c;
}

constexpr size_t page = 4096;

class Mapping
{
public:
	Mapping(int fd, int protection, int flags)
		: start_(mmap(nullptr, page, protection, flags, fd, 0)),
		  error_(start_ == MAP_FAILED ? errno : 0)
	{
	}
	Mapping(const Mapping &) = delete;
	Mapping &operator=(const Mapping &) = delete;
	~Mapping()
	{
		if (!error_)
			munmap(start_, page);
	}
	int error() const
	{
		return error_;
	}
	char *data() const
	{
		return static_cast<char *>(start_);
	}

private:
	void *start_;
	int error_;
};

// One write, submitted and waited for. Result as of the event.
long submit(int fd, const void *data, size_t size, long offset)
{
	aio_context_t context = 0;
	if (syscall(SYS_io_setup, 1, &context) < 0)
		return -errno;
	iocb cb = {};
	cb.aio_lio_opcode = IOCB_CMD_PWRITE;
	cb.aio_fildes = static_cast<uint32_t>(fd);
	cb.aio_buf = reinterpret_cast<uint64_t>(data);
	cb.aio_nbytes = size;
	cb.aio_offset = offset;
	iocb *all[] = {&cb};
	io_event event = {};
	long result = -EIO;
	if (syscall(SYS_io_submit, context, 1, all) != 1)
		result = -errno;
	else if (syscall(SYS_io_getevents, context, 1, 1, &event, nullptr) == 1)
		result = static_cast<long>(event.res);
	syscall(SYS_io_destroy, context);
	return result;
}

class WriteThrough : public Observed
{
};

class WriteDirect : public Observed
{
protected:
	WriteDirect() : Observed(with(&Config::direct_io)) {}
};

class WriteBack : public Observed
{
protected:
	WriteBack() : Observed(with(&Config::writeback)) {}
};

class WriteBacking : public Observed
{
protected:
	WriteBacking() : Observed(with(&Config::passthrough))
	{
		lower = sys::Fd(sys::open("/tmp", O_TMPFILE | O_RDWR, 0600));
		EXPECT_EQ(sys::pwrite(lower, "lower", 0), 5);
		EXPECT_EQ(extfuse_register_backing(fs.ext(), file, lower,
						   extfuse_token_node(fs.ext(), file), 0),
			  0);
		fd = sys::Fd(sys::open(fs.path("file"), O_RDWR));
		EXPECT_EQ(sys::read_at(fd, 100, 0), "lower");
	}

	std::string below() const
	{
		return sys::read_at(lower, 1000, 0);
	}
	// Nothing has reached the daemon in place of the file.
	void TearDown() override
	{
		for (Op op : {Op::Write, Op::Fallocate, Op::CopyFileRange})
			EXPECT_EQ(fs.sent(op), 0U) << op_name(op);
		EXPECT_EQ(fs.store.content("file"), "content");
	}

	sys::Fd lower, fd;
};

} // namespace

// ---------------------------------------------------------------------------

TEST_F(WriteDirect, OnceForEachRequest)
{
	const sys::Fd fd(sys::open(fs.path("file"), O_RDWR));
	expect_denied(EXTFUSE_OP_WRITE, [&] { return sys::pwrite(fd, "CON", 0); });
	EXPECT_EQ(fs.sent(Op::Write), 0U);
	const std::string large(3 << 20, 'x'); // some requests
	const Counts c = during(fs, [&] {
		EXPECT_EQ(sys::pwrite(fd, large, 0), static_cast<int>(large.size()));
	});
	EXPECT_GT(c.sent(Op::Write), 1U);
	EXPECT_EQ(c.driver(EXTFUSE_OP_WRITE).upcall, c.sent(Op::Write)) << c.text();
	EXPECT_EQ(c.driver(EXTFUSE_OP_WRITE).sent, c.sent(Op::Write)) << c.text();
	EXPECT_EQ(seen.write.offset + seen.write.size, large.size());
}

TEST_F(WriteDirect, NonsenseGoesOn)
{
	const sys::Fd fd(sys::open(fs.path("file"), O_RDWR));
	expect_invalid(EXTFUSE_OP_WRITE, [&] { return sys::pwrite(fd, "CON", 0); });
}

// Sent in background: nobody waits for the request.
TEST_F(WriteThrough, Asynchronous)
{
	const sys::Fd fd(sys::open(fs.path("file"), O_RDWR | O_DIRECT));
	fs.store.set_size(file, 3 * page);
	sys::stat(fs.path("file"));
	alignas(page) static char data[page];
	memset(data, 'a', page);
	const auto write = [&] { return static_cast<int>(submit(fd, data, page, page)); };
	EXPECT_EQ(write(), static_cast<int>(page));
	EXPECT_EQ(seen.calls[EXTFUSE_OP_WRITE], 1U);
	EXPECT_EQ(seen.write.flags, EXTFUSE_WRITE_BACKGROUND);
	EXPECT_EQ(seen.write.offset, page);
	EXPECT_EQ(seen.write.caller.uid, 0U);
	EXPECT_EQ(seen.write.caller.flags, EXTFUSE_CALLER_CURRENT);
	EXPECT_EQ(fs.store.content("file").substr(page, page), std::string(page, 'a'));
	memset(data, 'b', page);
	expect_denied(EXTFUSE_OP_WRITE, write);
	EXPECT_EQ(fs.store.content("file").substr(page, page), std::string(page, 'a'));
	EXPECT_EQ(fs.sent(Op::Write), 1U);
	expect_invalid(EXTFUSE_OP_WRITE, write);
}

// A shared mapping, written back when it is synchronised.
TEST_F(WriteThrough, MappedPages)
{
	const sys::Fd fd(sys::open(fs.path("file"), O_RDWR));
	const Mapping map(fd, PROT_READ | PROT_WRITE, MAP_SHARED);
	ASSERT_EQ(map.error(), 0);
	map.data()[0] = '1';
	EXPECT_EQ(msync(map.data(), page, MS_SYNC), 0);
	EXPECT_EQ(seen.write.flags, EXTFUSE_WRITE_WRITEBACK | EXTFUSE_WRITE_BACKGROUND);
	EXPECT_EQ(fs.store.content("file"), "1ontent");
	for (int error : denials) {
		order(EXTFUSE_OP_WRITE, -error);
		map.data()[0] = '2';
		EXPECT_EQ(sys::result(msync(map.data(), page, MS_SYNC)), -error);
	}
	quiet();
	EXPECT_EQ(fs.store.content("file"), "1ontent");
	map.data()[0] = '3';
	EXPECT_EQ(msync(map.data(), page, MS_SYNC), 0);
	EXPECT_EQ(fs.store.content("file"), "3ontent");
	EXPECT_TRUE(settled());
}

TEST_F(WriteBack, GoesOn)
{
	const sys::Fd fd(sys::open(fs.path("file"), O_RDWR));
	const Counts c = during(fs, [&] {
		EXPECT_EQ(sys::pwrite(fd, "CON", 0), 3);
		EXPECT_EQ(seen.calls[EXTFUSE_OP_WRITE], 0U);
		EXPECT_EQ(fsync(fd), 0);
	});
	EXPECT_EQ(c.sent(Op::Write), 1) << c.text();
	EXPECT_EQ(c.driver(EXTFUSE_OP_WRITE).upcall, 1) << c.text();
	EXPECT_EQ(fs.store.content("file"), "CONtent");
	EXPECT_EQ(seen.write.flags, EXTFUSE_WRITE_WRITEBACK | EXTFUSE_WRITE_BACKGROUND);
	EXPECT_EQ(seen.write.file_flags, 0U);
	EXPECT_EQ(seen.write.size, 7U);
	EXPECT_EQ(seen.write.caller.uid, EXTFUSE_NO_ID);
	EXPECT_EQ(seen.write.caller.gid, EXTFUSE_NO_ID);
	EXPECT_EQ(seen.write.caller.flags, 0U);
}

// The write was accepted: the error is fsync's, once.
TEST_F(WriteBack, DenialIsReportedByFsync)
{
	const sys::Fd fd(sys::open(fs.path("file"), O_RDWR));
	for (int error : denials) {
		SCOPED_TRACE(strerrorname_np(error));
		order(EXTFUSE_OP_WRITE, -error, EXTFUSE_CHANGE_INVALIDATE);
		orders.by_flags = EXTFUSE_WRITE_WRITEBACK;
		const Counts c = during(fs, [&] {
			EXPECT_EQ(sys::pwrite(fd, "CON", 0), 3);
			EXPECT_EQ(sys::result(fsync(fd)), -error);
			EXPECT_EQ(fsync(fd), 0);
		});
		EXPECT_EQ(c.sent(Op::Write), 0) << c.text();
		EXPECT_EQ(c.driver(EXTFUSE_OP_WRITE).error, 1) << c.text();
		EXPECT_TRUE(settled());
	}
	EXPECT_EQ(fs.store.content("file"), "content");
	// And by close, where fsync was not called.
	order(EXTFUSE_OP_WRITE, -EDQUOT);
	sys::Fd other(sys::open(fs.path("file"), O_RDWR));
	EXPECT_EQ(sys::pwrite(other, "CON", 0), 3);
	EXPECT_EQ(sys::result(::close(other.release())), -EIO);
	// Nothing is held: later writes are sent.
	quiet();
	EXPECT_EQ(sys::pwrite(fd, "con", 0), 3);
	EXPECT_EQ(sys::result(fsync(fd)), -EDQUOT); // whoever has it open is told once
	EXPECT_EQ(fsync(fd), 0);
	EXPECT_EQ(fs.store.content("file"), "content");
	EXPECT_EQ(sys::truncate(fs.path("file"), 2), 0);
	EXPECT_EQ(fs.store.content("file"), "co");
}

// Many pages, of which some are forbidden.
TEST_F(WriteBack, SomeAreDenied)
{
	constexpr int pages = 400;
	const sys::Fd fd(sys::open(fs.path("file"), O_RDWR));
	order(EXTFUSE_OP_WRITE, -EIO);
	orders.by_uid = 1;
	orders.uid = EXTFUSE_NO_ID; // nobody it is
	for (int i = 0; i < pages; i += 2)
		ASSERT_EQ(sys::pwrite(fd, "x", i * page), 1);
	EXPECT_EQ(sys::result(fsync(fd)), -EIO);
	EXPECT_EQ(fs.sent(Op::Write), 0U);
	quiet();
	for (int i = 0; i < pages; i += 2)
		ASSERT_EQ(sys::pwrite(fd, "y", i * page), 1);
	EXPECT_EQ(fsync(fd), 0);
	EXPECT_GE(fs.sent(Op::Write), static_cast<uint64_t>(pages) / 2);
	EXPECT_EQ(fs.store.content("file")[10 * page], 'y');
	EXPECT_TRUE(settled());
}

TEST_F(WriteBack, NonsenseGoesOn)
{
	const sys::Fd fd(sys::open(fs.path("file"), O_RDWR));
	expect_invalid(EXTFUSE_OP_WRITE, [&] {
		EXPECT_EQ(sys::pwrite(fd, "CON", 0), 3);
		return sys::result(fsync(fd));
	});
	EXPECT_EQ(fs.store.content("file"), "CONtent");
}

// ---------------------------------------------------------------------------
// To a registered file

TEST_F(WriteBacking, IsToldWhat)
{
	EXPECT_EQ(sys::pwrite(fd, "LO", 2), 2);
	EXPECT_EQ(below(), "loLOr");
	EXPECT_EQ(seen.calls[EXTFUSE_OP_WRITE], 1U);
	EXPECT_EQ(seen.write.nodeid, file);
	EXPECT_EQ(seen.write.offset, 2U);
	EXPECT_EQ(seen.write.size, 2U);
	EXPECT_EQ(seen.write.flags, EXTFUSE_WRITE_BACKING);
	EXPECT_EQ(seen.write.file_flags & O_ACCMODE, O_RDWR);
	EXPECT_EQ(seen.write.caller.flags, EXTFUSE_CALLER_CURRENT);
}

TEST_F(WriteBacking, AppendingIsToldWhere)
{
	const sys::Fd end(sys::open(fs.path("file"), O_WRONLY | O_APPEND));
	EXPECT_EQ(write(end, " end", 4), 4);
	EXPECT_EQ(seen.write.offset, 5U);
	EXPECT_EQ(write(end, "!", 1), 1);
	EXPECT_EQ(seen.write.offset, 9U);
	EXPECT_EQ(below(), "lower end!");
}

// By each call for itself, whatever the file was opened for.
TEST_F(WriteBacking, AppendingByTheCall)
{
	const sys::Fd end(sys::open(fs.path("file"), O_WRONLY | O_APPEND));
	char text[] = "LO";
	const iovec data = {text, 2};
	EXPECT_EQ(pwritev2(end, &data, 1, 0, RWF_NOAPPEND), 2) << strerror(errno);
	EXPECT_EQ(below(), "LOwer");
	EXPECT_EQ(seen.write.offset, 0U);
	EXPECT_EQ(pwritev2(fd, &data, 1, 0, RWF_APPEND), 2) << strerror(errno);
	EXPECT_EQ(below(), "LOwerLO");
	EXPECT_EQ(seen.write.offset, 5U);
}

TEST_F(WriteBacking, Denied)
{
	const sys::Fd from(sys::open("/tmp", O_TMPFILE | O_RDWR, 0600));
	ASSERT_EQ(sys::pwrite(from, "from", 0), 4);
	int ends[2];
	ASSERT_EQ(pipe(ends), 0);
	ASSERT_EQ(::write(ends[1], "pipe", 4), 4);
	const std::function<int()> ways[] = {
		[&] { return sys::pwrite(fd, "LO", 0); },
		[&] {
			off_t at = 0;
			lseek(fd, 0, SEEK_SET);
			return sys::result(sendfile(fd, from, &at, 4));
		},
		[&] { return sys::result(splice(ends[0], nullptr, fd, nullptr, 4, 0)); },
		[&] { return sys::result(fallocate(fd, 0, 0, 100)); },
		[&] {
			return sys::result(
				fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 2));
		},
		[&] {
			off_t in = 0, out = 0;
			const sys::Fd source(sys::open(fs.path("other"), O_RDONLY));
			return sys::result(copy_file_range(source, &in, fd, &out, 4, 0));
		},
	};
	fs.store.add_file("other", "other");
	for (const auto &way : ways)
		for (int error : denials) {
			SCOPED_TRACE(strerrorname_np(error));
			order(EXTFUSE_OP_WRITE, -error);
			const Counts c = during(fs, [&] { EXPECT_EQ(way(), -error); });
			quiet();
			EXPECT_EQ(c.driver(EXTFUSE_OP_WRITE).error, 1) << c.text();
			EXPECT_EQ(below(), "lower");
		}
	for (const auto &way : ways)
		EXPECT_GE(way(), 0);
	for (int end : ends)
		close(end);
}

// Neither its size nor its privileges can change: nothing but the observer is asked.
TEST_F(WriteBacking, DeniedWithinTheFile)
{
	observer.skeleton->bss->no_xattrs = 1;
	EXPECT_EQ(sys::pwrite(fd, "1", 1), 1);
	const Counts c = during(fs, [&] { EXPECT_EQ(sys::pwrite(fd, "2", 1), 1); });
	EXPECT_EQ(c.sent(Op::Getxattr) + c.served(EXTFUSE_OP_GETXATTR), 0) << c.text();
	EXPECT_EQ(seen.calls[EXTFUSE_OP_WRITE], 2U);
	for (int error : denials) {
		SCOPED_TRACE(strerrorname_np(error));
		order(EXTFUSE_OP_WRITE, -error);
		EXPECT_EQ(sys::pwrite(fd, "X", 2), -error);
		quiet();
		EXPECT_EQ(below(), "l2wer");
	}
	EXPECT_EQ(sys::pwrite(fd, "3", 2), 1);
	EXPECT_EQ(below(), "l23er");
}

TEST_F(WriteBacking, NonsenseGoesOn)
{
	for (int ret : nonsense) {
		order(EXTFUSE_OP_WRITE, ret);
		const Counts c = during(fs, [&] { EXPECT_EQ(sys::pwrite(fd, "LO", 0), 2); });
		EXPECT_EQ(c.driver(EXTFUSE_OP_WRITE).invalid, 1) << c.text();
	}
	order(EXTFUSE_OP_WRITE, EXTFUSE_UPCALL, 4);
	const Counts c = during(fs, [&] { EXPECT_EQ(sys::pwrite(fd, "LO", 0), 2); });
	EXPECT_EQ(c.driver(EXTFUSE_OP_WRITE).invalid, 1) << c.text();
	EXPECT_EQ(below(), "LOwer");
}

TEST_F(WriteBacking, FallocateIsToldWhat)
{
	EXPECT_EQ(fallocate(fd, FALLOC_FL_KEEP_SIZE, 5, 6), 0);
	EXPECT_EQ(seen.write.flags, EXTFUSE_WRITE_BACKING | EXTFUSE_WRITE_FALLOCATE);
	EXPECT_EQ(seen.write.mode, FALLOC_FL_KEEP_SIZE);
	EXPECT_EQ(seen.write.offset, 5U);
	EXPECT_EQ(seen.write.size, 6U);
}

TEST_F(WriteBacking, ByUserAndDetached)
{
	order(EXTFUSE_OP_WRITE, -EACCES);
	orders.by_uid = 1;
	orders.uid = 1001;
	const auto write = [&] { return sys::pwrite(fd, "LO", 0); };
	EXPECT_EQ(sys::as_user(1001, write), -EACCES);
	EXPECT_EQ(sys::as_user(1000, write), 2);
	observer.detach();
	EXPECT_EQ(sys::as_user(1001, write), 2);
}

TEST_F(WriteBacking, SharedMappings)
{
	order(EXTFUSE_OP_WRITE, -EACCES);
	orders.by_flags = EXTFUSE_WRITE_MAPPED;
	const sys::Fd reader(sys::open(fs.path("file"), O_RDONLY));
	EXPECT_EQ(Mapping(fd, PROT_READ | PROT_WRITE, MAP_SHARED).error(), EACCES);
	// It could be made writable.
	EXPECT_EQ(Mapping(fd, PROT_READ, MAP_SHARED).error(), EACCES);
	EXPECT_EQ(seen.calls[EXTFUSE_OP_WRITE], 2U);
	EXPECT_EQ(Mapping(fd, PROT_READ | PROT_WRITE, MAP_PRIVATE).error(), 0);
	EXPECT_EQ(Mapping(reader, PROT_READ, MAP_SHARED).error(), 0);
	EXPECT_EQ(seen.calls[EXTFUSE_OP_WRITE], 2U);
	// A mapping that was forbidden does not count as one that may write.
	EXPECT_EQ(sys::pwrite(fd, "LO", 0), 2);
	quiet();
	const Mapping map(fd, PROT_READ | PROT_WRITE, MAP_SHARED);
	ASSERT_EQ(map.error(), 0);
	EXPECT_EQ(seen.write.flags, EXTFUSE_WRITE_BACKING | EXTFUSE_WRITE_MAPPED);
	EXPECT_EQ(seen.write.offset, 0U);
	EXPECT_EQ(seen.write.size, page);
	map.data()[0] = 'M';
	EXPECT_EQ(below(), "MOwer");
}

// What was mapped in vain leaves nothing in flight.
TEST_F(WriteBacking, DeniedMappingLeavesNothingBehind)
{
	order(EXTFUSE_OP_WRITE, -EACCES);
	EXPECT_EQ(Mapping(fd, PROT_READ | PROT_WRITE, MAP_SHARED).error(), EACCES);
	fd.close();
	EXPECT_TRUE(settled());
}

TEST_F(WriteBacking, Invalidates)
{
	const uint64_t xattr = xattr_token(file);
	EXPECT_EQ(sys::pwrite(fd, "LO", 0), 2);
	EXPECT_EQ(xattr_token(file), xattr);
	order(EXTFUSE_OP_WRITE, EXTFUSE_UPCALL, EXTFUSE_CHANGE_INVALIDATE);
	EXPECT_EQ(sys::pwrite(fd, "LO", 0), 2);
	EXPECT_NE(xattr_token(file), xattr);
}

TEST_F(WriteBacking, TruncationIsSetattr)
{
	order(EXTFUSE_OP_SETATTR, -EROFS);
	EXPECT_EQ(sys::result(ftruncate(fd, 1)), -EROFS);
	EXPECT_EQ(sys::truncate(fs.path("file"), 1), -EROFS);
	EXPECT_EQ(sys::open(fs.path("file"), O_WRONLY | O_TRUNC), -EROFS);
	EXPECT_EQ(fs.sent(Op::Setattr), 0U);
	EXPECT_EQ(below(), "lower");
}

} // namespace extfuse_test
