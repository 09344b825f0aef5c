//! People join a group with an invite, however the store fails.

use std::{collections::BTreeSet, time::Duration};

use chat_core::{
    command::{Change, Command, ConversationView, Reply},
    error::ChatError,
    faults::{Call, Fault},
    id::ConversationId,
    limits::{INVITE_TTL_DEFAULT, INVITE_TTL_MAX, INVITE_USES_MAX},
    model::{Body, ClientId, Invite, InviteCode, Joining, MembershipState, Role},
};
use futures_util::future::join_all;
use tokio::time::advance;

use crate::scene::{Person, Scene, remove};

const NO_INVITE: ChatError = ChatError::NotFound("invite");

async fn invite(scene: &Scene, admin: &Person, group: ConversationId, uses: u32) -> Invite {
    scene.gateways[0].create_invite(admin.identity, group, Some(uses), None).await.unwrap()
}

async fn accept_as(
    person: &Person,
    code: InviteCode,
    client_id: Option<&str>,
) -> Result<ConversationView, ChatError> {
    let client_id = client_id.map(|id| ClientId::new(id).unwrap());
    let reply = person.execute(Command::AcceptInvite { code, client_id }).await?;
    let Reply::Conversation(view) = reply else { unreachable!("{reply:?}") };
    Ok(*view)
}

async fn accept(person: &Person, code: InviteCode) -> Result<ConversationView, ChatError> {
    accept_as(person, code, None).await
}

async fn used(scene: &Scene, invite: &Invite) -> u32 {
    scene.stores.invites.get(invite.code).await.unwrap().unwrap().used
}

/// Returns how many times the person joined.
async fn joinings(scene: &Scene, group: ConversationId, person: &Person) -> usize {
    let entries = scene.entries(group).await;
    let own = entries
        .iter()
        .filter(|entry| matches!(&entry.body, Body::Joined { user, .. } if *user == person.id()));
    own.count()
}

#[tokio::test(start_paused = true)]
async fn person_joins_by_an_invite_and_takes_part_at_once() {
    let scene = Scene::new(2);
    let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
    let group = ada.group(&[]).await;
    ada.send(group, "before").await;
    let invite = invite(&scene, &ada, group, 5).await;
    assert_eq!(invite.expires_at, invite.created_at.after(INVITE_TTL_DEFAULT));
    let preview = scene.gateways[1].preview_invite(invite.code).await.unwrap();
    assert_eq!((preview.title.as_deref(), preview.member_count), (Some("Tea"), 1));

    let mut adas = ada.open(None).await;
    let bob = bob.at(&scene.gateways[1]);
    let mut bobs = bob.open(None).await;
    let view = accept_as(&bob, invite.code, Some("join-1")).await.unwrap();
    assert_eq!((view.id, view.state, view.role), (group, MembershipState::Open, Role::Member));
    assert_eq!(view.member_count, 2);
    let joined = format!("message {group} {} Joined", view.head_seq);
    assert!(adas.next(&joined).await.is_some());
    assert!(bobs.next(&format!("conversation {group}")).await.is_some());
    assert!(bobs.next(&joined).await.is_some());
    let entry = scene.entries(group).await.pop().unwrap();
    assert_eq!(entry.client_id, ClientId::new("join-1").ok());
    let joining = Joining::ByInvite { invited_by: ada.id() };
    assert_eq!(entry.body, Body::Joined { user: bob.id(), role: Role::Member, joining });
    assert_eq!(bob.history(group).await.unwrap(), [view.head_seq], "nothing from before");
}

#[tokio::test(start_paused = true)]
async fn member_who_accepts_again_takes_no_use() {
    let scene = Scene::new(2);
    let (ada, bob, eve) =
        (scene.person("ada").await, scene.person("bob").await, scene.person("eve").await);
    let group = ada.group(&[&eve]).await;
    let invite = invite(&scene, &ada, group, 1).await;
    for client_id in [Some("a"), Some("a"), Some("b"), None] {
        assert_eq!(accept_as(&bob, invite.code, client_id).await.unwrap().id, group);
    }
    assert_eq!((joinings(&scene, group, &bob).await, used(&scene, &invite).await), (1, 1));
    // A member who was asked before agrees.
    assert_eq!(eve.view(group).await.unwrap().state, MembershipState::Request);
    assert_eq!(accept(&eve, invite.code).await.unwrap().state, MembershipState::Open);
    assert_eq!(used(&scene, &invite).await, 1);
}

#[tokio::test(start_paused = true)]
async fn last_use_goes_to_one_of_many() {
    let scene = Scene::new(3);
    let ada = scene.person("ada").await;
    let group = ada.group(&[]).await;
    let invite = invite(&scene, &ada, group, 5).await;
    let mut people = Vec::new();
    for number in 0..20_usize {
        let person = scene.person(&format!("person-{number}")).await;
        people.push(person.at(&scene.gateways[number % 3]));
    }
    let results = join_all(people.iter().map(|person| accept(person, invite.code))).await;
    let refused = results.iter().filter(|result| **result == Err(NO_INVITE)).count();
    assert_eq!(refused, 15, "{results:?}");
    let members = scene.stores.conversations.members(group, None, 100).await.unwrap();
    assert_eq!(members.len(), 6);
    assert_eq!(used(&scene, &invite).await, 5);
}

#[tokio::test(start_paused = true)]
async fn use_is_kept_for_its_user_when_the_joining_fails() {
    let scene = Scene::new(2);
    let (ada, bob, eve) =
        (scene.person("ada").await, scene.person("bob").await, scene.person("eve").await);
    let group = ada.group(&[]).await;
    let invite = invite(&scene, &ada, group, 1).await;
    scene.faults.fail_next(Call::Append, &[Fault::Unavailable]);
    let failed = accept(&bob, invite.code).await;
    assert!(matches!(failed, Err(ChatError::Unavailable(_))), "{failed:?}");
    assert_eq!(accept(&eve, invite.code).await, Err(NO_INVITE));
    let elsewhere = bob.at(&scene.gateways[1]);
    assert_eq!(accept_as(&elsewhere, invite.code, Some("again")).await.unwrap().id, group);
    assert_eq!((joinings(&scene, group, &bob).await, used(&scene, &invite).await), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn joining_is_made_once_when_its_answer_is_lost() {
    let scene = Scene::new(2);
    let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
    let group = ada.group(&[]).await;
    let invite = invite(&scene, &ada, group, 3).await;
    scene.faults.fail_next(Call::Append, &[Fault::AnswerLost]);
    scene.faults.fail_next(Call::Project, &[Fault::Unavailable]);
    let lost = accept(&bob, invite.code).await;
    assert_eq!(lost, Err(ChatError::OutcomeUnknown));
    let elsewhere = bob.at(&scene.gateways[1]);
    assert_eq!(accept(&elsewhere, invite.code).await.unwrap().id, group);
    assert_eq!((joinings(&scene, group, &bob).await, used(&scene, &invite).await), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn person_who_left_needs_another_use() {
    let scene = Scene::new(1);
    let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
    let group = ada.group(&[]).await;
    let invite = invite(&scene, &ada, group, 2).await;
    accept(&bob, invite.code).await.unwrap();
    bob.change(group, remove(&bob)).await.unwrap();
    accept_as(&bob, invite.code, Some("second")).await.unwrap();
    assert_eq!((joinings(&scene, group, &bob).await, used(&scene, &invite).await), (2, 2));
    ada.remove(group, &bob).await;
    assert_eq!(accept(&bob, invite.code).await, Err(NO_INVITE));
    assert_eq!(joinings(&scene, group, &bob).await, 2);
}

#[tokio::test(start_paused = true)]
async fn late_repeat_does_not_bring_back_who_has_left() {
    let scene = Scene::new(1);
    let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
    let group = ada.group(&[]).await;
    let invite = invite(&scene, &ada, group, 9).await;
    accept_as(&bob, invite.code, Some("join-1")).await.unwrap();
    bob.send_as(group, "text-1", "hello").await.unwrap();
    bob.change(group, remove(&bob)).await.unwrap();
    let late = accept_as(&bob, invite.code, Some("join-1")).await;
    assert!(matches!(late, Err(ChatError::Conflict(_))), "{late:?}");
    let reused = accept_as(&bob, invite.code, Some("text-1")).await;
    assert_eq!(reused, Err(ChatError::KeyReused("client_id")));
    assert_eq!((joinings(&scene, group, &bob).await, used(&scene, &invite).await), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn invite_lets_nobody_in_after_its_end() {
    let scene = Scene::new(1);
    let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
    let gateway = &scene.gateways[0];
    let group = ada.group(&[]).await;
    let ended = invite(&scene, &ada, group, 5).await;
    let used_up = invite(&scene, &ada, group, 1).await;
    gateway.end_invite(ada.identity, ended.code).await.unwrap();
    accept(&scene.person("eve").await, used_up.code).await.unwrap();
    let minute = Some(Duration::from_secs(60));
    let expired = gateway.create_invite(ada.identity, group, None, minute).await.unwrap();
    advance(Duration::from_secs(60)).await;
    let unknown = InviteCode::from_bits(7);
    for code in [ended.code, used_up.code, expired.code, unknown] {
        assert_eq!(accept(&bob, code).await, Err(NO_INVITE));
        assert_eq!(gateway.preview_invite(code).await, Err(NO_INVITE));
        assert_eq!(gateway.end_invite(ada.identity, code).await, Err(NO_INVITE));
    }
    assert_eq!(gateway.invites(ada.identity, group).await.unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn invite_ends_with_the_last_member() {
    let scene = Scene::new(1);
    let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
    let group = ada.group(&[]).await;
    let invite = invite(&scene, &ada, group, 5).await;
    ada.change(group, remove(&ada)).await.unwrap();
    assert_eq!(scene.gateways[0].preview_invite(invite.code).await, Err(NO_INVITE));
    for person in [&bob, &ada] {
        assert_eq!(accept(person, invite.code).await, Err(NO_INVITE));
    }
    assert_eq!(used(&scene, &invite).await, 0);
}

#[tokio::test(start_paused = true)]
async fn admins_make_list_and_end_invites() {
    let scene = Scene::new(1);
    let (ada, bob, eve) =
        (scene.person("ada").await, scene.person("bob").await, scene.person("eve").await);
    let gateway = &scene.gateways[0];
    let group = ada.group(&[&bob]).await;
    let create =
        async |person: &Person| gateway.create_invite(person.identity, group, None, None).await;
    assert!(matches!(create(&bob).await, Err(ChatError::Forbidden(_))));
    assert!(matches!(gateway.invites(bob.identity, group).await, Err(ChatError::Forbidden(_))));
    assert_eq!(create(&eve).await, Err(ChatError::NotFound("conversation")));
    let admin = Change::SetMember { user: bob.id(), role: Some(Role::Admin) };
    ada.change(group, admin).await.unwrap();
    let bobs = create(&bob).await.unwrap();
    advance(Duration::from_millis(5)).await;
    let adas = create(&ada).await.unwrap();
    assert_eq!(gateway.invites(bob.identity, group).await.unwrap(), [adas, bobs]);

    // The invites of a former admin go on. The admin can still end them.
    ada.remove(group, &bob).await;
    assert!(gateway.preview_invite(bobs.code).await.is_ok());
    assert_eq!(gateway.end_invite(bob.identity, adas.code).await, Err(NO_INVITE));
    assert_eq!(gateway.end_invite(eve.identity, bobs.code).await, Err(NO_INVITE));
    gateway.end_invite(bob.identity, bobs.code).await.unwrap();
    gateway.end_invite(ada.identity, adas.code).await.unwrap();

    let direct = ada.direct(&bob).await;
    let refused = gateway.create_invite(ada.identity, direct, None, None).await;
    assert!(matches!(refused, Err(ChatError::Forbidden(_))), "{refused:?}");
}

#[tokio::test(start_paused = true)]
async fn invite_is_refused_when_its_bounds_are() {
    let scene = Scene::new(1);
    let ada = scene.person("ada").await;
    let group = ada.group(&[]).await;
    let second = Duration::from_secs(1);
    let minute = Duration::from_secs(60);
    for (max_uses, expires_in, field) in [
        (Some(0), None, "max_uses"),
        (Some(INVITE_USES_MAX + 1), None, "max_uses"),
        (None, Some(Duration::from_secs(59)), "expires_in"),
        (None, Some(INVITE_TTL_MAX + second), "expires_in"),
    ] {
        let gateway = &scene.gateways[0];
        let refused = gateway.create_invite(ada.identity, group, max_uses, expires_in).await;
        let Err(ChatError::Invalid { field: found, .. }) = refused else {
            unreachable!("{refused:?}")
        };
        assert_eq!(found.as_deref(), Some(field));
    }
    let gateway = &scene.gateways[0];
    let mut codes = BTreeSet::new();
    for (max_uses, expires_in) in [(INVITE_USES_MAX, INVITE_TTL_MAX), (1, minute)] {
        let made =
            gateway.create_invite(ada.identity, group, Some(max_uses), Some(expires_in)).await;
        codes.insert(made.unwrap().code);
    }
    assert_eq!(codes.len(), 2);
}
