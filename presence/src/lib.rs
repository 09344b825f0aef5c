//! Who is here, and when they were last seen.
