// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the ways of populating have in common.
#ifndef EXTFUSE_SRC_POPULATE_HPP
#define EXTFUSE_SRC_POPULATE_HPP

#include <atomic>

#include <extfuse/extfuse.h>

#include "slots.hpp"

namespace exf::impl
{

// Scope and caller as a slot has them. scope NONE: nobody, do not store.
Audience audience(extfuse &x, extfuse_scope scope, const fuse_ctx *caller);
bool valid_scope(extfuse_scope scope, const fuse_ctx *caller);
// 1 if stored, else 0.
int count(extfuse &x, Stored stored, std::atomic<uint64_t> &counter);
// Are there maps to put anything into?
bool storing(const extfuse &x);

} // namespace exf::impl

#endif
