//! What a seed enables: each run has another subset of faults and of what people do.

use std::time::Duration;

use chat_core::memory::BusFaults;
use fastrand::Rng;

/// What a seed enables.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The seed.
    pub seed: u64,
    /// How many operations people make in all.
    pub operations: u64,
    /// The store.
    pub store_kind: StoreKind,
    /// The number of gateways.
    pub gateways: usize,
    /// The number of people.
    pub people: usize,
    /// The number of devices of each person.
    pub devices: usize,
    /// The number of groups.
    pub groups: usize,
    /// Whether memberships are requests until their owners take part.
    pub requests: bool,
    /// The size of an event on the wire.
    pub frame_bytes: usize,
    /// The entries of a log in one bucket of the store.
    pub bucket_entries: u64,
    /// What the bus does to hints without notice.
    pub bus: BusFaults,
    /// What the store does to calls.
    pub store: StoreFaults,
    /// How often the chaos does each thing.
    pub chaos: ChaosWeights,
    /// How often people do each thing.
    pub actions: ActionWeights,
    /// How often devices do each thing, in percent.
    pub devices_do: DeviceHabits,
}

/// Which store a run has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreKind {
    /// The reference implementation in memory.
    Memory,
    /// The embedded store, with its files.
    Embedded,
}

/// What the store does to calls, in thousandths of them.
#[derive(Debug, Clone, Copy, Default)]
pub struct StoreFaults {
    /// Fails before the call has an effect.
    pub refuses: u32,
    /// Applies a write and loses the answer.
    pub loses_answer: u32,
    /// Loses a write, which is only noticed after a time-out.
    pub loses_request: u32,
    /// Answers late.
    pub is_slow: u32,
    /// The longest time that every call takes.
    pub latency_ms: u64,
}

/// How often the chaos does each thing; zero for never.
#[derive(Debug, Clone, Copy, Default)]
pub struct ChaosWeights {
    /// Cuts all gateways off the bus for a while.
    pub bus_outage: u32,
    /// Cuts one gateway off the bus for a while.
    pub one_cut_off: u32,
    /// Kills a gateway and starts it again.
    pub restart: u32,
    /// Changes the clock of a gateway.
    pub clock_step: u32,
}

/// How often people do each thing; zero for never.
#[derive(Debug, Clone, Copy, Default)]
pub struct ActionWeights {
    /// Send a text, and repeat it until its outcome is known.
    pub send: u32,
    /// Send several texts at once.
    pub burst: u32,
    /// Send one text over two gateways at the same time.
    pub twin: u32,
    /// Send a text without a client id.
    pub anonymous: u32,
    /// Edit, redact and react.
    pub overlay: u32,
    /// Read pages of history.
    pub history: u32,
    /// Send receipts, and look at those of others.
    pub receipt: u32,
    /// Type.
    pub typing: u32,
    /// Add and remove members, change roles and titles.
    pub membership: u32,
    /// Block people.
    pub block: u32,
    /// Log out, and in again.
    pub logout: u32,
    /// Exchange refresh tokens.
    pub exchange: u32,
}

/// How often devices do each thing, in percent.
#[derive(Debug, Clone, Copy, Default)]
pub struct DeviceHabits {
    /// Poll instead of opening a socket.
    pub poll: u32,
    /// Stop reading for a while.
    pub stall: u32,
    /// Let fan-outs write to the socket.
    pub direct: u32,
    /// Lose what was last sent when the connection ends.
    pub lose_tail: u32,
    /// The longest life of a connection.
    pub life_ms: u64,
}

/// Returns a value in this percentage of the cases, or else the default.
fn sometimes<T: Default>(rng: &mut Rng, percent: u32, value: impl FnOnce(&mut Rng) -> T) -> T {
    if rng.u32(0..100) < percent { value(rng) } else { T::default() }
}

impl Plan {
    /// Draws the plan of a seed.
    pub fn new(seed: u64, operations: u64) -> Self {
        let mut rng = Rng::with_seed(seed ^ 0x5157_4D5F_504C_414E);
        let rng = &mut rng;
        let mut plan = Self {
            seed,
            operations,
            store_kind: StoreKind::Memory,
            gateways: rng.usize(2..=4),
            people: rng.usize(3..=6),
            devices: rng.usize(1..=2),
            groups: rng.usize(1..=3),
            requests: rng.bool(),
            frame_bytes: if rng.u8(0..4) == 0 { 32 * 1024 } else { 256 },
            bucket_entries: if rng.bool() { 16 } else { 1 << 20 },
            bus: sometimes(rng, 50, bus_faults),
            store: sometimes(rng, 60, store_faults),
            chaos: sometimes(rng, 60, chaos),
            actions: actions(rng),
            devices_do: DeviceHabits {
                poll: *rng.choice(&[0, 30, 100]).unwrap_or(&0),
                stall: *rng.choice(&[0, 0, 20]).unwrap_or(&0),
                direct: *rng.choice(&[0, 80]).unwrap_or(&0),
                lose_tail: *rng.choice(&[0, 40]).unwrap_or(&0),
                life_ms: *rng.choice(&[800, 4_000, 60_000]).unwrap_or(&800),
            },
        };
        // Drawn last, so that a seed without it is what it was before.
        plan.actions.exchange = sometimes(rng, 40, |rng| rng.u32(1..=4));
        plan
    }

    /// Draws the plan of a seed for one gateway with the embedded store. It is killed again and again, and its
    /// successor opens the files.
    pub fn embedded(seed: u64, operations: u64) -> Self {
        let plan = Self::new(seed, operations);
        let restart = plan.chaos.restart.max(2);
        Self {
            store_kind: StoreKind::Embedded,
            gateways: 1,
            chaos: ChaosWeights { restart, ..plan.chaos },
            ..plan
        }
    }

    /// Returns true if hints are only lost with notice.
    pub const fn has_honest_bus(&self) -> bool {
        self.bus.drop_permille == 0
            && self.bus.delay_permille == 0
            && self.chaos.one_cut_off == 0
            && self.chaos.restart == 0
    }

    /// Returns the time within which a connected client receives an entry, if that is bounded.
    pub const fn arrives_within(&self) -> Option<Duration> {
        let is_calm = self.has_honest_bus()
            && self.chaos.bus_outage == 0
            && self.devices_do.stall == 0
            && self.store.refuses + self.store.is_slow == 0
            && self.store.loses_answer + self.store.loses_request == 0;
        if is_calm { Some(Duration::from_secs(1)) } else { None }
    }
}

fn bus_faults(rng: &mut Rng) -> BusFaults {
    BusFaults {
        drop_permille: sometimes(rng, 60, |rng| rng.u32(20..400)),
        double_permille: sometimes(rng, 50, |rng| rng.u32(20..300)),
        delay_permille: sometimes(rng, 50, |rng| rng.u32(20..400)),
        delay_max: rng.u32(1..20),
        echo_permille: sometimes(rng, 50, |rng| rng.u32(20..1_000)),
    }
}

fn store_faults(rng: &mut Rng) -> StoreFaults {
    StoreFaults {
        refuses: sometimes(rng, 50, |rng| rng.u32(5..100)),
        loses_answer: sometimes(rng, 50, |rng| rng.u32(5..150)),
        loses_request: sometimes(rng, 40, |rng| rng.u32(5..80)),
        is_slow: sometimes(rng, 50, |rng| rng.u32(5..150)),
        latency_ms: *rng.choice(&[0, 3, 20]).unwrap_or(&0),
    }
}

fn chaos(rng: &mut Rng) -> ChaosWeights {
    ChaosWeights {
        bus_outage: sometimes(rng, 50, |rng| rng.u32(1..4)),
        one_cut_off: sometimes(rng, 40, |rng| rng.u32(1..4)),
        restart: sometimes(rng, 50, |rng| rng.u32(1..4)),
        clock_step: sometimes(rng, 50, |rng| rng.u32(1..4)),
    }
}

fn actions(rng: &mut Rng) -> ActionWeights {
    let mut weight = |percent: u32, max: u32| sometimes(rng, percent, |rng| rng.u32(1..=max));
    ActionWeights {
        send: 12,
        burst: weight(70, 6),
        twin: weight(50, 6),
        anonymous: weight(50, 4),
        overlay: weight(60, 6),
        history: weight(80, 6),
        receipt: weight(60, 4),
        typing: weight(60, 3),
        membership: weight(60, 6),
        block: weight(40, 2),
        logout: weight(40, 1),
        exchange: 0,
    }
}
