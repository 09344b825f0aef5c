//! Access and refresh tokens: no text is accepted unless it was signed with the key.
//!
//! The first byte of an input chooses what the rest is: a token, claims that get a valid signature, a
//! header that gets one, or changes of a refresh token.

use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chat_core::{
    accounts::{RefreshKey, RefreshToken},
    id::{LoginId, Snowflake},
    time::{Clock, Timestamp},
};
use gateway::{
    fuzzing::signing_key,
    tokens::{LEEWAY, TOKEN_BYTES_MAX, TokenScope, Tokens},
};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;

const KEY: [u8; 32] = [7; 32];
const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);
const HEADER: &str = r#"{"typ":"at+jwt","alg":"HS256"}"#;
const CLAIMS: &str = r#"{"iss":"confab","aud":"confab","sub":"7","login":"8","iat":1799999999,"nbf":1799999999,"exp":1800000600}"#;

/// A clock that stands still.
#[derive(Debug)]
struct StoppedClock;

impl Clock for StoppedClock {
    fn now(&self) -> Timestamp {
        NOW
    }

    fn fresh_id(&self) -> Snowflake {
        panic!("a token needs no id")
    }
}

static TOKENS: LazyLock<Tokens> = LazyLock::new(|| {
    let scope = TokenScope { issuer: "confab".to_owned(), audience: "confab".to_owned() };
    Tokens::new(signing_key(KEY.to_vec()), scope, Duration::from_secs(600), Arc::new(StoppedClock))
});

static REFRESH_KEY: LazyLock<RefreshKey> = LazyLock::new(|| RefreshKey::from_secret(&KEY));

static REFRESH_TOKEN: LazyLock<String> = LazyLock::new(|| {
    let login = LoginId::new(8).expect("valid id");
    RefreshToken::random(login, &REFRESH_KEY).expect("random bytes").reveal()
});

pub(crate) fn check(input: &[u8]) {
    let Some((kind, content)) = input.split_first() else { return };
    match kind % 4 {
        0 => {
            if let Ok(text) = std::str::from_utf8(content) {
                check_access(text);
                check_refresh(text);
            }
        }
        1 => check_access(&signed(HEADER.as_bytes(), content)),
        2 => check_access(&signed(content, CLAIMS.as_bytes())),
        _ => check_forged_refresh(content),
    }
}

/// Checks that an accepted token is signed, current and about somebody.
fn check_access(token: &str) {
    let Ok(verified) = TOKENS.verify(token) else { return };
    assert!(token.len() <= TOKEN_BYTES_MAX);
    let (signed, signature) = token.rsplit_once('.').expect("three parts");
    let (header, claims) = signed.split_once('.').expect("three parts");
    let signature = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
    assert!(mac(signed).verify_slice(&signature).is_ok(), "not signed with the key");
    let (header, claims) = (json(header), json(claims));
    assert_eq!(header["alg"], "HS256");
    for refused in ["crit", "jku", "jwk", "x5u", "x5c"] {
        assert!(header[refused].is_null(), "{refused} is accepted");
    }
    assert_eq!(claims["sub"].as_str(), Some(&*verified.identity.user.to_string()));
    assert_eq!(claims["login"].as_str(), Some(&*verified.identity.login.to_string()));
    assert!(verified.expires_at > NOW);
    let seconds = |name| claims[name].as_i64().expect("a number");
    let latest = NOW.after(LEEWAY).as_millis();
    assert!(seconds("nbf").max(seconds("iat")).saturating_mul(1_000) <= latest);
    check_issued(verified.identity, verified.generation);
}

/// Checks that a token with the same content is accepted with that content.
fn check_issued(
    identity: chat_core::model::Identity,
    generation: Option<chat_core::model::TokenGeneration>,
) {
    let issued = TOKENS.issue(identity, generation).expect("a token");
    let again = TOKENS.verify(issued.token.expose()).expect("an accepted token");
    assert_eq!((again.identity, again.generation), (identity, generation));
}

fn check_refresh(text: &str) {
    if let Some(token) = RefreshToken::parse(text, &REFRESH_KEY) {
        assert_eq!(token.reveal(), text);
    }
}

/// Checks that a change of a refresh token is noticed. The token is changed in the bits that are set.
fn check_forged_refresh(bits: &[u8]) {
    let pairs = REFRESH_TOKEN.bytes().zip(bits.iter().chain(std::iter::repeat(&0)));
    let forged: Vec<u8> = pairs.map(|(byte, bits)| byte ^ bits).collect();
    let Ok(forged) = std::str::from_utf8(&forged) else { return };
    let is_same = forged == *REFRESH_TOKEN;
    assert_eq!(RefreshToken::parse(forged, &REFRESH_KEY).is_some(), is_same);
}

/// Returns a token with this header and these claims.
fn signed(header: &[u8], claims: &[u8]) -> String {
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let signature = mac(&signed).finalize().into_bytes();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn mac(signed: &str) -> Hmac<Sha256> {
    Hmac::<Sha256>::new_from_slice(&KEY).expect("a key of any length").chain_update(signed)
}

/// Reads a part. The library does not check that unknown members are UTF-8.
fn json(part: &str) -> Value {
    let decoded = URL_SAFE_NO_PAD.decode(part).expect("base64url");
    serde_json::from_str(&String::from_utf8_lossy(&decoded)).expect("JSON")
}
