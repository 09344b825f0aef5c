//! Deadlines of a connection, with paused time.

use std::time::Duration;

use http_body_util::BodyExt;

use super::*;

fn usage(http2: bool) -> Arc<Usage> {
    let usage = Arc::new(Usage::new());
    drop(usage.request(http2));
    usage
}

/// Returns the seconds until the connection expires when it writes `bytes` after `pause_seconds`.
async fn lifetime(usage: &Usage, pause_seconds: u64, bytes: usize) -> u64 {
    let started = Instant::now();
    let writing = async {
        sleep(Duration::from_secs(pause_seconds)).await;
        usage.record_written(bytes);
    };
    tokio::join!(usage.expired(), writing);
    started.elapsed().as_secs()
}

#[tokio::test(start_paused = true)]
async fn connection_stays_open_while_the_client_reads() {
    assert_eq!(lifetime(&usage(false), 60, 1).await, IDLE_MAX.as_secs() + 60);
    assert_eq!(lifetime(&usage(true), 60, 1_000).await, IDLE_MAX.as_secs() + 60);
    let next = usage(false);
    next.record_read();
    assert_eq!(lifetime(&next, 5, 1).await, HEAD_WAIT_MAX.as_secs() + 5);
}

#[tokio::test(start_paused = true)]
async fn connection_expires_when_an_answer_is_not_read_in_time() {
    let usage = usage(true);
    let answer = AnswerBody::new(Body::from("unread"), &usage);
    let empty = AnswerBody::new(Body::empty(), &usage);
    // Each byte that is read counts as use of the connection, but not of the answer.
    assert_eq!(lifetime(&usage, 59, 1_000).await, ANSWER_WITHIN.as_secs());
    drop(answer);
    assert_eq!(usage.deadline(), Some(Instant::now() - Duration::from_secs(1) + IDLE_MAX));
    drop(empty);
}

#[tokio::test(start_paused = true)]
async fn connection_expires_when_only_we_send_frames() {
    assert_eq!(lifetime(&usage(true), 60, PING_BYTES).await, IDLE_MAX.as_secs());
    assert_eq!(lifetime(&Usage::new(), 5, 1_000).await, HEAD_WAIT_MAX.as_secs());
}

#[tokio::test(start_paused = true)]
async fn long_answer_gets_more_time_when_the_client_has_read_a_part() {
    let usage = usage(true);
    for (bytes, is_renewed) in [(RENEWING_BYTES - 1, false), (RENEWING_BYTES, true)] {
        let began = Instant::now();
        let mut answer = AnswerBody::new(Body::from(vec![0; bytes]), &usage);
        sleep(Duration::from_secs(50)).await;
        answer.frame().await.unwrap().unwrap();
        let expected = if is_renewed { Instant::now() } else { began };
        assert_eq!(usage.0.lock().answers, [expected], "{bytes}");
        drop(answer);
        assert_eq!(usage.0.lock().answers, []);
    }
}
