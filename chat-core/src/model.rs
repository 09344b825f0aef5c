//! What is stored: entries, conversations, members, cursors, users, logins.

mod conversation;
mod entry;
mod user;

pub use conversation::{Cursor, Founding, Head, Kind, Member, Membership, Overlay, Reaction, Role};
pub use entry::{Body, ClientId, Entry, InvalidClientId, Seq};
pub use user::{Identity, Login, LoginSecret, User, Username};
