// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Requests and replies of a wrapped session, as they pass.
#include "wrap.hpp"

#include <cstring>
#include <string_view>
#include <utility>

#include <sys/stat.h>

#include "object.hpp"
#include "reply.hpp"
#include "wrap_slots.hpp"

namespace exf::impl
{

namespace
{

struct Taken {
	const extfuse_wrap *wrap;
	uint32_t opcode;
};

thread_local Taken last_taken;

bool makes_entry(uint32_t opcode) noexcept
{
	switch (opcode) {
	case FUSE_LOOKUP:
	case FUSE_MKNOD:
	case FUSE_MKDIR:
	case FUSE_SYMLINK:
	case FUSE_LINK:
	case FUSE_CREATE:
		return true;
	default:
		return false;
	}
}

// The first bytes behind the header of a reply.
template <class T> bool load(const iovec *iov, int count, T &out) noexcept
{
	auto *to = reinterpret_cast<char *>(&out);
	size_t missing = sizeof(out);

	for (int i = 1; i < count && missing; i++) {
		const size_t part = iov[i].iov_len < missing ? iov[i].iov_len : missing;

		memcpy(to, iov[i].iov_base, part);
		to += part;
		missing -= part;
	}
	return !missing;
}

// Capabilities of the caller decide who may see them.
bool trusted_xattr(const void *request, size_t size) noexcept
{
	constexpr std::string_view prefix = "trusted.";
	const size_t at = sizeof(fuse_in_header) + sizeof(fuse_getxattr_in);

	return size < at || std::string_view(static_cast<const char *>(request) + at, size - at)
				    .starts_with(prefix);
}

template <size_t number> ssize_t read_wrapped(int fd, void *buffer, size_t size, void *userdata)
{
	const ssize_t n = marking_io.read(fd, buffer, size, userdata);

	if (extfuse_wrap *w = wrap_slot(number); w && n > 0)
		w->taken(buffer, static_cast<size_t>(n));
	return n;
}

template <size_t number> ssize_t writev_wrapped(int fd, iovec *iov, int count, void *userdata)
{
	if (extfuse_wrap *w = wrap_slot(number))
		w->replying(iov, count);
	return marking_io.writev(fd, iov, count, userdata);
}

template <size_t... numbers> constexpr auto make_io(std::index_sequence<numbers...>)
{
	return std::array<fuse_custom_io, sizeof...(numbers)>{fuse_custom_io{
		writev_wrapped<numbers>, read_wrapped<numbers>, nullptr, nullptr, nullptr}...};
}

} // namespace

const fuse_custom_io *wrapped_io(size_t number) noexcept
{
	static const auto io = [] {
		auto all = make_io(std::make_index_sequence<max_wrapped>());
		for (fuse_custom_io &one : all) {
			one.splice_receive = marking_io.splice_receive;
			one.splice_send = marking_io.splice_send;
			one.clone_fd = marking_io.clone_fd;
		}
		return all;
	}();
	return &io[number];
}

void RequestTable::add(uint64_t unique, const Request &request)
{
	const std::lock_guard lock(mutex_);

	places_[extfuse_mark_index(unique)] = {unique, request};
}

std::optional<RequestTable::Request> RequestTable::find(uint64_t unique)
{
	const std::lock_guard lock(mutex_);
	const Place &place = places_[extfuse_mark_index(unique)];

	if (place.unique != unique)
		return std::nullopt;
	return place.request;
}

const extfuse_wrap *taken_by_this_thread() noexcept
{
	return last_taken.wrap;
}

uint32_t opcode_of_this_thread() noexcept
{
	return last_taken.opcode;
}

} // namespace exf::impl

using namespace exf::impl;

void extfuse_wrap::taken(const void *request, size_t size) noexcept
{
	fuse_in_header in;

	last_taken = {};
	if (size < sizeof(in))
		return;
	memcpy(&in, request, sizeof(in));
	last_taken = {this, in.opcode};

	uint32_t mark = in.opcode < marks.size() ? marks[in.opcode] : 0;
	if (in.opcode == FUSE_GETXATTR && trusted_xattr(request, size))
		mark = EXTFUSE_MARK_SET;
	if (linked) {
		fuse_link_in link;

		if (in.opcode == FUSE_LINK && size >= sizeof(in) + sizeof(link)) {
			memcpy(&link, static_cast<const char *>(request) + sizeof(in),
			       sizeof(link));
			linked->nodes.add(link.oldnodeid);
		}
		linked->requests.add(in.unique, {in.nodeid, in.opcode});
		const bool kept = mark || x->options.cache != EXTFUSE_CACHE_ANNOTATED;
		if (kept && !makes_entry(in.opcode) && linked->nodes.has(in.nodeid))
			mark = EXTFUSE_MARK_SET;
	}
	if (mark && x->marking)
		x->words.mark(in.unique, mark);
}

void extfuse_wrap::replying(const iovec *iov, int count) noexcept
{
	fuse_out_header header;

	if (!linked || count < 1 || iov[0].iov_len < sizeof(header))
		return;
	memcpy(&header, iov[0].iov_base, sizeof(header));
	if (header.unique && !header.error)
		linked_reply(header, iov, count);
}

void extfuse_wrap::linked_reply(const fuse_out_header &header, const iovec *iov, int count) noexcept
{
	const auto several = [&](const fuse_attr &a, uint64_t node) {
		if (S_ISDIR(a.mode) || a.nlink < 2)
			return false;
		linked->nodes.add(node);
		return true;
	};
	const auto request = linked->requests.find(header.unique);
	if (!request) {
		if (x->marking)
			x->words.mark(header.unique, EXTFUSE_MARK_SET);
		return;
	}
	if (makes_entry(request->opcode)) {
		fuse_entry_out out;
		const uint32_t name = marks[request->opcode] & EXTFUSE_MARK_SCOPE_MASK;

		if (load(iov, count, out) && several(out.attr, out.nodeid) && x->marking)
			x->words.mark(header.unique, name | EXTFUSE_MARK_SET);
	} else if (request->opcode == FUSE_GETATTR || request->opcode == FUSE_SETATTR) {
		fuse_attr_out out;

		if (load(iov, count, out) && several(out.attr, request->node) && x->marking)
			x->words.mark(header.unique, EXTFUSE_MARK_SET);
	} else if (request->opcode == FUSE_READDIRPLUS && count == 2) {
		const auto *bytes = static_cast<const char *>(iov[1].iov_base);
		size_t left = iov[1].iov_len;
		fuse_direntplus entry;

		while (left >= sizeof(entry)) {
			memcpy(&entry, bytes, sizeof(entry));
			const size_t length = FUSE_DIRENTPLUS_SIZE(&entry);
			if (length > left)
				break;
			if (entry.entry_out.nodeid)
				several(entry.entry_out.attr, entry.entry_out.nodeid);
			bytes += length;
			left -= length;
		}
	}
}
