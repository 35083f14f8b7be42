// SPDX-License-Identifier: GPL-2.0-only
// File content.
#include "stackfs/fs.hpp"

#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <vector>

namespace stackfs
{

namespace
{

// Grows to the largest request and stays: one per thread.
char *thread_buffer(size_t size)
{
	static thread_local std::vector<char> buffer;
	if (buffer.size() < size)
		buffer.resize(size);
	return buffer.data();
}

ssize_t read_fully(int fd, char *to, size_t size, off_t off)
{
	size_t done = 0;
	while (done < size) {
		const ssize_t n = pread(fd, to + done, size - done, off + static_cast<off_t>(done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return done ? static_cast<ssize_t>(done) : -1;
		if (n == 0)
			break;
		done += static_cast<size_t>(n);
	}
	return static_cast<ssize_t>(done);
}

// Part of a file, as libfuse wants it said.
fuse_bufvec file_buffer(int file, size_t size, off_t off)
{
	fuse_bufvec buf = {};
	buf.count = 1;
	buf.buf[0].size = size;
	// NOLINTNEXTLINE(clang-analyzer-optin.core.EnumCastOutOfRange): a set of flags
	buf.buf[0].flags = static_cast<fuse_buf_flags>(FUSE_BUF_IS_FD | FUSE_BUF_FD_SEEK);
	buf.buf[0].fd = file;
	buf.buf[0].pos = off;
	return buf;
}

struct Content {
	const char *data;
	size_t size;
	extfuse_token token;
};

// The whole of a small file, read under one token. The token comes first, then the
// size, then the bytes.
bool read_small_file(extfuse *x, fuse_ino_t node, int file, uint64_t max, Content &content)
{
	content.token = extfuse_token_node(x, node);
	struct stat st;
	if (!content.token.word || fstat(file, &st) < 0 || !S_ISREG(st.st_mode) ||
	    static_cast<uint64_t>(st.st_size) > max)
		return false;
	const auto size = static_cast<size_t>(st.st_size);
	char *buffer = thread_buffer(size + 1);
	const ssize_t n = read_fully(file, buffer, size, 0);
	if (n != st.st_size)
		return false;
	content.data = buffer;
	content.size = size;
	return true;
}

void put_content(extfuse *x, Node *node, const Content &content)
{
	const int stored = extfuse_put_data(x, nullptr, node->id, 0, content.data, content.size,
					    content.size, content.token, EXTFUSE_SCOPE_ALL);
	const size_t blocks = (content.size + EXTFUSE_BLOCK_SIZE - 1) / EXTFUSE_BLOCK_SIZE;
	if (stored < 0 || static_cast<size_t>(stored) < blocks)
		return;
	node->data_word.store(content.token.word, std::memory_order_relaxed);
	node->data_behind.store(content.token.behind, std::memory_order_relaxed);
}

} // namespace

// A file that is opened for reading is read soon: put its content into the maps,
// unless that was done and still holds.
void Fs::cache_on_open(const Pin &pin, int file)
{
	Node *node = pin.node();
	const extfuse_token now = extfuse_token_node(x_, node->id);
	if (now.word == node->data_word.load(std::memory_order_relaxed) &&
	    now.behind == node->data_behind.load(std::memory_order_relaxed))
		return;
	Content content;
	if (read_small_file(x_, node->id, file, options_.data_max_file, content))
		put_content(x_, node, content);
}

// A read that came here missed. False: not a small file, nothing was done.
bool Fs::read_and_cache(fuse_req_t req, const Pin &pin, int file, size_t size, off_t off,
			int &result)
{
	Content content;
	if (!read_small_file(x_, pin->id, file, options_.data_max_file, content))
		return false;
	put_content(x_, pin.node(), content);
	const size_t start = std::min(static_cast<size_t>(off), content.size);
	fuse_reply_buf(req, content.data + start, std::min(size, content.size - start));
	result = replied;
	return true;
}

int Fs::do_read(fuse_req_t req, fuse_ino_t node, size_t size, off_t off, fuse_file_info *fi)
{
	const int file = file_of(fi);
	touched_.touch(file);
	// Marked, the reply itself is cached, of larger files the beginning, without asking
	// for a size. Spliced, it could not be.
	const bool marked = cache_data_ && marks_ &&
			    static_cast<uint64_t>(off) + size <=
				    options_.data_max_file + EXTFUSE_BLOCK_SIZE - 1;
	if (cache_data_ && !marks_) {
		Pin pin;
		int result = 0;
		if (table_.pin(node, pin) == 0 && read_and_cache(req, pin, file, size, off, result))
			return result;
	}
	if (splice_ && !marked) {
		fuse_bufvec buf = file_buffer(file, size, off);
		fuse_reply_data(req, &buf, FUSE_BUF_SPLICE_MOVE);
		return replied;
	}
	char *buffer = thread_buffer(size);
	const ssize_t n = read_fully(file, buffer, size, off);
	if (n < 0)
		return errno;
	if (marked)
		extfuse_mark_reply(x_, EXTFUSE_SCOPE_ALL, EXTFUSE_SCOPE_NONE, 0);
	fuse_reply_buf(req, buffer, static_cast<size_t>(n));
	return replied;
}

namespace
{

ssize_t write_once(int file, const void *from, size_t size, off_t off, bool append)
{
	const iovec iov = {const_cast<void *>(from), size};
	ssize_t n = 0;
	do
		n = pwritev2(file, &iov, 1, off, append ? RWF_APPEND : 0);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

ssize_t write_spliced(int file, fuse_bufvec *in, off_t off)
{
	fuse_bufvec out = file_buffer(file, fuse_buf_size(in), off);
	return fuse_buf_copy(&out, in, fuse_buf_copy_flags{});
}

ssize_t write_copied(int file, fuse_bufvec *in, off_t off, bool append)
{
	const size_t size = fuse_buf_size(in);
	fuse_bufvec out = {};
	out.count = 1;
	out.buf[0].size = size;
	out.buf[0].mem = thread_buffer(size);
	const ssize_t n = fuse_buf_copy(&out, in, fuse_buf_copy_flags{});
	return n < 0 ? n : write_once(file, out.buf[0].mem, static_cast<size_t>(n), off, append);
}

} // namespace

int Fs::do_write_buf(fuse_req_t req, fuse_ino_t, fuse_bufvec *buf, off_t off, fuse_file_info *fi)
{
	const int file = file_of(fi);
	touched_.touch(file);
	const bool append = (fi->flags & O_APPEND) && !fi->writepage;
	ssize_t n = 0;
	if (buf->count == 1 && !(buf->buf[0].flags & FUSE_BUF_IS_FD))
		n = write_once(file, static_cast<char *>(buf->buf[0].mem) + buf->off,
			       buf->buf[0].size - buf->off, off, append);
	else if (append)
		n = write_copied(file, buf, off, append);
	else
		n = write_spliced(file, buf, off);
	if (n < 0)
		return static_cast<int>(-n);
	fuse_reply_write(req, static_cast<size_t>(n));
	return replied;
}

int Fs::do_fallocate(fuse_req_t, fuse_ino_t, int mode, off_t offset, off_t length,
		     fuse_file_info *fi)
{
	touched_.touch(file_of(fi));
	return fallocate(file_of(fi), mode, offset, length) < 0 ? errno : 0;
}

int Fs::do_copy_file_range(fuse_req_t req, fuse_ino_t, off_t off_in, fuse_file_info *fi_in,
			   fuse_ino_t, off_t off_out, fuse_file_info *fi_out, size_t len, int flags)
{
	touched_.touch(file_of(fi_in));
	touched_.touch(file_of(fi_out));
	const ssize_t n = copy_file_range(file_of(fi_in), &off_in, file_of(fi_out), &off_out, len,
					  static_cast<unsigned>(flags));
	if (n < 0)
		return errno;
	fuse_reply_write(req, static_cast<size_t>(n));
	return replied;
}

int Fs::do_lseek(fuse_req_t req, fuse_ino_t node, off_t off, int whence, fuse_file_info *fi)
{
	const extfuse_token token = node_token(node);
	const off_t at = lseek(file_of(fi), off, whence);
	if (at < 0 && errno != ENXIO)
		return errno;
	if (cache_meta_)
		extfuse_reply_lseek(x_, req, node, off, whence, at, token, EXTFUSE_SCOPE_ALL);
	else if (at < 0)
		return ENXIO;
	else
		fuse_reply_lseek(req, at);
	return replied;
}

} // namespace stackfs
