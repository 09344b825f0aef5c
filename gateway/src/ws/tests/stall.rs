//! A client that stops reading for a while.

use tokio::net::TcpSocket;

use super::*;
use crate::ws::wire::Wire;

/// Returns a connection with small buffers.
async fn narrow() -> (TcpStream, TcpStream) {
    let (listener, client) = (TcpSocket::new_v4().unwrap(), TcpSocket::new_v4().unwrap());
    listener.set_send_buffer_size(16 * 1024).unwrap();
    client.set_recv_buffer_size(16 * 1024).unwrap();
    listener.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = listener.listen(1).unwrap();
    let client = client.connect(listener.local_addr().unwrap()).await.unwrap();
    (listener.accept().await.unwrap().0, client)
}

#[tokio::test(start_paused = true)]
async fn frame_interrupted_by_a_stall_is_completed_before_the_close() {
    let (served, stream) = narrow().await;
    let mut wire = Wire::new(served.into(), &[]);
    let text = json!("x".repeat(50_000));
    for _ in 0..20 {
        wire.reply(&text.to_string());
    }
    let stalled = wire.flush().await;
    assert_eq!(stalled, Err(Some((4008, "fell behind"))));
    tokio::time::resume();
    let mut client = Client { stream, buffer: Vec::new() };
    let (closed, ()) = tokio::join!(client.closed(), wire.close(4008, "fell behind"));
    assert_eq!((closed.0, closed.1.len()), (4008, 20));
}
