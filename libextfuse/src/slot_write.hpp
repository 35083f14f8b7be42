// SPDX-License-Identifier: LGPL-2.1-or-later
//
// How a slot is written, whatever it holds: for slots*.cpp.
#ifndef EXTFUSE_SRC_SLOT_WRITE_HPP
#define EXTFUSE_SRC_SLOT_WRITE_HPP

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>

#include <extfuse/abi.h>

#include "slots.hpp"
#include "words.hpp"

namespace exf::impl
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

inline void poke_words(void *dst, const void *src, size_t bytes)
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
// outdated one, else the one that extfuse_victim() names. A busy one is passed over
// where there is a choice. evicts: the slot holds another key that is live.
template <class Slot, class Same, class Live>
Slot *choose(Slot (&ways)[EXTFUSE_WAYS], uint64_t hash, Same same, Live live, bool &evicts)
{
	Slot *free = nullptr;
	auto turn = static_cast<uint32_t>(hash);

	evicts = false;
	for (Slot &slot : ways) {
		if (peek(slot.word) && same(slot))
			return &slot;
	}
	for (Slot &slot : ways) {
		const uint32_t seq = peek(slot.seq);

		turn += seq;
		if (seq & 1)
			continue;
		if (!peek(slot.word))
			return &slot;
		if (!free && !live(slot))
			free = &slot;
	}
	if (free)
		return free;
	evicts = true;
	const uint32_t first = extfuse_victim(turn);
	Slot *victim = &ways[first];
	for (size_t i = 1; i < EXTFUSE_WAYS && (peek(victim->seq) & 1); i++)
		victim = &ways[(first + i) % EXTFUSE_WAYS];
	return victim;
}

// Bytes into an array of words; what is behind the last one is zero up to the word.
inline void poke_bytes(void *dst, const void *src, size_t bytes)
{
	const size_t whole = bytes / sizeof(uint64_t) * sizeof(uint64_t);

	poke_words(dst, src, whole);
	if (whole < bytes) {
		uint64_t last = 0;

		memcpy(&last, static_cast<const char *>(src) + whole, bytes - whole);
		poke_words(static_cast<char *>(dst) + whole, &last, sizeof(last));
	}
}

// Is the slot's word the current one of its node?
inline auto node_current(const Words &words)
{
	return [&words](const auto &s) { return words.node_current(peek(s.nodeid), peek(s.word)); };
}

// Write what write(slot) pokes into the place of hash: see choose().
template <class Bucket, class Same, class Live, class Write>
Stored store_slot(std::span<Bucket> map, uint64_t hash, Same same, Live live, Write write)
{
	if (map.empty())
		return Stored::no;

	bool evicts;
	auto *slot = choose(map[bucket_index(hash, map.size())].slot, hash, same, live, evicts);
	WriteLock lock(slot->seq);
	if (!lock)
		return Stored::no;
	write(*slot);
	return evicts ? Stored::evicted : Stored::yes;
}

// Whom an answer about a node is for, and while which word is there.
template <class Slot> void poke_node(Slot &slot, uint64_t node, uint64_t word, const Audience &who)
{
	poke(slot.nodeid, node);
	poke(slot.word, word);
	poke(slot.caller, who.caller);
	poke(slot.scope, who.scope);
}

} // namespace exf::impl

#endif
