//! What a request is on the command line.

use std::collections::BTreeMap;

use shared::request::{Decision, Mark, PauseWhat, Request, RetryWhat, RollbackWhat};
use shared::time::Timestamp;

/// The command that asks for the same. `label`: the run as people say it.
pub(crate) fn line(request: &Request, label: &str) -> String {
    let words = match request {
        Request::Run { workflow, params, priority, .. } => {
            let mut words = vec!["run".to_owned(), workflow.to_string()];
            for (name, value) in params {
                let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                words.extend(["--param".to_owned(), format!("{name}={value}")]);
            }
            words
                .extend(priority.iter().flat_map(|it| ["--priority".to_owned(), it.0.to_string()]));
            words
        }
        Request::Cancel { now, .. } => {
            let mut words = of_run("cancel", label);
            words.extend(now.then(|| "--now".to_owned()));
            words
        }
        Request::Retry { what, .. } => retry(what, label),
        Request::RetryWith { what, latest, params, .. } => {
            let mut words = retry(what, label);
            words.extend(latest.then(|| "--latest".to_owned()));
            words.extend(edits(params));
            words
        }
        Request::Edit { params, .. } => {
            let mut words = of_run("edit", label);
            words.extend(edits(params));
            words
        }
        Request::ReleaseRun { .. } => of_run("release", label),
        Request::MapWidth { task, width, .. } => {
            let mut words = of_task("map-width", label, task);
            words.push(width.map_or_else(|| "auto".to_owned(), |it| it.to_string()));
            words
        }
        Request::Decide { task, decision: Decision::Approve, .. } => {
            of_task("approve", label, task)
        }
        Request::Decide { task, decision: Decision::Reject, .. } => of_task("reject", label, task),
        Request::Pause { what, until, .. } => {
            let mut words = pause("pause", what, label);
            words.extend(until.iter().flat_map(|it| ["--until".to_owned(), instant(*it)]));
            words
        }
        Request::Resume { what, .. } => pause("resume", what, label),
        Request::Drain { what, by, .. } => {
            let mut words = match what {
                PauseWhat::Pool(pool) => vec!["pool".into(), "drain".into(), pool.to_string()],
                PauseWhat::All | PauseWhat::Workflow(_) | PauseWhat::Run(_) => {
                    vec!["drain".to_owned()]
                }
            };
            words.extend(by.iter().flat_map(|it| ["--by".to_owned(), instant(*it)]));
            words
        }
        Request::ResizePool { pool, slots, .. } => {
            let size = slots.map_or("--reset".to_owned(), |it| it.to_string());
            vec!["pool".to_owned(), "resize".to_owned(), pool.to_string(), size]
        }
        Request::ResizeResource { resource, amount, .. } => {
            let size = amount.map_or("--reset".to_owned(), |it| it.to_string());
            vec!["resource".to_owned(), "set".to_owned(), resource.to_string(), size]
        }
        Request::SetDeadline { by, .. } => {
            let mut words = of_run("deadline", label);
            let by = by.map_or("never".to_owned(), instant);
            words.extend(["--by".to_owned(), by]);
            words
        }
        Request::Hold { task, .. } => of_task("hold", label, task),
        Request::Release { task, .. } => of_task("release", label, task),
        Request::Skip { task, .. } => of_task("skip", label, task),
        Request::Requeue { task, .. } => of_task("requeue", label, task),
        Request::Mark { task, mark, .. } => {
            let mut words = of_task("mark", label, &task.clone().forward());
            words.push(mark_flag(mark).to_owned());
            words
        }
        Request::Prioritize { priority, .. } => {
            let mut words = of_run("priority", label);
            words.push(priority.0.to_string());
            words
        }
        Request::Rollback { what, .. } => rollback(what, label),
    };
    let mut text = "runyard".to_owned();
    let comment =
        request.comment().into_iter().flat_map(|it| ["--comment".to_owned(), it.to_owned()]);
    for word in words.into_iter().chain(comment) {
        text.push(' ');
        text.push_str(&quoted(&word));
    }
    text
}

/// A word as a shell takes it.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |it: char| it.is_ascii_alphanumeric() || "-_./:=#@,+%".contains(it);
    // A `#` begins a comment where a word begins with it.
    if !word.is_empty() && word.chars().all(plain) && !word.starts_with('#') {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

fn edits(params: &BTreeMap<String, serde_json::Value>) -> Vec<String> {
    let pair = |(name, value): (&String, &serde_json::Value)| match value.as_str() {
        Some(text) => format!("{name}={text}"),
        None => format!("{name}={value}"),
    };
    params.iter().flat_map(|it| ["--param".to_owned(), pair(it)]).collect()
}

fn of_run(verb: &str, label: &str) -> Vec<String> {
    vec![verb.to_owned(), label.to_owned()]
}

fn of_task(verb: &str, label: &str, task: &shared::id::TaskPath) -> Vec<String> {
    vec![verb.to_owned(), label.to_owned(), task.to_string()]
}

fn retry(what: &RetryWhat, label: &str) -> Vec<String> {
    let mut words = of_run("retry", label);
    match what {
        RetryWhat::Failed => words.push("--failed".to_owned()),
        RetryWhat::Tasks(tasks) => {
            words.extend(tasks.iter().flat_map(|it| ["--task".to_owned(), it.to_string()]));
        }
        RetryWhat::From(task) => words.extend(["--from".to_owned(), task.to_string()]),
    }
    words
}

fn rollback(what: &RollbackWhat, label: &str) -> Vec<String> {
    let mut words = of_run("rollback", label);
    match what {
        RollbackWhat::All => {}
        RollbackWhat::Tasks(tasks) => {
            words.extend(tasks.iter().flat_map(|it| ["--task".to_owned(), it.to_string()]));
        }
        RollbackWhat::Retry(task) => {
            words.extend(["--retry".to_owned(), task.clone().forward().to_string()]);
        }
    }
    words
}

fn pause(verb: &str, what: &PauseWhat, label: &str) -> Vec<String> {
    let words: Vec<&str> = match what {
        PauseWhat::All => vec![verb, "--all"],
        PauseWhat::Workflow(workflow) => vec!["workflow", verb, workflow.as_str()],
        PauseWhat::Pool(pool) => vec!["pool", verb, pool.as_str()],
        PauseWhat::Run(_) => vec![verb, label],
    };
    words.into_iter().map(str::to_owned).collect()
}

fn mark_flag(mark: &Mark) -> &'static str {
    match mark {
        Mark::Success { .. } => "--success",
        Mark::Failed => "--failed",
        Mark::Undone => "--undone",
    }
}

fn instant(at: Timestamp) -> String {
    at.to_string()
}

#[cfg(test)]
mod tests {
    use shared::id::RunId;

    use super::*;

    #[test]
    fn a_request_is_what_a_person_would_type() {
        let run = RunId(1);
        let comment = Some("it's late".to_owned());
        let retry =
            Request::Retry { run, what: RetryWhat::Tasks(vec!["stage:a b".into()]), comment };
        assert_eq!(
            line(&retry, "etl#4"),
            r"runyard retry etl#4 --task 'stage:a b' --comment 'it'\''s late'"
        );
        let pause =
            Request::Pause { what: PauseWhat::Pool("gpu".into()), until: None, comment: None };
        assert_eq!(line(&pause, ""), "runyard pool pause gpu");
        let back = Request::Rollback { run, what: RollbackWhat::All, comment: None };
        assert_eq!(line(&back, "etl#4"), "runyard rollback etl#4");
        assert_eq!(quoted("#4"), "'#4'");
        assert_eq!(quoted(""), "''");
    }
}
