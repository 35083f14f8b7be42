// SPDX-License-Identifier: GPL-2.0-only
//
// A daemon whose nodes get registered files. What is behind a node here and what
// is in the registered file differ on purpose: it shows who was asked.
#ifndef EXTFUSE_TESTS_BACKED_FS_HPP
#define EXTFUSE_TESTS_BACKED_FS_HPP

#include <gtest/gtest.h>

#include "sys.hpp"
#include "test_fs.hpp"

namespace extfuse_test
{

inline Config passthrough()
{
	Config c;
	c.passthrough = true;
	return c;
}

inline constexpr unsigned backed = EXTFUSE_FILE_BACKING | EXTFUSE_FILE_WRITE;

struct Backed : TestFs {
	explicit Backed(Config config = passthrough()) : TestFs(std::move(config))
	{
		say.opens = true;
		say.file_flags = backed;
		say.atime = false;
	}

	std::string lower_dir = "/tmp"; // where give() makes its files

	// A file of its own for this node. Returns what register gave.
	int give(uint64_t node, const std::string &content, uint32_t limit = 0)
	{
		const extfuse_token token = extfuse_token_node(ext(), node);
		const sys::Fd fd(sys::open(lower_dir, O_TMPFILE | O_RDWR, 0600));
		EXPECT_EQ(sys::pwrite(fd, content, 0), static_cast<int>(content.size()));
		lower_ = sys::Fd(dup(fd));
		return extfuse_register_backing(ext(), node, fd, token, limit);
	}
	std::string lower() const
	{
		return sys::read_at(lower_, 1000, 0);
	}
	int lower_fd() const
	{
		return lower_;
	}
	// Until it is opened without the daemon. Reading moves the access time, also a
	// second time while the clock shows the time of the last write.
	void prime(const std::string &name)
	{
		for (int i = 0, unasked = 0; i < 50; i++) {
			sys::stat(path(name));
			const Counts c = during(*this, [&] { sys::read_file(path(name)); });
			unasked = c.sent(Op::Open) ? 0 : unasked + 1;
			if (unasked == 2)
				return;
		}
		ADD_FAILURE() << name << " is not opened without the daemon";
	}
	uint64_t registered() const
	{
		return counts().lib.driver.backing_files;
	}

private:
	sys::Fd lower_;
};

} // namespace extfuse_test

#endif
