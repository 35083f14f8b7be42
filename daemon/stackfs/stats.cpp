// SPDX-License-Identifier: GPL-2.0-only
#include "stackfs/stats.hpp"

#include "common/fd.hpp"
#include "stackfs/fs.hpp"
#include "stackfs/op_names.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>

namespace stackfs
{

namespace
{

// One JSON object, written member by member.
class Object
{
	std::string text_ = "{";

	void key(const char *name)
	{
		if (text_.size() > 1)
			text_ += ", ";
		text_ += '"';
		text_ += name;
		text_ += "\": ";
	}

public:
	Object &number(const char *name, uint64_t value)
	{
		key(name);
		text_ += std::to_string(value);
		return *this;
	}
	Object &boolean(const char *name, bool value)
	{
		key(name);
		text_ += value ? "true" : "false";
		return *this;
	}
	Object &json(const char *name, const std::string &value)
	{
		key(name);
		text_ += value;
		return *this;
	}
	std::string str() const
	{
		return text_ + "}";
	}
};

std::string driver_json(const extfuse_stats &stats)
{
	Object out;
	out.number("sent_total", stats.sent_total)
		.number("opened_late", stats.opened_late)
		.number("backing_files", stats.backing_files)
		.number("backing_opens", stats.backing_opens);
	for (unsigned i = 0; i < EXTFUSE_OP_COUNT; ++i) {
		const extfuse_op_stats &s = stats.op[i];
		out.json(op_names[i], Object().number("warm", s.warm)
					      .number("hit", s.hit)
					      .number("error", s.error)
					      .number("upcall", s.upcall)
					      .number("stale", s.stale)
					      .number("dead", s.dead)
					      .number("scope", s.scope)
					      .number("invalid", s.invalid)
					      .number("sent", s.sent)
					      .number("reply", s.reply)
					      .number("reply_stale", s.reply_stale)
					      .number("reply_invalid", s.reply_invalid)
					      .str());
	}
	return out.str();
}

std::string handler_json(const extfuse_op_counters (&counters)[EXTFUSE_OP_COUNT])
{
	Object out;
	for (unsigned i = 0; i < EXTFUSE_OP_COUNT; ++i) {
		const extfuse_op_counters &c = counters[i];
		out.json(op_names[i],
			 Object().number("hit", c.hit)
				 .number("negative", c.negative)
				 .number("error", c.error)
				 .json("miss",
				       Object().number("absent", c.miss[EXTFUSE_MISS_ABSENT])
					       .number("stale", c.miss[EXTFUSE_MISS_STALE])
					       .number("caller", c.miss[EXTFUSE_MISS_CALLER])
					       .number("torn", c.miss[EXTFUSE_MISS_TORN])
					       .number("off", c.miss[EXTFUSE_MISS_OFF])
					       .str())
				 .str());
	}
	return out.str();
}

} // namespace

std::string extfuse_stats_json(extfuse *x)
{
	extfuse_counters counters = {};
	counters.size = sizeof(counters);
	const bool active = extfuse_get_stats(x, &counters) == 0;
	return Object()
		.boolean("active", active)
		.json("driver", driver_json(counters.driver))
		.json("handler", handler_json(counters.handler))
		.number("put_entry", counters.put_entry)
		.number("put_attr", counters.put_attr)
		.number("put_data", counters.put_data)
		.number("put_object", counters.put_object)
		.number("put_dir", counters.put_dir)
		.number("put_names", counters.put_names)
		.number("put_refused", counters.put_refused)
		.number("evicted", counters.evicted)
		.number("map_bytes", counters.map_bytes)
		.str();
}

std::string Fs::stats_json() const
{
	return Object()
		.json("requests", counters_.json())
		.number("requests_total", counters_.total())
		.number("nodes", table_.size())
		.number("node_fds", table_.open_fds())
		.number("waiting", waiters_ ? waiters_->count() : 0)
		.json("extfuse", extfuse_stats_json(x_))
		.str();
}

int write_file_atomically(const std::string &path, const std::string &text)
{
	const std::string draft = path + ".new";
	UniqueFd fd(
		open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644));
	if (!fd.valid())
		return errno;
	const ssize_t n = write(fd.get(), text.data(), text.size());
	if (n < 0 || static_cast<size_t>(n) < text.size()) {
		const int err = n < 0 ? errno : ENOSPC;
		unlink(draft.c_str());
		return err;
	}
	return rename(draft.c_str(), path.c_str()) < 0 ? errno : 0;
}

} // namespace stackfs
