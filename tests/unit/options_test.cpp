// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <array>
#include <cstring>

#include <sys/mount.h>

#include "fake_kernel.hpp"
#include "policy.hpp"

using namespace exf::impl;
using namespace exf::test;

namespace
{

// Arguments as of a program, owned by libfuse.
struct Args {
	fuse_args args = FUSE_ARGS_INIT(0, nullptr);

	Args(std::initializer_list<const char *> list)
	{
		fuse_opt_add_arg(&args, "program");
		for (const char *a : list)
			fuse_opt_add_arg(&args, a);
	}
	~Args()
	{
		fuse_opt_free_args(&args);
	}
	std::string text() const
	{
		std::string t;

		for (int i = 1; i < args.argc; i++)
			t += (i > 1 ? " " : "") + std::string(args.argv[i]);
		return t;
	}
};

class OptionsTest : public testing::Test
{
protected:
	int make(Args &a, extfuse_config config = {})
	{
		int error;

		x = make_object(state, messages, &a.args, config, &error);
		return error;
	}

	FakeState state;
	Messages messages;
	Object x;
};

TEST_F(OptionsTest, Defaults)
{
	Args a = {"/mnt"};

	ASSERT_EQ(make(a), 0);
	EXPECT_EQ(x->options.driver, EXTFUSE_DRIVER_EXTFUSE);
	EXPECT_EQ(x->options.fallback, EXTFUSE_FALLBACK_STOCK);
	EXPECT_FALSE(x->options.no_handler);
	EXPECT_EQ(x->options.max_names, 131072U);
	EXPECT_EQ(x->options.max_long_names, 4096U);
	EXPECT_EQ(x->options.max_attrs, 131072U);
	EXPECT_EQ(x->options.max_blocks, 4096U);
	EXPECT_EQ(x->options.max_objects, 65536U);
	EXPECT_EQ(x->options.max_dirs, 4096U);
	EXPECT_EQ(x->options.max_opens, 131072U);
	EXPECT_EQ(x->mount_options.flags, static_cast<unsigned long>(MS_NOSUID | MS_NODEV));
	EXPECT_FALSE(extfuse_default_permissions(x.get()));
}

TEST_F(OptionsTest, OursAreTakenOthersStay)
{
	Args a = {"-o",
		  "extfuse=require,allow_other,max_names=8,foo=bar,max_blocks=3,max_objects=5,max_"
		  "dirs=7",
		  "-f",
		  "/mnt",
		  "-o",
		  "no_handler,no_remember,reply_hooks,max_attrs=5,max_long_names=6,max_opens=9"};

	ASSERT_EQ(make(a), 0);
	EXPECT_EQ(x->options.fallback, EXTFUSE_FALLBACK_FAIL);
	EXPECT_TRUE(x->options.no_handler);
	EXPECT_TRUE(x->options.no_remember);
	EXPECT_TRUE(x->options.reply_hooks);
	EXPECT_EQ(x->options.max_names, 8U);
	EXPECT_EQ(x->options.max_blocks, 3U);
	EXPECT_EQ(x->options.max_objects, 5U);
	EXPECT_EQ(x->options.max_dirs, 7U);
	EXPECT_EQ(x->options.max_attrs, 5U);
	EXPECT_EQ(x->options.max_long_names, 6U);
	EXPECT_EQ(x->options.max_opens, 9U);
	EXPECT_EQ(a.text().find("extfuse"), std::string::npos) << a.text();
	EXPECT_EQ(a.text().find("max_"), std::string::npos) << a.text();
	EXPECT_EQ(a.text().find("no_"), std::string::npos) << a.text();
	EXPECT_EQ(a.text().find("reply_hooks"), std::string::npos) << a.text();
	for (const char *kept : {"allow_other", "foo=bar", "-f", "/mnt"})
		EXPECT_NE(a.text().find(kept), std::string::npos) << kept << " in " << a.text();
}

TEST_F(OptionsTest, OptionsOverrideTheConfiguration)
{
	Args a = {"-o", "max_names=16,extfuse=auto"};
	extfuse_config config = {};

	config.max_names = 4;
	config.max_attrs = 12;
	config.fallback = EXTFUSE_FALLBACK_FAIL;
	config.no_handler = 1;
	ASSERT_EQ(make(a, config), 0);
	EXPECT_EQ(x->options.max_names, 16U);
	EXPECT_EQ(x->options.max_attrs, 12U);
	EXPECT_EQ(x->options.fallback, EXTFUSE_FALLBACK_STOCK);
	EXPECT_TRUE(x->options.no_handler);
}

TEST_F(OptionsTest, Driver)
{
	Args a = {"-o", "extfuse=stock"};
	ASSERT_EQ(make(a), 0);
	EXPECT_EQ(x->options.driver, EXTFUSE_DRIVER_STOCK);
}

TEST_F(OptionsTest, BadValuesAreNamed)
{
	for (const char *bad :
	     {"extfuse=maybe", "extfuse=", "max_names=0", "max_names=", "max_names=-1",
	      "max_attrs=12x", "max_blocks=99999999999", "max_long_names=67108865"}) {
		Args a = {"-o", bad};

		messages.all.clear();
		EXPECT_EQ(make(a), -EINVAL) << bad;
		EXPECT_FALSE(x) << bad;
		EXPECT_TRUE(messages.mention(bad)) << bad;
	}
}

TEST_F(OptionsTest, MountOptionsAreReadAndStay)
{
	Args a = {
		"-o",
		"ro,dev,noexec,noatime,sync,dirsync,default_permissions,allow_other,max_read=4096,"
		"fsname=a\\,b c,subtype=stack,blksize=512,auto_unmount",
		"/mnt"};
	const std::string before = a.text();

	ASSERT_EQ(make(a), 0);
	const MountOptions &o = x->mount_options;
	EXPECT_EQ(o.flags, static_cast<unsigned long>(MS_RDONLY | MS_NOSUID | MS_NOEXEC |
						      MS_NOATIME | MS_SYNCHRONOUS | MS_DIRSYNC));
	EXPECT_EQ(o.kernel, "default_permissions,allow_other,max_read=4096,blksize=512");
	EXPECT_EQ(o.fsname, "a,b c");
	EXPECT_EQ(o.subtype, "stack");
	EXPECT_TRUE(o.auto_unmount);
	EXPECT_TRUE(o.allow_other);
	EXPECT_TRUE(extfuse_default_permissions(x.get()));
	EXPECT_EQ(a.text(), before);
}

TEST_F(OptionsTest, LaterFlagsWin)
{
	Args a = {"-o", "ro,rw,suid,nosuid,exec,async"};
	ASSERT_EQ(make(a), 0);
	EXPECT_EQ(x->mount_options.flags, static_cast<unsigned long>(MS_NOSUID | MS_NODEV));
	Args b = {"-r"};
	ASSERT_EQ(make(b), 0);
	EXPECT_TRUE(x->mount_options.flags & MS_RDONLY);
}

TEST_F(OptionsTest, NoArguments)
{
	int error;
	x = make_object(state, messages, nullptr, {}, &error);
	EXPECT_EQ(error, 0);
	EXPECT_TRUE(x);
	extfuse *plain = nullptr;
	EXPECT_EQ(make_object(state, messages).get() == nullptr, false);
	EXPECT_EQ(exf::impl::make(&plain, nullptr, nullptr, std::make_unique<FakeKernel>(state)),
		  0);
	extfuse_destroy(plain);
	extfuse_destroy(nullptr);
}

// Configurations of programs built with older and newer headers.
TEST_F(OptionsTest, ConfigurationsOfOtherVersions)
{
	struct {
		extfuse_config config;
		uint64_t tail;
	} newer = {};
	extfuse *out = nullptr;
	const auto make_with = [&](size_t size) {
		newer.config.size = size;
		return exf::impl::make(&out, nullptr, &newer.config,
				       std::make_unique<FakeKernel>(state));
	};

	newer.config.log = Messages::log;
	newer.config.log_userdata = &messages;
	newer.config.max_names = 4;
	EXPECT_EQ(make_with(0), -EINVAL);
	EXPECT_EQ(out, nullptr);
	EXPECT_EQ(make_with(sizeof(newer)), 0) << "a tail of zeros";
	extfuse_destroy(out);
	newer.tail = 1;
	EXPECT_EQ(make_with(sizeof(newer)), -E2BIG);
	EXPECT_EQ(out, nullptr);
	EXPECT_EQ(make_with(offsetof(extfuse_config, max_names)), 0) << "shorter";
	EXPECT_EQ(out->options.max_names, 131072U);
	extfuse_destroy(out);
	newer.config.driver = static_cast<extfuse_driver>(7);
	EXPECT_EQ(make_with(sizeof(newer.config)), -EINVAL);
	newer.config.driver = EXTFUSE_DRIVER_EXTFUSE;
	newer.config.max_blocks = (1U << 26) + 1;
	EXPECT_EQ(make_with(sizeof(newer.config)), -EINVAL);
	EXPECT_TRUE(messages.mention("max_blocks"));
}

TEST_F(OptionsTest, Policies)
{
	Args a = {"-o", "cache=private,cache_for=caller,cache_links,follow_atime"};

	ASSERT_EQ(make(a), 0);
	EXPECT_EQ(x->options.cache, EXTFUSE_CACHE_PRIVATE);
	EXPECT_EQ(x->options.cache_for, EXTFUSE_CACHE_FOR_CALLER);
	EXPECT_TRUE(x->options.cache_links);
	EXPECT_TRUE(x->options.follow_atime);
	EXPECT_EQ(a.text().find("cache"), std::string::npos) << a.text();
	for (const char *bad : {"cache=all", "cache=", "cache_for=private", "cache_for="}) {
		Args b = {"-o", bad};
		EXPECT_EQ(make(b), -EINVAL) << bad;
	}
	extfuse_config config = {};
	config.cache = static_cast<extfuse_policy>(3);
	Args none = {"/mnt"};
	EXPECT_EQ(make(none, config), -EINVAL);
}

// Who may be told of what was replied to somebody, by how it is mounted.
TEST_F(OptionsTest, ScopesOfPolicies)
{
	Options options;
	MountOptions mount;
	const auto scopes = [&] {
		const CachePolicy p = make_policy(options, mount, 7, 8);
		return std::array{p.names, p.attrs, p.others};
	};
	const auto all = [](extfuse_scope s) { return std::array{s, s, s}; };

	EXPECT_EQ(scopes(), all(EXTFUSE_SCOPE_NONE));
	options.cache = EXTFUSE_CACHE_PRIVATE;
	EXPECT_EQ(scopes(), all(EXTFUSE_SCOPE_ALL));
	EXPECT_TRUE(make_policy(options, mount, 7, 8).owner);
	EXPECT_EQ(make_policy(options, mount, 7, 8).uid, 7U);
	EXPECT_EQ(make_policy(options, mount, 7, 8).gid, 8U);
	mount.allow_other = true;
	EXPECT_EQ(scopes(), all(EXTFUSE_SCOPE_CALLER));
	EXPECT_FALSE(make_policy(options, mount, 7, 8).owner);
	mount.default_permissions = true;
	EXPECT_EQ(scopes(),
		  (std::array{EXTFUSE_SCOPE_KERNEL, EXTFUSE_SCOPE_ALL, EXTFUSE_SCOPE_KERNEL}));
	options.cache_for = EXTFUSE_CACHE_FOR_CALLER;
	EXPECT_EQ(scopes(), all(EXTFUSE_SCOPE_CALLER));
	options.cache_for = EXTFUSE_CACHE_FOR_ALL;
	EXPECT_EQ(scopes(), all(EXTFUSE_SCOPE_ALL));
	EXPECT_TRUE(make_policy(options, mount, 7, 8).lazy_atime);
	options.follow_atime = true;
	EXPECT_FALSE(make_policy(options, mount, 7, 8).lazy_atime);
}

TEST_F(OptionsTest, HelpNamesEveryOption)
{
	const std::string help = extfuse_option_help();

	for (const char *option :
	     {"extfuse=auto",   "extfuse=require",  "extfuse=stock",  "no_handler",
	      "no_remember",    "reply_hooks",      "max_names=",     "max_long_names=",
	      "max_attrs=",     "max_blocks=",      "max_objects=",   "max_dirs=",
	      "max_opens=",     "cache=annotated",  "cache=timeouts", "cache=private",
	      "cache_for=auto", "cache_for=caller", "cache_for=all",  "cache_links",
	      "follow_atime",   "handler=FILE"})
		EXPECT_NE(help.find(option), std::string::npos) << option;
}

} // namespace
