//! A client that is written from the protocol page alone.

mod elsewhere;
mod http;
mod tls;
mod unread;
mod user;
mod violation;
mod ws;

pub use self::{
    elsewhere::{log_in_from, refresh_from},
    http::{Answer, Call, Http},
    tls::{Connection, connect, presented_certificate},
    unread::{HeldAnswers, TEXT_BYTES, TEXTS, request_and_read_nothing, send_large_texts},
    user::{Cursors, PASSWORD, User, percent_encoded},
    violation::Violation,
    ws::{Frame, Outcome, Ws},
};
