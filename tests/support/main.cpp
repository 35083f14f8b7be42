// SPDX-License-Identifier: GPL-2.0-only
//
// Runs the tests of one binary in the guest; each must leave the kernel log
// clean.
#include <gtest/gtest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstring>

#include "guest.hpp"

namespace
{

class CleanKernelLog : public testing::EmptyTestEventListener
{
	extfuse_test::KernelLog log_;

	void OnTestEnd(const testing::TestInfo &) override
	{
		for (const std::string &line : log_.complaints())
			ADD_FAILURE() << "kernel log: " << line;
	}
};

} // namespace

int main(int argc, char **argv)
{
	testing::InitGoogleTest(&argc, argv);
	if (geteuid() != 0) {
		fprintf(stderr, "these tests need root in a guest: ./dev test --vm-only\n");
		return 2;
	}
	const int error = extfuse_test::load_driver();
	if (error) {
		fprintf(stderr, "cannot load %s: %s\n", extfuse_test::module_path(),
			strerror(-error));
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	umask(0);
	// Before the printers of gtest: a failure in OnTestEnd counts for the test.
	auto &listeners = testing::UnitTest::GetInstance()->listeners();
	auto *printer = listeners.Release(listeners.default_result_printer());
	listeners.Append(new CleanKernelLog);
	listeners.Append(printer);
	return RUN_ALL_TESTS();
}
