//! Text → tree in which every key and value knows its line and column; limits on size, depth and number.

mod compose;
mod scalar;

pub(crate) use compose::compose;

/// The most bytes that a file may have.
pub const BYTES_MAX: usize = 1 << 20;
/// How deep lists and mappings may lie in each other.
pub(crate) const DEPTH_MAX: usize = 64;
/// How many values there may be, those behind aliases counted each time.
pub(crate) const NODES_MAX: usize = 200_000;
/// How many aliases there may be.
pub(crate) const ALIASES_MAX: usize = 1_000;

/// A place in a file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Place {
    /// From 1.
    pub(crate) line: u32,
    /// In characters, from 1.
    pub(crate) column: u32,
}

/// A value and where it starts.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) place: Place,
    pub(crate) value: Value,
}

/// What YAML can say. Plain numbers and booleans keep their text, for places where a text is meant.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Null,
    Bool(bool, String),
    Int(i64, String),
    Float(f64, String),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A key with its value. Keys of one mapping differ.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) place: Place,
    pub(crate) key: String,
    pub(crate) value: Node,
}

impl Node {
    /// The entries of a mapping; none of anything else.
    pub(crate) fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The value of a mapping's key.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|it| &it.value)
    }

    /// A mapping's entry by its key.
    pub(crate) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|it| it.key == key)
    }

    /// The items of a list; a single value stands for a list of one.
    pub(crate) fn items(&self) -> &[Node] {
        match &self.value {
            Value::List(items) => items,
            Value::Null => &[],
            _ => std::slice::from_ref(self),
        }
    }

    /// A scalar's text, as written.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Bool(_, text) | Value::Int(_, text) | Value::Float(_, text) => Some(text),
            Value::Text(text) => Some(text),
            Value::Null | Value::List(_) | Value::Map(_) => None,
        }
    }

    /// A whole number.
    pub(crate) fn int(&self) -> Option<i64> {
        match self.value {
            Value::Int(number, _) => Some(number),
            _ => None,
        }
    }

    /// A number.
    pub(crate) fn number(&self) -> Option<f64> {
        match self.value {
            Value::Int(number, _) => Some(number as f64),
            Value::Float(number, _) => Some(number),
            _ => None,
        }
    }

    /// `true` or `false`.
    pub(crate) fn bool(&self) -> Option<bool> {
        match self.value {
            Value::Bool(value, _) => Some(value),
            _ => None,
        }
    }

    /// What it is, for messages.
    pub(crate) fn describe(&self) -> String {
        match &self.value {
            Value::Null => "empty".to_owned(),
            Value::List(_) => "a list".to_owned(),
            Value::Map(_) => "a mapping".to_owned(),
            _ => format!("`{}`", shorten(self.text().unwrap_or_default())),
        }
    }

    /// The same value without places.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(value, _) => (*value).into(),
            Value::Int(number, _) => (*number).into(),
            Value::Float(number, _) => (*number).into(),
            Value::Text(text) => text.as_str().into(),
            Value::List(items) => items.iter().map(Node::to_json).collect(),
            Value::Map(entries) => {
                entries.iter().map(|it| (it.key.clone(), it.value.to_json())).collect()
            }
        }
    }
}

/// A text in one line and at most 60 characters, for messages.
pub(crate) fn shorten(text: &str) -> String {
    let short: String =
        text.chars().take(60).map(|it| if it.is_control() { ' ' } else { it }).collect();
    if text.chars().nth(60).is_some() { format!("{short}…") } else { short }
}
