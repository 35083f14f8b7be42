// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The handler of a mount: which it is, loading and attaching it, its switches.
#include <cstring>

#include <fcntl.h>
#include <sys/random.h>

#include "keys.hpp"
#include "object.hpp"
#include "policy.hpp"

using namespace exf::impl;

namespace
{

// Bits of ext_switches in bpf/include/extfuse/maps.bpf.h.
constexpr uint32_t all_operations = (1U << EXTFUSE_OP_COUNT) - 1;
constexpr uint32_t switch_remember = 1U << 31;

uint64_t random_seed()
{
	uint64_t seed = 0;

	// Without randomness (never, once booted) the maps still work.
	if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) < 0)
		seed = 0x9e3779b97f4a7c15ULL;
	return seed;
}

void set_bits(uint32_t *word, uint32_t bits, bool on)
{
	if (on)
		__atomic_fetch_or(word, bits, __ATOMIC_RELAXED);
	else
		__atomic_fetch_and(word, ~bits, __ATOMIC_RELAXED);
}

} // namespace

// What else is to be said of an error, and which one it is to the caller.
int extfuse::blame(int error, std::string &reason) const
{
	if (error == -EPERM || error == -EACCES) {
		const std::string missing = kernel->missing_capabilities();

		if (!missing.empty()) {
			reason += "; this process lacks " + missing;
			error = -EPERM;
		}
	}
	return error;
}

int extfuse::load_handler(std::string &reason)
{
	HandlerParams params;

	if (handler)
		return 0;

	seed = random_seed();
	params.name_buckets = buckets_for(options.max_names);
	params.long_name_buckets = buckets_for(options.max_long_names);
	params.attr_buckets = buckets_for(options.max_attrs);
	params.block_buckets = buckets_for(options.max_blocks);
	params.object_buckets = buckets_for(options.max_objects);
	// Most directories fill a chunk or two.
	params.dir_buckets = buckets_for(options.max_dirs) * 2;
	params.names_buckets = buckets_for(options.max_dirs);
	params.open_buckets = buckets_for(options.max_opens);
	params.seed = seed;
	params.policy =
		make_policy(options, mount_options, mount_options.user_id, mount_options.group_id);
	params.replies = options.reply_hooks || options.cache != EXTFUSE_CACHE_ANNOTATED;
	params.opens = options.mark_opens || options.cache == EXTFUSE_CACHE_PRIVATE;
	params.file = options.handler_file;
	params.object = options.handler_object;
	params.switches = all_operations | (options.no_remember ? 0 : switch_remember);

	int error = kernel->load_handler(params, log, handler, reason);
	return error ? blame(error, reason) : 0;
}

int extfuse::prepare_handler(std::string &reason)
{
	int error = load_handler(reason);

	if (!error) {
		error = handler->attach();
		if (error < 0)
			reason = attach_reason(error);
		error = error ? blame(error, reason) : 0;
	}
	return error;
}

std::string extfuse::attach_reason(int error) const
{
	if (error == -EPROTO)
		return "the driver speaks another version of the ABI than this libextfuse: install "
		       "module and library of the same release";
	return std::string("the driver refuses the BPF handler: ") + strerror(-error);
}

int extfuse::attach()
{
	if (state != State::active)
		return -ENOTCONN;

	int link_fd = foreign_link.get();
	if (link_fd < 0) {
		if (!handler)
			return -ENOTCONN;
		const int error = handler->attach();
		if (error < 0) {
			log.error("cannot attach a handler to %s: %s", target.c_str(),
				  attach_reason(error).c_str());
			return error;
		}
		link_fd = handler->link_fd();
	}
	const int error = kernel->bind(device.get(), link_fd);
	if (error < 0)
		log.error("cannot bind the handler to %s: %s", target.c_str(), strerror(-error));
	return error < 0 ? error : 0;
}

int extfuse::detach()
{
	if (state != State::active)
		return -ENOTCONN;

	const int error = kernel->bind(device.get(), -1);
	if (handler)
		handler->detach();
	return error < 0 ? error : 0;
}

int extfuse::use_link(int link_fd)
{
	Fd copy;

	if (link_fd >= 0) {
		copy = Fd(fcntl(link_fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
		if (!copy) {
			const int error = -errno;
			log.error("handler link %d: %s", link_fd, strerror(-error));
			return error;
		}
	}
	foreign_link = std::move(copy);
	return state == State::active ? attach() : 0;
}

extern "C" {

int extfuse_detach(struct extfuse *x)
{
	if (!x)
		return -EINVAL;
	return no_throw([&] { return x->detach(); });
}

int extfuse_attach(struct extfuse *x)
{
	if (!x)
		return -EINVAL;
	return no_throw([&] { return x->attach(); });
}

int extfuse_use_handler(struct extfuse *x, int link_fd)
{
	if (!x)
		return -EINVAL;
	return no_throw([&] { return x->use_link(link_fd); });
}

int extfuse_load_handler(struct extfuse *x)
{
	if (!x)
		return -EINVAL;
	if (x->options.no_handler || x->options.driver == EXTFUSE_DRIVER_STOCK)
		return -ENOTCONN;
	return no_throw([&] {
		std::string reason;
		const int error = x->load_handler(reason);

		if (error < 0)
			x->log.error("%s", reason.c_str());
		return error;
	});
}

int extfuse_handler_map_fd(const struct extfuse *x, const char *name)
{
	if (!x || !name)
		return -EINVAL;
	return x->handler ? x->handler->map_fd(name) : -ENOTCONN;
}

int extfuse_set_enabled(struct extfuse *x, enum extfuse_op op, int enabled)
{
	if (!x || op > EXTFUSE_OP_COUNT)
		return -EINVAL;
	if (x->state != State::active || !x->handler)
		return -ENOTCONN;
	if (!x->handler->switches())
		return -EOPNOTSUPP;
	set_bits(x->handler->switches(), op == EXTFUSE_OP_COUNT ? all_operations : 1U << op,
		 enabled != 0);
	return 0;
}

int extfuse_set_remember(struct extfuse *x, int remember)
{
	if (!x)
		return -EINVAL;
	if (x->state != State::active || !x->handler)
		return -ENOTCONN;
	if (!x->handler->switches())
		return -EOPNOTSUPP;
	set_bits(x->handler->switches(), switch_remember, remember != 0);
	return 0;
}

} // extern "C"
