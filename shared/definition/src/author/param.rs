//! Parameters and types.

use serde_json::Value as Json;
use shared::workflow::{Param, ParamDefault, ParamType};

use super::reader::{Reader, Scope, read_word, texts};
use crate::problem::Problem;
use crate::yaml::{Node, Value};

pub(super) fn read(root: &Node, reader: &mut Reader<'_, '_, '_>) -> Vec<Param> {
    let entries = root.get("params").map_or(&[][..], Node::entries);
    let params = entries.iter().enumerate().map(|(number, entry)| {
        let node = &entry.value;
        let kind = read_type(&entry.key, node, reader).unwrap_or(ParamType::String);
        let default = node.get("default");
        Param {
            name: entry.key.as_str().into(),
            default: default.and_then(|it| read_default(&entry.key, it, &kind, number, reader)),
            description: node.get("description").and_then(Node::text).map(str::to_owned),
            kind,
        }
    });
    params.collect()
}

/// Reads `type` and `choices`, or a type's name alone.
pub(super) fn read_type(
    key: &str,
    node: &Node,
    reader: &mut Reader<'_, '_, '_>,
) -> Option<ParamType> {
    let (kind, choices) = match &node.value {
        Value::Map(_) => (node.get("type")?, node.entry("choices")),
        _ => (node, None),
    };
    let choice = kind.text() == Some("choice");
    match choices {
        Some(entry) if !choice => {
            let problem = Problem::Misplaced {
                key: "choices",
                kind: "a type other than `choice`",
                help: "write `type: choice`, or drop `choices`",
            };
            reader.report.add(entry.place, problem);
        }
        None if choice => {
            let mapping = format!("`{key}`");
            reader.report.add(kind.place, Problem::MissingKey { mapping, key: "choices" });
        }
        Some(entry) if entry.value.items().is_empty() => {
            reader.report.add(entry.place, Problem::empty("choices", "a list of texts"));
        }
        _ => {}
    }
    if choice {
        return Some(ParamType::Choice(texts(choices.map(|it| &it.value))));
    }
    read_word(kind, &ParamType::NAMES)
}

fn read_default(
    name: &str,
    node: &Node,
    kind: &ParamType,
    number: usize,
    reader: &mut Reader<'_, '_, '_>,
) -> Option<ParamDefault> {
    let json = match (&node.value, kind) {
        (Value::Null, _) => {
            reader.report.add(node.place, Problem::empty("default", "a value"));
            return None;
        }
        (Value::Text(text), _) if text.contains("{{") => {
            return reader.template(node, &Scope::of_param(number)).map(ParamDefault::Template);
        }
        // A text keeps the form it is written in: `1.10` stays `1.10`.
        (_, ParamType::String | ParamType::Choice(_)) => {
            node.text().map_or_else(|| node.to_json(), Json::from)
        }
        _ => node.to_json(),
    };
    match kind.read(&json) {
        Ok(value) => Some(ParamDefault::Value(value)),
        // A choice without choices has been told.
        Err(_) if *kind == ParamType::Choice(Vec::new()) => None,
        Err(wrong) => {
            let problem = Problem::BadDefault { name: name.to_owned(), reason: wrong.to_string() };
            reader.report.add(node.place, problem);
            None
        }
    }
}
