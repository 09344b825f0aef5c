//! The rights of the two sides of a direct conversation.

use tests::{Result, bail, client::User, ensure, json, stage::Stage};

#[tokio::test]
async fn both_sides_of_a_direct_conversation_have_equal_rights() -> Result<()> {
    let stage = Stage::open().await?;
    let (ada, bob, eve) = stage.ada_bob_eve().await?;
    let direct = ada.direct(&bob).await?;
    let base = format!("/v1/conversations/{direct}");
    let member = |user: &User| format!("{base}/members/{}", user.id);
    for (user, status, code) in [(&ada, 403, "forbidden"), (&eve, 404, "not_found")] {
        user.put(&member(&eve), json!({})).await?.refused(status, code)?;
        user.put(&member(&bob), json!({"role": "admin"})).await?.refused(status, code)?;
        user.delete(&member(&bob)).await?.refused(status, code)?;
        user.patch(&base, json!({"title": "x"})).await?.refused(status, code)?;
    }
    let sent = bob.send(&direct, "b-1", "hello").await?.ok(201)?;
    let path = format!("{base}/messages/{}", sent["message"]["seq"]);
    ada.delete(&path).await?.refused(403, "forbidden")?;
    let edit = json!({"client_id": "a-1", "text": "no"});
    ada.patch(&path, edit).await?.refused(403, "forbidden")?;
    bob.delete(&path).await?.ok(201)?;
    for user in [&ada, &bob] {
        user.delete(&member(user)).await?.ok(204)?;
    }
    eve.delete(&member(&eve)).await?.refused(404, "not_found")?;
    Ok(())
}

/// The statuses of what the two sides of a direct conversation do after one has blocked the other:
/// for the one who blocks, and for the one who is blocked.
const BLOCKED: &str = r#"
read details     | GET                      |                                 | 200 200
read members     | GET /members             |                                 | 200 200
read history     | GET /messages            |                                 | 200 200
send             | POST /messages           | {"client_id":"new","text":"hi"} | 201 403
edit one's own   | PATCH /messages/{own}    | {"client_id":"new","text":"hi"} | 201 403
redact one's own | DELETE /messages/{own}   |                                 | 201 201
react            | PUT /messages/{other}/reactions/%F0%9F%91%8D |             | 201 403
take back        | DELETE /messages/{other}/reactions/%F0%9F%91%8D |          | 200 200
move receipts    | POST /receipts           | {"read_seq":1}                  | 204 204
change the title | PATCH                    | {"title":"Another"}             | 403 403
accept           | POST /accept             | {}                              | 200 200
decline          | POST /decline            | {}                              | 409 409
add somebody     | PUT /members/{stranger}  | {}                              | 403 403
remove the other | DELETE /members/{peer}   |                                 | 403 403
hide             | DELETE /members/{self}   |                                 | 204 204
"#;

#[tokio::test]
async fn blocked_side_of_a_direct_conversation_has_exactly_the_documented_rights() -> Result<()> {
    let mut wrong = Vec::new();
    for line in BLOCKED.trim().lines() {
        for side in 0..2 {
            wrong.extend(try_blocked(line, side).await.err().map(|error| error.to_string()));
        }
    }
    ensure!(wrong.is_empty(), "{} cells are wrong:\n{}", wrong.len(), wrong.join("\n"));
    Ok(())
}

async fn try_blocked(line: &str, side: usize) -> Result<()> {
    let stage = Stage::open().await?;
    let (ada, bob, eve) = stage.ada_bob_eve().await?;
    let direct = ada.acquainted(&bob).await?;
    for user in [&ada, &bob] {
        user.send(&direct, "a-text", "hello").await?.ok(201)?;
    }
    ada.put(&format!("/v1/me/blocks/{}", bob.id), json!({})).await?.ok(204)?;
    let (caller, peer) = if side == 0 { (&ada, &bob) } else { (&bob, &ada) };
    let cells: Vec<_> = line.split('|').map(str::trim).collect();
    let [name, call, body, expected] = cells[..] else { bail!("four cells: {line}") };
    let (method, path) = call.split_once(' ').unwrap_or((call, ""));
    let path = path
        .replace("{self}", &caller.id)
        .replace("{peer}", &peer.id)
        .replace("{stranger}", &eve.id)
        .replace("{own}", if side == 0 { "3" } else { "4" })
        .replace("{other}", if side == 0 { "4" } else { "3" });
    let call = caller.call(method.parse()?, &format!("/v1/conversations/{direct}{path}"));
    let call = if body.is_empty() { call } else { call.json(&body.parse()?) };
    let answer = call.answer().await?;
    let expected = expected.split_whitespace().nth(side).unwrap_or_default();
    ensure!(answer.status.to_string() == expected, "{name} on side {side}: {answer:?}");
    Ok(())
}
