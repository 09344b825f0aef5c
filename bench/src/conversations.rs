//! Makes conversations over REST.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::{calls, http, seed::Account, server::Server};

/// Founders of a group, the creator included. Further members are added one by one.
const FOUNDERS_MAX: usize = 256;
/// Calls at the same time.
const AT_ONCE: usize = 64;

/// A conversation and the accounts that are connected to it. The first one sends.
#[derive(Debug)]
pub(crate) struct Conversation<'a> {
    pub(crate) id: u64,
    pub(crate) head: u64,
    pub(crate) accounts: Vec<&'a Account>,
}

/// Makes a conversation of each of these groups of accounts: two are a direct conversation, more are
/// a group that the first one owns.
pub(crate) fn create<'a>(
    server: &Server,
    groups: &[&'a [Account]],
) -> Result<Vec<Conversation<'a>>> {
    let requests = groups.iter().enumerate().map(|(number, accounts)| create_one(number, accounts));
    let requests: Vec<_> = requests.collect::<Result<_>>()?;
    let made = calls::call_all(server.address(), &requests, AT_ONCE)?;
    let ids: Vec<u64> = made.iter().map(|body| calls::id(body, "/id")).collect::<Result<_>>()?;
    add_members(server, groups, &ids)?;
    let read = |(id, accounts): (&u64, &&[Account])| {
        Ok(http::get(&format!("/v1/conversations/{id}"), &first(accounts)?.token))
    };
    let requests: Vec<_> = ids.iter().zip(groups).map(read).collect::<Result<_>>()?;
    let read = calls::call_all(server.address(), &requests, AT_ONCE)?;
    let conversations = ids.into_iter().zip(groups).zip(read).map(|((id, accounts), body)| {
        let body: Value = serde_json::from_slice(&body)?;
        let count = body["member_count"].as_u64().context("no member_count")?;
        ensure!(count == accounts.len() as u64, "{count} members instead of {}", accounts.len());
        let head = body["head_seq"].as_u64().context("no head_seq")?;
        Ok(Conversation { id, head, accounts: accounts.iter().collect() })
    });
    conversations.collect()
}

fn create_one(number: usize, accounts: &[Account]) -> Result<Vec<u8>> {
    let creator = first(accounts)?;
    let others: Vec<_> =
        accounts.iter().take(FOUNDERS_MAX).skip(1).map(|one| one.id.to_string()).collect();
    let body = match others.as_slice() {
        [peer] => json!({"kind": "direct", "user": peer}),
        members => json!({"kind": "group", "title": format!("bench {number}"), "members": members}),
    };
    let key = format!("bench-{number}");
    let headers = [("idempotency-key", key.as_str())];
    let json = body.to_string();
    Ok(http::request("POST", "/v1/conversations", &creator.token, &headers, &json))
}

/// Adds the members that are not founders.
fn add_members(server: &Server, groups: &[&[Account]], ids: &[u64]) -> Result<()> {
    let mut requests = Vec::new();
    for (accounts, id) in groups.iter().zip(ids) {
        let owner = first(accounts)?;
        for member in accounts.iter().skip(FOUNDERS_MAX) {
            let path = format!("/v1/conversations/{id}/members/{}", member.id);
            requests.push(http::request("PUT", &path, &owner.token, &[], "{}"));
        }
    }
    calls::call_all(server.address(), &requests, AT_ONCE)?;
    Ok(())
}

fn first(accounts: &[Account]) -> Result<&Account> {
    accounts.first().context("a conversation without members")
}
