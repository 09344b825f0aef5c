//! The mark of the ids: what a start needs to know of the ids of earlier runs.
//!
//! Every commit that would store an id near or above the mark raises the mark in the same batch. So the
//! mark covers every stored id, and costs no sync of its own.

use std::sync::Arc;

use chat_core::{error::StoreError, id::Snowflakes};

use super::{
    keys,
    spaces::{Space, Spaces},
    store::read_failed,
    values,
};

/// The node number in ids: an embedded store has one gateway.
const NODE: u16 = 0;

/// Returns the generator of the store's ids. They are above all ids of earlier runs.
pub(super) fn open(spaces: &Spaces) -> Result<Arc<Snowflakes>, StoreError> {
    let mark = spaces.of(Space::Heads).get(keys::ID_MARK).map_err(read_failed)?;
    let mark = mark.map(|mark| values::decode(keys::ID_MARK, &mark)).transpose()?;
    Ok(Arc::new(Snowflakes::above(NODE, mark.unwrap_or_default())))
}
