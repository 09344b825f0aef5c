//! The binary `confab`.
fn main() {}
