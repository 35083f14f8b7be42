/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One slot of a cache: writers overwrite it with answers of two keys while a
 * reader copies it. What a reader accepts was written by one writer as a whole.
 * Writer: slots.cpp, class WriteLock and what follows it; reader: bpf/include/extfuse/cache/, as
 * slots.bpf.h says. Needs stores seen in program order and loads not moved ahead
 * of loads: TSO, and the compare-and-swap, which is a full barrier.
 */
#define KEYS 2

#ifndef WRITERS
#define WRITERS 3
#endif

byte seq;
byte key;   /* identity: node id, or parent and name */
byte word;  /* token */
byte first; /* answer, more than one load wide */
byte last;

/*
 * The n-th writer writes key n % KEYS, and n as word and answer: so every answer
 * tells by whom it was written, and under which word.
 */
proctype Writer(byte n)
{
	byte begin;
	bool held;

	begin = seq;
#ifdef MISTAKE_WRITER_WITHOUT_CAS
	held = (begin % 2 == 0);
	if
	:: held -> seq = begin + 1
	:: else
	fi;
#else
	atomic {
		held = (begin % 2 == 0 && seq == begin);
		if
		:: held -> seq = begin + 1
		:: else
		fi
	};
#endif
	if
	:: held ->
		key = n % KEYS;
		word = n;
		first = n;
		/* A writer may die here; the slot stays odd and is lost. */
		if
		:: last = n; seq = begin + 2
		:: skip
		fi
	:: else
	fi
}

#ifdef MISTAKE_ODD_NOT_REFUSED
#define EVEN(x) (x)
#else
#define EVEN(x) (x - x % 2) /* extfuse_seq_same(): differs from any odd number */
#endif

proctype Reader(byte wanted)
{
	byte begin, w, a, b;

#ifdef MISTAKE_KEY_BEFORE_SEQ
	/* As the search of the bucket does, which is only where to look. */
	if
	:: key != wanted -> goto miss
	:: else
	fi;
	begin = seq;
#else
	begin = seq;
	if
	:: key != wanted -> goto miss
	:: else
	fi;
#endif
	w = word;
#ifdef MISTAKE_SEQ_BEFORE_COPY
	if
	:: seq != EVEN(begin) -> goto miss
	:: else
	fi;
#endif
	a = first;
	b = last;
#ifndef MISTAKE_SEQ_BEFORE_COPY
	if
	:: seq != EVEN(begin) -> goto miss
	:: else
	fi;
#endif
	/* 0 is the empty slot: its word is no token, the driver refuses it. */
	assert(w == 0 || (w == a && a == b && w % KEYS == wanted));
miss:
	skip
}

init {
	byte n = 1;

	atomic {
		do
		:: n > WRITERS -> break
		:: else -> run Writer(n); n++
		od;
		run Reader(0)
	}
}
