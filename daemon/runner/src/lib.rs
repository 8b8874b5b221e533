//! What the runner of a pool and the daemon must agree on: the frames between them and the records on disk.
//!
//! The runner (binary `runyard-runner`) is one long-lived, single-threaded process a pool.
//! It starts the processes of attempts, records what became of them, writes their logs, enforces
//! their limits, and outlives the daemon.
//! It decides nothing: when an attempt starts, is retried or is forgotten is the daemon's word.
//!
//! Start reading at [`protocol::Frame`], which lists everything the two can say to each other, then
//! [`record::Kind`], which lists everything the runner remembers.
//! The order that keeps an exit code safe is always: look at the dead process without reaping it,
//! record, reap; and the child itself records that it has started, just before it becomes the program.

mod crc;
pub mod protocol;
pub mod record;
mod wire;
