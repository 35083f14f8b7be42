// SPDX-License-Identifier: LGPL-2.1-or-later
#include "slots.hpp"

#include <cstring>
#include <type_traits>

namespace exf::impl
{

namespace
{

// Fields are read and written while others do the same: relaxed atomics, plain
// moves in machine code.
template <class T> T peek(const T &field)
{
	return __atomic_load_n(&field, __ATOMIC_RELAXED);
}

template <class T> void poke(T &field, std::type_identity_t<T> value)
{
	__atomic_store_n(&field, value, __ATOMIC_RELAXED);
}

// A word of a slot, whatever its fields are.
using AnyWord [[gnu::may_alias]] = uint64_t;

void poke_words(void *dst, const void *src, size_t bytes)
{
	auto *d = static_cast<AnyWord *>(dst);
	const auto *s = static_cast<const char *>(src);

	for (size_t i = 0; i < bytes / sizeof(uint64_t); i++) {
		uint64_t word;

		memcpy(&word, s + i * sizeof(word), sizeof(word));
		poke(d[i], word);
	}
}

// The right to write a slot, if nobody else has it.
class WriteLock
{
public:
	explicit WriteLock(uint32_t &seq) : seq_(seq), begin_(peek(seq))
	{
		held_ = !(begin_ & 1) &&
			__atomic_compare_exchange_n(&seq_, &begin_, begin_ + 1, false,
						    __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
		// The odd number is seen before any store below.
		if (held_)
			__atomic_signal_fence(__ATOMIC_SEQ_CST);
	}
	WriteLock(const WriteLock &) = delete;
	WriteLock &operator=(const WriteLock &) = delete;
	~WriteLock()
	{
		if (held_)
			__atomic_store_n(&seq_, begin_ + 2, __ATOMIC_RELEASE);
	}

	explicit operator bool() const
	{
		return held_;
	}

private:
	uint32_t &seq_;
	uint32_t begin_;
	bool held_;
};

// The way to write in a bucket: the slot of the same key, else an empty or
// outdated one, else the one that the hash names. A busy one is passed over
// where there is a choice. evicts: the slot holds another key that is live.
template <class Slot, class Same, class Live>
Slot *choose(Slot (&ways)[EXTFUSE_WAYS], uint64_t hash, Same same, Live live, bool &evicts)
{
	Slot *free = nullptr;

	evicts = false;
	for (Slot &slot : ways) {
		if (peek(slot.word) && same(slot))
			return &slot;
	}
	for (Slot &slot : ways) {
		if (peek(slot.seq) & 1)
			continue;
		if (!peek(slot.word))
			return &slot;
		if (!free && !live(slot))
			free = &slot;
	}
	if (free)
		return free;
	evicts = true;
	// Neither the bits of the bucket (32 up) nor those of the word (0 up).
	Slot *victim = &ways[(hash >> 62) % EXTFUSE_WAYS];
	for (size_t i = 1; i < EXTFUSE_WAYS && (peek(victim->seq) & 1); i++)
		victim = &ways[((hash >> 62) + i) % EXTFUSE_WAYS];
	return victim;
}

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

	const size_t whole = block.len / sizeof(uint64_t) * sizeof(uint64_t);
	poke_words(slot->data, block.data, whole);
	if (whole < block.len) {
		uint64_t last = 0;

		memcpy(&last, static_cast<const char *>(block.data) + whole, block.len - whole);
		poke_words(slot->data + whole, &last, sizeof(last));
	}
	return evicts ? Stored::evicted : Stored::yes;
}

} // namespace exf::impl
