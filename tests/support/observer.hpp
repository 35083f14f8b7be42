// SPDX-License-Identifier: GPL-2.0-only
//
// A mount whose only handler is the observer (tests/vm/observer.bpf.c), and what a
// test of it says again and again.
#ifndef EXTFUSE_TESTS_OBSERVER_HPP
#define EXTFUSE_TESTS_OBSERVER_HPP

#include <gtest/gtest.h>

#include <sys/mman.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>

#include <bpf/bpf.h>

#include "observer.h"
#include "observer.skel.h"
#include "sys.hpp"
#include "test_fs.hpp"

namespace extfuse_test
{

constexpr int denials[] = {EACCES, EPERM, EROFS, ENOSPC, EDQUOT, EIO};
// What an observer must not return: they can't answer, nor give any error.
constexpr int nonsense[] = {EXTFUSE_HIT, 2,      12345,     -ENOENT, -ENOSYS, -EINTR,
			    -EEXIST,     -EBUSY, -ENOTCONN, -ENOMEM, -4096,   INT32_MIN};

struct Observer {
	observer *skeleton = observer__open_and_load();
	bpf_link *link = skeleton ? bpf_map__attach_struct_ops(skeleton->maps.observer) : nullptr;

	Observer()
	{
		if (!link)
			throw std::runtime_error("cannot load observer.bpf.o");
	}
	~Observer()
	{
		bpf_link__destroy(link);
		observer__destroy(skeleton);
	}
	void detach()
	{
		EXPECT_EQ(bpf_link__detach(link), 0);
	}
};

class Observed : public testing::Test
{
protected:
	explicit Observed(Config config = {}) : fs(with_link(std::move(config))) {}

	Observer observer;
	TestFs fs;
	observer_orders &orders = observer.skeleton->bss->orders;
	const observer_seen &seen = observer.skeleton->bss->seen;
	uint64_t file = fs.store.add_file("file", "content");

	// The program of op returns this, and puts flags into its result.
	void order(extfuse_op op, int ret, uint32_t flags = 0)
	{
		memset(&orders, 0, sizeof(orders));
		orders.op = op;
		orders.ret = ret;
		orders.flags = flags;
	}
	void order_name(const std::string &name)
	{
		orders.by_name = 1;
		orders.name_len = static_cast<uint32_t>(name.size());
		memcpy(orders.name, name.data(), name.size());
	}
	void quiet()
	{
		memset(&orders, 0, sizeof(orders));
		orders.op = EXTFUSE_OP_COUNT;
	}
	// Tokens are 0 where something is in flight.
	uint64_t token(uint64_t node)
	{
		return extfuse_token_node(fs.ext(), node).word;
	}
	uint64_t xattr_token(uint64_t node)
	{
		return extfuse_token_xattr(fs.ext(), node).word;
	}
	uint64_t fs_token()
	{
		return extfuse_token_fs(fs.ext()).word;
	}
	// Nothing is in flight any more, the RELEASE of what was closed neither.
	bool settled()
	{
		for (int i = 0; i < 500; i++) {
			if (fs_token())
				return true;
			usleep(10000);
		}
		return false;
	}

	// Each denial in turn, of a call that opens nothing: it is the caller's error, nothing is
	// sent, nothing is in flight or changed, and it is counted.
	template <class Work> void expect_denied(extfuse_op op, Work work)
	{
		for (int error : denials) {
			SCOPED_TRACE(strerrorname_np(error));
			order(op, -error, ~0U); // flags are ignored then
			EXPECT_TRUE(settled());
			const uint64_t before = fs_token();
			const Counts c = during(fs, [&] { EXPECT_EQ(work(), -error); });
			quiet();
			EXPECT_GE(c.driver(op).error, 1) << c.text();
			EXPECT_EQ(c.driver(op).invalid, 0) << c.text();
			EXPECT_EQ(c.driver(op).sent, 0) << c.text();
			EXPECT_EQ(fs_token(), before) << c.text();
		}
	}

	// Nonsense is counted, and the change is made.
	template <class Work> void expect_invalid(extfuse_op op, Work work)
	{
		const auto once = [&](int ret, uint32_t flags) {
			SCOPED_TRACE(testing::Message()
				     << "returns " << ret << ", flags " << flags);
			order(op, ret, flags);
			const Counts c = during(fs, [&] { EXPECT_GE(work(), 0); });
			quiet();
			EXPECT_GE(c.driver(op).invalid, 1) << c.text();
			EXPECT_EQ(c.driver(op).error, 0) << c.text();
			EXPECT_EQ(c.driver(op).hit, 0) << c.text();
			EXPECT_TRUE(settled());
		};
		for (int ret : nonsense)
			once(ret, 0);
		for (uint32_t flags : {4U, 1U << 31, ~0U})
			once(EXTFUSE_UPCALL, flags);
	}

private:
	Config with_link(Config config)
	{
		config.handler_link = bpf_link__fd(observer.link);
		return config;
	}
};

} // namespace extfuse_test

#endif
