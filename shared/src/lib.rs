//! The words that Runyard's programs speak.
//!
//! Pure values: no clock, no files, no threads. Both programs and every pure crate use these types, so a word means the
//! same in a file, in the engine, on disk and on screen.
//!
//! # Glossary
//! - **workflow**: a definition, with a version that is the hash of its content: [`workflow::Workflow`].
//! - **task**: one node of a workflow: [`workflow::Task`].
//! - **run**: one execution of one version of a workflow: [`id::RunId`], [`state::RunPhase`].
//! - **task run**: one task's progress within a run, for `map` one *item*: [`id::TaskPath`], [`state::TaskPhase`].
//! - **attempt**: one try at a task run, numbered from 1: [`id::AttemptId`], [`state::AttemptOutcome`].
//! - **need**: an edge between two tasks: this must have ended before.
//! - **pool**, **slot**, **resource**: where attempts run, the right to run one, any other named capacity.
//! - **hold**: a task that a person must let go on, with the reason.
//! - **approval**: a decision by a person, as a task.
//! - **interval**: the span of data that a run stands for, start inclusive, end exclusive: [`time::Interval`].
//! - **request**: what an actor asks the daemon, and may be refused: [`request::Request`].
//! - **blocker**: one thing in the way of a task run: [`why::Blocker`].
//! - **snapshot**: what a reader is shown: [`snapshot`].
//! - **journal**, **seq**: the events on disk in order, and the place of one in it: [`id::Seq`].
//!
//! Start reading at [`workflow`], then [`state`].
#![deny(missing_docs)]

pub mod audit;
pub mod capacity;
pub mod diagnostic;
pub mod expr;
pub mod id;
pub mod outputs;
pub mod plan;
pub mod replay;
pub mod request;
#[cfg(feature = "rpc")]
pub mod rpc;
pub mod snapshot;
pub mod state;
pub mod time;
pub mod watch;
pub mod why;
pub mod workflow;
