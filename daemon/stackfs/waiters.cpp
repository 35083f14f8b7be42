// SPDX-License-Identifier: GPL-2.0-only
#include "stackfs/waiters.hpp"

#include "stackfs/reply.hpp"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

namespace stackfs
{

namespace
{

constexpr int nudge_signal = SIGUSR2; // only ends a system call, see common/loop.cpp
constexpr auto nudge_interval = std::chrono::milliseconds(5);
constexpr size_t stack_bytes = 256 * 1024;

class ThreadAttributes
{
	pthread_attr_t attr_;

public:
	ThreadAttributes()
	{
		pthread_attr_init(&attr_);
		pthread_attr_setdetachstate(&attr_, PTHREAD_CREATE_DETACHED);
		pthread_attr_setstacksize(&attr_, stack_bytes);
	}
	~ThreadAttributes()
	{
		pthread_attr_destroy(&attr_);
	}
	const pthread_attr_t *get() const
	{
		return &attr_;
	}
};

} // namespace

// In all_ from start() until its thread has nothing left to do but end.
struct Waiters::Waiter {
	Waiters *owner;
	fuse_req_t req;
	Work work;
	// Under mutex_:
	pthread_t thread = {};
	bool started = false;
	bool interrupted = false;
};

Waiters::Waiters() : nudger_([this] { nudge_loop(); }) {}

Waiters::~Waiters()
{
	{
		std::unique_lock lock(mutex_);
		stopping_ = true;
		for (Waiter *w : all_)
			w->interrupted = true;
		changed_.notify_all();
		changed_.wait(lock, [this] { return all_.empty(); });
	}
	changed_.notify_all();
	nudger_.join();
}

size_t Waiters::count() const
{
	const std::lock_guard lock(mutex_);
	return all_.size();
}

void Waiters::remove(Waiter *waiter) noexcept
{
	const std::lock_guard lock(mutex_);
	std::erase(all_, waiter);
	changed_.notify_all();
}

int Waiters::start(fuse_req_t req, Work work)
{
	auto waiter = std::make_unique<Waiter>(Waiter{this, req, std::move(work)});
	{
		const std::lock_guard lock(mutex_);
		if (stopping_ || all_.size() >= max_waiters)
			return ENOLCK;
		all_.push_back(waiter.get());
	}
	// May call on_interrupt() at once.
	fuse_req_interrupt_func(req, on_interrupt, waiter.get());

	const ThreadAttributes attributes;
	int err;
	{
		// The new thread waits for this lock before it does anything.
		const std::lock_guard lock(mutex_);
		err = pthread_create(&waiter->thread, attributes.get(), thread_main, waiter.get());
		waiter->started = err == 0;
	}
	if (!err) {
		waiter.release(); // the thread's
		return 0;
	}
	fuse_req_interrupt_func(req, nullptr, nullptr);
	remove(waiter.get());
	return ENOLCK;
}

void Waiters::on_interrupt(fuse_req_t, void *data)
{
	auto *waiter = static_cast<Waiter *>(data);
	Waiters *self = waiter->owner;
	const std::lock_guard lock(self->mutex_);
	waiter->interrupted = true;
	self->changed_.notify_all();
}

void *Waiters::thread_main(void *arg)
{
	std::unique_ptr<Waiter> waiter(static_cast<Waiter *>(arg));
	waiter->owner->run(std::move(waiter));
	return nullptr;
}

void Waiters::run(std::unique_ptr<Waiter> waiter) noexcept
{
	int err;
	for (;;) {
		{
			const std::lock_guard lock(mutex_);
			if (waiter->interrupted) {
				err = EINTR;
				break;
			}
		}
		err = guarded(waiter->work);
		if (err != EINTR)
			break;
	}
	// A reply frees the request, and with it goes what on_interrupt() may touch.
	if (err != replied) {
		fuse_req_interrupt_func(waiter->req, nullptr, nullptr);
		fuse_reply_err(waiter->req, err);
	}
	waiter->work = nullptr; // its pins and files go before the table does
	remove(waiter.get());
}

// A signal can arrive just before the system call sleeps, and be lost; so
// interrupted waiters get one again and again until they are gone.
void Waiters::nudge_loop() noexcept
{
	std::unique_lock lock(mutex_);
	const auto interrupted = [](const Waiter *w) { return w->interrupted && w->started; };
	while (!stopping_ || !all_.empty()) {
		bool any = false;
		for (const Waiter *w : all_) {
			if (interrupted(w)) {
				pthread_kill(w->thread, nudge_signal);
				any = true;
			}
		}
		if (any)
			changed_.wait_for(lock, nudge_interval);
		else
			changed_.wait(lock);
	}
}

} // namespace stackfs
