// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reply.hpp"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <linux/fuse.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "object.hpp"

namespace exf::impl
{

namespace
{

// Of the reply that this thread sends next. words null: none.
struct Pending {
	const Words *words;
	uint32_t mark;
	bool overrides; // what a wrapped session has said already
};

thread_local Pending pending;

void forget_mark() noexcept
{
	pending.words = nullptr;
}

uint32_t make_mark(extfuse_scope scope, extfuse_scope attr_scope, uint32_t flags)
{
	return static_cast<uint32_t>(scope) |
	       static_cast<uint32_t>(attr_scope) << EXTFUSE_MARK_ATTR_SHIFT | flags |
	       EXTFUSE_MARK_SET;
}

ssize_t io_writev(int fd, iovec *iov, int count, void *)
{
	fuse_out_header header;

	if (pending.words && count > 0 && iov[0].iov_len >= sizeof(header)) {
		memcpy(&header, iov[0].iov_base, sizeof(header));
		// A notification is no reply.
		if (header.unique) {
			pending.words->mark(header.unique, pending.mark);
			forget_mark();
		}
	}
	return writev(fd, iov, count);
}

// Whoever takes a request has replied to what came before, or never will.
ssize_t io_read(int fd, void *buffer, size_t size, void *)
{
	forget_mark();
	return read(fd, buffer, size);
}

ssize_t io_splice_receive(int in, off_t *in_offset, int out, off_t *out_offset, size_t size,
			  unsigned flags, void *)
{
	forget_mark();
	return splice(in, in_offset, out, out_offset, size, flags);
}

// The header of a reply that is in a pipe, and stays there. False: not to be had.
bool peek(int pipe, fuse_out_header &out) noexcept
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return false;
	const Fd from(ends[0]), to(ends[1]);
	return tee(pipe, to.get(), sizeof(out), 0) == sizeof(out) &&
	       read(from.get(), &out, sizeof(out)) == sizeof(out);
}

ssize_t io_splice_send(int in, off_t *in_offset, int out, off_t *out_offset, size_t size,
		       unsigned flags, void *)
{
	fuse_out_header header;

	if (pending.words) {
		if (peek(in, header))
			pending.words->mark(header.unique, pending.mark);
		else if (pending.overrides)
			// What has changed since it was asked for is not kept.
			pending.words->change_all();
		forget_mark();
	}
	return splice(in, in_offset, out, out_offset, size, flags);
}

// libfuse opens /dev/fuse by name for this.
int io_clone_fd(int master)
{
	Fd fd(open(EXTFUSE_DEVICE, O_RDWR | O_CLOEXEC));
	auto number = static_cast<uint32_t>(master);

	if (!fd || ioctl(fd.get(), FUSE_DEV_IOC_CLONE, &number) < 0)
		return -1;
	return fd.release();
}

} // namespace

const fuse_custom_io marking_io = {io_writev, io_read, io_splice_receive, io_splice_send,
				   io_clone_fd};

Marked::Marked(const extfuse *x, extfuse_scope scope, extfuse_scope attr_scope,
	       uint32_t flags) noexcept
	: marking_(x && x->marking)
{
	if (marking_)
		extfuse_mark_reply(x, scope, attr_scope, flags);
}

Marked::~Marked()
{
	forget_mark();
}

} // namespace exf::impl

using namespace exf::impl;

extern "C" {

int extfuse_reply_hooks(const struct extfuse *x)
{
	return x && x->marking;
}

int extfuse_mark_reply(const struct extfuse *x, enum extfuse_scope scope,
		       enum extfuse_scope attr_scope, unsigned flags)
{
	if (!x || scope > EXTFUSE_SCOPE_CALLER || attr_scope > EXTFUSE_SCOPE_CALLER ||
	    (flags & ~EXTFUSE_XATTR_KEPT))
		return -EINVAL;
	forget_mark();
	if (!x->marking)
		return 0;
	const uint32_t mark =
		make_mark(scope, attr_scope, flags & EXTFUSE_XATTR_KEPT ? EXTFUSE_MARK_KEPT : 0);
	const bool somebody = scope || attr_scope;
	// With no scope it overrides what a wrapped session says by itself.
	if (somebody || x->io != &marking_io)
		pending = {&x->words, mark, x->io != &marking_io};
	return somebody;
}

void extfuse_unmark_reply(void)
{
	forget_mark();
}

} // extern "C"
