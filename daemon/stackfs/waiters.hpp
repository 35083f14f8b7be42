// SPDX-License-Identifier: GPL-2.0-only
// System calls that may block for long (locks, leases), each on a thread of its
// own, outside of the threads that serve requests: a single-threaded daemon can
// still receive the unlock that ends the wait. A request that the kernel interrupts
// gets its system call interrupted.
#pragma once

#include <extfuse/extfuse.h>

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace stackfs
{

class Waiters
{
public:
	// Makes the blocking call. 0, an errno, or `replied`. Called again after
	// EINTR unless the request was interrupted. Work that replies itself calls
	// fuse_req_interrupt_func(req, nullptr, nullptr) first.
	using Work = std::function<int()>;

	Waiters();
	// Interrupts all, and waits until their replies are sent.
	~Waiters();
	Waiters(const Waiters &) = delete;
	Waiters &operator=(const Waiters &) = delete;

	// Runs work, and replies its result to req unless it was `replied`. 0: req is
	// taken. ENOLCK: too many wait already; req is still the caller's.
	int start(fuse_req_t req, Work work);

	size_t count() const;

private:
	struct Waiter;
	static void on_interrupt(fuse_req_t req, void *data);
	static void *thread_main(void *arg);
	void run(std::unique_ptr<Waiter> waiter) noexcept;
	void nudge_loop() noexcept;
	void remove(Waiter *waiter) noexcept;

	static constexpr size_t max_waiters = 4096;

	// mutex_ may be taken inside libfuse's request lock (on_interrupt), so
	// nothing of libfuse is called under it.
	mutable std::mutex mutex_;
	std::condition_variable changed_;
	std::vector<Waiter *> all_;
	bool stopping_ = false;
	std::thread nudger_;
};

} // namespace stackfs
