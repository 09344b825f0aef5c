//! Sends every message back, through the frames of the production socket. For protocol suites.

use tokio::net::TcpStream;

use super::{
    decoder::{Accepted, Decoder, Incoming},
    wire::{End, Wire},
};
use crate::frame::put_binary;

/// Messages of the suites are larger than those of clients, and binary too.
const ACCEPTED: Accepted = Accepted { bytes_max: 32 << 20, binary: true };

/// Echoes messages until the client closes the connection or breaks the protocol.
pub(crate) async fn serve(stream: TcpStream) {
    let mut wire = Wire::with_decoder(Decoder::accepting(ACCEPTED), stream.into(), &[]);
    if let Some((code, reason)) = echo(&mut wire).await {
        wire.close(code, reason).await;
    }
}

async fn echo(wire: &mut Wire) -> End {
    loop {
        match wire.incoming() {
            Ok(Some(Incoming::Text(text))) => wire.reply(&text),
            Ok(Some(Incoming::Binary(bytes))) => {
                let mut frame = Vec::new();
                put_binary(&mut frame, &bytes);
                wire.event(&frame);
            }
            Ok(Some(Incoming::Close(code))) => return Some((code, "")),
            Ok(Some(Incoming::Ping(_) | Incoming::Pong)) => {}
            Ok(None) => {
                if let Err(end) = flush_and_read(wire).await {
                    return end;
                }
            }
            Err(end) => return end,
        }
    }
}

async fn flush_and_read(wire: &mut Wire) -> Result<(), End> {
    wire.flush().await?;
    wire.read().await
}
