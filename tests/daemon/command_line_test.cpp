// SPDX-License-Identifier: GPL-2.0-only
// The command line: what is understood, and what is said about mistakes.
#include "common/options.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <vector>

namespace stackfs
{

class CommandLine : public ::testing::Test
{
protected:
	std::string dir_;
	Options options;
	std::string said; // on standard error

	void SetUp() override
	{
		std::string pattern = ::testing::TempDir() + "stackfs-cli-XXXXXX";
		ASSERT_NE(mkdtemp(pattern.data()), nullptr);
		dir_ = pattern;
		std::filesystem::create_directories(dir_ + "/source/inside");
		std::filesystem::create_directories(dir_ + "/mnt");
	}
	void TearDown() override
	{
		std::filesystem::remove_all(dir_);
	}

	ParseResult parse(std::vector<std::string> args, bool with_directories = true)
	{
		args.insert(args.begin(), "stackfs");
		if (with_directories) {
			args.push_back(dir_ + "/source");
			args.push_back(dir_ + "/mnt");
		}
		std::vector<const char *> argv;
		for (const std::string &arg : args)
			argv.push_back(arg.c_str());
		options = Options();
		::testing::internal::CaptureStderr();
		::testing::internal::CaptureStdout();
		const ParseResult result =
			parse_options(static_cast<int>(argv.size()), argv.data(), options);
		::testing::internal::GetCapturedStdout();
		said = ::testing::internal::GetCapturedStderr();
		return result;
	}

	void refused(const std::vector<std::string> &args, const std::string &about,
		     bool with_directories = true)
	{
		EXPECT_EQ(parse(args, with_directories), ParseResult::exit_error) << about;
		EXPECT_NE(said.find(about), std::string::npos) << said;
	}
};

TEST_F(CommandLine, Defaults)
{
	ASSERT_EQ(parse({}), ParseResult::run) << said;
	EXPECT_EQ(options.entry_timeout, 0);
	EXPECT_EQ(options.attr_timeout, 0);
	EXPECT_EQ(options.cache, CacheMode::meta);
	EXPECT_EQ(options.data_max_file, 65536U);
	EXPECT_FALSE(options.stock);
	EXPECT_FALSE(options.splice);
	EXPECT_FALSE(options.foreground);
	EXPECT_EQ(options.source, std::filesystem::canonical(dir_ + "/source"));
}

TEST_F(CommandLine, AllOptions)
{
	ASSERT_EQ(parse({"--require",
			 "--cache=data",
			 "--scope=all",
			 "--threads",
			 "3",
			 "--max-read",
			 "65536",
			 "--max-write=131072",
			 "--splice",
			 "--data-max-file",
			 "1000",
			 "--max-names",
			 "10",
			 "--entry-timeout",
			 "inf",
			 "--attr-timeout",
			 "1.5",
			 "--direct-io",
			 "--stats",
			 "s.json",
			 "--control",
			 "/c",
			 "-f",
			 "-o",
			 "allow_other,default_permissions",
			 "-oro"}),
		  ParseResult::run)
		<< said;
	EXPECT_TRUE(options.require);
	EXPECT_EQ(options.cache, CacheMode::data);
	EXPECT_EQ(options.scope, ScopeMode::all);
	EXPECT_EQ(options.threads, 3U);
	EXPECT_EQ(options.max_read, 65536U);
	EXPECT_EQ(options.max_write, 131072U);
	EXPECT_TRUE(options.splice);
	EXPECT_EQ(options.data_max_file, 1000U);
	EXPECT_EQ(options.max_names, 10U);
	EXPECT_GT(options.entry_timeout, 1e9);
	EXPECT_EQ(options.attr_timeout, 1.5);
	EXPECT_TRUE(options.direct_io);
	EXPECT_TRUE(options.foreground);
	EXPECT_EQ(options.control_path, "/c");
	EXPECT_EQ(options.stats_file.front(), '/') << "absolute: the daemon changes to /";
	EXPECT_EQ(options.fuse_options,
		  (std::vector<std::string>{"allow_other,default_permissions", "ro"}));
}

TEST_F(CommandLine, ShortForms)
{
	ASSERT_EQ(parse({"-s", "--no-splice"}), ParseResult::run) << said;
	EXPECT_EQ(options.threads, 1U);
	EXPECT_FALSE(options.splice);
	ASSERT_EQ(parse({"-d"}), ParseResult::run) << said;
	EXPECT_TRUE(options.debug);
	EXPECT_TRUE(options.foreground);
}

TEST_F(CommandLine, Mistakes)
{
	refused({"--stokk"}, "--stokk");
	refused({"-x"}, "-x");
	refused({"--cache=some"}, "some");
	refused({"--cache"}, "--cache");
	refused({"--scope=me"}, "me");
	refused({"--threads", "0"}, "--threads");
	refused({"--threads", "two"}, "two");
	refused({"--threads", "2", "-s"}, "--threads");
	refused({"--max-read", "17"}, "--max-read");
	refused({"--data-max-file", "-1"}, "--data-max-file");
	refused({"--entry-timeout", "soon"}, "soon");
	refused({"--entry-timeout", "-1"}, "-1");
	refused({"--attr-timeout", "nan"}, "nan");
	refused({"--stock", "--require"}, "--require");
	refused({"--direct-io", "--keep-cache"}, "--keep-cache");
	refused({"--passthrough"}, "--stock");
	refused({"--stock", "--passthrough", "--direct-io"}, "--passthrough");
	refused({"--stock", "--passthrough", "--keep-cache"}, "--passthrough");
	refused({"one-more"}, "not expected");
}

TEST_F(CommandLine, Directories)
{
	refused({}, "SOURCE", false);
	refused({dir_ + "/source"}, "MOUNTPOINT", false);
	refused({dir_ + "/none", dir_ + "/mnt"}, "none", false);
	refused({dir_ + "/source", dir_ + "/none"}, "none", false);
	refused({dir_ + "/source", "/dev/null"}, "not a directory", false);
	refused({dir_ + "/source", dir_ + "/source/inside"}, "inside SOURCE", false);
	EXPECT_EQ(parse({dir_ + "/source/inside", dir_ + "/source"}, false), ParseResult::run)
		<< said;
	EXPECT_EQ(parse({dir_ + "/source", dir_ + "/source"}, false), ParseResult::run) << said;
}

TEST_F(CommandLine, HelpAndVersion)
{
	EXPECT_EQ(parse({"--help"}, false), ParseResult::exit_ok);
	EXPECT_EQ(parse({"--version"}, false), ParseResult::exit_ok);
}

TEST_F(CommandLine, ProgramFailsOnMistakes)
{
	const std::string quiet = " >/dev/null 2>&1";
	EXPECT_NE(system((std::string(STACKFS_PROGRAM) + " --stokk /a /b" + quiet).c_str()), 0);
	EXPECT_EQ(system((std::string(STACKFS_PROGRAM) + " --help" + quiet).c_str()), 0);
}

} // namespace stackfs
