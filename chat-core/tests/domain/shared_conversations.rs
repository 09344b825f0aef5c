//! Presence asks who shares a conversation with whom, however many conversations they have.

use std::{iter, time::Duration};

use chat_core::{faults::Call, id::UserId};
use tokio::{task::JoinSet, time::Instant};

use crate::scene::{Person, Scene};

#[tokio::test(start_paused = true)]
async fn shared_conversations_are_read_for_each_user_without_a_direct_one() {
    let scene = Scene::without_requests(1);
    let ada = scene.person("ada").await;
    let mut others: Vec<Person> = Vec::new();
    for number in 0..500 {
        let other = scene.person(&format!("person-{number}")).await;
        if number % 5 > 0 {
            ada.direct(&other).await;
        }
        others.push(other);
    }
    let watched: Vec<UserId> =
        iter::once(ada.id()).chain(others[..255].iter().map(Person::id)).collect();
    let calls = || [Call::OfUser, Call::Standing].map(|call| scene.faults.count(call));
    let before = calls();
    for call in [Call::OfUser, Call::Standing] {
        scene.faults.delay(call, Duration::from_millis(3));
    }
    let started = Instant::now();
    let gateway = scene.gateways[0].clone();
    let user = ada.id();
    // A gateway asks on a task of its own as well.
    let asking = JoinSet::from_iter([async move { gateway.acquainted(user, &watched).await }]);
    let known = asking.join_all().await.remove(0).unwrap();
    assert!(started.elapsed() < Duration::from_secs(1), "the reads run one after the other");
    assert!(known[0], "a user shares conversations with itself");
    assert!(known[1..].iter().enumerate().all(|(number, known)| *known == (number % 5 > 0)));
    let after = calls();
    // 51 of the 255 others have no direct conversation with the user, whose own list is read for them.
    assert_eq!((after[0] - before[0], after[1] - before[1]), (52, 204));
}
