/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Life of a node id: lookup counts, FORGET, use of the id for another file. The
 * daemon has one id to give (and never changes the generation, as libfuse's
 * passthrough_ll); a file that gets none has an inode that does not matter here.
 * Names N and M mean files N and M all the time, so no name word ever moves: the
 * node's words alone must keep the files apart.
 */
#include "words.h"

#define NONE 0
#define N 1
#define M 2

#ifndef LOOKUPS
#define LOOKUPS 2 /* requests of each reader, one reader a name */
#endif
#ifndef PLUS
#define PLUS 0 /* 1: a READDIRPLUS whose entries the kernel gives back unseen */
#endif

short node_word = EPOCH, behind_word = EPOCH;

/* Daemon: file that the id means, references the kernel was given */
byte file, counted;

/* Kernel: the inode with that id */
byte inode;   /* its file, NONE: not in the inode cache */
byte nlookup;
byte refs;    /* users who hold it; it can be evicted at 0 */

/* Slots of names N and M, for the id; names have their own words, which stay. */
bool slot_name[3];
short slot_behind[3];
/* Slot of the attributes of the id */
short slot_word;
byte slot_file;

/* ext_forget() and the request, as fuse_queue_forget() has them */
inline forget(n)
{
#ifdef MISTAKE_FORGET_MOVES_WORD_LATE
	counted = counted - n;
	CHANGED(node_word);
	CHANGED(behind_word)
#else
	CHANGED(node_word);
#ifndef MISTAKE_FORGET_SPARES_BEHIND
	CHANGED(behind_word);
#endif
	/* queued, and carried out by the daemon at any time after */
	counted = counted - n
#endif
}

/* Daemon: LOOKUP of a name. The count is taken first, then tokens, then values. */
inline daemon_lookup(name)
{
	atomic {
		given = (counted == 0 || file == name);
		if
		:: given -> file = name; counted++
		:: else
		fi
	};
	if
	:: given ->
		behind = behind_word;
		token = node_word;
		atomic { slot_word = token; slot_file = file };
		atomic { slot_name[name] = true; slot_behind[name] = behind }
	:: else
	fi
}

/* fuse_lookup() of a name, then stat of what was found */
proctype Reader(byte name)
{
	byte found, i, answer;
	short token, behind;
	bool given;

	do
	:: i == LOOKUPS -> break
	:: else ->
		i++;
		/* ext_lookup_ask(): the slot, its behind word compared */
		atomic { given = slot_name[name]; behind = slot_behind[name] };
		if
		:: !given -> goto upcall
		:: else
		fi;
#ifndef MISTAKE_NAME_WITHOUT_BEHIND
		if
		:: behind != behind_word -> goto upcall
		:: else
		fi;
#endif
		/* ext_find_alive(): the hash is read without lock, igrab() is not */
		atomic {
			if
			:: inode == NONE -> goto upcall
			:: else -> refs++
			fi
		};
#if !defined(MISTAKE_BEHIND_BEFORE_IGRAB) && !defined(MISTAKE_NAME_WITHOUT_BEHIND)
		/* Only now the id cannot pass to another file any more. */
		if
		:: behind != behind_word -> refs--; goto upcall
		:: else
		fi;
#endif
		goto stat;
upcall:
		daemon_lookup(name);
		if
		:: !given -> goto done /* an inode of its own: no matter */
		:: else
		fi;
		/* fuse_iget() */
		atomic {
			assert(inode == NONE || inode == name);
			inode = name; nlookup++; refs++
		};
stat:
		atomic { assert(inode == name) };
		/* ext_getattr_ask() on the inode: compare, answer, compare */
		token = node_word;
		atomic {
			if
			:: slot_word == token -> answer = slot_file
			:: else -> answer = name /* upcall */
			fi
		};
		if
		:: token == node_word -> assert(answer == name)
		:: else
		fi;
		refs--;
done:
		atomic { given = false; token = 0; behind = 0; answer = 0 }
	od
}

/* The last user is gone, or memory is short: fuse_evict_inode(). */
proctype Evict()
{
	byte n;

	do
	:: atomic { inode != NONE && refs == 0 -> n = nlookup; nlookup = 0; inode = NONE };
		forget(n);
		n = 0
	:: timeout -> break
	od
}

/*
 * READDIRPLUS whose entry the kernel cannot take in (no memory, bad inode): the
 * count is given back by fuse_force_forget(), a request like any other.
 */
proctype Plus(byte name)
{
	short token, behind;
	bool given;

	daemon_lookup(name);
	if
	:: given ->
#ifdef MISTAKE_FORCED_FORGET_UNMARKED
		counted--
#else
		forget(1)
#endif
	:: else
	fi
}

init {
	atomic {
		run Reader(N);
		run Reader(M);
		run Evict();
#if PLUS
		run Plus(N);
#endif
	}
}
