/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Attributes of one node: words, slot of the map, the inode's own copy with its
 * label, upcalls, changes through and behind the mount. README.md says which
 * function each part stands for.
 *
 * The backing store is a counter: its content is the number of changes so far.
 * So "the answer was the content at some moment between the begin and the end of
 * the request" is: told at the begin <= answer <= now at the end.
 */
#include "words.h"

#ifndef READERS
#define READERS 2 /* processes that stat */
#endif
#ifndef STATS
#define STATS 2 /* times each of them does */
#endif
#ifndef SETATTRS
#define SETATTRS 0 /* changes through the mount, all concurrent */
#endif
#ifndef UNLINKS
#define UNLINKS 0 /* same, of a kind that edits the inode afterwards */
#endif
#ifndef BEHINDS
#define BEHINDS 0 /* changes behind the mount, then invalidate */
#endif

/* What an edit on top of a fresh value gives: nothing the store ever held. */
#define NONSENSE 100

byte now;  /* content of the backing store */
byte told; /* no answer may be older, to a request that begins now */
byte own;  /* content that this kernel's own changes left in the inode */

short node_word, mount_word = EPOCH;
#ifdef SINCE
byte changes;
#endif

/* The slot of the map. Tearing is slot.pml's subject; here it is one variable. */
short slot_word;
byte slot_value;

/* struct fuse_inode and its inode, all written under fi->lock */
byte i_value;		/* the attributes */
short i_label;		/* ext.attr_word without EXT_WARM */
bool i_warm;		/* EXT_WARM */
byte i_applied;		/* ext.applied */
byte i_by;		/* ext.applied_by */
byte i_version = 1;	/* attr_version: moved by whatever changes an attribute */
byte i_label_version;	/* ext.attr_version: what it was for the label */
byte conn_version = 1;	/* fc->attr_version */

/* ext_node_token(): two loads, one after the other */
inline load_token(t)
{
	t = node_word;
	t = t + mount_word
}

/* fuse_change_attributes_common(), under fi->lock */
inline apply_locked(value)
{
	i_value = value;
	conn_version++;
	i_version = conn_version;
	i_label = 0;
	i_warm = false;
#ifndef MISTAKE_VERSION_AT_LABEL
	i_label_version = i_version;
#endif
	i_applied++;
	i_by = _pid
}

/* fuse_change_attributes(): what is older than the last application is dropped */
inline apply(value, version)
{
	atomic {
		if
		:: version != 0 && i_version > version
		:: else -> apply_locked(value)
		fi
	}
}

/*
 * ext_attr_label(). The words are compared in the same step though they move
 * without the lock: it makes no difference, since the label is compared again
 * whenever it is used, and sums do not come back.
 */
#if defined(MISTAKE_LABEL_WITHOUT_COUNT)
#define IS_MINE(applied) true
#elif defined(MISTAKE_LABEL_OF_ANOTHER)
#define IS_MINE(applied) (i_applied == applied + 1)
#else
#define IS_MINE(applied) (i_applied == applied + 1 && i_by == _pid)
#endif

inline label(applied, word, warm, done)
{
	atomic {
		done = IS_MINE(applied) && word == node_word + mount_word;
#ifdef MISTAKE_VERSION_AT_LABEL
		i_label_version = (done -> i_version : i_label_version);
#endif
		if
		:: done -> i_label = word; i_warm = warm
		:: else
		fi
	}
}

/* Has the kernel changed anything since what the label is for was applied? */
#ifdef MISTAKE_EDIT_KEEPS_LABEL
#define UNEDITED true
#else
#define UNEDITED (i_version == i_label_version)
#endif

/*
 * generic_fillattr() from an inode that was found fresh, version: its version
 * before it was. Whoever changes an inode moves the version first.
 */
inline copy_inode(version)
{
	answer = i_value;
#ifdef MISTAKE_COPY_UNCHECKED
	answered = true
#else
	answered = (i_version == version)
#endif
}

/* What the daemon puts, from whatever thread; a token of 0 is not stored. */
inline put(word, value)
{
	atomic {
		if
		:: word != 0 -> slot_word = word; slot_value = value
		:: else
		fi
	}
}

/* Daemon: GETATTR, and its annotated reply */
inline daemon_getattr()
{
#ifdef SINCE
	/* Or LOOKUP: the node is known when the store has been read. */
	since = changes;
	answer = now;
	load_token(token);
	if
#ifndef MISTAKE_SINCE_UNCHECKED
	:: changes != since -> token = 0
#endif
	:: else
	fi;
#elif defined(MISTAKE_TOKEN_AFTER_READ)
	answer = now;
	load_token(token);
#else
	load_token(token);
	answer = now;
#endif
	atomic {
		if
		:: CACHEABLE(token)
		:: else -> token = 0
		fi
	}
	put(token, answer)
}

/* fuse_update_get_attr() */
proctype Stat()
{
	byte floor, answer, applied, version, held, i;
#ifdef SINCE
	byte since;
#endif
	short token, word;
	bool answered, done;

	do
	:: i == STATS -> break
	:: else ->
		i++;
		answered = false;
		floor = told;

		/* ext_attr_warm() */
		held = i_version;
		atomic { word = (i_warm -> i_label : 0) };
		if
		:: word == 0
		:: else ->
			load_token(token);
			if
			:: word == token && UNEDITED -> copy_inode(held)
			:: else
			fi
		fi;
		if
		:: answered -> goto check
		:: else
		fi;

		/* ext_getattr_ask(): the handler compares, then the driver again */
		version = conn_version;
		load_token(token);
		atomic {
			word = 0;
			if
			:: slot_word == token && CACHEABLE(token) ->
				word = slot_word; answer = slot_value
			:: else
			fi
		};
		if
		:: word == 0 -> goto upcall
		:: else
		fi;
		load_token(token);
		if
		:: token != word -> goto upcall
		:: else
		fi;

		/* ext_attr_held(), else ext_attr_apply() */
		held = i_version;
		atomic { applied = i_applied; done = (i_label == word && UNEDITED) };
		if
		:: done ->
			atomic {
				if
				:: i_label == word -> i_warm = true
				:: else
				fi
			}
		:: else ->
#ifdef MISTAKE_APPLY_UNVERSIONED
			version = 0;
#endif
			atomic {
				apply(answer, version);
				assert(i_by != _pid || i_applied != applied + 1 || i_value >= own);
				held = i_version
			};
			label(applied, word, true, done)
		fi;
		if
		:: done -> copy_inode(held)
		:: else
		fi;
		if
		:: answered -> goto check
		:: else
		fi;
upcall:
		/* fuse_do_getattr(): the caller gets what the daemon said */
		version = conn_version;
		daemon_getattr();
		apply(answer, version);
check:
		atomic {
			assert(floor <= answer && answer <= now);
			answer = 0; floor = 0; applied = 0; version = 0; held = 0;
			token = 0; word = 0;
#ifdef SINCE
			since = 0;
#endif
			done = false
		}
	od
}

/* Words::changed_node_token(): what the word becomes if nobody else changes it */
inline load_changed_token(t)
{
	t = node_word;
	others = mount_word;
	atomic {
		if
#ifdef MISTAKE_PREDICT_WITH_OTHERS
		:: IN_FLIGHT(t) >= 1 && IN_FLIGHT(others) == 0 ->
			t = t + others + IN_FLIGHT(t) * (EPOCH - 1)
#else
		:: IN_FLIGHT(t) == 1 && IN_FLIGHT(others) == 0 ->
			t = t + others + EPOCH - 1
#endif
		:: else -> t = 0
		fi
	}
}

inline apply_change()
{
	atomic { now++; told = now; mine = now }
}

/*
 * A change through the mount whose reply brings attributes: SETATTR, or LINK and
 * CREATE of a known inode. They are applied without asking for the version.
 */
proctype Setattr()
{
	byte mine, value;
	short token, others;
	bool sent;

#ifdef MISTAKE_BEGIN_AFTER_SENT
	apply_change();
	MARK_BEGIN(node_word);
	value = now;
	sent = true;
#else
#ifndef MISTAKE_NODE_NOT_MARKED
	MARK_BEGIN(node_word);
#endif
	/* It may be killed before it was sent, or fail. */
	if
	:: sent = true;
#ifndef MISTAKE_NODE_NOT_MARKED
		load_changed_token(token);
#endif
		apply_change();
		value = now;
		put(token, value)
	:: sent = false
	fi;
#endif
#ifndef MISTAKE_NODE_NOT_MARKED
	MARK_END(node_word);
#endif
	/* fuse_do_setattr() after the answer, fuse_iget() with version 0 */
	if
	:: sent -> atomic { apply_locked(value); own = MAX(own, mine) }
	:: else
	fi
}

/*
 * A change through the mount after which the kernel edits its inode without
 * asking what it holds: fuse_entry_unlinked(), fuse_write_update_attr().
 */
proctype Unlink()
{
	byte mine;

	MARK_BEGIN(node_word);
	apply_change();
	MARK_END(node_word);
	atomic {
		i_value = NONSENSE;
		conn_version++;
		i_version = conn_version
	}
}

/* Somebody changes the store; the daemon hears of it and calls invalidate. */
proctype Behind()
{
	byte mine;

	atomic { now++; mine = now };
	CHANGED(node_word);
	atomic { told = MAX(told, mine); mine = 0 }
}

init {
	atomic {
		run Stat();
#if READERS > 1
		run Stat();
#endif
#if READERS > 2
		run Stat();
#endif
#if SETATTRS > 0
		run Setattr();
#endif
#if SETATTRS > 1
		run Setattr();
#endif
#if UNLINKS > 0
		run Unlink();
#endif
#if BEHINDS > 0
		run Behind();
#endif
#if BEHINDS > 1
		run Behind();
#endif
	}
}
