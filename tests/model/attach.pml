/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Detach, attach and abort against a change in flight. One node, one slot, one
 * remembered answer (the label of the inode). Content, told: as in attr.pml.
 */
#include "words.h"

#ifndef STATS
#define STATS 2
#endif
#ifndef SWITCHES
#define SWITCHES 2 /* detach and attach in turn */
#endif
#ifndef ABORTS
#define ABORTS 0
#endif

byte now, told;
short node_word, mount_word = EPOCH;

short slot_word;
byte slot_value;

short label;  /* what the inode remembers, with EXT_WARM */
byte value;
byte label_by; /* handler that let it be remembered */

byte handler = 1;   /* ec->handler: 0 none, else which */
byte last_handler = 1;
byte banned;	    /* handlers up to this one were switched off: not one answer more */
bool connected = true;
bool cut;	    /* requests are being ended by the abort */

inline load_token(t)
{
	t = node_word;
	t = t + mount_word
}

proctype Stat()
{
	byte floor, ban, by, answer, i;
	short word, token;

	do
	:: i == STATS -> break
	:: else ->
		i++;
		atomic { floor = told; ban = banned };
		/* ext_attr_warm(); does not ask whether there is a handler */
		atomic { word = label; answer = value; by = label_by };
		if
		:: word == 0 -> goto ask
		:: else
		fi;
		load_token(token);
		if
		:: word == token ->
			assert(floor <= answer && answer <= now && by > ban);
			goto done
		:: else
		fi;
ask:
		/* ext_usable(); later ext_ops() under RCU, used though it be gone meanwhile */
		if
		:: handler == 0 || !connected -> goto upcall
		:: else
		fi;
#ifdef MISTAKE_TOKEN_AFTER_OPS
		by = handler;
		load_token(token);
#else
		/* What a handler says that is gone by then carries the word of its time. */
		load_token(token);
		by = handler;
#endif
		if
		:: by == 0 -> goto upcall
		:: else
		fi;
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
		:: word != token -> goto upcall
		:: else
		fi;
		assert(floor <= answer && answer <= now && by > ban);
		atomic { label = word; value = answer; label_by = by };
		goto done;
upcall:
		/* GETATTR; the daemon puts its answer, also one that nobody waits for */
		load_token(token);
		answer = now;
		atomic {
			if
			:: CACHEABLE(token) -> slot_word = token; slot_value = answer
			:: else
			fi
		};
done:
		atomic { floor = 0; ban = 0; answer = 0; by = 0; word = 0; token = 0 }
	od
}

/* SETATTR; aborted, it ends before the daemon has acted, who acts nevertheless. */
bool asked, acted;

proctype Change()
{
	bool marked = true;

#ifdef MISTAKE_DETACHED_NOT_MARKED
	marked = (handler != 0);
#endif
	if
	:: marked -> MARK_BEGIN(node_word)
	:: else
	fi;
	if
	:: connected -> asked = true; (acted || cut)
	:: !connected
	fi;
	if
	:: marked -> MARK_END(node_word)
	:: else
	fi
}

proctype Daemon()
{
	do
	:: atomic { asked && !acted -> now++; told = now; acted = true }; break
	:: timeout -> break
	od
}

/* ext_conn_switch(), ext_attach_unregister() */
proctype Switch()
{
	byte i, old;

	do
	:: i == SWITCHES -> break
	:: else ->
		i++;
		old = last_handler;
#ifdef MISTAKE_SWITCH_MOVES_WORD_FIRST
		CHANGED(mount_word);
#endif
		atomic {
			if
			:: handler != 0 -> handler = 0
			:: else -> last_handler++; handler = last_handler
			fi
		};
#ifndef MISTAKE_SWITCH_MOVES_WORD_FIRST
		/* After the new one is visible: nothing that the old one said is left. */
		CHANGED(mount_word);
#endif
		banned = (handler -> handler - 1 : old)
	od
}

/* ext_abort() in fuse_abort_conn(), which then ends all requests */
proctype Abort()
{
#ifndef MISTAKE_ABORT_MARKS_LATE
	mount_word = mount_word + 1; /* for good */
#endif
	connected = false;
	cut = true;
#ifdef MISTAKE_ABORT_MARKS_LATE
	mount_word = mount_word + 1
#endif
}

init {
	atomic {
		run Stat();
		run Stat();
		run Change();
		run Daemon();
#if SWITCHES
		run Switch();
#endif
#if ABORTS
		run Abort();
#endif
	}
}
