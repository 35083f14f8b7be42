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
	if (maps.objects.empty())
		return Stored::no;

	const uint64_t hash = extfuse_object_hash(seed, value.node, value.kind, value.arg);
	bool evicts;
	extfuse_object_slot *slot = choose(
		maps.objects[bucket_index(hash, maps.objects.size())].slot, hash,
		[&](const auto &s) {
			return peek(s.nodeid) == value.node && peek(s.arg) == value.arg &&
			       peek(s.kind) == value.kind;
		},
		[&](const auto &s) {
			return object_current(words, static_cast<extfuse_op>(peek(s.kind)),
					      peek(s.flags), peek(s.nodeid), peek(s.word));
		},
		evicts);
	WriteLock lock(slot->seq);
	if (!lock)
		return Stored::no;
	poke(slot->len, value.len);
	poke(slot->kind, static_cast<uint8_t>(value.kind));
	poke(slot->scope, who.scope);
	poke(slot->nodeid, value.node);
	poke(slot->word, value.word);
	poke(slot->caller, who.caller);
	poke(slot->arg, value.arg);
	poke(slot->flags, value.flags);
	poke(slot->name_len, value.name ? value.name->len : 0);
	if (value.name)
		poke_words(slot->name, value.name->words, sizeof(slot->name));
	poke_bytes(slot->data, value.data, value.len);
	return evicts ? Stored::evicted : Stored::yes;
}

Stored store_dir(const HandlerMaps &maps, const Words &words, uint64_t seed, const DirChunk &chunk,
		 const Audience &who) noexcept
{
	if (maps.dirs.empty())
		return Stored::no;

	const uint64_t hash = extfuse_block_hash(seed, chunk.node, chunk.start);
	bool evicts;
	extfuse_dir_slot *slot = choose(
		maps.dirs[bucket_index(hash, maps.dirs.size())].slot, hash,
		[&](const auto &s) {
			return peek(s.nodeid) == chunk.node && peek(s.start) == chunk.start;
		},
		[&](const auto &s) { return words.node_current(peek(s.nodeid), peek(s.word)); },
		evicts);
	WriteLock lock(slot->seq);
	if (!lock)
		return Stored::no;
	poke(slot->len, chunk.len);
	poke(slot->last, static_cast<uint8_t>(chunk.last));
	poke(slot->scope, who.scope);
	poke(slot->nodeid, chunk.node);
	poke(slot->word, chunk.word);
	poke(slot->caller, who.caller);
	poke(slot->start, chunk.start);
	poke(slot->next, chunk.next);
	poke_bytes(slot->data, chunk.data, chunk.len);
	return evicts ? Stored::evicted : Stored::yes;
}

Stored store_names(const HandlerMaps &maps, const Words &words, uint64_t seed, uint64_t node,
		   uint64_t word, const NameBits &bits, const Audience &who) noexcept
{
	if (maps.dir_names.empty())
		return Stored::no;

	const uint64_t hash = extfuse_node_hash(seed, node);
	bool evicts;
	extfuse_names_slot *slot = choose(
		maps.dir_names[bucket_index(hash, maps.dir_names.size())].slot, hash,
		[&](const auto &s) { return peek(s.nodeid) == node; },
		[&](const auto &s) { return words.node_current(peek(s.nodeid), peek(s.word)); },
		evicts);
	WriteLock lock(slot->seq);
	if (!lock)
		return Stored::no;
	poke(slot->scope, who.scope);
	poke(slot->nodeid, node);
	poke(slot->word, word);
	poke(slot->caller, who.caller);
	poke_words(slot->bits, bits, sizeof(slot->bits));
	return evicts ? Stored::evicted : Stored::yes;
}

} // namespace exf::impl
