//! Everything that a run shares.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use chat_core::{
    command::{Command, Reply},
    id::{ConversationId, LoginId, UserId},
    memory::{MemoryHub, PlainPasswords},
    model::{Identity, Login, LoginSecret, User, Username},
    port::{NameClaim, Passwords},
    time::{Clock, Timestamp},
};
use fastrand::Rng;
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

use crate::{
    clock::{SimulatedTime, SkewedClock},
    device::Device,
    people::Person,
    plan::Plan,
    record::Recorder,
    site::{Running, Site, Surroundings},
    store::SharedStore,
    trouble::StoreTrouble,
    wire::Wire,
};

/// The password of all people.
pub(crate) const PASSWORD: &str = "the password of all people";

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// People act, and things break.
    Acting,
    /// Nothing breaks any more.
    Settling,
    /// All devices stop.
    Stopped,
}

/// Everything that a run shares.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) around: Surroundings,
    pub(crate) record: Recorder,
    pub(crate) sites: Vec<Site>,
    pub(crate) people: OnceLock<Vec<Arc<Person>>>,
    pub(crate) conversations: OnceLock<Vec<ConversationId>>,
    pub(crate) phase: watch::Sender<Phase>,
    operations_left: AtomicU64,
    names: AtomicU64,
    /// Makes the ids of users and logins.
    clock: SkewedClock,
}

impl World {
    /// Starts the gateways, and creates the people and the conversations.
    pub(crate) async fn start(plan: &Plan) -> Result<Arc<Self>> {
        let mut rng = Rng::with_seed(plan.seed);
        let time = SimulatedTime::start();
        let around = Surroundings {
            plan: plan.clone(),
            time,
            store: SharedStore::open(plan)?,
            trouble: Arc::new(StoreTrouble::default()),
            hub: MemoryHub::with_faults(rng.u64(..), plan.bus),
            wire: Arc::new(Wire::new(plan.frame_bytes)),
            issued: Arc::default(),
            tasks: TaskTracker::new(),
        };
        let issued = around.issued.clone();
        let sites = (0..plan.gateways)
            .map(|node| Site::new(u16::try_from(node).unwrap_or_default(), rng.fork()));
        let world = Arc::new(Self {
            around,
            record: Recorder::new(time),
            sites: sites.collect(),
            people: OnceLock::new(),
            conversations: OnceLock::new(),
            phase: watch::Sender::new(Phase::Acting),
            operations_left: AtomicU64::new(plan.operations),
            names: AtomicU64::new(0),
            clock: SkewedClock::new(1_000, time, Arc::default(), Arc::default(), issued),
        });
        for site in &world.sites {
            site.start(&world.around).await;
        }
        world.populate(&mut rng).await?;
        Ok(world)
    }

    async fn populate(self: &Arc<Self>, rng: &mut Rng) -> Result<()> {
        let mut people = Vec::new();
        for number in 0..self.plan().people {
            let username = format!("person-{number}");
            let user = self.create_user(&username).await?;
            let mut devices = Vec::new();
            for _ in 0..self.plan().devices {
                let login = self.log_in(user).await?;
                devices.push(Arc::new(Device::new(Identity { user, login })));
            }
            people.push(Arc::new(Person { user, username, devices }));
        }
        let mut conversations = Vec::new();
        for number in 0..self.plan().groups {
            let founder = &people[rng.usize(0..people.len())];
            let members = people.iter().filter(|_| rng.u8(0..4) > 0);
            let members = members.map(|person| person.user).collect();
            let (title, key) = (format!("group {number}"), format!("group-{number}"));
            let command = Command::CreateGroup { title: title.into(), members, key: key.into() };
            conversations.push(self.found(founder, command).await?);
        }
        let (one, other) = (&people[0], &people[1]);
        let command = Command::OpenDirect { user: other.user };
        conversations.push(self.found(one, command).await?);
        self.conversations.set(conversations).ok().context("populated twice")?;
        self.people.set(people).ok().context("populated twice")
    }

    async fn create_user(&self, name: &str) -> Result<UserId> {
        let id = UserId::from(self.clock.fresh_id());
        let user = User {
            id,
            username: Username::new(name)?,
            display_name: name.into(),
            created_at: self.clock.now(),
        };
        let hash = PlainPasswords.hash(PASSWORD).await?;
        let claim = self.around.store.stores().accounts.claim(&user, &hash).await?;
        ensure!(claim == NameClaim::Yours, "{name}: {claim:?}");
        Ok(id)
    }

    /// Opens a login and returns its id.
    pub(crate) async fn log_in(&self, user: UserId) -> Result<LoginId> {
        let id = LoginId::from(self.clock.fresh_id());
        let now = self.clock.now();
        let login = Login {
            id,
            user,
            device: None,
            created_at: now,
            used_at: now,
            expires_at: Timestamp::from_millis(i64::MAX),
            current: LoginSecret([0; 32]),
            previous: None,
        };
        ensure!(self.around.store.stores().logins.open(&login).await?, "the login's id is taken");
        Ok(id)
    }

    async fn found(&self, founder: &Person, command: Command) -> Result<ConversationId> {
        let gateway = self.sites[0].running().context("no gateway")?;
        let identity = founder.devices[0].identity();
        let reply = gateway.chat.execute(identity, command).await?;
        let Reply::Made { conversation, .. } = reply else {
            anyhow::bail!("not founded: {reply:?}");
        };
        Ok(conversation.id)
    }

    pub(crate) const fn plan(&self) -> &Plan {
        &self.around.plan
    }

    pub(crate) fn people(&self) -> &[Arc<Person>] {
        self.people.get().map_or(&[], Vec::as_slice)
    }

    pub(crate) fn conversations(&self) -> &[ConversationId] {
        self.conversations.get().map_or(&[], Vec::as_slice)
    }

    /// Returns the direct conversation.
    pub(crate) fn direct(&self) -> Option<ConversationId> {
        self.conversations().last().copied()
    }

    /// Returns a running gateway, and waits until there is one.
    pub(crate) async fn gateway(&self, rng: &mut Rng) -> Arc<Running> {
        loop {
            if let Some(running) = self.sites[rng.usize(0..self.sites.len())].running() {
                return running;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Returns true if one more operation may be made, and counts it.
    pub(crate) fn take_operation(&self) -> bool {
        let left = |left: u64| left.checked_sub(1);
        self.operations_left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, left).is_ok()
    }

    /// Returns a number that is returned once.
    pub(crate) fn number(&self) -> u64 {
        self.names.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    /// Waits until the run is at least this far.
    pub(crate) async fn reached(&self, phase: Phase) {
        let mut phases = self.phase.subscribe();
        // The sender lives as long as the world.
        drop(phases.wait_for(|now| *now >= phase).await);
    }
}
