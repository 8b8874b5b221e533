//! What a runner is told of an attempt. The same before and after a restart: everything it is made of has been decided.

use std::path::Path;

use serde_json::Value;
use shared::expr::{EvalError, Scope, Template};
use shared::id::{AttemptId, PoolName};
use shared::workflow::{CheckWhat, Kind, Publish, Task};

use crate::attempt::timeout_of;
use crate::effect::{Launch, Program, Publication, Watch};
use crate::event::AttemptRef;
use crate::scope;
use crate::state::{Run, Spot, State};

/// The largest output that an undo finds in its environment.
const OUTPUT_BYTES_MAX: usize = 32 << 10;

/// The most that all of them take.
const OUTPUTS_BYTES_MAX: usize = 128 << 10;

/// The launch of an attempt. `fence`: a number that is larger for each later attempt of the whole store. `pool`:
/// where it is to run.
///
/// # Errors
/// What cannot be rendered, with where it stands in the file.
pub(crate) fn launch(
    state: &State,
    spot: Spot,
    attempt: &AttemptRef,
    fence: u64,
    pool: PoolName,
) -> Result<Launch, String> {
    let (task, run) = (state.task(spot), state.run(spot.run));
    let workflow = &state.definition(spot.run).workflow;
    let exec = match &task.kind {
        Kind::Exec { argv } => &argv[..],
        _ => &[],
    };
    let checks = match &task.kind {
        Kind::Check { items } => &items[..],
        _ => &[],
    };
    let argvs = checks.iter().filter_map(|it| match &it.what {
        CheckWhat::Exec(argv) => Some(argv),
        CheckWhat::Expr(_) => None,
    });
    let env = task.env.iter().map(|(_, value)| value);
    let places = match &task.kind {
        Kind::Publish { publish } => [Some(&publish.from), Some(&publish.to)],
        _ => [None, None],
    };
    let templates = exec.iter().chain(argvs.clone().flatten()).chain(env).chain(&task.working_dir);
    let templates = templates.chain(places.into_iter().flatten());
    let scope = scope::of_task(state, spot, scope::names([].iter(), templates));
    let program = match &task.kind {
        Kind::Run { shell, script } => {
            let behind = ["-c".to_owned(), script.clone()];
            Program::Argv(shell.iter().cloned().chain(behind).collect())
        }
        Kind::Exec { argv } => Program::Argv(render_all(argv, &scope, "exec")?),
        Kind::Check { .. } => Program::Checks(
            argvs.map(|argv| render_all(argv, &scope, "check")).collect::<Result<_, _>>()?,
        ),
        Kind::Publish { publish } => {
            let publication = publication(state, spot, publish, &scope)?;
            if spot.undo { Program::Withdraw(publication) } else { Program::Publish(publication) }
        }
        Kind::Wait { .. } | Kind::Approval { .. } | Kind::Group => Program::Argv(Vec::new()),
    };
    Ok(Launch {
        attempt: attempt.id,
        run: run.id,
        pool,
        program,
        env: environment(state, spot, attempt, fence, &scope)?,
        working_dir: working_dir(task, &workflow.folder, &scope)?,
        timeout: timeout_of(task, state.task_run(spot), state.now),
        idle: task.timeout.idle,
        kill_grace: task.kill_grace,
    })
}

/// The watch of a `wait`.
pub(crate) fn watch(state: &State, spot: Spot, attempt: AttemptId) -> Result<Watch, String> {
    let Kind::Wait { file } = &state.task(spot).kind else {
        return Err("it waits for nothing".to_owned());
    };
    let names = scope::names([].iter(), [&file.path].into_iter());
    let scope = scope::of_task(state, spot, names);
    let path = render(&file.path, &scope, "wait")?;
    let folder = &state.definition(spot.run).workflow.folder;
    let path = Path::new(folder).join(path).to_string_lossy().into_owned();
    Ok(Watch { attempt, path, stable_for: file.stable_for })
}

/// Named after the task run and not after the attempt: what a later attempt moves into place takes the place of what an
/// earlier one did, and to undo it is to go back behind both.
fn publication(
    state: &State,
    spot: Spot,
    publish: &Publish,
    scope: &Scope,
) -> Result<Publication, String> {
    let folder = &state.definition(spot.run).workflow.folder;
    let to = render(&publish.to, scope, "publish.to")?;
    let key = state.path(spot).item;
    let item = key.map_or_else(String::new, |it| format!(".{:016x}", fnv(it.as_str())));
    let from = render(&publish.from, scope, "publish.from")?;
    if matches!(from.trim_matches('/'), "" | ".") {
        return Err("`publish.from` is the whole folder of the run".to_owned());
    }
    // The file may say so; a value may not.
    let climbs = |text: &str| text.split('/').any(|it| it == "..");
    if climbs(&to) && !climbs(publish.to.source()) {
        return Err(format!("`publish.to` `{to}`: a value leads out of its folder"));
    }
    Ok(Publication {
        update: format!("{}.{}{item}", spot.run, state.task(spot).name.as_str().replace('/', "+")),
        from,
        to: Path::new(folder).join(to).to_string_lossy().into_owned(),
        keep: publish.keep,
    })
}

fn render_all(argv: &[Template], scope: &Scope, key: &str) -> Result<Vec<String>, String> {
    argv.iter().map(|it| render(it, scope, key)).collect()
}

/// A text that a program can be given: whatever it is made of, it holds no NUL.
fn render(template: &Template, scope: &Scope, key: &str) -> Result<String, String> {
    let text = template.render(scope).map_err(|it: EvalError| format!("`{key}` {it}"))?;
    if text.contains('\0') {
        return Err(format!("`{key}` `{}`: its value holds a NUL byte", template.source()));
    }
    Ok(text)
}

fn working_dir(task: &Task, folder: &str, scope: &Scope) -> Result<String, String> {
    let Some(template) = &task.working_dir else { return Ok(folder.to_owned()) };
    let path = render(template, scope, "working_dir")?;
    Ok(Path::new(folder).join(path).to_string_lossy().into_owned())
}

/// `env` of the file, then what we tell every task; of two with one name the later wins.
fn environment(
    state: &State,
    spot: Spot,
    attempt: &AttemptRef,
    fence: u64,
    scope: &Scope,
) -> Result<Vec<(String, String)>, String> {
    let run = state.run(spot.run);
    let mut env = Vec::new();
    for (name, value) in &state.task(spot).env {
        env.push((name.clone(), render(value, scope, &format!("env.{name}"))?));
    }
    let mut ours = |name: &str, value: String| env.push((format!("RUNYARD_{name}"), value));
    ours("WORKFLOW", run.workflow.to_string());
    ours("RUN_ID", run.id.to_string());
    ours("RUN_NUMBER", run.number.to_string());
    ours("TASK", attempt.task.task.to_string());
    ours("ATTEMPT", attempt.number.to_string());
    ours("ATTEMPT_ID", attempt.id.to_string());
    ours("IDEMPOTENCY_KEY", format!("{}:{}", run.id, attempt.task));
    ours("FENCE", fence.to_string());
    if let Some(interval) = &run.interval {
        ours("INTERVAL_START", interval.start.to_string());
        ours("INTERVAL_END", interval.end.to_string());
    }
    if let (Some(place), Some(items)) = (spot.item, &run.tasks[spot.task as usize].items) {
        let item = &items.list()[place as usize].item;
        ours("ITEM", item.key.to_string());
        ours("ITEM_JSON", item.value.to_string());
    }
    if spot.undo {
        let forward = state.task_run(spot.forward());
        ours("UNDO", "1".to_owned());
        if let Some(undone) = forward.attempts.last() {
            ours("UNDONE_ATTEMPT_ID", undone.id.to_string());
        }
        let mut left = OUTPUTS_BYTES_MAX;
        for (name, value) in &forward.outputs {
            let text = text_of(value);
            // The kernel takes no longer ones; such a value is for `outputs` in an expression.
            let fits = text.len() < OUTPUT_BYTES_MAX.min(left) && !text.contains('\0');
            if fits && is_variable(name) {
                left -= text.len();
                ours(&format!("OUTPUT_{}", name.to_ascii_uppercase()), text);
            }
        }
    }
    params(run).for_each(|(name, value)| env.push((format!("RUNYARD_PARAM_{name}"), value)));
    Ok(env)
}

fn params(run: &Run) -> impl Iterator<Item = (String, String)> {
    run.params.iter().map(|(name, value)| (name.as_str().to_ascii_uppercase(), text_of(value)))
}

/// A text as it is, everything else as JSON.
fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A short name for a text that is the same in every version of this program (FNV-1a).
fn fnv(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Whether a shell can name it.
fn is_variable(name: &str) -> bool {
    name.chars().all(|it| it.is_ascii_alphanumeric() || it == '_')
}
