//! Tests of the REST calls against a router in memory.

mod accounts;
mod attachments;
mod bounds;
mod conversations;
mod http;
mod invites;
mod schemas;
mod search;

use ::http::{HeaderMap, Method, Request, StatusCode};
use axum::{Router, body::Body as HttpBody};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::gateway;

/// A client of a gateway's router.
struct Client(Router);

/// A complete response.
#[derive(Debug)]
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
    json: Value,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Returns the status of an error, its code and its field.
    fn refusal(&self) -> (u16, &str, &str) {
        let field = self.json["details"]["field"].as_str().unwrap_or("");
        (self.status.as_u16(), self.json["code"].as_str().unwrap_or(""), field)
    }
}

/// A user who is logged in.
#[derive(Debug, Clone)]
struct Person {
    id: String,
    token: String,
    refresh_token: String,
    session: String,
}

/// A request that is not sent yet.
struct Call<'a> {
    client: &'a Client,
    request: ::http::request::Builder,
    body: Option<String>,
}

impl Call<'_> {
    fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    fn of(self, person: &Person) -> Self {
        let token = format!("Bearer {}", person.token);
        self.header("authorization", &token)
    }

    fn json(self, body: &Value) -> Self {
        self.text(&body.to_string())
    }

    fn text(mut self, body: &str) -> Self {
        self.body = Some(body.to_owned());
        self.header("content-type", "application/json")
    }

    async fn answer(self) -> Answer {
        let body = self.body.map_or_else(HttpBody::empty, HttpBody::from);
        let request = self.request.body(body).unwrap();
        let response = self.client.0.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let json = serde_json::from_str(&text).unwrap_or(Value::Null);
        Answer { status: head.status, headers: head.headers, text, json }
    }
}

impl Client {
    fn new() -> Self {
        Self::with(&[])
    }

    fn with(variables: &[(&str, &str)]) -> Self {
        Self(gateway::tests::gateway(variables).router())
    }

    fn call(&self, method: &str, path: &str) -> Call<'_> {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let request = Request::builder().method(method).uri(path).header("host", "confab.test");
        Call { client: self, request, body: None }
    }

    async fn register(&self, name: &str) -> Person {
        let body = json!({"username": name, "password": "an example password"});
        let answer = self.call("POST", "/v1/users").json(&body).answer().await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        Person::of(&answer.json)
    }

    async fn group(&self, owner: &Person, members: &[&Person]) -> String {
        let members: Vec<&str> = members.iter().map(|member| member.id.as_str()).collect();
        let body = json!({"kind": "group", "title": "Lunch", "members": members});
        let call = self.call("POST", "/v1/conversations").of(owner);
        let answer = call.header("idempotency-key", "lunch-1").json(&body).answer().await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.json["id"].as_str().unwrap().to_owned()
    }

    async fn send(&self, person: &Person, conversation: &str, id: &str, text: &str) -> Answer {
        let path = format!("/v1/conversations/{conversation}/messages");
        let body = json!({"client_id": id, "text": text});
        self.call("POST", &path).of(person).json(&body).answer().await
    }
}

impl Person {
    fn of(logged_in: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        Self {
            id: text(&logged_in["user"]["id"]),
            token: text(&logged_in["session"]["access_token"]),
            refresh_token: text(&logged_in["session"]["refresh_token"]),
            session: text(&logged_in["session"]["id"]),
        }
    }
}
