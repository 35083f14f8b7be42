// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The same layout for C, C++ and BPF; the kernel's build includes abi_layout.h
// for its own.
#include <cstddef>
#include <cstring>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include <bpf/btf.h>
#include <linux/fuse.h>

#include <extfuse/abi.h>

#include "abi_layout.h"

EXTFUSE_ABI_STATIC_CHECK

extern "C" const size_t abi_layout_c_size_of_stats;

namespace
{

struct BtfFree {
	void operator()(btf *b) const
	{
		btf__free(b);
	}
};

class AbiLayout : public testing::Test
{
protected:
	void SetUp() override
	{
		object.reset(btf__parse(ABI_LAYOUT_BPF_OBJECT, nullptr));
		ASSERT_TRUE(object) << ABI_LAYOUT_BPF_OBJECT;
	}

	const btf_type *find(const char *name) const
	{
		const int id = btf__find_by_name_kind(object.get(), name, BTF_KIND_STRUCT);

		return id < 0 ? nullptr : btf__type_by_id(object.get(), static_cast<__u32>(id));
	}

	std::unique_ptr<btf, BtfFree> object;
};

struct Expected {
	const char *type;
	const char *field; // null: the struct itself
	size_t value;
};

#define SIZE(type, size) {#type, nullptr, size},
#define FIELD(type, field, offset) {#type, #field, offset},
const Expected layout[] = {EXTFUSE_ABI_LAYOUT(SIZE, FIELD)};
#undef SIZE
#undef FIELD

TEST_F(AbiLayout, BpfObjectAgrees)
{
	for (const Expected &e : layout) {
		const btf_type *t = find(e.type);
		ASSERT_TRUE(t) << e.type;
		if (!e.field) {
			EXPECT_EQ(t->size, e.value) << e.type;
			continue;
		}
		bool found = false;
		const btf_member *m = btf_members(t);
		for (__u16 i = 0; i < btf_vlen(t); i++) {
			if (strcmp(btf__name_by_offset(object.get(), m[i].name_off), e.field) != 0)
				continue;
			found = true;
			EXPECT_EQ(btf_member_bit_offset(t, i), e.value * 8)
				<< e.type << "." << e.field;
		}
		EXPECT_TRUE(found) << e.type << "." << e.field;
	}
}

// No byte that nobody declared: it would be uninitialised in what a handler sees,
// or differ between compilers. And nothing declared that the list leaves out.
TEST_F(AbiLayout, NoHolesAndNothingMissing)
{
	for (const Expected &e : layout) {
		if (e.field)
			continue;
		const btf_type *t = find(e.type);
		ASSERT_TRUE(t) << e.type;
		size_t end = 0;
		for (__u16 i = 0; i < btf_vlen(t); i++) {
			const char *name =
				btf__name_by_offset(object.get(), btf_members(t)[i].name_off);
			EXPECT_EQ(btf_member_bit_offset(t, i), end * 8) << e.type << "." << name;
			const auto size = btf__resolve_size(object.get(), btf_members(t)[i].type);
			ASSERT_GT(size, 0);
			end += static_cast<size_t>(size);
			bool listed = false;
			for (const Expected &f : layout)
				listed |= f.field && !strcmp(f.type, e.type) &&
					  !strcmp(f.field, name);
			EXPECT_TRUE(listed) << e.type << "." << name << " is not in abi_layout.h";
		}
		EXPECT_EQ(end, t->size) << e.type;
	}
}

// What a handler sees holds no pointer and no union.
TEST_F(AbiLayout, ContextIsPlain)
{
	for (const char *name : {"extfuse_lookup_in",  "extfuse_getattr_in",  "extfuse_read_in",
				 "extfuse_lookup_out", "extfuse_getattr_out", "extfuse_read_out",
				 "extfuse_caller",     "extfuse_attr",        "extfuse_getxattr_in",
				 "extfuse_bytes_in",   "extfuse_statfs_in",   "extfuse_access_in",
				 "extfuse_lseek_in",   "extfuse_bytes_out",   "extfuse_statfs_out",
				 "extfuse_statfs",     "extfuse_access_out",  "extfuse_lseek_out",
				 "extfuse_open_in",    "extfuse_open_out",    "extfuse_close_in",
				 "extfuse_close_out"}) {
		const btf_type *t = find(name);
		ASSERT_TRUE(t) << name;
		for (__u16 i = 0; i < btf_vlen(t); i++) {
			const int id = btf__resolve_type(object.get(), btf_members(t)[i].type);
			const btf_type *m = btf__type_by_id(object.get(), static_cast<__u32>(id));
			EXPECT_TRUE(btf_is_int(m) || btf_is_struct(m) || btf_is_array(m)) << name;
		}
	}
}

TEST_F(AbiLayout, OperationsMatchTheirNumbers)
{
	const btf_type *t = find("extfuse_handler_ops");
	ASSERT_TRUE(t);
	const char *names[EXTFUSE_OP_COUNT] = {"lookup",    "getattr",  "read",       "getxattr",
					       "listxattr", "readlink", "statfs",     "access",
					       "lseek",     "readdir",  "open",       "opendir",
					       "flush",     "release",  "releasedir", "write",
					       "setattr",   "create"};
	for (__u16 i = 0; i < EXTFUSE_OP_COUNT; i++) {
		EXPECT_STREQ(btf__name_by_offset(object.get(), btf_members(t)[i].name_off),
			     names[i]);
		EXPECT_EQ(btf_member_bit_offset(t, i), 64U * i);
	}
}

TEST(AbiLayoutC, SameAsCpp)
{
	EXPECT_EQ(abi_layout_c_size_of_stats, sizeof(extfuse_stats));
}

// The handler reads the beginning of a long slot as a short one.
TEST(AbiLayoutSlots, LongNamesBeginAsShortOnes)
{
#define SAME(field)                                                                                \
	EXPECT_EQ(offsetof(extfuse_name_slot, field), offsetof(extfuse_long_name_slot, field))
	SAME(seq);
	SAME(tag);
	SAME(parent);
	SAME(word);
	SAME(nodeid);
	SAME(behind);
	SAME(caller);
	SAME(generation);
	SAME(name_len);
	SAME(scope);
	SAME(name);
#undef SAME
	EXPECT_GE(sizeof(extfuse_long_name_slot::name), static_cast<size_t>(EXTFUSE_NAME_MAX));
	// Array maps round values up to 8 bytes; the writer's stride must be the same.
	EXPECT_EQ(sizeof(extfuse_name_bucket) % 8, 0U);
	EXPECT_EQ(sizeof(extfuse_long_name_bucket) % 8, 0U);
	EXPECT_EQ(sizeof(extfuse_attr_bucket) % 8, 0U);
	EXPECT_EQ(sizeof(extfuse_data_bucket) % 8, 0U);
	EXPECT_EQ(sizeof(extfuse_open_bucket) % 8, 0U);
	EXPECT_EQ(sizeof(extfuse_object_bucket) % 8, 0U);
	EXPECT_EQ(sizeof(extfuse_dir_bucket) % 8, 0U);
	EXPECT_EQ(sizeof(extfuse_names_bucket) % 8, 0U);
}

// What an object slot holds besides text fits in, and is aligned for it.
TEST(AbiLayoutSlots, ObjectsHoldTheirStructures)
{
	EXPECT_LE(sizeof(extfuse_statfs), sizeof(extfuse_object_slot::data));
	EXPECT_EQ(offsetof(extfuse_object_slot, data) % 8, 0U);
	// The longest entry of a directory.
	EXPECT_LE((offsetof(fuse_dirent, name) + EXTFUSE_NAME_MAX + 7) / 8 * 8,
		  sizeof(extfuse_dir_slot::data));
	EXPECT_EQ(sizeof(extfuse_statfs), sizeof(fuse_kstatfs));
#define SAME(field) EXPECT_EQ(offsetof(extfuse_statfs, field), offsetof(fuse_kstatfs, field))
	SAME(blocks);
	SAME(bfree);
	SAME(bavail);
	SAME(files);
	SAME(ffree);
	SAME(bsize);
	SAME(namelen);
	SAME(frsize);
#undef SAME
}

TEST(AbiLayoutSlots, AttributesAreThoseOfFuse)
{
	EXPECT_EQ(sizeof(extfuse_attr), sizeof(fuse_attr));
#define SAME(field) EXPECT_EQ(offsetof(extfuse_attr, field), offsetof(fuse_attr, field))
	SAME(ino);
	SAME(size);
	SAME(blocks);
	SAME(atime);
	SAME(mtime);
	SAME(ctime);
	SAME(atimensec);
	SAME(mtimensec);
	SAME(ctimensec);
	SAME(mode);
	SAME(nlink);
	SAME(uid);
	SAME(gid);
	SAME(rdev);
	SAME(blksize);
	SAME(flags);
#undef SAME
}

} // namespace
