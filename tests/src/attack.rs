//! Attacks on one gateway with default settings, while other users send.
//!
//! Each [`Scenario`] runs on a gateway of its own. Users and conversations are prepared without rate
//! limits. Then the gateway is restarted with its defaults, other users send at a steady rate, and the
//! attack begins. The outcome says what the attacker got, what the other users noticed, and how much
//! memory it took.
//!
//! In reading order: [`Plan`], `trial` (one run), `others` (the users who must not notice), `load`
//! (what attackers have in common), the scenarios (`writes`, `reads`, `accounts`, `unread`, `sockets`,
//! `strangers`, `invites`, `uploads`), and `outcome` (goals and the table).
//!
//! Attacks reach loopback addresses only. Their rates, counts and durations are bounded.

mod accounts;
mod invites;
mod load;
mod others;
mod outcome;
mod reads;
mod sockets;
mod strangers;
mod trial;
mod unread;
mod uploads;
mod writes;

use std::{path::Path, time::Duration};

use anyhow::{Context, Result};
use futures_util::{FutureExt, future::LocalBoxFuture};

pub use self::outcome::{Outcome, table};
use self::{
    load::Got,
    trial::{Attacked, Trial},
};

/// How long and how large the attacks are.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// How long the other users send before the attack.
    pub baseline: Duration,
    /// How long an attack takes.
    pub attack: Duration,
    /// The time without requests before the memory at rest is read.
    pub rest: Duration,
    /// True for the counts of the reported faults, false for small ones.
    pub full: bool,
}

impl Plan {
    /// Measures: full counts.
    pub const fn full(attack: Duration, rest: Duration) -> Self {
        Self { baseline: Duration::from_secs(5), attack, rest, full: true }
    }

    /// Tests: small counts, and no time at rest.
    pub const fn short() -> Self {
        let second = Duration::from_secs(1);
        Self { baseline: second, attack: Duration::from_secs(3), rest: Duration::ZERO, full: false }
    }

    /// Returns the count for this plan.
    const fn count(&self, full: usize, short: usize) -> usize {
        if self.full { full } else { short }
    }
}

/// An attack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scenario {
    /// Three users write to conversations that they are not members of.
    Outsiders,
    /// A user sends from 18 logins.
    ManyLogins,
    /// A user makes groups that name the same five people.
    GroupsInBulk,
    /// A user with 10,000 conversations opens sessions by polling.
    LongList,
    /// A user asks 100 times in one request for the presence of the same person.
    Presence,
    /// A user searches for people by one letter.
    ShortSearches,
    /// A user searches messages for words that begin with a letter.
    MessageSearches,
    /// Log-ins from many /64s of one /48.
    LogInsFromOneNetwork,
    /// Log-ins from many networks of IPv4.
    LogInsFromManyNetworks,
    /// Wrong passwords for one account from one address.
    Guesses,
    /// Refresh tokens that were never issued, from the address of an honest user.
    JunkRefreshes,
    /// The largest pages of history on HTTP/2 streams with a closed window.
    UnreadPages,
    /// The largest file of the page on such streams, without a token.
    UnreadFiles,
    /// Sockets that resume from far behind and read nothing.
    FarBehind,
    /// Sockets that say nothing, half a handshake, or a head byte by byte.
    SilentSockets,
    /// A stranger opens direct conversations and adds people to groups.
    Strangers,
    /// Codes of invites are guessed.
    InviteGuesses,
    /// Many users upload as many files as they may, all at the same time.
    ManyUploads,
    /// A user uploads small files with many pixels.
    LargeImages,
}

impl Scenario {
    /// All scenarios.
    pub const ALL: [Self; 19] = [
        Self::Outsiders,
        Self::ManyLogins,
        Self::GroupsInBulk,
        Self::LongList,
        Self::Presence,
        Self::ShortSearches,
        Self::MessageSearches,
        Self::LogInsFromOneNetwork,
        Self::LogInsFromManyNetworks,
        Self::Guesses,
        Self::JunkRefreshes,
        Self::UnreadPages,
        Self::UnreadFiles,
        Self::FarBehind,
        Self::SilentSockets,
        Self::Strangers,
        Self::InviteGuesses,
        Self::ManyUploads,
        Self::LargeImages,
    ];

    /// Returns the name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Outsiders => "outsiders",
            Self::ManyLogins => "many-logins",
            Self::GroupsInBulk => "groups-in-bulk",
            Self::LongList => "long-list",
            Self::Presence => "presence",
            Self::ShortSearches => "short-searches",
            Self::MessageSearches => "message-searches",
            Self::LogInsFromOneNetwork => "log-ins-from-one-network",
            Self::LogInsFromManyNetworks => "log-ins-from-many-networks",
            Self::Guesses => "guesses",
            Self::JunkRefreshes => "junk-refreshes",
            Self::UnreadPages => "unread-pages",
            Self::UnreadFiles => "unread-files",
            Self::FarBehind => "far-behind",
            Self::SilentSockets => "silent-sockets",
            Self::Strangers => "strangers",
            Self::InviteGuesses => "invite-guesses",
            Self::ManyUploads => "many-uploads",
            Self::LargeImages => "large-images",
        }
    }

    /// Returns the scenario with this name.
    pub fn named(name: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|scenario| scenario.name() == name);
        let names = || Self::ALL.map(Self::name).join(", ");
        found.with_context(|| format!("no attack is called {name}: {}", names()))
    }

    fn attack(self, trial: &mut Trial) -> LocalBoxFuture<'_, Result<Got>> {
        match self {
            Self::Outsiders => writes::outsiders(trial).boxed_local(),
            Self::ManyLogins => writes::many_logins(trial).boxed_local(),
            Self::GroupsInBulk => writes::groups_in_bulk(trial).boxed_local(),
            Self::LongList => reads::long_list(trial).boxed_local(),
            Self::Presence => reads::presence(trial).boxed_local(),
            Self::ShortSearches => reads::short_searches(trial).boxed_local(),
            Self::MessageSearches => reads::message_searches(trial).boxed_local(),
            Self::LogInsFromOneNetwork => accounts::log_ins_from_one_network(trial).boxed_local(),
            Self::LogInsFromManyNetworks => {
                accounts::log_ins_from_many_networks(trial).boxed_local()
            }
            Self::Guesses => accounts::guesses(trial).boxed_local(),
            Self::JunkRefreshes => accounts::junk_refreshes(trial).boxed_local(),
            Self::UnreadPages => unread::pages(trial).boxed_local(),
            Self::UnreadFiles => unread::files(trial).boxed_local(),
            Self::FarBehind => unread::far_behind(trial).boxed_local(),
            Self::SilentSockets => sockets::silent(trial).boxed_local(),
            Self::Strangers => strangers::strangers(trial).boxed_local(),
            Self::InviteGuesses => invites::guesses(trial).boxed_local(),
            Self::ManyUploads => uploads::many(trial).boxed_local(),
            Self::LargeImages => uploads::large_images(trial).boxed_local(),
        }
    }
}

/// Runs an attack against a new gateway. Its outcome is complete after [`Attacked::rested`].
pub async fn attack(binary: &Path, scenario: Scenario, plan: Plan) -> Result<Attacked> {
    let mut trial = Trial::prepare(binary, plan).await?;
    let got = scenario.attack(&mut trial).await.context(scenario.name())?;
    trial.finish(scenario, got).await.context(scenario.name())
}
