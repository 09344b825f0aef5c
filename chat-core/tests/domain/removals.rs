//! A removed member receives what comes before the removal and nothing after it.

use std::{sync::Arc, time::Duration};

use chat_core::{
    command::{Change, Command},
    faults::{Call, Faults},
    id::{ConversationId, UserId},
    limits::MEMBERSHIPS_WITHIN,
    memory::{BusFaults, MemoryHub, MemoryStores},
    model::{Body, Entry, Seq},
};
use futures_util::future::{join, try_join_all};
use tokio::{task::JoinSet, time::sleep};

use crate::scene::{Person, Reader, Scene, add, remove, seqs, text_of};

/// Ada and Bob in a group, with a reader of Bob's on each of two gateways.
struct Pair {
    scene: Scene,
    ada: Person,
    bob: Person,
    conversation: ConversationId,
    readers: [Reader; 2],
    /// Sessions of Ada's that make a fan-out slow.
    _others: Vec<Reader>,
}

impl Pair {
    /// Opens this many other sessions on each gateway.
    async fn with_others(others: usize) -> Self {
        let scene = Scene::new(2);
        let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
        let conversation = ada.group(&[&bob]).await;
        let [one, other] = [&scene.gateways[0], &scene.gateways[1]];
        let readers = [bob.at(one).open(None).await, bob.at(other).open(None).await];
        let mut open = Vec::new();
        for gateway in [one, other] {
            for _ in 0..others {
                open.push(ada.at(gateway).open(None).await);
            }
        }
        Self { scene, ada, bob, conversation, readers, _others: open }
    }

    /// Lets Ada make changes in one append.
    async fn append(&self, changes: impl IntoIterator<Item = Change>) {
        let begin = |change| self.ada.begin(self.conversation, change);
        let pending: Vec<_> = changes.into_iter().map(begin).collect();
        let before = self.scene.faults.count(Call::Append);
        try_join_all(pending).await.unwrap();
        assert_eq!(self.scene.faults.count(Call::Append) - before, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn removed_member_receives_nothing_appended_with_the_removal() {
    for others in [0, 600] {
        let mut pair = Pair::with_others(others).await;
        pair.append([text_of("x"), remove(&pair.bob), text_of("x"), text_of("x")]).await;
        for reader in &mut pair.readers {
            let events = reader.read().await;
            assert_eq!(seqs(&events), [3, 4]);
            assert_eq!(events.last().unwrap(), &format!("removed {}", pair.conversation));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn member_receives_each_entry_once_when_removed_and_added() {
    for others in [0, 600] {
        let mut pair = Pair::with_others(others).await;
        pair.append([remove(&pair.bob), add(&pair.bob), text_of("x")]).await;
        for reader in &mut pair.readers {
            assert_eq!(seqs(&reader.read().await), [3, 4, 5]);
        }
        pair.ada.send(pair.conversation, "live").await;
        for reader in &mut pair.readers {
            assert_eq!(seqs(&reader.read().await), [6], "the member who came back");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn member_stays_subscribed_when_added_before_a_slow_fan_out() {
    let pair = Pair::with_others(600).await;
    let mut reader = pair.bob.open(None).await;
    let (events, ()) = tokio::join!(
        reader.read(),
        pair.append([remove(&pair.bob), add(&pair.bob), text_of("x")]),
    );
    assert_eq!(seqs(&events), [3, 4, 5]);
    pair.ada.send(pair.conversation, "live").await;
    assert_eq!(seqs(&reader.read().await), [6]);
}

#[tokio::test(start_paused = true)]
async fn removed_member_receives_no_typing_before_the_removal_is_read() {
    let mut pair = Pair::with_others(0).await;
    pair.ada.remove(pair.conversation, &pair.bob).await;
    let typing = Command::Typing { conversation: pair.conversation, on: true };
    pair.ada.execute(typing).await.unwrap();
    for reader in &mut pair.readers {
        let events = reader.read().await;
        assert!(!events.iter().any(|event| event.starts_with("typing")), "{events:?}");
        assert_eq!(seqs(&events), [3]);
    }
    assert_eq!(pair.ada.history(pair.conversation).await.unwrap().last(), Some(&Seq::new(3)));
}

/// Returns the seqs of each of Bob's memberships after this seq, from joining to leaving. The last
/// one is empty if Bob has left.
fn memberships(log: &[Entry], bob: UserId, after: Seq) -> Vec<Vec<u64>> {
    let mut all = vec![Vec::new()];
    let mut is_member = true;
    for entry in log.iter().filter(|entry| entry.seq > after) {
        if matches!(&entry.body, Body::Joined { user, .. } if *user == bob) {
            all.push(Vec::new());
            is_member = true;
        }
        if let Some(last) = all.last_mut().filter(|_| is_member) {
            last.push(entry.seq.get());
        }
        is_member &= !matches!(&entry.body, Body::Left { user, .. } if *user == bob);
    }
    if !is_member {
        all.push(Vec::new());
    }
    all
}

/// Fails unless `received` has the first and the last membership, each of the others completely or
/// not at all, and nothing else. A membership may be missing if it ended before a session read it.
fn check(received: &[u64], memberships: &[Vec<u64>]) -> Result<(), String> {
    let mut rest = received;
    for (index, one) in memberships.iter().enumerate() {
        let is_required = index == 0 || index + 1 == memberships.len();
        match rest.strip_prefix(&one[..]) {
            Some(after) => rest = after,
            None if is_required => return Err(format!("{one:?} is missing")),
            None => {}
        }
    }
    if rest.is_empty() { Ok(()) } else { Err(format!("{rest:?} is too much")) }
}

/// A sequence of numbers that follows from its seed (Knuth's MMIX generator).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(0x1405_7B7E_F767_814F);
        (self.0 >> 33) % bound
    }
}

/// Lets Ada write texts, remove Bob and add him at random, on both gateways. Some changes are
/// refused because Bob is gone, or is a member, already.
async fn change_at_random(
    scene: &Scene,
    ada: &Person,
    bob: &Person,
    conversation: ConversationId,
    mut random: Random,
) {
    let mut writing = JoinSet::new();
    for _ in 0..60 {
        let change = match random.below(6) {
            0 | 1 => remove(bob),
            2 | 3 => add(bob),
            _ => text_of("x"),
        };
        let gateway = &scene.gateways[usize::try_from(random.below(2)).unwrap()];
        writing.spawn(ada.at(gateway).begin(conversation, change));
        if random.below(3) == 0 {
            sleep(Duration::from_millis(random.below(60))).await;
        }
    }
    writing.join_all().await;
}

/// Changes Bob's membership at random and checks what his sessions receive, with this share of the
/// hints dropped, doubled, delayed and echoed.
async fn check_random_changes(seed: u64, faults_permille: u32) {
    let faults = BusFaults {
        drop_permille: faults_permille,
        double_permille: faults_permille,
        delay_permille: faults_permille,
        delay_max: 5,
        echo_permille: faults_permille,
    };
    let scene = Scene::on(2, &MemoryHub::with_faults(seed, faults), MemoryStores::new());
    let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
    let conversation = ada.group(&[&bob]).await;
    let mut readers = Vec::new();
    for gateway in &scene.gateways {
        readers.push(bob.at(gateway).open(None).await);
    }
    let start = readers[0].heads[0].1;
    let mut reading = JoinSet::new();
    for mut reader in readers {
        reading.spawn(async move { (reader.read().await, reader) });
    }
    change_at_random(&scene, &ada, &bob, conversation, Random(seed)).await;
    let memberships = memberships(&scene.entries(conversation).await, bob.id(), start);
    for (mut events, mut reader) in reading.join_all().await {
        sleep(2 * MEMBERSHIPS_WITHIN).await;
        events.extend(reader.read().await);
        let checked = check(&seqs(&events), &memberships);
        assert_eq!(checked, Ok(()), "seed {seed}, faults {faults_permille}: {events:#?}");
    }
}

#[tokio::test(start_paused = true)]
async fn members_receive_whole_memberships_when_they_come_and_go() {
    for seed in 0..15 {
        check_random_changes(seed, 0).await;
        check_random_changes(seed, 200).await;
    }
}

#[tokio::test(start_paused = true)]
async fn session_sends_no_entry_after_it_has_sent_the_removal() {
    let hub = MemoryHub::new();
    let mut scene = Scene::on(1, &hub, MemoryStores::new());
    let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
    let conversation = ada.group(&[&bob]).await;
    let faults = Faults::new();
    let gateway = scene.join(&faults, Arc::new(hub.bus()));
    let mut reader = bob.at(&gateway).open(None).await;
    hub.cut_off();
    ada.remove(conversation, &bob).await;
    // The session learns of the removal from its membership, while the feed reads the entry.
    let gate = faults.gate_after(Call::Standing);
    gate.close();
    let opens = async {
        sleep(Duration::from_secs(4)).await;
        gate.open();
    };
    let (events, ()) = join(reader.read(), opens).await;
    let last = events.iter().rposition(|event| event.starts_with("message"));
    let first = events.iter().position(|event| event.starts_with("removed")).unwrap();
    assert!(last.is_none_or(|last| last < first), "{events:?}");
}
