//! How much of a value there is, and how much of it is shown.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde_json::Value;
use shared::outputs::Outputs;

use crate::state::TaskRun;

/// An output whose JSON text has more bytes is shown in part.
const VALUE_SHOWN_MAX: usize = 4 << 10;

/// Of what the items of a mapped task gave under one name no more values are shown.
const VALUES_SHOWN_MAX: usize = 1_000;

/// Nor more bytes of JSON text.
const LIST_SHOWN_MAX: usize = 16 << 10;

/// The length of a value's JSON text in bytes.
pub(crate) fn json_bytes(value: &Value) -> usize {
    let mut count = Count(0);
    serde_json::to_writer(&mut count, value).expect("a value has a text, and counting never fails");
    count.0
}

/// What is shown of the outputs of a task, as `scope::outputs` gives them: a large value is a text of its
/// beginning, and the list of a mapped task ends early, with a text that says how many there are.
pub(crate) fn shown_outputs(it: &TaskRun) -> BTreeMap<String, Value> {
    match &it.items {
        None => shown_values(&it.outputs),
        Some(items) => shown_lists(items.list.iter().map(|it| &it.progress.outputs)),
    }
}

fn shown_values(outputs: &Outputs) -> BTreeMap<String, Value> {
    outputs.iter().map(|(name, value)| (name.clone(), shown(value))).collect()
}

fn shown_lists<'a>(items: impl Iterator<Item = &'a Outputs>) -> BTreeMap<String, Value> {
    let mut lists: BTreeMap<String, List> = BTreeMap::new();
    for (name, value) in items.flatten() {
        match lists.get_mut(name) {
            Some(list) => list.push(value),
            None => lists.entry(name.clone()).or_default().push(value),
        }
    }
    lists.into_iter().map(|(name, list)| (name, list.into_value())).collect()
}

/// A value, or a text of its beginning.
fn shown(value: &Value) -> Value {
    if json_bytes(value) <= VALUE_SHOWN_MAX {
        return value.clone();
    }
    let text = value.to_string();
    let end = text.floor_char_boundary(VALUE_SHOWN_MAX);
    Value::String(format!("{}… ({} bytes)", &text[..end], text.len()))
}

/// The beginning of a list.
#[derive(Default)]
struct List {
    shown: Vec<Value>,
    bytes: usize,
    /// How many values there are.
    total: usize,
}

impl List {
    fn push(&mut self, value: &Value) {
        let is_whole = self.shown.len() == self.total;
        self.total += 1;
        if !is_whole || self.shown.len() == VALUES_SHOWN_MAX {
            return;
        }
        let value = shown(value);
        let bytes = self.bytes + json_bytes(&value);
        if bytes <= LIST_SHOWN_MAX {
            self.bytes = bytes;
            self.shown.push(value);
        }
    }

    fn into_value(mut self) -> Value {
        if self.shown.len() < self.total {
            self.shown.push(Value::String(format!("… ({} values)", self.total)));
        }
        Value::Array(self.shown)
    }
}

/// Counts what is written.
struct Count(usize);

impl Write for Count {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn list_of(values: impl Iterator<Item = Value>) -> Vec<Value> {
        let outputs: Vec<Outputs> =
            values.map(|it| Outputs::from([("n".to_owned(), it)])).collect();
        let mut lists = shown_lists(outputs.iter());
        match lists.remove("n") {
            Some(Value::Array(list)) => list,
            other => panic!("{other:?} is no list"),
        }
    }

    #[test]
    fn a_value_of_four_kibibytes_is_shown_whole() {
        let text = Value::String("a".repeat(VALUE_SHOWN_MAX - 2));
        assert_eq!(shown(&text), text);
        assert_eq!(shown(&json!({ "a": [1, null] })), json!({ "a": [1, null] }));
    }

    #[test]
    fn a_larger_value_is_a_text_of_its_beginning_and_its_size() {
        let list = Value::Array(vec![json!(1); 5_000]);
        let expected = format!("[{}1… (10001 bytes)", "1,".repeat(2_047));
        assert_eq!(shown(&list), Value::String(expected));
    }

    #[test]
    fn a_value_is_never_cut_within_a_character() {
        let shown = shown(&Value::String("é".repeat(3_000)));
        assert_eq!(shown, Value::String(format!("\"{}… (6002 bytes)", "é".repeat(2_047))));
    }

    #[test]
    fn a_list_of_items_ends_early_and_says_how_many_there_are() {
        let list = list_of((0..20_000).map(|_| json!(7)));
        assert_eq!((list.len(), list.last()), (1_001, Some(&json!("… (20000 values)"))));
        let list = list_of((0..1_000).map(Value::from));
        assert_eq!((list.len(), list.last()), (1_000, Some(&json!(999))));
    }

    #[test]
    fn a_list_of_large_values_ends_at_its_size() {
        let list = list_of((0..100).map(|_| json!("a".repeat(1 << 20))));
        assert_eq!(list.last(), Some(&json!("… (100 values)")));
        assert!(list.iter().map(json_bytes).sum::<usize>() <= LIST_SHOWN_MAX + 64);
        assert_eq!(list.len(), 4);
    }
}
