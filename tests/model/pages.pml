/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One page of the page cache and changes behind the mount: a reader that finds
 * the behind word moved drops the page before it reads it
 * (ext_drop_outdated_pages()). Content and told: as in attr.pml.
 */
#include "words.h"

#ifndef READERS
#define READERS 2
#endif
#ifndef BEHINDS
#define BEHINDS 2
#endif

byte now, told;
short behind_word, mount_word = EPOCH;

short pages_word = EPOCH; /* fi->ext.pages_word */
bool cached;		  /* a page is in the page cache, uptodate or being read */
bool locked;		  /* by whoever reads it in, or drops it */
byte page;

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

proctype Read()
{
	byte floor, answer;
	short word, old;
	bool mine;

	floor = told;

	/* ext_drop_outdated_pages() */
	word = behind_word;
	word = word + mount_word;
	old = pages_word;
	if
	:: old == word
	:: else ->
#ifdef MISTAKE_WORD_BEFORE_DROP
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
		if
		:: !cached -> cached = true; locked = true; mine = true
		:: else
		fi
	};
	if
	:: mine -> atomic { page = now }; answer = page; locked = false
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

/* extfuse_invalidate_node(); its other word is attr.pml's */
proctype Behind()
{
	byte mine;

	atomic { now++; mine = now };
	CHANGED(behind_word);
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
