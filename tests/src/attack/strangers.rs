//! Attacks by contact: a stranger opens direct conversations and adds people to groups.

use anyhow::Result;
use serde_json::json;
use tokio::time::Instant;

use super::{
    load::{Got, Tally, label, repeat, tokens},
    trial::Trial,
};
use crate::{client::User, gateway::Settings, shape::items};

/// Requests a second.
const A_SECOND: u32 = 50;
/// Direct conversations of one user that may be unanswered.
const UNANSWERED_MAX: u64 = 20;

/// A stranger asks many people for a conversation, then adds them to a group again and again. They
/// see requests only, and the stranger does not see whether they are online.
pub(super) async fn strangers(trial: &mut Trial) -> Result<Got> {
    let mallory = trial.user("mallory").await?;
    let people = trial.users("person", 30).await?;
    let end = trial.begin(Settings::defaults()).await?;
    let (url, begun) = (trial.url(), Instant::now());
    let mallory = mallory.at(url);
    let people: Vec<User> = people.iter().map(|person| person.at(url)).collect();
    let online = people[0].ws(None).await?;
    let mut opened = Tally::default();
    for person in &people {
        let body = json!({"kind": "direct", "user": person.id});
        opened.add(&label(&mallory.post("/v1/conversations", body).await?), 1);
    }
    let group = mallory.group("Lunch", &[]).await?;
    let added = repeat(end, A_SECOND, async |number| {
        let person = &people[usize::try_from(number)? % people.len()];
        let added = label(&mallory.add(&group, person).await?);
        mallory.remove(&group, person).await?;
        Ok(added)
    });
    let added = added.await?;
    let mut got = Got::of(opened.clone().merge(added));
    let direct = opened.granted();
    got.check(direct == UNANSWERED_MAX, || format!("{direct} direct conversations were opened"));
    let additions = got.answers.granted();
    let max = tokens(1, 300, begun);
    got.check(additions <= max, || format!("{additions} additions instead of {max}"));
    for person in &people {
        let open = person.get("/v1/conversations?state=open").await?.ok(200)?;
        let open = items(&open).len();
        got.check(open == 0, || format!("{} has {open} open conversations", person.username));
    }
    let presence = mallory.get(&format!("/v1/presence?users={}", people[0].id)).await?.ok(200)?;
    let status = &presence["items"][0]["status"];
    got.check(status == "unknown", || format!("the stranger sees that a person is {status}"));
    online.close().await?;
    Ok(got)
}
