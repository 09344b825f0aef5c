//! The registry over stores in memory, with time that stands still unless a test moves it.

mod logging_in;
mod logging_out;
mod outcomes;
mod refreshing;
mod world;
