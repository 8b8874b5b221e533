//! Pools: one file a kind. They decide nothing, and report facts.

pub(crate) mod local;
