//! What a resumed session receives, over WebSocket and long poll.

#![expect(clippy::cognitive_complexity, reason = "a scenario reads from top to bottom")]

use tests::{
    Result,
    client::{Cursors, User},
    ensure, json, over_both_transports,
    patience::{WHOLE, within},
    session::Session,
    shape::{has, seqs},
    stage::Stage,
};

over_both_transports!(
    session_without_cursors_receives_new_entries_only,
    session_with_empty_cursors_receives_everything,
    session_continues_after_its_cursor,
    cursor_of_a_foreign_conversation_is_removed,
    cursor_past_the_head_is_reset_by_a_gap,
    entries_up_to_the_maximum_are_sent,
    entries_above_the_maximum_become_a_gap,
    own_texts_are_received,
    new_conversation_is_announced_to_connected_members,
);

/// The documented maximum of entries for each conversation.
const RESUME_ENTRIES_MAX: u64 = 500;

fn cursors<const N: usize>(cursors: [(&str, u64); N]) -> Cursors {
    cursors.map(|(conversation, seq)| (conversation.to_owned(), seq)).into()
}

/// Sends texts until the head is `head`, many at a time.
async fn fill(user: &User, conversation: &str, head: u64) -> Result<()> {
    let mut ws = user.ws(None).await?;
    let first = ws.heads().get(conversation).copied().unwrap_or_default() + 1;
    let mut open = Vec::new();
    for seq in first..=head {
        let body = json!({"conversation": conversation, "client_id": format!("fill-{seq}"),
            "text": "x"});
        open.push(ws.send("send", body).await?);
    }
    for id in open {
        let reply = ws.reply(id).await?;
        ensure!(reply.is_ok(), "{reply:?}");
    }
    Ok(())
}

async fn session_without_cursors_receives_new_entries_only<S: Session>() -> Result<()> {
    let stage = Stage::open().await?;
    let (ada, bob, _) = stage.ada_bob_eve().await?;
    let group = ada.group("Lunch", &[&bob]).await?;
    ada.send(&group, "old", "before").await?.ok(201)?;
    let mut session = S::open(&bob, None).await?;
    assert_eq!(session.cursors(), &cursors([(&group, 3)]));
    ada.send(&group, "new", "after").await?.ok(201)?;
    let events = session.events_to(&group, 4).await?;
    assert_eq!(seqs(&events), [4]);
    assert_eq!(events.last().map(|event| &event["text"]), Some(&json!("after")));
    Ok(())
}

async fn session_with_empty_cursors_receives_everything<S: Session>() -> Result<()> {
    let stage = Stage::open().await?;
    let (ada, bob, eve) = stage.ada_bob_eve().await?;
    let group = ada.group("Lunch", &[&bob]).await?;
    let direct = eve.direct(&bob).await?;
    ada.send(&group, "one", "hello").await?.ok(201)?;
    let mut session = S::open(&bob, Some(&Cursors::new())).await?;
    let mut events = session.events_to(&group, 3).await?;
    events.extend(session.events_to(&direct, 2).await?);
    for (conversation, head) in [(&group, 3), (&direct, 2)] {
        let own = events.iter().filter(|event| event["conversation"] == **conversation);
        let own: Vec<_> = own.cloned().collect();
        assert_eq!(own[0]["ev"], "conversation", "{own:?}");
        assert_eq!(own[0]["details"]["id"], **conversation);
        assert_eq!(seqs(&own), (1..=head).collect::<Vec<_>>());
    }
    let details = events.iter().find(|event| event["details"]["kind"] == "direct");
    assert_eq!(details.map(|event| &event["details"]["peer"]["id"]), Some(&json!(eve.id)));
    Ok(())
}

async fn session_continues_after_its_cursor<S: Session>() -> Result<()> {
    let stage = Stage::open().await?;
    let (ada, bob, _) = stage.ada_bob_eve().await?;
    let group = ada.group("Lunch", &[&bob]).await?;
    for number in 0..5 {
        ada.send(&group, &format!("text-{number}"), "hello").await?.ok(201)?;
    }
    let mut session = S::open(&bob, Some(&cursors([(&group, 4)]))).await?;
    ada.send(&group, "live", "now").await?.ok(201)?;
    let events = session.events_to(&group, 8).await?;
    assert_eq!(seqs(&events), [5, 6, 7, 8]);
    assert!(events.iter().all(|event| event["ev"] == "message"), "{events:?}");
    let at = session.close().await?;
    ada.send(&group, "while-away", "later").await?.ok(201)?;
    let mut session = S::open(&bob, Some(&at)).await?;
    assert_eq!(seqs(&session.events_to(&group, 9).await?), [9]);
    Ok(())
}

async fn cursor_of_a_foreign_conversation_is_removed<S: Session>() -> Result<()> {
    let stage = Stage::open().await?;
    let (ada, bob, eve) = stage.ada_bob_eve().await?;
    let own = ada.group("Lunch", &[&bob]).await?;
    let others = ada.group("Secret", &[&eve]).await?;
    let unknown = "1234567890123456789";
    let resume = cursors([(&own, 2), (&others, 1), (unknown, 7)]);
    let mut session = S::open(&bob, Some(&resume)).await?;
    let mut removed = Vec::new();
    for _ in 0..2 {
        let event = session.event_of("removed").await?;
        removed.push(event["conversation"].as_str().unwrap_or_default().to_owned());
    }
    removed.sort();
    let mut expected = [others.clone(), unknown.to_owned()];
    expected.sort();
    assert_eq!(removed, expected);
    ada.send(&own, "live", "now").await?.ok(201)?;
    assert_eq!(seqs(&session.events_to(&own, 3).await?), [3]);
    Ok(())
}

async fn cursor_past_the_head_is_reset_by_a_gap<S: Session>() -> Result<()> {
    let stage = Stage::open().await?;
    let (ada, bob, _) = stage.ada_bob_eve().await?;
    let group = ada.group("Lunch", &[&bob]).await?;
    let mut session = S::open(&bob, Some(&cursors([(&group, 1_000_000)]))).await?;
    let gap = session.event_of("gap").await?;
    has(&gap, &json!({"conversation": group, "after_seq": 2, "head_seq": 2}))?;
    ada.send(&group, "live", "now").await?.ok(201)?;
    assert_eq!(seqs(&session.events_to(&group, 3).await?), [3]);
    Ok(())
}

async fn entries_up_to_the_maximum_are_sent<S: Session>() -> Result<()> {
    let stage = Stage::open().await?;
    let (ada, bob, _) = stage.ada_bob_eve().await?;
    let group = ada.group("Lunch", &[&bob]).await?;
    let head = 2 + RESUME_ENTRIES_MAX;
    fill(&ada, &group, head).await?;
    let mut session = S::open(&bob, Some(&cursors([(&group, 2)]))).await?;
    let events = within(WHOLE, "500 entries", session.events_to(&group, head)).await??;
    assert_eq!(seqs(&events), (3..=head).collect::<Vec<_>>());
    Ok(())
}

async fn entries_above_the_maximum_become_a_gap<S: Session>() -> Result<()> {
    let stage = Stage::open().await?;
    let (ada, bob, _) = stage.ada_bob_eve().await?;
    let group = ada.group("Lunch", &[&bob]).await?;
    let head = 3 + RESUME_ENTRIES_MAX;
    fill(&ada, &group, head).await?;
    let mut session = S::open(&bob, Some(&cursors([(&group, 2)]))).await?;
    let gap = session.event_of("gap").await?;
    has(&gap, &json!({"conversation": group, "after_seq": 2, "head_seq": head}))?;
    ada.send(&group, "live", "now").await?.ok(201)?;
    let events = session.events_to(&group, head + 1).await?;
    assert_eq!(seqs(&events), [head + 1]);
    assert_eq!(bob.entries(&group).await?.len() as u64, head + 1);
    Ok(())
}

async fn own_texts_are_received<S: Session>() -> Result<()> {
    let stage = Stage::open().await?;
    let (ada, bob, _) = stage.ada_bob_eve().await?;
    let direct = ada.direct(&bob).await?;
    let mut other_device = S::open(&ada.log_in("phone").await?, None).await?;
    let mut session = S::open(&ada, None).await?;
    let entry = session.say(&direct, "mine", "hello").await?;
    for session in [&mut session, &mut other_device] {
        let event = session.event_of("message").await?;
        for field in ["conversation", "seq", "id", "sender", "client_id", "sent_at", "text"] {
            assert_eq!(event[field], entry[field], "{field}");
        }
    }
    Ok(())
}

async fn new_conversation_is_announced_to_connected_members<S: Session>() -> Result<()> {
    let stage = Stage::open().await?;
    let (ada, bob, _) = stage.ada_bob_eve().await?;
    let mut session = S::open(&bob, Some(&Cursors::new())).await?;
    let group = ada.group("Lunch", &[&bob]).await?;
    ada.send(&group, "first", "welcome").await?.ok(201)?;
    let events = session.events_to(&group, 3).await?;
    assert_eq!(events[0]["ev"], "conversation", "{events:?}");
    assert_eq!(events[0]["details"]["title"], "Lunch");
    assert_eq!(events[0]["details"]["role"], "member");
    assert_eq!(seqs(&events), [1, 2, 3]);
    Ok(())
}
