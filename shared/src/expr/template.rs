//! Texts with `{{ expression }}` in them.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{EvalError, Expr, ExprError, Scope};

/// A checked text in which `{{ … }}` is replaced by values.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Template {
    source: Arc<str>,
    parts: Arc<[Part]>,
}

#[derive(Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Expr(Expr),
}

impl Template {
    /// Checks `source` as far as that is possible without values.
    pub fn parse(source: &str) -> Result<Self, ExprError> {
        let mut parts = Vec::new();
        let mut rest = source;
        while let Some(open) = rest.find("{{") {
            if open > 0 {
                parts.push(Part::Text(rest[..open].to_owned()));
            }
            let inside = &rest[open + 2..];
            let close = end_of_expression(inside).ok_or(ExprError::Unclosed)?;
            parts.push(Part::Expr(Expr::parse(inside[..close].trim())?));
            rest = &inside[close + 2..];
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self { source: source.into(), parts: parts.into() })
    }

    /// The text as written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The expressions in it, in order.
    pub fn expressions(&self) -> impl Iterator<Item = &Expr> {
        self.parts.iter().filter_map(|it| match it {
            Part::Expr(expr) => Some(expr),
            Part::Text(_) => None,
        })
    }

    /// The text with its values put in: texts as they are, whatever else as JSON.
    pub fn render(&self, scope: &Scope) -> Result<String, EvalError> {
        let mut text = String::new();
        for part in self.parts.iter() {
            match part {
                Part::Text(literal) => text.push_str(literal),
                Part::Expr(expr) => match expr.evaluate(scope)? {
                    Value::String(value) => text.push_str(&value),
                    value => text.push_str(&value.to_string()),
                },
            }
        }
        Ok(text)
    }

    /// The value itself where the text is one expression and nothing else; otherwise as [`Template::render`].
    pub fn value(&self, scope: &Scope) -> Result<Value, EvalError> {
        match &self.parts[..] {
            [Part::Expr(expr)] => expr.evaluate(scope),
            _ => self.render(scope).map(Value::String),
        }
    }
}

/// Where the `}}` is that ends an expression: not one inside quotes.
fn end_of_expression(text: &str) -> Option<usize> {
    let mut quote = None;
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match (quote, character) {
            (Some(_), '\\') => {
                characters.next();
            }
            (Some(open), close) if open == close => quote = None,
            (None, '\'' | '"') => quote = Some(character),
            (None, '}') if text[at..].starts_with("}}") => return Some(at),
            _ => {}
        }
    }
    None
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.source, f)
    }
}

impl TryFrom<String> for Template {
    type Error = ExprError;
    fn try_from(source: String) -> Result<Self, ExprError> {
        Self::parse(&source)
    }
}

impl From<Template> for String {
    fn from(template: Template) -> Self {
        template.source.to_string()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_put_into_the_text() {
        let scope = Scope::new().with("params", json!({ "day": "2017-11-13", "n": 3, "l": ["a"] }));
        let render = |text| Template::parse(text).expect("it parses").render(&scope);
        assert_eq!(render("pos/{{ params.day }}.csv"), Ok("pos/2017-11-13.csv".to_owned()));
        assert_eq!(render("{{ params.n }}{{ '}}' }} {% x %} {"), Ok("3}} {% x %} {".to_owned()));
        assert_eq!(render(""), Ok(String::new()));
        let value = |text| Template::parse(text).expect("it parses").value(&scope);
        assert_eq!(value("{{ params.l }}"), Ok(json!(["a"])));
        assert_eq!(value("{{ params.n }}!"), Ok(json!("3!")));
        assert_eq!(Template::parse("{{ params.n"), Err(ExprError::Unclosed));
    }
}
