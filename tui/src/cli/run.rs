//! `run`: makes a run, and waits for it where asked.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};
use shared::id::RunId;
use shared::request::{Answer, Request};
use shared::snapshot::RunView;
use shared::time::Interval;
use shared::workflow::Priority;

use super::{Cx, events, is_file, label};
use crate::args::Run;
use crate::error::{Error, Exit};
use crate::format::View;
use crate::local;
use crate::text::Line;
use crate::theme;

pub(super) fn execute(cx: &mut Cx, asked: &Run) -> Result<Exit, Error> {
    let request = request(asked)?;
    let mut client = cx.client()?;
    let Answer::RunCreated { run, number } = client.request(request)? else {
        return Err(Error::Server("it made no run and refused none".to_owned()));
    };
    if !asked.wait && !asked.follow {
        return made(cx, asked, run, number);
    }
    cx.out.note(format!("{}#{number}  {run}", asked.workflow))?;
    if asked.follow {
        events::follow(cx, &mut client, run)?;
    } else {
        events::wait(&mut client, run)?;
    }
    let view = client.patiently(|it| it.show(run, None))?;
    if cx.out.json {
        cx.out.json_line(&view)?;
    } else {
        let here = cx.view();
        cx.out.line(ended(&view, &here))?;
    }
    Ok(exit_of(&view))
}

fn made(cx: &mut Cx, asked: &Run, run: RunId, number: u64) -> Result<Exit, Error> {
    if cx.out.json {
        cx.out.json(&json!({ "run": run }))?;
        return Ok(Exit::Done);
    }
    cx.out.line(run.to_string())?;
    cx.out.note(format!("made {}#{number}; see `runyard show {run}`", asked.workflow))?;
    Ok(Exit::Done)
}

/// How a run has ended, in a line.
pub(crate) fn ended(run: &RunView, view: &View) -> Line {
    let line = Line::from(label(run)).and(" ").join(theme::state(&run.state));
    let line = match view.took(run.started, run.ended) {
        took if took.is_empty() => line,
        took => line.and(format!(" in {took}")),
    };
    match &run.reason {
        Some(reason) => line.and(": ").and(reason),
        None => line,
    }
}

/// The exit code for the outcome of a run that was waited for. Source: decision 20.
pub(crate) fn exit_of(run: &RunView) -> Exit {
    match run.state.as_str() {
        "succeeded" | "skipped" => Exit::Done,
        "partial" => Exit::RunPartial,
        "cancelled" | "rolled_back" => Exit::RunCancelled,
        "failed" if was_only_refused(run) => Exit::RunCancelled,
        _ => Exit::RunFailed,
    }
}

/// Whether every failure goes back to a person who said no, or to nobody who said anything.
fn was_only_refused(run: &RunView) -> bool {
    let mut refused = false;
    for task in &run.tasks {
        match (task.state.as_str(), task.outcome.as_deref()) {
            ("failed", Some("rejected" | "expired")) => refused = true,
            ("failed", _) => return false,
            _ => {}
        }
    }
    refused
}

fn request(asked: &Run) -> Result<Request, Error> {
    if is_file(&asked.workflow) {
        return Err(Error::usage(
            format!("`{}` is a file, and `run` takes the name of a workflow", asked.workflow),
            "put the file into the workflows folder, then `runyard reload`; `runyard status` says where that is",
        ));
    }
    let mut params = match &asked.params_file {
        Some(file) => read_params(file)?,
        None => BTreeMap::new(),
    };
    params.extend(read_pairs(&asked.params, "param")?);
    let interval: Option<Interval> = match asked.interval.as_deref().map(str::parse).transpose() {
        Ok(interval) => interval,
        Err(error) => {
            return Err(Error::usage(error.to_string(), "write --interval 2026-03-01/2026-03-02"));
        }
    };
    let priority = asked.priority.as_deref().map(read_priority).transpose()?;
    Ok(Request::Run { workflow: asked.workflow.as_str().into(), params, interval, priority })
}

/// What was given by a flag as `name=value`.
pub(super) fn read_pairs(texts: &[String], flag: &str) -> Result<BTreeMap<String, Value>, Error> {
    let pair = |text: &String| match text.split_once('=') {
        Some((name, value)) => Ok((name.to_owned(), Value::from(value))),
        None => {
            Err(Error::usage(format!("`{text}` has no `=`"), format!("write --{flag} name=value")))
        }
    };
    texts.iter().map(pair).collect()
}

pub(super) fn read_priority(text: &str) -> Result<Priority, Error> {
    Priority::read(text).ok_or_else(|| {
        Error::usage(
            format!("`{text}` is not a priority"),
            "write critical, high, normal, low, or a number from 0 to 1000",
        )
    })
}

fn read_params(file: &Path) -> Result<BTreeMap<String, Value>, Error> {
    let text = local::read(file)?;
    serde_json::from_str(&text).map_err(|error| {
        Error::usage(
            format!("`{}` does not hold a JSON object: {error}", file.display()),
            "write {\"name\": \"value\"}",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(params: &[&str], interval: Option<&str>, priority: Option<&str>) -> Run {
        Run {
            workflow: "load".to_owned(),
            params: params.iter().map(|it| (*it).to_owned()).collect(),
            params_file: None,
            interval: interval.map(str::to_owned),
            priority: priority.map(str::to_owned),
            wait: false,
            follow: false,
        }
    }

    #[test]
    fn parameters_keep_what_follows_the_first_equals_sign() {
        let made = request(&asked(&["a=b=c", "empty="], None, Some("high")));
        let Ok(Request::Run { params, priority, .. }) = made else {
            panic!("it is a request: {made:?}");
        };
        assert_eq!(params["a"], json!("b=c"));
        assert_eq!(params["empty"], json!(""));
        assert_eq!(priority, Some(Priority(500)));
    }

    #[test]
    fn what_makes_no_sense_is_a_usage_error() {
        let code = |run: Run| request(&run).map_err(|it| it.exit_code());
        assert_eq!(code(asked(&["a"], None, None)).err(), Some(2));
        assert_eq!(code(asked(&[], Some("2026-03-02/2026-03-01"), None)).err(), Some(2));
        assert_eq!(code(asked(&[], None, Some("1001"))).err(), Some(2));
        let file = Run { workflow: "a/b.yaml".to_owned(), ..asked(&[], None, None) };
        assert_eq!(code(file).err(), Some(2));
    }
}
