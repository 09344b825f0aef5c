//! Clients that fall silent or leave a message unfinished.

use presence::Status;

use super::*;

#[tokio::test(start_paused = true)]
async fn client_that_answers_no_ping_is_closed_after_45_seconds() {
    let app = gateway(&[]).app();
    let (identity, _) = ada(&app).await;
    let mut client = Client::hello(&app, identity).await;
    let since = Instant::now();
    assert_eq!(client.closed().await.0, 4009);
    let silent = since.elapsed().as_secs_f32();
    assert!((44.0..47.0).contains(&silent), "{silent}");
}

#[tokio::test(start_paused = true)]
async fn client_that_finishes_each_message_in_time_stays() {
    let app = gateway(&[]).app();
    let (identity, _) = ada(&app).await;
    let mut client = Client::hello(&app, identity).await;
    let halves = |id: u64| {
        let whole = masked(0x81, ping(id).to_string().as_bytes());
        let (one, other) = whole.split_at(9);
        (one.to_vec(), other.to_vec())
    };
    client.write(&halves(2).0).await;
    for id in 2..20 {
        tokio::time::sleep(Duration::from_secs(4)).await;
        client.write(&[halves(id).1, halves(id + 1).0].concat()).await;
        assert_eq!(ids(&client.replies(1).await), [id]);
    }
}

#[tokio::test(start_paused = true)]
async fn unfinished_message_closes_its_socket_after_10_seconds() {
    for quiet in [0, 5, 20] {
        let app = gateway(&[]).app();
        let (identity, _) = ada(&app).await;
        let mut client = Client::hello(&app, identity).await;
        tokio::time::sleep(Duration::from_secs(quiet)).await;
        let since = Instant::now();
        client.write(&masked(0x01, b"{\"id\":1,")).await;
        assert_eq!(client.closed().await.0, 1008);
        let unfinished = since.elapsed().as_secs_f32();
        assert!((10.0..12.0).contains(&unfinished), "{quiet}: {unfinished}");
    }
}

#[tokio::test(start_paused = true)]
async fn broken_socket_may_reconnect_within_the_grace_period() {
    let app = gateway(&[]).app();
    let (identity, _) = ada(&app).await;
    let client = Client::hello(&app, identity).await;
    tokio::time::sleep(Duration::from_secs(20)).await;
    let status = async || {
        let here = app.presence.presence_for(identity.user, &[identity.user]).await;
        here[0].status
    };
    assert_eq!(status().await, Status::Online);
    drop(client);
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(status().await, Status::Online);
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(status().await, Status::Offline);
}
