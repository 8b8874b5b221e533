//! Whether an attempt that ended well has done what was promised.

use serde_json::{Value, json};
use shared::expr::{Expr, Scope, short};
use shared::outputs::Outputs;
use shared::time::Timestamp;
use shared::workflow::{CheckFailure, CheckItem, CheckWhat, Kind};

use crate::input::{AttemptEnd, CheckResult, How};
use crate::scope;
use crate::state::{Spot, State};

/// The warnings of an attempt that did all it had to; of one that did not, everything that was not met.
pub(crate) fn judge(
    state: &State,
    spot: Spot,
    end: &AttemptEnd,
    outputs: &Outputs,
    now: Timestamp,
) -> Result<Vec<String>, String> {
    let task = state.task(spot);
    let mut warnings = Vec::new();
    let mut failures = Vec::new();
    if let Kind::Check { items } = &task.kind {
        let mut results = end.checks.iter();
        for (number, item) in (1..).zip(items) {
            let Err(problem) = judge_item(state, spot, item, &mut results) else { continue };
            let problem = match items.len() {
                1 => problem,
                _ => format!("check {number}: {problem}"),
            };
            match item.on_failure {
                CheckFailure::Fail => failures.push(problem),
                CheckFailure::Warn => warnings.push(problem),
            }
        }
    }
    if !task.expect.is_empty() {
        let names = scope::names(task.expect.iter(), [].into_iter());
        let scope = scope::of_task(state, spot, names)
            .with("outputs", json!(outputs))
            .with("exit", json!(exit_code(end)))
            .with("duration", json!(duration(state, spot, end, now)));
        for expect in &task.expect {
            if let Err(problem) = must_be_true(expect, &scope) {
                failures.push(format!("`expect` {problem}"));
            }
        }
    }
    if failures.is_empty() { Ok(warnings) } else { Err(failures.join("; ")) }
}

fn exit_code(end: &AttemptEnd) -> i32 {
    match end.how {
        How::Exited(code) => code,
        _ => 0,
    }
}

fn duration(state: &State, spot: Spot, end: &AttemptEnd, now: Timestamp) -> f64 {
    let open = state.task_run(spot).open_attempt();
    let start = end.started_at.or(open.and_then(|it| it.started_at));
    start.map_or(0.0, |it| end.ended_at.unwrap_or(now).since(it).as_secs_f64())
}

fn judge_item<'a>(
    state: &State,
    spot: Spot,
    item: &CheckItem,
    results: &mut impl Iterator<Item = &'a CheckResult>,
) -> Result<(), String> {
    let named = item.expect.iter().chain(match &item.what {
        CheckWhat::Expr(expr) => Some(expr),
        CheckWhat::Exec(_) => None,
    });
    let scope = scope::of_task(state, spot, scope::names(named, [].into_iter()));
    let scope = match &item.what {
        CheckWhat::Expr(expr) => match &item.expect {
            None => return must_be_true(expr, &scope),
            Some(_) => {
                let value = expr.evaluate(&scope).map_err(|it| it.to_string())?;
                scope.with("value", value)
            }
        },
        CheckWhat::Exec(argv) => {
            let program = argv.first().map_or("", |it| it.source());
            let result = results.next().ok_or_else(|| format!("`{program}` has not run"))?;
            if item.expect.is_none() && result.exit != 0 {
                return Err(format!("`{program}` ended with exit code {}", result.exit));
            }
            scope.with("value", value_of(&result.output)).with("exit", json!(result.exit))
        }
    };
    match &item.expect {
        None => Ok(()),
        Some(expect) => must_be_true(expect, &scope).map_err(|problem| match scope.get("value") {
            Some(value) => format!("{problem} (value is {})", short(value)),
            None => problem,
        }),
    }
}

fn must_be_true(expr: &Expr, scope: &Scope) -> Result<(), String> {
    match expr.is_true(scope) {
        Ok(true) => Ok(()),
        Ok(false) => Err(format!("{expr:?} is not true")),
        Err(problem) => Err(problem.to_string()),
    }
}

/// What a program printed: without the space around it, and as a number where it is one.
fn value_of(output: &str) -> Value {
    let text = output.trim();
    let number = serde_json::from_str(text).ok().filter(Value::is_number);
    number.unwrap_or_else(|| Value::String(text.to_owned()))
}
