//! What a simulation knows of a history besides what its clients received.
//!
//! Times are milliseconds of the simulated clock, ticks are those of [`crate::Ticks`].

/// What else is known of a history.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Every text that somebody put in place of a message's text.
    pub edits: Vec<Edit>,
    /// Every acknowledged redaction.
    pub redactions: Vec<Redaction>,
    /// Every id that a gateway issued.
    pub issued_ids: Vec<u64>,
    /// Every ended login.
    pub ended_logins: Vec<EndedLogin>,
    /// Every exchange of a refresh token with a known outcome.
    pub exchanges: Vec<Exchange>,
    /// Every event that a login received.
    pub served: Vec<Served>,
    /// When a user's receipts, typing and presence must not reach another.
    pub hidden: Vec<Hidden>,
    /// Every receipt, typing or presence event that a user received of another.
    pub shown: Vec<Shown>,
    /// When clients received entries, as far as that is bounded.
    pub arrivals: Vec<Arrival>,
    /// What readers see at the end.
    pub views: Vec<View>,
    /// Commands that were sent after the last fault.
    pub probes: Vec<Probe>,
}

impl Facts {
    pub(super) fn merge(&mut self, other: Self) {
        self.edits.extend(other.edits);
        self.redactions.extend(other.redactions);
        self.issued_ids.extend(other.issued_ids);
        self.ended_logins.extend(other.ended_logins);
        self.exchanges.extend(other.exchanges);
        self.served.extend(other.served);
        self.hidden.extend(other.hidden);
        self.shown.extend(other.shown);
        self.arrivals.extend(other.arrivals);
        self.views.extend(other.views);
        self.probes.extend(other.probes);
    }
}

/// A text that somebody put in place of a message's text.
#[derive(Debug, Clone)]
pub struct Edit {
    /// The conversation.
    pub conversation: String,
    /// The message's seq.
    pub seq: u64,
    /// The new text.
    pub text: String,
}

/// An acknowledged redaction.
#[derive(Debug, Clone)]
pub struct Redaction {
    /// The conversation.
    pub conversation: String,
    /// The message's seq.
    pub seq: u64,
    /// The tick of the acknowledgement.
    pub answered: u64,
}

/// An ended login.
#[derive(Debug, Clone)]
pub struct EndedLogin {
    /// The login.
    pub login: u64,
    /// From this time on it must receive nothing.
    pub from_ms: u64,
}

/// An exchange of a refresh token with a known outcome.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// The login.
    pub login: u64,
    /// True if the login had not ended, and the token was its newest, or the one before it whose answer may have been
    /// lost.
    pub is_valid: bool,
    /// True if it gave the next token.
    pub is_accepted: bool,
}

/// An event that a login received.
#[derive(Debug, Clone)]
pub struct Served {
    /// The login.
    pub login: u64,
    /// When it was received.
    pub at_ms: u64,
}

/// A time in which a user's receipts, typing and presence must not reach another.
#[derive(Debug, Clone)]
pub struct Hidden {
    /// The user who is hidden.
    pub subject: String,
    /// The user from whom, or everybody.
    pub from: Option<String>,
    /// The conversation, or all of them.
    pub conversation: Option<String>,
    /// The begin of the time.
    pub begin_ms: u64,
    /// The end of the time.
    pub end_ms: u64,
}

/// A receipt, typing or presence event that a user received of another.
#[derive(Debug, Clone)]
pub struct Shown {
    /// The user whom it is about.
    pub subject: String,
    /// The user who received it.
    pub reader: String,
    /// The conversation.
    pub conversation: String,
    /// When it was received.
    pub at_ms: u64,
}

/// An entry on its way to a connected client.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// The client.
    pub reader: String,
    /// The conversation.
    pub conversation: String,
    /// The entry's seq.
    pub seq: u64,
    /// When the entry was acknowledged.
    pub acknowledged_ms: u64,
    /// When it was received.
    pub at_ms: u64,
    /// The longest time between both.
    pub within_ms: u64,
}

/// What a reader sees at the end.
#[derive(Debug, Clone)]
pub struct View {
    /// The reader and what is seen.
    pub what: String,
    /// What is seen.
    pub seen: String,
    /// What the log says.
    pub expected: String,
}

/// A command that was sent after the last fault.
#[derive(Debug, Clone)]
pub struct Probe {
    /// The command.
    pub command: String,
    /// Why it failed, if it did.
    pub failure: Option<String>,
}
