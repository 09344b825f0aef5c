//! Search in messages: what is found, and by whom.
//!
//! In reading order: [`words`] splits a text, [`query`] compares it with what a caller looks for,
//! `documents` turns entries into what an index keeps, and `indexer` keeps the index up to date.
//! [`crate::chat`] answers a search: it reads every hit from the log before it is shown.

mod documents;
pub(crate) mod indexer;
mod query;
mod words;

/// The format of indexes. It changes with the fields of documents and with the way in which texts are
/// split into words. An index of another format is made again.
pub const FORMAT: u32 = 3;

pub use self::{
    documents::{Has, has_link},
    indexer::{Indexed, IndexingError, rebuild},
    query::{Pattern, Query, QueryError},
    words::{Word, words},
};
