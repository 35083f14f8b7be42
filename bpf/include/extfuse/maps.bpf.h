/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Maps and settings of the stock handler. libextfuse sizes the maps between
 * open and load, maps them, and fills them by plain stores.
 */
#ifndef EXTFUSE_MAPS_BPF_H
#define EXTFUSE_MAPS_BPF_H

#include <extfuse/slots.bpf.h>

#define EXTFUSE_BUCKET_MAP(map_name, bucket)                                                       \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_ARRAY);                                                  \
		__uint(map_flags, BPF_F_MMAPABLE);                                                 \
		__uint(max_entries, 1); /* set before load */                                      \
		__type(key, __u32);                                                                \
		__type(value, bucket);                                                             \
	} map_name SEC(".maps")

/* (parent, name) to node, names of at most EXTFUSE_NAME_INLINE bytes. */
EXTFUSE_BUCKET_MAP(ext_names, struct extfuse_name_bucket);
/* The same for longer names. */
EXTFUSE_BUCKET_MAP(ext_long_names, struct extfuse_long_name_bucket);
/* Node to attributes. */
EXTFUSE_BUCKET_MAP(ext_attrs, struct extfuse_attr_bucket);
/* (node, block index) to file data. */
EXTFUSE_BUCKET_MAP(ext_blocks, struct extfuse_data_bucket);
/* (node, kind, argument) to an answer of some bytes or a status. */
EXTFUSE_BUCKET_MAP(ext_objects, struct extfuse_object_bucket);
/* (node, offset) to a chunk of a directory. */
EXTFUSE_BUCKET_MAP(ext_dirs, struct extfuse_dir_bucket);
/* Directory to the set of all its names. */
EXTFUSE_BUCKET_MAP(ext_dir_names, struct extfuse_names_bucket);

/* Node to how it is opened and closed. */
EXTFUSE_BUCKET_MAP(ext_opens, struct extfuse_open_bucket);

/* Per CPU and operation: what became of the calls. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, EXTFUSE_OP_COUNT);
	__type(key, __u32);
	__type(value, struct extfuse_op_counters);
} ext_counters SEC(".maps");

/* Settings: constant from load on, so the verifier folds them. */
const volatile __u32 ext_name_mask = 0; /* buckets - 1 of each map */
const volatile __u32 ext_long_name_mask = 0;
const volatile __u32 ext_attr_mask = 0;
const volatile __u32 ext_block_mask = 0;
const volatile __u32 ext_object_mask = 0;
const volatile __u32 ext_dir_mask = 0;
const volatile __u32 ext_dir_names_mask = 0;
const volatile __u32 ext_open_mask = 0;
/* The policy, for replies without a mark; scopes: enum extfuse_scope */
const volatile __u32 ext_cache = EXTFUSE_CACHE_ANNOTATED; /* enum extfuse_policy */
const volatile __u32 ext_cache_names = 0; /* scope of what names mean */
const volatile __u32 ext_cache_attrs = 0; /* scope of attributes */
const volatile __u32 ext_cache_listings = 0; /* scope of what directories contain */
const volatile __u32 ext_cache_others = 0; /* scope of all but data, which is everybody's */
const volatile __u32 ext_cache_links = 0; /* 1: all names of a file have one node */
const volatile __u32 ext_cache_owner = 0; /* 1: only of what these ids were told */
const volatile __u32 ext_owner_uid = 0;
const volatile __u32 ext_owner_gid = 0;
const volatile __u64 ext_seed = 0; /* of the hashes of all but names and attributes */

/*
 * Switches, flipped by libextfuse while the handler runs, read once per call:
 * bit enum extfuse_op: the operation is on; and EXTFUSE_SWITCH_REMEMBER.
 */
#define EXTFUSE_SWITCH_REMEMBER (1U << 31)
SEC(".data")
volatile __u32 ext_switches = 0;

static __always_inline int extfuse_count_miss(__u32 op, enum extfuse_miss why)
{
	struct extfuse_op_counters *c = bpf_map_lookup_elem(&ext_counters, &op);

	if (c)
		c->miss[why & 7]++;
	return EXTFUSE_UPCALL;
}

static __always_inline int extfuse_count_error(__u32 op)
{
	struct extfuse_op_counters *c = bpf_map_lookup_elem(&ext_counters, &op);

	if (c)
		c->error++;
	return EXTFUSE_UPCALL;
}

/* Of a reply that was shown: these return what its program returns. */
static __always_inline int extfuse_count_unkept(__u32 op, enum extfuse_unkept why)
{
	struct extfuse_op_counters *c = bpf_map_lookup_elem(&ext_counters, &op);

	if (c)
		c->unkept[why & 7]++;
	return 0;
}

static __always_inline int extfuse_count_kept(__u32 op)
{
	struct extfuse_op_counters *c = bpf_map_lookup_elem(&ext_counters, &op);

	if (c)
		c->kept++;
	return 0;
}

static __always_inline int extfuse_count_hit(__u32 op, bool negative)
{
	struct extfuse_op_counters *c = bpf_map_lookup_elem(&ext_counters, &op);

	if (c) {
		c->hit++;
		if (negative)
			c->negative++;
	}
	return EXTFUSE_HIT;
}

/* out->flags of a slot's answer under the switches. */
static __always_inline __u32 extfuse_slot_flags(__u32 scope, __u32 switches)
{
	__u32 remember = 0;

	/* The driver ignores the bit in scopes that depend on the caller. */
	if (switches & EXTFUSE_SWITCH_REMEMBER)
		remember = EXTFUSE_OUT_REMEMBER;
	return extfuse_out_flags(scope, remember);
}

#endif /* EXTFUSE_MAPS_BPF_H */
