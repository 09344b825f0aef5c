//! Small plans that were computed by hand, and what holds for every plan.
#![expect(clippy::unwrap_used, reason = "a failed test may panic")]

use capacity::{
    inputs::{INPUTS, Inputs},
    measured::{
        CONNECTION_BYTES, MEASURED, REDIS_PUBLISH_CPU, REDIS_RECEIVE_CPU, STORE_SEND_CPU,
        STORED_BYTES,
    },
    plan,
};
use proptest::prelude::*;

/// A day of a thousand people who send ten texts each, only to groups of five who are all connected
/// once, and nothing else happens.
fn small() -> Inputs {
    Inputs {
        daily_users: 1_000.0,
        messages_per_user: 10.0,
        years: 2.0,
        peak_factor: 8.64,
        connected_share: 1.0,
        connections_per_user: 1.0,
        conversations_per_user: 1.0,
        group_conversations: 1.0,
        group_messages: 1.0,
        group_size: 5.0,
        receipts_per_reader: 0.0,
        typing_per_message: 0.0,
        ..Inputs::default()
    }
}

fn value(inputs: &Inputs, name: &str) -> f64 {
    plan(inputs).value(name).unwrap()
}

fn assert_close(inputs: &Inputs, name: &str, expected: f64) {
    let computed = value(inputs, name);
    let distance = (computed - expected).abs();
    assert!(distance <= expected.abs() * 1e-9, "{name}: {computed} instead of {expected}");
}

#[test]
fn load_of_a_small_deployment_is_that_computed_by_hand() {
    let inputs = small();
    assert_close(&inputs, "texts-a-day", 10_000.0);
    // 10,000 ÷ 86,400 × 8.64
    assert_close(&inputs, "texts", 1.0);
    assert_close(&inputs, "connections", 1_000.0);
    assert_close(&inputs, "deliveries", 5.0);
    assert_close(&inputs, "hints-published", 1.0);
    // Two gateways: one would do, and one may be lost. Each misses all five with 1 ÷ 2^5.
    assert_close(&inputs, "gateways", 2.0);
    assert_close(&inputs, "group-gateways", 2.0 * (1.0 - 1.0 / 32.0));
    assert_close(&inputs, "live-conversations", 200.0 * 2.0 * (1.0 - 1.0 / 32.0));
    assert_close(&inputs, "redis-primaries", 1.0);
    assert_close(&inputs, "store-nodes", 3.0);
}

#[test]
fn machines_of_a_large_deployment_are_those_computed_by_hand() {
    let inputs = Inputs {
        daily_users: 86_400_000.0,
        messages_per_user: 100.0,
        peak_factor: 2.0,
        utilisation: 0.5,
        ..small()
    };
    assert_close(&inputs, "texts", 200_000.0);
    assert_close(&inputs, "store-texts", 200_000.0 * STORE_SEND_CPU.value / 1e6);
    let received = value(&inputs, "hints-received");
    // Each gateway misses all five members of a group with (1 − 1 ÷ gateways)^5.
    let gateways = value(&inputs, "gateways");
    let missed = (1.0 - 1.0 / gateways).powi(5);
    assert_close(&inputs, "hints-received", 200_000.0 * gateways * (1.0 - missed));
    let opens = value(&inputs, "opened-sessions") * REDIS_OPEN_CPU;
    let redis = 200_000.0 * REDIS_PUBLISH_CPU.value + received * REDIS_RECEIVE_CPU.value + opens;
    assert_close(&inputs, "redis-cores-busy", redis / 1e6);
    let memory = value(&inputs, "gateway-memory") * 1_073_741_824.0;
    assert!(memory > 86_400_000.0 * CONNECTION_BYTES.value, "{memory}");
}

/// Redis's part of an opened session.
const REDIS_OPEN_CPU: f64 = capacity::measured::REDIS_OPEN_CPU.value;

#[test]
fn bytes_of_two_years_are_those_computed_by_hand() {
    let inputs = Inputs { text_bytes: 100.0, client_id_bytes: 20.0, ..small() };
    let text = STORED_BYTES.value + 100.0 + 2.0 * 20.0;
    assert_close(&inputs, "stored-text", text);
    let all = text * 10_000.0 * 730.0 * 3.0 * 1.5 / 1_099_511_627_776.0;
    assert_close(&inputs, "stored-with-replicas-and-headroom", all);
}

#[test]
fn large_groups_get_no_receipts_and_typing() {
    let inputs = Inputs { group_size: 257.0, ..Inputs::default() };
    assert_close(&inputs, "group-receipts", 0.0);
    assert_close(&inputs, "group-typing", 0.0);
}

#[test]
fn formulas_use_every_input_and_every_measured_cost() {
    let plan = plan(&Inputs::default());
    let formulas: Vec<_> =
        plan.sections.iter().flat_map(|section| &section.lines).map(|line| &line.formula).collect();
    let is_used = |name: &str| {
        let is_part = |c: char| c.is_alphanumeric() || c == '-';
        formulas.iter().any(|formula| formula.split(|c| !is_part(c)).any(|word| word == name))
    };
    let names = INPUTS.iter().map(|input| input.name).chain(MEASURED.iter().map(|one| one.name));
    let unused: Vec<_> = names.filter(|name| !is_used(name)).collect();
    assert_eq!(unused, Vec::<&str>::new());
}

#[test]
fn every_cost_has_a_value_and_a_source() {
    for cost in MEASURED {
        assert!(cost.value > 0.0, "{}", cost.name);
        assert!(cost.source.contains('#') && cost.command.contains(' '), "{}", cost.name);
    }
}

#[test]
fn plan_warns_when_there_are_more_gateways_than_node_numbers() {
    let plan = |daily_users| plan(&Inputs { daily_users, ..Inputs::default() });
    assert_eq!(plan(1_000_000.0).warnings, Vec::<String>::new());
    let warnings = plan(10_000_000_000.0).warnings;
    assert!(warnings[0].contains("are more than the 1024 of one store"), "{warnings:?}");
}

/// The default plan as text. To accept a change, write the new text into the file.
#[test]
fn default_plan_is_the_golden_text() {
    let golden = include_str!("golden/default.txt");
    let text = plan(&Inputs::default()).to_string();
    assert!(text == golden, "tests/golden/default.txt differs from this:\n{text}");
}

const MACHINES: [&str; 4] = ["gateways", "redis-primaries", "store-nodes", "price"];
/// Inputs of which more never needs fewer machines.
const DEMANDS: [&str; 10] = [
    "daily-users",
    "messages-per-user",
    "years",
    "peak-factor",
    "connected-share",
    "connections-per-user",
    "conversations-per-user",
    "text-bytes",
    "receipts-per-reader",
    "typing-per-message",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn more_demand_never_needs_fewer_machines(
        users in 1.0..1e9_f64, texts in 0.0..200.0_f64, share in 0.0..0.9_f64,
        size in 2.0..2_000.0_f64, which in 0..DEMANDS.len(), factor in 1.0..3.0_f64,
    ) {
        let mut inputs = Inputs {
            daily_users: users,
            messages_per_user: texts,
            connected_share: share,
            group_size: size,
            ..Inputs::default()
        };
        let before = plan(&inputs);
        let name = DEMANDS[which];
        let (input, value) =
            inputs.rows().into_iter().find(|(input, _)| input.name == name).unwrap();
        inputs.set(name, (value * factor).min(input.max)).unwrap();
        let after = plan(&inputs);
        for machine in MACHINES {
            let (before, after) = (before.value(machine).unwrap(), after.value(machine).unwrap());
            prop_assert!(after >= before, "{}: {} then {}", machine, before, after);
        }
    }

    #[test]
    fn better_machines_never_need_more_of_them(factor in 1.0..10.0_f64) {
        let before = Inputs::default();
        let after = Inputs {
            gateway_cores: before.gateway_cores * factor,
            store_cores: before.store_cores * factor,
            store_tib: before.store_tib * factor,
            redis_gib: before.redis_gib * factor,
            ..before.clone()
        };
        for machine in ["gateways", "redis-primaries", "store-nodes"] {
            prop_assert!(value(&after, machine) <= value(&before, machine), "{}", machine);
        }
    }
}
