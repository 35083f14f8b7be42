// SPDX-License-Identifier: LGPL-2.1-or-later
#include "policy.hpp"

namespace exf::impl
{

namespace
{

void set_scopes(CachePolicy &p, extfuse_scope names, extfuse_scope attrs, extfuse_scope others)
{
	p.names = names;
	p.attrs = attrs;
	p.others = others;
}

} // namespace

CachePolicy make_policy(const Options &options, const MountOptions &mount, uid_t uid, gid_t gid)
{
	CachePolicy p;

	p.cache = options.cache;
	if (p.cache == EXTFUSE_CACHE_ANNOTATED)
		return p;
	p.links = options.cache_links;
	p.lazy_atime = p.cache == EXTFUSE_CACHE_PRIVATE && !options.follow_atime;
	if (options.cache_for == EXTFUSE_CACHE_FOR_ALL) {
		set_scopes(p, EXTFUSE_SCOPE_ALL, EXTFUSE_SCOPE_ALL, EXTFUSE_SCOPE_ALL);
	} else if (options.cache_for == EXTFUSE_CACHE_FOR_CALLER) {
		set_scopes(p, EXTFUSE_SCOPE_CALLER, EXTFUSE_SCOPE_CALLER, EXTFUSE_SCOPE_CALLER);
	} else if (mount.default_permissions) {
		// stat asks for no permission on the file itself.
		set_scopes(p, EXTFUSE_SCOPE_KERNEL, EXTFUSE_SCOPE_ALL, EXTFUSE_SCOPE_KERNEL);
	} else if (!mount.allow_other) {
		// The driver lets in who is the owner by real, effective and saved ids, also
		// before it answers from a dentry or an inode.
		set_scopes(p, EXTFUSE_SCOPE_ALL, EXTFUSE_SCOPE_ALL, EXTFUSE_SCOPE_ALL);
		p.owner = true;
		p.uid = uid;
		p.gid = gid;
	} else {
		set_scopes(p, EXTFUSE_SCOPE_CALLER, EXTFUSE_SCOPE_CALLER, EXTFUSE_SCOPE_CALLER);
	}
	p.listings = options.listings.value_or(p.others);
	return p;
}

} // namespace exf::impl
