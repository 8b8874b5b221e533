//! The only file that reads the wall clock.

use shared::time::Timestamp;

/// What the wall clock shows.
pub(crate) fn now() -> Timestamp {
    jiff::Timestamp::now().into()
}
