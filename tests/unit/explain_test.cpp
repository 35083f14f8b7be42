// SPDX-License-Identifier: GPL-2.0-only
//
// What extfuse-run says of a mount's replies.
#include <gtest/gtest.h>

#include "explain.hpp"

using namespace extfuse_run;

namespace
{

std::string lines(extfuse_policy policy, const extfuse_counters &c)
{
	std::string out;

	for (const std::string &line : explain_counters(policy, c))
		out += line + "\n";
	return out;
}

bool has(const std::string &text, const char *part)
{
	return text.find(part) != std::string::npos;
}

TEST(ExplainTest, PolicyIsTheOneInForce)
{
	EXPECT_TRUE(has(explain_policy(EXTFUSE_CACHE_PRIVATE, {}), "every reply is kept"));
	EXPECT_TRUE(has(explain_policy(EXTFUSE_CACHE_TIMEOUTS, {}), "as the program's timeouts"));
	EXPECT_TRUE(has(explain_policy(EXTFUSE_CACHE_ANNOTATED, {}), "nothing is kept"));
}

TEST(ExplainTest, NamesThatTheKernelKeeps)
{
	extfuse_counters c = {};

	c.driver.op[EXTFUSE_OP_LOOKUP].sent = 7;
	c.handler[EXTFUSE_OP_LOOKUP].unkept[EXTFUSE_UNKEPT_KIND] = 7;
	std::string text = lines(EXTFUSE_CACHE_TIMEOUTS, c);
	EXPECT_TRUE(has(text, "7 kept by the kernel itself")) << text;
	EXPECT_FALSE(has(text, "never kept")) << text;
	text = lines(EXTFUSE_CACHE_PRIVATE, c);
	EXPECT_TRUE(has(text, "7 not kept: never kept")) << text;

	c = {};
	c.driver.op[EXTFUSE_OP_LOOKUP].sent = 7;
	c.handler[EXTFUSE_OP_LOOKUP].unkept[EXTFUSE_UNKEPT_TIMEOUT] = 7;
	text = lines(EXTFUSE_CACHE_TIMEOUTS, c);
	EXPECT_TRUE(has(text, "7 not kept: no timeout given")) << text;
}

} // namespace
