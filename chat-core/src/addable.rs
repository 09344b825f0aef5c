//! Which users may be added to a conversation.

use crate::{
    error::{ChatError, StoreError},
    id::UserId,
    limits::CONVERSATIONS_MAX,
    port::Stores,
};

/// What a check found: nothing, or the refusal.
type Checked = Result<Result<(), ChatError>, StoreError>;

/// Returns a refusal if one of these users does not exist, or is in too many conversations.
pub(crate) async fn check_addable(stores: &Stores, users: &[UserId]) -> Checked {
    match check_exist(stores, users).await? {
        Ok(()) => check_room(stores, users).await,
        refusal @ Err(_) => Ok(refusal),
    }
}

/// Returns a refusal if one of these users does not exist.
pub(crate) async fn check_exist(stores: &Stores, users: &[UserId]) -> Checked {
    let found = stores.accounts.users(users).await?;
    let all_exist = found.iter().all(Option::is_some);
    Ok(if all_exist { Ok(()) } else { Err(ChatError::NotFound("user")) })
}

/// Returns a refusal if one of these users is in too many conversations.
pub(crate) async fn check_room(stores: &Stores, users: &[UserId]) -> Checked {
    for user in users {
        if stores.conversations.of_user(*user).await?.len() >= CONVERSATIONS_MAX {
            let what = "the user's list of conversations";
            return Ok(Err(ChatError::Full { what, max: CONVERSATIONS_MAX }));
        }
    }
    Ok(Ok(()))
}
