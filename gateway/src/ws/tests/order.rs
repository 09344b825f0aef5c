//! Replies keep the order of a conversation's commands, and commands are rate-limited.

use super::*;

#[tokio::test(start_paused = true)]
async fn refused_command_does_not_overtake_earlier_ones() {
    let app = gateway(&[]).app();
    let (identity, group) = ada(&app).await;
    let mut client = Client::hello(&app, identity).await;
    let send = |id: u64, text: Option<&str>| {
        let client_id = format!("a-{id}");
        json!({"id": id, "cmd": "send", "conversation": group, "client_id": client_id, "text": text})
    };
    client.send(&[send(2, Some("one")), send(3, None), send(4, Some("two"))]).await;
    let replies = client.replies(3).await;
    assert_eq!(ids(&replies), [2, 3, 4]);
    assert_eq!(replies[1]["error"]["details"]["field"], "text");
}

#[tokio::test(start_paused = true)]
async fn rate_limited_command_does_not_overtake_earlier_ones() {
    let app =
        limited(&[("RATE_LIMITS__MESSAGES_BURST", "1"), ("RATE_LIMITS__MESSAGES_PER_SECOND", "1")]);
    let (identity, group) = ada(&app).await;
    let mut client = Client::hello(&app, identity).await;
    let send = |id: u64| {
        let client_id = format!("a-{id}");
        json!({"id": id, "cmd": "send", "conversation": group, "client_id": client_id, "text": "x"})
    };
    client.send(&[send(2), send(3), send(4)]).await;
    let replies = client.replies(3).await;
    assert_eq!(ids(&replies), [2, 3, 4]);
    assert_eq!(replies[1]["error"]["code"], "rate_limited");
}

#[tokio::test(start_paused = true)]
async fn watch_is_rate_limited() {
    let app = limited(FEW);
    let (identity, _) = ada(&app).await;
    let mut client = Client::hello(&app, identity).await;
    let watch = |id: u64| json!({"id": id, "cmd": "watch", "users": [identity.user.to_string()]});
    client.send(&[2, 3, 4, 5, 6, 7, 8, 9].map(watch)).await;
    let replies = client.replies(8).await;
    let is_limited = |reply: &Value| reply["error"]["code"] == "rate_limited";
    let limited = replies.iter().filter(|reply| is_limited(reply)).count();
    assert!((1..8).contains(&limited), "{replies:?}");
}

#[tokio::test(start_paused = true)]
async fn hello_is_rate_limited() {
    let app = limited(FEW);
    let (identity, _) = ada(&app).await;
    let mut clients = Vec::new();
    for _ in 0..10 {
        let mut client = Client::connect(&app).await;
        client.send(&[hello(&app, identity, 1)]).await;
        clients.push(client);
    }
    let mut limited = 0;
    for client in &mut clients {
        if client.text().await["error"]["code"] == "rate_limited" {
            assert_eq!(client.closed().await.0, 4029);
            limited += 1;
        }
    }
    assert!((1..10).contains(&limited), "{limited}");
}

/// Few tokens, refilled while the test waits for sockets.
const FEW: &[(&str, &str)] =
    &[("RATE_LIMITS__COMMANDS_BURST", "2"), ("RATE_LIMITS__COMMANDS_PER_SECOND", "1")];

#[tokio::test]
async fn all_commands_are_answered_when_many_come_at_once() {
    let app = gateway(&[]).app();
    let (identity, group) = ada(&app).await;
    let mut client = Client::hello(&app, identity).await;
    for round in 0..20 {
        let commands = (0..100).map(|number| {
            let id = round * 100 + number + 2;
            json!({"id": id, "cmd": "receipt", "conversation": group, "read_seq": 1})
        });
        client.send(&commands.collect::<Vec<_>>()).await;
        assert_eq!(client.replies(100).await.len(), 100);
    }
}

#[tokio::test]
async fn events_come_once_and_in_order_beside_replies() {
    let app = gateway(&[]).app();
    let (identity, group) = ada(&app).await;
    let mut sender = Client::hello(&app, identity).await;
    let mut reader = Client::hello(&app, identity).await;
    let (mut sent, mut read) = (Received::default(), Received::default());
    for id in 2..302 {
        let client_id = format!("a-{id}");
        let command = json!({"id": id, "cmd": "send", "conversation": group, "client_id": client_id, "text": "x"});
        sender.send(&[command, ping(id + 1_000)]).await;
        let receipt = json!({"id": id, "cmd": "receipt", "conversation": group, "read_seq": 1});
        reader.send(&[receipt]).await;
        // At most 32 commands may be in progress.
        sent.until(&mut sender, (id * 2).saturating_sub(20), 0).await;
    }
    sent.until(&mut sender, 600, 300).await;
    read.until(&mut reader, 300, 300).await;
    assert_eq!(sent.seqs, read.seqs);
    assert!(sent.seqs.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{:?}", sent.seqs);
}

/// What a client has received.
#[derive(Default)]
struct Received {
    replies: u64,
    seqs: Vec<u64>,
}

impl Received {
    /// Reads until there are this many replies and messages.
    async fn until(&mut self, client: &mut Client, replies: u64, messages: usize) {
        while self.replies < replies || self.seqs.len() < messages {
            let text = client.text().await;
            assert!(text.get("error").is_none(), "{text}");
            self.replies += u64::from(text.get("re").is_some());
            self.seqs.extend(text["seq"].as_u64().filter(|_| text["ev"] == "message"));
        }
    }
}
