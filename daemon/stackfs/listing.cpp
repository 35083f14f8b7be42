// SPDX-License-Identifier: GPL-2.0-only
// What a directory lists, into the caches.
//
// When a caller has read a directory to its end it is read once more, under a token
// of now: reading it for the first time moved its access time, which is a change.
#include "stackfs/dir.hpp"
#include "stackfs/fs.hpp"

#include <linux/fs.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <string>
#include <vector>

namespace stackfs
{

namespace
{

constexpr size_t max_entries = 4096;

// Does a directory of the lower file system list every name that can be looked up
// in it, and is there one way to write each? Not so where upper and lower case are
// one, or in file systems that find more than they list.
bool lists_all_names(int fd)
{
	struct statfs st;
	int flags;

	if (fstatfs(fd, &st) < 0)
		return false;
	switch (st.f_type) {
	case EXT4_SUPER_MAGIC:
	case BTRFS_SUPER_MAGIC:
	case TMPFS_MAGIC:
		break;
	default:
		return false;
	}
	if (ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0)
		return errno == ENOTTY;
	return !(flags & FS_CASEFOLD_FL);
}

} // namespace

// An error, or more entries than it is worth: nothing is cached.
void Fs::cache_listing(fuse_req_t req, fuse_ino_t node, DirHandle &handle)
{
	if (!cache_meta_)
		return;
	const std::lock_guard lock(handle.mutex);
	const extfuse_token token = node_token(node);
	const LowerEntry *entry = nullptr;
	std::vector<char> entries;
	std::vector<std::string> text;

	if (!token.word || handle.seek(0))
		return;
	int err;
	while ((err = handle.peek(entry)) == 0 && entry && text.size() < max_entries) {
		struct stat st = {};
		st.st_ino = entry->ino;
		st.st_mode = DTTOIF(entry->type);
		const size_t at = entries.size();
		entries.resize(at + fuse_add_direntry(req, nullptr, 0, entry->name, nullptr, 0));
		fuse_add_direntry(req, entries.data() + at, entries.size() - at, entry->name, &st,
				  entry->off);
		text.emplace_back(entry->name);
		handle.consume(*entry);
	}
	// The caller's stream goes on where it says.
	const bool whole = !err && !entry;
	handle.at = handle.end = 0;
	handle.offset = 0;
	if (!whole)
		return;
	prefetch_names(req, node, text);
	// Reading takes a directory that was opened.
	extfuse_put_dir(x_, fuse_req_ctx(req), node, 0, entries.data(), entries.size(), 1, token,
			EXTFUSE_SCOPE_ALL);
	// Its attributes and its open went out of date when it was read.
	struct stat st;
	if (fstat(handle.fd.get(), &st) == 0)
		extfuse_put_attr(x_, fuse_req_ctx(req), node, &st, token, EXTFUSE_SCOPE_ALL);
	if (anybody_may_open(req))
		cache_opendir(req, node, token);
	if (text.size() > EXTFUSE_NAMES_MAX || !lists_all_names(handle.fd.get()))
		return;
	std::vector<const char *> names;
	names.reserve(text.size());
	for (const std::string &name : text)
		names.push_back(name.c_str());
	extfuse_put_names(x_, fuse_req_ctx(req), node, names.data(), names.size(), token,
			  entry_scope(req));
}

} // namespace stackfs
