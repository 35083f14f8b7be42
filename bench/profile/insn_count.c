// SPDX-License-Identifier: GPL-2.0-only
/*
 * A QEMU plugin: which instructions does the guest execute between two marks?
 *
 *     -plugin libinsn-count.so,out=FILE
 *
 * The marks are instructions without effect that no compiler makes (see
 * bench/ops/mark.hpp): xchg r13,r13 begins a window, xchg r14,r14 ends it. At its
 * end the counts are appended to FILE: a line "window", then for each block that
 * ran its address, instructions, and executions. bench/extbench/profile.py adds
 * names to them.
 *
 * Debian packages no header for plugins; what is used of the interface, version 1
 * (QEMU 4.2 and later), is declared here. One virtual CPU only.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

typedef uint64_t plugin_id;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum { CB_NO_REGS = 0 };

extern void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id,
						  void (*cb)(plugin_id, struct qemu_plugin_tb *));
extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
extern uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
extern struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb,
							size_t idx);
extern const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
extern size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
extern void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb,
						 void (*cb)(unsigned int, void *), int flags,
						 void *data);
extern void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn,
						   void (*cb)(unsigned int, void *), int flags,
						   void *data);

EXPORT int qemu_plugin_version = 1;

/* Open addressing; a block is known by where it starts and how long it is. */
#define BLOCKS (1U << 20)

struct block {
	uint64_t address; /* 0: free */
	uint64_t instructions;
	uint64_t executions;
};

static struct block *blocks;
static unsigned int used;
static int counting;
static FILE *out;

static struct block *find_block(uint64_t address, uint64_t instructions)
{
	uint64_t at = (address ^ instructions) * 0x9e3779b97f4a7c15ULL >> 44;

	for (;; at = (at + 1) & (BLOCKS - 1)) {
		struct block *b = &blocks[at];

		if (!b->address) {
			if (++used > BLOCKS / 2) {
				fprintf(stderr, "insn-count: too many blocks\n");
				abort();
			}
			b->address = address;
			b->instructions = instructions;
		}
		if (b->address == address && b->instructions == instructions)
			return b;
	}
}

static void count(unsigned int cpu, void *data)
{
	(void)cpu;
	if (counting)
		((struct block *)data)->executions++;
}

static void begin(unsigned int cpu, void *data)
{
	(void)cpu;
	(void)data;
	for (unsigned int i = 0; i < BLOCKS; i++)
		blocks[i].executions = 0;
	counting = 1;
}

static void end(unsigned int cpu, void *data)
{
	(void)cpu;
	(void)data;
	if (!counting)
		return;
	counting = 0;
	fprintf(out, "window\n");
	for (unsigned int i = 0; i < BLOCKS; i++)
		if (blocks[i].executions)
			fprintf(out, "%llx %llu %llu\n", (unsigned long long)blocks[i].address,
				(unsigned long long)blocks[i].instructions,
				(unsigned long long)blocks[i].executions);
	fflush(out);
}

static int is_insn(const struct qemu_plugin_insn *insn, const char *bytes)
{
	return qemu_plugin_insn_size(insn) == 3 && !memcmp(qemu_plugin_insn_data(insn), bytes, 3);
}

static void translated(plugin_id id, struct qemu_plugin_tb *tb)
{
	const size_t n = qemu_plugin_tb_n_insns(tb);

	(void)id;
	for (size_t i = 0; i < n; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);

		if (is_insn(insn, "\x4d\x87\xed"))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, begin, CB_NO_REGS, NULL);
		else if (is_insn(insn, "\x4d\x87\xf6"))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, end, CB_NO_REGS, NULL);
	}
	qemu_plugin_register_vcpu_tb_exec_cb(tb, count, CB_NO_REGS,
					     find_block(qemu_plugin_tb_vaddr(tb), n));
}

EXPORT int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv)
{
	(void)info;
	if (argc != 1 || strncmp(argv[0], "out=", 4) != 0) {
		fprintf(stderr, "insn-count: give out=FILE\n");
		return -1;
	}
	out = fopen(argv[0] + 4, "w");
	blocks = calloc(BLOCKS, sizeof(*blocks));
	if (!out || !blocks) {
		perror("insn-count");
		return -1;
	}
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	return 0;
}
