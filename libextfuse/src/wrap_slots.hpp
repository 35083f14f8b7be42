// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef EXTFUSE_SRC_WRAP_SLOTS_HPP
#define EXTFUSE_SRC_WRAP_SLOTS_HPP

#include <cstddef>
#include <cstdint>

struct extfuse_wrap;

namespace exf::impl
{

// The session of this number; null: none.
extfuse_wrap *wrap_slot(size_t number) noexcept;

// Of the request that this thread has read last.
const extfuse_wrap *taken_by_this_thread() noexcept;
uint32_t opcode_of_this_thread() noexcept;

} // namespace exf::impl

#endif
