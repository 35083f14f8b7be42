// SPDX-License-Identifier: LGPL-2.1-or-later
#include "populate.hpp"

#include "caller.hpp"
#include "object.hpp"

namespace exf::impl
{

Audience audience(extfuse &x, extfuse_scope scope, const fuse_ctx *caller)
{
	Audience who = {static_cast<uint8_t>(scope), 0};

	if (scope == EXTFUSE_SCOPE_UID) {
		who.caller = caller->uid;
	} else if (scope == EXTFUSE_SCOPE_CALLER) {
		// Read each time: groups change, and nothing tells us.
		const int digest = no_throw([&] {
			std::string status;

			if (caller->pid > 0 && x.kernel->task_status(caller->pid, status) == 0)
				who.caller = caller_digest(status, caller->uid, caller->gid);
			return 0;
		});
		if (digest < 0 || !who.caller)
			who.scope = EXTFUSE_SCOPE_NONE;
	}
	return who;
}

bool valid_scope(extfuse_scope scope, const fuse_ctx *caller)
{
	if (scope == EXTFUSE_SCOPE_UID || scope == EXTFUSE_SCOPE_CALLER)
		return caller != nullptr;
	return scope <= EXTFUSE_SCOPE_ALL;
}

int count(extfuse &x, Stored stored, std::atomic<uint64_t> &counter)
{
	if (stored == Stored::no) {
		x.puts.refused.fetch_add(1, std::memory_order_relaxed);
		return 0;
	}
	counter.fetch_add(1, std::memory_order_relaxed);
	if (stored == Stored::evicted)
		x.puts.evicted.fetch_add(1, std::memory_order_relaxed);
	return 1;
}

bool storing(const extfuse &x)
{
	return x.words.active() && !x.maps.names.empty();
}

} // namespace exf::impl
