//! Parameters: the typed inputs of a run.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::expr::{Template, short};
use crate::id::ParamName;
use crate::time::{Timestamp, parse_duration};

/// One input of a run.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Param {
    /// Its name.
    pub name: ParamName,
    /// What values it takes.
    #[serde(rename = "type")]
    pub kind: ParamType,
    /// What it is where a request does not say; required without.
    #[serde(default)]
    pub default: Option<ParamDefault>,
    /// What it is for.
    #[serde(default)]
    pub description: Option<String>,
}

/// What a parameter is where a request does not say. Evaluated once, when the run is made, in file order.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ParamDefault {
    /// This value.
    Value(Value),
    /// What the text gives; it may name earlier parameters, `interval` and `run`.
    Template(Template),
}

/// The values that a parameter or an output takes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ParamType {
    /// A text of at most 64 KiB, without NUL.
    String,
    /// A whole number of 64 bits.
    Int,
    /// A number.
    Float,
    /// `true` or `false`.
    Bool,
    /// `2026-03-01`.
    Date,
    /// `2026-03-01T02:30:00Z`.
    Datetime,
    /// `1h30m`.
    Duration,
    /// A list of anything.
    List,
    /// A mapping of anything.
    Map,
    /// One of these texts.
    Choice(Vec<String>),
}

/// A value does not fit its type.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{found} is not {expected}")]
pub struct WrongParam {
    /// The value, shortened.
    pub found: String,
    /// What would fit.
    pub expected: String,
}

const TEXT_BYTES_MAX: usize = 64 * 1_024;

impl ParamType {
    /// Every type but `choice` by its name in the file.
    pub const NAMES: [(&'static str, Self); 9] = [
        ("string", Self::String),
        ("int", Self::Int),
        ("float", Self::Float),
        ("bool", Self::Bool),
        ("date", Self::Date),
        ("datetime", Self::Datetime),
        ("duration", Self::Duration),
        ("list", Self::List),
        ("map", Self::Map),
    ];

    /// The value as this type, from its own form or from a text that says it (`--param`, a task's outputs).
    ///
    /// A text for a list is JSON, or items between commas; for a map it is JSON.
    pub fn read(&self, value: &Value) -> Result<Value, WrongParam> {
        let read = match value {
            Value::String(text) => self.read_text(text),
            other => self.read_value(other),
        };
        read.ok_or_else(|| WrongParam { found: short(value), expected: self.expected() })
    }

    fn read_value(&self, value: &Value) -> Option<Value> {
        let fits = match self {
            Self::Int => value.as_i64().is_some(),
            Self::Float => value.is_number(),
            Self::Bool => value.is_boolean(),
            Self::List => value.is_array(),
            Self::Map => value.is_object(),
            // A text that looks like a number arrives as one where YAML or a command line has read it.
            Self::String => return value.is_number().then(|| Value::String(value.to_string())),
            Self::Date | Self::Datetime | Self::Duration | Self::Choice(_) => false,
        };
        fits.then(|| value.clone())
    }

    fn read_text(&self, text: &str) -> Option<Value> {
        let own = || Some(Value::String(text.to_owned()));
        match self {
            Self::String => (text.len() <= TEXT_BYTES_MAX && !text.contains('\0')).then(own)?,
            Self::Int => text.parse::<i64>().ok().map(Value::from),
            Self::Float => text.parse::<f64>().ok().filter(|it| it.is_finite()).map(Value::from),
            Self::Bool => text.parse::<bool>().ok().map(Value::from),
            Self::Date => text.parse::<jiff::civil::Date>().ok().and_then(|_| own()),
            Self::Datetime => text.parse::<Timestamp>().ok().and_then(|_| own()),
            Self::Duration => parse_duration(text).ok().and_then(|_| own()),
            Self::List if text.trim_start().starts_with('[') => {
                serde_json::from_str(text).ok().filter(Value::is_array)
            }
            Self::List if text.is_empty() => Some(Value::Array(Vec::new())),
            Self::List => Some(text.split(',').map(|it| Value::from(it.trim())).collect()),
            Self::Map => serde_json::from_str(text).ok().filter(Value::is_object),
            Self::Choice(choices) => choices.iter().any(|it| it == text).then(own)?,
        }
    }

    /// What a value of it looks like, for messages.
    pub fn expected(&self) -> String {
        match self {
            Self::String => "a text of at most 64 KiB without NUL".to_owned(),
            Self::Int => "a whole number".to_owned(),
            Self::Float => "a number".to_owned(),
            Self::Bool => "true or false".to_owned(),
            Self::Date => "a date such as 2026-03-01".to_owned(),
            Self::Datetime => "an instant such as 2026-03-01T02:30:00Z".to_owned(),
            Self::Duration => "a duration such as 1h30m".to_owned(),
            Self::List => "a list, as JSON or with commas between its items".to_owned(),
            Self::Map => "a mapping, as JSON".to_owned(),
            Self::Choice(choices) => format!("one of {}", choices.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn texts_become_values_of_the_type() {
        let read = |kind: ParamType, text: &str| kind.read(&json!(text)).ok();
        assert_eq!(read(ParamType::Int, "42"), Some(json!(42)));
        assert_eq!(read(ParamType::Int, "4.2"), None);
        assert_eq!(read(ParamType::Float, "4.5"), Some(json!(4.5)));
        assert_eq!(read(ParamType::Float, "NaN"), None);
        assert_eq!(read(ParamType::Bool, "yes"), None);
        assert_eq!(read(ParamType::Date, "2026-02-30"), None);
        assert_eq!(read(ParamType::List, "a, b"), Some(json!(["a", "b"])));
        assert_eq!(read(ParamType::List, "[1, 2]"), Some(json!([1, 2])));
        assert_eq!(read(ParamType::Map, "[1]"), None);
        assert_eq!(read(ParamType::Choice(vec!["full".to_owned()]), "fool"), None);
        assert_eq!(read(ParamType::String, "a\0b"), None);
    }

    #[test]
    fn a_wrong_value_says_what_would_fit() {
        let wrong = ParamType::Date.read(&json!("tomorrow")).map_err(|it| it.to_string());
        assert_eq!(wrong, Err("\"tomorrow\" is not a date such as 2026-03-01".to_owned()));
    }
}
