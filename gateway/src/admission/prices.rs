//! What the work of a request costs, in tokens.

/// Tokens for finding users by a single letter, which may read most of the index.
pub(super) const SHORT_SEARCH_TOKENS: u32 = 20;
/// Tokens for finding messages: a query of the index, and the logs of a page.
const MESSAGE_SEARCH_TOKENS: u32 = 20;
/// Bytes of texts that are compared with a query for one token.
pub(super) const COMPARED_BYTES_PER_TOKEN: usize = 16 * 1024;
/// Memberships that are read for one token: by a session that opens, or for the list.
pub(super) const MEMBERSHIPS_PER_TOKEN: usize = 50;
/// Bytes of a file that are received or sent for one token, or of memory in which it is examined.
pub(super) const BYTES_PER_TOKEN: u64 = 1 << 20;
/// Users whose presence is read for one token.
const PRESENCES_PER_TOKEN: usize = 10;

/// What an operation of a user costs, in tokens of the bucket for requests.
#[derive(Debug, Clone, Copy)]
pub enum Price<'a> {
    /// One token.
    Request,
    /// Finding users by the beginning of their names.
    Search(&'a str),
    /// Finding messages.
    Messages,
    /// Reading the presence of this many users.
    Presence(usize),
}

impl Price<'_> {
    pub(super) fn tokens(self) -> u32 {
        match self {
            Self::Search(query) if query.chars().nth(1).is_none() => SHORT_SEARCH_TOKENS,
            Self::Messages => MESSAGE_SEARCH_TOKENS,
            Self::Presence(users) => tokens(users, PRESENCES_PER_TOKEN),
            Self::Request | Self::Search(_) => 1,
        }
    }
}

/// Returns the tokens for this many items, at least one.
pub(super) fn tokens(items: usize, per_token: usize) -> u32 {
    u32::try_from(items.div_ceil(per_token)).unwrap_or(u32::MAX).max(1)
}
