//! Attacks by not reading: HTTP/2 streams with a closed window, sockets that resume from far behind.

use anyhow::{Context, Result};
use futures_util::{StreamExt, TryStreamExt, future::try_join_all, stream};
use tokio::time::{sleep_until, timeout_at};

use super::{
    load::{Got, Tally},
    trial::Trial,
};
use crate::{
    client::{Cursors, Http, TEXT_BYTES, User, request_and_read_nothing, send_large_texts},
    gateway::Settings,
    patience::{SOON, eventually},
};

/// Connections of each attacker.
const CONNECTIONS: usize = 5;
/// Requests on each connection.
const STREAMS: usize = 32;
/// The documented budget of one user for unread answers.
const USER_BYTES_MAX: u64 = (128 << 20) / 16;
/// The largest page, without its last text.
const PAGE_BYTES_MIN: u64 = (256 << 10) - 6 * TEXT_BYTES as u64;
/// Sockets that are opened at the same time.
const SOCKETS_AT_ONCE: usize = 16;

/// Makes a group of users with the largest pages of history.
async fn large_group(trial: &Trial, users: usize) -> Result<(Vec<User>, String)> {
    let users = trial.users("mallory", users).await?;
    let (first, others) = users.split_first().context("no users")?;
    let group = first.group("Large", &others.iter().collect::<Vec<_>>()).await?;
    send_large_texts(first, &group).await?;
    Ok((users, group))
}

/// Users who together may use the whole budget request the largest pages.
pub(super) async fn pages(trial: &mut Trial) -> Result<Got> {
    let (users, group) = large_group(trial, trial.plan.count(20, 2)).await?;
    let tokens: Vec<_> = users.iter().map(|user| Some(user.access_token.clone())).collect();
    let path = format!("/v1/conversations/{group}/messages?limit=100");
    let mut got = leave_unread(trial, &tokens, &path).await?;
    got.check_granted(users.len() as u64 * USER_BYTES_MAX / PAGE_BYTES_MIN);
    let refused = got.answers.with("429") + got.answers.with("503");
    got.check(refused > 0, || "no page was refused".into());
    Ok(got)
}

/// Somebody without an account requests the largest file of the page.
pub(super) async fn files(trial: &mut Trial) -> Result<Got> {
    let page = Http::new(trial.url()).call(http::Method::GET, "/").answer().await?;
    let page = String::from_utf8_lossy(&page.text).into_owned();
    let script = page.split('"').find_map(|part| part.strip_suffix(".js")).context("no script")?;
    let path = format!("/{}.js", script.trim_start_matches("./").trim_start_matches('/'));
    let nobody = vec![None; trial.plan.count(4, 1)];
    leave_unread(trial, &nobody, &path).await
}

async fn leave_unread(trial: &mut Trial, tokens: &[Option<String>], path: &str) -> Result<Got> {
    let streams = trial.plan.count(STREAMS, 10);
    let end = trial.begin(Settings::defaults()).await?;
    let url = trial.url();
    let attackers = tokens.iter().flat_map(|token| vec![token; CONNECTIONS]);
    let connections =
        attackers.map(|token| request_and_read_nothing(url, token.as_deref(), path, streams));
    let held = timeout_at(end + SOON, try_join_all(connections)).await;
    let held = held.context("the heads of all answers")??;
    let mut answers = Tally::default();
    for (statuses, _) in &held {
        for status in statuses {
            answers.add(status.as_str(), 1);
        }
    }
    sleep_until(end).await;
    let mut got = Got::of(answers);
    got.check(got.answers.granted() > 0, || "the attacker got nothing at all".into());
    let failed = got.answers.with("500");
    got.check(failed == 0, || format!("{failed} answers are 500"));
    drop(held);
    Ok(got)
}

/// Sockets resume from the beginning of large texts, and read nothing.
pub(super) async fn far_behind(trial: &mut Trial) -> Result<Got> {
    // Together they have nearly as many connections as one address may have.
    let (users, group) = large_group(trial, trial.plan.count(9, 2)).await?;
    let each = trial.plan.count(100, 20);
    let end = trial.begin(Settings::defaults()).await?;
    let resume = Cursors::from([(group.clone(), 0)]);
    let users: Vec<User> = users.iter().map(|user| user.at(trial.url())).collect();
    let sockets: Vec<_> = stream::iter(users.iter().flat_map(|user| vec![user; each]))
        .map(async |user| user.ws(Some(&resume)).await)
        .buffered(SOCKETS_AT_ONCE)
        .try_collect()
        .await?;
    sleep_until(end).await;
    let mut answers = Tally::default();
    answers.add("200", sockets.len());
    drop(sockets);
    let mut got = Got::of(answers);
    let page = eventually(SOON, async || users[0].history(&group, "limit=100").await).await;
    got.check(page.is_ok(), || format!("a page after the attack: {page:?}"));
    Ok(got)
}
