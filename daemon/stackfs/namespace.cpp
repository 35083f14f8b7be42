// SPDX-License-Identifier: GPL-2.0-only
// Operations that make, move and remove names.
#include "stackfs/fs.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>

namespace stackfs
{

// make(dir) makes the object and returns an errno.
template <typename Make>
int Fs::make_entry(fuse_req_t req, fuse_ino_t parent, const char *name, Make &&make)
{
	const extfuse_token entry = changed_entry_token(parent, name);
	Pin dir;
	int err = table_.pin(parent, dir);
	if (err)
		return err;
	Found found;
	{
		const Creds creds(req);
		if (creds.error())
			return creds.error();
		thread_umask(fuse_req_ctx(req)->umask);
		err = make(dir.fd());
		if (!err)
			err = resolve(dir.fd(), name, found);
	}
	return err ? err : reply_entry(req, parent, name, found, entry);
}

int Fs::do_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev)
{
	return make_entry(req, parent, name,
			  [&](int dir) { return mknodat(dir, name, mode, rdev) < 0 ? errno : 0; });
}

int Fs::do_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	return make_entry(req, parent, name,
			  [&](int dir) { return mkdirat(dir, name, mode) < 0 ? errno : 0; });
}

int Fs::do_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
	return make_entry(req, parent, name,
			  [&](int dir) { return symlinkat(target, dir, name) < 0 ? errno : 0; });
}

int Fs::do_link(fuse_req_t req, fuse_ino_t node, fuse_ino_t parent, const char *name)
{
	const extfuse_token entry = changed_entry_token(parent, name);
	Found found;
	Pin dir;
	int err = table_.pin(node, found.pin);
	if (!err)
		err = table_.pin(parent, dir);
	if (err)
		return err;
	{
		const Creds creds(req);
		if (creds.error())
			return creds.error();
		// AT_EMPTY_PATH would ask for CAP_DAC_READ_SEARCH.
		if (linkat(proc_fds_.get(), FdName(found.pin.fd()).c_str(), dir.fd(), name,
			   AT_SYMLINK_FOLLOW) < 0)
			return errno;
	}
	// The request changes the node, too: its link count.
	identify(found);
	found.node = changed_node_token(node);
	if (fstat(found.pin.fd(), &found.e.attr) < 0)
		return errno;
	table_.count_lookup(found.pin);
	return reply_entry(req, parent, name, found, entry);
}

/* ------------------------------------------------------------------------ */

// When nodes give up descriptors, one that loses its last link must keep its own:
// no file handle leads to it any more.
Pin Fs::guard_victim(int dir, const char *name)
{
	Pin victim;
	struct stat st;
	if (table_.under_pressure() && fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		table_.find(st, victim);
	return victim;
}

void Fs::release_victim(Pin &victim) noexcept
{
	struct stat st;
	if (victim && fstat(victim.fd(), &st) == 0 && st.st_nlink == 0)
		table_.removed(victim);
}

int Fs::remove(fuse_req_t req, fuse_ino_t parent, const char *name, int flags)
{
	Pin dir;
	int err = table_.pin(parent, dir);
	if (err)
		return err;
	Pin victim = guard_victim(dir.fd(), name);
	{
		const Creds creds(req);
		if (creds.error())
			return creds.error();
		err = unlinkat(dir.fd(), name, flags) < 0 ? errno : 0;
	}
	release_victim(victim);
	return err;
}

int Fs::do_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	return remove(req, parent, name, 0);
}

int Fs::do_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	return remove(req, parent, name, AT_REMOVEDIR);
}

int Fs::do_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t newparent,
		  const char *newname, unsigned flags)
{
	Pin from;
	Pin to;
	int err = table_.pin(parent, from);
	if (!err)
		err = table_.pin(newparent, to);
	if (err)
		return err;
	Pin victim = guard_victim(to.fd(), newname);
	{
		const Creds creds(req);
		if (creds.error())
			return creds.error();
		err = syscall(SYS_renameat2, from.fd(), name, to.fd(), newname, flags) ? errno : 0;
	}
	release_victim(victim);
	return err;
}

int Fs::do_readlink(fuse_req_t req, fuse_ino_t node)
{
	Pin pin;
	const int err = table_.pin(node, pin);
	if (err)
		return err;
	const extfuse_token token = node_token(node);
	char target[PATH_MAX + 1];
	const ssize_t len = readlinkat(pin.fd(), "", target, sizeof(target));
	if (len < 0)
		return errno;
	if (len == sizeof(target))
		return ENAMETOOLONG;
	target[len] = '\0';
	// Reading a link takes no permission on it.
	if (cache_meta_ && len)
		extfuse_reply_readlink(x_, req, node, target, token, EXTFUSE_SCOPE_ALL);
	else
		fuse_reply_readlink(req, target);
	return replied;
}

} // namespace stackfs
