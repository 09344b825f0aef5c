//! Attacks by expensive reads: long lists, presence, searches.

use std::time::Duration;

use anyhow::Result;
use futures_util::{StreamExt, TryStreamExt, future::try_join_all, stream};
use tokio::time::Instant;

use super::{
    load::{Got, label, repeat, tokens},
    trial::Trial,
    writes::sum,
};
use crate::{
    client::{Cursors, User},
    gateway::Settings,
    shape::items,
};

/// Requests a second of one connection.
const A_SECOND: u32 = 100;
/// Groups that are made at the same time.
const GROUPS_AT_ONCE: usize = 64;
/// Tokens a second for other requests than writes.
const COMMANDS_PER_SECOND: u32 = 100;
/// The same at once: a burst, and a debt of a burst.
const COMMANDS_AT_ONCE: u64 = 1_000;

/// Makes groups that have no other member.
async fn make_groups(user: &User, count: usize) -> Result<()> {
    stream::iter(0..count)
        .map(async |number| user.group(&format!("group {number}"), &[]).await)
        .buffer_unordered(GROUPS_AT_ONCE)
        .try_for_each(async |_| Ok(()))
        .await
}

/// A user with a long list of conversations polls with no cursors from two devices.
pub(super) async fn long_list(trial: &mut Trial) -> Result<Got> {
    let mallory = trial.user("mallory").await?;
    let memberships = trial.plan.count(10_000, 500);
    make_groups(&mallory, memberships).await?;
    let end = trial.begin(Settings::defaults()).await?;
    let (mallory, begun) = (mallory.at(trial.url()), Instant::now());
    let pollers = (0..2).map(async |_| {
        let polled = repeat(end, A_SECOND, async |_| {
            Ok(label(&mallory.poll(Some(&Cursors::new()), Duration::ZERO).await?))
        });
        polled.await
    });
    let mut got = Got::of(sum(try_join_all(pollers).await?));
    // A poll costs a token for 50 memberships. Two may begin before either is paid.
    let price = memberships as u64 / 50;
    got.check_granted(tokens(COMMANDS_PER_SECOND, COMMANDS_AT_ONCE, begun) / price + 2);
    Ok(got)
}

/// A stranger asks 100 times in one request for the presence of somebody with a long list.
pub(super) async fn presence(trial: &mut Trial) -> Result<Got> {
    let (mallory, bob) = (trial.user("mallory").await?, trial.user("bob").await?);
    make_groups(&bob, trial.plan.count(5_000, 100)).await?;
    let path = format!("/v1/presence?users={}", vec![&*bob.id; 100].join(","));
    let end = trial.begin(Settings::defaults()).await?;
    let (mallory, begun) = (mallory.at(trial.url()), Instant::now());
    let mut shown = 0;
    let asked = repeat(end, A_SECOND, async |_| {
        let answer = mallory.get(&path).await?;
        let statuses = items(&answer.body).iter().filter_map(|item| item["status"].as_str());
        shown += statuses.filter(|status| *status != "unknown").count();
        Ok(label(&answer))
    });
    let mut got = Got::of(asked.await?);
    got.check_granted(tokens(COMMANDS_PER_SECOND, COMMANDS_AT_ONCE, begun));
    got.check(shown == 0, || format!("a stranger's presence was shown {shown} times"));
    Ok(got)
}

/// A user searches long texts for a phrase that each of them has nearly, from four connections. The index
/// does not know where in a text an unfinished word is, so all these texts are read and compared.
pub(super) async fn message_searches(trial: &mut Trial) -> Result<Got> {
    let mallory = trial.user("mallory").await?;
    let group = mallory.group("words", &[]).await?;
    let text = format!("last {}", "a b ".repeat(4_000));
    for number in 0..trial.plan.count(500, 20) {
        mallory.send(&group, &format!("id-{number}"), &text).await?.ok(201)?;
    }
    let phrase = "a+b+".repeat(60);
    searches(trial, &mallory, &format!("/v1/search?q=%22{phrase}l&limit=100")).await
}

/// A user searches by the letter that many names begin with.
pub(super) async fn short_searches(trial: &mut Trial) -> Result<Got> {
    let mallory = trial.user("mallory").await?;
    trial.users("person", trial.plan.count(200, 10)).await?;
    searches(trial, &mallory, "/v1/users?query=p&limit=50").await
}

/// Repeats a search that costs 20 tokens on four connections.
async fn searches(trial: &mut Trial, mallory: &User, path: &str) -> Result<Got> {
    let end = trial.begin(Settings::defaults()).await?;
    let (mallory, begun) = (mallory.at(trial.url()), Instant::now());
    let searchers = (0..4).map(async |_| {
        let searched = repeat(end, A_SECOND, async |_| Ok(label(&mallory.get(path).await?)));
        searched.await
    });
    let mut got = Got::of(sum(try_join_all(searchers).await?));
    got.check_granted(tokens(COMMANDS_PER_SECOND, COMMANDS_AT_ONCE, begun) / 20 + 1);
    Ok(got)
}
