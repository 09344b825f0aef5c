//! What people do at the peak, and the hints and subscriptions that follow from it.

use super::Sheet;
use crate::{
    fleet::{covered, receiving},
    measured::{COMPARE_SECONDS, MEMBERSHIPS_SECONDS},
    term::Term,
};

/// Members above which receipts and typing are not pushed to the others
/// (`MOMENTS_MEMBERS_MAX` of the domain).
pub(crate) const PUSHED_MEMBERS_MAX: f64 = 256.0;
const SECONDS_A_DAY: f64 = 86_400.0;

/// The load of the busiest second.
#[derive(Debug)]
pub(super) struct Load {
    pub(super) texts_a_day: Term,
    pub(super) texts: Term,
    pub(super) connections: Term,
    pub(super) opens: Term,
    pub(super) receipts: Term,
    pub(super) typing: Term,
    pub(super) deliveries: Term,
    pub(super) small_deliveries: Term,
    pub(super) text_hints: Term,
    pub(super) receipt_hints: Term,
    pub(super) typing_hints: Term,
    pub(super) published: Term,
    pub(super) received: Term,
    pub(super) live: Term,
    pub(super) subscriptions: Term,
    pub(super) compared_heads: Term,
    pub(super) compared_users: Term,
}

/// The people of the deployment.
struct People {
    connected: Term,
    connections: Term,
    opens: Term,
}

/// What happens to a text of one kind of conversation.
struct Kind {
    texts: Term,
    receipts: Term,
    typing: Term,
    /// Connections that listen.
    listeners: Term,
    /// Gateways that receive its hints.
    gateways: Term,
}

impl Load {
    /// Computes the load of a fleet with this many gateways.
    pub(super) fn of(sheet: &mut Sheet, gateways: &Term) -> Self {
        sheet.section("People at the peak");
        let people = people(sheet);
        sheet.section("Texts, receipts and typing at the peak");
        let texts_a_day = &sheet.inputs.daily_users * &sheet.inputs.messages_per_user;
        let texts_a_day = sheet.line("texts-a-day", "", texts_a_day);
        let texts = &texts_a_day / SECONDS_A_DAY * &sheet.inputs.peak_factor;
        let texts = sheet.line("texts", "/s", texts);
        let direct = direct(sheet, &texts, gateways);
        let group = group(sheet, &texts, gateways);
        let receipts = sheet.line("receipts", "/s", &direct.receipts + &group.receipts);
        let typing = sheet.line("typing", "/s", &direct.typing + &group.typing);
        let each = |what: fn(&Kind) -> (&Term, &Term)| {
            let ((direct, by), (group, with)) = (what(&direct), what(&group));
            direct * by + group * with
        };
        let deliveries = each(|kind| (&kind.texts, &kind.listeners));
        let deliveries = sheet.line("deliveries", "/s", deliveries);
        let small = each(|kind| (&kind.receipts, &kind.listeners))
            + each(|kind| (&kind.typing, &kind.listeners));
        let small_deliveries = sheet.line("small-deliveries", "/s", small);
        sheet.section("Hints over Redis at the peak");
        let text_hints = each(|kind| (&kind.texts, &kind.gateways));
        let text_hints = sheet.line("text-hints-received", "/s", text_hints);
        let receipt_hints = each(|kind| (&kind.receipts, &kind.gateways));
        let receipt_hints = sheet.line("receipt-hints-received", "/s", receipt_hints);
        let typing_hints = each(|kind| (&kind.typing, &kind.gateways));
        let typing_hints = sheet.line("typing-hints-received", "/s", typing_hints);
        let published = sheet.line("hints-published", "/s", &texts + &receipts + &typing);
        let received = &text_hints + &receipt_hints + &typing_hints;
        let received = sheet.line("hints-received", "/s", received);
        let live = live(sheet, gateways);
        let subscriptions = sheet.line("subscriptions", "", &live + &people.connections);
        let compared_heads = &live * &sheet.inputs.compared_share / &COMPARE_SECONDS;
        let compared_heads = sheet.line("compared-heads", "/s", compared_heads);
        let compared_users =
            sheet.line("compared-users", "/s", &people.connected / &MEMBERSHIPS_SECONDS);
        let People { connections, opens, .. } = people;
        Self {
            texts_a_day,
            texts,
            connections,
            opens,
            receipts,
            typing,
            deliveries,
            small_deliveries,
            text_hints,
            receipt_hints,
            typing_hints,
            published,
            received,
            live,
            subscriptions,
            compared_heads,
            compared_users,
        }
    }
}

fn people(sheet: &mut Sheet) -> People {
    let connected = &sheet.inputs.daily_users * &sheet.inputs.connected_share;
    let connected = sheet.line("connected-users", "", connected);
    let connections = &connected * &sheet.inputs.connections_per_user;
    let connections = sheet.line("connections", "", connections);
    let opens = &connections / (&sheet.inputs.session_minutes * 60.0);
    let opens = sheet.line("opened-sessions", "/s", opens);
    People { connected, connections, opens }
}

fn direct(sheet: &mut Sheet, texts: &Term, gateways: &Term) -> Kind {
    let inputs = &sheet.inputs;
    let direct = texts * (Term::from(1.0) - &inputs.group_messages);
    let receipts = &inputs.connected_share * &inputs.receipts_per_reader;
    let typing = inputs.typing_per_message.clone();
    let listeners = (Term::from(1.0) + &inputs.connected_share) * &inputs.connections_per_user;
    let others = inputs.connections_per_user.clone();
    let texts = sheet.line("direct-texts", "/s", direct);
    let receipts = sheet.line("direct-receipts", "/s", &texts * receipts);
    let typing = sheet.line("direct-typing", "/s", &texts * typing);
    let listeners = sheet.line("direct-listeners", "", listeners);
    let receiving = receiving_gateways(sheet, gateways, &others);
    let gateways = sheet.line("direct-gateways", "", receiving);
    Kind { texts, receipts, typing, listeners, gateways }
}

fn group(sheet: &mut Sheet, texts: &Term, gateways: &Term) -> Kind {
    let inputs = &sheet.inputs;
    let group = texts * &inputs.group_messages;
    // A large group pushes no receipts and typing. They are stored, and shown when somebody asks.
    let pushes = f64::from(inputs.group_size.value() <= PUSHED_MEMBERS_MAX);
    let pushes = Term::call("is-at-most-256", &[&inputs.group_size], pushes);
    let readers = (&inputs.group_size - 1.0) * &inputs.connected_share;
    let receipts = &readers * &inputs.receipts_per_reader * &pushes;
    let typing = &inputs.typing_per_message * &pushes;
    let listeners = (Term::from(1.0) + &readers) * &inputs.connections_per_user;
    let others = (&inputs.group_size - 1.0) * &inputs.connections_per_user;
    let texts = sheet.line("group-texts", "/s", group);
    let receipts = sheet.line("group-receipts", "/s", &texts * receipts);
    let typing = sheet.line("group-typing", "/s", &texts * typing);
    let listeners = sheet.line("group-listeners", "", listeners);
    let receiving = receiving_gateways(sheet, gateways, &others);
    let gateways = sheet.line("group-gateways", "", receiving);
    Kind { texts, receipts, typing, listeners, gateways }
}

/// Returns the gateways that receive a hint: those of the sender, and of these connections of others.
fn receiving_gateways(sheet: &Sheet, gateways: &Term, others: &Term) -> Term {
    let (own, share) = (&sheet.inputs.connections_per_user, &sheet.inputs.connected_share);
    let value = receiving(gateways.value(), own.value(), others.value(), share.value());
    Term::call("receiving", &[gateways, own, others, share], value)
}

/// Returns the number of pairs of a gateway and a conversation to which it listens.
fn live(sheet: &mut Sheet, gateways: &Term) -> Term {
    let inputs = &sheet.inputs;
    let memberships = &inputs.daily_users * &inputs.conversations_per_user;
    let directs = &memberships * (Term::from(1.0) - &inputs.group_conversations) / 2.0;
    let groups = &memberships * &inputs.group_conversations / &inputs.group_size;
    let share = &inputs.connected_share;
    let live_on = |members: Term| {
        let connections = members * &inputs.connections_per_user;
        let value = covered(gateways.value(), connections.value(), share.value());
        Term::call("covered", &[gateways, &connections, share], value)
    };
    let live = directs * live_on(Term::from(2.0)) + groups * live_on(inputs.group_size.clone());
    sheet.line("live-conversations", "", live)
}
