//! Every port in memory: the reference implementations, which the domain's own tests use.

mod accounts;
mod blobs;
mod bus;
mod chooser;
mod consents;
mod conversations;
mod cursors;
mod invites;
mod limiter;
mod log;
mod logins;
mod no_bus;
mod passwords;
mod replies;
mod search;
mod state;
mod stores;
mod uploads;

pub use accounts::MemoryAccounts;
pub use blobs::{MemoryBlobs, NoBlobs};
pub use bus::{ARRIVALS_MAX, BusFaults, MemoryBus, MemoryHub};
pub use consents::{MemoryBoundaries, MemoryConsents};
pub use conversations::MemoryConversations;
pub use cursors::MemoryCursors;
pub use invites::MemoryInvites;
pub use limiter::{LIMITER_KEYS_MAX, LocalLimiter};
pub use log::MemoryLog;
pub use logins::MemoryLogins;
pub use no_bus::NoBus;
pub use passwords::PlainPasswords;
pub use replies::MemoryReplies;
pub use search::MemorySearch;
pub use stores::MemoryStores;
pub use uploads::MemoryUploads;
