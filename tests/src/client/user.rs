//! A user on one device, and the calls of users.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context, Result, ensure};
use http::Method;
use serde_json::{Value, json};

use super::{Answer, Call, Http, Ws, ws::Outcome};

/// A client's cursors: the newest seq of each conversation.
pub type Cursors = BTreeMap<String, u64>;

/// The password of all users.
pub const PASSWORD: &str = "an example password";

/// How much longer than its `wait_ms` a poll may take.
const POLL_PATIENCE: Duration = Duration::from_secs(20);

/// A logged-in user.
#[derive(Debug, Clone)]
pub struct User {
    http: Http,
    /// The user's id.
    pub id: String,
    /// The user name.
    pub username: String,
    /// The login's id: `session` on the wire.
    pub login: String,
    /// The access token.
    pub access_token: String,
    /// The refresh token.
    pub refresh_token: String,
}

impl User {
    /// Registers a user.
    pub async fn register(url: &str, username: &str) -> Result<Self> {
        let body = json!({"username": username, "password": PASSWORD});
        let http = Http::new(url);
        let answer = http.call(Method::POST, "/v1/users").json(&body).answer().await?;
        Self::from_answer(http, &answer.ok(201)?)
    }

    /// Logs in with a password that somebody else has chosen.
    pub async fn enter(url: &str, username: &str, password: &str) -> Result<Self> {
        let body = json!({"username": username, "password": password});
        let http = Http::new(url);
        let answer = http.call(Method::POST, "/v1/sessions").json(&body).answer().await?;
        Self::from_answer(http, &answer.ok(201)?)
    }

    /// Logs the same user in on another device.
    pub async fn log_in(&self, device: &str) -> Result<Self> {
        let body = json!({"username": self.username, "password": PASSWORD, "device": device});
        let answer = self.http.call(Method::POST, "/v1/sessions").json(&body).answer().await?;
        Self::from_answer(self.http.clone(), &answer.ok(201)?)
    }

    fn from_answer(http: Http, body: &Value) -> Result<Self> {
        let text = |part: &str, name: &str| {
            let text = body[part][name].as_str();
            text.map(str::to_owned).with_context(|| format!("no {part}.{name} in {body}"))
        };
        Ok(Self {
            http,
            id: text("user", "id")?,
            username: text("user", "username")?,
            login: text("session", "id")?,
            access_token: text("session", "access_token")?,
            refresh_token: text("session", "refresh_token")?,
        })
    }

    /// Returns the same login with refreshed tokens.
    pub async fn refreshed(&self) -> Result<Self> {
        let body = json!({"refresh_token": self.refresh_token});
        let call = self.http.call(Method::POST, "/v1/sessions/refresh").json(&body);
        let answer = call.answer().await?.ok(200)?;
        let text = |name: &str| answer["session"][name].as_str().unwrap_or_default().to_owned();
        let (access_token, refresh_token) = (text("access_token"), text("refresh_token"));
        Ok(Self { access_token, refresh_token, ..self.clone() })
    }

    /// Returns the same login on another gateway, or on a restarted one.
    #[must_use]
    pub fn at(&self, url: &str) -> Self {
        Self { http: Http::new(url), ..self.clone() }
    }

    /// Returns a client that sends no token.
    pub const fn http(&self) -> &Http {
        &self.http
    }

    /// Returns a call with the access token.
    pub fn call(&self, method: Method, path: &str) -> Call {
        self.http.call(method, path).token(&self.access_token)
    }

    /// Makes a GET.
    pub async fn get(&self, path: &str) -> Result<Answer> {
        self.call(Method::GET, path).answer().await
    }

    /// Makes a POST with a JSON body.
    pub async fn post(&self, path: &str, body: Value) -> Result<Answer> {
        self.call(Method::POST, path).json(&body).answer().await
    }

    /// Makes a PUT with a JSON body.
    pub async fn put(&self, path: &str, body: Value) -> Result<Answer> {
        self.call(Method::PUT, path).json(&body).answer().await
    }

    /// Makes a PATCH with a JSON body.
    pub async fn patch(&self, path: &str, body: Value) -> Result<Answer> {
        self.call(Method::PATCH, path).json(&body).answer().await
    }

    /// Makes a DELETE.
    pub async fn delete(&self, path: &str) -> Result<Answer> {
        self.call(Method::DELETE, path).answer().await
    }

    /// Creates a group of this user and these others, and returns its id.
    pub async fn group(&self, title: &str, others: &[&Self]) -> Result<String> {
        let members: Vec<_> = others.iter().map(|other| &other.id).collect();
        let body = json!({"kind": "group", "title": title, "members": members});
        let key = format!("{}-{}", title.replace(|c: char| !c.is_alphanumeric(), "-"), self.id);
        let call = self.call(Method::POST, "/v1/conversations").header("idempotency-key", &key);
        id_of(&call.json(&body).answer().await?.ok(201)?)
    }

    /// Opens the direct conversation with another user, and returns its id.
    pub async fn direct(&self, other: &Self) -> Result<String> {
        let body = json!({"kind": "direct", "user": other.id});
        let answer = self.post("/v1/conversations", body).await?;
        ensure!(matches!(answer.status, 200 | 201), "no direct conversation: {answer:?}");
        id_of(&answer.body)
    }

    /// Returns the conversation as this user sees it.
    pub async fn conversation(&self, conversation: &str) -> Result<Value> {
        self.get(&format!("/v1/conversations/{conversation}")).await?.ok(200)
    }

    /// Takes part in a conversation that others have started.
    pub async fn accept(&self, conversation: &str) -> Result<()> {
        let path = format!("/v1/conversations/{conversation}/accept");
        self.post(&path, json!({})).await?.ok(200).map(drop)
    }

    /// Opens the direct conversation with another user, who accepts it.
    pub async fn acquainted(&self, other: &Self) -> Result<String> {
        let conversation = self.direct(other).await?;
        other.accept(&conversation).await?;
        Ok(conversation)
    }

    /// Makes an invite to a group, for this many uses, and returns its code.
    pub async fn invite(&self, conversation: &str, max_uses: u32) -> Result<String> {
        let path = format!("/v1/conversations/{conversation}/invites");
        let invite = self.post(&path, json!({"max_uses": max_uses})).await?.ok(201)?;
        invite["code"].as_str().map(str::to_owned).with_context(|| format!("no code: {invite}"))
    }

    /// Adds a member, or sets a role.
    pub async fn add(&self, conversation: &str, other: &Self) -> Result<Answer> {
        let path = format!("/v1/conversations/{conversation}/members/{}", other.id);
        self.put(&path, json!({})).await
    }

    /// Removes a member, or leaves.
    pub async fn remove(&self, conversation: &str, other: &Self) -> Result<Answer> {
        self.delete(&format!("/v1/conversations/{conversation}/members/{}", other.id)).await
    }

    /// Sends a text over REST.
    pub async fn send(&self, conversation: &str, client_id: &str, text: &str) -> Result<Answer> {
        let path = format!("/v1/conversations/{conversation}/messages");
        self.post(&path, json!({"client_id": client_id, "text": text})).await
    }

    /// Returns one page of history: `{items, head_seq}`.
    pub async fn history(&self, conversation: &str, query: &str) -> Result<Value> {
        let path = format!("/v1/conversations/{conversation}/messages?{query}");
        self.get(&path).await?.ok(200)
    }

    /// Returns the whole history that this user sees, read page by page.
    pub async fn entries(&self, conversation: &str) -> Result<Vec<Value>> {
        let mut entries = Vec::new();
        let mut after = 0;
        loop {
            let page = self.history(conversation, &format!("after_seq={after}&limit=100")).await?;
            let items = page["items"].as_array().context("no items")?;
            let Some(last) = items.last() else { return Ok(entries) };
            after = last["seq"].as_u64().context("no seq")?;
            entries.extend(items.iter().cloned());
        }
    }

    /// Makes one long poll. Without cursors, it answers at once with the heads.
    pub async fn poll(&self, resume: Option<&Cursors>, wait: Duration) -> Result<Answer> {
        let mut body = json!({"wait_ms": u64::try_from(wait.as_millis())?});
        if let Some(resume) = resume {
            body["resume"] = json!(resume);
        }
        let call = self.call(Method::POST, "/v1/poll").json(&body);
        call.deadline(wait + POLL_PATIENCE).answer().await
    }

    /// Opens a WebSocket and says hello.
    pub async fn ws(&self, resume: Option<&Cursors>) -> Result<Ws> {
        Ws::hello(self.http.url(), &self.access_token, resume).await
    }

    /// Executes a command of the WebSocket as a REST call.
    pub async fn act(&self, command: &str, mut body: Value) -> Result<Outcome> {
        let fields = body.as_object_mut().context("a command is an object")?;
        let mut take = |name: &str| fields.remove(name).unwrap_or_default();
        let conversation = take("conversation");
        let base = format!("/v1/conversations/{}", conversation.as_str().unwrap_or_default());
        let answer = match command {
            "send" => self.post(&format!("{base}/messages"), body).await?,
            "edit" => {
                let seq = take("seq");
                self.patch(&format!("{base}/messages/{seq}"), body).await?
            }
            "redact" => self.delete(&format!("{base}/messages/{}", take("seq"))).await?,
            "react" => {
                let method = if take("on") == true { Method::PUT } else { Method::DELETE };
                let (seq, emoji) = (take("seq"), take("emoji"));
                let emoji = percent_encoded(emoji.as_str().unwrap_or_default());
                let path = format!("{base}/messages/{seq}/reactions/{emoji}");
                self.call(method, &path).answer().await?
            }
            "receipt" => self.post(&format!("{base}/receipts"), body).await?,
            "accept_invite" => {
                let code = take("code");
                let code = code.as_str().unwrap_or_default();
                self.post(&format!("/v1/invites/{code}/accept"), body).await?
            }
            "history" => {
                let query: Vec<_> = fields.iter().map(|(name, n)| format!("{name}={n}")).collect();
                self.get(&format!("{base}/messages?{}", query.join("&"))).await?
            }
            _ => anyhow::bail!("{command} has no REST call"),
        };
        Ok(if answer.status < 300 { Ok(answer.body) } else { Err(answer.body) })
    }
}

/// Returns `text` for use in a path.
pub fn percent_encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |path, byte| path + &format!("%{byte:02X}"))
}

fn id_of(body: &Value) -> Result<String> {
    body["id"].as_str().map(str::to_owned).with_context(|| format!("no id in {body}"))
}
