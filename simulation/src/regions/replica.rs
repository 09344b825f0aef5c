//! One conversation's log in one place, and the rules of the protocol.
//!
//! Every change is one conditional write of the store in that place. The store of the home region
//! orders the entries, and an entry is decided once a second place has it. What holds:
//! - A replica follows no epoch below the one that it has promised.
//! - Under one epoch, every replica has a prefix of the home's log.
//! - A gateway that starts an epoch has read two places, so it has everything decided before.

/// A place with a store that fails on its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A region with gateways.
    East,
    /// The other region with gateways.
    West,
    /// A store without gateways. It can confirm entries, but never be the home.
    Witness,
}

impl Place {
    /// All places.
    pub const ALL: [Self; 3] = [Self::East, Self::West, Self::Witness];

    /// Returns the position in [`Self::ALL`].
    pub(crate) const fn index(self) -> usize {
        self as usize
    }

    /// Returns the other places.
    pub(crate) const fn others(self) -> [Self; 2] {
        match self {
            Self::East => [Self::West, Self::Witness],
            Self::West => [Self::East, Self::Witness],
            Self::Witness => [Self::East, Self::West],
        }
    }
}

/// The term of one home. Each attempt to become the home has its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Epoch {
    /// Higher than that of every epoch that its gateway knew.
    pub(crate) number: u64,
    /// The gateway that started it. Two gateways never start the same epoch.
    pub(crate) gateway: usize,
}

impl Epoch {
    /// Before the first one: the epoch of a replica without data.
    pub(crate) const NONE: Self = Self { number: 0, gateway: 0 };
    /// The epoch in which every conversation starts, with its home in the east.
    pub(crate) const FIRST: Self = Self { number: 1, gateway: 0 };

    /// Returns the home: the region of its gateway.
    pub(crate) const fn home(self) -> Place {
        if self.gateway.is_multiple_of(2) { Place::East } else { Place::West }
    }
}

/// The name that a client gave its text. A text is only its name here.
pub type ClientId = u64;

/// A mistake in the protocol, to show that the simulation finds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mistake {
    /// A replica follows an epoch below the one that it has promised.
    HandsOverWithoutFence,
    /// A send is acknowledged when only the home has it.
    AcknowledgesBeforeReplication,
    /// A read returns entries that are not decided.
    ShowsUndecided,
    /// A new home starts with the longest log instead of that of the newest epoch.
    TakesLongestLog,
    /// A store that has lost its data takes part at once.
    RejoinsWithoutData,
    /// The home does not look for an entry with the same client id.
    ForgetsClientIds,
    /// A read trusts the gateway's knowledge of the home without asking a second place.
    ReadsWithoutConfirming,
}

impl Mistake {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::HandsOverWithoutFence,
        Self::AcknowledgesBeforeReplication,
        Self::ShowsUndecided,
        Self::TakesLongestLog,
        Self::RejoinsWithoutData,
        Self::ForgetsClientIds,
        Self::ReadsWithoutConfirming,
    ];
}

/// The log in one place.
#[derive(Debug, Clone)]
pub(crate) struct Replica {
    place: Place,
    mistake: Option<Mistake>,
    /// It follows no lower epoch.
    promised: Epoch,
    /// The epoch under which it got its entries.
    accepted: Epoch,
    entries: Vec<ClientId>,
    /// How many of the entries are known to be decided.
    decided: usize,
    /// It has lost its data, and must not answer before it has read both other places.
    is_blank: bool,
}

/// What a replica knows.
#[derive(Debug, Clone)]
pub(crate) struct State {
    pub(crate) promised: Epoch,
    pub(crate) accepted: Epoch,
    pub(crate) entries: Vec<ClientId>,
}

/// The answer of the home to an append.
#[derive(Debug, Clone)]
pub(crate) enum Appended {
    /// The entry is in the log at this seq.
    Stored { seq: usize, log: Vec<ClientId> },
    /// The log's head is another one.
    Moved { head: usize },
    /// This epoch has ended here, or has not begun.
    Fenced,
}

impl Replica {
    pub(crate) const fn new(place: Place, mistake: Option<Mistake>) -> Self {
        Self {
            place,
            mistake,
            promised: Epoch::FIRST,
            accepted: Epoch::FIRST,
            entries: Vec::new(),
            decided: 0,
            is_blank: false,
        }
    }

    fn has(&self, mistake: Mistake) -> bool {
        self.mistake == Some(mistake)
    }

    /// Returns true if it may take part: a place without its data could break its promises.
    pub(crate) fn takes_part(&self) -> bool {
        !self.is_blank || self.has(Mistake::RejoinsWithoutData)
    }

    fn state(&self) -> State {
        let Self { promised, accepted, .. } = *self;
        State { promised, accepted, entries: self.entries.clone() }
    }

    fn follows(&self, epoch: Epoch) -> bool {
        epoch >= self.promised || self.has(Mistake::HandsOverWithoutFence)
    }

    /// Returns what it knows, or `None` if it does not take part.
    pub(crate) fn read(&self) -> Option<State> {
        self.takes_part().then(|| self.state())
    }

    /// Promises to follow no lower epoch. Returns what it has, or `None` if it has promised a higher
    /// one or does not take part.
    pub(crate) fn promise(&mut self, epoch: Epoch) -> Option<State> {
        if !self.takes_part() || epoch <= self.promised {
            return None;
        }
        if !self.has(Mistake::HandsOverWithoutFence) {
            self.promised = epoch;
        }
        Some(self.state())
    }

    /// Appends an entry at the home, if the epoch is the present one and the head is `after`. An entry
    /// with this client id is the answer to a repeat.
    pub(crate) fn append(&mut self, epoch: Epoch, after: usize, client: ClientId) -> Appended {
        let is_home = epoch.home() == self.place && self.accepted == epoch;
        if !self.takes_part() || !is_home || !self.follows(epoch) {
            return Appended::Fenced;
        }
        let known = self.entries.iter().position(|entry| *entry == client);
        let known = known.filter(|_| !self.has(Mistake::ForgetsClientIds));
        if let Some(at) = known {
            return Appended::Stored { seq: at + 1, log: self.entries.clone() };
        }
        if self.entries.len() != after {
            return Appended::Moved { head: self.entries.len() };
        }
        self.entries.push(client);
        Appended::Stored { seq: self.entries.len(), log: self.entries.clone() }
    }

    /// Takes over the beginning of the home's log under this epoch. Returns true if it has all of it
    /// now. A late request with a shorter log changes nothing.
    pub(crate) fn confirm(&mut self, epoch: Epoch, log: &[ClientId]) -> bool {
        if !self.takes_part() || !self.follows(epoch) {
            return false;
        }
        if self.accepted == epoch && self.entries.len() >= log.len() {
            return true;
        }
        self.promised = self.promised.max(epoch);
        self.accepted = epoch;
        self.entries = log.to_vec();
        true
    }

    /// Learns that the first entries under this epoch are decided.
    pub(crate) fn learn_decided(&mut self, epoch: Epoch, count: usize) {
        if self.takes_part() && self.accepted == epoch && self.entries.len() >= count {
            self.decided = self.decided.max(count);
        }
    }

    /// Returns what a reader in this place may see without asking another one.
    pub(crate) fn shown(&self) -> Vec<ClientId> {
        let count = if self.has(Mistake::ShowsUndecided) {
            self.entries.len()
        } else {
            self.decided.min(self.entries.len())
        };
        self.entries[..count].to_vec()
    }

    /// Loses all data.
    pub(crate) fn erase(&mut self) {
        *self = Self {
            promised: Epoch::NONE,
            accepted: Epoch::NONE,
            is_blank: true,
            ..Self::new(self.place, self.mistake)
        };
    }

    /// Takes part again after it has lost its data, with what both other places had meanwhile.
    pub(crate) fn rejoin(&mut self, others: &[State; 2]) {
        if !self.is_blank {
            return;
        }
        let [one, other] = others;
        self.promised = one.promised.max(other.promised);
        let State { accepted, entries, .. } = best(others.iter()).unwrap_or(one);
        self.accepted = *accepted;
        self.entries.clone_from(entries);
        self.is_blank = false;
    }
}

/// Returns the log that has everything that was decided: the longest one of the newest epoch.
pub(crate) fn best<'a>(states: impl Iterator<Item = &'a State>) -> Option<&'a State> {
    states.max_by_key(|state| (state.accepted, state.entries.len()))
}
