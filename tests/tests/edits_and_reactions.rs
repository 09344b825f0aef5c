//! Edits, redactions and reactions are entries, and change what is read of their target.

#![expect(clippy::cognitive_complexity, reason = "a scenario reads from top to bottom")]

use tests::{
    Result, Value,
    client::{Cursors, User},
    ensure, json, over_both_transports,
    session::Session,
    shape::{has, items},
    stage::Stage,
};

over_both_transports!(
    edit_is_an_entry_and_changes_what_is_read,
    redaction_removes_the_text_from_history_and_resume,
    reactions_are_counted_at_their_target,
    change_makes_no_entry_when_nothing_changes,
    reply_is_refused_when_its_target_is_not_visible,
);

/// Returns a message as history has it now.
async fn present(user: &User, conversation: &str, seq: u64) -> Result<Value> {
    let page = user.history(conversation, &format!("after_seq={}&limit=1", seq - 1)).await?;
    Ok(items(&page).first().cloned().unwrap_or_default())
}

async fn edit_is_an_entry_and_changes_what_is_read<S: Session>() -> Result<()> {
    let stage = Stage::open().await?;
    let (ada, bob, _) = stage.ada_bob_eve().await?;
    let direct = ada.direct(&bob).await?;
    let (mut adas, mut bobs) = (S::open(&ada, None).await?, S::open(&bob, None).await?);
    adas.say(&direct, "a-1", "Shall we eat at noon?").await?;
    let edit = json!({"conversation": direct, "seq": 3, "client_id": "a-2", "text": "At one?"});
    let reply = adas.ok("edit", edit.clone()).await?;
    let expected = json!({"seq": 4, "kind": "edited", "target_seq": 3, "text": "At one?"});
    has(&reply, &json!({"message": expected, "replayed": false}))?;
    has(&adas.ok("edit", edit.clone()).await?, &json!({"message": expected, "replayed": true}))?;
    let events = bobs.events_to(&direct, 4).await?;
    has(events.last().unwrap_or(&Value::Null), &expected)?;

    let text = present(&bob, &direct, 3).await?;
    has(
        &text,
        &json!({"text": "At one?", "kind": "text", "edited_at": reply["message"]["sent_at"]}),
    )?;
    let mut other = edit;
    other["text"] = json!("At two?");
    adas.refused("edit", other, "key_reused").await?;
    let foreign = json!({"conversation": direct, "seq": 3, "client_id": "b-1", "text": "No."});
    bobs.refused("edit", foreign, "forbidden").await?;
    let no_text = json!({"conversation": direct, "seq": 4, "client_id": "a-3", "text": "No."});
    adas.refused("edit", no_text, "invalid").await?;
    let past = json!({"conversation": direct, "seq": 99, "client_id": "a-4", "text": "No."});
    adas.refused("edit", past, "not_found").await?;
    let last = &bob.conversation(&direct).await?["last_message"];
    has(last, &json!({"seq": 3, "text": "At one?"}))
}

async fn redaction_removes_the_text_from_history_and_resume<S: Session>() -> Result<()> {
    let stage = Stage::open().await?;
    let (ada, bob, _) = stage.ada_bob_eve().await?;
    let group = ada.group("Lunch", &[&bob]).await?;
    let mut bobs = S::open(&bob, None).await?;
    bobs.say(&group, "b-1", "first words").await?;
    let edit = json!({"conversation": group, "seq": 3, "client_id": "b-2", "text": "second words"});
    bobs.ok("edit", edit.clone()).await?;
    bobs.ok("react", json!({"conversation": group, "seq": 3, "emoji": "👍", "on": true})).await?;
    let mut adas = S::open(&ada, None).await?;
    let redact = json!({"conversation": group, "seq": 3});
    let reply = adas.ok("redact", redact.clone()).await?;
    let expected = json!({"seq": 6, "kind": "redacted", "target_seq": 3});
    has(&reply, &json!({"message": expected, "replayed": false}))?;
    has(adas.events_to(&group, 6).await?.last().unwrap_or(&Value::Null), &expected)?;

    let mut backlog = S::open(&bob, Some(&Cursors::from([(group.clone(), 2)]))).await?;
    let mut seen = backlog.events_to(&group, 6).await?;
    seen.extend(items(&bob.history(&group, "limit=100").await?).iter().cloned());
    for entry in &seen {
        ensure!(!entry.to_string().contains("words"), "the text is still there: {entry}");
    }
    for entry in seen.iter().filter(|entry| entry["seq"] == 3 || entry["seq"] == 4) {
        has(entry, &json!({"redacted": true}))?;
        for gone in ["text", "edited_at", "reactions"] {
            ensure!(entry.get(gone).is_none(), "{gone} is still in {entry}");
        }
    }
    has(&bob.conversation(&group).await?["last_message"], &json!({"seq": 3, "redacted": true}))?;
    let mut again = edit;
    again["client_id"] = json!("b-3");
    bobs.refused("edit", again, "conflict").await?;
    let thumb = |on| json!({"conversation": group, "seq": 3, "emoji": "👎", "on": on});
    bobs.refused("react", thumb(true), "conflict").await?;
    has(&bobs.ok("react", thumb(false)).await?, &json!({"message": {"seq": 3}, "replayed": true}))?;
    let repeat = json!({"message": {"seq": 6}, "replayed": true});
    has(&adas.ok("redact", redact).await?, &repeat)?;
    // The repeat gets the first answer. Its text is not compared any more.
    let sent = json!({"conversation": group, "client_id": "b-1", "text": "first words"});
    has(&bobs.ok("send", sent).await?, &json!({"message": {"seq": 3, "redacted": true}}))
}

async fn reactions_are_counted_at_their_target<S: Session>() -> Result<()> {
    let stage = Stage::open().await?;
    let (ada, bob, _) = stage.ada_bob_eve().await?;
    let direct = ada.direct(&bob).await?;
    let (mut adas, mut bobs) = (S::open(&ada, None).await?, S::open(&bob, None).await?);
    adas.say(&direct, "a-1", "What do you think?").await?;
    let react = |emoji, on| json!({"conversation": direct, "seq": 3, "emoji": emoji, "on": on});
    bobs.ok("react", react("👍", true)).await?;
    adas.ok("react", react("👩‍🚀", true)).await?;
    let reply = adas.ok("react", react("👍", true)).await?;
    let expected = json!({"kind": "reaction", "seq": 6, "emoji": "👍", "on": true});
    has(&reply["message"], &expected)?;
    let reactions = json!([
        {"emoji": "👍", "users": [bob.id, ada.id]},
        {"emoji": "👩‍🚀", "users": [ada.id]},
    ]);
    has(&present(&ada, &direct, 3).await?, &json!({"reactions": reactions}))?;
    bobs.ok("react", react("👍", false)).await?;
    adas.ok("react", react("👩‍🚀", false)).await?;
    let reactions = json!([{"emoji": "👍", "users": [ada.id]}]);
    has(&present(&bob, &direct, 3).await?, &json!({"reactions": reactions}))?;
    adas.ok("react", react("👍", false)).await?;
    let text = present(&bob, &direct, 3).await?;
    ensure!(text.get("reactions").is_none(), "an empty list: {text}");
    assert_eq!(
        bobs.events_to(&direct, 9).await?.last().map(|event| event["on"] == false),
        Some(true)
    );
    for other in ["a b", "evil.example/free", "\u{202E}", "\u{200B}", "👍👍", "👍 "] {
        bobs.refused("react", react(other, true), "invalid").await?;
    }
    bobs.refused("react", react("", true), "invalid").await.map(drop).or_else(|error| {
        // An empty emoji makes another path.
        if error.to_string().contains("not_found") { Ok(()) } else { Err(error) }
    })
}

async fn change_makes_no_entry_when_nothing_changes<S: Session>() -> Result<()> {
    let stage = Stage::open().await?;
    let (ada, bob, _) = stage.ada_bob_eve().await?;
    let direct = ada.direct(&bob).await?;
    let mut session = S::open(&ada, None).await?;
    session.say(&direct, "a-1", "hello").await?;
    let react = |on| json!({"conversation": direct, "seq": 3, "emoji": "👍", "on": on});
    let target = json!({"message": {"seq": 3, "kind": "text"}, "replayed": true});
    has(&session.ok("react", react(false)).await?, &target)?;
    let first = json!({"message": {"seq": 4, "on": true}, "replayed": false});
    has(&session.ok("react", react(true)).await?, &first)?;
    let again = json!({"message": {"seq": 4, "on": true}, "replayed": true});
    has(&session.ok("react", react(true)).await?, &again)?;
    let off = json!({"message": {"seq": 5, "on": false}, "replayed": false});
    has(&session.ok("react", react(false)).await?, &off)?;
    let off = json!({"message": {"seq": 5, "on": false}, "replayed": true});
    has(&session.ok("react", react(false)).await?, &off)?;
    assert_eq!(ada.conversation(&direct).await?["head_seq"], 5);
    Ok(())
}

async fn reply_is_refused_when_its_target_is_not_visible<S: Session>() -> Result<()> {
    let stage = Stage::open().await?;
    let (ada, bob, _) = stage.ada_bob_eve().await?;
    let direct = ada.direct(&bob).await?;
    let mut session = S::open(&ada, None).await?;
    session.say(&direct, "a-1", "hello").await?;
    let reply = |client_id, to| json!({"conversation": direct, "client_id": client_id, "text": "yes", "reply_to": to});
    let answer = session.ok("send", reply("a-2", 3)).await?;
    has(&answer["message"], &json!({"seq": 4, "reply_to": 3}))?;
    session.refused("send", reply("a-3", 1), "invalid").await?;
    session.refused("send", reply("a-4", 99), "invalid").await?;
    session.refused("send", reply("a-2", 4), "key_reused").await?;
    session.ok("redact", json!({"conversation": direct, "seq": 3})).await?;
    let answer = session.ok("send", reply("a-5", 3)).await?;
    has(&answer["message"], &json!({"seq": 6, "reply_to": 3}))
}
