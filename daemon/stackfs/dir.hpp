// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "common/fd.hpp"

#include <extfuse/extfuse.h>

#include <dirent.h>

#include <list>
#include <mutex>

namespace stackfs
{

struct LowerEntry { // struct linux_dirent64
	ino64_t ino;
	off64_t off; // of the next entry
	unsigned short length;
	unsigned char type;
	char name[1];
};

// One opendir(). Requests for the same handle can come from several threads.
struct DirHandle {
	std::mutex mutex; // of all below; no other lock is held when it is taken
	UniqueFd fd;
	off_t offset = 0; // of the next entry in buffer, or of fd if it is used up
	size_t at = 0;
	size_t end = 0;
	std::list<DirHandle>::iterator self; // in Fs::dirs_
	alignas(8) char buffer[32 * 1024];

	DirHandle() noexcept // not defaulted: that would clear buffer
	{
	}
	int seek(off_t wanted);
	// The next entry, not consumed; nullptr at the end. 0 or errno.
	int peek(const LowerEntry *&entry);
	void consume(const LowerEntry &entry) noexcept;
};

// The lower descriptor of what OPENDIR gave out.
int dir_handle_fd(const fuse_file_info *fi) noexcept;

} // namespace stackfs
