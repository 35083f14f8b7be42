// SPDX-License-Identifier: GPL-2.0-only
//
// Linked into a stackfs of its own (--wrap): its store is slow now and then, before
// it is changed and after it was read. With HISTORY_LATE_TOKENS, a mistake besides:
// tokens are taken after the store was read.
#include <extfuse/extfuse.h>

#include <unistd.h>

#include <cstdlib>
#include <random>

namespace
{

#ifdef HISTORY_LATE_TOKENS
constexpr bool late = true;
#else
constexpr bool late = false;
#endif

// A change by somebody else takes as long on a slow kernel (guest.hpp).
useconds_t slowness()
{
	const char *slower = getenv("EXTFUSE_SLOWER");
	return 5000 * (slower ? static_cast<useconds_t>(atoi(slower)) : 1);
}

// A token that is late is wrong only if something changes meanwhile: be slow each time.
void be_slow()
{
	static const useconds_t time = slowness();
	thread_local std::mt19937 random(std::random_device{}());
	if (late || random() % 3 == 0)
		usleep(time);
}

} // namespace

// Names that the linker gives.
// NOLINTBEGIN(bugprone-reserved-identifier)
extern "C" {

extfuse_token __real_extfuse_token_changed_node(extfuse *x, fuse_ino_t node);
extfuse_token __real_extfuse_token_changed_entry(extfuse *x, fuse_ino_t parent, const char *name);
int __real_extfuse_reply_attr(extfuse *x, fuse_req_t req, fuse_ino_t node, const struct stat *attr,
			      double attr_timeout, extfuse_token token, extfuse_scope scope);
int __real_extfuse_reply_entry(extfuse *x, fuse_req_t req, fuse_ino_t parent, const char *name,
			       const fuse_entry_param *e, extfuse_token entry, extfuse_token node,
			       extfuse_scope entry_scope, extfuse_scope attr_scope);

// What stackfs calls before it changes something.
extfuse_token __wrap_extfuse_token_changed_node(extfuse *x, fuse_ino_t node)
{
	const extfuse_token token = __real_extfuse_token_changed_node(x, node);
	be_slow();
	return token;
}

extfuse_token __wrap_extfuse_token_changed_entry(extfuse *x, fuse_ino_t parent, const char *name)
{
	const extfuse_token token = __real_extfuse_token_changed_entry(x, parent, name);
	be_slow();
	return token;
}

// ... and after it has read something, or changed it.
int __wrap_extfuse_reply_attr(extfuse *x, fuse_req_t req, fuse_ino_t node, const struct stat *attr,
			      double attr_timeout, extfuse_token token, extfuse_scope scope)
{
	be_slow();
	if (late)
		token = extfuse_token_node(x, node);
	return __real_extfuse_reply_attr(x, req, node, attr, attr_timeout, token, scope);
}

int __wrap_extfuse_reply_entry(extfuse *x, fuse_req_t req, fuse_ino_t parent, const char *name,
			       const fuse_entry_param *e, extfuse_token entry, extfuse_token node,
			       extfuse_scope entry_scope, extfuse_scope attr_scope)
{
	be_slow();
	if (late) {
		entry = extfuse_token_entry(x, parent, name);
		node = extfuse_token_node(x, e->ino);
	}
	return __real_extfuse_reply_entry(x, req, parent, name, e, entry, node, entry_scope,
					  attr_scope);
}
}
// NOLINTEND(bugprone-reserved-identifier)
