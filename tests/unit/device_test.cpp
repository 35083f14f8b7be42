// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Mounts that another process serves, on a kernel that writes down what it is asked.
#include <gtest/gtest.h>

#include "fake_kernel.hpp"

using namespace exf::impl;
using namespace exf::test;

namespace
{

class DeviceTest : public testing::Test
{
protected:
	int mount(const char *options = nullptr)
	{
		int error;

		x = make_with(state, messages, options, {}, &error);
		EXPECT_EQ(error, 0);
		int number = -2;
		error = extfuse_mount_device(x.get(), "/mnt", 5, 6, &number);
		device = Fd(number);
		return error;
	}

	FakeState state;
	Messages messages;
	Object x;
	Fd device;
};

TEST_F(DeviceTest, MountsForItsOwner)
{
	ASSERT_EQ(mount("allow_other,fsname=source"), 0);
	ASSERT_EQ(state.mounts.size(), 1U);
	EXPECT_NE(state.mounts[0].data.find(",user_id=5,group_id=6,handler=77,allow_other"),
		  std::string::npos)
		<< state.mounts[0].data;
	EXPECT_TRUE(extfuse_active(x.get()));
	EXPECT_TRUE(device);
	EXPECT_NE(device.get(), x->device.get());
	EXPECT_EQ(fcntl(device.get(), F_GETFD), FD_CLOEXEC);
	for (const std::string &call : state.calls)
		EXPECT_FALSE(call.starts_with("session")) << call;
	EXPECT_EQ(extfuse_mount_device(x.get(), "/other", 0, 0, nullptr), -EINVAL);
	int number;
	EXPECT_EQ(extfuse_mount_device(x.get(), "/other", 0, 0, &number), -EBUSY);
}

TEST_F(DeviceTest, UnmountLeavesNothing)
{
	ASSERT_EQ(mount(), 0);
	extfuse_unmount(x.get());
	EXPECT_TRUE(state.called("unmount /mnt"));
	EXPECT_LT(state.when("unmap"), state.when("unmount /mnt"));
	for (const std::string &call : state.calls)
		EXPECT_FALSE(call.starts_with("neutralize")) << call;
	EXPECT_EQ(state.handlers_alive, 0);
	EXPECT_EQ(state.mapped, 0);
	EXPECT_FALSE(x->device);
}

TEST_F(DeviceTest, NeverOnStock)
{
	state.open_error = -ENOENT;
	EXPECT_EQ(mount(), -ENODEV);
	EXPECT_FALSE(device);
	EXPECT_TRUE(messages.mention("modprobe extfuse"));
	EXPECT_FALSE(state.called("session_mount /mnt"));
	EXPECT_FALSE(extfuse_active(x.get()));
	state.open_error = 0;
	EXPECT_EQ(mount("extfuse=stock"), -EINVAL);
	EXPECT_TRUE(messages.mention("extfuse=stock"));
	EXPECT_TRUE(state.mounts.empty());
}

TEST_F(DeviceTest, NothingIsLeftOfAFailure)
{
	state.map_error = -ENOMEM;
	EXPECT_EQ(mount(), -ENOMEM);
	EXPECT_TRUE(state.called("unmount /mnt"));
	EXPECT_EQ(state.handlers_alive, 0);
	EXPECT_FALSE(x->device);
	EXPECT_FALSE(device);
}

} // namespace
