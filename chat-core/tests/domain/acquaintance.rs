//! Who shares a conversation with whom, however many of them there are.

use std::{sync::Arc, time::Duration};

use chat_core::{
    id::UserId,
    memory::{MemoryHub, MemoryStores},
};
use tokio::time::Instant;

use crate::{
    hooked::{Call, Script, hooked},
    scene::{Person, Scene},
};

#[tokio::test(start_paused = true)]
async fn acquaintances_cost_one_read_each_and_are_known_in_time() {
    let script = Arc::<Script>::default();
    let stores = hooked(&MemoryStores::new(), script.clone());
    let scene = Scene::over(1, &MemoryHub::new(), 0, stores);
    let ada = scene.person("ada").await;
    let mut others: Vec<Person> = Vec::new();
    for nth in 0..500 {
        others.push(scene.person(&format!("person-{nth}")).await);
        if nth % 5 > 0 {
            ada.direct(&others[nth]).await;
        }
    }
    let watched: Vec<UserId> =
        std::iter::once(ada.id()).chain(others[..255].iter().map(Person::id)).collect();
    for call in [Call::OfUser, Call::Standing] {
        script.count(call);
    }
    script.slow_down(Duration::from_millis(3));
    let begun = Instant::now();
    let (gateway, asker) = (scene.gateways[0].clone(), ada.id());
    // As in a gateway, on a task.
    let asking = tokio::task::JoinSet::from_iter([async move {
        gateway.acquainted(asker, &watched).await.unwrap()
    }]);
    let known = asking.join_all().await.remove(0);
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    assert!(known[0], "oneself");
    assert!(known[1..].iter().enumerate().all(|(nth, known)| *known == (nth % 5 > 0)));
    assert_eq!((script.count(Call::OfUser), script.count(Call::Standing)), (256, 0));
}
