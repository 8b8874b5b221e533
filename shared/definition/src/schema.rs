//! The JSON Schema of the file, for editors: completion, hover texts, a first check.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::keys::WORKFLOW;
use crate::shape::{Mapping, NameRule, Shape};

const DURATION: &str = "^\\s*([0-9]+(ms|s|m|h|d|w)\\s*)+$";

/// The schema, draft 2020-12. What is not supported yet is not in it.
pub fn schema() -> Value {
    let mut definitions = BTreeMap::new();
    let mut root = mapping(&WORKFLOW, &mut definitions);
    let mut schema = Map::new();
    schema.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
    schema.insert("title".to_owned(), json!("Runyard workflow"));
    schema.append(&mut root);
    let definitions = definitions.into_iter().map(|(name, it)| (name, Value::Object(it)));
    schema.insert("$defs".to_owned(), Value::Object(definitions.collect()));
    Value::Object(schema)
}

type Definitions = BTreeMap<String, Map<String, Value>>;

fn mapping(mapping: &Mapping, definitions: &mut Definitions) -> Map<String, Value> {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for key in mapping.keys.iter().filter(|it| !it.is_later()) {
        let mut value = shape(&key.shape, definitions);
        value.insert("description".to_owned(), json!(key.doc));
        properties.insert(key.name.to_owned(), Value::Object(value));
        if key.is_required() {
            required.push(json!(key.name));
        }
    }
    let mut schema = object(json!({ "type": "object", "additionalProperties": false }));
    schema.insert("properties".to_owned(), Value::Object(properties));
    if !required.is_empty() {
        schema.insert("required".to_owned(), Value::Array(required));
    }
    schema
}

fn shape(it: &Shape, definitions: &mut Definitions) -> Map<String, Value> {
    object(match it {
        Shape::Text | Shape::Template | Shape::Expr => {
            json!({ "type": ["string", "number", "boolean"] })
        }
        Shape::Name(rule) => json!({ "type": "string", "pattern": rule.pattern }),
        Shape::Int(least, most) => json!({ "type": "integer", "minimum": least, "maximum": most }),
        Shape::Number(least, most) => {
            json!({ "type": "number", "minimum": least, "maximum": most })
        }
        Shape::Bool => json!({ "type": "boolean" }),
        Shape::Duration(_) => json!({ "type": "string", "pattern": DURATION }),
        Shape::Words(words, _) => json!({ "enum": words() }),
        Shape::WordsOrExpr(words, _) => {
            json!({ "anyOf": [{ "enum": words() }, { "type": "string" }] })
        }
        Shape::List(item) => json!({ "type": "array", "items": shape(item, definitions) }),
        Shape::Mapping(mapping) => reference(mapping, definitions),
        Shape::Named(rule, value) => named(rule, shape(value, definitions)),
        Shape::OneOf(shapes) => {
            let known = shapes.iter().filter(|it| !matches!(it, Shape::Later(_)));
            let mut known: Vec<Value> =
                known.map(|it| Value::Object(shape(it, definitions))).collect();
            match known.len() {
                1 => known.remove(0),
                _ => json!({ "anyOf": known }),
            }
        }
        Shape::Any | Shape::Later(_) => json!({}),
    })
}

/// Each mapping is described once, by the path that its name makes.
fn reference(it: &'static Mapping, definitions: &mut Definitions) -> Value {
    let name: String =
        it.title().chars().map(|it| if it.is_ascii_alphanumeric() { it } else { '_' }).collect();
    if !definitions.contains_key(&name) {
        definitions.insert(name.clone(), Map::new());
        let schema = mapping(it, definitions);
        definitions.insert(name.clone(), schema);
    }
    json!({ "$ref": format!("#/$defs/{name}") })
}

fn named(rule: &NameRule, value: Map<String, Value>) -> Value {
    json!({
        "type": "object",
        "propertyNames": { "pattern": rule.pattern },
        "additionalProperties": value,
    })
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reference_of_the_schema_leads_somewhere() {
        let schema = schema();
        let text = schema.to_string();
        let names =
            text.split("#/$defs/").skip(1).map(|it| it.split('"').next().unwrap_or_default());
        let names: Vec<&str> = names.collect();
        assert!(names.len() > 10, "{names:?}");
        for name in names {
            let properties = &schema["$defs"][name]["properties"];
            assert!(properties.as_object().is_some_and(|it| !it.is_empty()), "{name}");
        }
    }

    #[test]
    fn every_key_of_the_schema_says_what_it_means() {
        let schema = schema();
        let properties =
            schema["$defs"]["task"]["properties"].as_object().expect("a task has keys");
        assert!(properties.values().all(|it| it["description"].is_string()));
        assert!(properties.contains_key("rollback") && !properties.contains_key("produces"));
        assert_eq!(schema["required"], json!(["tasks"]));
        assert_eq!(schema["$defs"]["publish"]["required"], json!(["from", "to"]));
        let forms = &schema["properties"]["on_run_failure"]["anyOf"];
        assert_eq!(forms[0], json!({ "enum": ["keep", "roll_back"] }));
    }
}
