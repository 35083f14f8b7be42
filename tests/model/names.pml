/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Two names of one directory, what they mean, the name cache, and one dentry that
 * is found under the one or the other: lookups with and without a dentry, what the
 * dentry remembers, rename through the mount, splice, changes behind the mount,
 * the directory's behind word.
 *
 * A name means NOTHING, node X, node Y, or may not be looked up (DENIED). Meanings
 * come back, so an answer is judged by the set of those the name had between the
 * begin and the end of the request: seen.
 */
#include "words.h"

#ifndef READERS
#define READERS 1
#endif
#ifndef LOOKUPS
#define LOOKUPS 3
#endif
#ifndef RENAMES
#define RENAMES 0 /* 1: rename A to B through the mount */
#endif
#ifndef SPLICES
#define SPLICES 0 /* 1: a lookup of B finds the directory that is cached as A */
#endif
#ifndef CREATES
#define CREATES 0 /* 1: create B through the mount, cached under a predicted token */
#endif
#ifndef BEHINDS
#define BEHINDS 0 /* changes behind the mount, any name to any meaning */
#endif
#ifndef CHMODS
#define CHMODS 0 /* 1: SETATTR of the directory */
#endif
#ifndef SEARCH
#define SEARCH 0 /* 1: answers are for one caller, whom the chmod shuts out */
#endif
#ifndef COLLIDE
#define COLLIDE 0 /* 1: both names hash to one word */
#endif

#define A 0
#define B 1
#define NOTHING 0
#define X 1
#define Y 2
#define DENIED 3
#define BIT(m) (1 << (m))

#if COLLIDE
#define WORD(n) 0
#else
#define WORD(n) n
#endif

byte means[2];	   /* in the backing store */
byte allowed[2];   /* what a request that begins now may be told */
byte looks[READERS] = 9; /* ghost: name that a reader looks up now */
byte seen[READERS];	 /* ghost: what it has meant since the reader began */

short name_word[2], behind_word, mount_word = EPOCH;

/* One slot, for whichever name was put last */
short slot_word;
byte slot_name, slot_node;

/* The dentry of X */
byte d_name;
byte d_seq;	/* counts moves */
short d_word;	/* d_time: name word + mount word, 0: nothing remembered */
byte d_index;	/* d_time: index of that name word */
byte d_tag;	/* d_seq of the name it is remembered for; the driver has none, see README.md */
bool locked;	/* i_rwsem of the directory, shared or not */

/* Within atomic */
inline set_meaning(n, m)
{
	means[n] = m;
	if
	:: looks[0] == n -> seen[0] = seen[0] | BIT(m)
	:: else
	fi;
#if READERS > 1
	if
	:: looks[1] == n -> seen[1] = seen[1] | BIT(m)
	:: else
	fi
#endif
}

/* ext_lookup_ask(), Words::sample_entry() */
inline load_token(n, t)
{
	t = name_word[WORD(n)];
#ifndef MISTAKE_TOKEN_WITHOUT_BEHIND
	t = t + behind_word;
#endif
	t = t + mount_word
}

inline put(n, word, node)
{
	atomic {
		if
		:: word != 0 -> slot_word = word; slot_name = n; slot_node = node
		:: else
		fi
	}
}

/* Daemon: LOOKUP and its annotated reply */
inline daemon_lookup(n, node)
{
	load_token(n, token);
	node = means[n];
	atomic {
		if
		:: CACHEABLE(token) && node != DENIED
		:: else -> token = 0
		fi
	}
	put(n, token, node)
}

proctype Lookup(byte me)
{
	byte n, i, node, seq, index, tag;
	short token, word;
	bool dentry;

	do
	:: i == LOOKUPS -> break
	:: else ->
		i++;
		/* __d_lookup_rcu() finds the dentry if it has this name now. */
		atomic {
			if
			:: n = A
			:: n = B
			fi;
			dentry = (d_name == n);
			seq = d_seq;
			looks[me] = n;
			seen[me] = allowed[n] | BIT(means[n])
		};

		/* ext_dentry_warm(): one load, then the words */
		if
		:: dentry && !SEARCH ->
			atomic { word = d_word; index = d_index; tag = d_tag };
			if
#ifdef MISTAKE_MOVE_KEEPS_WORD
			:: word == 0 -> goto ask
#elif defined(MISTAKE_SPLICE_KEEPS_WORD)
			:: word == 0 -> goto ask
#else
			:: word == 0 || tag != seq -> goto ask
#endif
			:: else
			fi;
			token = name_word[WORD(index)];
			token = token + mount_word;
			if
			:: token == word -> node = X; goto found
			:: else
			fi
		:: else
		fi;
ask:
		/* ext_lookup_ask() */
		load_token(n, token);
		atomic {
			word = 0;
			if
			:: slot_word == token && slot_name == n && CACHEABLE(token) ->
				word = slot_word; node = slot_node
			:: else
			fi
		};
		if
		:: word == 0 -> goto upcall
		:: else
		fi;
		load_token(n, token);
		if
		:: token != word -> goto upcall
		:: else
		fi;
		if
		:: dentry ->
			/* ext_revalidate_ask() */
			if
			:: node != X -> goto upcall
			:: else
			fi;
#ifndef MISTAKE_MOVE_KEEPS_WORD
			/* A change may be over for the words and not yet for the dcache. */
			if
			:: locked -> goto found
			:: else
			fi;
#endif
			/* The directory's part is taken out, as it is by now. */
#ifndef MISTAKE_TOKEN_WITHOUT_BEHIND
			word = word - behind_word;
#endif
			/* ext_dentry_remember(), under d_lock */
			atomic {
				if
				:: d_seq == seq && CACHEABLE(word) && !SEARCH ->
					d_word = word; d_index = n; d_tag = seq
				:: else
				fi
			}
		:: else
		fi;
		goto found;
upcall:
		daemon_lookup(n, node);
		if
		:: dentry && node == X -> d_word = 0 /* fuse_dentry_settime() */
		:: else
		fi;
found:
		/* step_into() believes no dentry that was moved meanwhile. */
		atomic {
			assert((dentry && d_seq != seq) || (seen[me] & BIT(node)));
			looks[me] = 9; seen[me] = 0; node = 0; token = 0; word = 0; index = 0;
			tag = 0; seq = 0; n = 0; dentry = false
		}
	od
}

/* d_move(): another name; what is remembered stays, and d_seq tells that it is past. */
inline move_dentry()
{
	atomic { d_name = B; d_seq++ }
}

proctype Rename()
{
	byte moved;

	locked = true;
	MARK_BEGIN(name_word[WORD(A)]);
#ifndef MISTAKE_NEW_NAME_NOT_MARKED
	if
	:: !COLLIDE -> MARK_BEGIN(name_word[WORD(B)])
	:: else
	fi;
#endif
	atomic {
		moved = (means[A] == X); /* else ENOENT, or another node */
		if
		:: moved ->
			set_meaning(B, X); allowed[B] = BIT(X);
			set_meaning(A, NOTHING); allowed[A] = BIT(NOTHING)
		:: else
		fi
	};
	MARK_END(name_word[WORD(A)]);
#ifndef MISTAKE_NEW_NAME_NOT_MARKED
	if
	:: !COLLIDE -> MARK_END(name_word[WORD(B)])
	:: else
	fi;
#endif
	/* d_move() by vfs_rename(), after fuse_rename2() has returned */
	if
	:: moved -> move_dentry()
	:: else
	fi;
	locked = false
}

/* fuse_lookup(B) finds X, a directory whose dentry is at A: d_splice_alias(). */
proctype Splice()
{
	byte node;
	short token;

	locked = true;
	daemon_lookup(B, node);
	if
	:: node == X ->
		move_dentry();
		d_word = 0 /* fuse_change_entry_timeout(): too late for who is between */
	:: else
	fi;
	locked = false
}

/* Words::changed_entry_token(), and the annotated reply of CREATE */
proctype Create()
{
	short token, others;

	MARK_BEGIN(name_word[WORD(B)]);
	token = name_word[WORD(B)];
	others = behind_word;
	others = others + mount_word;
	atomic {
		if
		:: IN_FLIGHT(token) == 1 && IN_FLIGHT(others) == 0 ->
			token = token + others + EPOCH - 1
		:: else -> token = 0
		fi
	};
	atomic {
		set_meaning(B, Y); allowed[B] = BIT(Y)
	};
	put(B, token, Y);
	MARK_END(name_word[WORD(B)])
}

/* Two changes in a row; after each the daemon calls extfuse_invalidate_entry(). */
proctype Behind()
{
	byte n, m, i;

	do
	:: i == BEHINDS -> break
	:: else ->
		i++;
		if
		:: n = A
		:: n = B
		fi;
		if
		:: m = NOTHING
		:: m = X
		fi;
		atomic { set_meaning(n, m); allowed[n] = allowed[n] | BIT(m) };
		CHANGED(name_word[WORD(n)]);
		atomic { allowed[n] = BIT(means[n]); n = 0; m = 0 }
	od
}

/* ext_touch_search(): the directory's mode, which no name word tells */
proctype Chmod()
{
	MARK_BEGIN(behind_word);
#if SEARCH
	atomic {
		set_meaning(A, DENIED); allowed[A] = BIT(DENIED);
		set_meaning(B, DENIED); allowed[B] = BIT(DENIED)
	};
#endif
	MARK_END(behind_word)
}

init {
	atomic {
		means[A] = X;
		allowed[A] = BIT(X);
		allowed[B] = BIT(NOTHING);
		run Lookup(0);
#if READERS > 1
		run Lookup(1);
#endif
#if RENAMES
		run Rename();
#endif
#if SPLICES
		run Splice();
#endif
#if CREATES
		run Create();
#endif
#if BEHINDS
		run Behind();
#endif
#if CHMODS
		run Chmod();
#endif
	}
}
