// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Annotated replies through a real libfuse session that talks to this test
// instead of a device.
#include <cstring>
#include <functional>

#include <gtest/gtest.h>

#include <linux/fuse.h>

#include "fake_kernel.hpp"
#include "reader.hpp"

using namespace exf::impl;
using namespace exf::test;

namespace
{

class ReplyTest : public testing::Test
{
protected:
	void SetUp() override
	{
		x = make_object(state, messages);
		fuse_opt_add_arg(&args, "test");
		static const fuse_lowlevel_ops ops = [] {
			fuse_lowlevel_ops o = {};
			o.lookup = [](fuse_req_t req, fuse_ino_t parent, const char *name) {
				auto *t = static_cast<ReplyTest *>(fuse_req_userdata(req));
				t->on_lookup(req, parent, name);
			};
			o.getattr = [](fuse_req_t req, fuse_ino_t ino, fuse_file_info *) {
				auto *t = static_cast<ReplyTest *>(fuse_req_userdata(req));
				t->on_getattr(req, ino);
			};
			o.create = [](fuse_req_t req, fuse_ino_t parent, const char *name, mode_t,
				      fuse_file_info *fi) {
				auto *t = static_cast<ReplyTest *>(fuse_req_userdata(req));
				t->on_create(req, parent, name, fi);
			};
			return o;
		}();
		session = fuse_session_new(&args, &ops, sizeof(ops), this);
		ASSERT_TRUE(session);
		fuse_custom_io io = {};
		io.writev = [](int, iovec *iov, int count, void *userdata) -> ssize_t {
			auto *t = static_cast<ReplyTest *>(userdata);
			t->reply.clear();
			for (int i = 0; i < count; i++)
				t->reply.append(static_cast<char *>(iov[i].iov_base),
						iov[i].iov_len);
			return static_cast<ssize_t>(t->reply.size());
		};
		io.read = [](int, void *, size_t, void *) -> ssize_t { return -ENODEV; };
		ASSERT_EQ(fuse_session_custom_io(session, &io, sizeof(io),
						 open("/dev/null", O_RDWR | O_CLOEXEC)),
			  0);

		fuse_init_in init = {};
		init.major = FUSE_KERNEL_VERSION;
		init.minor = FUSE_KERNEL_MINOR_VERSION;
		send(FUSE_INIT, 0, std::string(reinterpret_cast<char *>(&init), sizeof(init)));
		ASSERT_EQ(error(), 0);
	}
	void TearDown() override
	{
		x.reset();
		fuse_session_destroy(session);
		fuse_opt_free_args(&args);
	}

	void send(uint32_t opcode, uint64_t nodeid, const std::string &body)
	{
		std::string request(sizeof(fuse_in_header), 0);
		fuse_in_header h = {};

		h.len = static_cast<uint32_t>(sizeof(h) + body.size());
		h.opcode = opcode;
		h.unique = 2 * ++unique;
		h.nodeid = nodeid;
		h.uid = 1000;
		h.pid = 55;
		memcpy(request.data(), &h, sizeof(h));
		request += body;
		fuse_buf buf = {};
		buf.mem = request.data();
		buf.size = request.size();
		reply.clear();
		fuse_session_process_buf(session, &buf);
	}
	int error() const
	{
		return out<fuse_out_header>(0).error;
	}
	template <class T> T out(size_t at) const
	{
		T t = {};

		EXPECT_GE(reply.size(), at + sizeof(t));
		if (reply.size() >= at + sizeof(t))
			memcpy(&t, reply.data() + at, sizeof(t));
		return t;
	}
	fuse_entry_out entry_out() const
	{
		return out<fuse_entry_out>(sizeof(fuse_out_header));
	}

	void mount()
	{
		ASSERT_EQ(extfuse_mount(x.get(), some_session(), "/mnt"), 0);
	}

	static fuse_entry_param entry()
	{
		fuse_entry_param e = {};
		e.ino = 7;
		e.attr.st_ino = 7;
		e.attr.st_mode = S_IFREG | 0600;
		e.attr.st_size = 5;
		return e;
	}
	std::optional<extfuse_name_slot> find(uint64_t parent, const char *name)
	{
		NameKey key;
		EXPECT_TRUE(make_name_key(x->words.seed(), parent, name, key));
		return find_name(x->maps.names, key);
	}

	std::function<void(fuse_req_t, fuse_ino_t, const char *)> on_lookup;
	std::function<void(fuse_req_t, fuse_ino_t)> on_getattr;
	std::function<void(fuse_req_t, fuse_ino_t, const char *, fuse_file_info *)> on_create;
	FakeState state;
	Messages messages;
	fuse_args args = FUSE_ARGS_INIT(0, nullptr);
	fuse_session *session = nullptr;
	Object x;
	std::string reply;
	uint64_t unique = 0;
};

TEST_F(ReplyTest, Entry)
{
	mount();
	on_lookup = [&](fuse_req_t req, fuse_ino_t parent, const char *name) {
		const fuse_entry_param e = entry();
		EXPECT_EQ(extfuse_reply_entry(x.get(), req, parent, name, &e,
					      extfuse_token_entry(x.get(), parent, name),
					      extfuse_token_node(x.get(), e.ino), EXTFUSE_SCOPE_UID,
					      EXTFUSE_SCOPE_ALL),
			  0);
	};
	send(FUSE_LOOKUP, 1, std::string("name\0", 5));
	EXPECT_EQ(error(), 0);
	EXPECT_EQ(entry_out().nodeid, 7U);
	EXPECT_EQ(entry_out().attr.size, 5U);
	ASSERT_TRUE(find(1, "name"));
	EXPECT_EQ(find(1, "name")->nodeid, 7U);
	EXPECT_EQ(find(1, "name")->caller, 1000U) << "the request's uid";
	ASSERT_TRUE(find_attr(x->maps, x->words.seed(), 7));
	// What the handler will say is what the daemon said.
	const auto a = find_attr(x->maps, x->words.seed(), 7)->attr;
	static_assert(sizeof(a) == sizeof(fuse_attr));
	const fuse_attr said = entry_out().attr;
	EXPECT_EQ(memcmp(&a, &said, sizeof(a)), 0);
}

TEST_F(ReplyTest, NegativeOnOurs)
{
	mount();
	on_lookup = [&](fuse_req_t req, fuse_ino_t parent, const char *name) {
		EXPECT_EQ(extfuse_reply_negative(x.get(), req, parent, name,
						 extfuse_token_entry(x.get(), parent, name),
						 EXTFUSE_SCOPE_ALL),
			  0);
	};
	send(FUSE_LOOKUP, 1, std::string("none\0", 5));
	EXPECT_EQ(error(), 0);
	EXPECT_EQ(entry_out().nodeid, 0U);
	EXPECT_EQ(entry_out().entry_valid, 0U);
	EXPECT_EQ(entry_out().entry_valid_nsec, 0U);
	ASSERT_TRUE(find(1, "none"));
	EXPECT_EQ(find(1, "none")->nodeid, 0U);
}

TEST_F(ReplyTest, NegativeOnStock)
{
	on_lookup = [&](fuse_req_t req, fuse_ino_t parent, const char *name) {
		extfuse_reply_negative(x.get(), req, parent, name, {}, EXTFUSE_SCOPE_ALL);
	};
	send(FUSE_LOOKUP, 1, std::string("none\0", 5));
	EXPECT_EQ(error(), -ENOENT);
}

// A reply is sent whatever becomes of the cache.
TEST_F(ReplyTest, RepliesWithoutCaching)
{
	on_lookup = [&](fuse_req_t req, fuse_ino_t parent, const char *name) {
		const fuse_entry_param e = entry();
		extfuse_reply_entry(x.get(), req, parent, name, &e, {}, {},
				    static_cast<extfuse_scope>(77), EXTFUSE_SCOPE_ALL);
	};
	for (const bool mounted : {false, true}) {
		if (mounted)
			mount();
		send(FUSE_LOOKUP, 1, std::string("name\0", 5));
		EXPECT_EQ(error(), 0);
		EXPECT_EQ(entry_out().nodeid, 7U);
	}
	EXPECT_FALSE(find(1, "name"));
}

TEST_F(ReplyTest, Attr)
{
	mount();
	on_getattr = [&](fuse_req_t req, fuse_ino_t ino) {
		const fuse_entry_param e = entry();
		extfuse_reply_attr(x.get(), req, ino, &e.attr, 1.5,
				   extfuse_token_node(x.get(), ino), EXTFUSE_SCOPE_ALL);
	};
	fuse_getattr_in in = {};
	send(FUSE_GETATTR, 7, std::string(reinterpret_cast<char *>(&in), sizeof(in)));
	EXPECT_EQ(error(), 0);
	const auto reply_attr = out<fuse_attr_out>(sizeof(fuse_out_header));
	EXPECT_EQ(reply_attr.attr_valid, 1U);
	EXPECT_EQ(reply_attr.attr.size, 5U);
	EXPECT_TRUE(find_attr(x->maps, x->words.seed(), 7));
}

TEST_F(ReplyTest, Create)
{
	mount();
	on_create = [&](fuse_req_t req, fuse_ino_t parent, const char *name, fuse_file_info *fi) {
		const fuse_entry_param e = entry();
		fi->fh = 99;
		FakeWords::begin(state.words.name(parent, name)); // as the driver did
		EXPECT_EQ(extfuse_reply_create(x.get(), req, parent, name, &e, fi,
					       extfuse_token_changed_entry(x.get(), parent, name),
					       extfuse_token_node(x.get(), e.ino),
					       EXTFUSE_SCOPE_ALL, EXTFUSE_SCOPE_ALL),
			  0);
		FakeWords::end(state.words.name(parent, name));
	};
	fuse_create_in in = {};
	send(FUSE_CREATE, 1,
	     std::string(reinterpret_cast<char *>(&in), sizeof(in)) + std::string("made\0", 5));
	EXPECT_EQ(error(), 0);
	EXPECT_EQ(entry_out().nodeid, 7U);
	EXPECT_EQ(out<fuse_open_out>(sizeof(fuse_out_header) + sizeof(fuse_entry_out)).fh, 99U);
	ASSERT_TRUE(find(1, "made"));
	EXPECT_EQ(find(1, "made")->word, extfuse_token_entry(x.get(), 1, "made").word);
}

} // namespace
