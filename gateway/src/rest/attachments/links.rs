//! Links that show one file without a token, for ten minutes.
//!
//! A link is the file, who made it with which login, when it ends, and an HMAC-SHA-256 of these, in
//! base64url. Any gateway with the same signing key accepts it.

use std::{fmt, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chat_core::{
    id::{AttachmentId, LoginId, UserId},
    model::Identity,
    time::Timestamp,
};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// How long a link works.
const LIFETIME: Duration = Duration::from_secs(600);
const NUMBER_BYTES: usize = 8;
const CONTENT_BYTES: usize = 4 * NUMBER_BYTES;
const TAG_BYTES: usize = 32;
/// A block of SHA-256.
const KEY_BYTES: usize = 64;

/// What a link allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileLink {
    /// The file.
    pub file: AttachmentId,
    /// Who made the link.
    pub maker: Identity,
    /// When it ends.
    pub expires_at: Timestamp,
}

impl FileLink {
    /// Returns a link to this file that begins now.
    pub(super) fn new(file: AttachmentId, maker: Identity, now: Timestamp) -> Self {
        Self { file, maker, expires_at: now.after(LIFETIME) }
    }

    fn to_bytes(self) -> [u8; CONTENT_BYTES] {
        let numbers = [
            self.file.as_i64(),
            self.maker.user.as_i64(),
            self.maker.login.as_i64(),
            self.expires_at.as_millis(),
        ];
        let mut bytes = [0; CONTENT_BYTES];
        for (place, number) in bytes.chunks_exact_mut(NUMBER_BYTES).zip(numbers) {
            place.copy_from_slice(&number.to_be_bytes());
        }
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut numbers = bytes
            .chunks_exact(NUMBER_BYTES)
            .map(|number| number.try_into().map(i64::from_be_bytes).ok());
        let mut next = || numbers.next().flatten();
        let file = AttachmentId::from_i64(next()?)?;
        let (user, login) = (UserId::from_i64(next()?)?, LoginId::from_i64(next()?)?);
        let expires_at = Timestamp::from_millis(next()?);
        Some(Self { file, maker: Identity { user, login }, expires_at })
    }
}

/// Signs links, and checks them.
#[derive(Clone)]
pub struct LinkSigner(Hmac<Sha256>);

impl fmt::Debug for LinkSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl LinkSigner {
    /// Derives the key of links from the installation's secret, which has other uses too.
    pub fn from_secret(secret: &[u8]) -> Self {
        let key =
            Sha256::new().chain_update(b"confab file link v1").chain_update(secret).finalize();
        // A key of HMAC that is shorter than a block is filled up with zeros.
        let mut block = [0; KEY_BYTES];
        block[..key.len()].copy_from_slice(&key);
        Self(Hmac::new(&block.into()))
    }

    /// Returns the text of a link.
    pub(super) fn sign(&self, link: FileLink) -> String {
        let content = link.to_bytes();
        let tag = self.0.clone().chain_update(content).finalize().into_bytes();
        URL_SAFE_NO_PAD.encode([&content[..], &tag[..]].concat())
    }

    /// Returns the link with this text, unless it was signed with another key or has ended.
    pub(super) fn check(&self, text: &str, now: Timestamp) -> Option<FileLink> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        if bytes.len() != CONTENT_BYTES + TAG_BYTES {
            return None;
        }
        let (content, tag) = bytes.split_at(CONTENT_BYTES);
        self.0.clone().chain_update(content).verify_slice(tag).ok()?;
        FileLink::from_bytes(content).filter(|link| now < link.expires_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    fn link() -> FileLink {
        let (user, login) = (UserId::new(8).unwrap(), LoginId::new(9).unwrap());
        FileLink::new(AttachmentId::new(7).unwrap(), Identity { user, login }, NOW)
    }

    #[test]
    fn link_works_for_ten_minutes() {
        let signer = LinkSigner::from_secret(b"secret");
        let text = signer.sign(link());
        let end = NOW.after(Duration::from_secs(600));
        assert_eq!(signer.check(&text, NOW), Some(link()));
        assert_eq!(signer.check(&text, end.before(Duration::from_millis(1))), Some(link()));
        assert_eq!(signer.check(&text, end), None);
    }

    #[test]
    fn link_is_refused_when_any_bit_of_it_changes() {
        let signer = LinkSigner::from_secret(b"secret");
        let bytes = URL_SAFE_NO_PAD.decode(signer.sign(link())).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(signer.check(&URL_SAFE_NO_PAD.encode(changed), NOW), None, "bit {bit}");
        }
        for length in 0..bytes.len() {
            assert_eq!(signer.check(&URL_SAFE_NO_PAD.encode(&bytes[..length]), NOW), None);
        }
    }

    #[test]
    fn link_is_refused_when_it_was_signed_with_another_key() {
        let text = LinkSigner::from_secret(b"secret").sign(link());
        assert_eq!(LinkSigner::from_secret(b"another").check(&text, NOW), None);
    }
}
