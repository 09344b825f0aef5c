//! Guesses of the codes of invites, without an account and with one.

use anyhow::Result;
use futures_util::future::try_join4;
use http::Method;
use parking_lot::Mutex;
use serde_json::json;
use tokio::time::Instant;

use super::{
    load::{Got, Share, label, repeat, tokens},
    trial::{ATTACKER, HOME, Trial, behind_a_proxy},
};
use crate::{
    chance::Chance,
    client::{Http, User},
    shape::items,
};

/// Guesses a second of each attacker.
const A_SECOND: u32 = 200;
/// Looks a second of the honest person.
const HONEST_A_SECOND: u32 = 1;
/// Tokens of the bucket for invites: refilled a second, and at once.
const REFILLED: u32 = 1;
const BURST: u64 = 300;

/// Guesses codes with and without a token, to look and to join. Nobody gets in, and an invite is shown to
/// people elsewhere.
pub(super) async fn guesses(trial: &mut Trial) -> Result<Got> {
    let ada = trial.user("ada").await?;
    let mallory = trial.user("mallory").await?;
    let group = ada.group("Lunch", &[]).await?;
    let code = ada.invite(&group, 100).await?;
    let end = trial.begin(behind_a_proxy()).await?;
    let (url, begun) = (trial.url(), Instant::now());
    let (ada, mallory) = (ada.at(url), mallory.at(url));
    let http = Http::new(url);
    let chance = Mutex::new(Chance::new(1));
    let guess = || format!("{:011}", chance.lock().bits() % 100_000_000_000);
    let look = async |address: &str, code: &str| {
        let call = http.call(Method::GET, &format!("/v1/invites/{code}"));
        anyhow::Ok(label(&call.header("x-forwarded-for", address).answer().await?))
    };
    let join = async |user: &User, code: &str| {
        let path = format!("/v1/invites/{code}/accept");
        anyhow::Ok(label(&user.post(&path, json!({})).await?))
    };
    let (looks, joins, malformed, honest) = try_join4(
        repeat(end, A_SECOND, async |_| look(ATTACKER, &guess()).await),
        repeat(end, A_SECOND, async |_| join(&mallory, &guess()).await),
        repeat(end, A_SECOND, async |number| look(ATTACKER, &format!("guess-{number}")).await),
        repeat(end, HONEST_A_SECOND, async |_| look(HOME, &code).await),
    )
    .await?;
    let max = tokens(REFILLED, BURST, begun);
    let mut got = Got { honest: Some(Share::of(&honest)), ..Got::default() };
    for (what, answers) in [("looks", &looks), ("attempts to join", &joins)] {
        let tried = answers.with("404");
        got.check(tried > 0 && tried <= max, || format!("{tried} {what} instead of {max}"));
    }
    let refused = malformed.with("404") == malformed.total();
    got.check(refused, || format!("texts that are no codes: {malformed:?}"));
    got.answers = looks.merge(joins).merge(malformed);
    got.check(got.answers.granted() == 0, || "a guess was right".into());
    let members = ada.get(&format!("/v1/conversations/{group}/members")).await?.ok(200)?;
    got.check(items(&members).len() == 1, || format!("somebody got in: {members}"));
    Ok(got)
}
