//! What runs by itself: hints that arrive, what is compared with the store, objects that are dropped.

mod compare;

use std::{sync::Arc, time::Duration};

use tokio::{sync::mpsc::Receiver, time::MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use self::compare::Doubts;
use super::Chat;
use crate::{
    hint::Hint,
    id::{ConversationId, UserId},
    model::{Cursor, Identity},
    outbox::Ending,
    port::{Arrival, Channel},
    revocations,
};

/// How often quiet conversations are dropped.
const SWEEP_EVERY: Duration = Duration::from_secs(30);

pub(super) fn start(chat: &Arc<Chat>, shutdown: CancellationToken) {
    let tasks = &chat.ports.tasks;
    tasks.spawn(shutdown.clone().run_until_cancelled_owned(sweep(chat.clone())));
    if let Some(arrivals) = chat.ports.bus.arrivals() {
        let doubts = Arc::new(Doubts::default());
        let heads = compare::heads(chat.clone(), doubts.clone());
        let memberships = compare::memberships(chat.clone(), doubts.clone());
        tasks.spawn(shutdown.clone().run_until_cancelled_owned(heads));
        if chat.ports.bus.has_others() {
            tasks.spawn(shutdown.clone().run_until_cancelled_owned(memberships));
        }
        tasks.spawn(shutdown.run_until_cancelled_owned(listen(chat.clone(), arrivals, doubts)));
    }
}

/// Drops what nobody uses, and the subscriptions that went with it.
async fn sweep(chat: Arc<Chat>) {
    let mut ticks = tokio::time::interval(SWEEP_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        chat.unfollow(chat.directory.sweep(), chat.ports.users.sweep()).await;
    }
}

/// Takes what arrives as fast as it comes: whoever reads slowly is told that hints were lost.
async fn listen(chat: Arc<Chat>, mut arrivals: Receiver<Arrival>, doubts: Arc<Doubts>) {
    if let Err(error) = chat.ports.bus.subscribe(&[Channel::Gateways]).await {
        tracing::warn!(%error, "no hints for now");
    }
    while let Some(arrival) = arrivals.recv().await {
        match arrival {
            Arrival::Hint { channel: Channel::Gateways, payload } => {
                for ended in revocations::decode(&payload).into_iter().flatten() {
                    chat.ports.revoked.hear(ended, chat.ports.clock.now());
                    chat.end_sessions_of(ended);
                }
            }
            Arrival::Hint { channel, payload } => match Hint::decode(channel, &payload) {
                Ok(hint) => chat.heard(channel, hint),
                Err(error) => tracing::debug!(%error, "a hint was dropped"),
            },
            Arrival::Lost => {
                tracing::info!("hints were lost: asking the store");
                doubts.raise();
            }
        }
    }
}

fn channels(conversations: impl Iterator<Item = ConversationId>, users: &[UserId]) -> Vec<Channel> {
    let users = users.iter().copied().map(Channel::User);
    conversations.map(Channel::Conversation).chain(users).collect()
}

impl Chat {
    /// Ends subscriptions. Who came in the meantime was told that they stand: they are begun again,
    /// and what may have been missed is read.
    async fn unfollow(self: &Arc<Self>, conversations: Vec<ConversationId>, users: Vec<UserId>) {
        self.ports.bus.unsubscribe(&channels(conversations.iter().copied(), &users)).await;
        let live: Vec<_> =
            conversations.into_iter().filter_map(|one| self.directory.get(one)).collect();
        let users: Vec<_> =
            users.into_iter().filter(|user| self.ports.users.knows(*user)).collect();
        let again = channels(live.iter().map(|one| one.id()), &users);
        if again.is_empty() {
            return;
        }
        if let Err(error) = self.ports.bus.subscribe(&again).await {
            tracing::warn!(%error, count = again.len(), "no hints for now");
        }
        let heads = self.compare_heads_of(&live).await;
        let left = self.compare_memberships_of(users).await;
        tracing::debug!(?heads, left = left.len(), "followed again");
    }

    /// Ends the sessions of a login that has ended.
    pub(super) fn end_sessions_of(&self, ended: Identity) {
        self.ports.users.each_of(ended.user, |outbox| {
            if outbox.identity().login == ended.login {
                outbox.finish(Ending::LoggedOut);
            }
        });
    }

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
}
