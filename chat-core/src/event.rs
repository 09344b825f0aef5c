//! What goes out.
