//! A client that is written from the protocol page alone.

mod http;
mod user;
mod ws;

pub use self::{
    http::{Answer, Call, Http},
    user::{Cursors, PASSWORD, User, percent_encoded},
    ws::{Frame, Outcome, Ws},
};
