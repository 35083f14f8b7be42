// SPDX-License-Identifier: LGPL-2.1-or-later
#include "words.hpp"

#include <bit>

namespace exf::impl
{

namespace
{

template <class Word> uint64_t load(const Word *word)
{
	return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

uint64_t in_flight(uint64_t word)
{
	return word & EXTFUSE_INFLIGHT_MASK;
}

// An array of the mapping, or null if it is not inside.
uint64_t *array(void *base, size_t bytes, uint64_t offset, uint32_t count)
{
	if (!std::has_single_bit(count) || offset % sizeof(uint64_t) || offset > bytes ||
	    (bytes - offset) / sizeof(uint64_t) < count)
		return nullptr;
	return reinterpret_cast<uint64_t *>(static_cast<char *>(base) + offset);
}

} // namespace

bool Words::set(void *base, size_t bytes) noexcept
{
	auto *h = static_cast<extfuse_words_header *>(base);

	clear();
	if (bytes < sizeof(*h) || h->magic != EXTFUSE_WORDS_MAGIC ||
	    h->abi_version != EXTFUSE_ABI_VERSION || h->bytes != bytes)
		return false;
	Words w;
	w.seed_ = h->seed;
	w.node_count_ = h->node_count;
	w.name_count_ = h->name_count;
	w.behind_count_ = h->behind_count;
	w.node_ = array(base, bytes, h->node_offset, w.node_count_);
	w.name_ = array(base, bytes, h->name_offset, w.name_count_);
	w.behind_ = array(base, bytes, h->behind_offset, w.behind_count_);
	w.data_count_ = h->data_count;
	w.data_ = array(base, bytes, h->data_offset, w.data_count_);
	w.xattr_count_ = h->xattr_count;
	w.xattr_ = array(base, bytes, h->xattr_offset, w.xattr_count_);
	if (h->marks_count == EXTFUSE_MARK_COUNT)
		w.marks_ = array(base, bytes, h->marks_offset, EXTFUSE_MARK_COUNT);
	if (!w.node_ || !w.name_ || !w.behind_ || !w.data_ || !w.xattr_)
		return false;
	w.header_ = h;
	*this = w;
	return true;
}

uint64_t *Words::node_word(uint64_t node) const noexcept
{
	return node_ + EXTFUSE_WORD_INDEX(extfuse_node_hash(seed_, node), node_count_);
}

uint64_t *Words::name_word(uint64_t hash) const noexcept
{
	return name_ + EXTFUSE_WORD_INDEX(hash, name_count_);
}

uint64_t *Words::behind_word(uint64_t node) const noexcept
{
	return behind_ + EXTFUSE_WORD_INDEX(extfuse_node_hash(seed_, node), behind_count_);
}

uint64_t *Words::data_word(uint64_t node) const noexcept
{
	return data_ + EXTFUSE_WORD_INDEX(extfuse_node_hash(seed_, node), data_count_);
}

uint64_t *Words::xattr_word(uint64_t node) const noexcept
{
	return xattr_ + EXTFUSE_WORD_INDEX(extfuse_node_hash(seed_, node), xattr_count_);
}

// Words only grow, so the order of the loads does not matter for soundness: a
// sum that is equal later means that every word was equal all the time between
// the last load here and the first one there.
Words::Sample Words::sample_node(uint64_t node) const noexcept
{
	const uint64_t own = load(node_word(node));
	const uint64_t mount = load(&header_->mount_word);

	return {own + mount, in_flight(own), in_flight(mount)};
}

Words::Sample Words::sample_entry(uint64_t parent, uint64_t hash) const noexcept
{
	const uint64_t own = load(name_word(hash));
	const uint64_t behind = load(behind_word(parent));
	const uint64_t mount = load(&header_->mount_word);

	return {own + behind + mount, in_flight(own), in_flight(behind) + in_flight(mount)};
}

Words::Sample Words::sample_xattr(uint64_t node) const noexcept
{
	const uint64_t own = load(xattr_word(node));
	const uint64_t mount = load(&header_->mount_word);

	return {own + mount, in_flight(own), in_flight(mount)};
}

Words::Sample Words::sample_fs() const noexcept
{
	const uint64_t own = load(&header_->change_word);
	const uint64_t mount = load(&header_->mount_word);

	return {own + mount, in_flight(own), in_flight(mount)};
}

uint64_t Words::token(const Sample &s) noexcept
{
	return s.own || s.others ? 0 : s.sum;
}

uint64_t Words::changed_token(const Sample &s) noexcept
{
	return s.own != 1 || s.others ? 0 : s.sum + EXTFUSE_WORD_END;
}

bool Words::current(const Sample &s, uint64_t t) noexcept
{
	return t && (token(s) == t || changed_token(s) == t);
}

uint64_t Words::node_token(uint64_t node) const noexcept
{
	return token(sample_node(node));
}

uint64_t Words::entry_token(uint64_t parent, uint64_t hash) const noexcept
{
	return token(sample_entry(parent, hash));
}

uint64_t Words::changed_node_token(uint64_t node) const noexcept
{
	return changed_token(sample_node(node));
}

uint64_t Words::changed_entry_token(uint64_t parent, uint64_t hash) const noexcept
{
	return changed_token(sample_entry(parent, hash));
}

bool Words::node_current(uint64_t node, uint64_t t) const noexcept
{
	return current(sample_node(node), t);
}

bool Words::entry_current(uint64_t parent, uint64_t hash, uint64_t t) const noexcept
{
	return current(sample_entry(parent, hash), t);
}

uint64_t Words::xattr_token(uint64_t node) const noexcept
{
	return token(sample_xattr(node));
}

bool Words::xattr_current(uint64_t node, uint64_t t) const noexcept
{
	return current(sample_xattr(node), t);
}

uint64_t Words::fs_token() const noexcept
{
	return token(sample_fs());
}

bool Words::fs_current(uint64_t t) const noexcept
{
	return current(sample_fs(), t);
}

uint64_t Words::behind(uint64_t node) const noexcept
{
	return load(behind_word(node));
}

uint64_t Words::changes() const noexcept
{
	return load(&header_->changes);
}

void Words::mark(uint64_t unique, uint32_t mark) const noexcept
{
	// Before the system call that writes the reply.
	__atomic_store_n(marks_ + extfuse_mark_index(unique), extfuse_mark_entry(unique, mark),
			 __ATOMIC_RELEASE);
}

// Before the words, see "changes" in <extfuse/abi.h>.
void Words::count_change() const noexcept
{
	__atomic_fetch_add(&header_->changes, 1, __ATOMIC_SEQ_CST);
}

void Words::change_node(uint64_t node) const noexcept
{
	count_change();
	__atomic_fetch_add(node_word(node), EXTFUSE_EPOCH_ONE, __ATOMIC_SEQ_CST);
	__atomic_fetch_add(behind_word(node), EXTFUSE_EPOCH_ONE, __ATOMIC_SEQ_CST);
	__atomic_fetch_add(data_word(node), EXTFUSE_EPOCH_ONE, __ATOMIC_SEQ_CST);
	__atomic_fetch_add(xattr_word(node), EXTFUSE_EPOCH_ONE, __ATOMIC_SEQ_CST);
	__atomic_fetch_add(&header_->change_word, EXTFUSE_EPOCH_ONE, __ATOMIC_SEQ_CST);
}

// The directory as well: what it lists, and that it has no other names.
void Words::change_entry(uint64_t parent, uint64_t hash) const noexcept
{
	count_change();
	__atomic_fetch_add(name_word(hash), EXTFUSE_EPOCH_ONE, __ATOMIC_SEQ_CST);
	__atomic_fetch_add(node_word(parent), EXTFUSE_EPOCH_ONE, __ATOMIC_SEQ_CST);
	__atomic_fetch_add(&header_->change_word, EXTFUSE_EPOCH_ONE, __ATOMIC_SEQ_CST);
}

void Words::change_all() const noexcept
{
	count_change();
	__atomic_fetch_add(&header_->mount_word, EXTFUSE_EPOCH_ONE, __ATOMIC_SEQ_CST);
	__atomic_fetch_add(&header_->mount_data_word, EXTFUSE_EPOCH_ONE, __ATOMIC_SEQ_CST);
}

} // namespace exf::impl
