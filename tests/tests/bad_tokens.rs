//! Forged, altered and misused tokens are refused everywhere.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use http::Method;
use sha2::Sha256;
use tests::{
    Result, Value,
    client::{User, Ws},
    ensure, json,
    shape::has,
    stage::Stage,
};

/// The parts of a real token and the key that signed it.
struct Forge {
    header: Value,
    claims: Value,
    key: Vec<u8>,
}

impl Forge {
    fn new(stage: &Stage, user: &User) -> Result<Self> {
        let secret = std::fs::read_to_string(stage.gateway.data().join("auth.key"))?;
        let mut parts = user.access_token.split('.').map(|part| -> Result<Value> {
            Ok(serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part)?)?)
        });
        let mut part = || parts.next().unwrap_or(Ok(Value::Null));
        Ok(Self { header: part()?, claims: part()?, key: URL_SAFE_NO_PAD.decode(secret.trim())? })
    }

    /// Returns a correctly signed token of these parts.
    fn token(&self, header: &Value, claims: &Value) -> Result<String> {
        Self::signed(header, claims, &self.key)
    }

    fn signed(header: &Value, claims: &Value, key: &[u8]) -> Result<String> {
        let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let message = format!("{}.{}", encode(header), encode(claims));
        let mut mac = Hmac::<Sha256>::new_from_slice(key)?;
        mac.update(message.as_bytes());
        Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())))
    }

    fn with(part: &Value, name: &str, value: Value) -> Value {
        let mut part = part.clone();
        part[name] = value;
        part
    }

    fn without(part: &Value, name: &str) -> Value {
        let mut part = part.clone();
        part.as_object_mut().map(|part| part.remove(name));
        part
    }
}

/// Fails unless every transport refuses this token.
async fn is_refused(user: &User, name: &str, token: &str, code: &str) -> Result<()> {
    let call = |method, path: &str| user.http().call(method, path).token(token);
    let why = |error: anyhow::Error| error.context(name.to_owned());
    let me = call(Method::GET, "/v1/me").answer().await?;
    me.refused(401, code).map_err(why)?;
    let poll = call(Method::POST, "/v1/poll").json(&json!({"wait_ms": 0})).answer().await?;
    poll.refused(401, code).map_err(why)?;
    let mut ws = Ws::open(user.http().url()).await?;
    ws.refused("hello", json!({"token": token}), code).await.map_err(why)?;
    let close = if code == "token_expired" { 4001 } else { 4500 };
    ensure!(ws.closed().await? == close, "{name}: not closed with {close}");
    Ok(())
}

#[tokio::test]
async fn correctly_signed_token_is_accepted() -> Result<()> {
    let stage = Stage::open().await?;
    let ada = stage.user("ada").await?;
    let forge = Forge::new(&stage, &ada)?;
    has(&forge.header, &json!({"typ": "at+jwt", "alg": "HS256"}))?;
    let token = forge.token(&forge.header, &forge.claims)?;
    let me = ada.http().call(Method::GET, "/v1/me").token(&token).answer().await?;
    has(&me.ok(200)?, &json!({"id": ada.id}))
}

#[tokio::test]
async fn token_with_a_foreign_header_is_refused() -> Result<()> {
    let stage = Stage::open().await?;
    let ada = stage.user("ada").await?;
    let forge = Forge::new(&stage, &ada)?;
    let header = |name: &str, value: Value| Forge::with(&forge.header, name, value);
    let heads = [
        ("alg none", header("alg", json!("none"))),
        ("alg NONE", header("alg", json!("NONE"))),
        ("alg HS512", header("alg", json!("HS512"))),
        ("alg RS256", header("alg", json!("RS256"))),
        ("alg lower case", header("alg", json!("hs256"))),
        ("no alg", Forge::without(&forge.header, "alg")),
        ("unknown kid", header("kid", json!("another"))),
        ("kid as a path", header("kid", json!("../../auth.key"))),
        ("crit", header("crit", json!(["exp"]))),
        ("empty crit", header("crit", json!([]))),
        ("jku", header("jku", json!("http://127.0.0.1/keys"))),
        ("jwk", header("jwk", json!({"kty": "oct", "k": "AAAA"}))),
        ("x5u", header("x5u", json!("http://127.0.0.1/keys"))),
        ("x5c", header("x5c", json!(["AAAA"]))),
        ("typ JWT", header("typ", json!("JWT"))),
        ("no typ", Forge::without(&forge.header, "typ")),
        ("no object", json!("HS256")),
    ];
    for (name, head) in heads {
        let token = forge.token(&head, &forge.claims)?;
        is_refused(&ada, name, &token, "unauthenticated").await?;
    }
    Ok(())
}

#[tokio::test]
async fn token_with_foreign_claims_is_refused() -> Result<()> {
    let stage = Stage::open().await?;
    let ada = stage.user("ada").await?;
    let forge = Forge::new(&stage, &ada)?;
    let claims = |name: &str, value: Value| Forge::with(&forge.claims, name, value);
    let far = json!(4_000_000_000_u64);
    for (name, claims) in [
        ("another issuer", claims("iss", json!("somebody"))),
        ("another audience", claims("aud", json!("somewhere"))),
        ("not yet", claims("nbf", far)),
        ("a user that is no id", claims("sub", json!("../1"))),
        ("no sub", Forge::without(&forge.claims, "sub")),
        ("no login", Forge::without(&forge.claims, "login")),
        ("no exp", Forge::without(&forge.claims, "exp")),
        ("exp as text", claims("exp", json!("4000000000"))),
        ("no object", json!([])),
    ] {
        let token = forge.token(&forge.header, &claims)?;
        is_refused(&ada, name, &token, "unauthenticated").await?;
    }
    let expired = claims("exp", json!(1_750_000_000_u64));
    let expired = Forge::with(&expired, "nbf", json!(1_740_000_000_u64));
    let expired = Forge::with(&expired, "iat", json!(1_740_000_000_u64));
    let token = forge.token(&forge.header, &expired)?;
    is_refused(&ada, "expired", &token, "token_expired").await?;
    // A token of another issuer is invalid before it is expired.
    let token = Forge::signed(&forge.header, &expired, b"another key of some 32 bytes ...")?;
    is_refused(&ada, "expired and forged", &token, "unauthenticated").await
}

#[tokio::test]
async fn token_with_a_broken_signature_is_refused() -> Result<()> {
    let stage = Stage::open().await?;
    let (ada, bob, _) = stage.ada_bob_eve().await?;
    let forge = Forge::new(&stage, &ada)?;
    let good = &ada.access_token;
    let (message, signature) = good.rsplit_once('.').unwrap_or_default();
    let bobs = bob.access_token.rsplit('.').next().unwrap_or_default();
    let unsigned =
        Forge::signed(&Forge::with(&forge.header, "alg", json!("none")), &forge.claims, b"x")?;
    let unsigned = unsigned.rsplit_once('.').map(|(message, _)| format!("{message}."));
    for (name, token) in [
        ("another's signature", format!("{message}.{bobs}")),
        ("no signature", format!("{message}.")),
        ("two parts", message.to_owned()),
        ("four parts", format!("{good}.x")),
        ("half a signature", format!("{message}.{}", &signature[..20])),
        ("alg none without a signature", unsigned.unwrap_or_default()),
        (
            "another key",
            Forge::signed(&forge.header, &forge.claims, b"another key of 32 bytes or so ..")?,
        ),
        ("an empty key", Forge::signed(&forge.header, &forge.claims, b"")?),
        ("padding", format!("{good}=")),
        ("a refresh token", ada.refresh_token.clone()),
        ("long nonsense", "x".repeat(8_000)),
    ] {
        is_refused(&ada, name, &token, "unauthenticated").await?;
    }
    Ok(())
}

#[tokio::test]
async fn only_the_bearer_scheme_is_accepted() -> Result<()> {
    let stage = Stage::open().await?;
    let ada = stage.user("ada").await?;
    let token = &ada.access_token;
    for header in
        [token.clone(), format!("Basic {token}"), format!("Token {token}"), "Bearer".into()]
    {
        let call = ada.http().call(Method::GET, "/v1/me").header("authorization", &header);
        call.answer().await?.refused(401, "unauthenticated")?;
    }
    let call = ada.http().call(Method::GET, "/v1/me");
    call.header("authorization", &format!("bearer {token}")).answer().await?.ok(200)?;
    Ok(())
}

#[tokio::test]
async fn signing_key_is_readable_by_its_owner_only() -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let stage = Stage::open().await?;
    let key = stage.gateway.data().join("auth.key");
    assert_eq!(key.metadata()?.permissions().mode() & 0o777, 0o600);
    Ok(())
}
