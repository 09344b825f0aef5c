//! The trees that hold the rows. Rows with the same read and write pattern share a tree.

use fjall::{Database, Keyspace, KeyspaceCreateOptions};

/// A tree. fjall makes a batch visible space by space in the order of this declaration. A head is read
/// from memory or comes last, so a reader of a head also finds every row that the head covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Space {
    /// `e`: entries, written once, and once more when they are erased.
    Entries,
    /// `k`: idempotency rows, written once.
    Keys,
    /// `m`, `u`, `f`, `i`, `d`, `o`: members, memberships, foundings, titles, directs, overlays. `v`, `y`,
    /// `j`: invites, their uses, invites by conversation.
    Views,
    /// `c`, `g`: cursors, overwritten often, and consents.
    Cursors,
    /// `a`, `b`, `n`, `l`, `s`, `x`: accounts, boundaries, usernames, logins by id, logins by user,
    /// ended logins. `p`, `h`, `z`: uploads, uploads by user, uploads by the time they are due.
    People,
    /// `q`: replies by idempotency key.
    Replies,
    /// Without a letter: when each user was last seen (for presence).
    LastSeen,
    /// `t`, `n`, `r`, `i`: heads, the commit record, what recent batches moved, the mark of ids.
    Heads,
}

/// All spaces, in the order of their declaration.
pub(super) const ALL: [Space; 8] = [
    Space::Entries,
    Space::Keys,
    Space::Views,
    Space::Cursors,
    Space::People,
    Space::Replies,
    Space::LastSeen,
    Space::Heads,
];

impl Space {
    const fn name_on_disk(self) -> &'static str {
        match self {
            Self::Entries => "entries",
            Self::Keys => "keys",
            Self::Views => "views",
            Self::Cursors => "cursors",
            Self::People => "people",
            Self::Replies => "replies",
            Self::LastSeen => "last_seen",
            Self::Heads => "heads",
        }
    }

    /// Returns how many bytes are buffered in memory before they are flushed to files. fjall may hold
    /// up to five such buffers of one tree.
    const fn memtable_bytes(self) -> u64 {
        const MIB: u64 = 1024 * 1024;
        match self {
            Self::Entries => 32 * MIB,
            Self::Keys => 16 * MIB,
            Self::Views | Self::Cursors | Self::Heads => 8 * MIB,
            Self::People | Self::Replies | Self::LastSeen => 4 * MIB,
        }
    }
}

/// The opened trees.
pub(super) struct Spaces([Keyspace; ALL.len()]);

impl Spaces {
    /// Opens all trees and creates missing ones.
    pub(super) fn open(db: &Database) -> fjall::Result<Self> {
        let open = |space: Space| {
            let options =
                || KeyspaceCreateOptions::default().max_memtable_size(space.memtable_bytes());
            db.keyspace(space.name_on_disk(), options)
        };
        Ok(Self([
            open(Space::Entries)?,
            open(Space::Keys)?,
            open(Space::Views)?,
            open(Space::Cursors)?,
            open(Space::People)?,
            open(Space::Replies)?,
            open(Space::LastSeen)?,
            open(Space::Heads)?,
        ]))
    }

    /// Returns the tree of this space.
    pub(super) const fn of(&self, space: Space) -> &Keyspace {
        &self.0[space as usize]
    }
}
