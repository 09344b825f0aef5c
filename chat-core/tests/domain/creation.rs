//! A conversation is created once, however the store fails.

use std::collections::BTreeSet;

use chat_core::{
    command::{Command, Reply},
    error::ChatError,
    faults::{Call, Fault},
    limits::REPLY_CLAIM_TTL,
    memory::MemoryHub,
};
use tokio::time::sleep;

use crate::scene::{Person, Scene, made};

fn tea(members: &[&Person]) -> Command {
    let members = members.iter().map(|member| member.id()).collect();
    Command::CreateGroup { title: "Tea".into(), members, key: "k".into() }
}

/// Repeats a failed creation until it succeeds and checks that it made one group.
async fn ensure_one_group(ada: &Person, scene: &Scene) {
    let repeated = ada.execute(tea(&[])).await;
    assert!(repeated == Err(ChatError::Running) || repeated.is_ok(), "{repeated:?}");
    sleep(REPLY_CLAIM_TTL).await;
    let group = made(ada.execute(tea(&[])).await).id;
    assert_eq!(made(ada.execute(tea(&[])).await).id, group);
    let memberships = scene.stores.conversations.of_user(ada.id()).await.unwrap();
    assert_eq!(memberships.iter().map(|one| one.conversation).collect::<Vec<_>>(), [group]);
}

#[tokio::test(start_paused = true)]
async fn key_makes_one_group_when_the_projection_fails() {
    let scene = Scene::new(1);
    let ada = scene.person("ada").await;
    scene.faults.fail_next(Call::Project, &[Fault::Unavailable]);
    assert_eq!(ada.execute(tea(&[])).await, Err(ChatError::OutcomeUnknown));
    ensure_one_group(&ada, &scene).await;
}

#[tokio::test(start_paused = true)]
async fn creation_is_unavailable_when_it_was_never_tried() {
    let scene = Scene::new(1);
    let ada = scene.person("ada").await;
    let faults = [Fault::Unavailable, Fault::AnswerLost, Fault::Unavailable];
    scene.faults.fail_next(Call::Append, &faults);
    let first = ada.execute(tea(&[])).await;
    assert!(matches!(first, Err(ChatError::Unavailable(_))), "{first:?}");
}

#[tokio::test(start_paused = true)]
async fn creation_is_not_called_undone_when_it_may_have_been_applied() {
    let scene = Scene::new(1);
    let ada = scene.person("ada").await;
    let faults = [Fault::AnswerLost, Fault::Unavailable, Fault::Unavailable];
    scene.faults.fail_next(Call::Append, &faults);
    let first = ada.execute(tea(&[])).await.unwrap_err();
    assert!(!matches!(first, ChatError::Unavailable(_)), "{first:?}");
    ensure_one_group(&ada, &scene).await;
}

#[tokio::test(start_paused = true)]
async fn taken_over_claim_returns_the_group_when_it_was_created() {
    let scene = Scene::new(1);
    let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
    scene.faults.fail_next(Call::Append, &[Fault::AnswerLost; 3]);
    assert_eq!(ada.execute(tea(&[&bob])).await, Err(ChatError::OutcomeUnknown));
    sleep(REPLY_CLAIM_TTL).await;
    scene.faults.fail_next(Call::Create, &[Fault::Unavailable]);
    assert!(ada.execute(tea(&[&bob])).await.is_err());
    sleep(REPLY_CLAIM_TTL).await;
    let group = made(ada.execute(tea(&[&bob])).await).id;
    let memberships = scene.stores.conversations.of_user(bob.id()).await.unwrap();
    assert_eq!(memberships.iter().map(|one| one.conversation).collect::<Vec<_>>(), [group]);
}

#[tokio::test(start_paused = true)]
async fn key_can_be_used_again_when_the_creation_was_refused() {
    let scene = Scene::new(1);
    let ada = scene.person("ada").await;
    scene.faults.fail_next(Call::Create, &[Fault::Unavailable]);
    assert!(matches!(ada.execute(tea(&[])).await, Err(ChatError::Unavailable(_))));
    assert!(ada.execute(tea(&[])).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn direct_conversation_is_created_by_one_when_two_open_it() {
    let scene = Scene::new(2);
    let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
    let bob = bob.at(&scene.gateways[1]);
    for call in [Call::Direct, Call::Create, Call::Append, Call::Project] {
        scene.faults.delay(call, std::time::Duration::from_millis(5));
    }
    let (one, other) = tokio::join!(
        ada.execute(Command::OpenDirect { user: bob.id() }),
        bob.execute(Command::OpenDirect { user: ada.id() }),
    );
    let made: Vec<_> = [one, other]
        .into_iter()
        .map(|reply| match reply {
            Ok(Reply::Made { conversation, created }) => (conversation.id, created),
            other => unreachable!("{other:?}"),
        })
        .collect();
    assert_eq!(made[0].0, made[1].0);
    assert_ne!(made[0].1, made[1].1, "exactly one of them created it");
}

#[tokio::test(start_paused = true)]
async fn direct_conversation_is_reported_new_when_the_answer_was_lost() {
    let scene = Scene::new(1);
    let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
    scene.faults.fail_next(Call::Append, &[Fault::AnswerLost]);
    let reply = ada.execute(Command::OpenDirect { user: bob.id() }).await;
    assert!(matches!(reply, Ok(Reply::Made { created: true, .. })), "{reply:?}");
}

/// The second gateway makes the same ids as the first, as if its clock had been set back.
#[tokio::test(start_paused = true)]
async fn conversation_gets_a_fresh_id_when_the_first_one_is_taken() {
    let scene = Scene::new(1);
    let second = Scene::on(1, &MemoryHub::new(), scene.stores.clone());
    let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
    let (kim, tom) = (scene.person("kim").await, scene.person("tom").await);
    let [kim, tom] = [kim, tom].map(|person| person.at(&second.gateways[0]));
    let ada_group = made(ada.execute(tea(&[])).await).id;
    let kim_group = made(kim.execute(tea(&[])).await).id;
    assert_eq!(made(kim.execute(tea(&[])).await).id, kim_group);
    let ada_direct = ada.direct(&bob).await;
    let kim_direct = kim.direct(&tom).await;
    assert_eq!(tom.direct(&kim).await, kim_direct);
    for (person, own) in [(&ada, [ada_group, ada_direct]), (&kim, [kim_group, kim_direct])] {
        let memberships = scene.stores.conversations.of_user(person.id()).await.unwrap();
        let conversations: BTreeSet<_> = memberships.iter().map(|one| one.conversation).collect();
        assert_eq!(conversations, BTreeSet::from(own));
    }
    assert!(BTreeSet::from([ada_group, ada_direct]).is_disjoint(&[kim_group, kim_direct].into()));
}
