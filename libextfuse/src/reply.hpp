// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Marks of replies ("Marks" in <extfuse/abi_reply.h>): what a thread says of the
// reply that it is about to send, and the session's input and output, which sees
// what request a reply belongs to.
#ifndef EXTFUSE_SRC_REPLY_HPP
#define EXTFUSE_SRC_REPLY_HPP

#include <extfuse/extfuse.h>

namespace exf::impl
{

// The reply that is sent in the life of this object is marked, if replies are
// marked at all and somebody may have it.
class Marked
{
public:
	Marked(const extfuse *x, extfuse_scope scope, extfuse_scope attr_scope,
	       uint32_t flags = 0) noexcept;
	Marked(const Marked &) = delete;
	Marked &operator=(const Marked &) = delete;
	~Marked();

	// Replies are marked: nothing is to be put.
	explicit operator bool() const noexcept
	{
		return marking_;
	}

private:
	bool marking_;
};

// For fuse_session_custom_io().
extern const fuse_custom_io marking_io;

} // namespace exf::impl

#endif
