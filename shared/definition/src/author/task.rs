//! A task: what all kinds have in common.

use std::collections::BTreeMap;
use std::time::Duration;

use shared::capacity::parse_size;
use shared::expr::Template;
use shared::id::{ResourceName, TaskName};
use shared::workflow::{
    Kind, Map, MapOver, OnFailure, Priority, Retry, Route, Section, Task, Timeout, Tolerate,
    TriggerRule,
};

use super::reader::{Reader, Scope, duration, number, read_word};
use super::{Defaults, kind, param, retry, rollback};
use crate::keys;
use crate::problem::Problem;
use crate::yaml::{Entry, Node, Place, Value, shorten};

/// Where a task and its needs stand.
#[derive(Debug)]
pub(crate) struct TaskPlaces {
    pub(crate) name: Place,
    /// As many as the task has needs.
    pub(crate) needs: Vec<Place>,
    /// Where its trigger rule stands, if it is an expression.
    pub(crate) rule: Option<Place>,
    /// It is a process that may run as long as the default allows.
    pub(crate) lacks_timeout: bool,
}

/// What a task shares with others.
pub(super) struct Shared<'d> {
    pub(super) section: Section,
    pub(super) env: &'d [(String, Template)],
    pub(super) defaults: &'d Defaults,
    /// Its number in the workflow.
    pub(super) number: usize,
    /// What it is directly in.
    pub(super) group: Option<&'d Around<'d>>,
}

/// What a group shares with the tasks in it.
pub(super) struct Around<'d> {
    pub(super) name: &'d TaskName,
    /// The map that each of them runs an item of, and the group that has it.
    pub(super) map: Option<(Map, TaskName)>,
}

impl Around<'_> {
    fn item(&self) -> Option<&str> {
        self.map.as_ref().map(|(map, _)| map.name.as_str())
    }
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Keys that say something of a process alone.
const PROCESS_KEYS: [&str; 9] = [
    "pool",
    "route",
    "resources",
    "preemptible",
    "working_dir",
    "kill_grace",
    "idempotent",
    "outputs",
    "expect",
];

pub(super) fn read(
    entry: &Entry,
    shared: &Shared<'_>,
    reader: &mut Reader<'_, '_, '_>,
) -> (Task, TaskPlaces) {
    let node = &entry.value;
    let name = match shared.group {
        None => entry.key.clone(),
        Some(around) => format!("{}/{}", around.name, entry.key),
    };
    let scope = Scope::of_task(shared.number).with_item(shared.group.and_then(Around::item));
    let map = read_own_map(entry, &name, shared, &scope, reader);
    let own = scope.clone().with_item(map.as_ref().map(|it| it.name.as_str()));
    let kind = kind::read(entry, &own, reader);
    let mut env = shared.env.to_vec();
    // That of a group is read by each task in it, which may know other tasks.
    let of_env = match kind {
        Kind::Group => Scope::of_workflow().with_item(own.item.as_deref()),
        _ => own.clone(),
    };
    env.extend(reader.env(node.get("env"), &of_env));
    let of_expect = own.clone().with(&["trigger", "outputs", "exit", "duration"]);
    let taken = read_resources(node.get("resources"), reader);
    let text = |key: &str| node.get(key).and_then(Node::text);
    let pools = read_pools(node, reader);
    let mut task = Task {
        name: name.as_str().into(),
        section: shared.section,
        group: shared.group.map(|it| it.name.clone()),
        description: text("description").map(str::to_owned),
        kind,
        needs: Vec::new(),
        trigger_rule: read_rule(node.get("trigger_rule"), reader),
        when: node.get("when").and_then(|it| reader.expr(it, &scope)),
        hold: node.get("hold").and_then(Node::bool).unwrap_or(false),
        map,
        env,
        working_dir: node.get("working_dir").and_then(|it| reader.template(it, &own)),
        pool: pools.first().copied().unwrap_or(&shared.defaults.pool).into(),
        other_pools: pools.iter().skip(1).map(|it| (*it).into()).collect(),
        route: read_or(node, "route", &keys::ROUTE, Route::FirstAvailable),
        slots: taken.slots.unwrap_or(0),
        cpu: taken.cpu,
        memory: taken.memory,
        resources: taken.others,
        preemptible: node.get("preemptible").and_then(Node::bool).unwrap_or(false),
        priority: text("priority").and_then(Priority::read),
        timeout: Timeout::default(),
        kill_grace: node.get("kill_grace").and_then(duration).unwrap_or(shared.defaults.kill_grace),
        retry: Retry::default(),
        idempotent: node.get("idempotent").and_then(Node::bool),
        outputs: read_outputs(node.get("outputs"), reader),
        expect: reader.exprs(node.get("expect"), &of_expect),
        on_failure: read_or(node, "on_failure", &keys::ON_FAILURE, OnFailure::Fail),
        rollback: rollback::read(entry, &own, reader),
    };
    if matches!(task.kind, Kind::Publish { .. }) {
        let is_undone = shared.section == Section::Main;
        task.rollback = rollback::built_in(&task.kind).filter(|_| is_undone);
    }
    task.slots = taken.slots.unwrap_or(u32::from(task.has_process()));
    task.timeout = read_timeout(node, &task, shared.defaults);
    task.retry = read_retry(node, &task.kind, shared.defaults, reader);
    check_place_of_keys(node, &task, reader);
    let needs = node.get("needs").map_or(&[][..], Node::items);
    let needs: Vec<&Node> = needs.iter().filter(|it| it.text().is_some()).collect();
    task.needs = needs.iter().filter_map(|it| it.text()).map(Into::into).collect();
    let unlimited = task.has_process() && node.get("timeout").is_none();
    let places = TaskPlaces {
        name: entry.place,
        needs: needs.iter().map(|it| it.place).collect(),
        rule: node.get("trigger_rule").map(|it| it.place),
        lacks_timeout: unlimited && shared.defaults.timeout.is_none(),
    };
    (task, places)
}

fn read_or<T: Clone>(node: &Node, key: &str, words: &[(&str, T)], default: T) -> T {
    node.get(key).and_then(|it| read_word(it, words)).unwrap_or(default)
}

/// The name of a rule, or an expression over the needs.
fn read_rule(node: Option<&Node>, reader: &mut Reader<'_, '_, '_>) -> TriggerRule {
    let Some(node) = node else { return TriggerRule::AllSuccess };
    let text = node.text().unwrap_or_default();
    match read_word(node, &TriggerRule::NAMES) {
        Some(rule) => rule,
        None if keys::is_rule_expression(text) => {
            reader.rule(node).map_or(TriggerRule::AllSuccess, TriggerRule::Expr)
        }
        None => TriggerRule::AllSuccess,
    }
}

/// What an attempt takes.
struct Taken {
    slots: Option<u32>,
    /// In thousandths of a processor.
    cpu: u32,
    /// In bytes.
    memory: u64,
    others: BTreeMap<ResourceName, u32>,
}

/// The slots, processors and memory of the pool, and all other resources by name.
fn read_resources(node: Option<&Node>, reader: &mut Reader<'_, '_, '_>) -> Taken {
    let mut taken = Taken { slots: None, cpu: 0, memory: 0, others: BTreeMap::new() };
    for entry in node.map_or(&[][..], Node::entries) {
        match entry.key.as_str() {
            "slots" => taken.slots = number(&entry.value),
            "cpu" => match entry.value.number().filter(|it| (0.001..=100_000.0).contains(it)) {
                // In the range that was checked it fits.
                Some(cpu) => taken.cpu = (cpu * 1_000.0).round() as u32,
                None => refuse(entry, "a number of processors such as 0.5 or 2", reader),
            },
            "memory" => match entry.value.text().and_then(parse_size).filter(|it| *it > 0) {
                Some(bytes) => taken.memory = bytes,
                None => refuse(entry, "a size such as 512MiB or 4GiB", reader),
            },
            name => match number(&entry.value) {
                Some(amount) => drop(taken.others.insert(name.into(), amount)),
                None => refuse(entry, "a whole number from 0 to 1000000", reader),
            },
        }
    }
    taken
}

fn refuse(entry: &Entry, expected: &'static str, reader: &mut Reader<'_, '_, '_>) {
    let found = shorten(entry.value.text().unwrap_or("what is written"));
    let what = entry.key.clone();
    reader.report.add(entry.value.place, Problem::NotAnAmount { what, found, expected });
}

/// The pools of a task, in their order.
fn read_pools<'n>(node: &'n Node, reader: &mut Reader<'_, '_, '_>) -> Vec<&'n str> {
    let Some(entry) = node.entry("pool") else { return Vec::new() };
    let pools: Vec<&str> = match entry.value.text() {
        Some(name) => vec![name],
        None => entry.value.items().iter().filter_map(Node::text).collect(),
    };
    for (place, pool) in pools.iter().enumerate() {
        if pools[..place].contains(pool) {
            let (what, found) = ("pool".to_owned(), (*pool).to_owned());
            let expected = "a list that names each pool once";
            reader.report.add(entry.value.place, Problem::NotAnAmount { what, found, expected });
        }
    }
    pools
}

fn read_outputs(
    node: Option<&Node>,
    reader: &mut Reader<'_, '_, '_>,
) -> BTreeMap<String, shared::workflow::ParamType> {
    let entries = node.map_or(&[][..], Node::entries);
    let read = entries
        .iter()
        .filter_map(|it| Some((it.key.clone(), param::read_type(&it.key, &it.value, reader)?)));
    read.collect()
}

fn read_timeout(node: &Node, task: &Task, defaults: &Defaults) -> Timeout {
    let day = Timeout { attempt: Some(DAY), total: None, idle: None };
    let written = node.get("timeout").map(retry::read_timeout);
    match task.kind {
        Kind::Approval { .. } => {
            let inner = node.get("approval").and_then(|it| it.get("timeout"));
            written.or_else(|| inner.map(retry::read_timeout)).unwrap_or(day)
        }
        _ if task.has_process() => written.or(defaults.timeout).unwrap_or(day),
        _ => written.unwrap_or_default(),
    }
}

fn read_retry(
    node: &Node,
    kind: &Kind,
    defaults: &Defaults,
    reader: &mut Reader<'_, '_, '_>,
) -> Retry {
    let of_defaults = match kind {
        Kind::Run { .. } | Kind::Exec { .. } | Kind::Check { .. } | Kind::Publish { .. } => {
            defaults.retry.clone()
        }
        Kind::Wait { .. } | Kind::Approval { .. } | Kind::Group => None,
    };
    let base = of_defaults.unwrap_or_default();
    retry::check(node.get("retry"), reader.report);
    match node.get("retry") {
        Some(node) => retry::read(node, base),
        None => base,
    }
}

/// Tells keys that do nothing for a task of its kind: whoever has written them expects something of them.
fn check_place_of_keys(node: &Node, task: &Task, reader: &mut Reader<'_, '_, '_>) {
    let kind = match task.kind {
        Kind::Group => return check_keys_of_group(node, task, reader),
        Kind::Run { .. } => "`run`",
        Kind::Exec { .. } => "`exec`",
        Kind::Wait { .. } => "`wait`",
        Kind::Approval { .. } => "`approval`",
        Kind::Check { .. } if task.has_process() => "`check`",
        Kind::Check { .. } => "a `check` of expressions",
        Kind::Publish { .. } => "`publish`",
    };
    if !task.has_process()
        && let Some(entry) = node.get("timeout").and_then(|it| it.entry("idle"))
    {
        let help = "only a process can be silent: drop it";
        reader.report.add(entry.place, Problem::Misplaced { key: "idle", kind, help });
    }
    let mut refuse = |key: &'static str, help| {
        if let Some(entry) = node.entry(key) {
            reader.report.add(entry.place, Problem::Misplaced { key, kind, help });
        }
    };
    if !matches!(task.kind, Kind::Run { .. }) {
        refuse("shell", "it belongs to `run`: drop it");
    }
    if !task.has_process() {
        PROCESS_KEYS
            .iter()
            .for_each(|it| refuse(it, "it speaks of a process, and there is none: drop it"));
    }
    if matches!(task.kind, Kind::Publish { .. }) {
        refuse("working_dir", "`from` starts at the run's folder, `to` at the file's: drop it");
        refuse("outputs", "it gives none: drop it");
    }
    if matches!(task.kind, Kind::Approval { .. }) {
        refuse("retry", "a person answers once: drop it");
    }
    check_rollback(node, task, kind, reader);
    let slots = node.get("resources").and_then(|it| it.get("slots"));
    if let Some(slots) = slots.filter(|_| task.has_process() && task.slots == 0) {
        let expected = "a whole number of at least 1".to_owned();
        reader.report.add(slots.place, Problem::out_of_range("slots", "0", expected));
    }
}

/// A group has no attempts: what speaks of those is said of the tasks in it.
fn check_keys_of_group(node: &Node, task: &Task, reader: &mut Reader<'_, '_, '_>) {
    let inner = node.get("tasks").and_then(|it| it.entries().first());
    let Some(inner) = inner else {
        let place = node.entry("tasks").map_or(node.place, |it| it.place);
        return reader.report.add(place, Problem::empty("tasks", "one task or more, by name"));
    };
    let known = |it: &&Entry| keys::TASK.supported().any(|known| known == it.key);
    let misplaced = |it: &&Entry| !keys::GROUP_KEYS.contains(&it.key.as_str());
    let is_kind = |it: &&Entry| keys::KINDS.contains(&it.key.as_str());
    let entries = node.entries().iter().filter(known).filter(misplaced);
    for entry in entries.filter(|it| !is_kind(it)) {
        let (key, group) = (entry.key.clone(), task.name.to_string());
        let inner = format!("{group}/{}", inner.key);
        reader.report.add(entry.place, Problem::OnGroup { key, group, inner });
    }
}

/// Its own map; in a mapped group the one of that, whose limits hold for the chain as a whole.
fn read_own_map(
    entry: &Entry,
    name: &str,
    shared: &Shared<'_>,
    scope: &Scope,
    reader: &mut Reader<'_, '_, '_>,
) -> Option<Map> {
    let own = entry.value.entry("map");
    let Some((outer, group)) = shared.group.and_then(|it| it.map.as_ref()) else {
        return own.map(|it| read_map(&it.value, scope, reader));
    };
    if let Some(own) = own {
        let (inner, group) = (name.to_owned(), group.to_string());
        reader.report.add(own.place, Problem::NestedMap { inner, group });
    }
    Some(Map { max_parallel: None, ..outer.clone() })
}

/// Tells a `rollback` that would never run.
fn check_rollback(node: &Node, task: &Task, kind: &'static str, reader: &mut Reader<'_, '_, '_>) {
    let Some(entry) = node.entry("rollback") else { return };
    let (kind, help) = match &task.kind {
        // What it is could not be read, which has been told.
        Kind::Check { items } if items.is_empty() => return,
        _ if task.section == Section::Finally => {
            ("`finally`", "what runs last is never undone: drop it")
        }
        Kind::Publish { .. } => {
            (kind, "its undo is built in, and puts back what was there: drop it")
        }
        _ if !task.has_process() => (kind, "it leaves nothing to undo: drop it"),
        _ => return,
    };
    reader.report.add(entry.place, Problem::Misplaced { key: "rollback", kind, help });
}

fn read_map(node: &Node, scope: &Scope, reader: &mut Reader<'_, '_, '_>) -> Map {
    let name = node.get("as").and_then(Node::text).unwrap_or("item");
    let of_item = scope.clone().with_item(Some(name));
    let over = node.get("over");
    let over = match over.map(|it| &it.value) {
        Some(Value::List(items)) => {
            check_items(items, node.get("key").is_some(), reader);
            MapOver::List(items.iter().map(Node::to_json).collect())
        }
        Some(_) => over
            .and_then(|it| reader.expr(it, scope))
            .map_or(MapOver::List(Vec::new()), MapOver::Expr),
        None => MapOver::List(Vec::new()),
    };
    Map {
        over,
        name: name.to_owned(),
        key: node.get("key").and_then(|it| reader.expr(it, &of_item)),
        max_parallel: node.get("max_parallel").and_then(number),
        tolerate: read_tolerate(node.get("tolerate"), scope, reader),
    }
}

/// Items without a key are addressed by their text, so each must have one of its own.
fn check_items(items: &[Node], has_key: bool, reader: &mut Reader<'_, '_, '_>) {
    if has_key {
        return;
    }
    let mut seen = std::collections::BTreeSet::new();
    for item in items {
        let problem = match item.text() {
            Some(text) if seen.insert(text) => continue,
            Some(text) => Problem::DuplicateItem(shorten(text)),
            None => Problem::Conflict(
                format!(
                    "an item of `over` is {}, and has no text to be addressed by",
                    item.describe()
                ),
                "add `key:` with an expression that gives one, such as `item.name`",
            ),
        };
        reader.report.add(item.place, problem);
    }
}

fn read_tolerate(node: Option<&Node>, scope: &Scope, reader: &mut Reader<'_, '_, '_>) -> Tolerate {
    let Some(node) = node else { return Tolerate::Count(0) };
    if let Some(count) = number(node) {
        return Tolerate::Count(count);
    }
    if matches!(node.value, Value::Float(..)) {
        let expected = "a whole number, a part such as `10%`, or an expression".to_owned();
        let found = node.text().unwrap_or_default();
        reader.report.add(node.place, Problem::out_of_range("tolerate", found, expected));
        return Tolerate::Count(0);
    }
    let percent = node.text().and_then(|it| it.trim().strip_suffix('%')).map(str::trim);
    match percent.map(|it| it.parse::<u32>().ok().filter(|it| *it <= 100)) {
        Some(Some(percent)) => Tolerate::Percent(percent),
        Some(None) => {
            let expected = "a whole number from 0% to 100%".to_owned();
            let found = node.text().unwrap_or_default();
            reader.report.add(node.place, Problem::out_of_range("tolerate", found, expected));
            Tolerate::Count(0)
        }
        None => reader.expr(node, scope).map_or(Tolerate::Count(0), Tolerate::Expr),
    }
}
