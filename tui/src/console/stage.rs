//! What the loop needs of a terminal. The tests have one that only remembers.

use std::time::Duration;

use crate::error::Error;
use crate::terminal::Terminal;

pub(super) trait Stage {
    /// Columns and rows.
    fn size(&self) -> (u16, u16);
    /// Whether everything is written: the time to make a frame.
    fn is_free(&self) -> bool;
    /// Returns when something was written. Cancel safe.
    async fn written(&self);
    /// Gives bytes to write and returns at once.
    fn put(&self, bytes: Vec<u8>);
    /// How long the last write took.
    fn last_write(&self) -> Duration;
    /// Tells a test that all up to this input is drawn.
    fn mark_idle(&self, input: u64);
    /// Gives the terminal back and stops the process; false where nobody could continue it.
    fn suspend(&self) -> bool;
    /// Takes the terminal over again; false where another process has it.
    fn resume(&self) -> Result<bool, Error>;
}

impl Stage for Terminal {
    fn size(&self) -> (u16, u16) {
        self.size()
    }
    fn is_free(&self) -> bool {
        self.writer().is_free()
    }
    async fn written(&self) {
        self.writer().written().await;
    }
    fn put(&self, bytes: Vec<u8>) {
        self.writer().put(bytes);
    }
    fn last_write(&self) -> Duration {
        self.writer().last_write()
    }
    fn mark_idle(&self, input: u64) {
        self.writer().mark_idle(input);
    }
    fn suspend(&self) -> bool {
        self.suspend()
    }
    fn resume(&self) -> Result<bool, Error> {
        self.resume()
    }
}
