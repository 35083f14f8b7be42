// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The connection's words, as the driver maps them, and the tokens made of them
// ("Words" in <extfuse/abi.h>).
#ifndef EXTFUSE_SRC_WORDS_HPP
#define EXTFUSE_SRC_WORDS_HPP

#include <cstddef>
#include <cstdint>

#include <extfuse/abi.h>

namespace exf::impl
{

class Words
{
public:
	// Use this mapping. False, and no words, if its header makes no sense.
	bool set(void *base, size_t bytes) noexcept;
	void clear() noexcept
	{
		*this = Words();
	}
	bool active() const noexcept
	{
		return header_ != nullptr;
	}
	uint64_t seed() const noexcept
	{
		return seed_;
	}

	// Token now; 0 if it is not cacheable.
	uint64_t node_token(uint64_t node) const noexcept;
	uint64_t entry_token(uint64_t parent, uint64_t hash) const noexcept;
	// Token when the one change in flight is over; 0 if there is not just one.
	uint64_t changed_node_token(uint64_t node) const noexcept;
	uint64_t changed_entry_token(uint64_t parent, uint64_t hash) const noexcept;

	// Can an answer with this token still be served, now or when the change in
	// flight is over?
	bool node_current(uint64_t node, uint64_t token) const noexcept;
	bool entry_current(uint64_t parent, uint64_t hash, uint64_t token) const noexcept;

	// Of a node's extended attributes; of the whole file system.
	uint64_t xattr_token(uint64_t node) const noexcept;
	bool xattr_current(uint64_t node, uint64_t token) const noexcept;
	uint64_t fs_token() const noexcept;
	bool fs_current(uint64_t token) const noexcept;

	uint64_t behind(uint64_t node) const noexcept;

	// How many times a word has got a new epoch.
	uint64_t changes() const noexcept;

	// Is there a table for marks of replies? Mark the reply to this request.
	bool marks() const noexcept
	{
		return marks_ != nullptr;
	}
	void mark(uint64_t unique, uint32_t mark) const noexcept;

	void change_node(uint64_t node) const noexcept;
	void change_entry(uint64_t parent, uint64_t hash) const noexcept;
	void change_all() const noexcept;

private:
	void count_change() const noexcept;

	// A sum of words and how many changes are in flight in the first of them,
	// and in all others together.
	struct Sample {
		uint64_t sum;
		uint64_t own;
		uint64_t others;
	};

	Sample sample_node(uint64_t node) const noexcept;
	Sample sample_entry(uint64_t parent, uint64_t hash) const noexcept;
	Sample sample_xattr(uint64_t node) const noexcept;
	Sample sample_fs() const noexcept;
	static uint64_t token(const Sample &s) noexcept;
	static uint64_t changed_token(const Sample &s) noexcept;
	static bool current(const Sample &s, uint64_t token) noexcept;

	uint64_t *node_word(uint64_t node) const noexcept;
	uint64_t *name_word(uint64_t hash) const noexcept;
	uint64_t *behind_word(uint64_t node) const noexcept;
	uint64_t *data_word(uint64_t node) const noexcept;
	uint64_t *xattr_word(uint64_t node) const noexcept;

	extfuse_words_header *header_ = nullptr;
	uint64_t *node_ = nullptr;
	uint64_t *name_ = nullptr;
	uint64_t *behind_ = nullptr;
	uint64_t *data_ = nullptr;
	uint64_t *xattr_ = nullptr;
	uint64_t *marks_ = nullptr;
	// Copies: whoever else maps the header cannot move us out of bounds.
	uint64_t seed_ = 0;
	uint32_t node_count_ = 0;
	uint32_t name_count_ = 0;
	uint32_t behind_count_ = 0;
	uint32_t data_count_ = 0;
	uint32_t xattr_count_ = 0;
};

} // namespace exf::impl

#endif
