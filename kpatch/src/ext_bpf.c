// SPDX-License-Identifier: GPL-2.0-only
/*
 * The struct_ops type, and what the verifier lets its programs do. This file and
 * ext_kfunc.c are the whole boundary between programs and the driver.
 */
#include "fuse_i.h"

#include <linux/bpf_verifier.h>
#include <linux/btf.h>
#include <linux/btf_ids.h>

#ifndef __CHECKER__ /* sparse does not know __has_include */
#if __has_include("extfuse/abi_layout.h")
#include <extfuse/abi_layout.h>
EXTFUSE_ABI_STATIC_CHECK
#endif
#endif

static int ext_stub_lookup(const struct extfuse_lookup_in *in, struct extfuse_lookup_out *out)
{
	return EXTFUSE_UPCALL;
}

static int ext_stub_getattr(const struct extfuse_getattr_in *in, struct extfuse_getattr_out *out)
{
	return EXTFUSE_UPCALL;
}

static int ext_stub_read(const struct extfuse_read_in *in, struct extfuse_read_out *out)
{
	return EXTFUSE_UPCALL;
}

static int ext_stub_getxattr(const struct extfuse_getxattr_in *in, struct extfuse_bytes_out *out)
{
	return EXTFUSE_UPCALL;
}

static int ext_stub_listxattr(const struct extfuse_bytes_in *in, struct extfuse_bytes_out *out)
{
	return EXTFUSE_UPCALL;
}

static int ext_stub_readlink(const struct extfuse_bytes_in *in, struct extfuse_bytes_out *out)
{
	return EXTFUSE_UPCALL;
}

static int ext_stub_statfs(const struct extfuse_statfs_in *in, struct extfuse_statfs_out *out)
{
	return EXTFUSE_UPCALL;
}

static int ext_stub_access(const struct extfuse_access_in *in, struct extfuse_access_out *out)
{
	return EXTFUSE_UPCALL;
}

static int ext_stub_lseek(const struct extfuse_lseek_in *in, struct extfuse_lseek_out *out)
{
	return EXTFUSE_UPCALL;
}

static int ext_stub_readdir(const struct extfuse_bytes_in *in, struct extfuse_bytes_out *out)
{
	return EXTFUSE_UPCALL;
}

static int ext_stub_open(const struct extfuse_open_in *in, struct extfuse_open_out *out)
{
	return EXTFUSE_UPCALL;
}

static int ext_stub_opendir(const struct extfuse_open_in *in, struct extfuse_open_out *out)
{
	return EXTFUSE_UPCALL;
}

static int ext_stub_flush(const struct extfuse_close_in *in, struct extfuse_close_out *out)
{
	return EXTFUSE_UPCALL;
}

static int ext_stub_release(const struct extfuse_close_in *in, struct extfuse_close_out *out)
{
	return EXTFUSE_UPCALL;
}

static int ext_stub_releasedir(const struct extfuse_close_in *in, struct extfuse_close_out *out)
{
	return EXTFUSE_UPCALL;
}

static int ext_stub_write(const struct extfuse_write_in *in, struct extfuse_change_out *out)
{
	return EXTFUSE_UPCALL;
}

static int ext_stub_setattr(const struct extfuse_setattr_in *in, struct extfuse_change_out *out)
{
	return EXTFUSE_UPCALL;
}

static int ext_stub_create(const struct extfuse_create_in *in, struct extfuse_change_out *out)
{
	return EXTFUSE_UPCALL;
}

static int ext_stub_reply_entry(const struct extfuse_reply_entry_in *in)
{
	return 0;
}

static int ext_stub_reply_attr(const struct extfuse_reply_attr_in *in)
{
	return 0;
}

static int ext_stub_reply_bytes(const struct extfuse_reply_bytes_in *in)
{
	return 0;
}

static int ext_stub_reply_read(const struct extfuse_reply_read_in *in)
{
	return 0;
}

static int ext_stub_reply_open(const struct extfuse_reply_open_in *in)
{
	return 0;
}

static int ext_stub_reply_dirents(const struct extfuse_reply_dirents_in *in)
{
	return 0;
}

static int ext_stub_dirent(const struct extfuse_lookup_in *in)
{
	return 0;
}

static struct extfuse_handler_ops ext_stubs = {
	.lookup = ext_stub_lookup,
	.getattr = ext_stub_getattr,
	.read = ext_stub_read,
	.getxattr = ext_stub_getxattr,
	.listxattr = ext_stub_listxattr,
	.readlink = ext_stub_readlink,
	.statfs = ext_stub_statfs,
	.access = ext_stub_access,
	.lseek = ext_stub_lseek,
	.readdir = ext_stub_readdir,
	.open = ext_stub_open,
	.opendir = ext_stub_opendir,
	.flush = ext_stub_flush,
	.release = ext_stub_release,
	.releasedir = ext_stub_releasedir,
	.write = ext_stub_write,
	.setattr = ext_stub_setattr,
	.create = ext_stub_create,
	.reply_entry = ext_stub_reply_entry,
	.reply_attr = ext_stub_reply_attr,
	.reply_bytes = ext_stub_reply_bytes,
	.reply_read = ext_stub_reply_read,
	.reply_open = ext_stub_reply_open,
	.reply_dirents = ext_stub_reply_dirents,
	.dirent = ext_stub_dirent,
};

/*
 * The only types a program may write through a pointer it was given, one per
 * operation: its result. Ids are those of the module's BTF as the kernel
 * renumbered it at load, so they are found by walking from the type of the
 * operation itself; a BTF_ID_LIST of this module would hold the old numbers.
 * 0: not seen yet. Only ever set to one value.
 */
static u32 ext_out_type[EXTFUSE_OP_COUNT];
static struct btf *ext_btf;

/* One row per member that is a program: its place, and the size of its result. */
static const struct {
	u32 moff;
	u32 out_size;
} ext_members[EXTFUSE_OP_COUNT] = {
	[EXTFUSE_OP_LOOKUP] = { offsetof(struct extfuse_handler_ops, lookup),
				sizeof(struct extfuse_lookup_out) },
	[EXTFUSE_OP_GETATTR] = { offsetof(struct extfuse_handler_ops, getattr),
				 sizeof(struct extfuse_getattr_out) },
	[EXTFUSE_OP_READ] = { offsetof(struct extfuse_handler_ops, read),
			      sizeof(struct extfuse_read_out) },
	[EXTFUSE_OP_GETXATTR] = { offsetof(struct extfuse_handler_ops, getxattr),
			     sizeof(struct extfuse_bytes_out) },
	[EXTFUSE_OP_LISTXATTR] = { offsetof(struct extfuse_handler_ops, listxattr),
			     sizeof(struct extfuse_bytes_out) },
	[EXTFUSE_OP_READLINK] = { offsetof(struct extfuse_handler_ops, readlink),
			     sizeof(struct extfuse_bytes_out) },
	[EXTFUSE_OP_STATFS] = { offsetof(struct extfuse_handler_ops, statfs),
			     sizeof(struct extfuse_statfs_out) },
	[EXTFUSE_OP_ACCESS] = { offsetof(struct extfuse_handler_ops, access),
			     sizeof(struct extfuse_access_out) },
	[EXTFUSE_OP_LSEEK] = { offsetof(struct extfuse_handler_ops, lseek),
			     sizeof(struct extfuse_lseek_out) },
	[EXTFUSE_OP_READDIR] = { offsetof(struct extfuse_handler_ops, readdir),
			     sizeof(struct extfuse_bytes_out) },
	[EXTFUSE_OP_OPEN] = { offsetof(struct extfuse_handler_ops, open),
			      sizeof(struct extfuse_open_out) },
	[EXTFUSE_OP_OPENDIR] = { offsetof(struct extfuse_handler_ops, opendir),
				 sizeof(struct extfuse_open_out) },
	[EXTFUSE_OP_FLUSH] = { offsetof(struct extfuse_handler_ops, flush),
			       sizeof(struct extfuse_close_out) },
	[EXTFUSE_OP_RELEASE] = { offsetof(struct extfuse_handler_ops, release),
				 sizeof(struct extfuse_close_out) },
	[EXTFUSE_OP_RELEASEDIR] = { offsetof(struct extfuse_handler_ops, releasedir),
				    sizeof(struct extfuse_close_out) },
	[EXTFUSE_OP_WRITE] = { offsetof(struct extfuse_handler_ops, write),
			       sizeof(struct extfuse_change_out) },
	[EXTFUSE_OP_SETATTR] = { offsetof(struct extfuse_handler_ops, setattr),
				 sizeof(struct extfuse_change_out) },
	[EXTFUSE_OP_CREATE] = { offsetof(struct extfuse_handler_ops, create),
				sizeof(struct extfuse_change_out) },
};

static int ext_bpf_init_type(struct btf *btf)
{
	ext_btf = btf;
	return 0;
}

static bool ext_btf_is_modifier(const struct btf_type *t)
{
	switch (BTF_INFO_KIND(t->info)) {
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_CONST:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_TYPE_TAG:
		return true;
	}
	return false;
}

static const struct btf_type *ext_btf_resolve(u32 id, u32 *res_id)
{
	const struct btf_type *t = btf_type_by_id(ext_btf, id);

	while (t && ext_btf_is_modifier(t)) {
		id = t->type;
		t = btf_type_by_id(ext_btf, id);
	}
	if (res_id)
		*res_id = id;
	return t;
}

/* The type id of what the second parameter of the member points to; 0: none */
static u32 ext_result_type(const struct btf_member *member)
{
	const struct btf_type *t = ext_btf_resolve(member->type, NULL);
	u32 id;

	if (!t || !btf_type_is_ptr(t))
		return 0;
	t = ext_btf_resolve(t->type, NULL);
	if (!t || !btf_type_is_func_proto(t) || btf_type_vlen(t) != 2)
		return 0;
	t = ext_btf_resolve(btf_params(t)[1].type, NULL);
	if (!t || !btf_type_is_ptr(t))
		return 0;
	t = ext_btf_resolve(t->type, &id);
	return t && btf_type_is_struct(t) ? id : 0;
}

static int ext_bpf_check_member(const struct btf_type *t, const struct btf_member *member,
				const struct bpf_prog *prog)
{
	u32 moff = __btf_member_bit_offset(t, member) / 8;
	u32 id;
	int op;

	/* The pointer to ops is protected by RCU alone. */
	if (prog->sleepable)
		return -EINVAL;

	switch (moff) {
	case offsetof(struct extfuse_handler_ops, reply_entry):
	case offsetof(struct extfuse_handler_ops, reply_attr):
	case offsetof(struct extfuse_handler_ops, reply_bytes):
	case offsetof(struct extfuse_handler_ops, reply_read):
	case offsetof(struct extfuse_handler_ops, reply_open):
	case offsetof(struct extfuse_handler_ops, reply_dirents):
	case offsetof(struct extfuse_handler_ops, dirent):
		/* They have no result, and write to their maps alone. */
		return 0;
	}
	for (op = 0; op < EXTFUSE_OP_COUNT; op++)
		if (ext_members[op].moff == moff)
			break;
	if (op == EXTFUSE_OP_COUNT)
		return -EINVAL;

	id = ext_result_type(member);
	if (!id || btf_type_by_id(ext_btf, id)->size != ext_members[op].out_size)
		return -EINVAL;
	WRITE_ONCE(ext_out_type[op], id);
	return 0;
}

#define EXT_HANDLER_FLAGS (EXTFUSE_HANDLER_ALL_REPLIES | EXTFUSE_HANDLER_LAZY_ATIME)

static int ext_bpf_init_member(const struct btf_type *t, const struct btf_member *member,
			       void *kdata, const void *udata)
{
	const struct extfuse_handler_ops *from = udata;
	struct extfuse_handler_ops *to = kdata;

	switch (__btf_member_bit_offset(t, member) / 8) {
	case offsetof(struct extfuse_handler_ops, abi_version):
		if (from->abi_version != EXTFUSE_ABI_VERSION) {
			pr_warn("handler was built for ABI version %u, this driver has %u\n",
				from->abi_version, EXTFUSE_ABI_VERSION);
			return -EPROTO;
		}
		to->abi_version = from->abi_version;
		return 1;
	case offsetof(struct extfuse_handler_ops, flags):
		to->flags = from->flags;
		return from->flags & ~EXT_HANDLER_FLAGS ? -EINVAL : 1;
	case offsetof(struct extfuse_handler_ops, name):
		if (strnlen(from->name, sizeof(from->name)) == sizeof(from->name))
			return -EINVAL;
		strscpy(to->name, from->name, sizeof(to->name));
		return 1;
	}
	return 0;
}

static int ext_bpf_reg(void *kdata, struct bpf_link *link)
{
	return ext_attach_register(kdata, link);
}

static void ext_bpf_unreg(void *kdata, struct bpf_link *link)
{
	ext_attach_unregister(link);
}

static int ext_bpf_update(void *kdata, void *old_kdata, struct bpf_link *link)
{
	return ext_attach_update(kdata, link);
}

/*
 * Helpers that a handler needs. Left out: what reads arbitrary memory, the
 * current task (its ids are the wrong ones, see struct extfuse_caller), timers,
 * tail calls and the trace pipe.
 */
static const struct bpf_func_proto *ext_bpf_func_proto(enum bpf_func_id id,
						       const struct bpf_prog *prog)
{
	switch (id) {
	case BPF_FUNC_map_lookup_elem:
	case BPF_FUNC_map_update_elem:
	case BPF_FUNC_map_delete_elem:
	case BPF_FUNC_map_lookup_percpu_elem:
	case BPF_FUNC_for_each_map_elem:
	case BPF_FUNC_loop:
	case BPF_FUNC_get_prandom_u32:
	case BPF_FUNC_get_smp_processor_id:
	case BPF_FUNC_get_numa_node_id:
	case BPF_FUNC_ktime_get_ns:
	case BPF_FUNC_ktime_get_boot_ns:
	case BPF_FUNC_ktime_get_coarse_ns:
	case BPF_FUNC_jiffies64:
	case BPF_FUNC_per_cpu_ptr:
	case BPF_FUNC_this_cpu_ptr:
	case BPF_FUNC_spin_lock:
	case BPF_FUNC_spin_unlock:
	case BPF_FUNC_ringbuf_output:
	case BPF_FUNC_ringbuf_reserve:
	case BPF_FUNC_ringbuf_submit:
	case BPF_FUNC_ringbuf_discard:
	case BPF_FUNC_ringbuf_query:
	case BPF_FUNC_dynptr_from_mem:
	case BPF_FUNC_dynptr_read:
	case BPF_FUNC_dynptr_write:
	case BPF_FUNC_dynptr_data:
	case BPF_FUNC_strncmp:
		return bpf_base_func_proto(id, prog);
	default:
		return NULL;
	}
}

/*
 * The verifier asks before a program writes through a pointer that is not its
 * own memory. Yes within the result of an operation, no everywhere else: the
 * inputs, and whatever kernel object a program gets hold of.
 */
static int ext_bpf_struct_access(struct bpf_verifier_log *log, const struct bpf_reg_state *reg,
				 int off, int size)
{
	int op;

	if (reg->btf == ext_btf && (reg->type & PTR_TRUSTED)) {
		for (op = 0; op < EXTFUSE_OP_COUNT; op++) {
			if (!reg->btf_id || READ_ONCE(ext_out_type[op]) != reg->btf_id)
				continue;
			if (off >= 0 && size > 0 &&
			    (u32)off + (u32)size <= ext_members[op].out_size)
				return 0;
			bpf_log(log, "extfuse: %d bytes at %d are outside the result (%u bytes)\n",
				size, off, ext_members[op].out_size);
			return -EACCES;
		}
	}
	bpf_log(log, "extfuse: only the result structure of an operation may be written\n");
	return -EACCES;
}

/*
 * The arguments, and nothing behind them: the number of a member may be that of an
 * attach type whose programs find a return value there.
 */
static bool ext_bpf_is_valid_access(int off, int size, enum bpf_access_type type,
				    const struct bpf_prog *prog, struct bpf_insn_access_aux *info)
{
	const struct btf_type *proto = prog->aux->attach_func_proto;

	if (off < 0 || !proto || off / sizeof(u64) >= btf_type_vlen(proto))
		return false;
	return bpf_tracing_btf_ctx_access(off, size, type, prog, info);
}

static const struct bpf_verifier_ops ext_verifier_ops = {
	.get_func_proto = ext_bpf_func_proto,
	.is_valid_access = ext_bpf_is_valid_access,
	.btf_struct_access = ext_bpf_struct_access,
};

static struct bpf_struct_ops ext_struct_ops = {
	.verifier_ops = &ext_verifier_ops,
	.init = ext_bpf_init_type,
	.check_member = ext_bpf_check_member,
	.init_member = ext_bpf_init_member,
	.reg = ext_bpf_reg,
	.unreg = ext_bpf_unreg,
	.update = ext_bpf_update,
	.cfi_stubs = &ext_stubs,
	.owner = THIS_MODULE,
	.name = "extfuse_handler_ops",
};

int ext_bpf_init(void)
{
	int err = ext_kfunc_register();

	if (!err)
		err = register_bpf_struct_ops(&ext_struct_ops, extfuse_handler_ops);
	if (err)
		pr_err("cannot register the handler type (%d): does the module have BTF?\n", err);
	return err;
}
