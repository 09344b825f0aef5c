//! Which users may be added to a conversation.

use crate::{
    error::{ChatError, StoreError},
    id::UserId,
    limits::CONVERSATIONS_MAX,
    port::Stores,
};

/// Returns a refusal if one of these users does not exist, or is in too many conversations.
pub(crate) async fn check_addable(
    stores: &Stores,
    users: &[UserId],
) -> Result<Result<(), ChatError>, StoreError> {
    let found = stores.accounts.users(users).await?;
    if found.iter().any(Option::is_none) {
        return Ok(Err(ChatError::NotFound("user")));
    }
    for user in users {
        if stores.conversations.of_user(*user).await?.len() >= CONVERSATIONS_MAX {
            let what = "the user's list of conversations";
            return Ok(Err(ChatError::Full { what, max: CONVERSATIONS_MAX }));
        }
    }
    Ok(Ok(()))
}
