//! Rights are checked before anything else about a command.

use chat_core::{command::Change, error::ChatError, id::UserId, model::Role};

use crate::scene::Scene;

#[tokio::test(start_paused = true)]
async fn rights_are_checked_before_the_user_is_looked_up() {
    let scene = Scene::new(1);
    let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
    let carol = scene.person("carol").await;
    let group = ada.group(&[&bob]).await;
    let direct = ada.direct(&bob).await;
    let nobody = UserId::new(77).unwrap();
    let add = |role| Change::SetMember { user: nobody, role };
    for (caller, conversation) in [(&bob, group), (&ada, direct), (&bob, direct)] {
        let refused = caller.change(conversation, add(None)).await.unwrap_err();
        assert!(matches!(refused, ChatError::Forbidden(_)), "{refused:?}");
    }
    let outsider = carol.change(group, add(None)).await;
    assert_eq!(outsider, Err(ChatError::NotFound("conversation")));
    for role in [None, Some(Role::Owner)] {
        assert_eq!(ada.change(group, add(role)).await, Err(ChatError::NotFound("user")));
    }
}
