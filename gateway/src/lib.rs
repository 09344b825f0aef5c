//! Sockets, HTTP, WebSocket and configuration: the process of Confab.

pub mod admission;
pub mod config;
pub mod error;
pub mod health;
pub mod listener;
pub mod logs;
pub mod metered;
pub mod metrics;
pub mod origin;
pub mod protocol;
pub mod secret;
pub mod tokens;
