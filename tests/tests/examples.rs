//! The documented examples have the documented shape, and the server accepts them.

use std::{collections::BTreeMap, fs, path::Path};

use http::Method;
use serde_json::Map;
use tests::{
    Context, Result, Value,
    client::User,
    ensure,
    files::upload,
    json,
    shape::{covers, has},
    stage::Stage,
};

/// The ids in the examples: two users and their conversation.
const ADA: &str = "286772161220186112";
const GRACE: &str = "286777570668584960";
const ALAN: &str = "289442732718436352";
const GROUP: &str = "291139937883918336";
const DIRECT: &str = "291138396162629632";
/// The code of an invite in the examples.
const CODE: &str = "4Zq8LkT0bXw";

fn examples() -> Result<BTreeMap<String, Value>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/protocol");
    let mut examples = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
        let text = fs::read_to_string(&path)?;
        let value = text.parse().with_context(|| name.to_owned())?;
        examples.insert(name.to_owned(), value);
    }
    Ok(examples)
}

/// Returns the examples of one kind, such as `event`.
fn of_kind(kind: &str) -> Result<Vec<(String, Value)>> {
    let ours = |(name, _): &(String, Value)| name.starts_with(&format!("{kind}-"));
    let found: Vec<_> = examples()?.into_iter().filter(ours).collect();
    ensure!(!found.is_empty(), "no examples of {kind}");
    Ok(found)
}

#[test]
fn every_example_has_a_known_kind() -> Result<()> {
    let kinds = ["answer", "body", "command", "error", "event", "reply"];
    for (name, value) in examples()? {
        let kind = name.split('-').next().unwrap_or_default();
        ensure!(kinds.contains(&kind), "{name} has no known kind");
        ensure!(value.is_object(), "{name} is not an object");
    }
    Ok(())
}

#[test]
fn examples_have_the_shape_of_their_kind() -> Result<()> {
    for (name, command) in of_kind("command")? {
        ensure!(command["id"].is_u64() && command["cmd"].is_string(), "{name}");
    }
    for (name, event) in of_kind("event")? {
        ensure!(event["ev"].is_string(), "{name}");
        ensure!(event["ev"] != "message" || event["seq"].is_u64(), "{name}");
    }
    for (name, reply) in of_kind("reply")? {
        ensure!(reply["ok"].is_object() != reply["error"].is_object(), "{name}");
    }
    for (name, error) in of_kind("error")? {
        let code = name.trim_start_matches("error-");
        let members = json!({"code": code, "type": format!("/docs#{code}"),
            "detail": error["message"]});
        has(&error, &members).context(name)?;
    }
    Ok(())
}

#[test]
fn each_command_has_an_example_reply() -> Result<()> {
    let examples = examples()?;
    for (name, command) in of_kind("command")? {
        let reply = format!("reply-{}", command["cmd"].as_str().unwrap_or_default());
        ensure!(examples.contains_key(&reply), "{name} has no {reply}");
    }
    Ok(())
}

/// The ids in the examples and the ids of this gateway.
struct Names(Vec<(&'static str, String)>);

impl Names {
    /// Returns an example with the ids of this gateway.
    fn fill(&self, example: &Value) -> Result<Value> {
        let mut text = example.to_string();
        for (theirs, ours) in &self.0 {
            text = text.replace(theirs, ours);
        }
        Ok(text.parse()?)
    }
}

/// Registers Ada, Grace and Alan and creates the conversations of the examples, with ten entries.
async fn enter(stage: &Stage) -> Result<(User, User, Names)> {
    let (ada, grace) = (stage.user("ada").await?, stage.user("grace").await?);
    let alan = stage.user("alan").await?;
    let group = ada.group("Lunch", &[&grace]).await?;
    let direct = ada.direct(&grace).await?;
    ada.send(&group, "earlier-1", "What about lunch?").await?.ok(201)?;
    grace.send(&group, "earlier-2", "Good idea.").await?.ok(201)?;
    for number in 5..=13 {
        ada.send(&group, &format!("earlier-{number}"), "…").await?.ok(201)?;
    }
    let code = ada.invite(&group, 50).await?;
    let names = Names(vec![
        (ADA, ada.id.clone()),
        (GRACE, grace.id.clone()),
        (ALAN, alan.id.clone()),
        (GROUP, group),
        (DIRECT, direct),
        (CODE, code),
    ]);
    Ok((ada, grace, names))
}

#[tokio::test]
async fn documented_commands_are_accepted() -> Result<()> {
    let stage = Stage::open().await?;
    let (ada, _, names) = enter(&stage).await?;
    let mut ws = ada.ws(None).await?;
    for (name, example) in of_kind("command")? {
        let mut command = names.fill(&example)?;
        match command["cmd"].as_str().unwrap_or_default() {
            "hello" => continue,
            "refresh" => command["token"] = json!(ada.access_token),
            _ => {}
        }
        if name == "command-send-reply" {
            command["expected_seq"] = json!(
                ada.conversation(&conversation(&command)).await?["head_seq"]
                    .as_u64()
                    .map(|head| head + 1)
            );
        }
        let id = command["id"].as_u64().unwrap_or_default() + 1_000;
        command["id"] = json!(id);
        ws.text(command.to_string()).await?;
        let reply = ws.reply(id).await?;
        ensure!(reply.is_ok(), "{name} is refused: {reply:?}");
    }
    Ok(())
}

fn conversation(command: &Value) -> String {
    command["conversation"].as_str().unwrap_or_default().to_owned()
}

/// Documented bodies with their calls and the statuses of the answers.
const BODIES: &str = "
body-create-direct        | POST /v1/conversations                       | 200
body-create-group         | POST /v1/conversations                       | 201
body-edit                 | PATCH /v1/conversations/{c}/messages/3       | 201
body-log-in               | POST /v1/sessions                            | 201
body-poll-without-resume  | POST /v1/poll                                | 200
body-poll                 | POST /v1/poll                                | 200
body-profile              | PATCH /v1/me                                 | 200
body-receipts             | POST /v1/conversations/{c}/receipts          | 204
body-register             | POST /v1/users                               | 409
body-send-attachments     | POST /v1/conversations/{c}/messages          | 201
body-send                 | POST /v1/conversations/{c}/messages          | 201
body-set-member           | PUT /v1/conversations/{c}/members/{grace}    | 200
body-update-conversation  | PATCH /v1/conversations/{c}                  | 200
body-create-invite        | POST /v1/conversations/{c}/invites           | 201
body-accept-invite        | POST /v1/invites/{code}/accept               | 200
body-change-password      | PUT /v1/me/password                          | 204
body-refresh              | POST /v1/sessions/refresh                    | 200
";

#[tokio::test]
async fn documented_bodies_are_accepted() -> Result<()> {
    let stage = Stage::open().await?;
    let (ada, grace, names) = enter(&stage).await?;
    let group = &names.0[3].1;
    let mut tried = Vec::new();
    for line in BODIES.trim().lines() {
        let mut cells = line.split('|').map(str::trim);
        let [name, call, status] = [(); 3].map(|()| cells.next().unwrap_or_default());
        let call = call.replace("{c}", group).replace("{grace}", &grace.id);
        let call = call.replace("{code}", &names.0[5].1);
        let (method, path) = call.split_once(' ').unwrap_or_default();
        let mut body = names.fill(&examples()?[name])?;
        if name == "body-refresh" {
            body["refresh_token"] = json!(ada.refresh_token);
        }
        if name == "body-send-attachments" {
            body["attachments"] = json!([upload(&ada, group, "menu.txt", b"soup").await?["id"]]);
        }
        let call = ada.call(method.parse()?, path).header("idempotency-key", name);
        let answer = call.json(&body).answer().await?;
        ensure!(answer.status.to_string() == status, "{name}: {answer:?}");
        tried.push(name.to_owned());
    }
    tried.sort();
    let documented: Vec<_> = of_kind("body")?.into_iter().map(|(name, _)| name).collect();
    assert_eq!(tried, documented, "a body is not tested");
    Ok(())
}

#[tokio::test]
async fn documented_answers_have_the_shape_of_real_ones() -> Result<()> {
    let stage = Stage::open().await?;
    let (ada, grace, names) = enter(&stage).await?;
    let group = &names.0[3].1;
    for (name, path) in [
        ("answer-me", "/v1/me".to_owned()),
        ("answer-users", "/v1/users?query=a".to_owned()),
        ("answer-blocks", "/v1/me/blocks".to_owned()),
        ("answer-sessions", "/v1/sessions".to_owned()),
        ("answer-conversation-group", format!("/v1/conversations/{group}")),
        ("answer-conversations", "/v1/conversations".to_owned()),
        ("answer-members", format!("/v1/conversations/{group}/members")),
        ("answer-invites", format!("/v1/conversations/{group}/invites")),
        ("answer-invite-preview", format!("/v1/invites/{}", names.0[5].1)),
        ("answer-history", format!("/v1/conversations/{group}/messages?limit=1&before_seq=2")),
        ("answer-search", "/v1/search?q=one".to_owned()),
        ("answer-presence", format!("/v1/presence?users={}", grace.id)),
    ] {
        let answer = ada.call(Method::GET, &path).answer().await?.ok(200)?;
        let example = names.fill(&examples()?[name])?;
        ensure!(alike(&example, &answer), "{name}: {answer} does not match {example}");
    }
    Ok(())
}

/// Optional members.
const OPTIONAL: [&str; 4] = ["reply_to", "edited_at", "reactions", "peer"];

/// Returns true if both have the same members with values of the same types. Compares the first items
/// of arrays.
fn alike(example: &Value, answer: &Value) -> bool {
    match (example, answer) {
        (Value::Object(example), Value::Object(answer)) => {
            let names = |of: &Map<String, Value>| -> Vec<String> {
                of.keys().filter(|name| !OPTIONAL.contains(&name.as_str())).cloned().collect()
            };
            let both = |name: &String| alike(&example[name], &answer[name]);
            names(example) == names(answer) && names(example).iter().all(both)
        }
        (Value::Array(example), Value::Array(answer)) => match (example.first(), answer.first()) {
            (Some(example), Some(answer)) => alike(example, answer),
            _ => true,
        },
        (Value::Null, _)
        | (_, Value::Null)
        | (Value::String(_), Value::String(_))
        | (Value::Number(_), Value::Number(_))
        | (Value::Bool(_), Value::Bool(_)) => true,
        _ => covers(example, answer),
    }
}
