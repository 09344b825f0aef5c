//! Access rights: every call that needs a right, made by every kind of caller.

mod coverage;
mod direct;

use http::Method;
use tests::{Result, Value, bail, client::User, ensure, json, stage::Stage};

/// A caller's relation to the conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Caller {
    Owner,
    Admin,
    Member,
    /// A member who has not taken part yet.
    Requester,
    /// Was a member.
    Former,
    Stranger,
    Anonymous,
}

const CALLERS: [Caller; 7] = [
    Caller::Owner,
    Caller::Admin,
    Caller::Member,
    Caller::Requester,
    Caller::Former,
    Caller::Stranger,
    Caller::Anonymous,
];

/// A new group with a user of each role, an admin and a member as targets, and a text of each user.
struct Ground<'a> {
    people: &'a People,
    group: String,
    /// Seqs of the texts of owner, admin, member and target member.
    texts: [u64; 4],
}

struct People {
    owner: User,
    admin: User,
    member: User,
    requester: User,
    former: User,
    target_admin: User,
    target: User,
    stranger: User,
    newcomer: User,
}

impl People {
    async fn enter(stage: &Stage) -> Result<Self> {
        Ok(Self {
            owner: stage.user("owner").await?,
            admin: stage.user("chief").await?,
            member: stage.user("member").await?,
            requester: stage.user("requester").await?,
            former: stage.user("former").await?,
            target_admin: stage.user("target-admin").await?,
            target: stage.user("target").await?,
            stranger: stage.user("stranger").await?,
            newcomer: stage.user("newcomer").await?,
        })
    }

    async fn ground(&self, title: &str) -> Result<Ground<'_>> {
        let others = [
            &self.admin,
            &self.member,
            &self.requester,
            &self.former,
            &self.target_admin,
            &self.target,
        ];
        let group = self.owner.group(title, &others).await?;
        for admin in [&self.admin, &self.target_admin] {
            let path = format!("/v1/conversations/{group}/members/{}", admin.id);
            self.owner.put(&path, json!({"role": "admin"})).await?.ok(200)?;
        }
        let mut texts = [0; 4];
        for (sender, seq) in
            [&self.owner, &self.admin, &self.member, &self.target].into_iter().zip(&mut texts)
        {
            let sent = sender.send(&group, "a-text", "hello").await?.ok(201)?;
            *seq = sent["message"]["seq"].as_u64().unwrap_or_default();
        }
        self.owner.remove(&group, &self.former).await?.ok(204)?;
        Ok(Ground { people: self, group, texts })
    }

    const fn user(&self, caller: Caller) -> &User {
        match caller {
            Caller::Owner => &self.owner,
            Caller::Admin => &self.admin,
            Caller::Member => &self.member,
            Caller::Requester => &self.requester,
            Caller::Former => &self.former,
            Caller::Stranger | Caller::Anonymous => &self.stranger,
        }
    }
}

impl Ground<'_> {
    /// Replaces the placeholders of a path.
    fn path(&self, path: &str, caller: Caller) -> String {
        let People { owner, target_admin, target, newcomer, .. } = self.people;
        let own = self.texts[CALLERS.iter().position(|&one| one == caller).unwrap_or(2).min(2)];
        path.replace("{self}", &self.people.user(caller).id)
            .replace("{owner}", &owner.id)
            .replace("{admin}", &target_admin.id)
            .replace("{member}", &target.id)
            .replace("{newcomer}", &newcomer.id)
            .replace("{own}", &own.to_string())
            .replace("{other}", &self.texts[3].to_string())
    }

    async fn try_case(&self, case: &Case, caller: Caller) -> Result<()> {
        let path = self.path(case.path, caller);
        let path = format!("/v1/conversations/{}{path}", self.group);
        let user = self.people.user(caller);
        let call = if caller == Caller::Anonymous {
            user.http().call(case.method.clone(), &path)
        } else {
            user.call(case.method.clone(), &path)
        };
        let call = if case.body.is_null() { call } else { call.json(&case.body) };
        let answer = call.answer().await?;
        let expected = case.expected[CALLERS.iter().position(|&one| one == caller).unwrap_or(0)];
        ensure!(
            answer.status == expected,
            "{} as {caller:?}: {} instead of {expected}: {}",
            case.name,
            answer.status,
            answer.body
        );
        match code_of(expected) {
            Some(code) => answer.refused(expected, code).map(drop),
            None => Ok(()),
        }
    }
}

const fn code_of(status: u16) -> Option<&'static str> {
    match status {
        401 => Some("unauthenticated"),
        403 => Some("forbidden"),
        404 => Some("not_found"),
        409 => Some("conflict"),
        _ => None,
    }
}

/// A call, and its status for each of [`CALLERS`].
struct Case {
    name: &'static str,
    method: Method,
    path: &'static str,
    body: Value,
    expected: [u16; 7],
}

impl Case {
    /// Returns the route as `/openapi.json` names it.
    fn route(&self) -> String {
        let names = ["own", "other", "self", "owner", "admin", "member", "newcomer"];
        let mut path = self.path.replace("%F0%9F%91%8D", "{emoji}");
        for name in names {
            let general = if path.starts_with("/messages") { "{seq}" } else { "{user}" };
            path = path.replace(&format!("{{{name}}}"), general);
        }
        format!("{} /v1/conversations/{{id}}{path}", self.method)
    }
}

/// Each line has a title, a call, a body, and the statuses for [`CALLERS`]: owner, admin, member,
/// requester, former member, stranger, nobody. A requester has written nothing yet: its "own" text is
/// that of another member.
const GROUP: &str = r#"
read details          | GET                             |                                 | 200 200 200 200 404 404 401
accept                | POST /accept                    | {}                              | 200 200 200 200 404 404 401
decline               | POST /decline                   | {}                              | 409 409 409 204 404 404 401
read members          | GET /members                    |                                 | 200 200 200 200 404 404 401
read history          | GET /messages                   |                                 | 200 200 200 200 404 404 401
send                  | POST /messages                  | {"client_id":"new","text":"hi"} | 201 201 201 201 404 404 401
edit one's own        | PATCH /messages/{own}           | {"client_id":"new","text":"hi"} | 201 201 201 403 404 404 401
edit another's        | PATCH /messages/{other}         | {"client_id":"new","text":"hi"} | 403 403 403 403 404 404 401
redact one's own      | DELETE /messages/{own}          |                                 | 201 201 201 403 404 404 401
redact another's      | DELETE /messages/{other}        |                                 | 201 201 403 403 404 404 401
react                 | PUT /messages/{other}/reactions/%F0%9F%91%8D |                            | 201 201 201 201 404 404 401
take back             | DELETE /messages/{other}/reactions/%F0%9F%91%8D |                            | 200 200 200 200 404 404 401
move receipts         | POST /receipts                  | {"read_seq":1}                  | 204 204 204 204 404 404 401
change the title      | PATCH                           | {"title":"Another"}             | 200 200 403 403 404 404 401
make an invite        | POST /invites                   | {}                              | 201 201 403 403 404 404 401
list invites          | GET /invites                    |                                 | 200 200 403 403 404 404 401
add                   | PUT /members/{newcomer}         | {}                              | 201 201 403 403 404 404 401
add as member         | PUT /members/{newcomer}         | {"role":"member"}               | 201 201 403 403 404 404 401
add as admin          | PUT /members/{newcomer}         | {"role":"admin"}                | 201 403 403 403 404 404 401
add as owner          | PUT /members/{newcomer}         | {"role":"owner"}                | 201 403 403 403 404 404 401
make an admin         | PUT /members/{member}           | {"role":"admin"}                | 200 403 403 403 404 404 401
make an owner         | PUT /members/{member}           | {"role":"owner"}                | 200 403 403 403 404 404 401
unmake an admin       | PUT /members/{admin}            | {"role":"member"}               | 200 403 403 403 404 404 401
unmake the last owner | PUT /members/{owner}            | {"role":"admin"}                | 409 403 403 403 404 404 401
raise oneself         | PUT /members/{self}             | {"role":"owner"}                | 200 403 403 403 404 404 401
remove a member       | DELETE /members/{member}        |                                 | 204 204 403 403 404 404 401
remove an admin       | DELETE /members/{admin}         |                                 | 204 403 403 403 404 404 401
remove the last owner | DELETE /members/{owner}         |                                 | 409 403 403 403 404 404 401
remove nobody         | DELETE /members/{newcomer}      |                                 | 404 404 403 403 404 404 401
leave                 | DELETE /members/{self}          |                                 | 409 204 204 204 404 404 401
"#;

fn cases(table: &'static str) -> Result<Vec<Case>> {
    table.trim().lines().map(case).collect()
}

fn case(line: &'static str) -> Result<Case> {
    let cells: Vec<_> = line.split('|').map(str::trim).collect();
    let [name, call, body, expected] = cells[..] else { bail!("four cells: {line}") };
    let (method, path) = call.split_once(' ').unwrap_or((call, ""));
    let body = if body.is_empty() { Value::Null } else { body.parse()? };
    let statuses = expected.split_whitespace().map(str::parse).collect::<Result<Vec<_>, _>>()?;
    let Ok(expected) = statuses.try_into() else { bail!("seven statuses: {line}") };
    Ok(Case { name, method: method.parse()?, path, body, expected })
}

#[tokio::test]
async fn group_roles_have_exactly_the_documented_rights() -> Result<()> {
    let stage = Stage::open().await?;
    let people = People::enter(&stage).await?;
    let mut wrong = Vec::new();
    let cases = cases(GROUP)?;
    let cells = cases.iter().flat_map(|case| CALLERS.map(|caller| (case, caller)));
    for (number, (case, caller)) in cells.enumerate() {
        let ground = people.ground(&format!("group {number}")).await?;
        wrong.extend(ground.try_case(case, caller).await.err().map(|error| error.to_string()));
    }
    ensure!(wrong.is_empty(), "{} cells are wrong:\n{}", wrong.len(), wrong.join("\n"));
    Ok(())
}

#[tokio::test]
async fn last_owner_can_leave_after_promoting_another_member() -> Result<()> {
    let stage = Stage::open().await?;
    let (ada, bob, _) = stage.ada_bob_eve().await?;
    let group = ada.group("Lunch", &[&bob]).await?;
    ada.remove(&group, &ada).await?.refused(409, "conflict")?;
    let bobs = format!("/v1/conversations/{group}/members/{}", bob.id);
    ada.put(&bobs, json!({"role": "owner"})).await?.ok(200)?;
    ada.remove(&group, &ada).await?.ok(204)?;
    // The last member may leave.
    bob.remove(&group, &bob).await?.ok(204)?;
    bob.get(&format!("/v1/conversations/{group}")).await?.refused(404, "not_found")?;
    Ok(())
}
