//! The domain on memory ports and paused time: several gateways on one store.
#![expect(clippy::unwrap_used, reason = "tests")]

mod attachments;
mod concurrent_writes;
mod consent;
mod contention;
mod conversations;
mod creation;
mod delivery_order;
mod ended_logins;
mod examined_files;
mod feeds;
mod group_commit;
mod invites;
mod message_limits;
mod openings;
mod privacy;
mod privacy_after_removal;
mod removals;
mod rights;
mod scene;
mod search;
mod sessions;
mod shared_conversations;
mod stale_heads;
mod stale_state;
mod unknown_outcomes;
mod upkeep;
