//! Attacks by writing: outsiders, many logins of one user, groups in bulk.

use anyhow::Result;
use futures_util::future::try_join_all;
use http::Method;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    load::{Got, Tally, label, label_of_outcome, repeat, tokens},
    trial::Trial,
};
use crate::{
    client::{User, Ws},
    gateway::Settings,
    shape::items,
};

/// Requests a second of one connection.
const A_SECOND: u32 = 100;

/// A WebSocket that is opened again after the gateway has closed it.
struct Socket {
    user: User,
    ws: Option<Ws>,
}

impl Socket {
    /// Sends a text. Returns the code of the outcome.
    async fn send(&mut self, body: Value) -> String {
        let ws = match self.ws.take() {
            Some(ws) => Ok(ws),
            None => self.user.ws(None).await,
        };
        let Ok(mut ws) = ws else { return "socket refused".into() };
        let Ok(outcome) = ws.call("send", body).await else { return "socket closed".into() };
        ws.forget_events();
        self.ws = Some(ws);
        label_of_outcome(&outcome)
    }
}

/// Three outsiders write over REST and WebSockets to the conversations in which the others send.
pub(super) async fn outsiders(trial: &mut Trial) -> Result<Got> {
    let outsiders = trial.users("eve", 3).await?;
    let targets = trial.conversations_of_others();
    let end = trial.begin(Settings::defaults()).await?;
    let url = trial.url();
    let writers = outsiders.iter().zip(&targets).map(async |(eve, target)| {
        let eve = eve.at(url);
        let mut socket = Socket { user: eve.clone(), ws: None };
        let over_rest = repeat(end, A_SECOND, async |number| {
            Ok(label(&eve.send(target, &format!("rest-{number}"), "x").await?))
        });
        let over_ws = repeat(end, A_SECOND, async |number| {
            let client_id = format!("ws-{number}");
            let body = json!({"conversation": target, "client_id": client_id, "text": "x"});
            Ok(socket.send(body).await)
        });
        let (over_rest, over_ws) = tokio::try_join!(over_rest, over_ws)?;
        Ok::<_, anyhow::Error>(over_rest.merge(over_ws))
    });
    let mut got = Got::of(sum(try_join_all(writers).await?));
    let written = got.answers.granted();
    got.check(written == 0, || format!("outsiders wrote {written} texts"));
    Ok(got)
}

/// A user with 18 logins sends from all of them.
pub(super) async fn many_logins(trial: &mut Trial) -> Result<Got> {
    let (mallory, bob) = (trial.user("mallory").await?, trial.user("bob").await?);
    let direct = mallory.acquainted(&bob).await?;
    let mut logins = Vec::new();
    for device in 0..trial.plan.count(18, 4) {
        logins.push(mallory.log_in(&format!("device {device}")).await?);
    }
    let end = trial.begin(Settings::defaults()).await?;
    let (url, begun) = (trial.url(), Instant::now());
    let senders = logins.iter().map(async |login| {
        let mut socket = Socket { user: login.at(url), ws: None };
        let sent = repeat(end, A_SECOND, async |number| {
            let client_id = format!("{}-{number}", login.login);
            let body = json!({"conversation": direct, "client_id": client_id, "text": "x"});
            Ok(socket.send(body).await)
        });
        sent.await
    });
    let mut got = Got::of(sum(try_join_all(senders).await?));
    got.check_granted(tokens(20, 100, begun));
    Ok(got)
}

/// A user makes groups that name the same five people. These can still make and join groups.
pub(super) async fn groups_in_bulk(trial: &mut Trial) -> Result<Got> {
    let mallory = trial.user("mallory").await?;
    let people = trial.users("person", 5).await?;
    let ids: Vec<_> = people.iter().map(|person| &person.id).collect();
    let body = json!({"kind": "group", "title": "Lunch", "members": ids});
    let end = trial.begin(Settings::defaults()).await?;
    let begun = Instant::now();
    let mallory = mallory.at(trial.url());
    let makers = (0..4).map(async |maker| {
        let made = repeat(end, A_SECOND, async |number| {
            let call = mallory.call(Method::POST, "/v1/conversations").json(&body);
            let key = format!("{maker}-{number}");
            Ok(label(&call.header("idempotency-key", &key).answer().await?))
        });
        made.await
    });
    let mut got = Got::of(sum(try_join_all(makers).await?));
    // Each group costs six additions. The last one of a burst may leave a debt.
    got.check_granted(tokens(1, 300, begun) / 6 + 1);
    let people: Vec<User> = people.iter().map(|person| person.at(trial.url())).collect();
    for (number, person) in people.iter().enumerate() {
        let next = &people[(number + 1) % people.len()];
        person.group("Dinner", &[next]).await?;
        let open = person.get("/v1/conversations?state=open&limit=100").await?.ok(200)?;
        let open = items(&open).len();
        got.check(open == 1, || format!("strangers opened {} conversations", open - 1));
    }
    Ok(got)
}

pub(super) fn sum(answers: Vec<Tally>) -> Tally {
    answers.into_iter().fold(Tally::default(), Tally::merge)
}
