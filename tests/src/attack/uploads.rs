//! Attacks with files.

use std::{iter, time::Duration};

use anyhow::Result;
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, future::try_join_all, stream};
use tokio::time::{Instant, sleep_until};

use super::{
    load::{Got, Tally, label, repeat},
    trial::{Trial, behind_a_proxy},
};
use crate::{
    client::User,
    files::{CONTENT, beginning},
    gateway::Settings,
};

/// Uploads of each user at the same time: as many as the gateway allows.
const EACH: usize = 8;
/// Bytes of each file.
const FILE_BYTES: usize = 1 << 20;
/// Longer than a request waits for its turn.
const ANSWERED_WITHIN: Duration = Duration::from_secs(60);
/// The pause before a refused upload is attempted again.
const PAUSE: Duration = Duration::from_secs(1);
/// A small file with 7,000 x 7,000 pixels.
const LARGE_IMAGE: &[u8] = include_bytes!("49_megapixels.png");
/// The most uploads of large images a second, on all connections of the attacker together.
const IMAGES_A_SECOND: u32 = 20;

/// Many users upload as many files as they may, all at the same time. Refused uploads are repeated.
pub(super) async fn many(trial: &mut Trial) -> Result<Got> {
    let users = trial.users("mallory", trial.plan.count(125, 5)).await?;
    let groups: Vec<String> = stream::iter(&users)
        .then(async |user| user.group("Files", &[]).await)
        .try_collect()
        .await?;
    let end = trial.begin(behind_a_proxy()).await?;
    let content = Bytes::from(vec![7; FILE_BYTES]);
    let users: Vec<User> = users.iter().map(|user| user.at(trial.url())).collect();
    let places = users.iter().zip(&groups).flat_map(|place| iter::repeat_n(place, EACH));
    let uploads = places.map(|(user, group)| upload(user, group, &content, end));
    let answers = try_join_all(uploads).await?;
    let total = answers.len() as u64;
    let answers = answers.into_iter().fold(Tally::default(), Tally::merge);
    let mut got = Got::of(answers);
    let (granted, failed) = (got.answers.granted(), got.answers.with("500"));
    got.check(failed == 0, || format!("{failed} answers are 500"));
    got.check(granted == total, || format!("{granted} of {total} files were stored"));
    Ok(got)
}

/// A user uploads small files whose examination takes the most memory and time, on as many connections as
/// the gateway allows.
pub(super) async fn large_images(trial: &mut Trial) -> Result<Got> {
    let mallory = trial.user("mallory").await?;
    let group = mallory.group("Images", &[]).await?;
    let end = trial.begin(Settings::defaults()).await?;
    let mallory = mallory.at(trial.url());
    let uploads = (0..EACH).map(async |_| {
        let uploaded = repeat(end, IMAGES_A_SECOND, async |_| {
            let call = beginning(&mallory, &group, "a.png").header("content-type", CONTENT);
            let call = call.bytes(LARGE_IMAGE).deadline(ANSWERED_WITHIN);
            Ok(label(&call.answer().await?))
        });
        uploaded.await
    });
    let answers = try_join_all(uploads).await?;
    let mut got = Got::of(answers.into_iter().fold(Tally::default(), Tally::merge));
    let failed = got.answers.with("500");
    got.check(failed == 0, || format!("{failed} answers are 500"));
    Ok(got)
}

/// Uploads a file, again after each refusal, until the attack ends. Returns the answers.
async fn upload(user: &User, group: &str, content: &Bytes, end: Instant) -> Result<Tally> {
    let mut answers = Tally::default();
    loop {
        let call = beginning(user, group, "a.bin").header("content-type", CONTENT);
        let answer = call.bytes(content.clone()).deadline(ANSWERED_WITHIN).answer().await?;
        answers.add(&label(&answer), 1);
        let next = Instant::now() + PAUSE;
        if answer.status < 300 || next >= end {
            return Ok(answers);
        }
        sleep_until(next).await;
    }
}
