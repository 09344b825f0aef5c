//! Counts of a fleet of up to a hundred gateways, beside what the capacity model predicts.
//!
//! The gateways run the product's own code, so the counts say what it really subscribes to, publishes
//! and reads. `cargo xtask capacity-check` prints the tables of `docs/capacity.md`.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]
#![expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]

mod bus;
mod fleet;

use std::time::Duration;

use backends::redis::channel_name;
use capacity::{
    fleet::{covered, receiving},
    measured::{COMPARE_SECONDS, MEMBERSHIPS_SECONDS, RING_BALANCE},
};
use chat_core::{id::ConversationId, port::Channel};
use fleet::Fleet;
use tokio::{runtime::Builder, time::sleep};

const SEED: u64 = 1;
/// How far a count of chance may be from its prediction.
const TOLERANCE: f64 = 0.05;
const PEOPLE: usize = 1_000;
const CONNECTED: f64 = 0.5;
const PRIMARIES: usize = 4;

fn run(simulation: impl Future<Output = ()>) {
    Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(simulation);
}

/// Asserts that a count is within the tolerance of its prediction. Returns both as cells of a table.
fn compared(what: &str, counted: f64, predicted: f64) -> String {
    let distance = (counted - predicted).abs() / predicted.max(f64::MIN_POSITIVE);
    assert!(distance <= TOLERANCE, "{what}: {counted:.2} counted, {predicted:.2} predicted");
    format!("{counted:.2} | {predicted:.2} | {:+.1} % |", (counted / predicted - 1.0) * 100.0)
}

#[expect(clippy::print_stdout, reason = "the tables of docs/capacity.md")]
fn print(line: &str) {
    println!("{line}");
}

/// Conversations of each size, more of the small ones, whose counts vary more.
const SHAPES: [(usize, usize); 3] = [(2, 600), (20, 100), (200, 20)];
const GATEWAYS: [usize; 4] = [1, 10, 30, 100];

#[test]
fn hints_and_subscriptions_are_those_of_the_model() {
    print(
        "| gateways | members | hints a text, received | predicted | off | \
           subscriptions a conversation | predicted | off | receipts: published each |\n\
           |---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    );
    for gateways in GATEWAYS {
        for (members, conversations) in SHAPES {
            run(count_hints(gateways, members, conversations));
        }
    }
}

async fn count_hints(gateways: usize, members: usize, conversations: usize) {
    let mut fleet = Fleet::start(SEED, gateways, PRIMARIES, PEOPLE).await;
    fleet.add_conversations(conversations, members).await;
    fleet.connect(CONNECTED).await;
    let listening = fleet.primaries.total().subscriptions - fleet.connected() as u64;
    // Each gateway listens to the channel of all gateways.
    let live = (listening - gateways as u64) as f64 / conversations as f64;
    let before = fleet.primaries.total();
    let sent = fleet.send_everywhere().await;
    let after = fleet.primaries.total();
    assert_eq!(after.published - before.published, sent, "one hint a text");
    let received = (after.received - before.received) as f64 / sent as f64;
    let before = after;
    let receipts = fleet.read_everywhere().await;
    let after = fleet.primaries.total();
    let published = (after.published - before.published) as f64 / receipts as f64;
    let (on, all) = (gateways as f64, members as f64);
    let hints = compared("hints", received, receiving(on, 1.0, all - 1.0, CONNECTED));
    let live = compared("subscriptions", live, covered(on, all, CONNECTED));
    print(&format!("| {gateways} | {members} | {hints} {live} {published:.2} |"));
}

#[test]
fn store_is_compared_as_often_as_the_model_assumes() {
    run(async {
        let mut fleet = Fleet::start(SEED, 20, PRIMARIES, PEOPLE).await;
        fleet.add_conversations(300, 20).await;
        fleet.connect(CONNECTED).await;
        let live = fleet.primaries.total().subscriptions - fleet.connected() as u64 - 20;
        let (before, seconds) = (fleet.store_reads(), 456.0);
        sleep(Duration::from_secs_f64(seconds)).await;
        let after = fleet.store_reads();
        let heads = (after.heads - before.heads) as f64;
        let heads = compared(
            "seconds between two comparisons of a head",
            live as f64 * seconds / heads,
            COMPARE_SECONDS.value,
        );
        let users = (after.memberships - before.memberships) as f64;
        let users = compared(
            "seconds between two comparisons of a user",
            fleet.connected() as f64 * seconds / users,
            MEMBERSHIPS_SECONDS.value,
        );
        print(
            "| seconds between two comparisons of | counted | model | off |\n|---|---:|---:|---:|",
        );
        print(&format!("| a live conversation's head | {heads}\n| a user's memberships | {users}"));
    });
}

#[test]
fn lost_gateway_costs_its_own_sessions_only() {
    print(
        "| gateways | sessions opened again | predicted | off | new subscriptions | predicted | off | \
           membership reads a session | heads read a session |\n|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    );
    for gateways in [10, 30] {
        run(lose_gateway(gateways));
    }
}

async fn lose_gateway(gateways: usize) {
    const CONVERSATIONS: usize = 600;
    let mut fleet = Fleet::start(SEED, gateways, PRIMARIES, 6_000).await;
    fleet.add_conversations(CONVERSATIONS, 20).await;
    fleet.connect(CONNECTED).await;
    let (reads, connected) = (fleet.store_reads(), fleet.connected());
    let on_others = |fleet: &Fleet, connected: usize, gateways: usize| {
        fleet.primaries.total().subscriptions - (connected + gateways) as u64
    };
    let live_before = on_others(&fleet, connected, gateways);
    let lost = fleet.lose_gateway(0).await;
    let (after, live_after) = (fleet.store_reads(), on_others(&fleet, connected, gateways - 1));
    let (on, all) = (gateways as f64, 20.0);
    let lost_share = live_before as f64 / on;
    let new = live_after as f64 - (live_before as f64 - lost_share);
    let model = covered(on - 1.0, all, CONNECTED) - covered(on, all, CONNECTED) * (1.0 - 1.0 / on);
    let sessions = lost as f64;
    // One gateway of some hundred people: a tenth more or less is chance.
    let off = (sessions / (connected as f64 / on) - 1.0) * 100.0;
    assert!(off.abs() < 20.0, "{sessions} sessions of {connected}");
    let predicted = model * CONVERSATIONS as f64;
    let new_off = (new / predicted - 1.0) * 100.0;
    assert!(new_off.abs() < 20.0, "{new} new subscriptions, {predicted} predicted");
    print(&format!(
        "| {gateways} | {lost} | {:.0} | {off:+.1} % | {new:.0} | {predicted:.0} | {new_off:+.1} % | {:.2} | {:.2} |",
        connected as f64 / on,
        (after.memberships - reads.memberships) as f64 / sessions,
        (after.heads - reads.heads) as f64 / sessions,
    ));
}

#[test]
fn lost_primary_makes_every_gateway_compare_everything() {
    print(
        "| primaries | subscriptions made again | share of all | heads compared | live conversations | \
           memberships compared | connected users |\n|---:|---:|---:|---:|---:|---:|---:|",
    );
    for primaries in [4, 16] {
        run(lose_primary(primaries));
    }
}

async fn lose_primary(primaries: usize) {
    const GATEWAYS: usize = 30;
    let mut fleet = Fleet::start(SEED, GATEWAYS, primaries, PEOPLE).await;
    fleet.add_conversations(1_000, 20).await;
    fleet.connect(CONNECTED).await;
    // All memberships have had their turn, and none is due in the second that is counted.
    let (reads, before) = (fleet.store_reads(), fleet.primaries.total());
    fleet.primaries.restart(0);
    sleep(Duration::from_millis(900)).await;
    let (after, again) = (fleet.store_reads(), fleet.primaries.total());
    let again = again.subscribed - before.subscribed;
    let live = before.subscriptions - (fleet.connected() + GATEWAYS) as u64;
    let share = again as f64 / before.subscriptions as f64;
    let fair = 1.0 / primaries as f64;
    assert!(share > fair / 1.5 && share < fair * 1.5, "{share} of all");
    let (heads, users) = (after.heads - reads.heads, after.memberships - reads.memberships);
    assert_eq!(heads, live, "every live conversation is compared once");
    assert_eq!(users, fleet.connected() as u64, "every connected user is compared once");
    print(&format!(
        "| {primaries} | {again} | {:.1} % | {heads} | {live} | {users} | {} |",
        share * 100.0,
        fleet.connected()
    ));
}

#[test]
fn ring_is_as_even_as_the_model_assumes() {
    print("| primaries | most channels of one, of the average | least |\n|---:|---:|---:|");
    for primaries in [2, 4, 8, 16, 32, 64] {
        let ring = bus::ring(primaries);
        let mut counts = vec![0_u32; primaries];
        for number in 0..1_000_000_u64 {
            let id = ConversationId::new(291_139_937_883_918_336 + number * 4_096).unwrap();
            counts[ring.index_of(&channel_name(Channel::Conversation(id)))] += 1;
        }
        let average = 1e6 / primaries as f64;
        let most = f64::from(counts.iter().copied().max().unwrap()) / average;
        let least = f64::from(counts.iter().copied().min().unwrap()) / average;
        print(&format!("| {primaries} | {most:.3} | {least:.3} |"));
        if primaries == 16 {
            let distance = (most - RING_BALANCE.value).abs();
            assert!(distance < 0.01, "{most} instead of {}", RING_BALANCE.value);
        }
        assert!(most < 1.35, "{most} of the average of {primaries}");
    }
}

#[test]
fn people_are_spread_evenly_over_a_hundred_gateways() {
    run(async {
        let mut fleet = Fleet::start(SEED, 100, 1, 10_000).await;
        fleet.connect(1.0).await;
        let balance = fleet.balance();
        print(&format!(
            "10,000 people on 100 gateways: {balance:.2} of the average on the fullest"
        ));
        assert!(balance < 1.4, "{balance}");
    });
}
