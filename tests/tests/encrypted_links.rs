//! Redis and the CQL store over TLS, with certificates on both sides.

use http::Method;
use tests::{
    Result,
    cassandra::Cassandra,
    certificates::{Authority, CertificateFiles, text},
    client::{Http, User},
    ensure,
    gateway::{Gateway, Settings},
    json,
    patience::{LATER, WHOLE, eventually, within},
    redis::Redis,
    shape::has,
};

/// The signing secret of both gateways: 32 bytes as base64url.
const SECRET: &str = "dGhlIHNlY3JldCBvZiBhbGwgZ2F0ZXdheXMgaW4gdGVzdHM";

/// Settings for a store with TLS.
fn store_settings(cassandra: &Cassandra, ca: &Authority) -> Result<Settings> {
    let secret = ca.ca().with_file_name("auth.key");
    std::fs::write(&secret, SECRET)?;
    Ok(Settings::new()
        .set("STORE", "scylla")
        .set("SCYLLA__NODES", &cassandra.nodes())
        .set("SCYLLA__REPLICATION", "1")
        .set("SCYLLA__TLS__ENABLED", "true")
        .set("SCYLLA__TLS__CA", text(&ca.ca())?)
        .set("AUTH__SECRET_FILE", text(&secret)?))
}

fn with_certificate(
    settings: Settings,
    section: &str,
    files: &CertificateFiles,
) -> Result<Settings> {
    Ok(settings
        .set(&format!("{section}__TLS__CERTIFICATE"), text(&files.certificate)?)
        .set(&format!("{section}__TLS__KEY"), text(&files.key)?))
}

/// Fails unless `confab migrate` ends with this code and logs this text.
async fn migrate(settings: &Settings, code: i32, logged: &str) -> Result<()> {
    let (mut process, _folder) = Gateway::begin_with(settings, &["migrate"])?;
    let status = process.ended(LATER).await?;
    ensure!(status.code() == Some(code), "{status} instead of {code}");
    process.line(logged, LATER).await?;
    Ok(())
}

/// Waits until hints pass.
async fn is_ready(gateway: &Gateway) -> Result<()> {
    eventually(LATER, async || {
        let ready = Http::new(gateway.admin_url()).call(Method::GET, "/readyz").answer().await?;
        ensure!(ready.body["status"] == "ready", "{ready:?}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fleet_works_when_redis_and_the_store_demand_certificates() -> Result<()> {
    let (authority, other) = (Authority::new()?, Authority::new()?);
    let Some(cassandra) = Cassandra::one_with_tls(&authority).await? else { return Ok(()) };
    let Some(redis) = Redis::start_with_tls(&authority).await? else { return Ok(()) };
    let certificate = authority.sign("gateway")?;
    let without_certificate = store_settings(&cassandra, &authority)?;
    let right = with_certificate(without_certificate.clone(), "SCYLLA", &certificate)?;

    let scenario = async {
        let wrong_ca = right.clone().set("SCYLLA__TLS__CA", text(&other.ca())?);
        migrate(&wrong_ca, 1, "invalid peer certificate").await?;
        migrate(&without_certificate, 1, "no CQL server answers").await?;
        let missing_file = right.clone().set("SCYLLA__TLS__KEY", "/nowhere/gateway.key");
        migrate(&missing_file, 64, "CONFAB__SCYLLA__TLS: /nowhere/gateway.key").await?;
        migrate(&right, 0, "the schema is up to date").await?;

        // The authority of the store is in the settings, and that of Redis comes from the system.
        let fleet = with_certificate(right, "REDIS", &certificate)?
            .set("REDIS__URLS", &redis.tls_url())
            .trust(authority.ca());
        let (one, two) = (Gateway::with(fleet.clone()).await?, Gateway::with(fleet).await?);
        is_ready(&one).await?;
        is_ready(&two).await?;
        let ada = User::register(one.url(), "ada").await?;
        let bob = User::register(two.url(), "bob").await?;
        let direct = ada.direct(&bob).await?;
        let mut listening = bob.ws(None).await?;
        ada.send(&direct, "over-tls", "hello").await?.ok(201)?;
        has(&listening.next_of("message").await?, &json!({"client_id": "over-tls"}))
    };
    within(WHOLE, "the whole scenario", Box::pin(scenario)).await?
}
