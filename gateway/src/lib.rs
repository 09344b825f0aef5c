//! Sockets, HTTP, WebSocket and configuration: the process of Confab.

pub mod error;
pub mod protocol;
pub mod secret;
pub mod tokens;
