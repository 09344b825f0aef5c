//! What runs by itself: hints that arrive, heads that are compared, objects that are dropped.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::mpsc::Receiver,
    time::{Instant, MissedTickBehavior},
};
use tokio_util::sync::CancellationToken;

use super::Chat;
use crate::{
    hint::Hint,
    id::ConversationId,
    limits::HEADS_MAX,
    model::Cursor,
    port::{Arrival, Channel},
    revocations::{self, Revocations},
};

/// How often quiet conversations are dropped.
const SWEEP_EVERY: Duration = Duration::from_secs(30);
/// How often, at the least, the heads of live conversations are compared with the store: what a lost
/// hint told arrives within five seconds, with the time that reading it takes.
const HEADS_EVERY: Duration = Duration::from_millis(4_800);
/// The same while hints do not pass.
const HEADS_EVERY_WITHOUT_BUS: Duration = Duration::from_secs(1);
/// How often it is seen whether they do.
const LOOK_EVERY: Duration = Duration::from_millis(250);

pub(super) fn start(chat: &Arc<Chat>, shutdown: CancellationToken) {
    let tasks = &chat.ports.tasks;
    tasks.spawn(shutdown.clone().run_until_cancelled_owned(sweep(chat.clone())));
    if let Some(arrivals) = chat.ports.bus.arrivals() {
        let listen = listen(chat.clone(), arrivals);
        tasks.spawn(shutdown.clone().run_until_cancelled_owned(listen));
        tasks.spawn(shutdown.run_until_cancelled_owned(compare_heads(chat.clone())));
    }
}

/// Drops what nobody uses, and the subscriptions that went with it.
async fn sweep(chat: Arc<Chat>) {
    let mut ticks = tokio::time::interval(SWEEP_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let swept = chat.directory.sweep();
        let channels: Vec<Channel> = swept.into_iter().map(Channel::Conversation).collect();
        chat.ports.bus.unsubscribe(&channels).await;
    }
}

async fn listen(chat: Arc<Chat>, mut arrivals: Receiver<Arrival>) {
    if let Err(error) = chat.ports.bus.subscribe(&[Channel::Gateways]).await {
        tracing::warn!(%error, "no hints for now");
    }
    while let Some(arrival) = arrivals.recv().await {
        match arrival {
            Arrival::Hint { channel: Channel::Gateways, payload } => {
                if let Ok(ended) = revocations::decode(&payload) {
                    chat.revoked(ended);
                }
            }
            Arrival::Hint { channel, payload } => match Hint::decode(channel, &payload) {
                Ok(hint) => chat.heard(channel, hint),
                Err(error) => tracing::debug!(%error, "a hint was dropped"),
            },
            Arrival::Lost => {
                tracing::info!("hints were lost: asking the store");
                chat.repair().await;
            }
        }
    }
}

/// Compares heads with the store, more often while hints do not pass, and at once when they cease.
async fn compare_heads(chat: Arc<Chat>) {
    let mut was_up = true;
    loop {
        let pause = if was_up { HEADS_EVERY } else { HEADS_EVERY_WITHOUT_BUS };
        // Gateways that started together must not ask together.
        let due =
            Instant::now() + pause * 9 / 10 + chat.ports.clock.fresh_id().millis_of(pause / 10);
        let has_ceased = || was_up && !chat.ports.bus.is_up();
        while Instant::now() < due && !has_ceased() {
            tokio::time::sleep_until(due.min(Instant::now() + LOOK_EVERY)).await;
        }
        was_up = chat.ports.bus.is_up();
        chat.repair_conversations().await;
    }
}

impl Chat {
    fn heard(&self, channel: Channel, hint: Hint) {
        match (hint, channel) {
            (Hint::Entries(entries), Channel::Conversation(id)) => {
                if let Some(live) = self.directory.get(id) {
                    live.heard(&entries);
                }
            }
            (Hint::Head(seq), Channel::Conversation(id)) => {
                if let Some(live) = self.directory.get(id) {
                    live.heard_head(seq);
                }
            }
            (Hint::Receipt { conversation, user, delivered_seq, read_seq }, _) => {
                let cursor = Cursor { delivered_seq, read_seq, read_ord: 0 };
                let to_all = matches!(channel, Channel::Conversation(_));
                self.show_receipt(conversation, user, cursor, to_all);
            }
            (Hint::Typing { user, on }, Channel::Conversation(conversation)) => {
                let event = crate::event::Event::Typing { conversation, user, on };
                self.show(conversation, &event, Some(user));
            }
            (Hint::Added(conversation), Channel::User(user)) => {
                self.ports.users.each_of(user, |outbox| outbox.add(conversation));
            }
            (Hint::Entries(_) | Hint::Head(_) | Hint::Typing { .. } | Hint::Added(_), _) => {}
        }
    }

    /// Everything that hints may have told: heads, and conversations that are new to somebody.
    async fn repair(&self) {
        self.repair_conversations().await;
        let mut users: Vec<_> =
            self.ports.users.all().iter().map(|outbox| outbox.identity().user).collect();
        users.sort_unstable();
        users.dedup();
        for user in users {
            let Ok(memberships) = self.ports.stores.conversations.of_user(user).await else {
                return;
            };
            for conversation in memberships.iter().map(|one| one.conversation) {
                self.ports.users.each_of(user, |outbox| outbox.add(conversation));
            }
        }
    }

    async fn repair_conversations(&self) {
        let live: Vec<_> = self.directory.all().into_iter().filter(|one| !one.is_quiet()).collect();
        for part in live.chunks(HEADS_MAX) {
            let ids: Vec<ConversationId> = part.iter().map(|one| one.id()).collect();
            let Ok(heads) = self.ports.stores.log.heads(&ids).await else { return };
            for (conversation, head) in part.iter().zip(heads) {
                conversation.heard_head(head.seq);
            }
        }
    }
}
