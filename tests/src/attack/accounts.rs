//! Attacks on log-ins: floods, guesses, junk refresh tokens.
//!
//! The gateway trusts the `X-Forwarded-For` of its clients here, so that they come from anywhere.

use anyhow::Result;
use futures_util::future::try_join_all;
use parking_lot::Mutex;
use tokio::time::Instant;

use super::{
    load::{Got, Share, Tally, label, repeat, tokens},
    trial::{ATTACKER, HOME, Trial, behind_a_proxy},
    writes::sum,
};
use crate::{
    chance::Chance,
    client::{Http, PASSWORD, User, log_in_from, refresh_from},
};

/// Attackers of a flood.
const ATTACKERS: usize = 100;
/// Attempts a second of one attacker.
const ATTEMPTS_A_SECOND: u32 = 10;
/// Attempts a second of honest users.
const HONEST_A_SECOND: u32 = 1;

/// Log-ins of many at the same time from random /64s of one /48.
pub(super) async fn log_ins_from_one_network(trial: &mut Trial) -> Result<Got> {
    let flood = |chance: &mut Chance| format!("2001:db8:1:{:x}::1", chance.below(1 << 16));
    flood_of_log_ins(trial, flood).await
}

/// Log-ins of many at the same time from random addresses of IPv4.
pub(super) async fn log_ins_from_many_networks(trial: &mut Trial) -> Result<Got> {
    let flood = |chance: &mut Chance| {
        let [_, b, c, d, ..] = chance.bits().to_be_bytes();
        format!("10.{b}.{c}.{d}")
    };
    flood_of_log_ins(trial, flood).await
}

/// Floods the gateway with log-ins to names that do not exist, which cost as much as others.
async fn flood_of_log_ins(
    trial: &mut Trial,
    address: impl Fn(&mut Chance) -> String,
) -> Result<Got> {
    let ada = trial.user("ada").await?;
    let newcomers = trial.users("newcomer", 4).await?;
    let end = trial.begin(behind_a_proxy()).await?;
    let http = Http::new(trial.url());
    let chance = Mutex::new(Chance::new(1));
    log_in_from(HOME, &http, &ada.username, PASSWORD).await?.ok(201)?;
    let flood = try_join_all((0..ATTACKERS).map(async |attacker| {
        let attempts = repeat(end, ATTEMPTS_A_SECOND, async |number| {
            let from = address(&mut chance.lock());
            let name = format!("nobody-{attacker}-{number}");
            Ok(label(&log_in_from(&from, &http, &name, "a wrong password").await?))
        });
        attempts.await
    }));
    let known = honest_log_ins(end, &http, &ada, |_| HOME.into());
    let new = try_join_all(newcomers.iter().enumerate().map(async |(nth, user)| {
        honest_log_ins(end, &http, user, |number| format!("198.18.{number}.{nth}")).await
    }));
    let (flood, known, new) = tokio::try_join!(flood, known, new)?;
    let mut got = Got::of(sum(flood));
    got.honest = Some(Share::of(&known));
    got.newcomers = Some(Share::of(&sum(new)));
    let entered = got.answers.granted();
    got.check(entered == 0, || format!("{entered} log-ins without an account"));
    let busy = got.answers.with("503");
    got.check(busy > 0, || "the flood never filled its part of the queue".into());
    Ok(got)
}

async fn honest_log_ins(
    end: Instant,
    http: &Http,
    user: &User,
    address: impl Fn(u64) -> String,
) -> Result<Tally> {
    let attempts = repeat(end, HONEST_A_SECOND, async |number| {
        Ok(label(&log_in_from(&address(number), http, &user.username, PASSWORD).await?))
    });
    attempts.await
}

/// Wrong passwords for one account from one address. Its owner logs in from another one.
pub(super) async fn guesses(trial: &mut Trial) -> Result<Got> {
    let ada = trial.user("ada").await?;
    let end = trial.begin(behind_a_proxy()).await?;
    let (http, begun) = (Http::new(trial.url()), Instant::now());
    let guesses = repeat(end, 2 * ATTEMPTS_A_SECOND, async |number| {
        let guess = format!("guess number {number}");
        Ok(label(&log_in_from(ATTACKER, &http, &ada.username, &guess).await?))
    });
    let owner = honest_log_ins(end, &http, &ada, |_| HOME.into());
    let (guesses, owner) = tokio::try_join!(guesses, owner)?;
    let mut got = Got::of(guesses);
    got.honest = Some(Share::of(&owner));
    let (checked, max) = (got.answers.with("401"), tokens(1, 20, begun));
    got.check(checked <= max, || format!("{checked} guesses were checked instead of {max}"));
    Ok(got)
}

/// Junk refresh tokens from the address at which an honest user refreshes too.
pub(super) async fn junk_refreshes(trial: &mut Trial) -> Result<Got> {
    let ada = trial.user("ada").await?;
    let end = trial.begin(behind_a_proxy()).await?;
    let (http, begun) = (Http::new(trial.url()), Instant::now());
    let junk = try_join_all((0..4).map(async |_| {
        let attempts = repeat(end, 10 * ATTEMPTS_A_SECOND, async |number| {
            Ok(label(&refresh_from(ATTACKER, &http, &format!("junk-{number}")).await?))
        });
        attempts.await
    }));
    let mut token = ada.refresh_token.clone();
    let refreshes = repeat(end, HONEST_A_SECOND, async |_| {
        let answer = refresh_from(ATTACKER, &http, &token).await?;
        if let Some(next) = answer.body["session"]["refresh_token"].as_str() {
            next.clone_into(&mut token);
        }
        Ok(label(&answer))
    });
    let (junk, refreshes) = tokio::try_join!(junk, refreshes)?;
    let mut got = Got::of(sum(junk));
    got.honest = Some(Share::of(&refreshes));
    let (granted, checked) = (got.answers.granted(), got.answers.with("401"));
    let max = tokens(5, 200, begun);
    got.check(granted == 0, || format!("{granted} junk tokens were accepted"));
    got.check(checked <= max, || format!("{checked} junk tokens were checked instead of {max}"));
    Ok(got)
}
