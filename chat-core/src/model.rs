//! The stored types: entries, conversations, members, cursors, users and logins, and the rules
//! by which they change. The rules are pure; every store calls them.
//!
//! All of them can be encoded with [`crate::versioned`]. Decoding checks what the constructors
//! check: ids are not zero, names are valid, and texts are within [`crate::limits`].

mod attachment;
mod body;
mod bounded;
mod client_id;
mod consent;
mod conversation;
mod entry;
mod idempotency;
mod invite;
mod login;
mod overlay;
mod privacy;
mod stored_text;
#[cfg(test)]
mod tests;
mod upload;
mod user;

pub use attachment::{Attachment, AttachmentList, Details, MediaType, file_name};
pub use body::{Body, Joining};
pub use client_id::{ClientId, InvalidClientId};
pub use consent::{Consent, MembershipState};
pub use conversation::{Cursor, Founding, Head, Kind, Member, Membership, Role};
pub use entry::{Entry, Seq};
pub use idempotency::{Claim, IdempotencyRecord};
pub use invite::{InvalidInviteCode, Invite, InviteCode, InviteUse, UseClaim, UseDecision};
pub use login::{EndedLogin, ExchangeDecision, Login, LoginSecret, TokenExchange, TokenGeneration};
pub use overlay::{Edit, Overlay, Reaction};
pub use privacy::{Audience, Boundary, Privacy, PrivacyChange};
pub use upload::{Chunk, ContentHash, Findings, Progress, Thumbnail, Upload, UploadError, Usage};
pub use user::{Identity, User, Username};
