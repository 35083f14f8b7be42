// SPDX-License-Identifier: GPL-2.0-only
/* A handler that answers nothing, and writes down what replies it is shown. */
#include <extfuse/handler.bpf.h>

#include "witness.h"

SEC(".data")
struct witness_account account = {};

SEC("struct_ops/reply_entry")
int BPF_PROG(reply_entry, const struct extfuse_reply_entry_in *in)
{
	account.entries++;
	account.parent = in->lookup.parent;
	account.nodeid = in->nodeid;
	account.valid = in->valid;
	account.valid_nsec = in->valid_nsec;
	account.opcode = in->opcode;
	account.mark = in->mark;
	if (bpf_ksym_exists(extfuse_name_copy))
		account.name_len =
			extfuse_name_copy(&in->lookup, account.name, sizeof(account.name));
	return 0;
}

SEC("struct_ops/reply_attr")
int BPF_PROG(reply_attr, const struct extfuse_reply_attr_in *in)
{
	account.attrs++;
	account.attr_node = in->nodeid;
	account.attr_valid = in->valid;
	account.attr_size = in->attr.size;
	account.attr_opcode = in->opcode;
	account.attr_flags = in->flags;
	return 0;
}

SEC("struct_ops/reply_bytes")
int BPF_PROG(reply_bytes, const struct extfuse_reply_bytes_in *in)
{
	account.bytes++;
	account.op = in->op;
	account.error = in->error;
	account.size = in->size;
	if (bpf_ksym_exists(extfuse_reply_bytes))
		account.copied = extfuse_reply_bytes(in, account.data, sizeof(account.data));
	return 0;
}

SEC("struct_ops/reply_read")
int BPF_PROG(reply_read, const struct extfuse_reply_read_in *in)
{
	account.reads++;
	account.offset = in->offset;
	account.file_size = in->file_size;
	account.read_size = in->size;
	account.read_flags = in->flags;
	account.uid = in->caller.uid;
	if (bpf_ksym_exists(extfuse_reply_read))
		account.read_copied = extfuse_reply_read(in, account.read_data,
							 sizeof(account.read_data), in->offset);
	return 0;
}

/* So that listings are shown, also entry by entry. */
SEC("struct_ops/reply_dirents")
int BPF_PROG(reply_dirents, const struct extfuse_reply_dirents_in *in)
{
	account.listings++;
	return 0;
}

EXTFUSE_OPS(witness, .reply_entry = (void *)reply_entry, .reply_attr = (void *)reply_attr,
	    .reply_bytes = (void *)reply_bytes, .reply_read = (void *)reply_read,
	    .reply_dirents = (void *)reply_dirents);

SEC("license")
char LICENSE[] = "GPL";
