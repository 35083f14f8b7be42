// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Changes behind the mount: an addition or two in shared memory.
#include "keys.hpp"
#include "object.hpp"

extern "C" {

void extfuse_invalidate_node(struct extfuse *x, fuse_ino_t node)
{
	if (x && x->words.active())
		x->words.change_node(node);
}

void extfuse_invalidate_entry(struct extfuse *x, fuse_ino_t parent, const char *name)
{
	exf::impl::NameKey key;

	// Names that have no key are in no cache: no directory has them.
	if (x && name && x->words.active() &&
	    exf::impl::make_name_key(x->words.seed(), parent, name, key))
		x->words.change_entry(parent, key.hash);
}

void extfuse_invalidate_all(struct extfuse *x)
{
	if (x && x->words.active())
		x->words.change_all();
}

} // extern "C"
