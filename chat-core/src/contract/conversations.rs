//! Contract tests of [`crate::port::Conversations`]: creation, direct conversations and titles.

use std::{sync::Arc, time::Duration};

use tokio::task::JoinSet;

use super::fixtures::{
    Draft, LogWriter, adjacent_ids, fresh, joined, last, now, project_at_once, project_in_disorder,
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

async fn read_title(stores: &Stores, conversation: ConversationId) -> Option<Arc<str>> {
    stores.conversations.get(conversation).await.unwrap().and_then(|(_, title)| title)
}

/// A conversation does not exist before it is created. Afterwards every handle reads it as created.
pub async fn conversation_is_read_back_as_created(stores: &[Stores]) {
    let group = founding(fresh(), "\0 \u{1F680}");
    let direct = Founding { kind: Kind::Direct, title: None, ..founding(fresh(), "") };
    for made in [group, direct] {
        assert_eq!(last(stores).conversations.get(made.conversation).await.unwrap(), None);
        stores[0].conversations.create(&made).await.unwrap();
        let expected = Some((made.clone(), made.title.clone()));
        assert_eq!(last(stores).conversations.get(made.conversation).await.unwrap(), expected);
    }
}

/// Creating a conversation again changes nothing (ack-divergence).
pub async fn second_create_changes_nothing(stores: &[Stores]) {
    let first = founding(fresh(), "first");
    stores[0].conversations.create(&first).await.unwrap();
    for nth in 0..4 {
        let later = Founding { kind: Kind::Direct, ..founding(first.conversation, "later") };
        stores[nth % stores.len()].conversations.create(&later).await.unwrap();
    }
    let expected = Some((first.clone(), first.title.clone()));
    assert_eq!(last(stores).conversations.get(first.conversation).await.unwrap(), expected);
}

/// Paging through all conversations returns each of them once.
pub async fn every_conversation_is_listed_once(stores: &[Stores]) {
    let mut made: Vec<ConversationId> = Vec::new();
    for _ in 0..7 {
        made.push(fresh());
        let group = founding(made[made.len() - 1], "listed");
        stores[0].conversations.create(&group).await.unwrap();
    }
    let mut listed = Vec::new();
    loop {
        let conversations = &last(stores).conversations;
        let page = conversations.all(listed.last().copied(), 3).await.unwrap();
        assert!(page.len() <= 3);
        if page.is_empty() {
            break;
        }
        listed.extend(page);
    }
    for conversation in made {
        assert_eq!(listed.iter().filter(|one| **one == conversation).count(), 1);
    }
}

/// Creating another conversation under the same id is refused. A repeat with a later time is not.
pub async fn create_is_refused_when_the_id_is_taken(stores: &[Stores]) {
    let first = founding(fresh(), "first");
    let create = async |made: &Founding| last(stores).conversations.create(made).await.unwrap();
    assert!(create(&first).await);
    let later = first.created_at.after(Duration::from_secs(1));
    assert!(create(&Founding { created_at: later, ..first.clone() }).await);
    assert!(!create(&founding(first.conversation, "second")).await);
    assert!(!create(&Founding { kind: Kind::Direct, title: None, ..first.clone() }).await);
    let read = stores[0].conversations.get(first.conversation).await.unwrap();
    assert_eq!(read, Some((first.clone(), first.title)));
}

/// A direct conversation does not get the id of another conversation. The pair stays free.
pub async fn direct_is_refused_when_the_fresh_id_is_taken(stores: &[Stores]) {
    let group = founding(fresh(), "group");
    stores[0].conversations.create(&group).await.unwrap();
    let (one, other, free) = (fresh(), fresh(), fresh());
    let direct = async |fresh| last(stores).conversations.direct(one, other, fresh).await.unwrap();
    assert_eq!(direct(group.conversation).await, None);
    assert_eq!(direct(free).await, Some(free));
    assert_eq!(direct(group.conversation).await, Some(free));
}

/// Of several concurrent creations one wins as a whole, on every handle (ack-divergence).
pub async fn one_of_several_concurrent_creates_wins(stores: &[Stores]) {
    let conversation = fresh();
    let foundings: Vec<_> =
        (0..8).map(|nth| founding(conversation, &format!("title {nth}"))).collect();
    let mut creators = JoinSet::new();
    for (nth, made) in foundings.iter().cloned().enumerate() {
        let stores = stores[nth % stores.len()].clone();
        creators.spawn(async move { stores.conversations.create(&made).await.unwrap() });
    }
    creators.join_all().await;
    let (winner, _) = stores[0].conversations.get(conversation).await.unwrap().unwrap();
    assert!(foundings.contains(&winner));
    for stores in stores {
        let got = stores.conversations.get(conversation).await.unwrap();
        assert_eq!(got, Some((winner.clone(), winner.title.clone())));
    }
}

/// Two users have one direct conversation, no matter who creates it, in either order, on any
/// handle (duplicate).
pub async fn two_users_have_one_direct_conversation(stores: &[Stores]) {
    let nobody = last(stores).conversations.find_direct(fresh(), fresh()).await.unwrap();
    assert_eq!(nobody, None);
    for _ in 0..8 {
        let (one, other) = (fresh(), fresh());
        let mut callers = JoinSet::new();
        for nth in 0..8 {
            let stores = stores[nth % stores.len()].clone();
            let (a, b) = if nth / 2 % 2 == 0 { (one, other) } else { (other, one) };
            callers.spawn(async move {
                let own = fresh();
                (own, stores.conversations.direct(a, b, own).await.unwrap().unwrap())
            });
        }
        let answers = callers.join_all().await;
        let winner = answers[0].1;
        assert!(answers.iter().all(|(_, answer)| *answer == winner), "{answers:?}");
        assert!(answers.iter().any(|(own, _)| *own == winner), "{answers:?}");
        let repeated = last(stores).conversations.direct(other, one, fresh()).await;
        assert_eq!(repeated.unwrap(), Some(winner));
        for stores in stores {
            let found = stores.conversations.find_direct(other, one).await.unwrap();
            assert_eq!(found, Some(winner));
        }
    }
}

/// Other pairs have other conversations, even if they share a user or have adjacent ids.
pub async fn each_pair_has_its_own_direct_conversation(stores: &[Stores]) {
    let [one, next, last_one] = adjacent_ids(UserId::new);
    let mut made = Vec::new();
    for (a, b) in [(one, next), (next, last_one), (one, last_one), (one, fresh())] {
        let own = fresh();
        assert_eq!(stores[0].conversations.direct(a, b, own).await.unwrap(), Some(own));
        made.push((a, b, own));
    }
    for (a, b, own) in made {
        assert_eq!(last(stores).conversations.direct(b, a, fresh()).await.unwrap(), Some(own));
    }
}

/// The title is that of the newest entry as soon as it has been projected (stale-read).
pub async fn title_is_that_of_the_newest_entry(stores: &[Stores]) {
    let mut writer = LogWriter::new(&stores[0]);
    let made = founding(writer.conversation, "first");
    stores[0].conversations.create(&made).await.unwrap();
    assert_eq!(read_title(last(stores), writer.conversation).await.as_deref(), Some("first"));
    for new in ["second", "", "\0third \u{3042}"] {
        writer.write(fresh(), title(new)).await;
        assert_eq!(read_title(last(stores), writer.conversation).await.as_deref(), Some(new));
    }
    stores[0].conversations.create(&made).await.unwrap();
    let (found, _) = last(stores).conversations.get(writer.conversation).await.unwrap().unwrap();
    assert_eq!(found, made);
    assert!(read_title(last(stores), writer.conversation).await.unwrap().ends_with("\u{3042}"));
}

/// A title that is projected late does not replace a newer one (inconsistent-offset).
pub async fn title_does_not_depend_on_projection_order(stores: &[Stores]) {
    for round in 0..8 {
        let mut writer = LogWriter::new(&stores[0]);
        let titles = (0..5).map(|nth| Draft::new(fresh(), title(&format!("title {nth}"))));
        let entries = writer.append(&titles.collect::<Vec<_>>()).await;
        if round % 2 == 0 {
            project_in_disorder(stores, &entries).await;
        } else {
            project_at_once(stores, &entries).await;
        }
        stores[0].conversations.create(&founding(writer.conversation, "founded")).await.unwrap();
        let newest = read_title(last(stores), writer.conversation).await;
        assert_eq!(newest.as_deref(), Some("title 4"));
    }
}

/// A conversation exists only once it has been created, whatever its log contains (phantom).
pub async fn entries_alone_do_not_create_a_conversation(stores: &[Stores]) {
    let mut writer = LogWriter::new(&stores[0]);
    let user = fresh();
    writer.write(user, joined(user)).await;
    writer.write(user, title("title")).await;
    assert_eq!(last(stores).conversations.get(writer.conversation).await.unwrap(), None);
}
