// SPDX-License-Identifier: GPL-2.0-only
// Runs a libfuse session until it is unmounted or a signal ends it.
#pragma once

#include <functional>

struct fuse_session;

namespace stackfs
{

// Block the signals that LoopSignals waits for. Before any thread is made.
void loop_block_signals() noexcept;

// Serve requests, with this thread if threads is 1. SIGHUP, SIGINT and SIGTERM
// end it, also if they come before the loop sleeps; SIGUSR1 calls on_usr1 on a
// thread of its own. Returns 0, or a positive errno.
int run_loop(fuse_session *session, unsigned threads, const std::function<void()> &on_usr1);

} // namespace stackfs
