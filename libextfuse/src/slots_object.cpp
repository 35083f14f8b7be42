// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Slots of single answers about a node, and of directories.
#include "slots.hpp"

#include "slot_write.hpp"

namespace exf::impl
{

bool object_current(const Words &words, extfuse_op kind, uint32_t flags, uint64_t node,
		    uint64_t token) noexcept
{
	if (kind == EXTFUSE_OP_STATFS)
		return words.fs_current(token);
	if (flags & EXTFUSE_OUT_XATTR_WORD)
		return words.xattr_current(node, token);
	return words.node_current(node, token);
}

Stored store_object(const HandlerMaps &maps, const Words &words, uint64_t seed,
		    const ObjectValue &value, const Audience &who) noexcept
{
	return store_slot(
		maps.objects, extfuse_object_hash(seed, value.node, value.kind, value.arg),
		[&](const auto &s) {
			return peek(s.nodeid) == value.node && peek(s.arg) == value.arg &&
			       peek(s.kind) == value.kind;
		},
		[&](const auto &s) {
			return object_current(words, static_cast<extfuse_op>(peek(s.kind)),
					      peek(s.flags), peek(s.nodeid), peek(s.word));
		},
		[&](auto &s) {
			poke_node(s, value.node, value.word, who);
			poke(s.len, value.len);
			poke(s.kind, static_cast<uint8_t>(value.kind));
			poke(s.arg, value.arg);
			poke(s.flags, value.flags);
			poke(s.name_len, value.name ? value.name->len : 0);
			if (value.name)
				poke_words(s.name, value.name->words, sizeof(s.name));
			poke_bytes(s.data, value.data, value.len);
		});
}

Stored store_dir(const HandlerMaps &maps, const Words &words, uint64_t seed, const DirChunk &chunk,
		 const Audience &who) noexcept
{
	return store_slot(
		maps.dirs, extfuse_block_hash(seed, chunk.node, chunk.start),
		[&](const auto &s) {
			return peek(s.nodeid) == chunk.node && peek(s.start) == chunk.start;
		},
		node_current(words),
		[&](auto &s) {
			poke_node(s, chunk.node, chunk.word, who);
			poke(s.len, chunk.len);
			poke(s.last, static_cast<uint8_t>(chunk.last));
			poke(s.start, chunk.start);
			poke(s.next, chunk.next);
			poke_bytes(s.data, chunk.data, chunk.len);
		});
}

Stored store_names(const HandlerMaps &maps, const Words &words, uint64_t seed, uint64_t node,
		   uint64_t word, const NameBits &bits, const Audience &who) noexcept
{
	return store_slot(
		maps.dir_names, extfuse_node_hash(seed, node),
		[&](const auto &s) { return peek(s.nodeid) == node; }, node_current(words),
		[&](auto &s) {
			poke_node(s, node, word, who);
			poke_words(s.bits, bits, sizeof(s.bits));
		});
}

} // namespace exf::impl
