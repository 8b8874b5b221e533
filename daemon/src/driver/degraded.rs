//! What the driver is like while nothing can be written. Source: semantics, rule 16.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;
use shared::request::{Refusal, RefusalCode};

/// How often is tried whether writing works again.
const TRY_EVERY: Duration = Duration::from_secs(1);
/// So much room there must be: a segment of the journal and some blobs.
const ROOM_BYTES: u64 = 12 << 20;
/// So often in a row may a sync fail before the daemon gives up.
pub(super) const SYNC_FAILURES_MAX: u32 = 3;

/// Why nothing can be written, and when to try again.
#[derive(Debug)]
pub(super) struct Degraded {
    /// What is wrong, for people.
    pub(super) reason: String,
    /// What they can do about it.
    help: String,
    pub(super) damage: Damage,
    try_at: Instant,
}

/// What must be made good before anything is written again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Damage {
    /// Nothing: the journal is as it was before.
    Nothing,
    /// The index is not to be relied on.
    Index,
    /// It is not known what of the journal is on disk.
    Journal,
}

impl Degraded {
    pub(super) fn new(reason: String, help: String, damage: Damage) -> Self {
        Self { reason, help, damage, try_at: Instant::now() + TRY_EVERY }
    }

    /// What those are told whose requests were being written.
    pub(super) fn refusal_of_what_was_under_way(&self) -> Refusal {
        match self.damage {
            Damage::Nothing => self.refusal(),
            Damage::Index | Damage::Journal => {
                let message =
                    "it is unknown whether this was done: the daemon cannot write its state";
                let refusal = Refusal::new(RefusalCode::Unavailable, message);
                refusal.help("look once it can, and ask again if it was not")
            }
        }
    }

    pub(super) fn refusal(&self) -> Refusal {
        let message = format!("the daemon cannot write its state: {}", self.reason);
        let help = format!("{}; the daemon goes on by itself", self.help);
        Refusal::new(RefusalCode::Unavailable, message).help(help)
    }

    /// How long until the next try.
    pub(super) fn wait(&self) -> Duration {
        self.try_at.saturating_duration_since(Instant::now())
    }

    /// Whether there is room again; asked no more often than makes sense.
    pub(super) fn may_go_on(&mut self, dir: &Path) -> bool {
        if !self.wait().is_zero() {
            return false;
        }
        self.try_at = Instant::now() + TRY_EVERY;
        let path = dir.join("room");
        let tried = File::create(&path).and_then(|file| {
            match fallocate(&file, FallocateFlags::empty(), 0, ROOM_BYTES) {
                // Not every file system can reserve.
                Err(Errno::OPNOTSUPP | Errno::NOSYS) => {
                    let zeros = vec![0; 1 << 20];
                    (0..ROOM_BYTES >> 20).try_for_each(|_| (&file).write_all(&zeros))?;
                }
                reserved => reserved?,
            }
            file.sync_all()
        });
        std::fs::remove_file(&path).ok();
        tried.is_ok()
    }
}
