//! The commands against values and against a daemon that only answers what it was told.

mod acts;
mod commands;
pub(crate) mod fake;
pub(crate) mod fixture;
mod logs;
mod pages;
mod recovery;
mod test;
