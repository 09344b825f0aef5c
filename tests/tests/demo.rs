//! `confab --demo`: people to look around with, who answer.

use std::fs;

use http::Method;
use tests::{
    Context, Result, Value,
    client::{Http, User},
    ensure,
    gateway::{Gateway, binary},
    patience::{LATER, within},
    session::{Session, WsSession},
};

async fn offered(url: &str) -> Result<Vec<Value>> {
    let answer = Http::new(url).call(Method::GET, "/demo.json").answer().await?;
    Ok(answer.ok(200)?.as_array().context("no list")?.clone())
}

async fn enter(url: &str, person: &Value) -> Result<User> {
    let text = |name: &str| person[name].as_str().context("no text");
    User::enter(url, text("username")?, text("password")?).await
}

#[tokio::test]
async fn demo_people_have_a_history_and_answer() -> Result<()> {
    let demo = Gateway::demo(&binary()?).await?;
    let url = demo.url();
    let page = Http::new(url).call(Method::GET, "/").answer().await?;
    ensure!(page.headers["server-timing"] == "demo", "the page is not told: {:?}", page.headers);
    let people = offered(url).await?;
    ensure!(people.len() == 5, "{people:?}");
    let ada = enter(url, &people[0]).await?;

    let list = ada.get("/v1/conversations?limit=50").await?.ok(200)?;
    let items = list["items"].as_array().context("no items")?;
    let messages: u64 = items.iter().filter_map(|item| item["head_seq"].as_u64()).sum();
    ensure!(messages >= 500, "only {messages} messages");
    ensure!(list["totals"]["unread_conversations"].as_u64() >= Some(2), "{}", list["totals"]);
    ensure!(list["totals"]["requests"] == 0, "{}", list["totals"]);
    let days = items.iter().filter_map(|item| item["last_message"]["sent_at"].as_str());
    ensure!(days.clone().min() < days.max(), "everything was written at one moment");

    let is_pip = |item: &&Value| item["peer"]["username"] == "pip";
    let with_pip = items.iter().find(is_pip).context("no conversation with the bot")?;
    let id = with_pip["id"].as_str().context("no id")?;
    let mut tab = WsSession::open(&ada, None).await?;
    tab.say(id, "hello", "Hello, who are you?").await?;
    for ev in ["receipt", "typing", "message"] {
        within(LATER, ev, tab.event_of(ev)).await??;
    }
    let on_disk = fs::read_dir(demo.data())?.count();
    ensure!(on_disk == 0, "{on_disk} files in an empty folder");
    Ok(())
}

#[tokio::test]
async fn demo_people_are_not_offered_without_the_option() -> Result<()> {
    let gateway = Gateway::start().await?;
    let page = Http::new(gateway.url()).call(Method::GET, "/").answer().await?;
    ensure!(!page.headers.contains_key("server-timing"), "{:?}", page.headers);
    let answer = Http::new(gateway.url()).call(Method::GET, "/demo.json").answer().await?;
    answer.refused(404, "not_found").map(drop)
}
