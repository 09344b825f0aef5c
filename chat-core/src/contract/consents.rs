//! Contract tests of [`crate::port::Consents`] and [`crate::port::Boundaries`].

use tokio::task::JoinSet;

use super::fixtures::{fresh, last};
use crate::{
    id::{ConversationId, UserId},
    model::{Audience, Boundary, Consent, Privacy, PrivacyChange, Seq},
    port::Stores,
};

fn consent(opened: u64, hidden: u64, asked: Option<UserId>) -> Consent {
    Consent { opened_seq: Seq::new(opened), hidden_seq: Seq::new(hidden), asked }
}

/// A consent is always the furthest of all, field by field, and `advance` returns whether it changed.
pub async fn consent_only_moves_forward(stores: &[Stores]) {
    let (user, conversation, peer) = (fresh(), fresh(), fresh());
    for (nth, (to, expected, changed)) in [
        (consent(0, 0, None), consent(0, 0, None), false),
        (consent(5, 0, None), consent(5, 0, None), true),
        (consent(3, 2, None), consent(5, 2, None), true),
        (consent(5, 2, None), consent(5, 2, None), false),
        (consent(0, 9, Some(peer)), consent(5, 9, Some(peer)), true),
        (consent(0, 0, None), consent(5, 9, Some(peer)), false),
    ]
    .into_iter()
    .enumerate()
    {
        let consents = &stores[nth % stores.len()].consents;
        let answer = consents.advance(user, conversation, to).await.unwrap();
        assert_eq!(answer, (expected, changed), "step {nth}");
        for stores in stores {
            let found = stores.consents.of_members(&[(user, conversation)]).await.unwrap();
            assert_eq!(found, [expected], "step {nth}");
        }
    }
}

/// After concurrent advances the furthest consent remains.
pub async fn concurrent_consents_end_at_the_furthest(stores: &[Stores]) {
    let (user, conversation) = (fresh(), fresh());
    let mut devices = JoinSet::new();
    for nth in 0..16_u64 {
        let consents = stores[usize::try_from(nth).unwrap() % stores.len()].consents.clone();
        let to = if nth % 2 == 0 { consent(nth + 1, 0, None) } else { consent(0, nth + 1, None) };
        devices.spawn(async move { consents.advance(user, conversation, to).await.unwrap() });
    }
    devices.join_all().await;
    for stores in stores {
        let found = stores.consents.of_user(user).await.unwrap();
        assert_eq!(found, [(conversation, consent(15, 16, None))]);
    }
}

/// Each requested consent has its place in the answer, and a user's list has the user's own only.
pub async fn consents_are_returned_for_members_and_users(stores: &[Stores]) {
    let (one, other): (UserId, UserId) = (fresh(), fresh());
    let (here, there): (ConversationId, ConversationId) = (fresh(), fresh());
    for (user, conversation, opened) in [(one, here, 1), (one, there, 2), (other, here, 3)] {
        let to = consent(opened, 0, None);
        stores[0].consents.advance(user, conversation, to).await.unwrap();
    }
    let consents = &last(stores).consents;
    let members = [(other, here), (fresh(), here), (one, there), (one, here), (other, there)];
    let opened = [3, 0, 2, 1, 0].map(|opened| consent(opened, 0, None));
    assert_eq!(consents.of_members(&members).await.unwrap(), opened);
    assert_eq!(consents.of_members(&[]).await.unwrap(), []);
    let mut own = consents.of_user(one).await.unwrap();
    own.sort_unstable_by_key(|(conversation, _)| *conversation);
    assert_eq!(own, [(here, consent(1, 0, None)), (there, consent(2, 0, None))]);
    assert_eq!(consents.of_user(fresh()).await.unwrap(), []);
}

/// Privacy settings are the default until they are changed, each on its own.
pub async fn privacy_settings_change_one_by_one(stores: &[Stores]) {
    let user = fresh();
    let boundaries = &stores[0].boundaries;
    assert_eq!(boundaries.get(user).await.unwrap(), Boundary::default());
    let mut expected = Privacy::default();
    let nothing = PrivacyChange::default();
    for change in [
        nothing,
        PrivacyChange { read_receipts: Some(false), ..nothing },
        PrivacyChange { last_seen: Some(Audience::Nobody), ..nothing },
        PrivacyChange { direct_messages: Some(Audience::Contacts), ..nothing },
        PrivacyChange { add_to_groups: Some(Audience::Nobody), ..nothing },
        PrivacyChange { read_receipts: Some(true), last_seen: Some(Audience::Everyone), ..nothing },
    ] {
        boundaries.set_privacy(user, change).await.unwrap();
        expected = expected.changed(change);
        let found = last(stores).boundaries.get(user).await.unwrap();
        assert_eq!(found, Boundary { privacy: expected, blocked: Vec::new() });
    }
}

/// Blocks belong to their owner, can be repeated, and are listed in ascending order.
pub async fn blocks_follow_their_owner(stores: &[Stores]) {
    let owner = fresh();
    let [low, middle, high]: [UserId; 3] = [fresh(), fresh(), fresh()];
    let boundaries = &stores[0].boundaries;
    for user in [high, low, middle, low] {
        boundaries.set_block(owner, user, true).await.unwrap();
    }
    let blocked = async |owner| last(stores).boundaries.get(owner).await.unwrap().blocked;
    assert_eq!(blocked(owner).await, [low, middle, high]);
    assert_eq!(blocked(low).await, []);
    let change = PrivacyChange { read_receipts: Some(false), ..PrivacyChange::default() };
    boundaries.set_privacy(owner, change).await.unwrap();
    for user in [middle, middle, fresh()] {
        boundaries.set_block(owner, user, false).await.unwrap();
    }
    assert_eq!(blocked(owner).await, [low, high]);
}
