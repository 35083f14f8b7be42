// SPDX-License-Identifier: GPL-2.0-only
//
// metricsfs MOUNTPOINT: a read-only file system of counters, answered by its handler
// (bpf/examples/metrics.bpf.c) from a map. After the mount this program does nothing
// but write to memory: no request reaches it.
//
//     host/load     1, 5, 15 minutes
//     host/uptime   seconds
//     ticks         how many times all this was published
//     requests      that reached this program since the mount
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>

#include <extfuse/extfuse.h>

#include "metrics.skel.h"
#include "publisher.hpp"

namespace
{

constexpr auto period = std::chrono::milliseconds(100);

std::string line(const char *format, double value)
{
	char text[METRICS_TEXT];

	snprintf(text, sizeof(text), format, value);
	return text;
}

// Its files, and what is in them.
class Metrics
{
public:
	Metrics(int map, extfuse *x) : out_(map), x_(x) {}

	void publish(std::stop_token stop);

private:
	metricsfs::Publisher out_;
	extfuse *x_;
	const uint64_t host = out_.add_directory(METRICS_ROOT, "host");
	const uint64_t load = out_.add_file(host, "load", "");
	const uint64_t uptime = out_.add_file(host, "uptime", "");
	const uint64_t ticks = out_.add_file(METRICS_ROOT, "ticks", "0\n");
	const uint64_t requests = out_.add_file(METRICS_ROOT, "requests", "0\n");
};

void Metrics::publish(std::stop_token stop)
{
	for (uint64_t n = 1; !stop.stop_requested(); n++) {
		double averages[3] = {};
		timespec since_boot = {};
		extfuse_counters counters = {};

		counters.size = sizeof(counters);
		if (getloadavg(averages, 3) == 3)
			out_.set(load, line("%.2f ", averages[0]) + line("%.2f ", averages[1]) +
					       line("%.2f\n", averages[2]));
		clock_gettime(CLOCK_BOOTTIME, &since_boot);
		out_.set(uptime, std::to_string(since_boot.tv_sec) + "\n");
		if (extfuse_get_stats(x_, &counters) == 0)
			out_.set(requests, std::to_string(counters.driver.sent_total) + "\n");
		out_.set(ticks, std::to_string(n) + "\n");
		std::this_thread::sleep_for(period);
	}
}

// Publishes while the session runs, which ends if that fails.
void serve(fuse_session *session, Metrics &metrics)
{
	const pthread_t serving = pthread_self();
	std::exception_ptr failed;
	{
		const std::jthread publisher([&](std::stop_token stop) {
			try {
				metrics.publish(stop);
			} catch (...) {
				failed = std::current_exception();
				// As from outside: the loop waits for requests.
				pthread_kill(serving, SIGTERM);
			}
		});
		fuse_session_loop(session);
	}
	if (failed)
		std::rethrow_exception(failed);
}

// In the order of their ends: nothing outlives the session.
struct Mounted {
	extfuse *x;
	~Mounted()
	{
		extfuse_unmount(x);
	}
};

struct Signals {
	fuse_session *session;
	~Signals()
	{
		fuse_remove_signal_handlers(session);
	}
};

struct Free {
	void operator()(char *p) const
	{
		free(p);
	}
	void operator()(extfuse *x) const
	{
		extfuse_destroy(x);
	}
	void operator()(fuse_session *se) const
	{
		fuse_session_destroy(se);
	}
};

int run(fuse_args *args)
{
	fuse_cmdline_opts options;
	extfuse_config config = {};
	extfuse *made = nullptr;

	config.size = sizeof(config);
	config.handler_object = metrics__elf_bytes(&config.handler_object_size);
	if (fuse_parse_cmdline(args, &options) < 0)
		return 1;
	const std::unique_ptr<char, Free> mountpoint(options.mountpoint);
	if (options.show_help || !mountpoint) {
		printf("usage: metricsfs [-o OPTION,...] MOUNTPOINT\n%s", extfuse_option_help());
		return options.show_help ? 0 : 1;
	}
	// What the handler relies on: nothing is changed, and the kernel checks modes.
	fuse_opt_add_arg(args, "-oro,default_permissions,fsname=metricsfs");
	if (extfuse_new(&made, args, &config) < 0)
		return 1;
	const std::unique_ptr<extfuse, Free> x(made);
	const fuse_lowlevel_ops nothing = {};
	const std::unique_ptr<fuse_session, Free> session(
		fuse_session_new(args, &nothing, sizeof(nothing), nullptr));
	if (!session || fuse_set_signal_handlers(session.get()) < 0)
		return 1;
	const Signals signals{session.get()};
	if (extfuse_mount(x.get(), session.get(), mountpoint.get()) < 0)
		return 1;
	const Mounted mounted{x.get()};
	const int error = extfuse_declare_stable(x.get());
	if (error < 0)
		throw std::system_error(-error, std::system_category(), "stable entries");
	Metrics metrics(extfuse_handler_map_fd(x.get(), "metrics"), x.get());
	serve(session.get(), metrics);
	return 0;
}

} // namespace

int main(int argc, char **argv)
{
	fuse_args args = FUSE_ARGS_INIT(argc, argv);
	int status = 1;

	try {
		status = run(&args);
	} catch (const std::exception &e) {
		fprintf(stderr, "metricsfs: %s\n", e.what());
	}
	fuse_opt_free_args(&args);
	return status;
}
