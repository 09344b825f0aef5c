//! Every port in memory: the executable specification, and the world of the domain's own tests.

mod accounts;
mod conversations;
mod cursors;
mod log;
mod logins;
mod replies;
mod stores;

pub use accounts::MemoryAccounts;
pub use conversations::MemoryConversations;
pub use cursors::MemoryCursors;
pub use log::MemoryLog;
pub use logins::MemoryLogins;
pub use replies::MemoryReplies;
pub use stores::MemoryStores;
