// SPDX-License-Identifier: GPL-2.0-only
//
// IOCTL: whatever is not known to look only may have changed the file.
#include <gtest/gtest.h>

#include <asm/termbits.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>

#include "sys.hpp"
#include "test_fs.hpp"

namespace extfuse_test
{

namespace
{

class Ioctl : public testing::Test
{
protected:
	Ioctl()
	{
		fs.store.set_xattr(node, "user.name", "value");
		look();
		look();
	}
	off_t look()
	{
		struct stat st = {};
		char value[16];

		EXPECT_EQ(sys::fstat(fd, &st), 0);
		EXPECT_GT(fgetxattr(fd, "user.name", value, sizeof(value)), 0);
		return st.st_size;
	}
	// The daemon replies 0 to all of them.
	void command(unsigned long number)
	{
		char data[256] = {};
		const Counts c = during(fs, [&] {
			EXPECT_EQ(sys::result(ioctl(fd, number, data)), 0) << std::hex << number;
		});

		EXPECT_EQ(c.sent(Op::Ioctl), 1) << std::hex << number;
	}

	TestFs fs;
	const uint64_t node = fs.store.add_file("file", "data");
	const sys::Fd fd{sys::open(fs.path("file"), O_RDONLY)};
};

} // namespace

TEST_F(Ioctl, WhatOnlyLooksLeavesWhatIsKnown)
{
	const unsigned long commands[] = {
		TCGETS,          TCGETS2,           TIOCGWINSZ,        TIOCGPGRP,
		FS_IOC_GETFLAGS, FS_IOC32_GETFLAGS, FS_IOC_GETVERSION, FS_IOC_FSGETXATTR};

	for (const unsigned long number : commands) {
		command(number);
		const Counts c = during(fs, [&] { EXPECT_EQ(look(), 4); });
		EXPECT_EQ(c.sent_all(), 0) << std::hex << number << ": " << c.text();
	}
}

TEST_F(Ioctl, AnyOtherMayHaveChangedTheFile)
{
	uint64_t size = 4;
	fs.on_ioctl = [&](uint64_t which, unsigned) {
		fs.store.set_size(which, ++size);
		fs.store.set_xattr(which, "user.name", std::to_string(size));
	};
	const unsigned long commands[] = {_IO('x', 1), _IOR('x', 2, int), _IOW('x', 3, int), TCSETS,
					  TIOCSWINSZ};
	for (const unsigned long number : commands) {
		char value[16] = {};

		command(number);
		EXPECT_EQ(look(), static_cast<off_t>(size)) << std::hex << number;
		EXPECT_GT(fgetxattr(fd, "user.name", value, sizeof(value)), 0);
		EXPECT_EQ(value, std::to_string(size)) << std::hex << number;
		look();
	}
}

} // namespace extfuse_test
