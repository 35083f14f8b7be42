// SPDX-License-Identifier: GPL-2.0-only
// Which of the open files were read or written since they were opened.
#pragma once

#include <atomic>
#include <cstddef>
#include <vector>

namespace stackfs
{

// By descriptor; all threads. Of descriptors beyond its size nothing is known: touched.
class TouchedFiles
{
	std::vector<std::atomic<bool>> touched_;

public:
	static constexpr size_t default_size = 65536;

	explicit TouchedFiles(size_t size = default_size) : touched_(size) {}

	void touch(int fd) noexcept
	{
		const auto i = static_cast<size_t>(fd);
		if (i < touched_.size())
			touched_[i].store(true, std::memory_order_relaxed);
	}
	// The file is closed.
	bool take(int fd) noexcept
	{
		const auto i = static_cast<size_t>(fd);
		return i >= touched_.size() ||
		       touched_[i].exchange(false, std::memory_order_relaxed);
	}
};

} // namespace stackfs
