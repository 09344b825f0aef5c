//! Indexes of messages: in a local folder, and on servers that a fleet shares.

#[cfg(feature = "search")]
mod local;
mod opensearch;

#[cfg(feature = "search")]
pub use self::local::{LocalSearch, LocalSearchError};
pub use self::opensearch::{OpenSearch, OpenSearchConfig, OpenSearchConfigError};
