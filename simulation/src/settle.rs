//! After the last fault everything works, and everybody is caught up.

use std::{sync::Arc, time::Duration};

use chat_core::{
    command::Page,
    error::ChatError,
    id::ConversationId,
    model::{Entry, Seq},
};
use checker::facts::Probe;
use fastrand::Rng;
use futures_util::future::join_all;
use tokio::time::sleep;

use crate::{
    chaos,
    commands::{Line, attempt, read_page},
    people::Person,
    truth,
    world::{Phase, World},
};

/// The time until everything works again.
const WORKS_WITHIN: Duration = Duration::from_secs(5);
/// The time until everybody is caught up.
const CAUGHT_UP_WITHIN: Duration = Duration::from_secs(30);
/// Texts that each conversation gets at once.
const PROBES: usize = 8;

/// Repairs everything, asks for everything, and records what must hold at the end.
pub(crate) async fn settle(world: &Arc<World>, rng: &mut Rng) {
    chaos::end(world).await;
    world.phase.send_replace(Phase::Settling);
    sleep(WORKS_WITHIN).await;
    probe(world, rng).await;
    sleep(CAUGHT_UP_WITHIN).await;
    world.phase.send_replace(Phase::Stopped);
    read_everything(world, rng).await;
    truth::record_cursors(world).await;
    world.record.change_facts(|facts| facts.issued_ids = world.around.issued.take());
}

/// Lets a member of each conversation send several texts at once, which must all succeed.
async fn probe(world: &Arc<World>, rng: &mut Rng) {
    for conversation in world.conversations().iter().copied() {
        let Some((person, _)) = truth::members(world, conversation).await.into_iter().next() else {
            continue;
        };
        let gateway = world.gateway(rng).await;
        let connection = format!("{} probes {}", person.user, gateway.name);
        let lines: Vec<Line> = (0..PROBES)
            .map(|_| Line {
                identity: person.devices[0].identity(),
                conversation,
                text: format!("text-{}", world.number()),
                is_anonymous: false,
                base_seq: None,
            })
            .collect();
        let begun = lines.iter().map(|line| attempt(world, &gateway, connection.clone(), line));
        let begun: Vec<_> = begun.collect();
        for (line, (_, error)) in lines.iter().zip(join_all(begun).await) {
            let failure = error.filter(|error| *error != ChatError::Private);
            let failure = failure.map(|error| error.to_string());
            let command = format!("{} in {conversation}", line.text);
            let probe = Probe { command, failure };
            world.record.change_facts(|facts| facts.probes.push(probe));
        }
    }
}

/// Lets all members read all of their history, and compares it with the log.
async fn read_everything(world: &World, rng: &mut Rng) {
    for conversation in world.conversations().iter().copied() {
        let log = truth::log(world, conversation).await;
        truth::record_log(world, conversation, &log);
        for (person, joined) in truth::members(world, conversation).await {
            read_history(world, rng, (&person, conversation, joined), &log).await;
        }
    }
}

/// Lets a member read all of its history, and compares it with the log.
async fn read_history(
    world: &World,
    rng: &mut Rng,
    (person, conversation, joined): (&Person, ConversationId, Seq),
    log: &[Entry],
) {
    let gateway = world.gateway(rng).await;
    let identity = person.devices[0].identity();
    let mut after = joined.previous();
    loop {
        let page = Page::After(after);
        let items = read_page(world, &gateway, identity, conversation, page).await;
        let items = items.unwrap_or_default();
        let Some(last) = items.last() else { return };
        after = last.entry.seq;
        truth::compare(world, person.user, &items, log);
    }
}
