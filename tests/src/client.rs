//! A client that is written from the protocol page alone.

mod http;
mod tls;
mod user;
mod ws;

pub use self::{
    http::{Answer, Call, Http},
    tls::{Connection, connect, presented_certificate},
    user::{Cursors, PASSWORD, User, percent_encoded},
    ws::{Frame, Outcome, Ws},
};
