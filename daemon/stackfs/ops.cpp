// SPDX-License-Identifier: GPL-2.0-only
// libfuse's table of operations: count, call do_x(), reply what is left to reply.
#include "stackfs/fs.hpp"

namespace stackfs
{

struct Dispatch {
	static Fs &fs(fuse_req_t req) noexcept
	{
		return *static_cast<Fs *>(fuse_req_userdata(req));
	}

	template <Op op, auto method> struct Handler;
	template <Op op, typename... Args, int (Fs::*method)(fuse_req_t, Args...)>
	struct Handler<op, method> {
		static void call(fuse_req_t req, Args... args) noexcept
		{
			Fs &self = fs(req);
			self.counters_.add(op);
			const int err = guarded([&] { return (self.*method)(req, args...); });
			if (err != replied)
				fuse_reply_err(req, err);
		}
	};

	static void init(void *userdata, fuse_conn_info *conn) noexcept
	{
		static_cast<Fs *>(userdata)->init(conn);
	}

	static void forget(fuse_req_t req, fuse_ino_t node, uint64_t lookups) noexcept
	{
		fs(req).counters_.add(Op::forget);
		fs(req).forget(node, lookups);
		fuse_reply_none(req);
	}

	static void forget_multi(fuse_req_t req, size_t count, fuse_forget_data *forgets) noexcept
	{
		fs(req).counters_.add(Op::forget_multi);
		for (size_t i = 0; i < count; ++i)
			fs(req).forget(forgets[i].ino, forgets[i].nlookup);
		fuse_reply_none(req);
	}

	static fuse_lowlevel_ops table() noexcept;
};

fuse_lowlevel_ops Dispatch::table() noexcept
{
	fuse_lowlevel_ops ops = {};
	ops.init = init;
	ops.forget = forget;
	ops.forget_multi = forget_multi;
#define WIRE(name) ops.name = Handler<Op::name, &Fs::do_##name>::call
	WIRE(lookup);
	WIRE(getattr);
	WIRE(setattr);
	WIRE(readlink);
	WIRE(mknod);
	WIRE(mkdir);
	WIRE(unlink);
	WIRE(rmdir);
	WIRE(symlink);
	WIRE(rename);
	WIRE(link);
	WIRE(open);
	WIRE(read);
	WIRE(flush);
	WIRE(release);
	WIRE(fsync);
	WIRE(opendir);
	WIRE(readdir);
	WIRE(readdirplus);
	WIRE(releasedir);
	WIRE(fsyncdir);
	WIRE(statfs);
	WIRE(setxattr);
	WIRE(getxattr);
	WIRE(listxattr);
	WIRE(removexattr);
	WIRE(access);
	WIRE(create);
	WIRE(getlk);
	WIRE(setlk);
	WIRE(flock);
	WIRE(ioctl);
	WIRE(fallocate);
	WIRE(copy_file_range);
	WIRE(lseek);
	WIRE(tmpfile);
#undef WIRE
	ops.write_buf = Handler<Op::write, &Fs::do_write_buf>::call;
	return ops;
}

const fuse_lowlevel_ops &Fs::operations()
{
	static const fuse_lowlevel_ops ops = Dispatch::table();
	return ops;
}

} // namespace stackfs
