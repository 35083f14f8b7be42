/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Deliberate mistakes, to test whether the tests notice: only in a driver that is
 * built with EXTFUSE_MISTAKES=y, and one at a time, by the parameter "mistake".
 * The names are those of the switches of tests/model.
 */
#ifndef _EXT_MISTAKE_H
#define _EXT_MISTAKE_H

#ifdef EXTFUSE_MISTAKES
enum ext_mistake {
	EXT_NO_MISTAKE,
	EXT_WORD_UNCOMPARED, /* of remembered names and attributes */
	EXT_END_KEEPS_EPOCH, /* a change that is over leaves no trace */
	EXT_EPOCH_AT_BEGIN, /* nothing is in flight while a request runs */
	EXT_NAMES_NOT_MARKED, /* of a rename */
	EXT_NODE_NOT_MARKED, /* victim of unlink, moved and replaced node of rename */
	EXT_PAGES_KEPT, /* after invalidate */
	EXT_DETACHED_NOT_MARKED, /* changes without a handler, nor that there is one again */
};

extern unsigned int ext_mistake;

#define EXT_MISTAKE(name) (READ_ONCE(ext_mistake) == EXT_##name)
#else
#define EXT_MISTAKE(name) false
#endif

#endif /* _EXT_MISTAKE_H */
