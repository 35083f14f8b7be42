/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/*
 * What <extfuse/abi.h> must look like, for every compiler that reads it: C, C++,
 * the BPF target, the kernel. All include this file and EXTFUSE_ABI_STATIC_CHECK
 * at file level; abi_layout_test.cpp also compares the BTF of the BPF object.
 *
 * A line here changes only together with EXTFUSE_ABI_VERSION.
 */
#ifndef EXTFUSE_TESTS_ABI_LAYOUT_H
#define EXTFUSE_TESTS_ABI_LAYOUT_H

/* clang-format off */
#define EXTFUSE_ABI_LAYOUT(SIZE, FIELD) \
	SIZE(extfuse_caller, 16) \
		FIELD(extfuse_caller, uid, 0) \
		FIELD(extfuse_caller, gid, 4) \
		FIELD(extfuse_caller, pid, 8) \
		FIELD(extfuse_caller, flags, 12) \
	SIZE(extfuse_lookup_in, 96) \
		FIELD(extfuse_lookup_in, caller, 0) \
		FIELD(extfuse_lookup_in, parent, 16) \
		FIELD(extfuse_lookup_in, hash, 24) \
		FIELD(extfuse_lookup_in, word, 32) \
		FIELD(extfuse_lookup_in, nodeid, 40) \
		FIELD(extfuse_lookup_in, op, 48) \
		FIELD(extfuse_lookup_in, flags, 52) \
		FIELD(extfuse_lookup_in, name_len, 56) \
		FIELD(extfuse_lookup_in, reserved, 60) \
		FIELD(extfuse_lookup_in, name, 64) \
	SIZE(extfuse_getattr_in, 56) \
		FIELD(extfuse_getattr_in, caller, 0) \
		FIELD(extfuse_getattr_in, nodeid, 16) \
		FIELD(extfuse_getattr_in, word, 24) \
		FIELD(extfuse_getattr_in, hash, 32) \
		FIELD(extfuse_getattr_in, held, 40) \
		FIELD(extfuse_getattr_in, op, 48) \
		FIELD(extfuse_getattr_in, flags, 52) \
	SIZE(extfuse_read_in, 56) \
		FIELD(extfuse_read_in, caller, 0) \
		FIELD(extfuse_read_in, nodeid, 16) \
		FIELD(extfuse_read_in, word, 24) \
		FIELD(extfuse_read_in, offset, 32) \
		FIELD(extfuse_read_in, size, 40) \
		FIELD(extfuse_read_in, op, 44) \
		FIELD(extfuse_read_in, flags, 48) \
		FIELD(extfuse_read_in, reserved, 52) \
	SIZE(extfuse_open_in, 56) \
		FIELD(extfuse_open_in, caller, 0) \
		FIELD(extfuse_open_in, nodeid, 16) \
		FIELD(extfuse_open_in, word, 24) \
		FIELD(extfuse_open_in, hash, 32) \
		FIELD(extfuse_open_in, file_flags, 40) \
		FIELD(extfuse_open_in, op, 44) \
		FIELD(extfuse_open_in, flags, 48) \
		FIELD(extfuse_open_in, reserved, 52) \
	SIZE(extfuse_open_out, 16) \
		FIELD(extfuse_open_out, word, 0) \
		FIELD(extfuse_open_out, flags, 8) \
		FIELD(extfuse_open_out, open_flags, 12) \
	SIZE(extfuse_close_in, 48) \
		FIELD(extfuse_close_in, caller, 0) \
		FIELD(extfuse_close_in, nodeid, 16) \
		FIELD(extfuse_close_in, word, 24) \
		FIELD(extfuse_close_in, hash, 32) \
		FIELD(extfuse_close_in, file_flags, 40) \
		FIELD(extfuse_close_in, op, 44) \
	SIZE(extfuse_close_out, 16) \
		FIELD(extfuse_close_out, word, 0) \
		FIELD(extfuse_close_out, flags, 8) \
		FIELD(extfuse_close_out, reserved, 12) \
	SIZE(extfuse_open_slot, 32) \
		FIELD(extfuse_open_slot, seq, 0) \
		FIELD(extfuse_open_slot, scope, 4) \
		FIELD(extfuse_open_slot, reserved, 5) \
		FIELD(extfuse_open_slot, flags, 6) \
		FIELD(extfuse_open_slot, nodeid, 8) \
		FIELD(extfuse_open_slot, word, 16) \
		FIELD(extfuse_open_slot, caller, 24) \
	SIZE(extfuse_open_bucket, 128) \
		FIELD(extfuse_open_bucket, slot, 0) \
	SIZE(extfuse_backing, 32) \
		FIELD(extfuse_backing, size, 0) \
		FIELD(extfuse_backing, fd, 4) \
		FIELD(extfuse_backing, nodeid, 8) \
		FIELD(extfuse_backing, behind, 16) \
		FIELD(extfuse_backing, limit, 24) \
		FIELD(extfuse_backing, flags, 28) \
	SIZE(extfuse_declare, 8) \
		FIELD(extfuse_declare, size, 0) \
		FIELD(extfuse_declare, flags, 4) \
	SIZE(extfuse_lookup_out, 32) \
		FIELD(extfuse_lookup_out, word, 0) \
		FIELD(extfuse_lookup_out, nodeid, 8) \
		FIELD(extfuse_lookup_out, behind, 16) \
		FIELD(extfuse_lookup_out, generation, 24) \
		FIELD(extfuse_lookup_out, flags, 28) \
	SIZE(extfuse_attr, 88) \
		FIELD(extfuse_attr, ino, 0) \
		FIELD(extfuse_attr, size, 8) \
		FIELD(extfuse_attr, blocks, 16) \
		FIELD(extfuse_attr, atime, 24) \
		FIELD(extfuse_attr, mtime, 32) \
		FIELD(extfuse_attr, ctime, 40) \
		FIELD(extfuse_attr, atimensec, 48) \
		FIELD(extfuse_attr, mtimensec, 52) \
		FIELD(extfuse_attr, ctimensec, 56) \
		FIELD(extfuse_attr, mode, 60) \
		FIELD(extfuse_attr, nlink, 64) \
		FIELD(extfuse_attr, uid, 68) \
		FIELD(extfuse_attr, gid, 72) \
		FIELD(extfuse_attr, rdev, 76) \
		FIELD(extfuse_attr, blksize, 80) \
		FIELD(extfuse_attr, flags, 84) \
	SIZE(extfuse_getattr_out, 104) \
		FIELD(extfuse_getattr_out, word, 0) \
		FIELD(extfuse_getattr_out, flags, 8) \
		FIELD(extfuse_getattr_out, reserved, 12) \
		FIELD(extfuse_getattr_out, attr, 16) \
	SIZE(extfuse_read_out, 16) \
		FIELD(extfuse_read_out, word, 0) \
		FIELD(extfuse_read_out, size, 8) \
		FIELD(extfuse_read_out, flags, 12) \
	SIZE(extfuse_getxattr_in, 96) \
		FIELD(extfuse_getxattr_in, caller, 0) \
		FIELD(extfuse_getxattr_in, nodeid, 16) \
		FIELD(extfuse_getxattr_in, word, 24) \
		FIELD(extfuse_getxattr_in, xattr_word, 32) \
		FIELD(extfuse_getxattr_in, hash, 40) \
		FIELD(extfuse_getxattr_in, size, 48) \
		FIELD(extfuse_getxattr_in, op, 52) \
		FIELD(extfuse_getxattr_in, flags, 56) \
		FIELD(extfuse_getxattr_in, name_len, 60) \
		FIELD(extfuse_getxattr_in, name, 64) \
	SIZE(extfuse_bytes_in, 56) \
		FIELD(extfuse_bytes_in, caller, 0) \
		FIELD(extfuse_bytes_in, nodeid, 16) \
		FIELD(extfuse_bytes_in, word, 24) \
		FIELD(extfuse_bytes_in, offset, 32) \
		FIELD(extfuse_bytes_in, size, 40) \
		FIELD(extfuse_bytes_in, op, 44) \
		FIELD(extfuse_bytes_in, flags, 48) \
		FIELD(extfuse_bytes_in, reserved, 52) \
	SIZE(extfuse_statfs_in, 40) \
		FIELD(extfuse_statfs_in, caller, 0) \
		FIELD(extfuse_statfs_in, nodeid, 16) \
		FIELD(extfuse_statfs_in, word, 24) \
		FIELD(extfuse_statfs_in, op, 32) \
		FIELD(extfuse_statfs_in, flags, 36) \
	SIZE(extfuse_access_in, 48) \
		FIELD(extfuse_access_in, caller, 0) \
		FIELD(extfuse_access_in, nodeid, 16) \
		FIELD(extfuse_access_in, word, 24) \
		FIELD(extfuse_access_in, mask, 32) \
		FIELD(extfuse_access_in, op, 36) \
		FIELD(extfuse_access_in, flags, 40) \
		FIELD(extfuse_access_in, reserved, 44) \
	SIZE(extfuse_lseek_in, 56) \
		FIELD(extfuse_lseek_in, caller, 0) \
		FIELD(extfuse_lseek_in, nodeid, 16) \
		FIELD(extfuse_lseek_in, word, 24) \
		FIELD(extfuse_lseek_in, offset, 32) \
		FIELD(extfuse_lseek_in, whence, 40) \
		FIELD(extfuse_lseek_in, op, 44) \
		FIELD(extfuse_lseek_in, flags, 48) \
		FIELD(extfuse_lseek_in, reserved, 52) \
	SIZE(extfuse_bytes_out, 16) \
		FIELD(extfuse_bytes_out, word, 0) \
		FIELD(extfuse_bytes_out, size, 8) \
		FIELD(extfuse_bytes_out, flags, 12) \
	SIZE(extfuse_statfs, 80) \
		FIELD(extfuse_statfs, blocks, 0) \
		FIELD(extfuse_statfs, bfree, 8) \
		FIELD(extfuse_statfs, bavail, 16) \
		FIELD(extfuse_statfs, files, 24) \
		FIELD(extfuse_statfs, ffree, 32) \
		FIELD(extfuse_statfs, bsize, 40) \
		FIELD(extfuse_statfs, namelen, 44) \
		FIELD(extfuse_statfs, frsize, 48) \
		FIELD(extfuse_statfs, padding, 52) \
		FIELD(extfuse_statfs, spare, 56) \
	SIZE(extfuse_statfs_out, 96) \
		FIELD(extfuse_statfs_out, word, 0) \
		FIELD(extfuse_statfs_out, flags, 8) \
		FIELD(extfuse_statfs_out, reserved, 12) \
		FIELD(extfuse_statfs_out, st, 16) \
	SIZE(extfuse_access_out, 16) \
		FIELD(extfuse_access_out, word, 0) \
		FIELD(extfuse_access_out, error, 8) \
		FIELD(extfuse_access_out, flags, 12) \
	SIZE(extfuse_lseek_out, 24) \
		FIELD(extfuse_lseek_out, word, 0) \
		FIELD(extfuse_lseek_out, offset, 8) \
		FIELD(extfuse_lseek_out, flags, 16) \
		FIELD(extfuse_lseek_out, reserved, 20) \
	SIZE(extfuse_words_header, 320) \
		FIELD(extfuse_words_header, magic, 0) \
		FIELD(extfuse_words_header, abi_version, 8) \
		FIELD(extfuse_words_header, reserved0, 12) \
		FIELD(extfuse_words_header, bytes, 16) \
		FIELD(extfuse_words_header, seed, 24) \
		FIELD(extfuse_words_header, node_offset, 32) \
		FIELD(extfuse_words_header, name_offset, 40) \
		FIELD(extfuse_words_header, behind_offset, 48) \
		FIELD(extfuse_words_header, node_count, 56) \
		FIELD(extfuse_words_header, name_count, 60) \
		FIELD(extfuse_words_header, behind_count, 64) \
		FIELD(extfuse_words_header, data_count, 68) \
		FIELD(extfuse_words_header, data_offset, 72) \
		FIELD(extfuse_words_header, xattr_offset, 80) \
		FIELD(extfuse_words_header, xattr_count, 88) \
		FIELD(extfuse_words_header, marks_count, 92) \
		FIELD(extfuse_words_header, marks_offset, 96) \
		FIELD(extfuse_words_header, reserved2, 104) \
		FIELD(extfuse_words_header, mount_word, 128) \
		FIELD(extfuse_words_header, reserved3, 136) \
		FIELD(extfuse_words_header, mount_data_word, 192) \
		FIELD(extfuse_words_header, reserved4, 200) \
		FIELD(extfuse_words_header, changes, 256) \
		FIELD(extfuse_words_header, change_word, 264) \
		FIELD(extfuse_words_header, reserved5, 272) \
	SIZE(extfuse_name_slot, 88) \
		FIELD(extfuse_name_slot, seq, 0) \
		FIELD(extfuse_name_slot, tag, 4) \
		FIELD(extfuse_name_slot, parent, 8) \
		FIELD(extfuse_name_slot, word, 16) \
		FIELD(extfuse_name_slot, nodeid, 24) \
		FIELD(extfuse_name_slot, behind, 32) \
		FIELD(extfuse_name_slot, caller, 40) \
		FIELD(extfuse_name_slot, generation, 48) \
		FIELD(extfuse_name_slot, name_len, 52) \
		FIELD(extfuse_name_slot, scope, 53) \
		FIELD(extfuse_name_slot, reserved, 54) \
		FIELD(extfuse_name_slot, name, 56) \
	SIZE(extfuse_long_name_slot, 312) \
		FIELD(extfuse_long_name_slot, seq, 0) \
		FIELD(extfuse_long_name_slot, tag, 4) \
		FIELD(extfuse_long_name_slot, parent, 8) \
		FIELD(extfuse_long_name_slot, word, 16) \
		FIELD(extfuse_long_name_slot, nodeid, 24) \
		FIELD(extfuse_long_name_slot, behind, 32) \
		FIELD(extfuse_long_name_slot, caller, 40) \
		FIELD(extfuse_long_name_slot, generation, 48) \
		FIELD(extfuse_long_name_slot, name_len, 52) \
		FIELD(extfuse_long_name_slot, scope, 53) \
		FIELD(extfuse_long_name_slot, reserved, 54) \
		FIELD(extfuse_long_name_slot, name, 56) \
	SIZE(extfuse_attr_slot, 128) \
		FIELD(extfuse_attr_slot, seq, 0) \
		FIELD(extfuse_attr_slot, scope, 4) \
		FIELD(extfuse_attr_slot, reserved, 5) \
		FIELD(extfuse_attr_slot, nodeid, 8) \
		FIELD(extfuse_attr_slot, word, 16) \
		FIELD(extfuse_attr_slot, caller, 24) \
		FIELD(extfuse_attr_slot, attr, 32) \
		FIELD(extfuse_attr_slot, expires, 120) \
	SIZE(extfuse_data_slot, 4160) \
		FIELD(extfuse_data_slot, seq, 0) \
		FIELD(extfuse_data_slot, len, 4) \
		FIELD(extfuse_data_slot, nodeid, 8) \
		FIELD(extfuse_data_slot, word, 16) \
		FIELD(extfuse_data_slot, index, 24) \
		FIELD(extfuse_data_slot, size, 32) \
		FIELD(extfuse_data_slot, caller, 40) \
		FIELD(extfuse_data_slot, scope, 48) \
		FIELD(extfuse_data_slot, reserved, 49) \
		FIELD(extfuse_data_slot, data, 64) \
	SIZE(extfuse_name_bucket, 352) \
		FIELD(extfuse_name_bucket, slot, 0) \
	SIZE(extfuse_long_name_bucket, 1248) \
		FIELD(extfuse_long_name_bucket, slot, 0) \
	SIZE(extfuse_attr_bucket, 512) \
		FIELD(extfuse_attr_bucket, slot, 0) \
	SIZE(extfuse_data_bucket, 16640) \
		FIELD(extfuse_data_bucket, slot, 0) \
	SIZE(extfuse_object_slot, 336) \
		FIELD(extfuse_object_slot, seq, 0) \
		FIELD(extfuse_object_slot, len, 4) \
		FIELD(extfuse_object_slot, kind, 6) \
		FIELD(extfuse_object_slot, scope, 7) \
		FIELD(extfuse_object_slot, nodeid, 8) \
		FIELD(extfuse_object_slot, word, 16) \
		FIELD(extfuse_object_slot, caller, 24) \
		FIELD(extfuse_object_slot, arg, 32) \
		FIELD(extfuse_object_slot, flags, 40) \
		FIELD(extfuse_object_slot, name_len, 44) \
		FIELD(extfuse_object_slot, name, 48) \
		FIELD(extfuse_object_slot, data, 80) \
	SIZE(extfuse_object_bucket, 1344) \
		FIELD(extfuse_object_bucket, slot, 0) \
	SIZE(extfuse_dir_slot, 1024) \
		FIELD(extfuse_dir_slot, seq, 0) \
		FIELD(extfuse_dir_slot, len, 4) \
		FIELD(extfuse_dir_slot, last, 6) \
		FIELD(extfuse_dir_slot, scope, 7) \
		FIELD(extfuse_dir_slot, nodeid, 8) \
		FIELD(extfuse_dir_slot, word, 16) \
		FIELD(extfuse_dir_slot, caller, 24) \
		FIELD(extfuse_dir_slot, start, 32) \
		FIELD(extfuse_dir_slot, next, 40) \
		FIELD(extfuse_dir_slot, data, 48) \
	SIZE(extfuse_dir_bucket, 4096) \
		FIELD(extfuse_dir_bucket, slot, 0) \
	SIZE(extfuse_names_slot, 1056) \
		FIELD(extfuse_names_slot, seq, 0) \
		FIELD(extfuse_names_slot, scope, 4) \
		FIELD(extfuse_names_slot, reserved, 5) \
		FIELD(extfuse_names_slot, nodeid, 8) \
		FIELD(extfuse_names_slot, word, 16) \
		FIELD(extfuse_names_slot, caller, 24) \
		FIELD(extfuse_names_slot, bits, 32) \
	SIZE(extfuse_names_bucket, 4224) \
		FIELD(extfuse_names_bucket, slot, 0) \
	SIZE(extfuse_op_counters, 160) \
		FIELD(extfuse_op_counters, hit, 0) \
		FIELD(extfuse_op_counters, negative, 8) \
		FIELD(extfuse_op_counters, error, 16) \
		FIELD(extfuse_op_counters, kept, 24) \
		FIELD(extfuse_op_counters, miss, 32) \
		FIELD(extfuse_op_counters, unkept, 96) \
	SIZE(extfuse_write_in, 72) \
		FIELD(extfuse_write_in, caller, 0) \
		FIELD(extfuse_write_in, nodeid, 16) \
		FIELD(extfuse_write_in, word, 24) \
		FIELD(extfuse_write_in, hash, 32) \
		FIELD(extfuse_write_in, offset, 40) \
		FIELD(extfuse_write_in, size, 48) \
		FIELD(extfuse_write_in, file_flags, 56) \
		FIELD(extfuse_write_in, op, 60) \
		FIELD(extfuse_write_in, flags, 64) \
		FIELD(extfuse_write_in, mode, 68) \
	SIZE(extfuse_setattr_in, 112) \
		FIELD(extfuse_setattr_in, caller, 0) \
		FIELD(extfuse_setattr_in, nodeid, 16) \
		FIELD(extfuse_setattr_in, word, 24) \
		FIELD(extfuse_setattr_in, hash, 32) \
		FIELD(extfuse_setattr_in, size, 40) \
		FIELD(extfuse_setattr_in, atime, 48) \
		FIELD(extfuse_setattr_in, mtime, 56) \
		FIELD(extfuse_setattr_in, ctime, 64) \
		FIELD(extfuse_setattr_in, atimensec, 72) \
		FIELD(extfuse_setattr_in, mtimensec, 76) \
		FIELD(extfuse_setattr_in, ctimensec, 80) \
		FIELD(extfuse_setattr_in, mode, 84) \
		FIELD(extfuse_setattr_in, uid, 88) \
		FIELD(extfuse_setattr_in, gid, 92) \
		FIELD(extfuse_setattr_in, valid, 96) \
		FIELD(extfuse_setattr_in, op, 100) \
		FIELD(extfuse_setattr_in, flags, 104) \
		FIELD(extfuse_setattr_in, reserved, 108) \
	SIZE(extfuse_create_in, 120) \
		FIELD(extfuse_create_in, entry, 0) \
		FIELD(extfuse_create_in, kind, 96) \
		FIELD(extfuse_create_in, mode, 100) \
		FIELD(extfuse_create_in, umask, 104) \
		FIELD(extfuse_create_in, rdev, 108) \
		FIELD(extfuse_create_in, file_flags, 112) \
		FIELD(extfuse_create_in, reserved, 116) \
	SIZE(extfuse_change_out, 8) \
		FIELD(extfuse_change_out, flags, 0) \
		FIELD(extfuse_change_out, reserved, 4) \
	SIZE(extfuse_op_stats, 128) \
		FIELD(extfuse_op_stats, warm, 0) \
		FIELD(extfuse_op_stats, hit, 8) \
		FIELD(extfuse_op_stats, error, 16) \
		FIELD(extfuse_op_stats, upcall, 24) \
		FIELD(extfuse_op_stats, stale, 32) \
		FIELD(extfuse_op_stats, dead, 40) \
		FIELD(extfuse_op_stats, scope, 48) \
		FIELD(extfuse_op_stats, invalid, 56) \
		FIELD(extfuse_op_stats, sent, 64) \
		FIELD(extfuse_op_stats, reply, 72) \
		FIELD(extfuse_op_stats, reply_stale, 80) \
		FIELD(extfuse_op_stats, reply_invalid, 88) \
		FIELD(extfuse_op_stats, reserved, 96) \
	SIZE(extfuse_reply_entry_in, 136) \
		FIELD(extfuse_reply_entry_in, lookup, 0) \
		FIELD(extfuse_reply_entry_in, nodeid, 96) \
		FIELD(extfuse_reply_entry_in, behind, 104) \
		FIELD(extfuse_reply_entry_in, valid, 112) \
		FIELD(extfuse_reply_entry_in, valid_nsec, 120) \
		FIELD(extfuse_reply_entry_in, generation, 124) \
		FIELD(extfuse_reply_entry_in, opcode, 128) \
		FIELD(extfuse_reply_entry_in, mark, 132) \
	SIZE(extfuse_reply_attr_in, 152) \
		FIELD(extfuse_reply_attr_in, caller, 0) \
		FIELD(extfuse_reply_attr_in, nodeid, 16) \
		FIELD(extfuse_reply_attr_in, word, 24) \
		FIELD(extfuse_reply_attr_in, hash, 32) \
		FIELD(extfuse_reply_attr_in, valid, 40) \
		FIELD(extfuse_reply_attr_in, valid_nsec, 48) \
		FIELD(extfuse_reply_attr_in, opcode, 52) \
		FIELD(extfuse_reply_attr_in, mark, 56) \
		FIELD(extfuse_reply_attr_in, flags, 60) \
		FIELD(extfuse_reply_attr_in, attr, 64) \
	SIZE(extfuse_reply_bytes_in, 112) \
		FIELD(extfuse_reply_bytes_in, caller, 0) \
		FIELD(extfuse_reply_bytes_in, nodeid, 16) \
		FIELD(extfuse_reply_bytes_in, word, 24) \
		FIELD(extfuse_reply_bytes_in, xattr_word, 32) \
		FIELD(extfuse_reply_bytes_in, arg, 40) \
		FIELD(extfuse_reply_bytes_in, hash, 48) \
		FIELD(extfuse_reply_bytes_in, op, 56) \
		FIELD(extfuse_reply_bytes_in, error, 60) \
		FIELD(extfuse_reply_bytes_in, size, 64) \
		FIELD(extfuse_reply_bytes_in, mark, 68) \
		FIELD(extfuse_reply_bytes_in, reserved, 72) \
		FIELD(extfuse_reply_bytes_in, name_len, 76) \
		FIELD(extfuse_reply_bytes_in, name, 80) \
	SIZE(extfuse_reply_read_in, 80) \
		FIELD(extfuse_reply_read_in, caller, 0) \
		FIELD(extfuse_reply_read_in, nodeid, 16) \
		FIELD(extfuse_reply_read_in, word, 24) \
		FIELD(extfuse_reply_read_in, hash, 32) \
		FIELD(extfuse_reply_read_in, before, 40) \
		FIELD(extfuse_reply_read_in, offset, 48) \
		FIELD(extfuse_reply_read_in, file_size, 56) \
		FIELD(extfuse_reply_read_in, size, 64) \
		FIELD(extfuse_reply_read_in, mark, 68) \
		FIELD(extfuse_reply_read_in, flags, 72) \
		FIELD(extfuse_reply_read_in, reserved, 76) \
	SIZE(extfuse_reply_open_in, 56) \
		FIELD(extfuse_reply_open_in, caller, 0) \
		FIELD(extfuse_reply_open_in, nodeid, 16) \
		FIELD(extfuse_reply_open_in, word, 24) \
		FIELD(extfuse_reply_open_in, hash, 32) \
		FIELD(extfuse_reply_open_in, file_flags, 40) \
		FIELD(extfuse_reply_open_in, open_flags, 44) \
		FIELD(extfuse_reply_open_in, op, 48) \
		FIELD(extfuse_reply_open_in, mark, 52) \
	SIZE(extfuse_reply_dirents_in, 48) \
		FIELD(extfuse_reply_dirents_in, caller, 0) \
		FIELD(extfuse_reply_dirents_in, nodeid, 16) \
		FIELD(extfuse_reply_dirents_in, word, 24) \
		FIELD(extfuse_reply_dirents_in, hash, 32) \
		FIELD(extfuse_reply_dirents_in, size, 40) \
		FIELD(extfuse_reply_dirents_in, flags, 44) \
	SIZE(extfuse_stats, 2368) \
		FIELD(extfuse_stats, abi_version, 0) \
		FIELD(extfuse_stats, size, 4) \
		FIELD(extfuse_stats, sent_total, 8) \
		FIELD(extfuse_stats, opened_late, 16) \
		FIELD(extfuse_stats, backing_files, 24) \
		FIELD(extfuse_stats, backing_opens, 32) \
		FIELD(extfuse_stats, reserved, 40) \
		FIELD(extfuse_stats, op, 64) \
	SIZE(extfuse_bind, 16) \
		FIELD(extfuse_bind, size, 0) \
		FIELD(extfuse_bind, link_fd, 4) \
		FIELD(extfuse_bind, flags, 8)
/* clang-format on */

#ifdef __cplusplus
#define EXTFUSE_ABI_ASSERT(condition, text) static_assert(condition, text);
#else
#define EXTFUSE_ABI_ASSERT(condition, text) _Static_assert(condition, text);
#endif

#define EXTFUSE_ABI_CHECK_SIZE(type, bytes)                                                        \
	EXTFUSE_ABI_ASSERT(sizeof(struct type) == (bytes), "size of struct " #type)
#define EXTFUSE_ABI_CHECK_FIELD(type, field, offset)                                               \
	EXTFUSE_ABI_ASSERT(__builtin_offsetof(struct type, field) == (offset),                     \
			   "offset of " #type "." #field)

#define EXTFUSE_ABI_STATIC_CHECK EXTFUSE_ABI_LAYOUT(EXTFUSE_ABI_CHECK_SIZE, EXTFUSE_ABI_CHECK_FIELD)

#endif /* EXTFUSE_TESTS_ABI_LAYOUT_H */
