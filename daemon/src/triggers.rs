//! Sources of what happens outside: one file a source. They turn the world into inputs, and decide nothing.

pub(crate) mod file;
