//! Refresh tokens: a login, 256 secret bits and a tag, in hexadecimal.
//!
//! A token's successor is `H(key || H(key || login || secret))`. Deriving it needs the server's
//! key, and every gateway derives the same one. The store keeps only the SHA-256 of login and
//! secret.
//!
//! The tag proves that the server made the token. Without it, anybody who guesses a login's id
//! could end that login with an invented "old" token.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::{id::LoginId, model::LoginSecret};

const LOGIN_BYTES: usize = 8;
const SECRET_BYTES: usize = 32;
const TAG_BYTES: usize = 16;
const TOKEN_BYTES: usize = LOGIN_BYTES + SECRET_BYTES + TAG_BYTES;

/// The server's keys for refresh tokens. When they change, all refresh tokens become invalid.
#[derive(Clone)]
pub struct RefreshKey {
    successor: [u8; 32],
    tag: [u8; 32],
}

impl RefreshKey {
    /// Derives the keys from the installation's secret, which may have other uses too.
    pub fn from_secret(secret: &[u8]) -> Self {
        Self {
            successor: digest(&[b"confab refresh token successor v1", secret]),
            tag: digest(&[b"confab refresh token tag v1", secret]),
        }
    }
}

impl fmt::Debug for RefreshKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// A refresh token. It has no `Display`, so that only [`RefreshToken::reveal`] gives its text away.
#[derive(Clone, PartialEq, Eq)]
pub struct RefreshToken {
    login: LoginId,
    secret: [u8; SECRET_BYTES],
    tag: [u8; TAG_BYTES],
}

impl RefreshToken {
    /// Makes the first token of a login from the system's random bytes.
    pub fn random(login: LoginId, key: &RefreshKey) -> Result<Self, getrandom::Error> {
        let mut secret = [0; SECRET_BYTES];
        getrandom::fill(&mut secret)?;
        Ok(Self::with_tag(login, secret, key))
    }

    /// Parses a text that [`Self::reveal`] wrote with the same key. Returns `None` for other texts.
    pub fn parse(text: &str, key: &RefreshKey) -> Option<Self> {
        let bytes = decode_hex(text)?;
        let (login, rest) = bytes.split_first_chunk()?;
        let (secret, tag) = rest.split_first_chunk()?;
        let token = Self::with_tag(LoginId::new(u64::from_be_bytes(*login))?, *secret, key);
        let difference = token.tag.iter().zip(tag).fold(0, |sum, (one, two)| sum | (one ^ two));
        (difference == 0).then_some(token)
    }

    /// Returns the login that the token belongs to.
    pub const fn login(&self) -> LoginId {
        self.login
    }

    /// Derives the token that this one is exchanged for.
    #[must_use]
    pub fn successor(&self, key: &RefreshKey) -> Self {
        Self::with_tag(self.login, keyed(&key.successor, self.login, &self.secret), key)
    }

    /// Returns the hash that stores keep.
    pub fn secret(&self) -> LoginSecret {
        LoginSecret(digest(&[&login_bytes(self.login), &self.secret]))
    }

    /// Returns the text for the token's owner: 112 digits of `0-9 a-f`.
    pub fn reveal(&self) -> String {
        let digit = |value: u8| char::from(b"0123456789abcdef"[usize::from(value)]);
        let bytes = [&login_bytes(self.login)[..], &self.secret, &self.tag].concat();
        bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
    }

    fn with_tag(login: LoginId, secret: [u8; SECRET_BYTES], key: &RefreshKey) -> Self {
        let mut tag = [0; TAG_BYTES];
        tag.copy_from_slice(&keyed(&key.tag, login, &secret)[..TAG_BYTES]);
        Self { login, secret, tag }
    }
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

fn decode_hex(text: &str) -> Option<[u8; TOKEN_BYTES]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * TOKEN_BYTES {
        return None;
    }
    let mut bytes = [0; TOKEN_BYTES];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = hex_value(pair[0])? << 4 | hex_value(pair[1])?;
    }
    Some(bytes)
}

const fn hex_value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

const fn login_bytes(login: LoginId) -> [u8; LOGIN_BYTES] {
    login.get().to_be_bytes()
}

fn keyed(key: &[u8; 32], login: LoginId, secret: &[u8; SECRET_BYTES]) -> [u8; 32] {
    digest(&[key, &digest(&[key, &login_bytes(login), secret])])
}

fn digest(parts: &[&[u8]]) -> [u8; 32] {
    let hash = parts.iter().fold(Sha256::new(), Sha256::chain_update);
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key() -> RefreshKey {
        RefreshKey::from_secret(b"a")
    }

    fn token(login: u64) -> RefreshToken {
        RefreshToken::random(LoginId::new(login).unwrap(), &key()).unwrap()
    }

    #[test]
    fn successor_depends_on_token_and_key_only() {
        let other = RefreshKey::from_secret(b"b");
        let first = token(7);
        let next = first.successor(&key());
        assert_eq!(next, first.successor(&key()));
        assert_ne!(next.secret(), first.successor(&other).secret());
        assert_ne!(next.secret(), first.secret());
        assert_ne!(next.successor(&key()).secret(), next.secret());
        assert_eq!(next.login(), first.login());
    }

    #[test]
    fn token_follows_the_documented_formula() {
        let login = LoginId::new(1).unwrap();
        let token = RefreshToken::with_tag(login, [0xab; 32], &key());
        let bytes = [&1_u64.to_be_bytes()[..], &[0xab; 32]].concat();
        let keyed = |label: &[u8]| {
            let key = Sha256::digest([label, b"a"].concat());
            Sha256::digest([&key[..], &Sha256::digest([&key[..], &bytes].concat())].concat())
        };
        assert_eq!(token.secret().0[..], Sha256::digest(&bytes)[..]);
        assert_eq!(token.tag, keyed(b"confab refresh token tag v1")[..16]);
        let successor = token.successor(&key());
        assert_eq!(successor.secret, keyed(b"confab refresh token successor v1")[..]);
        let text = token.reveal();
        assert_eq!((&text[..16], &text[16..80]), ("0000000000000001", &*"ab".repeat(32)));
    }

    #[test]
    fn random_tokens_differ_and_debug_hides_them() {
        let (one, two) = (token(9), token(9));
        assert_ne!(one, two);
        assert_eq!(format!("{one:?} {:?}", key()), "*** ***");
    }

    #[test]
    fn text_is_refused_when_this_server_did_not_write_it() {
        let text = token(7).reveal();
        assert_eq!(RefreshToken::parse(&text, &key()).unwrap().reveal(), text);
        assert_eq!(RefreshToken::parse(&text, &RefreshKey::from_secret(b"b")), None);
        let zero_login = format!("{}{}", "0".repeat(16), &text[16..]);
        let login_out_of_range = format!("{}{}", "f".repeat(16), &text[16..]);
        let other_login = format!("{:016x}{}", 8, &text[16..]);
        let upper = text.to_uppercase();
        let longer = format!("{text}0");
        for bad in [
            "",
            &text[1..],
            &longer,
            &upper,
            &zero_login,
            &login_out_of_range,
            &other_login,
            &"é".repeat(TOKEN_BYTES),
        ] {
            assert_eq!(RefreshToken::parse(bad, &key()), None, "{bad}");
        }
    }

    #[test]
    fn token_is_refused_when_any_digit_changes() {
        let text = token(7).reveal();
        for place in 0..text.len() {
            for digit in
                "0123456789abcdef".chars().filter(|digit| !text[place..].starts_with(*digit))
            {
                let forged = format!("{}{digit}{}", &text[..place], &text[place + 1..]);
                assert_eq!(RefreshToken::parse(&forged, &key()), None, "{place}");
            }
        }
    }

    proptest! {
        #[test]
        fn every_token_is_parsed_from_its_text(
            login in 1..=i64::MAX.cast_unsigned(),
            secret in any::<[u8; 32]>(),
        ) {
            let token = RefreshToken::with_tag(LoginId::new(login).unwrap(), secret, &key());
            prop_assert_eq!(RefreshToken::parse(&token.reveal(), &key()), Some(token));
        }

        #[test]
        fn other_texts_are_refused_without_a_panic(text in "\\PC{0,120}|[0-9a-f]{112}") {
            prop_assert!(RefreshToken::parse(&text, &key()).is_none());
        }
    }
}
