//! Pages of history are dense and ascending, read from either end.

use tests::{
    Result, json, over_both_transports,
    session::Session,
    shape::{has, items, seqs},
    stage::Stage,
};

over_both_transports!(pages_are_dense_and_ascending, pages_out_of_range_are_refused);

async fn pages_are_dense_and_ascending<S: Session>() -> Result<()> {
    let stage = Stage::open().await?;
    let (ada, bob, _) = stage.ada_bob_eve().await?;
    let direct = ada.direct(&bob).await?;
    let mut session = S::open(&ada, None).await?;
    for number in 3..=60 {
        session.say(&direct, &format!("a-{number}"), &format!("text {number}")).await?;
    }
    for (query, expected) in [
        (json!({}), 11..=60),
        (json!({"limit": 5}), 56..=60),
        (json!({"limit": 100}), 1..=60),
        (json!({"before_seq": 10, "limit": 5}), 5..=9),
        (json!({"before_seq": 3, "limit": 50}), 1..=2),
        (json!({"before_seq": 1_000, "limit": 2}), 59..=60),
        (json!({"after_seq": 0, "limit": 3}), 1..=3),
        (json!({"after_seq": 58}), 59..=60),
        (json!({"around_seq": 30, "limit": 10}), 25..=34),
        (json!({"around_seq": 30, "limit": 5}), 28..=32),
        (json!({"around_seq": 2, "limit": 10}), 1..=6),
        (json!({"around_seq": 60, "limit": 10}), 55..=60),
    ] {
        let mut body = query.clone();
        body["conversation"] = json!(direct);
        let page = session.ok("history", body).await?;
        assert_eq!(seqs(items(&page)), expected.collect::<Vec<_>>(), "{query}");
        has(&page, &json!({"head_seq": 60}))?;
    }
    for query in [json!({"after_seq": 60}), json!({"before_seq": 1})] {
        let mut body = query.clone();
        body["conversation"] = json!(direct);
        let page = session.ok("history", body).await?;
        has(&page, &json!({"items": [], "head_seq": 60}))?;
    }
    Ok(())
}

async fn pages_out_of_range_are_refused<S: Session>() -> Result<()> {
    let stage = Stage::open().await?;
    let (ada, bob, eve) = stage.ada_bob_eve().await?;
    let direct = ada.direct(&bob).await?;
    let mut session = S::open(&ada, None).await?;
    for query in [
        json!({"limit": 0}),
        json!({"limit": 101}),
        json!({"limit": -1}),
        json!({"before_seq": 5, "after_seq": 1}),
        json!({"before_seq": 5, "around_seq": 1}),
        json!({"after_seq": -1}),
        json!({"after_seq": 1.5}),
        json!({"after_seq": 1e300}),
        json!({"from_seq": 1}),
    ] {
        let mut body = query.clone();
        body["conversation"] = json!(direct);
        session.refused("history", body, "invalid").await?;
    }
    let mut stranger = S::open(&eve, None).await?;
    stranger.refused("history", json!({"conversation": direct}), "not_found").await?;
    Ok(())
}
