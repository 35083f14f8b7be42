// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Which handler a mount has, and that it is not made without the one asked for.
#include <gtest/gtest.h>

#include "fake_kernel.hpp"

using namespace exf::impl;
using namespace exf::test;

namespace
{

class HandlerTest : public testing::Test
{
protected:
	int make(const char *options, extfuse_config config = {})
	{
		int error;

		x = make_with(state, messages, options, config, &error);
		return error;
	}
	int mount()
	{
		return extfuse_mount(x.get(), some_session(), "/mnt");
	}

	FakeState state;
	Messages messages;
	Object x;
};

TEST_F(HandlerTest, TheLibrarysOwnByDefault)
{
	ASSERT_EQ(make(nullptr), 0);
	ASSERT_EQ(mount(), 0);
	EXPECT_EQ(state.params.file, "");
	EXPECT_TRUE(state.params.object.empty());
}

// Daemons change their directory before they mount.
TEST_F(HandlerTest, FilesAreNamedFromTheRoot)
{
	ASSERT_EQ(make("handler=mine.bpf.o"), 0);
	ASSERT_EQ(mount(), 0);
	ASSERT_FALSE(state.params.file.empty());
	EXPECT_EQ(state.params.file[0], '/');
	EXPECT_TRUE(state.params.file.ends_with("/mine.bpf.o")) << state.params.file;
}

TEST_F(HandlerTest, OptionsOverrideTheConfiguration)
{
	extfuse_config config = {};

	config.handler_object = "bytes";
	config.handler_object_size = 5;
	ASSERT_EQ(make(nullptr, config), 0);
	ASSERT_EQ(mount(), 0);
	EXPECT_EQ(std::string(state.params.object.begin(), state.params.object.end()), "bytes");
	ASSERT_EQ(make("handler=/a", config), 0);
	ASSERT_EQ(mount(), 0);
	EXPECT_EQ(state.params.file, "/a");
	EXPECT_TRUE(state.params.object.empty());
}

TEST_F(HandlerTest, ContradictionsAreRefused)
{
	extfuse_config config = {};

	EXPECT_EQ(make("handler=/a,no_handler"), -EINVAL);
	EXPECT_TRUE(messages.mention("no_handler"));
	EXPECT_EQ(make("handler="), -EINVAL);
	config.handler_file = "/a";
	config.handler_object = "bytes";
	config.handler_object_size = 5;
	EXPECT_EQ(make(nullptr, config), -EINVAL);
	EXPECT_TRUE(messages.mention("handler_object"));
}

// It may be what keeps users apart.
TEST_F(HandlerTest, NoMountWithoutIt)
{
	ASSERT_EQ(make("handler=/a,extfuse=stock"), 0);
	EXPECT_EQ(mount(), -EINVAL);
	EXPECT_TRUE(messages.mention("stock FUSE has none"));

	state.open_error = -ENOENT;
	ASSERT_EQ(make("handler=/a"), 0);
	EXPECT_EQ(mount(), -ENODEV);

	state.open_error = 0;
	state.load_error = -EINVAL;
	ASSERT_EQ(make("handler=/a"), 0);
	EXPECT_EQ(mount(), -EINVAL);
	EXPECT_FALSE(state.called("session_mount /mnt"));
	EXPECT_FALSE(state.called("mount"));
	EXPECT_EQ(state.handlers_alive, 0);
}

TEST_F(HandlerTest, LoadedBeforeTheMount)
{
	ASSERT_EQ(make("handler=/a"), 0);
	EXPECT_EQ(extfuse_handler_map_fd(x.get(), "own"), -ENOTCONN);
	ASSERT_EQ(extfuse_load_handler(x.get()), 0);
	EXPECT_EQ(extfuse_handler_map_fd(x.get(), "own"), 99);
	EXPECT_EQ(extfuse_handler_map_fd(x.get(), "other"), -ENOENT);
	EXPECT_FALSE(state.called("attach"));
	const auto *loaded = x->handler.get();
	ASSERT_EQ(mount(), 0);
	EXPECT_EQ(x->handler.get(), loaded) << "not twice";
	EXPECT_TRUE(state.called("attach"));
	extfuse_unmount(x.get());
	EXPECT_EQ(extfuse_handler_map_fd(x.get(), "own"), -ENOTCONN);
	EXPECT_EQ(state.handlers_alive, 0);

	ASSERT_EQ(make("no_handler"), 0);
	EXPECT_EQ(extfuse_load_handler(x.get()), -ENOTCONN);
	EXPECT_EQ(extfuse_load_handler(nullptr), -EINVAL);
	EXPECT_EQ(extfuse_handler_map_fd(nullptr, "own"), -EINVAL);
	state.load_error = -EINVAL;
	ASSERT_EQ(make("handler=/a"), 0);
	EXPECT_EQ(extfuse_load_handler(x.get()), -EINVAL);
	EXPECT_TRUE(messages.mention("does not load"));
}

} // namespace
