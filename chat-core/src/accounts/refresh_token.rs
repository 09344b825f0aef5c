//! Refresh tokens: a login and 256 secret bits, in hexadecimal.
//!
//! A token's successor is `H(key || H(key || token))`: it needs the server's key, and the same token
//! gives the same successor on every gateway. Of a token the store keeps the SHA-256 only.

use std::{fmt, str::FromStr};

use sha2::{Digest, Sha256};

use crate::{id::LoginId, model::LoginSecret};

const LOGIN_BYTES: usize = 8;
const SECRET_BYTES: usize = 32;
const TOKEN_BYTES: usize = LOGIN_BYTES + SECRET_BYTES;
const KEY_LABEL: &[u8] = b"confab refresh token v1";

/// Why a text is no refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a refresh token")]
pub struct InvalidRefreshToken;

/// The server's key for successors. Another key makes repeats of lost answers look like reuse.
#[derive(Clone)]
pub struct RefreshKey([u8; 32]);

impl RefreshKey {
    /// The key that follows from the installation's secret, which may serve other ends too.
    pub fn from_secret(secret: &[u8]) -> Self {
        Self(digest(&[KEY_LABEL, secret]))
    }
}

impl fmt::Debug for RefreshKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// A refresh token. It has no `Display`: who wants its text says [`RefreshToken::reveal`].
#[derive(Clone, PartialEq, Eq)]
pub struct RefreshToken {
    login: LoginId,
    secret: [u8; SECRET_BYTES],
}

impl RefreshToken {
    /// The first token of a login, from the system's source of random bytes.
    pub fn fresh(login: LoginId) -> Result<Self, getrandom::Error> {
        let mut secret = [0; SECRET_BYTES];
        getrandom::fill(&mut secret)?;
        Ok(Self { login, secret })
    }

    /// The login it belongs to.
    pub const fn login(&self) -> LoginId {
        self.login
    }

    /// The token that it is exchanged for.
    #[must_use]
    pub fn successor(&self, key: &RefreshKey) -> Self {
        let inner = digest(&[&key.0, &self.bytes()]);
        Self { login: self.login, secret: digest(&[&key.0, &inner]) }
    }

    /// What a store keeps of it.
    pub fn secret(&self) -> LoginSecret {
        LoginSecret(digest(&[&self.bytes()]))
    }

    /// Its text, for its owner only: 80 digits of `0-9 a-f`.
    pub fn reveal(&self) -> String {
        let digit = |value: u8| char::from(b"0123456789abcdef"[usize::from(value)]);
        self.bytes().iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
    }

    fn bytes(&self) -> [u8; TOKEN_BYTES] {
        let mut bytes = [0; TOKEN_BYTES];
        bytes[..LOGIN_BYTES].copy_from_slice(&self.login.get().to_be_bytes());
        bytes[LOGIN_BYTES..].copy_from_slice(&self.secret);
        bytes
    }
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Exactly what [`RefreshToken::reveal`] wrote: a token has one text.
impl FromStr for RefreshToken {
    type Err = InvalidRefreshToken;

    fn from_str(text: &str) -> Result<Self, InvalidRefreshToken> {
        let digits = text.as_bytes();
        if digits.len() != 2 * TOKEN_BYTES {
            return Err(InvalidRefreshToken);
        }
        let mut bytes = [0; TOKEN_BYTES];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = value(pair[0])? << 4 | value(pair[1])?;
        }
        let (login, rest) = bytes.split_first_chunk().ok_or(InvalidRefreshToken)?;
        let login = LoginId::new(u64::from_be_bytes(*login)).ok_or(InvalidRefreshToken)?;
        let secret = rest.try_into().map_err(|_| InvalidRefreshToken)?;
        Ok(Self { login, secret })
    }
}

const fn value(digit: u8) -> Result<u8, InvalidRefreshToken> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        _ => Err(InvalidRefreshToken),
    }
}

fn digest(parts: &[&[u8]]) -> [u8; 32] {
    let hash = parts.iter().fold(Sha256::new(), |hash, part| hash.chain_update(part));
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn token(login: u64) -> RefreshToken {
        RefreshToken::fresh(LoginId::new(login).unwrap()).unwrap()
    }

    #[test]
    fn successor_is_the_same_everywhere_and_needs_the_key() {
        let (key, other) = (RefreshKey::from_secret(b"a"), RefreshKey::from_secret(b"b"));
        let first = token(7);
        let next = first.successor(&key);
        assert_eq!(next, first.successor(&RefreshKey::from_secret(b"a")));
        assert_ne!(next, first.successor(&other));
        assert_ne!(next, first);
        assert_ne!(next.successor(&key), next);
        assert_eq!(next.login(), first.login());
        assert_ne!(next.secret(), first.secret());
    }

    #[test]
    fn successor_is_the_documented_formula() {
        let bytes: Vec<u8> = 1_u64.to_be_bytes().into_iter().chain([0xab; 32]).collect();
        let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let key = Sha256::digest(b"confab refresh token v1k");
        let inner = Sha256::digest([key.as_slice(), &bytes].concat());
        let outer = Sha256::digest([key.as_slice(), &inner].concat());
        let token: RefreshToken = text.parse().unwrap();
        assert_eq!(token.reveal(), text);
        assert_eq!(token.successor(&RefreshKey::from_secret(b"k")).secret.as_slice(), &*outer);
        assert_eq!(token.secret().0.as_slice(), &*Sha256::digest(&bytes));
    }

    #[test]
    fn tokens_are_never_alike_and_never_shown() {
        let (one, two) = (token(9), token(9));
        assert_ne!(one, two);
        assert_eq!(format!("{one:?} {:?}", RefreshKey::from_secret(b"x")), "*** ***");
    }

    #[test]
    fn only_the_text_that_was_revealed_is_a_token() {
        let text = token(7).reveal();
        assert_eq!(text.parse::<RefreshToken>().unwrap().reveal(), text);
        let nobody = format!("{}{}", "0".repeat(16), &text[16..]);
        let beyond = format!("{}{}", "f".repeat(16), &text[16..]);
        for bad in [
            "",
            &text[1..],
            &format!("{text}0"),
            &text.replace(&text[..1], "g"),
            &text.to_uppercase().replace('0', "A"),
            &nobody,
            &beyond,
            &"é".repeat(40),
        ] {
            assert_eq!(bad.parse::<RefreshToken>(), Err(InvalidRefreshToken), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn every_token_reads_as_it_was_revealed(
            login in 1..=i64::MAX.cast_unsigned(),
            secret in any::<[u8; 32]>(),
        ) {
            let token = RefreshToken { login: LoginId::new(login).unwrap(), secret };
            prop_assert_eq!(token.reveal().parse::<RefreshToken>(), Ok(token));
        }

        #[test]
        fn any_text_is_read_without_a_panic(text in "\\PC{0,90}") {
            prop_assert!(text.parse::<RefreshToken>().is_err());
        }
    }
}
