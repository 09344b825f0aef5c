//! Fan-outs and the socket's task share its writing side.

use chat_core::outbox::{Sent, Transport};

use tokio::io::{AsyncRead, AsyncWrite};

use super::*;
use crate::{
    listener::{Stream, tests::tls::TlsFixture},
    ws::writer::{DIRECT_BYTES_MAX, Progress, Writer},
};

/// The client's side of a connection.
trait ClientStream: AsyncRead + AsyncWrite + Unpin {}

impl<S: AsyncRead + AsyncWrite + Unpin> ClientStream for S {}

/// Returns a connection without TLS, and one with it.
async fn connections() -> [(Writer, Box<dyn ClientStream>); 2] {
    let (plain, plain_client) = tcp().await;
    let (tls, tls_client) = tcp().await;
    let fixture = TlsFixture::new();
    let (served, connected) = tokio::join!(
        Stream::accept_tls(tls, fixture.certificate.config()),
        fixture.connect(tls_client)
    );
    [
        (Writer::new(plain.into()), Box::new(plain_client)),
        (Writer::new(served.unwrap().into()), Box::new(connected.unwrap())),
    ]
}

async fn tcp() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (stream, _) = listener.accept().await.unwrap();
    stream.writable().await.unwrap();
    (stream, client)
}

#[tokio::test]
async fn events_are_written_at_once_when_nothing_waits() {
    for (writer, mut client) in connections().await {
        assert_eq!(writer.try_send(&Bytes::from_static(b"ab"), 2), Sent::All);
        let mut got = [0; 2];
        client.read_exact(&mut got).await.unwrap();
        assert_eq!(&got, b"ab");
    }
}

#[tokio::test]
async fn events_are_refused_while_a_reply_is_written_or_expected() {
    for (writer, mut client) in connections().await {
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
}

#[tokio::test]
async fn events_above_the_bound_are_refused() {
    for (writer, _client) in connections().await {
        let events = Bytes::from(vec![0; DIRECT_BYTES_MAX + 1]);
        assert_eq!(writer.try_send(&events, 1), Sent::Nothing);
    }
}

/// Sends events until one is not sent completely, and returns the outcome of the last one. The client
/// must read nothing meanwhile, so that its buffer fills up.
fn fill_up(writer: &Writer, events: impl Iterator<Item = Bytes>, taken: &mut Vec<u8>) -> Sent {
    for event in events {
        let sent = writer.try_send(&event, 1);
        if sent != Sent::Nothing {
            taken.extend_from_slice(&event);
        }
        if sent != Sent::All {
            return sent;
        }
    }
    unreachable!("the events never end")
}

/// Writes until nothing waits.
async fn write_all(writer: &Writer) {
    while writer.write().unwrap() == Progress::Blocked {
        writer.channel().writable().await.unwrap();
    }
}

/// Expects that the client gets these bytes while the writer writes.
async fn expect_arrival(writer: &Writer, client: &mut dyn ClientStream, expected: &[u8]) {
    let mut got = vec![0; expected.len()];
    let read = timeout(Duration::from_secs(10), client.read_exact(&mut got));
    let (read, ()) = tokio::join!(read, write_all(writer));
    read.expect("all of it").unwrap();
    assert!(got == expected);
}

#[tokio::test]
async fn half_written_event_is_completed_before_the_next_one() {
    for (writer, mut client) in connections().await {
        let mut expected = Vec::new();
        let letters = (b'a'..=b'z').cycle();
        let events = letters.map(|letter| Bytes::from(vec![letter; DIRECT_BYTES_MAX - 1]));
        if fill_up(&writer, events, &mut expected) == Sent::Partly {
            assert_eq!(writer.try_send(&Bytes::from_static(b"next"), 1), Sent::Nothing);
            assert_eq!(writer.write().unwrap(), Progress::Blocked);
        }
        writer.put(|out| out.extend_from_slice(b"reply"));
        expected.extend_from_slice(b"reply");
        expect_arrival(&writer, &mut client, &expected).await;
    }
}

#[tokio::test]
async fn last_event_arrives_when_the_client_reads_again() {
    for (writer, mut client) in connections().await {
        let mut expected = Vec::new();
        let event = Bytes::from(vec![b'x'; 1_000]);
        fill_up(&writer, std::iter::repeat(event.clone()), &mut expected);
        expect_arrival(&writer, &mut client, &expected).await;
        assert_eq!(writer.try_send(&event, 1), Sent::All);
    }
}
