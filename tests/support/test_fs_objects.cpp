// SPDX-License-Identifier: GPL-2.0-only
//
// The test file system's answers to requests about one node that are bytes or a
// status.
#include "test_fs.hpp"

#include <sys/statvfs.h>

#include <cerrno>

namespace extfuse_test
{

struct ObjectOps {
	static TestFs &fs(fuse_req_t req)
	{
		return *static_cast<TestFs *>(fuse_req_userdata(req));
	}

	// Not cacheable where the test wants nothing cached.
	static extfuse_token said(TestFs &f, extfuse_token token)
	{
		return f.say.objects ? token : extfuse_token{0, 0};
	}

	static void readlink(fuse_req_t req, fuse_ino_t node)
	{
		TestFs &f = fs(req);
		f.arrived(Op::Readlink, node);
		const extfuse_token token = said(f, extfuse_token_node(f.ext_, node));
		f.pass(Op::Readlink, Stage::Sampled, node);
		std::string target;
		const int error = f.store.readlink(node, &target);
		f.pass(Op::Readlink, Stage::Done, node);
		if (error)
			fuse_reply_err(req, -error);
		else
			extfuse_reply_readlink(f.ext_, req, node, target.c_str(), token,
					       f.say.object);
	}

	static void statfs(fuse_req_t req, fuse_ino_t node)
	{
		TestFs &f = fs(req);
		f.arrived(Op::Statfs, node);
		const extfuse_token token = said(f, extfuse_token_fs(f.ext_));
		f.pass(Op::Statfs, Stage::Sampled, node);
		struct statvfs st = {};
		st.f_bsize = st.f_frsize = 4096;
		st.f_namemax = 255;
		st.f_blocks = 5000;
		st.f_bfree = st.f_bavail = f.free_blocks;
		st.f_files = 70;
		st.f_ffree = 7;
		f.pass(Op::Statfs, Stage::Done, node);
		extfuse_reply_statfs(f.ext_, req, node, &st, token, f.say.object);
	}

	static void setxattr(fuse_req_t req, fuse_ino_t node, const char *name, const char *value,
			     size_t size, int)
	{
		TestFs &f = fs(req);
		f.arrived(Op::Setxattr, node, name);
		const int error = f.store.set_xattr(node, name, std::string(value, size));
		f.pass(Op::Setxattr, Stage::Done, node, name);
		fuse_reply_err(req, -error);
	}

	static void getxattr(fuse_req_t req, fuse_ino_t node, const char *name, size_t size)
	{
		TestFs &f = fs(req);
		f.arrived(Op::Getxattr, node, name);
		const extfuse_token of_node = said(f, extfuse_token_node(f.ext_, node));
		const extfuse_token of_xattr = said(f, extfuse_token_xattr(f.ext_, node));
		f.pass(Op::Getxattr, Stage::Sampled, node, name);
		std::string value;
		const int error = f.store.get_xattr(node, name, &value);
		f.pass(Op::Getxattr, Stage::Done, node, name);
		if (error && error != -ENODATA) {
			fuse_reply_err(req, -error);
			return;
		}
		const bool kept = error && f.say.kept;
		extfuse_reply_getxattr(f.ext_, req, node, name, size,
				       error ? nullptr : value.data(), value.size(),
				       kept ? of_xattr : of_node, f.say.object,
				       kept ? EXTFUSE_XATTR_KEPT : 0);
	}

	static void listxattr(fuse_req_t req, fuse_ino_t node, size_t size)
	{
		TestFs &f = fs(req);
		f.arrived(Op::Listxattr, node);
		const extfuse_token token = said(f, extfuse_token_node(f.ext_, node));
		f.pass(Op::Listxattr, Stage::Sampled, node);
		std::string names;
		const int error = f.store.list_xattrs(node, &names);
		f.pass(Op::Listxattr, Stage::Done, node);
		if (error)
			fuse_reply_err(req, -error);
		else
			extfuse_reply_listxattr(f.ext_, req, node, size, names.data(), names.size(),
						token, f.say.object);
	}

	static void removexattr(fuse_req_t req, fuse_ino_t node, const char *name)
	{
		TestFs &f = fs(req);
		f.arrived(Op::Removexattr, node, name);
		fuse_reply_err(req, -f.store.remove_xattr(node, name));
	}

	static void lseek(fuse_req_t req, fuse_ino_t node, off_t offset, int whence,
			  fuse_file_info *)
	{
		TestFs &f = fs(req);
		f.arrived(Op::Lseek, node);
		const extfuse_token token = said(f, extfuse_token_node(f.ext_, node));
		f.pass(Op::Lseek, Stage::Sampled, node);
		const int64_t found = f.store.seek(node, static_cast<uint64_t>(offset), whence);
		f.pass(Op::Lseek, Stage::Done, node);
		if (found < 0 && found != -ENXIO)
			fuse_reply_err(req, static_cast<int>(-found));
		else
			extfuse_reply_lseek(f.ext_, req, node, offset, whence, found, token,
					    f.say.object);
	}

	static void ioctl(fuse_req_t req, fuse_ino_t node, unsigned command, void *,
			  fuse_file_info *, unsigned, const void *, size_t, size_t room)
	{
		TestFs &f = fs(req);
		const std::string zeros(room, 0);

		f.arrived(Op::Ioctl, node);
		if (f.on_ioctl)
			f.on_ioctl(node, command);
		fuse_reply_ioctl(req, 0, zeros.data(), zeros.size());
	}
};

void add_object_operations(fuse_lowlevel_ops &table)
{
	table.readlink = ObjectOps::readlink;
	table.statfs = ObjectOps::statfs;
	table.setxattr = ObjectOps::setxattr;
	table.getxattr = ObjectOps::getxattr;
	table.listxattr = ObjectOps::listxattr;
	table.removexattr = ObjectOps::removexattr;
	table.lseek = ObjectOps::lseek;
	table.ioctl = ObjectOps::ioctl;
}

} // namespace extfuse_test
