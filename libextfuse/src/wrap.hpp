// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Sessions whose replies are marked as they are asked for ("Marks" in
// <extfuse/abi_reply.h>): no handler is touched, requests are seen where libfuse
// reads them.
#ifndef EXTFUSE_SRC_WRAP_HPP
#define EXTFUSE_SRC_WRAP_HPP

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include <linux/fuse.h>
#include <sys/uio.h>

// Here is what the functions of wrap.h stand for.
#define EXTFUSE_WRAP_EXPLICIT
#include <extfuse/wrap.h>

#include "kernel.hpp"
#include "options.hpp"

namespace exf::impl
{

// Nodes that are not kept, by hash: never one too few, some too many.
class NodeSet
{
public:
	void add(uint64_t node) noexcept
	{
		bits_[index(node) / 64].fetch_or(bit(node), std::memory_order_relaxed);
	}
	bool has(uint64_t node) const noexcept
	{
		return bits_[index(node) / 64].load(std::memory_order_relaxed) & bit(node);
	}

private:
	static constexpr unsigned size_log2 = 17;

	static uint64_t index(uint64_t node) noexcept
	{
		return extfuse_mix(node) >> (64 - size_log2);
	}
	static uint64_t bit(uint64_t node) noexcept
	{
		return uint64_t(1) << index(node) % 64;
	}

	std::array<std::atomic<uint64_t>, (1U << size_log2) / 64> bits_{};
};

// The last requests, by their unique ids: a reply does not say what it is to.
class RequestTable
{
public:
	struct Request {
		uint64_t node;
		uint32_t opcode;
	};
	void add(uint64_t unique, const Request &request);
	// None: another has taken its place, of so many at once.
	std::optional<Request> find(uint64_t unique);

private:
	struct Place {
		uint64_t unique = 0;
		Request request = {};
	};

	std::mutex mutex_;
	std::array<Place, EXTFUSE_MARK_COUNT> places_;
};

// Of sessions with a node per name.
struct Linked {
	NodeSet nodes; // of files of several names
	RequestTable requests;
};

// What the replies to these requests are marked with; 0: not marked.
using OpcodeMarks = std::array<uint32_t, 64>;

int read_wrap_config(const extfuse_wrap_config *given, extfuse_wrap_config &out,
		     const Log &log) noexcept;
int take_wrap_options(fuse_args *args, extfuse_wrap_config &out, const Log &log);
OpcodeMarks make_marks(const extfuse_wrap_config &config, bool default_permissions,
		       extfuse_policy policy) noexcept;
// Replies that a policy keeps without a mark are for no more than the session's.
void narrow_policy(const extfuse_wrap_config &config, Options &options) noexcept;

// A callback of libfuse that does not say which session it is for knows it by its
// number.
constexpr size_t max_wrapped = 16;

const fuse_custom_io *wrapped_io(size_t number) noexcept;

// extfuse_wrap_begin() with any kernel.
extfuse_wrap *wrap_begin(fuse_args *args, const extfuse_wrap_config *config,
			 std::unique_ptr<Kernel> kernel) noexcept;

} // namespace exf::impl

struct extfuse_wrap {
	// This request was read; that reply is about to be sent. From any thread.
	void taken(const void *request, size_t size) noexcept;
	void replying(const iovec *iov, int count) noexcept;

	extfuse *x = nullptr;
	fuse_session *session = nullptr;
	size_t number = 0;
	exf::impl::OpcodeMarks marks{};
	std::unique_ptr<exf::impl::Linked> linked; // null: a node per file

	std::vector<std::byte> ops; // the program's, with our init()
	decltype(fuse_lowlevel_ops::init) init = nullptr;
	decltype(fuse_operations::init) path_init = nullptr;
	decltype(fuse_operations::unlink) path_unlink = nullptr;

private:
	void linked_reply(const fuse_out_header &header, const iovec *iov, int count) noexcept;
};

#endif
