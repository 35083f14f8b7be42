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
	constexpr size_t room = sizeof(Bucket{}.slot[0].name) / sizeof(uint64_t);
	const size_t used = room == EXTFUSE_NAME_WORDS ? room : (key.len + 7) / 8;

	return store_slot(
		map, key.hash, [&](const auto &s) { return same_name(s, key, used); },
		[&](const auto &s) {
			// The tag is the part of the hash that names the word.
			return words.entry_current(peek(s.parent), peek(s.tag), peek(s.word));
		},
		[&](auto &s) {
			poke_node(s, value.nodeid, value.word, who);
			poke(s.tag, static_cast<uint32_t>(key.hash));
			poke(s.parent, key.parent);
			poke(s.behind, value.behind);
			poke(s.generation, value.generation);
			poke(s.name_len, static_cast<uint8_t>(key.len));
			poke_words(s.name, key.words, used * sizeof(uint64_t));
		});
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
	return store_slot(
		maps.attrs, extfuse_node_hash(words.seed(), node),
		[&](const auto &s) { return peek(s.nodeid) == node; }, node_current(words),
		[&](auto &s) {
			poke_node(s, node, word, who);
			poke_words(&s.attr, &attr, sizeof(attr));
			poke(s.expires, 0);
		});
}

Stored store_open(const HandlerMaps &maps, const Words &words, uint64_t node, uint64_t word,
		  uint16_t flags, const Audience &who) noexcept
{
	return store_slot(
		maps.opens, extfuse_node_hash(words.seed(), node),
		[&](const auto &s) { return peek(s.nodeid) == node; }, node_current(words),
		[&](auto &s) {
			poke_node(s, node, word, who);
			poke(s.flags, flags);
		});
}

Stored store_block(const HandlerMaps &maps, const Words &words, uint64_t seed, const Block &block,
		   const Audience &who) noexcept
{
	return store_slot(
		maps.blocks, extfuse_block_hash(seed, block.node, block.index),
		[&](const auto &s) {
			return peek(s.nodeid) == block.node && peek(s.index) == block.index;
		},
		node_current(words),
		[&](auto &s) {
			poke_node(s, block.node, block.word, who);
			poke(s.len, block.len);
			poke(s.index, block.index);
			poke(s.size, block.file_size);
			poke_bytes(s.data, block.data, block.len);
		});
}

} // namespace exf::impl
