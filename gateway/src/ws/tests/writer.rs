//! Fan-outs and the socket's task share its writing side.

use chat_core::outbox::{Sent, Transport};

use super::*;
use crate::ws::writer::{DIRECT_BYTES_MAX, Progress, Writer};

async fn connect() -> (Writer, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (stream, _) = listener.accept().await.unwrap();
    stream.writable().await.unwrap();
    (Writer::new(stream), client)
}

#[tokio::test]
async fn events_are_written_at_once_when_nothing_waits() {
    let (writer, mut client) = connect().await;
    assert_eq!(writer.try_send(&Bytes::from_static(b"ab"), 2), Sent::All);
    let mut got = [0; 2];
    client.read_exact(&mut got).await.unwrap();
    assert_eq!(&got, b"ab");
}

#[tokio::test]
async fn events_are_refused_while_a_reply_is_written_or_expected() {
    let (writer, mut client) = connect().await;
    let event = Bytes::from_static(b"event");
    writer.expect_reply(true);
    assert_eq!(writer.try_send(&event, 1), Sent::Nothing);
    writer.put(|out| out.extend_from_slice(b"reply"));
    writer.expect_reply(false);
    assert_eq!(writer.try_send(&event, 1), Sent::Nothing);
    assert_eq!(writer.write().unwrap(), Progress::Done);
    assert_eq!(writer.try_send(&event, 1), Sent::All);
    let mut got = [0; 10];
    client.read_exact(&mut got).await.unwrap();
    assert_eq!(&got, b"replyevent");
}

#[tokio::test]
async fn events_above_the_bound_are_refused() {
    let (writer, _client) = connect().await;
    let events = Bytes::from(vec![0; DIRECT_BYTES_MAX + 1]);
    assert_eq!(writer.try_send(&events, 1), Sent::Nothing);
}

#[tokio::test]
async fn half_written_event_is_completed_before_the_next_one() {
    let (writer, mut client) = connect().await;
    let mut expected = Vec::new();
    let mut sent = Sent::All;
    // The client reads nothing, so that its buffer fills up.
    for letter in (b'a'..=b'z').cycle() {
        let events = Bytes::from(vec![letter; DIRECT_BYTES_MAX - 1]);
        sent = writer.try_send(&events, 1);
        if sent == Sent::Nothing {
            break;
        }
        expected.extend_from_slice(&events);
        if sent == Sent::Partly {
            break;
        }
    }
    if sent == Sent::Partly {
        assert_eq!(writer.try_send(&Bytes::from_static(b"next"), 1), Sent::Nothing);
        assert_eq!(writer.write().unwrap(), Progress::Blocked);
    }
    writer.put(|out| out.extend_from_slice(b"reply"));
    expected.extend_from_slice(b"reply");
    let mut got = vec![0; expected.len()];
    let write = async {
        while writer.write().unwrap() == Progress::Blocked {
            writer.stream().writable().await.unwrap();
        }
    };
    let (read, ()) = tokio::join!(client.read_exact(&mut got), write);
    read.unwrap();
    assert!(got == expected);
}
