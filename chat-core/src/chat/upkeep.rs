//! Background jobs: receiving hints, comparing with the store, dropping idle objects.

mod compare;
mod ended_logins;

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{Notify, mpsc::Receiver},
    time::MissedTickBehavior,
};
use tokio_util::sync::CancellationToken;

use self::compare::CompareRequests;
use super::{Chat, ephemeral::Audience};
use crate::{
    hint::Hint,
    id::{ConversationId, UserId},
    model::{Cursor, Identity},
    outbox::Ending,
    port::{Arrival, Channel},
    revocations,
    search::indexer,
};

/// How often idle conversations and users are dropped.
const SWEEP_EVERY: Duration = Duration::from_secs(30);

pub(super) fn start(chat: &Arc<Chat>, shutdown: CancellationToken) {
    let tasks = &chat.context.tasks;
    tasks.spawn(shutdown.clone().run_until_cancelled_owned(sweep(chat.clone())));
    if let Some(search) = &chat.context.ports.search {
        let unindexed = chat.context.unindexed.clone();
        let ports = &chat.context.ports;
        indexer::start(ports, search.clone(), unindexed, tasks, &shutdown);
    }
    if let Some(arrivals) = chat.context.ports.bus.arrivals() {
        let requests = Arc::new(CompareRequests::default());
        let heads = compare::heads(chat.clone(), requests.clone());
        let memberships = compare::memberships(chat.clone(), requests.clone());
        tasks.spawn(shutdown.clone().run_until_cancelled_owned(heads));
        let ended_logins = Arc::new(Notify::new());
        if chat.context.ports.bus.has_others() {
            tasks.spawn(shutdown.clone().run_until_cancelled_owned(memberships));
            let read_ended = ended_logins::run(chat.clone(), ended_logins.clone());
            tasks.spawn(shutdown.clone().run_until_cancelled_owned(read_ended));
        }
        let receive = receive(chat.clone(), arrivals, requests, ended_logins);
        tasks.spawn(shutdown.run_until_cancelled_owned(receive));
    }
}

/// Drops idle conversations and users, and their subscriptions, again and again.
async fn sweep(chat: Arc<Chat>) {
    let mut ticks = tokio::time::interval(SWEEP_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        chat.unsubscribe(chat.directory.sweep(), chat.context.users.sweep()).await;
    }
}

/// Receives hints as fast as they arrive, because the bus drops them for a slow reader.
async fn receive(
    chat: Arc<Chat>,
    mut arrivals: Receiver<Arrival>,
    requests: Arc<CompareRequests>,
    ended_logins: Arc<Notify>,
) {
    if let Err(error) = chat.context.ports.bus.subscribe(&[Channel::Gateways]).await {
        tracing::warn!(%error, "no hints of other gateways for now");
    }
    // Logins may have ended before the subscription.
    ended_logins.notify_one();
    while let Some(arrival) = arrivals.recv().await {
        match arrival {
            Arrival::Hint { channel: Channel::Gateways, payload } => {
                for ended in revocations::decode(&payload).into_iter().flatten() {
                    chat.context.revoked.insert_remote(ended, chat.context.ports.wall_clock.now());
                    chat.end_sessions_of(ended);
                }
            }
            Arrival::Hint { channel, payload } => match Hint::decode(channel, &payload) {
                Ok(hint) => chat.receive_hint(channel, hint),
                Err(error) => tracing::debug!(%error, "dropped a malformed hint"),
            },
            Arrival::Lost => {
                tracing::info!("hints were lost, comparing with the store");
                chat.context.lost_hints.note();
                requests.raise();
                ended_logins.notify_one();
            }
        }
    }
}

fn channels(conversations: impl Iterator<Item = ConversationId>, users: &[UserId]) -> Vec<Channel> {
    let users = users.iter().copied().map(Channel::User);
    conversations.map(Channel::Conversation).chain(users).collect()
}

impl Chat {
    /// Ends subscriptions. If a session came back in the meantime, its subscriptions are renewed, and
    /// whatever it may have missed is read from the store.
    async fn unsubscribe(self: &Arc<Self>, conversations: Vec<ConversationId>, users: Vec<UserId>) {
        self.context.ports.bus.unsubscribe(&channels(conversations.iter().copied(), &users)).await;
        let live: Vec<_> =
            conversations.into_iter().filter_map(|one| self.directory.get(one)).collect();
        let users: Vec<_> =
            users.into_iter().filter(|user| self.context.users.contains(*user)).collect();
        let again = channels(live.iter().map(|one| one.id), &users);
        if again.is_empty() {
            return;
        }
        if let Err(error) = self.context.ports.bus.subscribe(&again).await {
            tracing::warn!(%error, count = again.len(), "hints not renewed for now");
        }
        let heads = self.compare_heads_of(&live).await;
        let failed = self.compare_memberships_of(users).await;
        tracing::debug!(?heads, failed = failed.len(), "subscriptions renewed");
    }

    /// Ends the sessions of a login that has ended.
    pub(super) fn end_sessions_of(&self, ended: Identity) {
        self.context.users.each_session(ended.user, |outbox| {
            if outbox.identity().login == ended.login {
                outbox.finish(Ending::LoggedOut);
            }
        });
    }

    fn receive_hint(&self, channel: Channel, hint: Hint) {
        match (hint, channel) {
            (Hint::Entries(entries), Channel::Conversation(id)) => {
                if let Some(live) = self.directory.get(id) {
                    live.feed.receive(&entries);
                }
            }
            (Hint::Head(seq), Channel::Conversation(id)) => {
                if let Some(live) = self.directory.get(id) {
                    live.feed.learn_head(seq);
                }
            }
            (Hint::Receipt { conversation, user, delivered_seq, read_seq }, _) => {
                let cursor = Cursor { delivered_seq, read_seq, read_ord: 0 };
                let audience = match channel {
                    Channel::Conversation(_) => Audience::AllExcept(Vec::new()),
                    Channel::User(_) | Channel::Gateways => Audience::OwnDevices,
                };
                self.send_receipt(conversation, user, cursor, &audience);
            }
            (
                Hint::ReceiptExcept { conversation, user, delivered_seq, read_seq, except },
                Channel::Conversation(_),
            ) => {
                let cursor = Cursor { delivered_seq, read_seq, read_ord: 0 };
                self.send_receipt(conversation, user, cursor, &Audience::AllExcept(except));
            }
            (Hint::Typing { user, on }, Channel::Conversation(conversation)) => {
                self.send_typing(conversation, user, on, &[]);
            }
            (Hint::TypingExcept { user, on, except }, Channel::Conversation(conversation)) => {
                self.send_typing(conversation, user, on, &except);
            }
            (Hint::Added(conversation), Channel::User(user)) => {
                self.context.users.each_session(user, |outbox| outbox.recheck(conversation));
            }
            (Hint::Consent(conversation), Channel::User(user)) => {
                self.context
                    .users
                    .each_session(user, |outbox| outbox.recheck_consent(conversation));
            }
            (Hint::ReadReceipts(are_shown), Channel::User(user)) => {
                self.context.boundaries.forget(user);
                self.show_reads_to(user, are_shown);
            }
            (
                Hint::Entries(_)
                | Hint::Head(_)
                | Hint::Typing { .. }
                | Hint::TypingExcept { .. }
                | Hint::ReceiptExcept { .. }
                | Hint::Added(_)
                | Hint::Consent(_)
                | Hint::ReadReceipts(_),
                _,
            ) => {}
        }
    }
}
