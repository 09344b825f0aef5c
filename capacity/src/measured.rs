//! Every measured cost that the model uses: value, source, date and command.
//!
//! The commands print the figures again on any machine. Costs are processor time on the machine that
//! `docs/performance.md` describes, so another machine needs more or fewer of its own cores.

use serde::Serialize;

use crate::term::Term;

/// A measured cost.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Measured {
    /// Its name in formulas.
    pub name: &'static str,
    /// The value.
    pub value: f64,
    /// The unit of the value.
    pub unit: &'static str,
    /// What was measured.
    pub about: &'static str,
    /// Where the figure is written down.
    pub source: &'static str,
    /// When it was measured.
    pub date: &'static str,
    /// The command that measures it.
    pub command: &'static str,
}

impl From<&Measured> for Term {
    fn from(measured: &Measured) -> Self {
        Self::named(measured.name, measured.value)
    }
}

const FLEET: &str = "docs/capacity.md#what-a-step-costs-a-fleet";
const BYTES: &str = "docs/capacity.md#bytes";
const COUNTS: &str = "docs/capacity.md#counts-of-a-simulated-fleet";
const COSTS: &str = "cargo xtask costs";
const ENCODERS: &str = "cargo test -p capacity --test encoded_bytes";
const FLEET_COUNTS: &str = "cargo xtask capacity-check";
const DAY: &str = "2026-11-29";

macro_rules! measured {
    ($($constant:ident $name:literal $value:literal $unit:literal $about:literal
       $source:expr, $date:expr, $command:expr;)+) => {
        $(#[doc = $about]
        pub const $constant: Measured = Measured {
            name: $name, value: $value, unit: $unit, about: $about,
            source: $source, date: $date, command: $command,
        };)+

        /// All of them.
        pub const MEASURED: &[Measured] = &[$($constant),+];
    };
}

measured! {
    SEND_CPU "send-cpu" 215.0 "µs"
        "a gateway appends a text to the CQL store, publishes its hint and delivers it to the sender"
        FLEET, DAY, COSTS;
    HINT_CPU "hint-cpu" 27.0 "µs"
        "another gateway receives the hint of a text and delivers it to one connection"
        FLEET, DAY, COSTS;
    RECEIPT_CPU "receipt-cpu" 229.0 "µs"
        "a gateway stores a receipt and publishes its hint" FLEET, DAY, COSTS;
    RECEIPT_HINT_CPU "receipt-hint-cpu" 27.0 "µs"
        "another gateway receives the hint of a receipt and delivers it to one connection"
        FLEET, DAY, COSTS;
    TYPING_CPU "typing-cpu" 79.0 "µs"
        "a gateway publishes a typing signal" FLEET, DAY, COSTS;
    TYPING_HINT_CPU "typing-hint-cpu" 15.0 "µs"
        "another gateway receives a typing signal and delivers it to one connection"
        FLEET, DAY, COSTS;
    OPEN_CPU "open-cpu" 183.0 "µs"
        "a gateway opens a session that resumes, without TLS" FLEET, DAY, COSTS;
    TLS_CPU "tls-cpu" 500.0 "µs"
        "the TLS handshake of a new connection (P-256)"
        "docs/operations.md#capacity", DAY, "cargo xtask load --seconds 0";
    COMPARE_CPU "compare-cpu" 15.0 "µs"
        "a gateway compares the head of one live conversation with the store" FLEET, DAY, COSTS;
    DELIVERY_CPU "delivery-cpu" 5.83 "µs"
        "one delivery to an idle connection (1,000 members, 20 texts a second)"
        "docs/performance.md#figures", "2026-11-28", "confab-bench standard";
    CONNECTION_BYTES "connection-bytes" 12_000.0 "bytes"
        "memory of an idle connection with TLS"
        "docs/operations.md#capacity", "2026-11-28", "cargo xtask load --seconds 0";
    CONVERSATION_BYTES "conversation-bytes" 1_178.0 "bytes"
        "a gateway's memory of one live conversation with one listener" FLEET, DAY, COSTS;
    COMPARE_SECONDS "compare-seconds" 4.56 "s"
        "time between two comparisons of a live conversation's head" COUNTS, DAY, FLEET_COUNTS;
    MEMBERSHIPS_SECONDS "memberships-seconds" 22.8 "s"
        "time between two comparisons of a connected user's memberships"
        COUNTS, DAY, FLEET_COUNTS;
    REDIS_PUBLISH_CPU "redis-publish-cpu" 4.0 "µs"
        "Redis handles one published hint of 200 bytes" FLEET, DAY, COSTS;
    REDIS_RECEIVE_CPU "redis-receive-cpu" 4.1 "µs"
        "Redis sends a hint to one gateway" FLEET, DAY, COSTS;
    REDIS_OPEN_CPU "redis-open-cpu" 4.4 "µs"
        "Redis handles the presence and subscriptions of an opened session" FLEET, DAY, COSTS;
    REDIS_SUBSCRIPTION_BYTES "redis-subscription-bytes" 266.0 "bytes"
        "memory of one gateway's subscription to one channel" FLEET, DAY, COSTS;
    RING_BALANCE "ring-balance" 1.19 "×"
        "channels of the primary that has the most, of the average of 16 primaries"
        COUNTS, DAY, FLEET_COUNTS;
    STORE_SEND_CPU "store-send-cpu" 1_710.0 "µs"
        "Cassandra appends one text, in a batch of its own" FLEET, DAY, COSTS;
    STORE_RECEIPT_CPU "store-receipt-cpu" 1_339.0 "µs"
        "Cassandra stores one receipt, and reads what its check needs" FLEET, DAY, COSTS;
    STORE_TYPING_CPU "store-typing-cpu" 390.0 "µs"
        "Cassandra reads what the check of a typing signal needs" FLEET, DAY, COSTS;
    STORE_OPEN_CPU "store-open-cpu" 448.0 "µs"
        "Cassandra reads the memberships and boundaries of an opened session" FLEET, DAY, COSTS;
    STORE_COMPARE_CPU "store-compare-cpu" 33.0 "µs"
        "Cassandra reads the head of one live conversation" FLEET, DAY, COSTS;
    STORED_BYTES "stored-bytes" 71.0 "bytes"
        "bytes on the disk of a text, without the text and its client id" BYTES, DAY, COSTS;
    HINT_BYTES "hint-bytes" 43.0 "bytes"
        "bytes of the hint of a text, without the text and its client id" BYTES, DAY, ENCODERS;
    SMALL_HINT_BYTES "small-hint-bytes" 25.0 "bytes"
        "bytes of the hint of a receipt" BYTES, DAY, ENCODERS;
    FRAME_BYTES "frame-bytes" 194.0 "bytes"
        "bytes of a text's event, without the text and its client id"
        BYTES, DAY, "cargo test -p gateway measured_frames";
    SMALL_FRAME_BYTES "small-frame-bytes" 117.0 "bytes"
        "bytes of a receipt's event" BYTES, DAY, "cargo test -p gateway measured_frames";
}
