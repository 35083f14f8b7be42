// SPDX-License-Identifier: GPL-2.0-only
// Data: one read or write after the other, in order or at random, of a file that
// is in the page cache.
#include "operation.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>

namespace bench
{

namespace
{

constexpr size_t sequential_size = 128 * 1024;

enum class Order { Sequential, Random };

// Offsets of whole blocks of a file of big_size bytes.
class Offsets
{
	Order order_;
	size_t size_;
	uint64_t state_ = 88172645463325252ULL;

public:
	Offsets(Order order, size_t size) : order_(order), size_(size) {}
	off_t next()
	{
		const uint64_t blocks = big_size / size_;
		if (order_ == Order::Sequential)
			return static_cast<off_t>(state_++ % blocks * size_);
		state_ ^= state_ << 13; // xorshift: the same ones in each run
		state_ ^= state_ >> 7;
		state_ ^= state_ << 17;
		return static_cast<off_t>(state_ % blocks * size_);
	}
};

class Transfer : public Operation
{
	bool writes_;
	size_t size_;
	Offsets offsets_;
	int fd_;
	std::unique_ptr<char, decltype(&std::free)> block_;

public:
	Transfer(bool writes, Order order, size_t size)
		: writes_(writes), size_(size), offsets_(order, size),
		  fd_(open(big_path, (writes ? O_RDWR : O_RDONLY) | O_CLOEXEC)),
		  block_(static_cast<char *>(std::aligned_alloc(block_size, size)), &std::free)
	{
		if (fd_ < 0)
			fail(errno, std::string("open ") + big_path);
		if (!block_)
			fail(ENOMEM, "block");
		std::fill_n(block_.get(), size, 'x');
	}
	~Transfer() override
	{
		close(fd_);
	}
	Transfer(const Transfer &) = delete;
	Transfer &operator=(const Transfer &) = delete;

	void once() override
	{
		const off_t at = offsets_.next();
		const ssize_t n = writes_ ? pwrite(fd_, block_.get(), size_, at)
					  : pread(fd_, block_.get(), size_, at);
		if (n != static_cast<ssize_t>(size_))
			fail(n < 0 ? errno : EIO, writes_ ? "pwrite" : "pread");
	}
};

} // namespace

std::unique_ptr<Operation> make_seq_read()
{
	return std::make_unique<Transfer>(false, Order::Sequential, sequential_size);
}

std::unique_ptr<Operation> make_seq_write()
{
	return std::make_unique<Transfer>(true, Order::Sequential, sequential_size);
}

std::unique_ptr<Operation> make_rnd_read()
{
	return std::make_unique<Transfer>(false, Order::Random, block_size);
}

std::unique_ptr<Operation> make_rnd_write()
{
	return std::make_unique<Transfer>(true, Order::Random, block_size);
}

} // namespace bench
