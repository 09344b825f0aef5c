//! A client that knows the protocol page and nothing else.

mod http;
mod user;
mod ws;

pub use self::{
    http::{Answer, Call, Http},
    user::{Cursors, User, percent_encoded},
    ws::{Frame, Outcome, Ws},
};
