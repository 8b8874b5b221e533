//! How attempts end, and what people answer.

use shared::request::Decision;
use shared::workflow::Kind;
use shared::workflow::test::{
    Answers, Lasts, Mock, MockedAttempt, MockedDecision, MockedEnd, Pattern,
};

use super::{Known, person, span};
use crate::author::reader::{Reader, read_word};
use crate::keys::MOCKED_OUTCOMES;
use crate::problem::Problem;
use crate::yaml::{Entry, Node, Value};

/// Reads `mock`.
pub(super) fn read(
    node: Option<&Node>,
    known: &Known<'_>,
    reader: &mut Reader<'_, '_, '_>,
) -> Vec<Mock> {
    let mut mocks = Vec::new();
    for entry in node.map_or(&[][..], Node::entries) {
        let pattern = known.pattern(entry, reader);
        if entry.value.items().is_empty() {
            let problem = Problem::empty(&entry.key, "an attempt, or a list of attempts");
            reader.report.add(entry.place, problem);
        }
        let items = entry.value.items().iter();
        let attempts: Vec<MockedAttempt> = items.map(|it| read_attempt(it, reader)).collect();
        if let Some(of) = pattern.filter(|_| !attempts.is_empty()) {
            check_kind(&of, entry, known, reader);
            mocks.push(Mock { of, attempts });
        }
    }
    mocks
}

fn read_attempt(node: &Node, reader: &mut Reader<'_, '_, '_>) -> MockedAttempt {
    exclude(node, &["exit", "signal", "outcome"], reader);
    exclude(node, &["duration", "after", "never"], reader);
    let code = |key: &str| node.get(key).and_then(Node::int).and_then(|it| i32::try_from(it).ok());
    let outcome = node.get("outcome").and_then(|it| read_word(it, &MOCKED_OUTCOMES));
    let end = outcome
        .or(code("signal").map(MockedEnd::Signal))
        .or(code("exit").map(MockedEnd::Exit))
        .unwrap_or_default();
    let never = node.get("never").and_then(Node::bool).unwrap_or(false);
    let lasts = span(node.get("duration").or(node.get("after"))).map(Lasts::For);
    let is_late = end == MockedEnd::Timeout && lasts.is_none();
    let outputs = node.get("outputs").map_or(&[][..], Node::entries);
    let values = match node.get("value") {
        Some(Node { value: Value::List(items), .. }) => items.iter().map(printed).collect(),
        Some(one) => vec![printed(one)],
        None => Vec::new(),
    };
    MockedAttempt {
        end,
        lasts: if never || is_late { Lasts::Forever } else { lasts.unwrap_or_default() },
        outputs: outputs.iter().map(|it| (it.key.clone(), it.value.to_json())).collect(),
        values,
        log: node.get("log").and_then(Node::text).map(str::to_owned),
    }
}

/// What a program prints whose value is this.
fn printed(node: &Node) -> String {
    node.text().map_or_else(|| node.to_json().to_string(), str::to_owned)
}

/// Tells the second of keys that exclude each other.
fn exclude(node: &Node, keys: &[&str], reader: &mut Reader<'_, '_, '_>) {
    let mut found: Vec<&Entry> = keys.iter().filter_map(|it| node.entry(it)).collect();
    found.sort_by_key(|it| it.place);
    if let [first, second, ..] = &found[..] {
        let message = format!("an attempt has `{}` and `{}`", first.key, second.key);
        reader.report.add(second.place, Problem::Conflict(message, "drop one of the two"));
    }
}

/// Tells keys that do nothing for a task that is named.
fn check_kind(
    pattern: &Pattern,
    entry: &Entry,
    known: &Known<'_>,
    reader: &mut Reader<'_, '_, '_>,
) {
    let task = known.workflow.tasks.iter().find(|it| it.name == pattern.path().task);
    let Some(task) = task.filter(|_| !pattern.is_glob()) else { return };
    let (kind, excluded, help): (_, &[&'static str], _) = match &task.kind {
        Kind::Approval { .. } => {
            let message = format!("`{}` is an approval, which a person decides", entry.key);
            let help = "name it in `approve` or `reject`";
            return reader.report.add(entry.place, Problem::Conflict(message, help));
        }
        Kind::Wait { .. } => (
            "the mock of a `wait`",
            &["exit", "signal", "outcome", "outputs", "value", "duration"],
            "say when its file comes: `after`, or `never: true`",
        ),
        Kind::Check { .. } if task.has_process() => {
            ("the mock of a `check`", &["after"], "say what its programs print: `value`, `exit`")
        }
        Kind::Check { .. } => {
            let message = format!("`{}` judges by expressions alone", entry.key);
            let help = "mock the outputs that it reads";
            return reader.report.add(entry.place, Problem::Conflict(message, help));
        }
        _ => ("the mock of a process", &["after", "value"], "say how it ends: `exit`, `duration`"),
    };
    for attempt in entry.value.items() {
        for key in excluded {
            if let Some(wrong) = attempt.entry(key) {
                reader.report.add(wrong.place, Problem::Misplaced { key, kind, help });
            }
        }
    }
}

/// Reads `approve` and `reject` of a test.
pub(super) fn read_answers(
    test: &Node,
    known: &Known<'_>,
    reader: &mut Reader<'_, '_, '_>,
) -> Vec<Answers> {
    let mut answers = Vec::new();
    for (key, decision) in [("approve", Decision::Approve), ("reject", Decision::Reject)] {
        let Some(node) = test.get(key) else { continue };
        if matches!(node.value, Value::Map(_)) {
            for entry in node.entries() {
                let items = entry.value.items();
                let list = items.iter().map(|it| read_decision(it, decision)).collect();
                answers.extend(read_answer(entry, list, known, reader));
            }
            continue;
        }
        for item in node.items() {
            let Some(text) = item.text() else { continue };
            let entry = Entry { place: item.place, key: text.to_owned(), value: item.clone() };
            let list = vec![read_decision(item, decision)];
            answers.extend(read_answer(&entry, list, known, reader));
        }
    }
    answers
}

fn read_answer(
    entry: &Entry,
    list: Vec<MockedDecision>,
    known: &Known<'_>,
    reader: &mut Reader<'_, '_, '_>,
) -> Option<Answers> {
    let of = known.pattern(entry, reader)?;
    let mut meant = known.workflow.tasks.iter().filter(|it| of.may_mean(it.name.as_str()));
    if meant.all(|it| !matches!(it.kind, Kind::Approval { .. })) {
        let message = format!("`{}` is no approval", entry.key);
        reader.report.add(entry.place, Problem::Conflict(message, "name one, or use `mock`"));
        return None;
    }
    if list.is_empty() {
        let problem = Problem::empty(&entry.key, "a decision, such as `{ after: 5m }`");
        reader.report.add(entry.place, problem);
        return None;
    }
    Some(Answers { of, list })
}

fn read_decision(node: &Node, decision: Decision) -> MockedDecision {
    let text = |key: &str| node.get(key).and_then(Node::text);
    MockedDecision {
        line: node.place.line,
        after: span(node.get("after")).unwrap_or_default(),
        by: text("by").map(person),
        decision,
        comment: text("comment").map(str::to_owned),
    }
}
