//! Whoever is removed gets what comes before that, and nothing after it, whatever comes in between.

use std::time::Duration;

use chat_core::{
    command::{Change, Command, Write},
    id::{ConversationId, UserId},
    limits::MEMBERSHIPS_WITHIN,
    memory::{BusFaults, MemoryHub},
    model::{Body, Entry, Seq},
};
use tokio::task::JoinSet;

use crate::scene::{Person, Reader, Scene, seqs};

fn text() -> Change {
    Change::Text { text: "x".into(), reply_to: None }
}

fn add(user: &Person) -> Change {
    Change::SetMember { user: user.id(), role: None }
}

/// Puts changes in the queue all at once: they are one append.
async fn together(
    scene: &Scene,
    person: &Person,
    conversation: ConversationId,
    changes: impl IntoIterator<Item = Change>,
) {
    let begin = |change| {
        let write =
            Write { conversation, client_id: None, expected_seq: None, base_seq: None, change };
        scene.gateways[0].begin(person.identity, Command::Write(write))
    };
    let pending: Vec<_> = changes.into_iter().map(begin).collect();
    let before = scene.log.appends();
    for reply in futures_util::future::join_all(pending).await {
        reply.unwrap();
    }
    assert_eq!(scene.log.appends() - before, 1);
}

/// A group of Ada and Bob with this many other listeners, and Bob's readers on both gateways.
async fn scene_with(others: usize) -> (Scene, Person, Person, ConversationId, Vec<Reader>) {
    let scene = Scene::new(2);
    let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
    let conversation = ada.group(&[&bob]).await;
    let mut readers = Vec::new();
    for gateway in &scene.gateways {
        readers.push(bob.at(gateway).open(None).await);
        for _ in 0..others {
            readers.push(ada.at(gateway).open(None).await);
        }
    }
    readers.sort_by_key(|reader| reader.session.outbox().identity() != bob.identity);
    (scene, ada, bob, conversation, readers)
}

#[tokio::test(start_paused = true)]
async fn what_is_appended_together_with_a_removal_does_not_reach_the_removed() {
    for others in [0, 600] {
        let (scene, ada, bob, conversation, mut readers) = scene_with(others).await;
        let remove = Change::Remove { user: bob.id() };
        together(&scene, &ada, conversation, [text(), remove, text(), text()]).await;
        for reader in &mut readers[..2] {
            let events = reader.read().await;
            assert_eq!(seqs(&events), [3, 4]);
            assert_eq!(events.last().unwrap(), &format!("removed {conversation}"));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_removed_and_added_at_once_gets_each_entry_once() {
    for others in [0, 600] {
        let (scene, ada, bob, conversation, mut readers) = scene_with(others).await;
        let remove = Change::Remove { user: bob.id() };
        together(&scene, &ada, conversation, [remove, add(&bob), text()]).await;
        for reader in &mut readers[..2] {
            assert_eq!(seqs(&reader.read().await), [3, 4, 5]);
        }
        ada.send(conversation, "live").await;
        for reader in &mut readers[..2] {
            assert_eq!(seqs(&reader.read().await), [6], "who came back hears on");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn member_who_came_back_before_a_late_fan_out_goes_on_hearing() {
    let (scene, ada, bob, conversation, mut readers) = scene_with(600).await;
    let remove = Change::Remove { user: bob.id() };
    let mut bobs = readers.drain(..1).collect::<Vec<_>>();
    let reading = async {
        let events = bobs[0].read().await;
        assert_eq!(seqs(&events), [3, 4, 5]);
    };
    tokio::join!(reading, together(&scene, &ada, conversation, [remove, add(&bob), text()]));
    ada.send(conversation, "live").await;
    assert_eq!(seqs(&bobs[0].read().await), [6]);
}

#[tokio::test(start_paused = true)]
async fn typing_does_not_reach_who_has_still_to_read_of_the_own_removal() {
    let (_scene, ada, bob, conversation, mut readers) = scene_with(0).await;
    ada.change(conversation, Change::Remove { user: bob.id() }).await.unwrap();
    let typing = Command::Typing { conversation, on: true };
    ada.execute(typing).await.unwrap();
    for reader in &mut readers[..2] {
        let events = reader.read().await;
        assert!(!events.iter().any(|event| event.starts_with("typing")), "{events:?}");
        assert_eq!(seqs(&events), [3]);
    }
    assert_eq!(ada.history(conversation).await.unwrap().last(), Some(&Seq::new(3)));
}

/// Each of Bob's memberships after this seq, from joining to leaving.
fn memberships(log: &[Entry], bob: UserId, after: Seq) -> Vec<Vec<u64>> {
    let (mut all, mut is_member) = (vec![Vec::new()], true);
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

/// The first one and the last one are told; one that ended before anybody looked need not be. What
/// is told is told whole, once and in order.
fn check(got: &[u64], memberships: &[Vec<u64>]) -> Result<(), String> {
    let mut rest = got;
    for (index, one) in memberships.iter().enumerate() {
        let must = index == 0 || index + 1 == memberships.len();
        match rest.strip_prefix(&one[..]) {
            Some(after) => rest = after,
            None if must => return Err(format!("{one:?} is not told")),
            None => {}
        }
    }
    if rest.is_empty() { Ok(()) } else { Err(format!("{rest:?} is told besides")) }
}

/// Throws that are the same for the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(0x1405_7B7E_F767_814F);
        (self.0 >> 33) % bound
    }
}

async fn write(
    scene: &Scene,
    ada: &Person,
    bob: &Person,
    conversation: ConversationId,
    mut dice: Dice,
) {
    let mut writing = JoinSet::new();
    for _ in 0..60 {
        let change = match dice.below(6) {
            0 | 1 => Change::Remove { user: bob.id() },
            2 | 3 => add(bob),
            _ => text(),
        };
        let gateway = scene.gateways[usize::try_from(dice.below(2)).unwrap()].clone();
        let write =
            Write { conversation, client_id: None, expected_seq: None, base_seq: None, change };
        let pending = gateway.begin(ada.identity, Command::Write(write));
        writing.spawn(async move { pending.await.is_ok() });
        if dice.below(3) == 0 {
            tokio::time::sleep(Duration::from_millis(dice.below(60))).await;
        }
    }
    writing.join_all().await;
}

/// Ada writes, removes and adds as it comes, at both gateways; with so many thousandths of the hints
/// dropped, doubled and delayed.
async fn churn(seed: u64, faults_permille: u32) {
    let faults = BusFaults {
        drop_permille: faults_permille,
        double_permille: faults_permille,
        delay_permille: faults_permille,
        delay_max: 5,
        echo_permille: faults_permille,
    };
    let scene = Scene::with(2, &MemoryHub::with_faults(seed, faults), 0);
    let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
    let conversation = ada.group(&[&bob]).await;
    let mut readers = Vec::new();
    for gateway in &scene.gateways {
        readers.push(bob.at(gateway).open(None).await);
    }
    let begun = readers[0].heads[0].1;
    let mut reading = JoinSet::new();
    for mut reader in readers {
        reading.spawn(async move { (reader.read().await, reader) });
    }
    write(&scene, &ada, &bob, conversation, Dice(seed)).await;
    let memberships = memberships(&scene.entries(conversation).await, bob.id(), begun);
    for (mut events, mut reader) in reading.join_all().await {
        tokio::time::sleep(2 * MEMBERSHIPS_WITHIN).await;
        events.extend(reader.read().await);
        let checked = check(&seqs(&events), &memberships);
        assert_eq!(checked, Ok(()), "seed {seed}, faults {faults_permille}: {events:#?}");
    }
}

#[tokio::test(start_paused = true)]
async fn members_who_come_and_go_get_what_is_theirs_once_and_in_order() {
    for seed in 0..15 {
        churn(seed, 0).await;
        churn(seed, 200).await;
    }
}
