//! Who has no right is told so, whatever else would be wrong.

use chat_core::{command::Change, error::ChatError, id::UserId};

use crate::scene::Scene;

#[tokio::test(start_paused = true)]
async fn rights_come_before_whether_there_is_such_a_user() {
    let scene = Scene::new(1);
    let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
    let carol = scene.person("carol").await;
    let group = ada.group(&[&bob]).await;
    let direct = ada.direct(&bob).await;
    let nobody = UserId::new(77).unwrap();
    let add = |role| Change::SetMember { user: nobody, role };
    for (who, conversation) in [(&bob, group), (&ada, direct), (&bob, direct)] {
        let refused = who.change(conversation, add(None)).await.unwrap_err();
        assert!(matches!(refused, ChatError::Forbidden(_)), "{refused:?}");
    }
    let stranger = carol.change(group, add(None)).await;
    assert_eq!(stranger, Err(ChatError::NotFound("conversation")));
    assert_eq!(ada.change(group, add(None)).await, Err(ChatError::NotFound("user")));
    let owner = Some(chat_core::model::Role::Owner);
    assert_eq!(ada.change(group, add(owner)).await, Err(ChatError::NotFound("user")));
}
