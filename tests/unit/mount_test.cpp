// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Mounting, falling back, unmounting and handlers, on a kernel that writes down
// what it is asked.
#include <gtest/gtest.h>

#include <sys/mount.h>

#include "fake_kernel.hpp"

using namespace exf::impl;
using namespace exf::test;

namespace
{

constexpr uint32_t all_ops = (1U << EXTFUSE_OP_COUNT) - 1, remember = 1U << 31;

class MountTest : public testing::Test
{
protected:
	void make(const char *options = nullptr)
	{
		int error;

		x = make_with(state, messages, options, {}, &error);
		ASSERT_EQ(error, 0);
	}

	int mount(const char *options = nullptr)
	{
		make(options);
		return extfuse_mount(x.get(), some_session(), "/mnt");
	}

	FakeKernel &kernel() const
	{
		return static_cast<FakeKernel &>(*x->kernel);
	}

	// Nothing is left of a mount.
	void expect_clean()
	{
		EXPECT_EQ(state.handlers_alive, 0);
		EXPECT_EQ(state.mapped, 0);
		EXPECT_FALSE(x->device);
		EXPECT_FALSE(x->words.active());
	}

	FakeState state;
	Messages messages;
	Object x;
};

TEST_F(MountTest, MountsWithTheHandler)
{
	ASSERT_EQ(mount("allow_other,default_permissions,ro,fsname=source,subtype=type"), 0);
	ASSERT_EQ(state.mounts.size(), 1U);
	const MountCall &m = state.mounts[0];
	EXPECT_EQ(m.type, "extfuse.type");
	EXPECT_EQ(m.source, "source");
	EXPECT_EQ(m.target, "/mnt");
	EXPECT_EQ(m.flags, static_cast<unsigned long>(MS_RDONLY | MS_NOSUID | MS_NODEV));
	EXPECT_EQ(m.data, "fd=" + std::to_string(x->device.get()) +
				  ",rootmode=40000,user_id=" + std::to_string(getuid()) +
				  ",group_id=" + std::to_string(getgid()) +
				  ",handler=77,allow_other,default_permissions");
	EXPECT_LT(state.when("attach"), state.when("mount"));
	EXPECT_TRUE(extfuse_active(x.get()));
	EXPECT_TRUE(messages.all.empty());
	// libfuse gets a copy of the descriptor, so that both may close theirs.
	EXPECT_NE(kernel().session_fd(nullptr), x->device.get());
	EXPECT_TRUE(state.called("session_mount /dev/fd/" +
				 std::to_string(kernel().session_fd(nullptr))));
}

TEST_F(MountTest, SourceAndTypeWithoutNames)
{
	ASSERT_EQ(mount(), 0);
	EXPECT_EQ(state.mounts[0].type, "extfuse");
	EXPECT_EQ(state.mounts[0].source, "extfuse");
	x.reset();
	ASSERT_EQ(mount("subtype=sub"), 0);
	EXPECT_EQ(state.mounts[1].source, "sub");
}

TEST_F(MountTest, RelativeMountPointsBecomeAbsolute)
{
	make();
	ASSERT_EQ(extfuse_mount(x.get(), some_session(), "here"), 0);
	EXPECT_EQ(state.mounts[0].target, "/cwd/here");
	extfuse_unmount(x.get());
	EXPECT_TRUE(state.called("unmount /cwd/here"));
}

TEST_F(MountTest, HandlerIsSizedAndSeeded)
{
	ASSERT_EQ(mount("max_names=100,max_long_names=1,max_attrs=4,max_blocks=9,max_objects=17,"
			"max_dirs=5"),
		  0);
	EXPECT_EQ(state.params.name_buckets, 32U);
	EXPECT_EQ(state.params.long_name_buckets, 1U);
	EXPECT_EQ(state.params.attr_buckets, 1U);
	EXPECT_EQ(state.params.block_buckets, 4U);
	EXPECT_EQ(state.params.object_buckets, 8U);
	EXPECT_EQ(state.params.names_buckets, 2U);
	EXPECT_EQ(state.params.dir_buckets, 4U);
	EXPECT_EQ(state.params.switches, (remember | all_ops));
	EXPECT_EQ(state.params.seed, x->seed);
	x.reset();
	ASSERT_EQ(mount("no_remember"), 0);
	EXPECT_EQ(state.params.switches, all_ops);
}

TEST_F(MountTest, ReplyHooksTakeTheSessionsInputAndOutput)
{
	ASSERT_EQ(mount("reply_hooks"), 0);
	EXPECT_TRUE(state.called("session_take"));
	EXPECT_TRUE(state.params.replies);
	EXPECT_TRUE(extfuse_reply_hooks(x.get()));
	EXPECT_EQ(extfuse_mark_reply(x.get(), EXTFUSE_SCOPE_ALL, EXTFUSE_SCOPE_NONE, 0), 1);
	EXPECT_EQ(extfuse_mark_reply(x.get(), EXTFUSE_SCOPE_NONE, EXTFUSE_SCOPE_NONE, 0), 0);
	EXPECT_EQ(extfuse_mark_reply(x.get(), EXTFUSE_SCOPE_ALL, EXTFUSE_SCOPE_ALL, 0x100),
		  -EINVAL);
	extfuse_unmount(x.get());
	EXPECT_FALSE(extfuse_reply_hooks(x.get()));
	x.reset();
	state.calls.clear();
	ASSERT_EQ(mount(), 0);
	EXPECT_FALSE(state.called("session_take"));
	EXPECT_FALSE(state.params.replies);
	EXPECT_FALSE(extfuse_reply_hooks(x.get()));
}

TEST_F(MountTest, WithoutHandler)
{
	ASSERT_EQ(mount("no_handler"), 0);
	EXPECT_EQ(state.mounts[0].data.find("handler="), std::string::npos);
	EXPECT_TRUE(extfuse_active(x.get()));
	EXPECT_EQ(extfuse_set_enabled(x.get(), EXTFUSE_OP_COUNT, 0), -ENOTCONN);
	EXPECT_EQ(extfuse_attach(x.get()), -ENOTCONN);
	EXPECT_FALSE(state.called("attach"));
}

TEST_F(MountTest, UnmountLeavesNothing)
{
	ASSERT_EQ(mount(), 0);
	const int session_fd = kernel().session_fd(nullptr);
	extfuse_unmount(x.get());
	expect_clean();
	EXPECT_FALSE(extfuse_active(x.get()));
	// The connection ends before the unmount, which could wait for it.
	EXPECT_GE(state.when("neutralize " + std::to_string(session_fd)), 0);
	EXPECT_LT(state.when("neutralize " + std::to_string(session_fd)),
		  state.when("unmount /mnt"));
	EXPECT_LT(state.when("unmap"), state.when("unmount /mnt"));
	const size_t calls = state.calls.size();
	extfuse_unmount(x.get());
	EXPECT_EQ(state.calls.size(), calls);
}

TEST_F(MountTest, WhatIsUnmountedAlreadyIsNotUnmountedAgain)
{
	ASSERT_EQ(mount(), 0);
	state.over = true;
	extfuse_unmount(x.get());
	EXPECT_FALSE(state.called("unmount /mnt"));
	expect_clean();
}

TEST_F(MountTest, MountsAgain)
{
	ASSERT_EQ(mount(), 0);
	EXPECT_EQ(extfuse_mount(x.get(), some_session(), "/other"), -EBUSY);
	extfuse_unmount(x.get());
	EXPECT_EQ(extfuse_mount(x.get(), some_session(), "/other"), 0);
	EXPECT_TRUE(extfuse_active(x.get()));
	EXPECT_EQ(state.handlers_alive, 1);
}

TEST_F(MountTest, StockOnRequest)
{
	ASSERT_EQ(mount("extfuse=stock"), 0);
	EXPECT_FALSE(extfuse_active(x.get()));
	EXPECT_EQ(state.calls, std::vector<std::string>{"session_mount /mnt"});
	EXPECT_TRUE(messages.all.empty());
	EXPECT_EQ(extfuse_detach(x.get()), -ENOTCONN);
	EXPECT_EQ(extfuse_set_remember(x.get(), 1), -ENOTCONN);
	extfuse_counters c = {};
	c.size = sizeof(c);
	EXPECT_EQ(extfuse_get_stats(x.get(), &c), -ENOTCONN);
	extfuse_unmount(x.get());
	EXPECT_TRUE(state.called("session_unmount"));
}

struct Failure {
	const char *name;
	int FakeState::*where;
	int error;
	int expected;
	const char *text; // in the message
};

void PrintTo(const Failure &f, std::ostream *out)
{
	*out << f.name;
}

class MountFailure : public MountTest, public testing::WithParamInterface<Failure>
{
};

TEST_P(MountFailure, FallsBackWithOneWarning)
{
	state.*GetParam().where = GetParam().error;
	state.capabilities = "CAP_BPF";
	EXPECT_EQ(mount(), 0);
	EXPECT_FALSE(extfuse_active(x.get()));
	EXPECT_TRUE(state.called("session_mount /mnt"));
	EXPECT_EQ(messages.count(EXTFUSE_LOG_WARNING), 1U);
	EXPECT_EQ(messages.all.size(), 1U);
	EXPECT_TRUE(messages.mention("stock FUSE")) << messages.all[0].second;
	EXPECT_TRUE(messages.mention(GetParam().text)) << messages.all[0].second;
	expect_clean();
}

TEST_P(MountFailure, FailsWithOneErrorIfRequired)
{
	state.*GetParam().where = GetParam().error;
	state.capabilities = "CAP_BPF";
	EXPECT_EQ(mount("extfuse=require"), GetParam().expected);
	EXPECT_FALSE(extfuse_active(x.get()));
	EXPECT_FALSE(state.called("session_mount /mnt"));
	EXPECT_EQ(messages.all.size(), 1U);
	EXPECT_EQ(messages.count(EXTFUSE_LOG_ERROR), 1U);
	EXPECT_TRUE(messages.mention(GetParam().text)) << messages.all[0].second;
	EXPECT_TRUE(messages.mention("/mnt")) << messages.all[0].second;
	expect_clean();
	// And nothing is mounted.
	const bool was_mounted =
		state.called("mount") && GetParam().where != &FakeState::mount_error;
	EXPECT_EQ(state.called("unmount /mnt"), was_mounted);
}

INSTANTIATE_TEST_SUITE_P(
	All, MountFailure,
	testing::Values(
		Failure{"no_device", &FakeState::open_error, -ENOENT, -ENODEV, "modprobe extfuse"},
		Failure{"device_not_allowed", &FakeState::open_error, -EACCES, -EPERM,
			"/dev/extfuse"},
		Failure{"handler_not_permitted", &FakeState::load_error, -EPERM, -EPERM, "CAP_BPF"},
		Failure{"handler_rejected", &FakeState::load_error, -EINVAL, -EINVAL,
			"the fake handler does not load"},
		Failure{"other_abi_handler", &FakeState::attach_error, -EPROTO, -EPROTO,
			"same release"},
		Failure{"mount_not_permitted", &FakeState::mount_error, -EPERM, -EPERM, "CAP_BPF"},
		Failure{"bad_mount_option", &FakeState::mount_error, -EINVAL, -EINVAL, "options"},
		Failure{"no_words", &FakeState::map_error, -ENOMEM, -ENOMEM, "words"}),
	[](const auto &info) { return info.param.name; });

TEST_F(MountTest, OtherAbiOfTheDriver)
{
	state.words.header()->abi_version = EXTFUSE_ABI_VERSION + 1;
	EXPECT_EQ(mount("extfuse=require"), -EPROTO);
	EXPECT_TRUE(messages.mention("version 2"));
	EXPECT_TRUE(state.called("unmount /mnt"));
	expect_clean();
}

TEST_F(MountTest, NonsenseFromTheDriver)
{
	state.words.header()->name_count = 3;
	EXPECT_EQ(mount("extfuse=require"), -EPROTO);
	expect_clean();
	state.words.header()->magic = 0;
	EXPECT_EQ(mount("extfuse=require"), -EPROTO);
	expect_clean();
}

TEST_F(MountTest, BadMountPointDoesNotFallBack)
{
	state.resolve_error = -ENOTDIR;
	EXPECT_EQ(mount(), -ENOTDIR);
	EXPECT_TRUE(state.calls.empty());
	EXPECT_TRUE(messages.mention("/mnt"));
}

TEST_F(MountTest, SessionRefuses)
{
	state.session_error = -EIO;
	EXPECT_EQ(mount("extfuse=require"), -EIO);
	EXPECT_TRUE(state.called("unmount /mnt"));
	expect_clean();
	EXPECT_EQ(mount("extfuse=stock"), -EIO);
}

TEST_F(MountTest, BlockDevicesGoToStock)
{
	EXPECT_EQ(mount("blkdev,fsname=/dev/sdz"), 0);
	EXPECT_FALSE(extfuse_active(x.get()));
	EXPECT_TRUE(messages.mention("blkdev"));
}

TEST_F(MountTest, AutoUnmountWarns)
{
	EXPECT_EQ(mount("auto_unmount"), 0);
	EXPECT_TRUE(extfuse_active(x.get()));
	EXPECT_TRUE(messages.mention("auto_unmount"));
}

TEST_F(MountTest, DetachAndAttach)
{
	ASSERT_EQ(mount(), 0);
	EXPECT_EQ(extfuse_detach(x.get()), 0);
	EXPECT_TRUE(state.called("bind none"));
	EXPECT_TRUE(state.called("detach"));
	EXPECT_TRUE(extfuse_active(x.get()));
	EXPECT_EQ(extfuse_attach(x.get()), 0);
	EXPECT_EQ(kernel().bound, 77);
	state.bind_error = -EINVAL;
	EXPECT_EQ(extfuse_attach(x.get()), -EINVAL);
}

TEST_F(MountTest, Switches)
{
	ASSERT_EQ(mount(), 0);
	const uint32_t *s = x->handler->switches();

	EXPECT_EQ(extfuse_set_enabled(x.get(), EXTFUSE_OP_GETATTR, 0), 0);
	EXPECT_EQ(*s, (remember | (all_ops & ~2U)));
	EXPECT_EQ(extfuse_set_enabled(x.get(), EXTFUSE_OP_COUNT, 0), 0);
	EXPECT_EQ(*s, 0x80000000U);
	EXPECT_EQ(extfuse_set_enabled(x.get(), EXTFUSE_OP_READ, 1), 0);
	EXPECT_EQ(*s, 0x80000004U);
	EXPECT_EQ(extfuse_set_remember(x.get(), 0), 0);
	EXPECT_EQ(*s, 0x4U);
	EXPECT_EQ(extfuse_set_remember(x.get(), 1), 0);
	EXPECT_EQ(extfuse_set_enabled(x.get(), EXTFUSE_OP_COUNT, 1), 0);
	EXPECT_EQ(*s, (remember | all_ops));
	EXPECT_EQ(extfuse_set_enabled(x.get(), static_cast<extfuse_op>(EXTFUSE_OP_COUNT + 1), 1),
		  -EINVAL);
}

TEST_F(MountTest, AnotherHandler)
{
	const Fd link(open("/dev/null", O_RDONLY | O_CLOEXEC));

	make();
	EXPECT_EQ(extfuse_use_handler(x.get(), 9999), -EBADF);
	EXPECT_EQ(extfuse_use_handler(x.get(), link.get()), 0);
	ASSERT_EQ(extfuse_mount(x.get(), some_session(), "/mnt"), 0);
	EXPECT_EQ(state.handlers_alive, 0);
	EXPECT_NE(state.mounts[0].data.find(",handler=" + std::to_string(x->foreign_link.get())),
		  std::string::npos);
	EXPECT_EQ(extfuse_use_handler(x.get(), -1), -ENOTCONN) << "the library's was never loaded";
	EXPECT_EQ(extfuse_use_handler(x.get(), link.get()), 0);
	EXPECT_EQ(kernel().bound, x->foreign_link.get());
}

TEST_F(MountTest, StableEntriesAreDeclaredToTheDriver)
{
	make();
	EXPECT_EQ(extfuse_declare_stable(x.get()), -ENOTCONN);
	ASSERT_EQ(extfuse_mount(x.get(), some_session(), "/mnt"), 0);
	EXPECT_EQ(state.declared, std::vector<uint32_t>()) << "nobody asked for it";
	EXPECT_EQ(extfuse_declare_stable(x.get()), 0);
	EXPECT_EQ(state.declared, std::vector<uint32_t>{EXTFUSE_DECLARE_STABLE});
	state.declare_error = -ENOTTY;
	EXPECT_EQ(extfuse_declare_stable(x.get()), -ENOTTY) << "a driver that is older";
	extfuse_unmount(x.get());
	EXPECT_EQ(extfuse_declare_stable(x.get()), -ENOTCONN);
}

TEST_F(MountTest, NullArguments)
{
	make();
	EXPECT_EQ(extfuse_mount(nullptr, some_session(), "/mnt"), -EINVAL);
	EXPECT_EQ(extfuse_mount(x.get(), nullptr, "/mnt"), -EINVAL);
	EXPECT_EQ(extfuse_mount(x.get(), some_session(), nullptr), -EINVAL);
	extfuse_unmount(nullptr);
	EXPECT_FALSE(extfuse_active(nullptr));
	EXPECT_EQ(extfuse_attach(nullptr), -EINVAL);
	EXPECT_EQ(extfuse_detach(nullptr), -EINVAL);
	EXPECT_EQ(extfuse_declare_stable(nullptr), -EINVAL);
}

} // namespace
