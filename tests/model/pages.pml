/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One page of the page cache and changes behind the mount: a reader that finds
 * the data word moved drops the page before it reads it (ext_pages_current()); it
 * is read in again by a READ, which a slot may answer under the node's word.
 * Content and told: as in attr.pml.
 */
#include "words.h"

#ifndef READERS
#define READERS 2
#endif
#ifndef BEHINDS
#define BEHINDS 2
#endif

byte now, told;
short node_word = EPOCH, data_word = EPOCH; /* the mount words do not move here */

short pages_word = EPOCH; /* fi->ext.pages_word */
bool cached;		  /* a page is in the page cache, uptodate or being read */
bool locked;		  /* the folio, by whoever reads it in or drops it */
byte page;

short slot_word; /* slot of the block */
byte slot_value;

/* invalidate_inode_pages2(): waits for a page that is being read in */
inline drop()
{
	if
	:: cached -> /* nrpages, read without a lock */
		atomic { !locked -> locked = true };
		atomic { cached = false; locked = false }
	:: else
	fi
}

/* READ: the handler, else the daemon, who puts the block */
inline read_in()
{
	word = node_word;
	atomic {
		if
		:: slot_word == word -> answer = slot_value
		:: else -> word = 0
		fi
	};
	if
	:: word != 0 && word == node_word -> skip
	:: else ->
		word = node_word;
		answer = now;
		atomic { slot_word = word; slot_value = answer }
	fi;
	atomic { page = answer; locked = false }
}

proctype Read()
{
	byte floor, answer;
	short word;
	bool mine;

	floor = told;

	/* ext_pages_current() */
	word = data_word;
	if
	:: pages_word == word
	:: else ->
#ifdef MISTAKE_PAGES_WORD_BEFORE_DROP
		pages_word = word;
		drop()
#else
		/* An invalidation that comes meanwhile has moved the word: seen next time. */
		drop();
		pages_word = word
#endif
	fi;

	/* filemap_read(): a page that is there, else one READ */
again:
	atomic {
		mine = !cached;
		if
		:: mine -> cached = true; locked = true
		:: else
		fi
	};
	if
	:: mine -> read_in()
	:: else ->
		atomic {
			!locked;
			if
			:: cached -> answer = page
			:: else -> goto again
			fi
		}
	fi;
	assert(floor <= answer && answer <= now)
}

/* extfuse_invalidate_node() */
proctype Behind()
{
	byte mine;

	atomic { now++; mine = now };
#ifdef MISTAKE_DATA_WORD_FIRST
	CHANGED(data_word);
	CHANGED(node_word);
#else
	/* Else a page dropped for its word could be read in from the slot again. */
	CHANGED(node_word);
	CHANGED(data_word);
#endif
	atomic { told = MAX(told, mine) }
}

init {
	byte n;

	atomic {
		do
		:: n == READERS -> break
		:: else -> run Read(); n++
		od;
		n = 0;
		do
		:: n == BEHINDS -> break
		:: else -> run Behind(); n++
		od
	}
}
