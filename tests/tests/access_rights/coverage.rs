//! Every route and every command has a row in a table of rights.

use std::{collections::BTreeSet, fs, path::Path};

use http::Method;
use tests::{Result, Value, bail, client::User, ensure, json, stage::Stage};

use super::{Caller, Case, GROUP, People, cases};

/// Calls that are not about one conversation: the status for a user, and for nobody. Placeholders are
/// the ids of another user and of a login of another user.
const ELSEWHERE: &str = r#"
POST /v1/users                       | {}                                    | 400 400
GET /v1/users                        |                                       | 400 401
GET /v1/users/{id}                   |                                       | 200 401
GET /v1/me                           |                                       | 200 401
PATCH /v1/me                         | {}                                    | 200 401
PUT /v1/me/password                  | {}                                    | 400 401
GET /v1/me/blocks                    |                                       | 200 401
PUT /v1/me/blocks/{user}             |                                       | 204 401
DELETE /v1/me/blocks/{user}          |                                       | 204 401
GET /v1/presence                     |                                       | 400 401
POST /v1/sessions                    | {}                                    | 400 400
GET /v1/sessions                     |                                       | 200 401
DELETE /v1/sessions                  |                                       | 204 401
POST /v1/sessions/refresh            | {}                                    | 400 400
DELETE /v1/sessions/{id}             |                                       | 404 401
GET /v1/conversations                |                                       | 200 401
POST /v1/conversations               | {"kind":"direct","user":"{user}"}     | 201 401
GET /v1/invites/{code}               |                                       | 404 404
POST /v1/invites/{code}/accept       | {}                                    | 404 401
DELETE /v1/invites/{code}            |                                       | 404 401
GET /v1/search                       |                                       | 400 401
POST /v1/attachments                 |                                       | 400 401
GET /v1/attachments/{id}             |                                       | 404 401
PATCH /v1/attachments/{id}           |                                       | 400 401
DELETE /v1/attachments/{id}          |                                       | 404 401
GET /v1/attachments/{id}/info        |                                       | 404 401
GET /v1/attachments/{id}/thumbnail   |                                       | 400 401
POST /v1/attachments/{id}/link        |                                       | 404 401
GET /v1/files/{link}                 |                                       | 404 404
POST /v1/poll                        | {"wait_ms":0}                           | 200 401
"#;

/// Calls a route with the token of this user, or without one. Returns the status.
async fn status(user: &User, has_token: bool, route: &str, body: &str) -> Result<String> {
    let Some((method, path)) = route.split_once(' ') else { bail!("a call: {route}") };
    let http = user.http();
    let method: Method = method.parse()?;
    let call = if has_token { user.call(method, path) } else { http.call(method, path) };
    let call = if body.is_empty() { call } else { call.json(&body.parse()?) };
    Ok(call.answer().await?.status.to_string())
}

/// Returns the routes of `/openapi.json`.
async fn documented_routes(user: &User) -> Result<BTreeSet<String>> {
    let api = user.get("/openapi.json").await?.ok(200)?;
    let mut routes = BTreeSet::new();
    for (path, calls) in api["paths"].as_object().into_iter().flatten() {
        let methods = calls.as_object().into_iter().flat_map(|calls| calls.keys());
        routes.extend(methods.map(|method| format!("{} {path}", method.to_uppercase())));
    }
    Ok(routes)
}

#[tokio::test]
async fn every_route_has_a_row_and_is_refused_without_a_token_unless_open() -> Result<()> {
    let stage = Stage::open().await?;
    let (ada, bob, _) = stage.ada_bob_eve().await?;
    let logins = bob.get("/v1/sessions").await?.ok(200)?;
    let login = logins["items"][0]["id"].as_str().unwrap_or_default().to_owned();
    let mut tried: BTreeSet<String> = cases(GROUP)?.iter().map(Case::route).collect();
    let mut wrong = Vec::new();
    for line in ELSEWHERE.trim().lines() {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let [route, body, expected] = cells[..] else { bail!("three cells: {line}") };
        tried.insert(route.to_owned());
        let called = route.replace("users/{id}", &format!("users/{}", bob.id));
        let called = called.replace("{user}", &bob.id).replace("{id}", &login);
        let called = called.replace("{code}", "00000000000").replace("{link}", "AAAA");
        let body = body.replace("{user}", &bob.id);
        let with = status(&ada, true, &called, &body).await?;
        let without = status(&ada, false, &called, &body).await?;
        if format!("{with} {without}") != expected {
            wrong.push(format!("{route}: {with} {without} instead of {expected}"));
        }
    }
    ensure!(wrong.is_empty(), "{} rows are wrong:\n{}", wrong.len(), wrong.join("\n"));
    let documented = documented_routes(&ada).await?;
    assert_eq!(tried, documented, "a route has no row, or a row no route");
    Ok(())
}

/// The commands of a WebSocket: a body, and the result for a member, a requester, a former member and
/// a stranger.
const COMMANDS: &str = r#"
send    | {"client_id":"new","text":"hi"}                | ok ok not_found not_found
edit    | {"client_id":"new","text":"hi","seq":{own}}    | ok forbidden not_found not_found
redact  | {"seq":{own}}                                  | ok forbidden not_found not_found
react   | {"seq":{other},"emoji":"\ud83d\udc4d","on":true} | ok ok not_found not_found
receipt | {"read_seq":1}                                 | ok ok not_found not_found
typing  | {"on":true}                                    | ok ok not_found not_found
history | {}                                             | ok ok not_found not_found
"#;

/// Commands that are not about a conversation.
const OWN_COMMANDS: [&str; 7] =
    ["accept_invite", "away", "hello", "ping", "refresh", "unwatch", "watch"];

/// Sends a command, and returns `ok` or the code of its error.
async fn result(user: &User, command: &str, body: Value) -> Result<String> {
    let mut socket = user.ws(None).await?;
    Ok(match socket.call(command, body).await? {
        Ok(_) => "ok".to_owned(),
        Err(error) => error["code"].as_str().unwrap_or_default().to_owned(),
    })
}

/// Returns the commands that the documentation has an example of.
fn documented_commands() -> Result<BTreeSet<String>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/protocol");
    let mut commands = BTreeSet::new();
    for file in fs::read_dir(folder)? {
        let name = file?.file_name().into_string().unwrap_or_default();
        let command = name.strip_prefix("command-").and_then(|name| name.strip_suffix(".json"));
        commands.extend(command.map(|name| name.trim_end_matches("-reply").to_owned()));
    }
    Ok(commands)
}

#[tokio::test]
async fn every_command_has_a_row_and_exactly_the_documented_rights() -> Result<()> {
    let stage = Stage::open().await?;
    let people = People::enter(&stage).await?;
    let callers = [Caller::Member, Caller::Requester, Caller::Former, Caller::Stranger];
    let mut tried: BTreeSet<String> = OWN_COMMANDS.iter().map(ToString::to_string).collect();
    let mut wrong = Vec::new();
    for line in COMMANDS.trim().lines() {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let [command, body, expected] = cells[..] else { bail!("three cells: {line}") };
        tried.insert(command.to_owned());
        let mut results = Vec::new();
        for caller in callers {
            let ground = people.ground(&format!("{command} {caller:?}")).await?;
            let mut body: Value = ground.path(body, caller).parse()?;
            body["conversation"] = json!(ground.group);
            results.push(result(people.user(caller), command, body).await?);
        }
        if results.join(" ") != expected {
            wrong.push(format!("{command}: {results:?} instead of {expected}"));
        }
    }
    ensure!(wrong.is_empty(), "{} rows are wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(tried, documented_commands()?, "a command has no row, or a row no command");
    Ok(())
}
