// SPDX-License-Identifier: GPL-2.0-only
// Extended attributes, ACLs among them. The system calls take no O_PATH
// descriptors; /proc names what such a descriptor stands for, symlinks included.
#include "stackfs/fs.hpp"

#include "common/proc_path.hpp"

#include <sys/xattr.h>

#include <cstring>
#include <memory>
#include <vector>

namespace stackfs
{

int Fs::do_setxattr(fuse_req_t req, fuse_ino_t node, const char *name, const char *value,
		    size_t size, int flags)
{
	Pin pin;
	const int err = table_.pin(node, pin);
	if (err)
		return err;
	const Creds creds(req);
	if (creds.error())
		return creds.error();
	return setxattr(ProcPath(pin.fd()).c_str(), name, value, size, flags) < 0 ? errno : 0;
}

int Fs::do_removexattr(fuse_req_t req, fuse_ino_t node, const char *name)
{
	Pin pin;
	const int err = table_.pin(node, pin);
	if (err)
		return err;
	const Creds creds(req);
	if (creds.error())
		return creds.error();
	return removexattr(ProcPath(pin.fd()).c_str(), name) < 0 ? errno : 0;
}

namespace
{

bool begins(const char *name, const char *prefix)
{
	return strncmp(name, prefix, strlen(prefix)) == 0;
}

// Does writing to the file leave the attribute alone? It removes capabilities; what
// else is in security.* may be computed from the data.
bool kept(const char *name, bool absent)
{
	if (begins(name, "security."))
		return absent && !strcmp(name, "security.capability");
	return true;
}

} // namespace

// Who may be told. NONE: it is not cached.
extfuse_scope Fs::xattr_scope(fuse_req_t req, const char *name) const noexcept
{
	if (begins(name, "user.")) // whoever may read the file
		return entry_scope(req);
	// Everybody; trusted.* depends on capabilities, others on who knows what.
	if (begins(name, "security.") || begins(name, "system.posix_acl_"))
		return EXTFUSE_SCOPE_ALL;
	return EXTFUSE_SCOPE_NONE;
}

// The whole value is read, whatever the request has room for. ERANGE: too long.
int Fs::read_and_cache_xattr(fuse_req_t req, const Pin &pin, const char *name, size_t size,
			     extfuse_scope scope)
{
	const extfuse_token node = extfuse_token_node(x_, pin->id);
	const extfuse_token xattr = extfuse_token_xattr(x_, pin->id);
	char value[EXTFUSE_OBJECT_MAX];
	ssize_t n;
	{
		const Creds creds(req);
		if (creds.error())
			return creds.error();
		n = getxattr(ProcPath(pin.fd()).c_str(), name, value, sizeof(value));
		if (n < 0 && errno != ENODATA)
			return errno;
	}
	const bool absent = n < 0;
	const bool stays = kept(name, absent);
	extfuse_reply_getxattr(x_, req, pin->id, name, size, absent ? nullptr : value,
			       absent ? 0 : static_cast<size_t>(n), stays ? xattr : node, scope,
			       stays ? EXTFUSE_XATTR_KEPT : 0);
	return replied;
}

int Fs::do_getxattr(fuse_req_t req, fuse_ino_t node, const char *name, size_t size)
{
	Pin pin;
	const int err = table_.pin(node, pin);
	if (err)
		return err;
	const extfuse_scope scope = cache_meta_ ? xattr_scope(req, name) : EXTFUSE_SCOPE_NONE;
	if (scope != EXTFUSE_SCOPE_NONE) {
		const int result = read_and_cache_xattr(req, pin, name, size, scope);
		if (result != ERANGE)
			return result;
	}
	const auto value = std::make_unique_for_overwrite<char[]>(size);
	ssize_t n;
	{
		const Creds creds(req);
		if (creds.error())
			return creds.error();
		n = getxattr(ProcPath(pin.fd()).c_str(), name, value.get(), size);
		if (n < 0)
			return errno;
	}
	if (size)
		fuse_reply_buf(req, value.get(), static_cast<size_t>(n));
	else
		fuse_reply_xattr(req, static_cast<size_t>(n));
	return replied;
}

namespace
{

int list_all(const char *path, std::vector<char> &names)
{
	for (;;) {
		const ssize_t need = listxattr(path, nullptr, 0);
		if (need < 0)
			return errno;
		names.resize(static_cast<size_t>(need));
		const ssize_t n = listxattr(path, names.data(), names.size());
		if (n >= 0) {
			names.resize(static_cast<size_t>(n));
			return 0;
		}
		if (errno != ERANGE) // grew meanwhile
			return errno;
	}
}

// The lower file system shows trusted.* to whoever has CAP_SYS_ADMIN, which this
// daemon may have and the caller does not.
void hide_trusted(std::vector<char> &names)
{
	constexpr char prefix[] = "trusted.";
	size_t kept = 0;
	for (size_t at = 0; at < names.size();) {
		const size_t length = strlen(&names[at]) + 1;
		if (strncmp(&names[at], prefix, sizeof(prefix) - 1) != 0) {
			memmove(&names[kept], &names[at], length);
			kept += length;
		}
		at += length;
	}
	names.resize(kept);
}

} // namespace

int Fs::do_listxattr(fuse_req_t req, fuse_ino_t node, size_t size)
{
	Pin pin;
	int err = table_.pin(node, pin);
	if (err)
		return err;
	const extfuse_token token = node_token(node);
	std::vector<char> names;
	{
		const Creds creds(req);
		err = creds.error();
		if (!err)
			err = list_all(ProcPath(pin.fd()).c_str(), names);
		if (err)
			return err;
	}
	// Those who are shown another list are told apart by their uid.
	const size_t all = names.size();
	std::vector<char> shown = names;
	hide_trusted(shown);
	const bool same = shown.size() == all;
	if (fuse_req_ctx(req)->uid != 0)
		names = std::move(shown);
	if (cache_meta_) {
		extfuse_reply_listxattr(x_, req, node, size, names.data(), names.size(), token,
					same ? EXTFUSE_SCOPE_ALL : EXTFUSE_SCOPE_UID);
		return replied;
	}
	if (!size)
		fuse_reply_xattr(req, names.size());
	else if (names.size() > size)
		return ERANGE;
	else
		fuse_reply_buf(req, names.data(), names.size());
	return replied;
}

} // namespace stackfs
