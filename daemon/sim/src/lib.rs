//! Plays an engine in virtual time against a world of values.
//!
//! [`play()`] makes one history from a seed: workflows by chance ([`generate`]), runners, files and people that exist only as
//! values ([`world`]), faults ([`chaos`]), and a judge who looks at the world and not at the engine's opinion of it
//! ([`checker`]). The same seed gives the same history for ever. No clock and no files;
//! threads only to play several histories at once ([`many`]). A failure is made small by [`shrink`].
//!
//! Start reading at [`play()`].
#![deny(missing_docs)]

pub mod chaos;
pub mod checker;
pub mod course;
pub mod generate;
pub mod journal;
pub mod many;
pub mod people;
pub mod play;
pub mod player;
pub mod report;
pub mod rng;
pub mod script;
pub mod shrink;
pub mod world;

pub use course::Script;
pub use play::{play, play_script};
pub use report::{Failed, Totals};
