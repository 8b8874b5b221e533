//! What a task writes into `RUNYARD_OUTPUTS`: lines `name=value`, or JSON objects.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::workflow::{ParamType, WrongParam};

/// The outputs of a task by name.
pub type Outputs = BTreeMap<String, Value>;

/// The most that a task may write, in bytes.
pub const BYTES_MAX: usize = 1 << 20;

/// Why what a task wrote is not outputs.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum OutputsError {
    /// It is more than [`BYTES_MAX`].
    #[error(
        "its outputs are larger than 1 MiB: write large results to a file, and its path as output"
    )]
    TooLarge,
    /// It is not UTF-8.
    #[error("its outputs are not UTF-8 text")]
    NotText,
    /// A line is neither `name=value` nor a JSON object.
    #[error("line {line} of its outputs is neither name=value nor a JSON object")]
    Line {
        /// Which line, from 1.
        line: usize,
    },
    /// A promised output was not written.
    #[error("it has not written its output `{0}`")]
    Missing(String),
    /// A promised output has another type.
    #[error("its output `{name}`: {wrong}")]
    WrongType {
        /// Which one.
        name: String,
        /// What it is, and should be.
        wrong: WrongParam,
    },
}

/// Reads outputs: those that are `declared` as their types, others as a number where they are written as JSON writes one,
/// and else as text. Of two lines with one name the later wins.
pub fn parse(
    bytes: &[u8],
    declared: &BTreeMap<String, ParamType>,
) -> Result<Outputs, OutputsError> {
    let mut outputs = parse_lines(bytes, declared)?;
    for (name, kind) in declared {
        let value = outputs.get_mut(name).ok_or_else(|| OutputsError::Missing(name.clone()))?;
        *value = kind
            .read(value)
            .map_err(|wrong| OutputsError::WrongType { name: name.clone(), wrong })?;
    }
    Ok(outputs)
}

fn parse_lines(
    bytes: &[u8],
    declared: &BTreeMap<String, ParamType>,
) -> Result<Outputs, OutputsError> {
    if bytes.len() > BYTES_MAX {
        return Err(OutputsError::TooLarge);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| OutputsError::NotText)?;
    let mut outputs = Outputs::new();
    for (index, line) in text.lines().enumerate() {
        let wrong = || OutputsError::Line { line: index + 1 };
        if line.trim().is_empty() {
            continue;
        }
        if line.trim_start().starts_with('{') {
            let object: BTreeMap<String, Value> =
                serde_json::from_str(line).map_err(|_| wrong())?;
            if !object.keys().all(|it| is_name(it)) {
                return Err(wrong());
            }
            outputs.extend(object);
            continue;
        }
        let (name, value) = line.split_once('=').ok_or_else(wrong)?;
        if !is_name(name) {
            return Err(wrong());
        }
        let text = || Value::String(value.to_owned());
        let number = || serde_json::from_str(value).ok().filter(Value::is_number);
        let value = if declared.contains_key(name) { None } else { number() }.unwrap_or_else(text);
        outputs.insert(name.to_owned(), value);
    }
    Ok(outputs)
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 63
        && text.starts_with(|it: char| it.is_ascii_alphabetic() || it == '_')
        && text.chars().all(|it| it.is_ascii_alphanumeric() || it == '_')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn undeclared(bytes: &[u8]) -> Result<Outputs, OutputsError> {
        parse(bytes, &BTreeMap::new())
    }

    #[test]
    fn lines_and_objects_are_outputs() {
        let outputs =
            undeclared(b"rows=12\nname=a=b\n\n{\"total\": 1.5, \"list\": [1]}\nzip=007\nrows=13\n");
        let expected = [
            ("rows", json!(13)),
            ("name", json!("a=b")),
            ("zip", json!("007")),
            ("total", json!(1.5)),
            ("list", json!([1])),
        ];
        assert_eq!(outputs, Ok(expected.map(|(name, value)| (name.to_owned(), value)).into()));
    }

    #[test]
    fn garbage_is_told_by_its_line() {
        assert_eq!(undeclared(b"a=1\nnothing\n"), Err(OutputsError::Line { line: 2 }));
        assert_eq!(undeclared(b"{\"a\": 1\n"), Err(OutputsError::Line { line: 1 }));
        assert_eq!(undeclared(b"{\"a b\": 1}\n"), Err(OutputsError::Line { line: 1 }));
        assert_eq!(undeclared(b"a b=1\n"), Err(OutputsError::Line { line: 1 }));
        assert_eq!(undeclared(b"\xff\xfe"), Err(OutputsError::NotText));
        assert_eq!(undeclared(&vec![b'a'; BYTES_MAX + 1]), Err(OutputsError::TooLarge));
    }

    #[test]
    fn promised_outputs_must_be_there_and_of_their_type() {
        let declared = |kind| BTreeMap::from([("total".to_owned(), kind)]);
        let text = parse(b"total=1.50\n", &declared(ParamType::String));
        assert_eq!(text.map(|it| it["total"].clone()), Ok(json!("1.50")));
        let number = parse(b"total=1.50\n", &declared(ParamType::Float));
        assert_eq!(number.map(|it| it["total"].clone()), Ok(json!(1.5)));
        let missing = parse(b"", &declared(ParamType::Int));
        assert_eq!(missing, Err(OutputsError::Missing("total".to_owned())));
        let wrong = parse(b"total=many\n", &declared(ParamType::Int)).map_err(|it| it.to_string());
        assert_eq!(wrong, Err("its output `total`: \"many\" is not a whole number".to_owned()));
    }
}
