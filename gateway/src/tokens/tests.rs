//! Which tokens and key files are refused, and with which error.

use std::os::unix::fs::PermissionsExt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chat_core::time::TestClock;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::time::advance;

use super::*;

const TTL: Duration = Duration::from_secs(600);

fn identity() -> Identity {
    Identity { user: UserId::new(5).unwrap(), login: LoginId::new(7).unwrap() }
}

fn tokens() -> Tokens {
    let clock = Arc::new(TestClock::new(Timestamp::from_millis(1_000_000_000_000), 0));
    let scope = TokenScope { issuer: "confab".into(), audience: "confab".into() };
    Tokens::new(SigningKey::random().unwrap(), scope, TTL, clock)
}

/// Returns the header and the claims of a valid token.
fn parts(tokens: &Tokens) -> (Value, Value) {
    let issued = tokens.issue(identity(), None).unwrap();
    let mut parts = issued.token.expose().split('.').map(|part| URL_SAFE_NO_PAD.decode(part));
    let mut next = || serde_json::from_slice(&parts.next().unwrap().unwrap()).unwrap();
    (next(), next())
}

/// Signs any header and claims with the key.
fn signed(tokens: &Tokens, header: &Value, claims: &Value) -> String {
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", encode(header), encode(claims));
    let mac = Hmac::<Sha256>::new_from_slice(tokens.key.bytes()).unwrap();
    let mac = mac.chain_update(&message).finalize().into_bytes();
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(mac))
}

#[tokio::test(start_paused = true)]
async fn token_is_valid_until_it_expires() {
    let tokens = tokens();
    let issued = tokens.issue(identity(), None).unwrap();
    assert_eq!(issued.expires_in, 600);
    let verified = tokens.verify(issued.token.expose()).unwrap();
    assert_eq!(verified.identity, identity());
    assert_eq!(verified.expires_at, tokens.clock.now().after(TTL));
    advance(Duration::from_millis(599_999)).await;
    assert!(tokens.verify(issued.token.expose()).is_ok());
    advance(Duration::from_millis(1)).await;
    assert_eq!(tokens.verify(issued.token.expose()), Err(ChatError::TokenExpired));
}

#[tokio::test(start_paused = true)]
async fn signed_token_is_refused_when_its_header_says_more() {
    let tokens = tokens();
    let (header, claims) = parts(&tokens);
    assert!(tokens.verify(&signed(&tokens, &header, &claims)).is_ok());
    for (name, value) in [
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("jku", json!("https://example.org/keys")),
        ("jwk", json!({"kty": "oct", "k": "AAAA"})),
        ("x5u", json!("https://example.org/chain")),
        ("x5c", json!(["AAAA"])),
        ("typ", json!("JWT")),
        ("typ", Value::Null),
        ("alg", json!("HS512")),
        ("alg", json!("none")),
        ("alg", json!("RS256")),
        ("kid", json!("another")),
        ("kid", json!("")),
        ("zip", json!("DEF")),
    ] {
        let mut header = header.clone();
        header[name] = value;
        let refused = tokens.verify(&signed(&tokens, &header, &claims));
        assert_eq!(refused, Err(NOT_VALID), "{header}");
    }
    let mut nameless = header;
    nameless.as_object_mut().unwrap().remove("kid");
    assert!(tokens.verify(&signed(&tokens, &nameless, &claims)).is_ok(), "there is only one key");
}

#[tokio::test(start_paused = true)]
async fn signed_token_is_refused_when_its_claims_are_wrong() {
    let tokens = tokens();
    let (header, claims) = parts(&tokens);
    for (name, value) in [
        ("iss", json!("another")),
        ("aud", json!("another")),
        ("sub", json!("0")),
        ("sub", json!(5)),
        ("login", json!("x")),
        ("nbf", json!(1_000_000_006)),
        ("iat", json!(1_000_000_006)),
        ("exp", json!("soon")),
        ("exp", json!(1e30)),
    ] {
        let mut claims = claims.clone();
        claims[name] = value;
        let refused = tokens.verify(&signed(&tokens, &header, &claims));
        assert_eq!(refused, Err(NOT_VALID), "{claims}");
    }
    for name in ["iss", "aud", "sub", "login", "nbf", "iat", "exp"] {
        let mut claims = claims.clone();
        claims.as_object_mut().unwrap().remove(name);
        let refused = tokens.verify(&signed(&tokens, &header, &claims));
        assert_eq!(refused, Err(NOT_VALID), "without {name}");
    }
    let mut ahead = claims;
    ahead["nbf"] = json!(1_000_000_005);
    assert!(tokens.verify(&signed(&tokens, &header, &ahead)).is_ok(), "within the leeway");
}

#[tokio::test(start_paused = true)]
async fn token_is_refused_when_any_of_it_is_changed() {
    let tokens = tokens();
    let good = tokens.issue(identity(), None).unwrap();
    let good = good.token.expose();
    let (start, mac) = good.rsplit_once('.').unwrap();
    let flipped = mac.replacen(&mac[..1], if mac.starts_with('A') { "B" } else { "A" }, 1);
    for bad in [
        String::new(),
        "..".to_owned(),
        start.to_owned(),
        format!("{start}."),
        format!("{start}.{flipped}"),
        format!("{good}="),
        format!("{good}.{mac}"),
        format!(" {good}"),
        good.replace('.', ".."),
        "a".repeat(TOKEN_BYTES_MAX + 1),
        format!("{good}{}", "a".repeat(TOKEN_BYTES_MAX)),
    ] {
        assert_eq!(tokens.verify(&bad), Err(NOT_VALID), "{bad:.80}");
    }
    assert!(!format!("{:?} {tokens:?}", tokens.issue(identity(), None)).contains("eyJ"));
}

#[tokio::test(start_paused = true)]
async fn token_is_refused_when_another_key_signed_it() {
    let issued = tokens().issue(identity(), None).unwrap();
    assert_eq!(tokens().verify(issued.token.expose()), Err(NOT_VALID));
}

#[test]
fn key_file_is_created_once_and_is_private() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("auth.key");
    let created = SigningKey::read_or_create(&path).unwrap();
    let access = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(access & 0o777, 0o600);
    assert_eq!(SigningKey::read_or_create(&path).unwrap().bytes(), created.bytes());
    assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 1);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    assert_eq!(created.bytes().len(), 32);
}

#[test]
fn key_file_is_refused_when_it_has_no_valid_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("auth.key");
    let read = |content: &str| {
        std::fs::write(&path, content).unwrap();
        SigningKey::read(&path).map(|key| key.bytes().len())
    };
    let line = |bytes: usize| URL_SAFE_NO_PAD.encode(vec![255; bytes]);
    assert_eq!(read(&line(32)).unwrap(), 32);
    assert_eq!(read(&format!("{}\n", line(64))).unwrap(), 64);
    assert_eq!(read(&format!("{}=\r\n", line(32))).unwrap(), 32);
    for bad in
        [line(31), line(65), String::new(), format!("{}\nx", line(32)), line(32).replace('_', "/")]
    {
        assert!(matches!(read(&bad), Err(KeyError::Content { .. })), "{bad}");
    }
    std::fs::remove_file(&path).unwrap();
    let missing = SigningKey::read(&path).unwrap_err().to_string();
    assert!(missing.contains("auth.key"), "{missing}");
}
