//! The machines, bytes and price that a load needs.

use super::{Sheet, load::Load};
use crate::{
    measured::{
        COMPARE_CPU, CONNECTION_BYTES, CONVERSATION_BYTES, DELIVERY_CPU, FRAME_BYTES, HINT_BYTES,
        HINT_CPU, OPEN_CPU, RECEIPT_CPU, RECEIPT_HINT_CPU, REDIS_OPEN_CPU, REDIS_PUBLISH_CPU,
        REDIS_RECEIVE_CPU, REDIS_SUBSCRIPTION_BYTES, RING_BALANCE, SEND_CPU, SMALL_FRAME_BYTES,
        SMALL_HINT_BYTES, STORE_COMPARE_CPU, STORE_OPEN_CPU, STORE_RECEIPT_CPU, STORE_SEND_CPU,
        STORE_TYPING_CPU, STORED_BYTES, TLS_CPU, TYPING_CPU, TYPING_HINT_CPU,
    },
    term::Term,
};

const MICROSECONDS: f64 = 1_000_000.0;
const GIB: f64 = 1_073_741_824.0;
const GIB_OF_A_TIB: f64 = 1_024.0;
const TB: f64 = 1_000_000_000_000.0;
const DAYS_A_YEAR: f64 = 365.0;
const SECONDS_A_MONTH: f64 = 2_628_000.0;
const BITS: f64 = 8.0;

/// Adds the machines to the sheet. Returns the number of gateways.
pub(super) fn machines(sheet: &mut Sheet, load: &Load) -> f64 {
    let gateways = gateways(sheet, load);
    let primaries = primaries(sheet, load);
    let disk = bytes(sheet, load);
    let nodes = store_nodes(sheet, load, &disk);
    let traffic = network(sheet, load);
    sheet.section("Price a month");
    let inputs = &sheet.inputs;
    let machines = [
        ("gateways-price", &gateways * &inputs.gateway_price),
        ("redis-primaries-price", primaries * &inputs.redis_price),
        ("store-nodes-price", nodes * &inputs.store_price),
        ("disk-price-total", &disk * &inputs.disk_price),
        ("traffic-price-total", traffic * SECONDS_A_MONTH / TB * &inputs.traffic_price),
    ];
    let prices = machines.map(|(name, term)| sheet.line(name, "", term));
    if let Some(price) = prices.into_iter().reduce(|sum, price| sum + price) {
        sheet.line("price", "", price);
    }
    gateways.value()
}

fn gateways(sheet: &mut Sheet, load: &Load) -> Term {
    sheet.section("Gateways");
    let line = |sheet: &mut Sheet, name, microseconds: Term| {
        sheet.line(name, "cores", microseconds / MICROSECONDS)
    };
    // The hint that returns to the sender's gateway is part of the cost of sending.
    let texts = &load.texts * &SEND_CPU + (&load.text_hints - &load.texts) * &HINT_CPU;
    let texts = line(sheet, "gateway-texts", texts);
    let more = (&load.deliveries - &load.text_hints).max(0.0) * &DELIVERY_CPU;
    let deliveries = line(sheet, "gateway-deliveries", more);
    let receipts =
        &load.receipts * &RECEIPT_CPU + (&load.receipt_hints - &load.receipts) * &RECEIPT_HINT_CPU;
    let receipts = line(sheet, "gateway-receipts", receipts);
    let typing =
        &load.typing * &TYPING_CPU + (&load.typing_hints - &load.typing) * &TYPING_HINT_CPU;
    let typing = line(sheet, "gateway-typing", typing);
    let small = &load.small_deliveries - &load.receipt_hints - &load.typing_hints;
    let small = line(sheet, "gateway-small-deliveries", small.max(0.0) * &DELIVERY_CPU);
    let compared = line(sheet, "gateway-comparing", &load.compared_heads * &COMPARE_CPU);
    let opens = line(sheet, "gateway-opening", &load.opens * (Term::from(&OPEN_CPU) + &TLS_CPU));
    let cores = texts + deliveries + receipts + typing + small + compared + opens;
    let cores = sheet.line("gateway-cores-busy", "cores", cores);
    let by_cores = (cores / &sheet.inputs.utilisation / &sheet.inputs.gateway_cores).ceil();
    let by_cores = sheet.line("gateways-by-cores", "", by_cores);
    let memory = &load.connections * &CONNECTION_BYTES + &load.live * &CONVERSATION_BYTES;
    let memory = sheet.line("gateway-memory", "GiB", memory / GIB);
    let by_memory = (memory / (&sheet.inputs.gateway_gib / 2.0)).ceil();
    let by_memory = sheet.line("gateways-by-memory", "", by_memory);
    // One more than needed, so that one may be lost.
    sheet.line("gateways", "", by_cores.max(by_memory) + 1.0)
}

fn primaries(sheet: &mut Sheet, load: &Load) -> Term {
    sheet.section("Redis primaries");
    let hints = &load.published * &REDIS_PUBLISH_CPU + &load.received * &REDIS_RECEIVE_CPU;
    let cores = (hints + &load.opens * &REDIS_OPEN_CPU) / MICROSECONDS;
    let cores = sheet.line("redis-cores-busy", "cores", cores);
    // A primary runs commands on one core.
    let by_cores = (cores / &sheet.inputs.utilisation * &RING_BALANCE).ceil();
    let by_cores = sheet.line("redis-primaries-by-cores", "", by_cores);
    let memory = &load.subscriptions * &REDIS_SUBSCRIPTION_BYTES / GIB;
    let memory = sheet.line("redis-memory", "GiB", memory);
    let by_memory = (memory / (&sheet.inputs.redis_gib / 2.0) * &RING_BALANCE).ceil();
    let by_memory = sheet.line("redis-primaries-by-memory", "", by_memory);
    sheet.line("redis-primaries", "", by_cores.max(by_memory).max(1.0))
}

/// Adds the bytes. Returns the disk of all nodes in TiB.
fn bytes(sheet: &mut Sheet, load: &Load) -> Term {
    sheet.section("Bytes");
    let inputs = &sheet.inputs;
    let text = Term::from(&STORED_BYTES) + &inputs.text_bytes + &inputs.client_id_bytes * 2.0;
    let text = text * &inputs.compression;
    let text = sheet.line("stored-text", "bytes", text);
    let day = sheet.line("stored-a-day", "GiB", &load.texts_a_day * text / GIB);
    let copy = &day * (&sheet.inputs.years * DAYS_A_YEAR) / GIB_OF_A_TIB;
    let copy = sheet.line("stored-once", "TiB", copy);
    let all = copy * &sheet.inputs.replicas * &sheet.inputs.compaction_headroom;
    sheet.line("stored-with-replicas-and-headroom", "TiB", all)
}

fn store_nodes(sheet: &mut Sheet, load: &Load, disk: &Term) -> Term {
    sheet.section("Store nodes");
    let line = |sheet: &mut Sheet, name, microseconds: Term| {
        sheet.line(name, "cores", microseconds / MICROSECONDS)
    };
    let texts = line(sheet, "store-texts", &load.texts * &STORE_SEND_CPU);
    let receipts = line(sheet, "store-receipts", &load.receipts * &STORE_RECEIPT_CPU);
    let typing = line(sheet, "store-typing", &load.typing * &STORE_TYPING_CPU);
    let heads = &load.compared_heads * &STORE_COMPARE_CPU;
    let heads = line(sheet, "store-comparing-heads", heads);
    // An opened session reads the memberships twice, a comparison once.
    let users = line(sheet, "store-comparing-users", &load.compared_users * &STORE_OPEN_CPU / 2.0);
    let cold = &sheet.inputs.conversations_per_user * &STORE_COMPARE_CPU;
    let opens = line(sheet, "store-opening", &load.opens * (Term::from(&STORE_OPEN_CPU) + cold));
    let once = texts + receipts + typing + heads + users + opens;
    let once = sheet.line("store-cores-busy-once", "cores", once);
    let cores = once * &sheet.inputs.replicas * &sheet.inputs.replica_cost;
    let cores = sheet.line("store-cores-busy", "cores", cores);
    let by_cores = (cores / &sheet.inputs.utilisation / &sheet.inputs.store_cores).ceil();
    let by_cores = sheet.line("store-nodes-by-cores", "", by_cores);
    let by_disk = (disk / &sheet.inputs.store_tib).ceil();
    let by_disk = sheet.line("store-nodes-by-disk", "", by_disk);
    let replicas = sheet.inputs.replicas.clone();
    sheet.line("store-nodes", "", by_cores.max(by_disk).max(replicas))
}

/// Adds the network. Returns the average bytes a second to clients.
fn network(sheet: &mut Sheet, load: &Load) -> Term {
    sheet.section("Network at the peak");
    let inputs = &sheet.inputs;
    let variable = &inputs.text_bytes + &inputs.client_id_bytes;
    let overhead = &inputs.wire_overhead_bytes;
    let texts = &load.deliveries * (Term::from(&FRAME_BYTES) + &variable + overhead);
    let small = &load.small_deliveries * (Term::from(&SMALL_FRAME_BYTES) + overhead);
    let hints = Term::from(&HINT_BYTES) + &variable + overhead;
    let text_hints = (&load.texts + &load.text_hints) * hints;
    let all_small = &load.published + &load.received - &load.texts - &load.text_hints;
    let small_hints = all_small * (Term::from(&SMALL_HINT_BYTES) + overhead);
    let gigabit = |bytes: Term| bytes * BITS / 1e9;
    let clients = texts + small;
    sheet.line("to-clients", "Gbit/s", gigabit(clients.clone()));
    sheet.line("over-redis", "Gbit/s", gigabit(text_hints + small_hints));
    let average = &clients / &sheet.inputs.peak_factor;
    sheet.line("to-clients-average", "bytes/s", average)
}
