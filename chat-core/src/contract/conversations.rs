//! Promises of [`crate::port::Conversations`] on what a conversation is, and its title.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::scene::{
    Draft, Scribe, fresh, joined, last, neighbours, now, project_at_once, project_in_disorder,
    title,
};
use crate::{
    id::{ConversationId, UserId},
    model::{Founding, Kind},
    port::Stores,
};

fn founding(conversation: ConversationId, title: &str) -> Founding {
    Founding { conversation, kind: Kind::Group, title: Some(title.into()), created_at: now() }
}

async fn title_on(stores: &Stores, conversation: ConversationId) -> Option<Arc<str>> {
    stores.conversations.get(conversation).await.unwrap().and_then(|(_, title)| title)
}

/// A conversation is not there before it is made, and then on every handle as it was made.
pub async fn conversation_is_kept_as_it_was_made(stores: &[Stores]) {
    let group = founding(fresh(), "\0 \u{1F680}");
    let direct = Founding { kind: Kind::Direct, title: None, ..founding(fresh(), "") };
    for made in [group, direct] {
        assert_eq!(last(stores).conversations.get(made.conversation).await.unwrap(), None);
        stores[0].conversations.create(&made).await.unwrap();
        let expected = Some((made.clone(), made.title.clone()));
        assert_eq!(last(stores).conversations.get(made.conversation).await.unwrap(), expected);
    }
}

/// Made again, with whatever, it stays what it was (ack-divergence).
pub async fn first_founding_stands(stores: &[Stores]) {
    let first = founding(fresh(), "first");
    stores[0].conversations.create(&first).await.unwrap();
    for nth in 0..4 {
        let later = Founding { kind: Kind::Direct, ..founding(first.conversation, "later") };
        stores[nth % stores.len()].conversations.create(&later).await.unwrap();
    }
    let expected = Some((first.clone(), first.title.clone()));
    assert_eq!(last(stores).conversations.get(first.conversation).await.unwrap(), expected);
}

/// Made by several at once it is what one of them made, whole, for every handle (ack-divergence).
pub async fn one_of_many_foundings_at_once_stands(stores: &[Stores]) {
    let conversation = fresh();
    let foundings: Vec<_> =
        (0..8).map(|nth| founding(conversation, &format!("title {nth}"))).collect();
    let mut makers = JoinSet::new();
    for (nth, made) in foundings.iter().cloned().enumerate() {
        let stores = stores[nth % stores.len()].clone();
        makers.spawn(async move { stores.conversations.create(&made).await.unwrap() });
    }
    makers.join_all().await;
    let (stands, _) = stores[0].conversations.get(conversation).await.unwrap().unwrap();
    assert!(foundings.contains(&stands));
    for stores in stores {
        let got = stores.conversations.get(conversation).await.unwrap();
        assert_eq!(got, Some((stands.clone(), stands.title.clone())));
    }
}

/// Two people have one direct conversation, whoever asks first, in whichever order, on whichever
/// handle (duplicate).
pub async fn two_people_have_one_direct_conversation(stores: &[Stores]) {
    for _ in 0..8 {
        let (one, other) = (fresh(), fresh());
        let mut askers = JoinSet::new();
        for nth in 0..8 {
            let stores = stores[nth % stores.len()].clone();
            let (a, b) = if nth / 2 % 2 == 0 { (one, other) } else { (other, one) };
            askers.spawn(async move {
                let own = fresh();
                (own, stores.conversations.direct(a, b, own).await.unwrap())
            });
        }
        let answers = askers.join_all().await;
        let stands = answers[0].1;
        assert!(answers.iter().all(|(_, answer)| *answer == stands), "{answers:?}");
        assert!(answers.iter().any(|(own, _)| *own == stands), "{answers:?}");
        let again = last(stores).conversations.direct(other, one, fresh()).await;
        assert_eq!(again.unwrap(), stands);
    }
}

/// Other pairs, also of the same people and of neighbouring ids, have other conversations.
pub async fn each_pair_has_its_own_direct_conversation(stores: &[Stores]) {
    let [one, next, last_one] = neighbours(UserId::new);
    let mut made = Vec::new();
    for (a, b) in [(one, next), (next, last_one), (one, last_one), (one, fresh())] {
        let own = fresh();
        assert_eq!(stores[0].conversations.direct(a, b, own).await.unwrap(), own);
        made.push((a, b, own));
    }
    for (a, b, own) in made {
        assert_eq!(last(stores).conversations.direct(b, a, fresh()).await.unwrap(), own);
    }
}

/// The title is the newest entry's, at once when it was projected (stale-read).
pub async fn title_is_the_newest(stores: &[Stores]) {
    let mut scribe = Scribe::new(&stores[0]);
    let made = founding(scribe.conversation, "at first");
    stores[0].conversations.create(&made).await.unwrap();
    assert_eq!(title_on(last(stores), scribe.conversation).await.as_deref(), Some("at first"));
    for new in ["second", "", "\0third \u{3042}"] {
        scribe.write(fresh(), title(new)).await;
        assert_eq!(title_on(last(stores), scribe.conversation).await.as_deref(), Some(new));
    }
    stores[0].conversations.create(&made).await.unwrap();
    let (stands, _) = last(stores).conversations.get(scribe.conversation).await.unwrap().unwrap();
    assert_eq!(stands, made);
    assert!(title_on(last(stores), scribe.conversation).await.unwrap().ends_with("\u{3042}"));
}

/// Titles that are projected late do not come back (inconsistent-offset).
pub async fn title_does_not_depend_on_the_order_of_projecting(stores: &[Stores]) {
    for round in 0..8 {
        let mut scribe = Scribe::new(&stores[0]);
        let titles = (0..5).map(|nth| Draft::new(fresh(), title(&format!("title {nth}"))));
        let entries = scribe.append(&titles.collect::<Vec<_>>()).await;
        if round % 2 == 0 {
            project_in_disorder(stores, &entries).await;
        } else {
            project_at_once(stores, &entries).await;
        }
        stores[0].conversations.create(&founding(scribe.conversation, "founded")).await.unwrap();
        let newest = title_on(last(stores), scribe.conversation).await;
        assert_eq!(newest.as_deref(), Some("title 4"));
    }
}

/// What entries say of a conversation does not make it: only its founding does (phantom).
pub async fn entries_alone_found_nothing(stores: &[Stores]) {
    let mut scribe = Scribe::new(&stores[0]);
    let user = fresh();
    scribe.write(user, joined(user)).await;
    scribe.write(user, title("title")).await;
    assert_eq!(last(stores).conversations.get(scribe.conversation).await.unwrap(), None);
}
