// SPDX-License-Identifier: LGPL-2.1-or-later
#include "slots.hpp"

#include "slot_write.hpp"

namespace exf::impl
{

namespace
{

template <class Slot> bool same_name(const Slot &slot, const NameKey &key, size_t name_words)
{
	if (peek(slot.tag) != static_cast<uint32_t>(key.hash) || peek(slot.parent) != key.parent ||
	    peek(slot.name_len) != key.len)
		return false;
	for (size_t i = 0; i < name_words; i++) {
		if (peek(slot.name[i]) != key.words[i])
			return false;
	}
	return true;
}

template <class Bucket>
Stored store_in(std::span<Bucket> map, const Words &words, const NameKey &key,
		const NameValue &value, const Audience &who) noexcept
{
	if (map.empty())
		return Stored::no;

	Bucket &bucket = map[bucket_index(key.hash, map.size())];
	constexpr size_t room = sizeof(bucket.slot[0].name) / sizeof(uint64_t);
	const size_t used = room == EXTFUSE_NAME_WORDS ? room : (key.len + 7) / 8;
	bool evicts;
	auto *slot = choose(
		bucket.slot, key.hash, [&](const auto &s) { return same_name(s, key, used); },
		[&](const auto &s) {
			// The tag is the part of the hash that names the word.
			return words.entry_current(peek(s.parent), peek(s.tag), peek(s.word));
		},
		evicts);
	WriteLock lock(slot->seq);
	if (!lock)
		return Stored::no;
	poke(slot->tag, static_cast<uint32_t>(key.hash));
	poke(slot->parent, key.parent);
	poke(slot->word, value.word);
	poke(slot->nodeid, value.nodeid);
	poke(slot->behind, value.behind);
	poke(slot->caller, who.caller);
	poke(slot->generation, value.generation);
	poke(slot->name_len, static_cast<uint8_t>(key.len));
	poke(slot->scope, who.scope);
	poke_words(slot->name, key.words, used * sizeof(uint64_t));
	return evicts ? Stored::evicted : Stored::yes;
}

} // namespace

Stored store_name(const HandlerMaps &maps, const Words &words, const NameKey &key,
		  const NameValue &value, const Audience &who) noexcept
{
	return key.is_long() ? store_in(maps.long_names, words, key, value, who)
			     : store_in(maps.names, words, key, value, who);
}

Stored store_attr(const HandlerMaps &maps, const Words &words, uint64_t node, uint64_t word,
		  const extfuse_attr &attr, const Audience &who) noexcept
{
	if (maps.attrs.empty())
		return Stored::no;

	const uint64_t hash = extfuse_node_hash(words.seed(), node);
	bool evicts;
	extfuse_attr_slot *slot = choose(
		maps.attrs[bucket_index(hash, maps.attrs.size())].slot, hash,
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
	poke_words(&slot->attr, &attr, sizeof(attr));
	return evicts ? Stored::evicted : Stored::yes;
}

Stored store_open(const HandlerMaps &maps, const Words &words, uint64_t node, uint64_t word,
		  uint16_t flags, const Audience &who) noexcept
{
	if (maps.opens.empty())
		return Stored::no;

	const uint64_t hash = extfuse_node_hash(words.seed(), node);
	bool evicts;
	extfuse_open_slot *slot = choose(
		maps.opens[bucket_index(hash, maps.opens.size())].slot, hash,
		[&](const auto &s) { return peek(s.nodeid) == node; },
		[&](const auto &s) { return words.node_current(peek(s.nodeid), peek(s.word)); },
		evicts);
	WriteLock lock(slot->seq);
	if (!lock)
		return Stored::no;
	poke(slot->scope, who.scope);
	poke(slot->flags, flags);
	poke(slot->nodeid, node);
	poke(slot->word, word);
	poke(slot->caller, who.caller);
	return evicts ? Stored::evicted : Stored::yes;
}

Stored store_block(const HandlerMaps &maps, const Words &words, uint64_t seed, const Block &block,
		   const Audience &who) noexcept
{
	if (maps.blocks.empty())
		return Stored::no;

	const uint64_t hash = extfuse_block_hash(seed, block.node, block.index);
	bool evicts;
	extfuse_data_slot *slot = choose(
		maps.blocks[bucket_index(hash, maps.blocks.size())].slot, hash,
		[&](const auto &s) {
			return peek(s.nodeid) == block.node && peek(s.index) == block.index;
		},
		[&](const auto &s) { return words.node_current(peek(s.nodeid), peek(s.word)); },
		evicts);
	WriteLock lock(slot->seq);
	if (!lock)
		return Stored::no;
	poke(slot->len, block.len);
	poke(slot->nodeid, block.node);
	poke(slot->word, block.word);
	poke(slot->index, block.index);
	poke(slot->size, block.file_size);
	poke(slot->caller, who.caller);
	poke(slot->scope, who.scope);

	poke_bytes(slot->data, block.data, block.len);
	return evicts ? Stored::evicted : Stored::yes;
}

} // namespace exf::impl
