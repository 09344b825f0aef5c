//! A conversation is founded once, whatever the store does to the attempts.

use std::sync::Arc;

use chat_core::{
    command::{Command, Reply},
    error::ChatError,
    limits::REPLY_CLAIM_TTL,
    memory::{MemoryHub, MemoryStores},
};

use crate::{
    hooked::{Call, Fault, Script, hooked},
    scene::{Person, Scene, made},
};

struct Shaky {
    scene: Scene,
    script: Arc<Script>,
}

fn shaky(gateways: u16) -> Shaky {
    let script = Arc::<Script>::default();
    let stores = hooked(&MemoryStores::new(), script.clone());
    Shaky { scene: Scene::over(gateways, &MemoryHub::new(), 0, stores), script }
}

fn tea(members: &[&Person]) -> Command {
    let members = members.iter().map(|member| member.id()).collect();
    Command::CreateGroup { title: "Tea".into(), members, key: "k".into() }
}

/// Whatever happened at the first attempt, the key gives one group, and its members are in one.
async fn one_group_in_the_end(ada: &Person, shaky: &Shaky) {
    let at_once = ada.execute(tea(&[])).await;
    assert!(at_once == Err(ChatError::Running) || at_once.is_ok(), "{at_once:?}");
    tokio::time::sleep(REPLY_CLAIM_TTL).await;
    let group = made(ada.execute(tea(&[])).await).id;
    assert_eq!(made(ada.execute(tea(&[])).await).id, group);
    let mine = shaky.scene.stores.conversations.of_user(ada.id()).await.unwrap();
    assert_eq!(mine.iter().map(|one| one.conversation).collect::<Vec<_>>(), [group]);
}

#[tokio::test(start_paused = true)]
async fn founding_whose_projection_fails_makes_one_group_under_its_key() {
    let shaky = shaky(1);
    let ada = shaky.scene.person("ada").await;
    shaky.script.fail(Call::Project, &[Fault::Unavailable]);
    assert_eq!(ada.execute(tea(&[])).await, Err(ChatError::OutcomeUnknown));
    one_group_in_the_end(&ada, &shaky).await;
}

#[tokio::test(start_paused = true)]
async fn founding_that_may_have_been_done_is_not_called_undone() {
    for faults in [
        &[Fault::Unknown, Fault::Unavailable, Fault::Unavailable][..],
        &[Fault::Unavailable, Fault::Unknown, Fault::Unavailable],
    ] {
        let shaky = shaky(1);
        let ada = shaky.scene.person("ada").await;
        shaky.script.fail(Call::Append, faults);
        let first = ada.execute(tea(&[])).await.unwrap_err();
        let is_untried = faults[0] == Fault::Unavailable;
        assert_eq!(matches!(first, ChatError::Unavailable(_)), is_untried, "{first:?}");
        if !is_untried {
            one_group_in_the_end(&ada, &shaky).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn taken_over_claim_of_a_founded_group_is_settled_by_it_and_never_given_back() {
    let shaky = shaky(1);
    let (ada, bob) = (shaky.scene.person("ada").await, shaky.scene.person("bob").await);
    shaky.script.fail(Call::Append, &[Fault::Unknown; 3]);
    assert_eq!(ada.execute(tea(&[&bob])).await, Err(ChatError::OutcomeUnknown));
    tokio::time::sleep(REPLY_CLAIM_TTL).await;
    shaky.script.fail(Call::Create, &[Fault::Unavailable]);
    assert!(ada.execute(tea(&[&bob])).await.is_err());
    tokio::time::sleep(REPLY_CLAIM_TTL).await;
    let group = made(ada.execute(tea(&[&bob])).await).id;
    let bobs = shaky.scene.stores.conversations.of_user(bob.id()).await.unwrap();
    assert_eq!(bobs.iter().map(|one| one.conversation).collect::<Vec<_>>(), [group]);
}

#[tokio::test(start_paused = true)]
async fn refused_founding_gives_its_key_back() {
    let shaky = shaky(1);
    let ada = shaky.scene.person("ada").await;
    shaky.script.fail(Call::Create, &[Fault::Unavailable]);
    assert!(matches!(ada.execute(tea(&[])).await, Err(ChatError::Unavailable(_))));
    assert!(ada.execute(tea(&[])).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn direct_conversation_is_made_by_one_of_two_at_the_same_moment() {
    let shaky = shaky(2);
    let (ada, bob) = (shaky.scene.person("ada").await, shaky.scene.person("bob").await);
    let bob = bob.at(&shaky.scene.gateways[1]);
    shaky.script.slow_down(std::time::Duration::from_millis(5));
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
    assert_ne!(made[0].1, made[1].1, "one of them made it");
}

#[tokio::test(start_paused = true)]
async fn direct_conversation_that_was_made_says_so_also_after_a_lost_answer() {
    let shaky = shaky(1);
    let (ada, bob) = (shaky.scene.person("ada").await, shaky.scene.person("bob").await);
    shaky.script.fail(Call::Append, &[Fault::Unknown]);
    let reply = ada.execute(Command::OpenDirect { user: bob.id() }).await;
    assert!(matches!(reply, Ok(Reply::Made { created: true, .. })), "{reply:?}");
}
