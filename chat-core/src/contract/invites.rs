//! Contract tests of [`crate::port::Invites`].

use std::{collections::BTreeSet, time::Duration};

use tokio::task::JoinSet;

use super::fixtures::{client_id, fresh, last, now, random};
use crate::{
    id::{ConversationId, UserId},
    limits::INVITES_MAX,
    model::{ClientId, Invite, InviteCode, InviteUse, Seq, UseClaim},
    port::{InviteCreation, Stores},
    time::Timestamp,
};

const HOUR: Duration = Duration::from_secs(3_600);

fn code() -> InviteCode {
    InviteCode::from_bits(u64::from_be_bytes(random()))
}

/// Makes an invite that lives for an hour.
fn invite_to(conversation: ConversationId, max_uses: Option<u32>) -> Invite {
    let created_at = now();
    Invite {
        code: code(),
        conversation,
        created_by: fresh(),
        created_at,
        expires_at: created_at.after(HOUR),
        max_uses,
        used: 0,
        is_ended: false,
    }
}

/// Stores an invite to a new conversation.
async fn created(stores: &Stores, max_uses: Option<u32>) -> Invite {
    let invite = invite_to(fresh(), max_uses);
    assert_eq!(stores.invites.create(&invite).await.unwrap(), InviteCreation::Created);
    invite
}

fn new_use() -> InviteUse {
    InviteUse { client_id: client_id(), base_seq: Seq::new(7) }
}

/// Claims a use as a gateway does. Repeats a claim whose outcome is not known, as clients do.
async fn claim(
    stores: &Stores,
    invite: &Invite,
    user: UserId,
    spent: Option<&ClientId>,
    at: Timestamp,
) -> UseClaim {
    for _ in 0..20 {
        let fresh = new_use();
        let claim = stores.invites.claim_use(invite.code, user, &fresh, spent, at).await;
        if let Ok(claim) = claim {
            return claim;
        }
    }
    unreachable!("no claim was answered")
}

async fn used(stores: &Stores, invite: &Invite) -> u32 {
    stores.invites.get(invite.code).await.unwrap().unwrap().used
}

/// An invite is returned as it was stored, and only under its code.
pub async fn invite_is_read_back_as_created(stores: &[Stores]) {
    for max_uses in [None, Some(1), Some(10_000)] {
        let invite = created(&stores[0], max_uses).await;
        for stores in stores {
            assert_eq!(stores.invites.get(invite.code).await.unwrap(), Some(invite));
            assert_eq!(stores.invites.get(code()).await.unwrap(), None);
            let live = stores.invites.of_conversation(invite.conversation, invite.created_at).await;
            assert_eq!(live.unwrap(), [invite]);
        }
    }
}

/// A code names one invite for ever (phantom).
pub async fn invite_is_refused_when_its_code_is_taken(stores: &[Stores]) {
    let first = created(&stores[0], Some(1)).await;
    let second = Invite { code: first.code, ..invite_to(fresh(), None) };
    let refused = last(stores).invites.create(&second).await.unwrap();
    assert_eq!(refused, InviteCreation::CodeTaken);
    assert_eq!(stores[0].invites.get(first.code).await.unwrap(), Some(first));
    let live = stores[0].invites.of_conversation(second.conversation, now()).await.unwrap();
    assert_eq!(live, []);
}

/// A list has the live invites of its conversation and no others.
pub async fn conversation_lists_its_live_invites(stores: &[Stores]) {
    let conversation = fresh();
    let short = Invite {
        expires_at: now().after(Duration::from_secs(60)),
        ..invite_to(conversation, None)
    };
    let [used_up, ended, live] = [Some(1), None, Some(2)].map(|uses| invite_to(conversation, uses));
    for invite in [short, used_up, ended, live] {
        assert_eq!(stores[0].invites.create(&invite).await.unwrap(), InviteCreation::Created);
    }
    created(&stores[0], None).await;
    let at = now();
    claim(&stores[0], &used_up, fresh(), None, at).await;
    assert!(last(stores).invites.end(ended.code).await.unwrap());
    let codes = async |stores: &Stores, at| -> BTreeSet<InviteCode> {
        let listed = stores.invites.of_conversation(conversation, at).await.unwrap();
        listed.iter().map(|invite| invite.code).collect()
    };
    for stores in stores {
        assert_eq!(codes(stores, at).await, BTreeSet::from([short.code, live.code]));
        assert_eq!(codes(stores, short.expires_at).await, BTreeSet::from([live.code]));
        assert_eq!(codes(stores, live.expires_at).await, BTreeSet::new());
    }
}

/// Each user takes one use, until none is left. A repeat gets the same use, also after the last one
/// was taken (duplicate).
pub async fn user_takes_one_use_however_often_it_claims(stores: &[Stores]) {
    let invite = created(&stores[0], Some(2)).await;
    let (one, other): (UserId, UserId) = (fresh(), fresh());
    let at = now();
    let first = claim(&stores[0], &invite, one, None, at).await;
    let again = claim(last(stores), &invite, one, None, at).await;
    assert_eq!((&again, used(last(stores), &invite).await), (&first, 1));
    let second = claim(last(stores), &invite, other, None, at).await;
    let third = claim(&stores[0], &invite, fresh(), None, at).await;
    let late = claim(&stores[0], &invite, one, None, at).await;
    let claims = [&first, &second, &third, &late];
    assert!(matches!(claims, [UseClaim::Yours(_), UseClaim::Yours(_), UseClaim::Gone, _]));
    assert_eq!((&late, used(&stores[0], &invite).await), (&first, 2));
    assert_ne!(first, second);
}

/// A spent use is replaced by a new one while there is one, and by none afterwards.
pub async fn spent_use_is_replaced_by_another_one(stores: &[Stores]) {
    let invite = created(&stores[0], Some(2)).await;
    let (user, at) = (fresh(), now());
    let UseClaim::Yours(first) = claim(&stores[0], &invite, user, None, at).await else {
        unreachable!("no use was taken")
    };
    let spent = Some(&first.client_id);
    let UseClaim::Yours(second) = claim(last(stores), &invite, user, spent, at).await else {
        unreachable!("no second use was taken")
    };
    assert_ne!(first.client_id, second.client_id);
    // A late repeat of the claim finds the use that replaced the spent one.
    assert_eq!(claim(&stores[0], &invite, user, spent, at).await, UseClaim::Yours(second.clone()));
    let again = claim(last(stores), &invite, user, Some(&second.client_id), at).await;
    assert_eq!(again, UseClaim::Gone);
    assert_eq!(used(&stores[0], &invite).await, 2);
}

/// An invite that has ended gives no use, not even one that is held.
pub async fn ended_invite_gives_no_use(stores: &[Stores]) {
    let invite = created(&stores[0], None).await;
    let (user, at) = (fresh(), now());
    claim(&stores[0], &invite, user, None, at).await;
    assert!(last(stores).invites.end(invite.code).await.unwrap());
    assert!(!stores[0].invites.end(invite.code).await.unwrap());
    for user in [user, fresh()] {
        assert_eq!(claim(&stores[0], &invite, user, None, at).await, UseClaim::Gone);
    }
    let kept = stores[0].invites.get(invite.code).await.unwrap();
    assert_eq!(kept, Some(Invite { used: 1, is_ended: true, ..invite }));
}

/// An invite that has expired gives no use, not even one that is held.
pub async fn expired_invite_gives_no_use(stores: &[Stores]) {
    let invite = created(&stores[0], None).await;
    let user = fresh();
    let held = claim(&stores[0], &invite, user, None, now()).await;
    assert!(matches!(held, UseClaim::Yours(_)), "{held:?}");
    for user in [user, fresh()] {
        let late = claim(last(stores), &invite, user, None, invite.expires_at).await;
        assert_eq!(late, UseClaim::Gone);
    }
}

/// A code that nobody has made gives no use, cannot be ended, and leaves nothing behind (phantom).
pub async fn unknown_code_gives_no_use(stores: &[Stores]) {
    let unknown = invite_to(fresh(), None);
    let claimed = claim(&stores[0], &unknown, fresh(), None, now()).await;
    assert_eq!(claimed, UseClaim::Gone);
    assert!(!stores[0].invites.end(unknown.code).await.unwrap());
    assert_eq!(last(stores).invites.get(unknown.code).await.unwrap(), None);
    assert_eq!(stores[0].invites.create(&unknown).await.unwrap(), InviteCreation::Created);
}

/// Of eight users who claim the last use at the same moment, one gets it (lost-write, phantom).
pub async fn one_of_several_concurrent_claims_gets_the_last_use(stores: &[Stores]) {
    let invite = created(&stores[0], Some(3)).await;
    let at = now();
    for _ in 0..2 {
        claim(&stores[0], &invite, fresh(), None, at).await;
    }
    let mut callers = JoinSet::new();
    for nth in 0..8 {
        let stores = stores[nth % stores.len()].clone();
        callers.spawn(async move { claim(&stores, &invite, fresh(), None, at).await });
    }
    let claims = callers.join_all().await;
    let winners = claims.iter().filter(|claim| **claim != UseClaim::Gone).count();
    assert_eq!(winners, 1, "{claims:?}");
    assert_eq!(used(last(stores), &invite).await, 3);
}

/// Concurrent claims of one user take one use (duplicate).
pub async fn concurrent_claims_of_a_user_take_one_use(stores: &[Stores]) {
    let invite = created(&stores[0], Some(5)).await;
    let (user, at) = (fresh(), now());
    let mut callers = JoinSet::new();
    for nth in 0..8 {
        let stores = stores[nth % stores.len()].clone();
        callers.spawn(async move { claim(&stores, &invite, user, None, at).await });
    }
    let claims = callers.join_all().await;
    assert!(claims.iter().all(|claim| *claim == claims[0]), "{claims:?}");
    assert_eq!(used(last(stores), &invite).await, 1);
}

/// Creates this many invites to a conversation, and returns their codes.
async fn fill(stores: &Stores, conversation: ConversationId, count: usize) -> Vec<InviteCode> {
    let mut codes = Vec::new();
    for _ in 0..count {
        let invite = invite_to(conversation, Some(1));
        assert_eq!(stores.invites.create(&invite).await.unwrap(), InviteCreation::Created);
        codes.push(invite.code);
    }
    codes
}

/// A conversation has a limited number of live invites, also when several are created at the same
/// moment.
pub async fn conversation_has_a_limited_number_of_live_invites(stores: &[Stores]) {
    let conversation = fresh();
    fill(&stores[0], conversation, INVITES_MAX - 4).await;
    let mut callers = JoinSet::new();
    for nth in 0..8 {
        let stores = stores[nth % stores.len()].clone();
        let invite = invite_to(conversation, None);
        callers.spawn(async move { stores.invites.create(&invite).await.unwrap() });
    }
    let results = callers.join_all().await;
    let made = results.iter().filter(|made| **made == InviteCreation::Created).count();
    assert_eq!(made, 4, "{results:?}");
    let live = last(stores).invites.of_conversation(conversation, now()).await.unwrap();
    assert_eq!(live.len(), INVITES_MAX);
}

/// An invite that is not live any more makes room for another one.
pub async fn invite_has_room_when_another_one_is_not_live(stores: &[Stores]) {
    let conversation = fresh();
    let codes = fill(&stores[0], conversation, INVITES_MAX).await;
    let late = invite_to(conversation, None);
    assert_eq!(last(stores).invites.create(&late).await.unwrap(), InviteCreation::Full);
    assert!(stores[0].invites.end(codes[7]).await.unwrap());
    // A code that found no room may be lost, so another one follows it.
    let next = invite_to(conversation, None);
    assert_eq!(last(stores).invites.create(&next).await.unwrap(), InviteCreation::Created);
    let live = stores[0].invites.of_conversation(conversation, now()).await.unwrap();
    assert_eq!((live.len(), live.contains(&next)), (INVITES_MAX, true));
    let created_at = next.expires_at.after(HOUR);
    let expires_at = created_at.after(HOUR);
    let after = Invite { created_at, expires_at, ..invite_to(conversation, None) };
    assert_eq!(stores[0].invites.create(&after).await.unwrap(), InviteCreation::Created);
}
