//! Lines of a log that match, looked for where the log is.

use engine::state::Run;
use shared::request::{Refusal, RefusalCode};
use shared::rpc::LogSearch;
use shared::snapshot::LogHits;
use shared::workflow::Workflow;

use super::Connection;
use super::log::find_log;
use crate::files::{self, search};

/// The most lines that one answer holds.
const LINES_MAX: usize = 1_000;

impl Connection {
    pub(super) async fn search(&self, ask: LogSearch) -> Result<LogHits, Refusal> {
        let pattern = search::pattern(&ask.pattern).map_err(|problem| {
            let message = format!("`{}` is no regular expression: {problem}", ask.pattern);
            Refusal::new(RefusalCode::Invalid, message)
                .help("a backslash before it takes a character as it is")
        })?;
        let (task, attempt) = (ask.task.clone(), ask.attempt);
        let look = move |run: &Run, workflow: &Workflow, _| find_log(run, workflow, &task, attempt);
        let log = self.look_at(ask.run, look).await?;
        let path = files::log_path(&self.core.state_dir, &log.pool, log.id);
        let limit = (ask.limit as usize).clamp(1, LINES_MAX);
        let work = move || match ask.backwards {
            false => search::forwards(&path, &pattern, ask.from, limit),
            true => search::backwards(&path, &pattern, ask.from, limit),
        };
        let found = tokio::task::spawn_blocking(work).await;
        match found {
            Ok(Ok(found)) => Ok(LogHits {
                lines: found.lines,
                attempt: log.number,
                scanned: found.scanned,
                next: found.next,
            }),
            Ok(Err(problem)) => {
                let message = format!("the log cannot be read: {problem}");
                Err(Refusal::new(RefusalCode::Unavailable, message))
            }
            Err(_) => Err(Refusal::new(RefusalCode::Internal, "the log cannot be read")),
        }
    }
}
