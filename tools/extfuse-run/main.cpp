// SPDX-License-Identifier: GPL-2.0-only
//
// extfuse-run: a FUSE program, as it is, on the extfuse driver.
//
// The program runs under a seccomp filter that announces its mount(2) to us, and that
// of fusermount if it uses that. We mount the driver in its place and put
// the driver's device where it had opened /dev/fuse.
#include "front.hpp"
#include "object.hpp"
#include "options.hpp"
#include "supervisor.hpp"

int main(int argc, char **argv)
{
	extfuse_run::Options options;
	int status = 0;

	if (!extfuse_run::parse_options(argc, argv, options, status))
		return status;
	status = extfuse_run::check_ready(options);
	if (status)
		return status;
	return extfuse_run::run_behind_front([&](extfuse_run::Front &front) {
		return extfuse_run::Supervisor(options, front).run();
	});
}
