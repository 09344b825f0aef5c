//! A Redis server of the test.
