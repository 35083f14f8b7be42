// SPDX-License-Identifier: GPL-2.0-only
//
// What FUSE programs ask of mount(2), as extfuse-run reads it.
#include <gtest/gtest.h>

#include <sys/mount.h>

#include "mount_call.hpp"

using namespace extfuse_run;

namespace
{

using Words = std::vector<std::string>;

MountCall call_of(const std::string &type, unsigned long flags = 0)
{
	return {"source", "/mnt", type, flags, ""};
}

TEST(MountCallTest, KindIsTheTypes)
{
	EXPECT_EQ(kind_of(call_of("fuse")), Kind::fuse);
	EXPECT_EQ(kind_of(call_of("fuse.sshfs", MS_NOSUID)), Kind::fuse);
	EXPECT_EQ(kind_of(call_of("fuseblk.ntfs")), Kind::block);
	EXPECT_EQ(kind_of(call_of("fusectl")), Kind::other);
	EXPECT_EQ(kind_of(call_of("")), Kind::other);
	EXPECT_EQ(kind_of(call_of("tmpfs")), Kind::other);
	EXPECT_EQ(kind_of(call_of("fuse", MS_REMOUNT | MS_RDONLY)), Kind::other);
	EXPECT_EQ(kind_of(call_of("fuse", MS_BIND)), Kind::other);
}

TEST(MountCallTest, DataOfAMount)
{
	FuseData d;

	ASSERT_TRUE(parse_fuse_data("fd=7,rootmode=40000,user_id=1000,group_id=100,"
				    "allow_other,max_read=65536,",
				    d));
	EXPECT_EQ(d.fd, 7);
	EXPECT_EQ(d.user, 1000U);
	EXPECT_EQ(d.group, 100U);
	EXPECT_EQ(d.others, (Words{"allow_other", "max_read=65536"}));
}

TEST(MountCallTest, NoDescriptor)
{
	for (const char *data :
	     {"", "rootmode=40000", "fd=", "fd=x", "fd=7x", "fd=-2", "fd=99999999999", "fdx=7"}) {
		FuseData d;
		EXPECT_FALSE(parse_fuse_data(data, d)) << data;
	}
}

TEST(MountCallTest, OptionsForTheLibrary)
{
	MountCall call = call_of("fuse.s,x", MS_RDONLY | MS_NOSUID);
	FuseData d;

	call.source = "host:/a,b\\c";
	d.others = {"allow_other"};
	EXPECT_EQ(mount_options(call, d), (Words{"ro", "nosuid", "dev", "subtype=s\\,x",
						 "fsname=host:/a\\,b\\\\c", "allow_other"}));
	call = {"", "/mnt", "fuse", MS_NODEV | MS_NOATIME, ""};
	d.others.clear();
	EXPECT_EQ(mount_options(call, d), (Words{"suid", "nodev", "noatime"}));
}

} // namespace
