//! People: each makes one operation after the other.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use chat_core::{
    command::{Change, Command, Page, Reply},
    id::{ConversationId, UserId},
    model::{Identity, Role, Seq},
};
use checker::{
    Receipts, SendOutcome,
    facts::{Edit, Hidden, Redaction},
};
use fastrand::Rng;
use futures_util::future::{join, join_all};
use tokio::time::sleep;

use crate::{
    commands::{Line, attempt, begin, read_page, write},
    device::Device,
    logins::Tokens,
    plan::ActionWeights,
    record::ANONYMOUS,
    site::Running,
    world::World,
};

/// How often a line is repeated while its outcome is unknown.
const ATTEMPTS_MAX: u64 = 4;
/// The time within which a block takes effect on all gateways.
const BLOCK_WITHIN_MS: u64 = 5_000;

/// A person and their devices.
#[derive(Debug)]
pub(crate) struct Person {
    pub(crate) user: UserId,
    pub(crate) username: String,
    pub(crate) devices: Vec<Arc<Device>>,
}

/// What a person does.
#[derive(Debug, Clone, Copy)]
enum Action {
    Send,
    Burst,
    Twin,
    Anonymous,
    Overlay,
    History,
    Receipt,
    Typing,
    Membership,
    Block,
    Logout,
    Exchange,
}

impl ActionWeights {
    fn choose(&self, rng: &mut Rng) -> Action {
        let weights = [
            (Action::Send, self.send),
            (Action::Burst, self.burst),
            (Action::Twin, self.twin),
            (Action::Anonymous, self.anonymous),
            (Action::Overlay, self.overlay),
            (Action::History, self.history),
            (Action::Receipt, self.receipt),
            (Action::Typing, self.typing),
            (Action::Membership, self.membership),
            (Action::Block, self.block),
            (Action::Logout, self.logout),
            (Action::Exchange, self.exchange),
        ];
        let mut left = rng.u32(0..weights.iter().map(|(_, weight)| weight).sum());
        for (action, weight) in weights {
            if left < weight {
                return action;
            }
            left -= weight;
        }
        Action::Send
    }
}

/// A person who acts.
pub(crate) struct Actor {
    pub(crate) world: Arc<World>,
    pub(crate) person: Arc<Person>,
    pub(crate) rng: Rng,
    /// Acknowledged texts with a client id.
    sent: Vec<(ConversationId, Seq)>,
    /// The index of the fact about each block.
    blocks: BTreeMap<UserId, Option<usize>>,
    /// What the person saw of the cursors of others.
    seen_cursors: BTreeMap<(ConversationId, UserId), Vec<(u64, u64)>>,
    /// The refresh tokens of a login that is used for nothing else.
    pub(crate) tokens: Option<Tokens>,
}

impl Actor {
    pub(crate) fn new(world: Arc<World>, person: Arc<Person>, rng: Rng) -> Self {
        Self {
            world,
            person,
            rng,
            sent: Vec::new(),
            blocks: BTreeMap::new(),
            seen_cursors: BTreeMap::new(),
            tokens: None,
        }
    }

    /// Acts until all operations of the run are made.
    pub(crate) async fn run(mut self) {
        while self.world.take_operation() {
            let action = self.world.plan().actions.choose(&mut self.rng);
            self.act(action).await;
            let pause = if self.rng.u8(0..20) == 0 { 3_000 } else { 250 };
            sleep(Duration::from_millis(self.rng.u64(0..pause))).await;
        }
        for ((conversation, user), seqs) in std::mem::take(&mut self.seen_cursors) {
            let (conversation, user) = (conversation.to_string(), user.to_string());
            self.world.record.receipts(Receipts { conversation, user, seqs });
        }
    }

    async fn act(&mut self, action: Action) {
        let gateway = self.world.gateway(&mut self.rng).await;
        let conversation = self.conversation();
        match action {
            Action::Send => self.send(&gateway, conversation).await,
            Action::Burst => self.burst(&gateway, conversation).await,
            Action::Twin => self.twin(&gateway, conversation).await,
            Action::Anonymous => {
                let line = Line { is_anonymous: true, ..self.line(conversation, ANONYMOUS) };
                attempt(&self.world, &gateway, self.connection(&gateway), &line).await;
            }
            Action::Overlay => self.overlay(&gateway).await,
            Action::History => self.history(&gateway, conversation).await,
            Action::Receipt => self.receipt(&gateway, conversation).await,
            Action::Typing => {
                let on = self.rng.bool();
                self.execute(&gateway, Command::Typing { conversation, on }).await;
            }
            Action::Membership => self.membership(&gateway, conversation).await,
            Action::Block => self.block(&gateway).await,
            Action::Logout => self.log_out(&gateway).await,
            Action::Exchange => self.exchange(&gateway).await,
        }
    }

    fn conversation(&mut self) -> ConversationId {
        let conversations = self.world.conversations();
        conversations[self.rng.usize(0..conversations.len())]
    }

    fn identity(&self) -> Identity {
        self.person.devices[0].identity()
    }

    fn line(&self, conversation: ConversationId, begin: &str) -> Line {
        Line {
            identity: self.identity(),
            conversation,
            text: format!("{begin}{}", self.world.number()),
            is_anonymous: false,
            base_seq: self.person.devices[0].cursor(conversation),
        }
    }

    fn connection(&self, gateway: &Running) -> String {
        format!("{} at {}", self.person.user, gateway.name)
    }

    /// Returns the name of a connection with one command only.
    fn single_connection(&self) -> String {
        format!("connection {}", self.world.number())
    }

    async fn execute(&self, gateway: &Running, command: Command) -> Option<Reply> {
        begin(gateway, self.identity(), command).await?.ok()
    }

    fn note(&mut self, conversation: ConversationId, outcome: SendOutcome) {
        if let SendOutcome::Acknowledged { seq, .. } = outcome {
            self.sent.push((conversation, Seq::new(seq)));
        }
    }

    /// Sends a line, and repeats it over any gateway until its outcome is known.
    async fn send(&mut self, gateway: &Running, conversation: ConversationId) {
        let line = self.line(conversation, "text-");
        let world = self.world.clone();
        let first = attempt(&world, gateway, self.connection(gateway), &line);
        let (mut outcome, mut error) = first.await;
        for pause in 0..ATTEMPTS_MAX {
            let is_open = error.as_ref().is_none_or(|error| error.code().is_retryable());
            let is_repeated = self.rng.u8(0..10) == 0;
            if matches!(outcome, SendOutcome::Acknowledged { .. }) && !is_repeated || !is_open {
                break;
            }
            sleep(Duration::from_millis(self.rng.u64(0..200 << pause))).await;
            let gateway = world.gateway(&mut self.rng).await;
            let again = attempt(&world, &gateway, self.single_connection(), &line);
            (outcome, error) = again.await;
        }
        self.note(conversation, outcome);
    }

    /// Sends several lines over one connection without waiting for answers.
    async fn burst(&mut self, gateway: &Running, conversation: ConversationId) {
        let connection = self.connection(gateway);
        let world = self.world.clone();
        let count = self.rng.usize(2..=6);
        let lines: Vec<_> = (0..count).map(|_| self.line(conversation, "text-")).collect();
        let begun = lines.iter().map(|line| attempt(&world, gateway, connection.clone(), line));
        let begun: Vec<_> = begun.collect();
        for (outcome, _) in join_all(begun).await {
            self.note(conversation, outcome);
        }
    }

    /// Sends one line over two gateways at the same time.
    async fn twin(&mut self, gateway: &Running, conversation: ConversationId) {
        let world = self.world.clone();
        let other = world.gateway(&mut self.rng).await;
        let line = self.line(conversation, "text-");
        let one = attempt(&world, gateway, self.connection(gateway), &line);
        let two = attempt(&world, &other, self.single_connection(), &line);
        let ((outcome, _), _) = join(one, two).await;
        self.note(conversation, outcome);
    }

    /// Edits, redacts or reacts to a message.
    async fn overlay(&mut self, gateway: &Running) {
        let Some(&(conversation, target_seq)) = self.rng.choice(&self.sent) else { return };
        let world = self.world.clone();
        let place = (conversation.to_string(), target_seq.get());
        match self.rng.u8(0..6) {
            0 => {
                let (conversation, seq) = place;
                let change = Change::Redact { target_seq };
                let command = Command::Write(write(self.of(&conversation), change));
                let is_done = self.execute(gateway, command).await.is_some();
                if is_done {
                    let answered = world.record.tick();
                    let redaction = Redaction { conversation, seq, answered };
                    world.record.change_facts(|facts| facts.redactions.push(redaction));
                }
            }
            1 | 2 => {
                let text = format!("edit-{}", world.number());
                let change = Change::Edit { target_seq, text: text.as_str().into() };
                let edit = Edit { conversation: place.0, seq: place.1, text };
                world.record.change_facts(|facts| facts.edits.push(edit));
                self.execute(gateway, Command::Write(write(conversation, change))).await;
            }
            _ => {
                let emoji = if self.rng.bool() { "👍" } else { "🎉" };
                let on = self.rng.u8(0..3) > 0;
                let target_seq = Seq::new(self.rng.u64(1..=target_seq.get()));
                let change = Change::React { target_seq, emoji: emoji.into(), on };
                world.record.may_open(self.person.user, conversation);
                self.execute(gateway, Command::Write(write(conversation, change))).await;
            }
        }
    }

    fn of(&self, conversation: &str) -> ConversationId {
        let all = self.world.conversations();
        let named = all.iter().find(|one| one.to_string() == conversation);
        named.copied().unwrap_or(all[0])
    }

    /// Reads a page from anywhere in the log.
    async fn history(&mut self, gateway: &Running, conversation: ConversationId) {
        let seq = Seq::new(self.rng.u64(0..100));
        let page = match self.rng.u8(0..4) {
            0 => Page::Before(seq),
            1 => Page::After(seq),
            2 => Page::Around(seq),
            _ => Page::Newest,
        };
        read_page(&self.world, gateway, self.identity(), conversation, page).await;
    }

    /// Sends a receipt, and looks at the cursor of somebody else.
    async fn receipt(&mut self, gateway: &Running, conversation: ConversationId) {
        let cursor = self.person.devices[0].cursor(conversation);
        if let Some(cursor) = cursor {
            let seq = Some(Seq::new(self.rng.u64(0..=cursor.get())));
            let read_seq = seq.filter(|_| self.rng.bool());
            let command = Command::Receipt { conversation, delivered_seq: seq, read_seq };
            self.execute(gateway, command).await;
        }
        let user = self.somebody();
        let command = Command::Member { conversation, user };
        let Some(Reply::Members { items, .. }) = self.execute(gateway, command).await else {
            return;
        };
        for item in items {
            let seqs = (item.cursor.delivered_seq.get(), item.cursor.read_seq.get());
            // A member who hides the cursor shows where the membership begins.
            if item.cursor.delivered_seq > item.member.joined_seq.previous() {
                self.seen_cursors.entry((conversation, user)).or_default().push(seqs);
            }
        }
    }

    fn somebody(&mut self) -> UserId {
        let people = self.world.people();
        people[self.rng.usize(0..people.len())].user
    }

    /// Changes who is a member and what members may do.
    async fn membership(&mut self, gateway: &Running, conversation: ConversationId) {
        let user = self.somebody();
        let change = match self.rng.u8(0..10) {
            0..4 => Change::SetMember { user, role: None },
            4..6 => Change::Remove { user },
            6 => Change::Remove { user: self.person.user },
            7 => Change::SetTitle { title: format!("title {}", self.world.number()).into() },
            8 => {
                self.world.record.may_open(self.person.user, conversation);
                self.execute(gateway, Command::Accept { conversation }).await;
                return;
            }
            _ => {
                let role = *self
                    .rng
                    .choice(&[Role::Member, Role::Admin, Role::Owner])
                    .unwrap_or(&Role::Member);
                Change::SetMember { user, role: Some(role) }
            }
        };
        self.world.record.may_open(self.person.user, conversation);
        self.execute(gateway, Command::Write(write(conversation, change))).await;
    }

    /// Blocks somebody, or ends a block.
    async fn block(&mut self, gateway: &Running) {
        let user = self.somebody();
        let identity = self.identity();
        let record = &self.world.record;
        let ms = record.time.ms();
        let is_on = self.blocks.remove(&user).inspect(|fact| {
            if let Some(fact) = *fact {
                record.change_facts(|facts| facts.hidden[fact].end_ms = ms);
            }
        });
        let on = is_on.is_none();
        let set = gateway.chat.set_block(identity, user, on);
        let result = tokio::select! {
            biased;
            () = gateway.killed.cancelled() => None,
            result = set => Some(result),
        };
        if !on {
            return;
        }
        let is_known = matches!(result, Some(Ok(()))) && self.world.plan().bus.delay_permille == 0;
        let fact = is_known.then(|| {
            let hidden = Hidden {
                subject: self.person.user.to_string(),
                from: Some(user.to_string()),
                conversation: None,
                begin_ms: self.world.record.time.ms() + BLOCK_WITHIN_MS,
                end_ms: u64::MAX,
            };
            self.world.record.change_facts(|facts| {
                facts.hidden.push(hidden);
                facts.hidden.len() - 1
            })
        });
        self.blocks.insert(user, fact);
    }
}
