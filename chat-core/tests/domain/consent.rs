//! A membership is a request until its owner takes part.

use chat_core::{
    command::{Change, Command},
    error::ChatError,
    id::ConversationId,
    model::{Body, Entry, Joining, MembershipState, Role, Seq},
};

use crate::scene::{Person, Reader, START, Scene, made, remove, text_of};

async fn state(person: &Person, conversation: ConversationId) -> MembershipState {
    person.view(conversation).await.unwrap().state
}

async fn decline(person: &Person, conversation: ConversationId) -> Result<(), ChatError> {
    person.execute(Command::Decline { conversation }).await.map(drop)
}

/// Returns the events of these kinds, without what follows the name of the kind.
async fn kinds(reader: &mut Reader) -> Vec<String> {
    let first = |event: String| event.split(' ').next().unwrap_or_default().to_owned();
    reader.read().await.into_iter().map(first).collect()
}

#[tokio::test(start_paused = true)]
async fn direct_conversation_is_a_request_until_it_is_accepted() {
    let scene = Scene::new(2);
    let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
    let conversation = ada.direct(&bob).await;
    assert_eq!(state(&ada, conversation).await, MembershipState::Open);
    assert_eq!(state(&bob, conversation).await, MembershipState::Request);
    assert_eq!(bob.list(Some(MembershipState::Request)).await, [conversation]);
    assert_eq!(bob.list(Some(MembershipState::Open)).await, []);

    let mut elsewhere = bob.at(&scene.gateways[1]).open(None).await;
    let before = ada.view(conversation).await;
    bob.accept(conversation).await;
    assert_eq!(state(&bob, conversation).await, MembershipState::Open);
    assert_eq!(bob.list(Some(MembershipState::Open)).await, [conversation]);
    assert_eq!(kinds(&mut elsewhere).await, ["conversation"], "other devices learn of it");
    assert_eq!(ada.view(conversation).await, before, "others see no difference");
}

#[tokio::test(start_paused = true)]
async fn member_takes_part_when_it_writes_any_entry() {
    let scene = Scene::new(2);
    let (ada, bob, eve) =
        (scene.person("ada").await, scene.person("bob").await, scene.person("eve").await);
    let changes: [fn(Seq) -> Change; 2] = [
        |_| text_of("hello"),
        |seq| Change::React { target_seq: seq, emoji: "\u{1F44D}".into(), on: true },
    ];
    for (maker, change) in [&ada, &eve].into_iter().zip(changes) {
        let conversation = maker.group(&[&bob]).await;
        let seq = maker.send(conversation, "x").await;
        assert_eq!(state(&bob, conversation).await, MembershipState::Request);
        let refused = bob.change(conversation, Change::SetTitle { title: "x".into() }).await;
        assert!(matches!(refused, Err(ChatError::Forbidden(_))));
        assert_eq!(state(&bob, conversation).await, MembershipState::Request);
        bob.at(&scene.gateways[1]).change(conversation, change(seq)).await.unwrap();
        assert_eq!(state(&bob, conversation).await, MembershipState::Open);
    }
}

#[tokio::test(start_paused = true)]
async fn contacts_are_added_without_a_request() {
    let scene = Scene::new(1);
    let (ada, bob, eve) =
        (scene.person("ada").await, scene.person("bob").await, scene.person("eve").await);
    let direct = ada.direct(&bob).await;
    bob.accept(direct).await;
    let group = ada.group(&[&bob, &eve]).await;
    assert_eq!(state(&bob, group).await, MembershipState::Open);
    assert_eq!(state(&eve, group).await, MembershipState::Request);
    // Eve is no contact of Ada's other member, but Ada is a contact of Bob.
    let by_bob = bob.group(&[&ada]).await;
    assert_eq!(state(&ada, by_bob).await, MembershipState::Open);
}

#[tokio::test(start_paused = true)]
async fn member_who_is_added_again_is_asked_again() {
    let scene = Scene::new(1);
    let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
    let conversation = ada.group(&[&bob]).await;
    bob.accept(conversation).await;
    ada.remove(conversation, &bob).await;
    ada.add(conversation, &bob).await;
    assert_eq!(state(&bob, conversation).await, MembershipState::Request);
}

#[tokio::test(start_paused = true)]
async fn declined_request_stays_away_until_it_is_accepted() {
    let scene = Scene::new(2);
    let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
    let conversation = ada.direct(&bob).await;
    let mut adas = ada.open(None).await;
    let mut elsewhere = bob.at(&scene.gateways[1]).open(None).await;
    decline(&bob, conversation).await.unwrap();
    decline(&bob, conversation).await.unwrap();
    assert_eq!(kinds(&mut elsewhere).await, ["removed"]);
    ada.send(conversation, "hello?").await;
    assert_eq!(kinds(&mut elsewhere).await, [""; 0]);
    assert_eq!(bob.list(None).await, []);
    assert_eq!(bob.open(None).await.heads, []);
    assert_eq!(kinds(&mut adas).await, ["message"], "the others learn nothing");

    bob.accept(conversation).await;
    let events = kinds(&mut elsewhere).await;
    assert_eq!(events.iter().filter(|kind| *kind == "message").count(), 3, "{events:?}");
    assert_eq!(bob.list(None).await, [conversation]);
    let refused = decline(&bob, conversation).await;
    assert!(matches!(refused, Err(ChatError::Conflict(_))), "{refused:?}");
}

#[tokio::test(start_paused = true)]
async fn declining_is_found_in_the_store_when_its_hint_is_lost() {
    let scene = Scene::new(2);
    let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
    let conversation = ada.direct(&bob).await;
    let mut elsewhere = bob.at(&scene.gateways[1]).open(None).await;
    let hiding = chat_core::model::Consent::hiding(Seq::new(1));
    scene.stores.consents.advance(bob.id(), conversation, hiding).await.unwrap();
    assert_eq!(elsewhere.next("removed").await, Some(format!("removed {conversation}")));
}

#[tokio::test(start_paused = true)]
async fn unanswered_requests_are_limited() {
    let scene = Scene::new(1);
    let ada = scene.person("ada").await;
    let mut asked = Vec::new();
    for number in 0..20 {
        let other = scene.person(&format!("other-{number}")).await;
        asked.push((ada.direct(&other).await, other));
    }
    let bob = scene.person("bob").await;
    let open = async || ada.execute(Command::OpenDirect { user: bob.id() }).await;
    let full = |reply| matches!(reply, Err(ChatError::Full { max: 20, .. }));
    assert!(full(open().await));
    let (conversation, other) = &asked[3];
    decline(other, *conversation).await.unwrap();
    assert!(full(open().await), "declining is not an answer");
    let (conversation, other) = &asked[7];
    other.send(*conversation, "hello").await;
    made(open().await);
    assert_eq!(
        made(ada.execute(Command::OpenDirect { user: asked[0].1.id() }).await).id,
        asked[0].0
    );
}

/// Writes a request to this person into the store, from somebody new.
async fn add_request(scene: &Scene, person: &Person) {
    let joining = Joining::AddedAsRequest;
    let entry = Entry {
        conversation: scene.clock.fresh_id().into(),
        seq: Seq::new(1),
        id: scene.clock.fresh_id().into(),
        sender: scene.clock.fresh_id().into(),
        client_id: None,
        at: START,
        ord: 0,
        body: Body::Joined { user: person.id(), role: Role::Member, joining },
    };
    scene.stores.conversations.project(&[entry]).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn strangers_cannot_fill_the_list_of_open_conversations() {
    let scene = Scene::new(1);
    let (ada, bob, eve) =
        (scene.person("ada").await, scene.person("bob").await, scene.person("eve").await);
    let direct = bob.direct(&ada).await;
    ada.accept(direct).await;
    for _ in 0..chat_core::limits::REQUESTS_KEPT_MAX {
        add_request(&scene, &ada).await;
    }
    let key = |key: &str| Command::CreateGroup {
        title: "Tea".into(),
        members: vec![ada.id()],
        key: key.into(),
    };
    let refused = eve.execute(key("a stranger")).await;
    assert!(matches!(refused, Err(ChatError::Full { .. })), "{refused:?}");
    assert_eq!(
        state(&ada, made(bob.execute(key("a contact")).await).id).await,
        MembershipState::Open
    );
}

#[tokio::test(start_paused = true)]
async fn requests_show_nothing_of_their_owner() {
    let scene = Scene::new(2);
    let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
    let conversation = ada.direct(&bob).await;
    let seq = ada.send(conversation, "x").await;
    let mut adas = ada.open(None).await;
    let mut bobs = bob.at(&scene.gateways[1]).open(None).await;
    let knows = async || scene.gateways[0].acquainted(ada.id(), &[bob.id()]).await.unwrap();
    bob.read_up_to(conversation, seq).await;
    bob.execute(Command::Typing { conversation, on: true }).await.unwrap();
    assert_eq!(adas.read().await, [""; 0]);
    assert_eq!(bobs.read().await.len(), 1, "the owner's other devices learn what was read");
    assert_eq!(ada.cursor_of(conversation, &bob).await, [0, 0]);
    assert_eq!(bob.cursor_of(conversation, &bob).await, [3, 3]);
    assert_eq!(knows().await, [false]);
    let sees = scene.gateways[0].acquainted(bob.id(), &[ada.id()]).await.unwrap();
    assert_eq!(sees, [true], "who asks takes part");

    bob.accept(conversation).await;
    bob.execute(Command::Typing { conversation, on: true }).await.unwrap();
    assert_eq!(kinds(&mut adas).await, ["typing"]);
    assert_eq!(ada.cursor_of(conversation, &bob).await, [3, 3]);
    assert_eq!(knows().await, [true]);
}

#[tokio::test(start_paused = true)]
async fn hidden_direct_conversation_returns_with_its_next_entry() {
    let scene = Scene::new(2);
    let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
    let conversation = ada.direct(&bob).await;
    let mut elsewhere = ada.at(&scene.gateways[1]).open(None).await;
    ada.change(conversation, remove(&ada)).await.unwrap();
    assert_eq!(kinds(&mut elsewhere).await, ["removed"]);
    assert_eq!(ada.list(None).await, []);
    let cursors = elsewhere.session.cursors();
    assert_eq!(cursors, []);
    let resume = Some([(conversation, Seq::new(2))].into());
    let mut later = ada.open(resume).await;
    assert_eq!(later.heads, []);
    assert_eq!(kinds(&mut later).await, ["removed"]);

    bob.send(conversation, "hello").await;
    for reader in [&mut elsewhere, &mut later] {
        assert_eq!(kinds(reader).await, ["conversation", "message"]);
    }
    assert_eq!(ada.list(None).await, [conversation]);
    assert_eq!(ada.open(None).await.heads.len(), 1);
    let mut without_cursor = ada.open(Some([].into())).await;
    assert_eq!(kinds(&mut without_cursor).await, ["conversation", "message"]);
    bob.change(conversation, remove(&ada)).await.unwrap_err();
}

#[tokio::test(start_paused = true)]
async fn all_memberships_are_open_without_requests() {
    let scene = Scene::without_requests(1);
    let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
    let group = ada.group(&[&bob]).await;
    let direct = ada.direct(&bob).await;
    for conversation in [group, direct] {
        assert_eq!(state(&bob, conversation).await, MembershipState::Open);
    }
}
