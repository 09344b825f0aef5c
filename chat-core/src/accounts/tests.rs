//! The registry over memory stores and paused time.

mod logging_in;
mod logging_out;
mod outcomes;
mod refreshing;
mod world;
