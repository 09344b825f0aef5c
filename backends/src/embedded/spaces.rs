//! The trees that rows are kept in: what is written and read alike is kept together.

use fjall::{Database, Keyspace, KeyspaceCreateOptions};

/// A tree. A batch becomes visible space by space in this order: heads last, so that whoever sees a
/// head finds all that it stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Space {
    /// `e`: entries, written once (and once more when they are erased).
    Entries,
    /// `k`: idempotency rows, written once.
    Keys,
    /// `m`, `u`, `f`, `i`, `d`, `o`: members, memberships, foundings, titles, directs, overlays.
    Views,
    /// `c`: cursors, overwritten all the time.
    Cursors,
    /// `a`, `n`, `l`, `s`: accounts, usernames, logins by id and by user.
    People,
    /// `q`: what was made under an idempotency key.
    Replies,
    /// `p`: when each user was last seen (for presence).
    LastSeen,
    /// `t`, `n`, `r`: heads, the commit counter, what changed lately.
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
    /// The name on disk.
    const fn name(self) -> &'static str {
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

    /// Bytes written before they are sorted into files; up to five times as much is in memory.
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
    /// Opens all, making those that are missing.
    pub(super) fn open(db: &Database) -> fjall::Result<Self> {
        let open = |space: Space| {
            let options =
                || KeyspaceCreateOptions::default().max_memtable_size(space.memtable_bytes());
            db.keyspace(space.name(), options)
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

    /// The tree of this space.
    pub(super) const fn of(&self, space: Space) -> &Keyspace {
        &self.0[space as usize]
    }
}
