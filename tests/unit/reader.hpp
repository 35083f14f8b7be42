// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The handlers' side of the slot caches, in C++: the same steps in the same order
// as bpf/include/extfuse/cache/*.bpf.h, for maps in this process.
#ifndef EXTFUSE_TESTS_UNIT_READER_HPP
#define EXTFUSE_TESTS_UNIT_READER_HPP

#include <cstring>
#include <optional>
#include <string>

#include "kernel.hpp"
#include "keys.hpp"

namespace exf::test
{

template <class T> T peek(const T &field)
{
	return __atomic_load_n(&field, __ATOMIC_RELAXED);
}

inline uint32_t seq_begin(const uint32_t &seq)
{
	return __atomic_load_n(&seq, __ATOMIC_ACQUIRE);
}

// At rest, and unchanged since begin. An acquire-release no-op keeps the loads
// before it from moving behind it.
inline bool seq_same(const uint32_t &seq, uint32_t begin)
{
	return __atomic_fetch_add(const_cast<uint32_t *>(&seq), 0, __ATOMIC_ACQ_REL) ==
	       (begin & ~1U);
}

inline void copy_out(void *dst, const void *src, size_t bytes)
{
	using AnyWord [[gnu::may_alias]] = uint64_t;
	const auto *s = static_cast<const AnyWord *>(src);
	auto *d = static_cast<char *>(dst);

	for (size_t i = 0; i < bytes / 8; i++) {
		const uint64_t word = peek(s[i]);
		memcpy(d + i * 8, &word, 8);
	}
}

template <class Slot> bool read_name(const Slot &s, const impl::NameKey &key, Slot &out)
{
	const uint32_t seq = seq_begin(s.seq);

	if (peek(s.tag) != static_cast<uint32_t>(key.hash) || peek(s.parent) != key.parent ||
	    peek(s.name_len) != key.len)
		return false;
	for (size_t i = 0; i < (key.len + 7) / 8; i++) {
		if (peek(s.name[i]) != key.words[i])
			return false;
	}
	out.tag = peek(s.tag);
	out.parent = peek(s.parent);
	out.word = peek(s.word);
	out.nodeid = peek(s.nodeid);
	out.behind = peek(s.behind);
	out.caller = peek(s.caller);
	out.generation = peek(s.generation);
	out.name_len = peek(s.name_len);
	out.scope = peek(s.scope);
	return seq_same(s.seq, seq);
}

template <class Bucket> auto find_name(std::span<Bucket> map, const impl::NameKey &key)
{
	using Slot = std::remove_reference_t<decltype(map[0].slot[0])>;
	std::optional<Slot> found;
	Slot copy = {};

	for (const Slot &s : map[impl::bucket_index(key.hash, map.size())].slot) {
		if (read_name(s, key, copy)) {
			found = copy;
			break;
		}
	}
	return found;
}

inline std::optional<extfuse_attr_slot> find_attr(const impl::HandlerMaps &maps, uint64_t seed,
						  uint64_t node)
{
	const uint64_t hash = extfuse_node_hash(seed, node);

	for (const auto &s : maps.attrs[impl::bucket_index(hash, maps.attrs.size())].slot) {
		extfuse_attr_slot copy = {};
		const uint32_t seq = seq_begin(s.seq);

		if (peek(s.nodeid) != node)
			continue;
		copy.scope = peek(s.scope);
		copy.nodeid = peek(s.nodeid);
		copy.word = peek(s.word);
		copy.caller = peek(s.caller);
		copy_out(&copy.attr, &s.attr, sizeof(copy.attr));
		if (seq_same(s.seq, seq))
			return copy;
	}
	return std::nullopt;
}

inline std::optional<extfuse_open_slot> find_open(const impl::HandlerMaps &maps, uint64_t seed,
						  uint64_t node)
{
	const uint64_t hash = extfuse_node_hash(seed, node);

	for (const auto &s : maps.opens[impl::bucket_index(hash, maps.opens.size())].slot) {
		extfuse_open_slot copy = {};
		const uint32_t seq = seq_begin(s.seq);

		if (peek(s.nodeid) != node || !peek(s.word))
			continue;
		copy.scope = peek(s.scope);
		copy.flags = peek(s.flags);
		copy.nodeid = node;
		copy.word = peek(s.word);
		copy.caller = peek(s.caller);
		if (seq_same(s.seq, seq))
			return copy;
	}
	return std::nullopt;
}

inline std::optional<extfuse_data_slot> find_block(const impl::HandlerMaps &maps, uint64_t seed,
						   uint64_t node, uint64_t index)
{
	const uint64_t hash = extfuse_block_hash(seed, node, index);

	for (const auto &s : maps.blocks[impl::bucket_index(hash, maps.blocks.size())].slot) {
		extfuse_data_slot copy = {};
		const uint32_t seq = seq_begin(s.seq);

		if (peek(s.nodeid) != node || peek(s.index) != index || !peek(s.word))
			continue;
		copy.len = peek(s.len);
		copy.nodeid = node;
		copy.word = peek(s.word);
		copy.index = index;
		copy.size = peek(s.size);
		copy.caller = peek(s.caller);
		copy.scope = peek(s.scope);
		copy_out(copy.data, s.data, sizeof(copy.data));
		if (seq_same(s.seq, seq))
			return copy;
	}
	return std::nullopt;
}

} // namespace exf::test

#endif
