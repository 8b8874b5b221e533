//! The retail day as an experiment: its scripts write down each start, the daemon may be killed at any instant, and at the
//! end everything is compared with a day on which nothing happened.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use e2e::{Output, Site, site, wait};
use serde_json::Value;

use crate::sales;

pub(crate) const RETAIL: &str = "retail-daily-sales";
pub(crate) const DATE: &str = "2017-12-22";

/// What a day must start, each exactly once: `task item`.
const STARTS: [&str; 14] = [
    "announce ",
    "cleanup ",
    "dashboards Central",
    "dashboards East",
    "dashboards South",
    "dashboards West",
    "exceptions ",
    "index ",
    "quality ",
    "returns ",
    "store_metrics Central",
    "store_metrics East",
    "store_metrics South",
    "store_metrics West",
];

/// The pages that a day has made, by name.
pub(crate) type Pages = BTreeMap<String, Vec<u8>>;

/// A site with the instrumented scripts and the day's file; no daemon yet. `slow`: how long each task dawdles.
pub(crate) fn prepare(slow: Duration) -> Site {
    let site = Site::examples();
    let scripts = site.workflows().join("scripts");
    for entry in fs::read_dir(scripts).expect("they are there").flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_task = path.is_file() && !["lib.sh", "day.sh"].contains(&name.as_str());
        if is_task {
            instrument(&site, &path, slow);
        }
    }
    let file = site.workflows().join("retail-daily-sales.yaml");
    let text = fs::read_to_string(&file).expect("it is there");
    let cleanup = r#"run: rm -rf "$RUNYARD_RUN_DIR/tmp""#;
    assert!(text.contains(cleanup), "the task `cleanup` is as it was");
    let note = format!("{}; ", note(&site));
    let text =
        text.replace(cleanup, &format!("run: |\n      {note}rm -rf \"$RUNYARD_RUN_DIR/tmp\""));
    let text = text.replace("stable_for: 1s", "stable_for: 100ms");
    fs::write(&file, text).expect("it is writable");
    sales::deliver(&site, DATE);
    site
}

/// One line a start; appending so little is atomic.
fn note(site: &Site) -> String {
    let starts = site.path().join("starts");
    format!(
        r#"echo "$RUNYARD_ATTEMPT_ID $RUNYARD_TASK ${{RUNYARD_ITEM:-}}" >> {}"#,
        starts.display()
    )
}

fn instrument(site: &Site, path: &Path, slow: Duration) {
    let text = fs::read_to_string(path).expect("a script can be read");
    let (shebang, rest) = text.split_once('\n').expect("a script has lines");
    let note = note(site);
    let begin = format!("{note}\necho \"begin $RUNYARD_ATTEMPT_ID\" >&2\n");
    let dawdle = format!("sleep {}\n", slow.as_secs_f64());
    let end = "echo \"end $RUNYARD_ATTEMPT_ID\" >&2\n";
    fs::write(path, format!("{shebang}\n{begin}{dawdle}{rest}{end}")).expect("it is writable");
}

/// What a person at the terminal has seen of the day so far.
#[derive(Default, Debug)]
pub(crate) struct Seen {
    was_asked: bool,
    /// The process of each attempt that was seen running.
    pids: BTreeMap<String, i64>,
}

/// How a day came to rest.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Rest {
    Over,
    /// A task ended while no runner was there to see it: a person decides. Where the system keeps the exit codes of
    /// orphans it does not come to this.
    Held,
}

/// Does what a person would: makes the run unless there is one, approves what asks, and starts the daemon again where it
/// has ended.
///
/// - `at`: asked again and again with the time since the first start; kills what it likes.
pub(crate) fn play(site: &mut Site, mut at: impl FnMut(&mut Site, Duration)) -> Rest {
    let started = Instant::now();
    let mut seen = Seen::default();
    let rest = wait::until(Duration::from_secs(120), || {
        at(site, started.elapsed());
        site.ended();
        if !site.is_started() {
            site.launch(&[]);
        }
        step(site, &mut seen)
    });
    rest.unwrap_or_else(|| panic!("the day did not end: {:#}\n{}", site.show("1"), site.log()))
}

/// One look, one deed. Whatever the daemon's absence cuts off is looked at again.
fn step(site: &Site, seen: &mut Seen) -> Option<Rest> {
    let runs = ask(site, &["runs", "--json"])?.json();
    let runs = runs.as_array().expect("a list");
    assert!(runs.len() <= 1, "only one run was asked for: {runs:#?}");
    let Some(run) = runs.first() else {
        // At its start the daemon may not have read the workflows yet.
        ask(site, &["run", RETAIL, "--json"]).inspect(|it| assert!([0, 3].contains(&it.code)));
        return None;
    };
    let id = run["id"].as_str().expect("a run has an id");
    let view = ask(site, &["show", id, "--json"])?.json();
    look(&view, seen);
    if row(&view, "publish_ok")["state"] == "awaiting_approval" {
        seen.was_asked = true;
        ask(site, &["approve", id, "publish_ok", "--json"])
            .inspect(|it| assert!([0, 6].contains(&it.code), "{it:#?}"));
        return None;
    }
    let is_forgotten = seen.was_asked && row(&view, "publish_ok")["state"] != "succeeded";
    assert!(!is_forgotten, "a question that was asked is asked still, or answered: {view:#}");
    if view["counts"]["held"].as_u64().is_some_and(|it| it > 0) {
        assert!(site.has_lost_its_runner(), "nothing is lost with the daemon alone: {view:#}");
        return Some(Rest::Held);
    }
    site::is_over(&view).then_some(Rest::Over)
}

/// What the daemon answers, unless it is away, went away before it had answered, or says that it cannot just now.
fn ask(site: &Site, arguments: &[&str]) -> Option<Output> {
    let output = site.try_runyard(arguments);
    let is_busy = output.code == 1
        && ["unavailable", "unknown"].iter().any(|it| output.json()["error"]["code"] == **it);
    (output.code != 5 && !is_busy).then_some(output)
}

fn look(view: &Value, seen: &mut Seen) {
    for task in view["tasks"].as_array().expect("a run has tasks") {
        for attempt in task["attempts"].as_array().expect("a task has attempts") {
            let (Some(id), Some(pid)) = (attempt["id"].as_str(), attempt["pid"].as_i64()) else {
                continue;
            };
            let known = *seen.pids.entry(id.to_owned()).or_insert(pid);
            assert_eq!(known, pid, "an attempt keeps its process: {task:#}");
        }
    }
}

fn row<'a>(view: &'a Value, task: &str) -> &'a Value {
    let rows = view["tasks"].as_array().expect("a run has tasks");
    rows.iter().find(|it| it["task"] == task).expect("the run has this task")
}

/// Requires everything that a day promises, whatever happened on it. It is judged by what is on disk: the daemon is killed
/// once more before.
pub(crate) fn judge(site: &mut Site, undisturbed: &Pages) {
    if site.ended().is_none() {
        site.kill9();
    }
    site.start_daemon();
    let view = site.show("1");
    assert_eq!(view["state"], "succeeded", "{view:#}\n{}", site.log());
    assert_eq!(view["counts"], serde_json::json!({ "succeeded": 17 }), "{view:#}");
    let starts = fs::read_to_string(site.path().join("starts")).expect("tasks have started");
    let mut ids = BTreeSet::new();
    let mut tasks = Vec::new();
    for line in starts.lines() {
        let (id, task) = line.split_once(' ').expect("a line has an id and a task");
        assert!(ids.insert(id.to_owned()), "{id} was started twice:\n{starts}");
        tasks.push(task.to_owned());
    }
    tasks.sort();
    let events = site.runyard(&["events", "1"]).expect(0).stdout;
    assert_eq!(tasks, STARTS, "each task and item starts once:\n{starts}\n{events}");
    for task in STARTS.iter().filter(|it| **it != "cleanup ") {
        check_log(site, &task.trim_end().replace(' ', ":"), &ids);
    }
    assert!(pages(site) == *undisturbed, "the pages are those of an undisturbed day");
}

/// Requires what holds for a day that waits for a person: it says why, and nothing was started twice.
pub(crate) fn judge_held(site: &Site) {
    let why = site.runyard(&["why", "1"]).expect(0).stdout;
    assert!(why.contains("nobody knows how"), "{why}");
    let starts = fs::read_to_string(site.path().join("starts")).expect("tasks have started");
    let ids: Vec<&str> = starts.lines().filter_map(|it| it.split(' ').next()).collect();
    let different: BTreeSet<&str> = ids.iter().copied().collect();
    assert_eq!(different.len(), ids.len(), "an attempt was started twice:\n{starts}");
}

fn check_log(site: &Site, task: &str, started: &BTreeSet<String>) {
    let row = site.task("1", task);
    let attempts = row["attempts"].as_array().expect("a task has attempts");
    let (attempt, before) = attempts.split_last().expect("it has been tried");
    // What a dying runner had not begun is begun by the next one, as an attempt of its own.
    let has_begun = |it: &&Value| !it["outcome"].to_string().contains("its runner died before");
    let is_once = before.is_empty() || site.has_lost_its_runner();
    assert!(is_once && !before.iter().any(|it| has_begun(&it)), "{row:#}");
    let id = attempt["id"].as_str().expect("an attempt has an id");
    assert!(started.contains(id), "what is told to have run has run: {row:#}");
    assert_eq!(attempt["exit"], 0, "{row:#}");
    let log = site.task_log("1", task);
    let (begin, end) = (format!("begin {id}\n"), format!("end {id}\n"));
    let is_whole = match task {
        // A runner that is killed takes with it what it has read and not written yet, and what was printed while there
        // was none is lost, which the log says. Nothing else may be in it.
        _ if site.has_lost_its_runner() => log.lines().all(|it| {
            let own = [begin.trim_end(), end.trim_end(), "0", ""];
            own.contains(&it) || it.ends_with("while there was no runner is lost]")
        }),
        // The value of a check comes by another pipe than what its program says.
        "quality" => log.contains(&begin) && log.contains(&end) && log.contains("0\n"),
        _ => log == format!("{begin}{end}"),
    };
    assert!(is_whole, "the log of {task} is whole: {log:?}");
}

/// The pages that are there.
pub(crate) fn pages(site: &Site) -> Pages {
    let folder = site.workflows().join("data/dashboards").join(DATE);
    let entries = fs::read_dir(folder).expect("pages were made").flatten();
    let read = |it: fs::DirEntry| {
        let bytes = fs::read(it.path()).expect("a page can be read");
        (it.file_name().to_string_lossy().into_owned(), bytes)
    };
    entries.map(read).collect()
}
