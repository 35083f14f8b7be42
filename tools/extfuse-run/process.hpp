// SPDX-License-Identifier: GPL-2.0-only
//
// The program's processes: starting it, and what /proc says of them.
#ifndef EXTFUSE_RUN_PROCESS_HPP
#define EXTFUSE_RUN_PROCESS_HPP

#include <cstdint>
#include <string>
#include <vector>

#include <sys/types.h>

#include "fd.hpp"

namespace extfuse_run
{

struct Process {
	pid_t pid = -1;
	Fd pidfd;
};

struct Started {
	Process process;
	Fd announcements; // for class Announcements
};

/*
 * Start a program under install_mount_filter(); it gets SIGTERM if we die. A negative
 * errno: of the exec if exec_failed, else of the filter.
 */
int start(const std::vector<std::string> &argv, Started &out, bool &exec_failed);

// A string of at most max bytes in the thread's memory. address 0: empty. 0 or a
// negative errno, -ENAMETOOLONG if it is longer.
int read_string(pid_t thread, uint64_t address, size_t max, std::string &out);

struct Caller {
	pid_t process = 0;
	bool may_mount = false;   // the kernel would let it
	bool same_world = false;  // user and mount namespace, and root, are ours
};
Caller look_at(pid_t thread);

// What the number is open on, "/dev/fuse" say; empty: it is not open.
std::string open_file(pid_t process, int number);
// O_NONBLOCK, O_CLOEXEC and the like.
int open_flags(pid_t process, int number);

// Processes other than this one that have our descriptor's file open.
std::vector<Process> holders_of(int fd);

// Our children, and theirs; with what was left to us by those that ended.
std::vector<Process> descendants();

void send_signal(const Process &to, int signal);

} // namespace extfuse_run

#endif
