// SPDX-License-Identifier: GPL-2.0-only
#include "explain.hpp"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <iterator>

namespace extfuse_run
{

namespace
{

constexpr const char *op_names[EXTFUSE_OP_COUNT] = {
	"lookup", "getattr", "read",       "getxattr", "listxattr", "readlink",
	"statfs", "access",  "lseek",      "readdir",  "open",      "opendir",
	"flush",  "release", "releasedir", "write",    "setattr",   "create"};

constexpr int first_change = EXTFUSE_OP_WRITE;

struct Totals {
	uint64_t answered = 0, sent = 0;
};

uint64_t answered_by(const extfuse_op_stats &op)
{
	return op.warm + op.hit + op.error;
}

const char *unkept_reason(int why)
{
	switch (why) {
	case EXTFUSE_UNKEPT_SCOPE:
		return "it is not known who may have them";
	case EXTFUSE_UNKEPT_TIMEOUT:
		return "no timeout given (--private keeps them)";
	case EXTFUSE_UNKEPT_CALLER:
		return "who asked is not known, or not the mount's owner";
	case EXTFUSE_UNKEPT_LINKS:
		return "files of several names (-o cache_links if each has one inode number)";
	case EXTFUSE_UNKEPT_ATTR:
		return "the file's size or number of names is not known";
	case EXTFUSE_UNKEPT_KIND:
		return "never kept, their answer may change by itself";
	case EXTFUSE_UNKEPT_SIZE:
		return "too large";
	default:
		return "their place was in use";
	}
}

// Of one that has a timeout: the other reasons have numbers of their own.
bool kept_by_the_kernel(int op, int why, extfuse_policy policy)
{
	return policy == EXTFUSE_CACHE_TIMEOUTS && op == EXTFUSE_OP_LOOKUP &&
	       why == EXTFUSE_UNKEPT_KIND;
}

// The most frequent first.
std::string why_sent(int op, extfuse_policy policy, const extfuse_op_stats &driver,
		     const extfuse_op_counters &handler)
{
	std::vector<std::pair<uint64_t, std::string>> reasons;
	std::string out;

	for (int why = 0; why < EXTFUSE_UNKEPT_COUNT; why++)
		reasons.emplace_back(handler.unkept[why],
				     kept_by_the_kernel(op, why, policy)
					     ? std::string("kept by the kernel itself, for the "
							   "names' timeout")
					     : std::string("not kept: ") + unkept_reason(why));
	reasons.emplace_back(handler.kept, "kept for the next time");
	reasons.emplace_back(driver.reply_stale, "not kept: a change met them");
	reasons.emplace_back(driver.reply_invalid, "not kept: they were not valid");
	if (op >= first_change)
		reasons.emplace_back(driver.sent, "changes always go to the program");
	else if (!driver.reply && !driver.reply_stale && op == EXTFUSE_OP_READ)
		reasons.emplace_back(driver.sent,
				     "not kept: not read into the page cache (direct_io)");
	else if (!driver.reply && !driver.reply_stale)
		reasons.emplace_back(driver.sent,
				     "not kept: the operation is not one of this policy");
	std::stable_sort(reasons.begin(), reasons.end(),
			 [](const auto &a, const auto &b) { return a.first > b.first; });
	for (size_t i = 0; i < 2 && reasons[i].first; i++)
		out += (i ? "; " : "") + std::to_string(reasons[i].first) + " " + reasons[i].second;
	return out;
}

std::string row(const char *op, uint64_t answered, uint64_t sent, const std::string &why)
{
	char text[80];

	snprintf(text, sizeof(text), "%-10s %12" PRIu64 " %12" PRIu64 "  ", op, answered, sent);
	return text + why;
}

} // namespace

std::string explain_policy(extfuse_policy policy, const FuseData &data)
{
	const auto has = [&](const char *option) {
		return std::find(data.others.begin(), data.others.end(), option) !=
		       data.others.end();
	};
	std::string out;

	if (policy == EXTFUSE_CACHE_ANNOTATED)
		return "nothing is kept (cache=annotated), names and pages by the kernel itself";
	if (policy == EXTFUSE_CACHE_PRIVATE)
		out = "every reply is kept until something is changed through this mount";
	else
		out = "attributes are kept as long as the program's timeouts allow, and names by "
		      "the kernel itself; all else is asked again (--private would keep it)";

	if (has("default_permissions"))
		out += "; answers are for everybody, the kernel checks permissions";
	else if (!has("allow_other"))
		out += "; answers are for the mount's owner, nobody else may use it";
	else
		out += "; the program checks permissions by itself (allow_other without "
		       "default_permissions): answers are for those with the same user and groups";
	return out;
}

std::vector<std::string> explain_counters(extfuse_policy policy, const extfuse_counters &counters)
{
	std::vector<std::string> out;
	Totals reading;
	char head[80];

	snprintf(head, sizeof(head), "%-10s %12s %12s  %s", "", "in kernel", "sent up",
		 "of what was sent up");
	out.emplace_back(head);
	for (int i = 0; i < EXTFUSE_OP_COUNT; i++) {
		const extfuse_op_stats &op = counters.driver.op[i];
		const uint64_t answered = answered_by(op);

		if (i < first_change) {
			reading.answered += answered;
			reading.sent += op.sent;
		}
		if (answered || op.sent)
			out.push_back(row(op_names[i], answered, op.sent,
					  why_sent(i, policy, op, counters.handler[i])));
	}
	out.push_back(row("all", reading.answered, counters.driver.sent_total, ""));

	const extfuse_op_stats &read = counters.driver.op[EXTFUSE_OP_READ];
	if (reading.sent >= 100 && reading.answered < reading.sent / 9)
		out.push_back(std::string("The driver did not help here: less than a tenth was "
					  "answered in the kernel") +
			      (policy == EXTFUSE_CACHE_PRIVATE
				       ? "."
				       : "; --private keeps more, if nobody changes the "
					 "files but through this mount."));
	if (read.sent >= 100 && !read.reply && !read.reply_stale)
		out.emplace_back(
			"The program opens its files with direct_io: every read goes to it, "
			"the driver cannot help with that.");
	return out;
}

} // namespace extfuse_run
