// SPDX-License-Identifier: GPL-2.0-only
// From names to nodes, and what is cached about both.
#include "stackfs/fs.hpp"

#include "common/log.hpp"

#include <fcntl.h>

#include <cstring>

namespace stackfs
{

namespace
{

constexpr int path_flags = O_PATH | O_NOFOLLOW | O_CLOEXEC;

} // namespace

extfuse_token Fs::entry_token(fuse_ino_t parent, const char *name) noexcept
{
	return cache_meta_ ? extfuse_token_entry(x_, parent, name) : extfuse_token{};
}

extfuse_token Fs::changed_entry_token(fuse_ino_t parent, const char *name) noexcept
{
	return cache_meta_ ? extfuse_token_changed_entry(x_, parent, name) : extfuse_token{};
}

// Of a node that is not kept no name goes into the maps, if entries are stable.
extfuse_token Fs::entry_of(extfuse_token entry, const Found &found) const noexcept
{
	return stable_ && !found.pin->kept ? extfuse_token{} : entry;
}

extfuse_token Fs::node_token(fuse_ino_t node) noexcept
{
	return cache_meta_ ? extfuse_token_node(x_, node) : extfuse_token{};
}

extfuse_token Fs::changed_node_token(fuse_ino_t node) noexcept
{
	return cache_meta_ ? extfuse_token_changed_node(x_, node) : extfuse_token{};
}

// Whether a name may be looked up depends on the caller's right to search the
// directory. Whoever checks that decides how widely an entry holds.
extfuse_scope Fs::entry_scope(fuse_req_t req) const noexcept
{
	if (options_.scope == ScopeMode::all)
		return EXTFUSE_SCOPE_ALL;
	if (kernel_checks_)
		return EXTFUSE_SCOPE_KERNEL;
	return fuse_req_ctx(req)->uid == 0 ? EXTFUSE_SCOPE_UID : EXTFUSE_SCOPE_CALLER;
}

// What a reply says about found.pin, except for the attributes.
void Fs::identify(Found &found) const noexcept
{
	found.e.ino = found.pin->id;
	found.e.generation = found.pin->generation;
	found.e.entry_timeout = options_.entry_timeout;
	found.e.attr_timeout = options_.attr_timeout;
}

// found.e.attr was just read, which is as good as it gets if it goes into the
// reply alone. What goes into a map needs a token from before, and that needs the
// node: only if nothing has changed since then, a later one will do.
int Fs::describe(Found &found)
{
	identify(found);
	if (!cache_meta_)
		return 0;
	found.node = extfuse_token_node_since(x_, found.pin->id, found.since);
	// A marked reply needs none.
	if (found.node.word || marks_)
		return 0;
	found.node = node_token(found.pin->id);
	if (fstat(found.pin.fd(), &found.e.attr) == 0)
		return 0;
	const int err = errno;
	take_back(found);
	return err;
}

void Fs::take_back(const Found &found) noexcept
{
	table_.forget(found.e.ino, 1);
}

// The node of an O_PATH descriptor.
int Fs::adopt(UniqueFd path_fd, Found &found)
{
	found.since = extfuse_snapshot_now(x_);
	if (fstat(path_fd.get(), &found.e.attr) < 0)
		return errno;
	const int err = table_.intern(std::move(path_fd), found.e.attr, found.pin, &found.fresh);
	return err ? err : describe(found);
}

// With the caller's credentials, so that the right to search dir is checked.
int Fs::resolve(int dir, const char *name, Found &found)
{
	const uint64_t since = table_.sequence();
	found.since = extfuse_snapshot_now(x_);
	if (fstatat(dir, name, &found.e.attr, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) < 0)
		return errno;
	if (table_.intern_known(found.e.attr, since, found.pin))
		return describe(found);
	UniqueFd fd(open_retrying([&] { return openat(dir, name, path_flags); }));
	if (!fd.valid())
		return errno;
	return adopt(std::move(fd), found);
}

int Fs::reply_entry(fuse_req_t req, fuse_ino_t parent, const char *name, Found &found,
		    extfuse_token entry)
{
	int err;
	if (cache_meta_)
		err = extfuse_reply_entry(x_, req, parent, name, &found.e, entry_of(entry, found),
					  found.node, entry_scope(req), EXTFUSE_SCOPE_ALL);
	else
		err = fuse_reply_entry(req, &found.e);
	if (err)
		take_back(found); // the kernel did not get it
	return replied;
}

int Fs::do_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	const extfuse_token entry = entry_token(parent, name);
	Pin dir;
	int err = table_.pin(parent, dir);
	if (err)
		return err;
	Found found;
	{
		const Creds creds(req);
		err = creds.error() ? creds.error() : resolve(dir.fd(), name, found);
	}
	if (!err && found.fresh && S_ISDIR(found.e.attr.st_mode))
		prefetch_directory(req, found.pin);
	if (!err)
		return reply_entry(req, parent, name, found, entry);
	if (err != ENOENT)
		return err;
	if (options_.negative_timeout > 0) {
		const fuse_entry_param none = {.ino = 0,
					       .generation = 0,
					       .attr = {},
					       .attr_timeout = 0,
					       .entry_timeout = options_.negative_timeout};
		fuse_reply_entry(req, &none);
		return replied;
	}
	if (!cache_meta_)
		return ENOENT;
	extfuse_reply_negative(x_, req, parent, name, entry, entry_scope(req));
	return replied;
}

void Fs::forget(fuse_ino_t node, uint64_t lookups) noexcept
{
	if (stable_ && !lookups)
		release_unlinked(node);
	table_.forget(node, lookups);
}

// For commands about changes behind the mount.
int Fs::node_of_path(const char *path, fuse_ino_t &node)
{
	node = 0;
	Pin root;
	int err = table_.pin(FUSE_ROOT_ID, root);
	if (err)
		return err;
	while (*path == '/')
		++path;
	struct stat st;
	const int flags = AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH;
	if (fstatat(root.fd(), path, &st, flags) < 0)
		return errno;
	Pin pin;
	if (table_.find(st, pin))
		node = pin->id;
	return 0;
}

} // namespace stackfs
