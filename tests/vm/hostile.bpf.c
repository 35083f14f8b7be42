// SPDX-License-Identifier: GPL-2.0-only
/*
 * A handler that answers what it is told, right or wrong: the driver must not be
 * hurt by it, and nobody may get a wrong answer but from a value that is valid.
 */
#include <extfuse/handler.bpf.h>

#include "hostile.h"

struct hostile_orders orders = {};
__u8 block[EXTFUSE_BLOCK_SIZE] = {};

SEC("struct_ops/lookup")
int BPF_PROG(lookup, const struct extfuse_lookup_in *in, struct extfuse_lookup_out *out)
{
	if (!orders.lookup_on || in->name[0] != orders.name)
		return EXTFUSE_UPCALL;
	out->word = in->word + orders.lookup_word_add;
	out->nodeid = orders.lookup_nodeid;
	out->behind = orders.lookup_behind;
	out->generation = orders.lookup_generation;
	out->flags = orders.lookup_flags;
	__sync_fetch_and_add(&orders.calls, 1);
	return orders.lookup_ret;
}

static long still_waiting(__u32 i, __u64 *deadline)
{
	return *(volatile __u32 *)&orders.attr_wait != HOSTILE_WAIT_THERE ||
	       bpf_ktime_get_ns() > *deadline;
}

static __always_inline void wait_for_the_test(void)
{
	__u64 deadline = bpf_ktime_get_ns() + HOSTILE_WAIT_NS;

	orders.attr_wait = HOSTILE_WAIT_THERE;
	bpf_loop(1 << 23, still_waiting, &deadline, 0);
	__sync_val_compare_and_swap(&orders.attr_wait, HOSTILE_WAIT_THERE, HOSTILE_WAIT_OVER);
}

SEC("struct_ops/getattr")
int BPF_PROG(getattr, const struct extfuse_getattr_in *in, struct extfuse_getattr_out *out)
{
	if (!orders.attr_on || in->nodeid != orders.attr_node)
		return EXTFUSE_UPCALL;
	if (orders.attr_wait == HOSTILE_WAIT_ARMED)
		wait_for_the_test();
	out->word = in->word + orders.attr_word_add;
	out->attr = orders.attr;
	out->flags = orders.attr_flags;
	__sync_fetch_and_add(&orders.calls, 1);
	return orders.attr_ret;
}

SEC("struct_ops/read")
int BPF_PROG(read, const struct extfuse_read_in *in, struct extfuse_read_out *out)
{
	if (!orders.read_on || in->nodeid != orders.read_node)
		return EXTFUSE_UPCALL;
	out->word = in->word + orders.read_word_add;
	if (orders.fill_len)
		orders.fill_result = extfuse_read_fill(out, block, sizeof(block), orders.fill_pos,
						       orders.fill_len);
	if (orders.fill_twice)
		extfuse_read_fill(out, block, sizeof(block), orders.fill_pos, orders.fill_len);
	out->size = orders.read_size;
	out->flags = orders.read_flags;
	__sync_fetch_and_add(&orders.calls, 1);
	return orders.read_ret;
}

SEC("struct_ops/open")
int BPF_PROG(open, const struct extfuse_open_in *in, struct extfuse_open_out *out)
{
	if (!orders.open_on || in->nodeid != orders.open_node)
		return EXTFUSE_UPCALL;
	out->word = in->word + orders.open_word_add;
	out->open_flags = orders.open_file;
	out->flags = orders.open_flags;
	__sync_fetch_and_add(&orders.calls, 1);
	return orders.open_ret;
}

static __always_inline int close_it(const struct extfuse_close_in *in,
				    struct extfuse_close_out *out)
{
	if (!orders.close_on || in->nodeid != orders.open_node)
		return EXTFUSE_UPCALL;
	out->word = in->word + orders.close_word_add;
	out->flags = orders.close_flags;
	__sync_fetch_and_add(&orders.calls, 1);
	return orders.close_ret;
}

SEC("struct_ops/flush")
int BPF_PROG(flush, const struct extfuse_close_in *in, struct extfuse_close_out *out)
{
	return close_it(in, out);
}

SEC("struct_ops/release")
int BPF_PROG(release, const struct extfuse_close_in *in, struct extfuse_close_out *out)
{
	return close_it(in, out);
}

EXTFUSE_OPS(hostile, .lookup = (void *)lookup, .getattr = (void *)getattr, .read = (void *)read,
	    .open = (void *)open, .flush = (void *)flush, .release = (void *)release);

char LICENSE[] SEC("license")
= "GPL";
