//! Where the daemon's own log goes: to systemd's journal under systemd, otherwise to a file a day.

use std::io::{self, IsTerminal};
use std::path::Path;

use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_appender::rolling::{Builder, Rotation};
use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::fmt::layer;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// How many days are kept.
const FILES_MAX: usize = 14;

/// Starts the log. What it gives is to be kept until the end: it writes what is left.
pub(crate) fn start(state_dir: &Path, level: &str, is_under_systemd: bool) -> Option<WorkerGuard> {
    let filter = EnvFilter::try_new(level).unwrap_or_else(|_| EnvFilter::new("info"));
    let registry = tracing_subscriber::registry().with(filter);
    if is_under_systemd {
        // The journal has its own times and colours.
        let stderr = layer().with_writer(io::stderr).without_time().with_ansi(false);
        registry.with(stderr).init();
        return None;
    }
    let folder = state_dir.join("log");
    // It complains by itself about a folder that is not there, and then makes it.
    std::fs::create_dir_all(&folder).ok();
    let file = Builder::new()
        .rotation(Rotation::DAILY)
        .filename_prefix("runyardd")
        .filename_suffix("log")
        .max_log_files(FILES_MAX)
        .build(folder);
    let stderr = io::stderr()
        .is_terminal()
        .then(|| layer().with_writer(io::stderr).with_ansi(true).compact());
    let (file, guard) = match file {
        Ok(file) => {
            // Waits where the disk is slow: a line that is lost is lost when it is needed.
            let (writer, guard) = NonBlockingBuilder::default().lossy(false).finish(file);
            (Some(layer().with_writer(writer).with_ansi(false)), Some(guard))
        }
        Err(_) => (None, None),
    };
    registry.with(stderr).with(file).init();
    guard
}
