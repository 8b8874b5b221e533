//! Workflows by chance: every feature there is, in every combination that a file could hold.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use shared::capacity::{Capacity, PoolSize, QueuePolicy, ResourceSize};
use shared::expr::{Expr, Template};
use shared::id::{PoolName, ResourceName, TaskName};
use shared::workflow::{
    AfterPrevious, CheckFailure, CheckItem, CheckWhat, Concurrency, Deadline, Docs, FileWait, Kind,
    Map, MapOver, OnFailure, OnRunFailure, OnTimeout, Param, ParamDefault, ParamType, Priority,
    Publish, Retry, RetryOn, Rollback, Route, Section, Task, Timeout, Tolerate, TriggerRule,
    UndoPolicy, WhenFull, Workflow,
};

use crate::rng::Rng;

mod groups;

/// The pools and their slots.
pub fn pools() -> Vec<(PoolName, u32)> {
    vec![("local".into(), 2), ("batch".into(), 3)]
}

/// The resources and their amounts.
pub fn resources() -> Vec<(ResourceName, u32)> {
    vec![("db".into(), 2), ("licence".into(), 1)]
}

/// What the daemon is told of both.
pub fn capacity() -> Capacity {
    let pools = pools().into_iter().map(|(name, slots)| (name, PoolSize::slots(slots)));
    let resources = resources().into_iter();
    let resources = resources.map(|(name, amount)| (name, ResourceSize { amount, rate: None }));
    Capacity {
        pools: pools.collect(),
        resources: resources.collect(),
        queue: QueuePolicy::default(),
    }
}

/// A workflow by chance. `version` makes it differ from every other.
pub fn workflow(rng: &mut Rng, name: &str, version: u64) -> Arc<Workflow> {
    let mut tasks = Vec::new();
    let count = if rng.once_in(4) { rng.between(6, 12) } else { rng.between(1, 5) };
    let finally = if rng.percent(35) { rng.between(1, 2) } else { 0 };
    for number in 0..count {
        groups::push(rng, format!("t{number}"), Section::Main, &mut tasks);
    }
    for number in 0..finally {
        groups::push(rng, format!("f{number}"), Section::Finally, &mut tasks);
    }
    let param = |name: &str, kind, default| Param {
        name: name.into(),
        kind,
        default: Some(default),
        description: None,
    };
    Arc::new(Workflow {
        name: name.into(),
        deadline: rng.once_in(5).then(|| Deadline { within: rng.span(Duration::from_secs(900)) }),
        version: format!("{name}-{version}").as_str().into(),
        description: None,
        owner: None,
        tags: Vec::new(),
        docs: Docs::default(),
        folder: "/flows".to_owned(),
        params: vec![
            param("flag", ParamType::Bool, ParamDefault::Value(json!(rng.percent(70)))),
            param("lane", ParamType::Int, ParamDefault::Value(json!(1))),
            param(
                "text",
                ParamType::String,
                ParamDefault::Template(template("l{{ params.lane }}")),
            ),
        ],
        priority: Priority(u16::try_from(rng.between(0, 3) * 250).unwrap_or(0)),
        concurrency: concurrency(rng),
        timeout: rng.percent(15).then(|| Duration::from_secs(rng.between(10, 200).into())),
        on_run_failure: on_run_failure(rng),
        tasks,
    })
}

fn on_run_failure(rng: &mut Rng) -> OnRunFailure {
    if rng.percent(50) {
        return OnRunFailure::Keep;
    }
    let conditions =
        ["params.flag", "tasks.t0.state == 'failed'", "run.number % 2 == 0", "params.no"];
    OnRunFailure::RollBack {
        when: rng.percent(30).then(|| expr(rng, &conditions)),
        how: UndoPolicy { parallel: rng.between(1, 3), goes_on: rng.percent(40) },
    }
}

fn concurrency(rng: &mut Rng) -> Concurrency {
    let choices = [
        WhenFull::Queue,
        WhenFull::QueueOne,
        WhenFull::Skip,
        WhenFull::CancelOldest,
        WhenFull::Allow,
    ];
    let when_full = *rng.pick(&choices).expect("there are choices");
    let jumps = matches!(when_full, WhenFull::Allow | WhenFull::CancelOldest);
    Concurrency {
        after_previous: match rng.once_in(4) && !jumps {
            true => AfterPrevious::Succeeded,
            false => AfterPrevious::Ended,
        },
        max_runs: rng.between(1, 2),
        when_full,
        key: rng.once_in(3).then(|| template("{{ params.lane }}")),
    }
}

fn task(rng: &mut Rng, name: String, section: Section, before: &[Task]) -> Task {
    let needs = needs(rng, before);
    let kind = kind(rng);
    let is_process = matches!(kind, Kind::Run { .. } | Kind::Exec { .. } | Kind::Publish { .. });
    let rule = match needs.is_empty() || rng.percent(45) {
        true => TriggerRule::AllSuccess,
        false if rng.percent(25) => rule(rng, &needs),
        false => rng.pick(&TriggerRule::NAMES).expect("there are rules").1.clone(),
    };
    let seconds = |rng: &mut Rng, percent, first, last| {
        rng.percent(percent).then(|| Duration::from_secs(rng.between(first, last).into()))
    };
    let declares = is_process && rng.percent(25);
    let expects = is_process && rng.percent(15);
    let rollback = match section {
        Section::Main => rollback(rng, &kind),
        Section::Finally => None,
    };
    Task {
        when: when(rng, &needs),
        hold: rng.once_in(12),
        map: map(rng, &needs, before),
        env: env(rng, &needs),
        needs,
        name: name.as_str().into(),
        section,
        group: None,
        description: None,
        kind,
        trigger_rule: rule,
        working_dir: rng.once_in(10).then(|| template("sub/{{ params.text }}")),
        pool: if rng.percent(60) { "local".into() } else { "batch".into() },
        other_pools: Vec::new(),
        route: Route::FirstAvailable,
        cpu: 0,
        memory: 0,
        preemptible: rng.percent(20),
        slots: if rng.percent(3) { 4 } else { rng.between(1, 2) },
        resources: task_resources(rng),
        priority: rng
            .once_in(5)
            .then(|| Priority(u16::try_from(rng.between(0, 1_000)).unwrap_or(0))),
        timeout: Timeout {
            attempt: seconds(rng, 40, 1, 90),
            total: seconds(rng, 20, 5, 300),
            idle: if is_process { seconds(rng, 15, 1, 30) } else { None },
        },
        kill_grace: Duration::from_secs(rng.between(0, 10).into()),
        retry: retry(rng),
        idempotent: [None, None, Some(true), Some(false)][rng.below(4) as usize],
        outputs: match declares {
            true => BTreeMap::from([("n".to_owned(), ParamType::Int)]),
            false => BTreeMap::new(),
        },
        expect: match expects {
            true => vec![expr(rng, &["outputs.n > 1", "exit == 0", "duration < 60", "outputs.no"])],
            false => Vec::new(),
        },
        on_failure: if rng.percent(20) { OnFailure::Continue } else { OnFailure::Fail },
        rollback,
    }
}

/// What a file could say undoes a task of this kind; a `publish` is always undone by itself.
fn rollback(rng: &mut Rng, kind: &Kind) -> Option<Rollback> {
    let text = "{{ params.text }}";
    let undo = match kind {
        Kind::Publish { .. } => kind.clone(),
        Kind::Wait { .. } | Kind::Approval { .. } | Kind::Group => return None,
        Kind::Check { items } if items.iter().all(|it| matches!(it.what, CheckWhat::Expr(_))) => {
            return None;
        }
        Kind::Run { .. } | Kind::Exec { .. } | Kind::Check { .. } if rng.percent(30) => {
            return None;
        }
        Kind::Run { .. } | Kind::Exec { .. } | Kind::Check { .. } if rng.percent(50) => {
            Kind::Run { shell: vec!["bash".to_owned()], script: "undo".to_owned() }
        }
        Kind::Run { .. } | Kind::Exec { .. } | Kind::Check { .. } => Kind::Exec {
            argv: vec![template("undo"), template(rng.pick(&[text, text, "{{ run.no }}"])?)],
        },
    };
    let attempt = rng.percent(40).then(|| Duration::from_secs(rng.between(1, 60).into()));
    Some(Rollback {
        kind: undo,
        retry: retry(rng),
        timeout: Timeout { attempt, total: None, idle: None },
        also_failed: !matches!(kind, Kind::Publish { .. }) && rng.percent(35),
    })
}

/// An expression over the needs.
fn rule(rng: &mut Rng, needs: &[TaskName]) -> TriggerRule {
    let parts = shared::workflow::NEED_PARTS;
    let mut ask = || {
        let need = rng.pick(needs).expect("there are needs");
        format!("{need}.{}", rng.pick(&parts).expect("there are parts"))
    };
    let source = format!("{} or (not {} and needs['{}'].done)", ask(), ask(), needs[0]);
    TriggerRule::Expr(Expr::parse(&source).expect("it is an expression"))
}

fn needs(rng: &mut Rng, before: &[Task]) -> Vec<TaskName> {
    let count = if before.is_empty() { 0 } else { rng.between(0, 3) };
    let chosen: BTreeSet<usize> =
        (0..count).map(|_| rng.below(before.len() as u64) as usize).collect();
    chosen.into_iter().map(|it| before[it].name.clone()).collect()
}

fn kind(rng: &mut Rng) -> Kind {
    match rng.below(10) {
        0 => Kind::Wait {
            file: FileWait {
                path: template(if rng.percent(90) {
                    "in/{{ params.text }}.csv"
                } else {
                    "{{ run.no }}"
                }),
                stable_for: Duration::from_secs(1),
            },
        },
        1 => Kind::Approval {
            message: template(if rng.percent(95) { "go on {{ run.id }}?" } else { "{{ run.no }}" }),
            on_timeout: *rng
                .pick(&[OnTimeout::Reject, OnTimeout::Approve, OnTimeout::Skip, OnTimeout::Hold])
                .expect("there are choices"),
        },
        2 => Kind::Check { items: (0..rng.between(1, 2)).map(|_| expr_item(rng)).collect() },
        3 => Kind::Check {
            items: (0..rng.between(1, 3))
                .map(|_| if rng.once_in(3) { expr_item(rng) } else { exec_item(rng) })
                .collect(),
        },
        4 => Kind::Run { shell: vec!["bash".to_owned()], script: "work".to_owned() },
        5 => Kind::Publish {
            publish: Publish {
                dataset: None,
                from: template("report"),
                to: template(if rng.percent(90) {
                    "out/{{ params.text }}"
                } else {
                    "{{ run.no }}"
                }),
                keep: rng.between(1, 3),
            },
        },
        _ => Kind::Exec { argv: vec![template("work"), template("{{ params.text }}")] },
    }
}

fn check_failure(rng: &mut Rng) -> CheckFailure {
    if rng.percent(50) { CheckFailure::Fail } else { CheckFailure::Warn }
}

fn expr_item(rng: &mut Rng) -> CheckItem {
    CheckItem {
        what: CheckWhat::Expr(expr(rng, &["params.flag", "params.lane", "params.no"])),
        expect: rng.percent(30).then(|| expr(rng, &["value == 1", "value"])),
        on_failure: check_failure(rng),
    }
}

fn exec_item(rng: &mut Rng) -> CheckItem {
    CheckItem {
        what: CheckWhat::Exec(vec![template("judge"), template("{{ params.lane }}")]),
        expect: rng.percent(50).then(|| expr(rng, &["value > 2", "exit == 0"])),
        on_failure: check_failure(rng),
    }
}

fn when(rng: &mut Rng, needs: &[TaskName]) -> Option<Expr> {
    if !rng.percent(15) {
        return None;
    }
    let need = needs.first().map(|it| format!("tasks.{it}.state == 'succeeded'"));
    let mut choices = vec!["params.flag", "not params.flag", "params.no", "run.number % 2 == 0"];
    choices.extend(need.as_deref());
    Some(expr(rng, &choices))
}

fn map(rng: &mut Rng, needs: &[TaskName], before: &[Task]) -> Option<Map> {
    if !rng.percent(22) {
        return None;
    }
    let list = |count: u64| (0..count).map(|it| Value::from(format!("i{it}"))).collect();
    let over = match (needs.first(), rng.percent(40)) {
        (Some(need), true) if before.iter().any(|it| it.name == *need) => {
            MapOver::Expr(expr(rng, &[&format!("tasks.{need}.outputs.list")]))
        }
        _ => MapOver::List(list(rng.below(6))),
    };
    Some(Map {
        over,
        name: "item".to_owned(),
        key: rng.once_in(5).then(|| expr(rng, &["item ~ '!'", "item.no"])),
        max_parallel: rng.percent(50).then(|| rng.between(1, 3)),
        tolerate: match rng.below(5) {
            0 => Tolerate::Count(rng.between(1, 3)),
            1 => Tolerate::Percent(rng.between(0, 100)),
            2 => Tolerate::Expr(expr(rng, &["params.lane", "params.text"])),
            _ => Tolerate::Count(0),
        },
    })
}

fn env(rng: &mut Rng, needs: &[TaskName]) -> Vec<(String, Template)> {
    match needs.first() {
        Some(need) if rng.once_in(8) => {
            vec![("N".to_owned(), template(&format!("{{{{ tasks.{need}.outputs.n }}}}")))]
        }
        _ => Vec::new(),
    }
}

fn task_resources(rng: &mut Rng) -> BTreeMap<ResourceName, u32> {
    let mut taken = BTreeMap::new();
    if rng.percent(20) {
        taken.insert("db".into(), rng.between(1, 2));
    }
    if rng.percent(12) {
        taken.insert("licence".into(), 1);
    }
    taken
}

fn retry(rng: &mut Rng) -> Retry {
    if rng.percent(40) {
        return Retry::default();
    }
    Retry {
        limit: rng.between(0, 3),
        delay: Duration::from_secs(rng.between(0, 30).into()),
        backoff: f64::from(rng.between(1, 3)),
        max_delay: Duration::from_secs(60),
        jitter: f64::from(rng.between(0, 10)) / 10.0,
        on: RetryOn::NAMES.iter().filter(|_| rng.percent(70)).map(|it| it.1).collect(),
        exit_codes: if rng.once_in(4) { BTreeSet::from([1]) } else { BTreeSet::new() },
        memory_factor: None,
    }
}

fn expr(rng: &mut Rng, choices: &[&str]) -> Expr {
    let text = rng.pick(choices).expect("there are choices");
    Expr::parse(text).expect("the expressions here are correct")
}

fn template(text: &str) -> Template {
    Template::parse(text).expect("the templates here are correct")
}
