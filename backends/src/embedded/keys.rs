//! Keys: a letter for the kind of row, then big-endian numbers, so that keys sort like the numbers.

use std::ops::RangeInclusive;

use chat_core::{
    error::StoreError,
    id::{AttachmentId, ConversationId, LoginId, UserId},
    limits::CLIENT_ID_CHARS_MAX,
    model::{ClientId, InviteCode, Seq},
    port::ReplyKey,
    time::Timestamp,
};
use fjall::UserKey;

use super::recent::RECENT_BATCHES;

/// The newest commit record, in the space of heads.
pub(super) const COMMITS: &[u8] = b"n";
/// The mark of the ids, in the space of heads.
pub(super) const ID_MARK: &[u8] = b"i";
/// The prefix of all [`recent`] keys.
pub(super) const RECENT: &[u8] = b"r";
/// Sorts after every key of [`reply`].
pub(super) const REPLIES_END: &[u8] = b"r";

/// Bytes of the longest [`idempotency`] key.
const IDEMPOTENCY_BYTES_MAX: usize = 17 + CLIENT_ID_CHARS_MAX;

fn single(letter: u8, number: u64) -> [u8; 9] {
    let mut key = [letter; 9];
    key[1..].copy_from_slice(&number.to_be_bytes());
    key
}

fn pair(letter: u8, first: u64, second: u64) -> [u8; 17] {
    let mut key = [letter; 17];
    key[1..9].copy_from_slice(&first.to_be_bytes());
    key[9..].copy_from_slice(&second.to_be_bytes());
    key
}

/// `e|conversation|seq`: an entry.
pub(super) fn entry(conversation: ConversationId, seq: Seq) -> [u8; 17] {
    pair(b'e', conversation.get(), seq.get())
}

/// `k|conversation|sender|client_id`: the seq of the entry that this client id made.
pub(super) fn idempotency(
    conversation: ConversationId,
    sender: UserId,
    client_id: &ClientId,
) -> UserKey {
    let start = pair(b'k', conversation.get(), sender.get());
    let name = client_id.as_str().as_bytes();
    let mut key = [0; IDEMPOTENCY_BYTES_MAX];
    key[..start.len()].copy_from_slice(&start);
    key[start.len()..start.len() + name.len()].copy_from_slice(name);
    UserKey::from(&key[..start.len() + name.len()])
}

/// `t|conversation`: the head.
pub(super) fn head(conversation: ConversationId) -> [u8; 9] {
    single(b't', conversation.get())
}

/// `r|slot`: what one of the newest batches moved.
pub(super) fn recent(commit: u64) -> [u8; 9] {
    single(b'r', commit % RECENT_BATCHES)
}

/// `m|conversation|user`: a member.
pub(super) fn member(conversation: ConversationId, user: UserId) -> [u8; 17] {
    pair(b'm', conversation.get(), user.get())
}

/// The keys of the members with ids above `after`.
pub(super) fn members_above(
    conversation: ConversationId,
    after: Option<UserId>,
) -> RangeInclusive<[u8; 17]> {
    let from = after.map_or(0, |after| after.get() + 1);
    pair(b'm', conversation.get(), from)..=pair(b'm', conversation.get(), u64::MAX)
}

/// `u|user|conversation`: the same member, by user.
pub(super) fn membership(user: UserId, conversation: ConversationId) -> [u8; 17] {
    pair(b'u', user.get(), conversation.get())
}

/// The prefix of all memberships of a user.
pub(super) fn memberships(user: UserId) -> [u8; 9] {
    single(b'u', user.get())
}

/// `f|conversation`: the facts of the conversation's creation.
pub(super) fn founding(conversation: ConversationId) -> [u8; 9] {
    single(b'f', conversation.get())
}

/// The keys of the conversations with ids above `after`.
pub(super) fn foundings_above(after: Option<ConversationId>) -> RangeInclusive<[u8; 9]> {
    let from = after.map_or(0, |after| after.get() + 1);
    single(b'f', from)..=single(b'f', u64::MAX)
}

/// `i|conversation`: the newest title.
pub(super) fn title(conversation: ConversationId) -> [u8; 9] {
    single(b'i', conversation.get())
}

/// `d|low|high`: the direct conversation of two users.
pub(super) fn direct(one: UserId, other: UserId) -> [u8; 17] {
    pair(b'd', one.min(other).get(), one.max(other).get())
}

/// `o|conversation|seq`: the changes that later entries made to a message.
pub(super) fn overlay(conversation: ConversationId, seq: Seq) -> [u8; 17] {
    pair(b'o', conversation.get(), seq.get())
}

/// `c|user|conversation`: a cursor.
pub(super) fn cursor(user: UserId, conversation: ConversationId) -> [u8; 17] {
    pair(b'c', user.get(), conversation.get())
}

/// `g|user|conversation`: what a member agreed to.
pub(super) fn consent(user: UserId, conversation: ConversationId) -> [u8; 17] {
    pair(b'g', user.get(), conversation.get())
}

/// The prefix of all consents of a user.
pub(super) fn consents(user: UserId) -> [u8; 9] {
    single(b'g', user.get())
}

/// `v|code`: an invite.
pub(super) fn invite(code: InviteCode) -> [u8; 9] {
    single(b'v', code.bits())
}

/// `y|code|user`: the use of an invite that a user holds.
pub(super) fn invite_use(code: InviteCode, user: UserId) -> [u8; 17] {
    pair(b'y', code.bits(), user.get())
}

/// `j|conversation|code`: an empty row for each invite of a conversation that may be live.
pub(super) fn invite_of(conversation: ConversationId, code: InviteCode) -> [u8; 17] {
    pair(b'j', conversation.get(), code.bits())
}

/// The prefix of all [`invite_of`] keys of a conversation.
pub(super) fn invites_of(conversation: ConversationId) -> [u8; 9] {
    single(b'j', conversation.get())
}

/// `b|user`: what a user allows others.
pub(super) fn boundary(user: UserId) -> [u8; 9] {
    single(b'b', user.get())
}

/// `a|user`: an account.
pub(super) fn account(user: UserId) -> [u8; 9] {
    single(b'a', user.get())
}

/// `n|username`: the owner of a username. Also the prefix of all usernames that start with `name`.
pub(super) fn username(name: &str) -> UserKey {
    std::iter::once(b'n').chain(name.bytes()).collect()
}

/// `w|word|0|user`: an empty row for each word of a display name. A word has no zero.
pub(super) fn name_word(word: &str, user: UserId) -> UserKey {
    let user = user.get().to_be_bytes();
    std::iter::once(b'w').chain(word.bytes()).chain([0]).chain(user).collect()
}

/// The prefix of all words that start with `prefix`. One character is a whole word.
pub(super) fn name_words(prefix: &str) -> UserKey {
    let end = prefix.chars().nth(1).is_none().then_some(0);
    std::iter::once(b'w').chain(prefix.bytes()).chain(end).collect()
}

/// Returns the user of a [`name_word`].
pub(super) fn user_of_name_word(key: &[u8]) -> Option<UserId> {
    let (_, user) = key.split_last_chunk()?;
    UserId::new(u64::from_be_bytes(*user))
}

/// `l|login`: a login.
pub(super) fn login(login: LoginId) -> [u8; 9] {
    single(b'l', login.get())
}

/// `s|user|login`: an empty row for each login of a user.
pub(super) fn login_of(user: UserId, login: LoginId) -> [u8; 17] {
    pair(b's', user.get(), login.get())
}

/// The prefix of all [`login_of`] keys of a user.
pub(super) fn logins_of(user: UserId) -> [u8; 9] {
    single(b's', user.get())
}

/// Sorts before every key of [`ended_login`].
pub(super) const ENDED_LOGINS_START: &[u8] = b"x";
/// Sorts after every key of [`ended_login`].
pub(super) const ENDED_LOGINS_END: &[u8] = b"y";

/// `x|until|login`: an ended login whose access tokens are refused until this time.
pub(super) fn ended_login(until: Timestamp, login: LoginId) -> [u8; 17] {
    pair(b'x', millis(until), login.get())
}

/// Sorts before the ended logins that are refused after this time, and after all others.
pub(super) fn ended_after(now: Timestamp) -> Vec<u8> {
    pair(b'x', millis(now), u64::MAX).to_vec()
}

/// `p|file`: the record of an uploaded file.
pub(super) fn upload(file: AttachmentId) -> [u8; 9] {
    single(b'p', file.get())
}

/// `h|user|file`: the bytes that a file counts for its owner.
pub(super) fn upload_of(user: UserId, file: AttachmentId) -> [u8; 17] {
    pair(b'h', user.get(), file.get())
}

/// The prefix of all [`upload_of`] keys of a user.
pub(super) fn uploads_of(user: UserId) -> [u8; 9] {
    single(b'h', user.get())
}

/// `z|time|file`: an empty row for each file that a job looks at, at this time.
pub(super) fn due_upload(at: Timestamp, file: AttachmentId) -> [u8; 17] {
    pair(b'z', millis(at), file.get())
}

/// The keys of the files that are due between these times.
pub(super) fn due_uploads(from: Timestamp, to: Timestamp) -> RangeInclusive<[u8; 17]> {
    pair(b'z', millis(from), 0)..=pair(b'z', millis(to), u64::MAX)
}

/// Returns the time in a key of [`ended_login`] or [`due_upload`].
pub(super) fn time_in(key: &[u8]) -> Option<Timestamp> {
    let millis = u64::from_be_bytes(*key.get(1..)?.first_chunk()?);
    i64::try_from(millis).ok().map(Timestamp::from_millis)
}

fn millis(time: Timestamp) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(0)
}

/// `q|user|key`: the record of an idempotency key.
pub(super) fn reply(key: &ReplyKey) -> UserKey {
    let start = single(b'q', key.user.get());
    start.iter().chain(key.key.as_bytes()).copied().collect()
}

/// Returns the error for a key that does not end with an id.
pub(super) fn malformed(key: &[u8]) -> StoreError {
    StoreError::Corrupt(format!("the key \"{}\" does not end with an id", key.escape_ascii()))
}

/// Returns the last eight bytes of a key as a number, or `None` if the key is shorter.
pub(super) fn last_number(key: &[u8]) -> Option<u64> {
    key.last_chunk::<8>().map(|bytes| u64::from_be_bytes(*bytes))
}
