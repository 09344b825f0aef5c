//! `confab --demo`: people whose password everybody knows, groups with a history of five days, and
//! people who answer, type and read. Everything is in memory.
//!
//! [`script`] has the people and what they say, [`seed`] writes it, and [`actor`] keeps them alive.

mod actor;
mod script;
mod seed;

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use axum::{Json, Router, middleware::map_response, response::Response, routing::get};
use chat_core::{
    command::Command,
    error::ChatError,
    id::{ConversationId, Snowflake},
    model::{Identity, Seq},
    time::{Clock, Timestamp},
};
use futures_util::future::BoxFuture;
use http::{HeaderName, HeaderValue};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use self::script::PEOPLE;
use crate::app::App;

/// How long ago the history begins.
const HISTORY: Duration = Duration::from_secs(5 * 24 * 3600);
/// The header that tells the page to offer the people. A page can read it without a request.
const MARK: (HeaderName, HeaderValue) =
    (HeaderName::from_static("server-timing"), HeaderValue::from_static("demo"));

/// A clock that is behind while the history is written.
#[derive(Debug)]
pub struct DemoClock {
    clock: Arc<dyn Clock>,
    behind_millis: AtomicI64,
}

impl DemoClock {
    /// Makes a clock that is behind by the length of the history.
    pub fn new(clock: Arc<dyn Clock>) -> Arc<Self> {
        let behind = i64::try_from(HISTORY.as_millis()).unwrap_or(i64::MAX);
        Arc::new(Self { clock, behind_millis: AtomicI64::new(behind) })
    }

    /// Moves towards the present by a part of the history.
    fn step(&self, parts: u32) {
        let step = i64::try_from((HISTORY / parts.max(1)).as_millis()).unwrap_or(0);
        let step = |behind: i64| Some(behind.saturating_sub(step).max(0));
        // Never fails: the closure returns a value.
        self.behind_millis.fetch_update(Ordering::Relaxed, Ordering::Relaxed, step).ok();
    }

    fn catch_up(&self) {
        self.behind_millis.store(0, Ordering::Relaxed);
    }
}

impl Clock for DemoClock {
    fn now(&self) -> Timestamp {
        let behind = self.behind_millis.load(Ordering::Relaxed);
        Timestamp::from_millis(self.clock.now().as_millis() - behind)
    }

    fn fresh_id(&self) -> Snowflake {
        self.clock.fresh_id()
    }
}

/// What was seeded.
#[derive(Debug, Clone)]
struct Stage {
    /// In the order of [`PEOPLE`].
    people: Vec<Identity>,
    /// Where people talk when nobody asks them.
    lounge: ConversationId,
}

/// Writes the history, and then has the people live until `stop`.
pub fn run(
    app: Arc<App>,
    clock: &DemoClock,
    stop: CancellationToken,
) -> BoxFuture<'_, Result<(), ChatError>> {
    Box::pin(play(app, clock, stop))
}

async fn play(app: Arc<App>, clock: &DemoClock, stop: CancellationToken) -> Result<(), ChatError> {
    let stage = seed::seed(&app, clock).await?;
    clock.catch_up();
    tracing::info!(password = script::PASSWORD, "demo people are ready");
    for person in 0..stage.people.len() {
        let actor = actor::Actor::new(Arc::clone(&app), stage.clone(), person);
        let stop = stop.clone();
        app.tasks.spawn(async move {
            stop.run_until_cancelled(actor.live()).await;
        });
    }
    Ok(())
}

/// Returns the command of somebody who has read up to here.
const fn read_to(conversation: ConversationId, seq: Seq) -> Command {
    Command::Receipt { conversation, delivered_seq: Some(seq), read_seq: Some(seq) }
}

/// One of the people, for the page's entrance.
#[derive(Debug, Serialize)]
struct Offer {
    username: &'static str,
    display_name: &'static str,
    password: &'static str,
}

/// Adds `/demo.json`, and the mark to every answer.
pub fn offer<S: Clone + Send + Sync + 'static>(router: Router<S>) -> Router<S> {
    let people = PEOPLE.iter().filter(|person| !person.is_bot).map(|person| Offer {
        username: person.username,
        display_name: person.display_name,
        password: script::PASSWORD,
    });
    let people: Arc<[Offer]> = people.collect();
    router.route("/demo.json", get(async move || Json(people))).layer(map_response(mark))
}

async fn mark(mut response: Response) -> Response {
    let (name, value) = MARK;
    response.headers_mut().insert(name, value);
    response
}

#[cfg(test)]
mod tests {
    use chat_core::time::SystemClock;

    use super::*;

    #[test]
    fn clock_reaches_the_present_and_stays_there() {
        let clock = DemoClock::new(Arc::new(SystemClock::new(1)));
        let real = || SystemClock::new(1).now();
        let minute = Duration::from_secs(60);
        assert!(real().since(clock.now()) + minute > HISTORY);
        for _ in 0..12 {
            clock.step(10);
        }
        assert!(real().since(clock.now()) < minute);
    }
}
