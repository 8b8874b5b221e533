//! Expressions and templates: Jinja's expressions, and nothing else of Jinja.
//!
//! An expression reads what it is given and computes one value. It can neither hang (a step limit), nor crash (a source
//! limit, since long chains of operators recurse), nor read anything of the machine.

mod template;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, LazyLock};

use minijinja::{Environment, UndefinedBehavior};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use template::Template;

/// The longest source of one expression in bytes: longer chains of operators would exhaust the stack.
pub const SOURCE_BYTES_MAX: usize = 1_024;

/// The steps that one evaluation may take.
const FUEL: u64 = 50_000;

/// The filters there are. The list is closed.
pub const FILTERS: [&str; 14] = [
    "date", "datetime", "json", "length", "default", "min", "max", "sum", "round", "join", "first",
    "last", "map", "select",
];

/// A checked expression.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Expr {
    source: Arc<str>,
    names: Arc<[String]>,
}

/// Why a text is no expression.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ExprError {
    /// It is longer than [`SOURCE_BYTES_MAX`].
    #[error("the expression is {0} bytes long, {SOURCE_BYTES_MAX} are allowed")]
    TooLong(usize),
    /// It holds nothing.
    #[error("the expression is empty")]
    Empty,
    /// It uses another language's operator.
    #[error("`{found}` is not an operator here")]
    Operator {
        /// As written.
        found: &'static str,
        /// What says the same here.
        instead: &'static str,
    },
    /// It uses a filter that does not exist.
    #[error("there is no filter `{0}`")]
    Filter(String),
    /// A `{{` has no `}}`.
    #[error("`{{{{` is not closed by `}}}}`")]
    Unclosed,
    /// It does not follow the grammar.
    #[error("{0}")]
    Syntax(String),
}

impl ExprError {
    /// What the author can do about it.
    pub fn help(&self) -> String {
        match self {
            Self::TooLong(_) => "compute part of it in a task and read its output".to_owned(),
            Self::Empty => "write a value, such as `params.mode == 'full'`".to_owned(),
            Self::Operator { instead, .. } => format!("write `{instead}`"),
            Self::Filter(name) => match crate::diagnostic::nearest(name, FILTERS) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("the filters are {}", FILTERS.join(", ")),
            },
            Self::Unclosed => "close it with `}}`".to_owned(),
            Self::Syntax(_) => {
                "expressions are Jinja's: names with dots, `==`, `and`, `or`, `not`, `in`, filters after `|`".to_owned()
            }
        }
    }
}

/// Why an expression has no value.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("`{source_text}`: {problem}")]
pub struct EvalError {
    /// The expression.
    pub source_text: String,
    /// What went wrong, and what was there.
    pub problem: String,
}

/// The values that an expression may name, by their first part (`params`, `tasks`, `run` …).
#[derive(Clone, Default, Debug)]
pub struct Scope(BTreeMap<String, Value>);

impl Scope {
    /// A scope in which nothing has a name.
    pub fn new() -> Self {
        Self::default()
    }

    /// This scope with one more name; a name that is there already is replaced.
    pub fn with(mut self, name: &str, value: Value) -> Self {
        self.set(name, value);
        self
    }

    /// Gives `name` to `value`.
    pub fn set(&mut self, name: &str, value: Value) {
        self.0.insert(name.to_owned(), value);
    }

    /// The value of a first part.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }
}

impl Expr {
    /// Checks `source` as far as that is possible without values.
    pub fn parse(source: &str) -> Result<Self, ExprError> {
        if source.len() > SOURCE_BYTES_MAX {
            return Err(ExprError::TooLong(source.len()));
        }
        if source.trim().is_empty() {
            return Err(ExprError::Empty);
        }
        check_words(source)?;
        let expression = ENVIRONMENT.compile_expression(source).map_err(|it| {
            ExprError::Syntax(it.detail().unwrap_or("it cannot be read").to_owned())
        })?;
        let mut names: Vec<String> = expression.undeclared_variables(true).into_iter().collect();
        names.sort();
        Ok(Self { source: source.into(), names: names.into() })
    }

    /// The text as written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The names it reads, with dots (`tasks.load.outputs.rows`), sorted. A name looked up by a computed key ends before it.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The value. An undefined one is an error.
    pub fn evaluate(&self, scope: &Scope) -> Result<Value, EvalError> {
        let wrong = |problem: String| EvalError { source_text: self.source.to_string(), problem };
        let expression =
            ENVIRONMENT.compile_expression(&self.source).map_err(|it| wrong(it.to_string()))?;
        let value = expression
            .eval(minijinja::Value::from(minijinja::value::Serde(&scope.0)))
            .map_err(|it| wrong(self.explain(&it, scope)))?;
        if value.is_undefined() {
            return Err(wrong(self.undefined(scope)));
        }
        serde_json::to_value(&value)
            .map_err(|it| wrong(format!("its value has no JSON form: {it}")))
    }

    /// The value as a yes or no. Anything else than a boolean is an error.
    pub fn is_true(&self, scope: &Scope) -> Result<bool, EvalError> {
        match self.evaluate(scope)? {
            Value::Bool(value) => Ok(value),
            other => Err(EvalError {
                source_text: self.source.to_string(),
                problem: format!("it is {}, and should be true or false", short(&other)),
            }),
        }
    }

    fn explain(&self, error: &minijinja::Error, scope: &Scope) -> String {
        match error.kind() {
            minijinja::ErrorKind::UndefinedError => self.undefined(scope),
            minijinja::ErrorKind::OutOfFuel => "it takes too many steps".to_owned(),
            kind => match error.detail() {
                Some(detail) => format!("{kind}: {detail}"),
                None => kind.to_string(),
            },
        }
    }

    /// Says which name has no value and what stands beside where it should be.
    fn undefined(&self, scope: &Scope) -> String {
        for name in self.names.iter() {
            let mut parts = name.split('.');
            let root = parts.next().unwrap_or_default();
            let Some(mut value) = scope.get(root) else {
                return format!("there is no `{root}` here; there are {}", list(scope.0.keys()));
            };
            let mut path = root.to_owned();
            for part in parts {
                let Some(map) = value.as_object() else { break };
                match map.get(part) {
                    Some(next) => value = next,
                    None => {
                        return format!("`{path}` has no `{part}`; it has {}", list(map.keys()));
                    }
                }
                path = format!("{path}.{part}");
            }
        }
        "it has no value".to_owned()
    }
}

fn list<'a>(names: impl Iterator<Item = &'a String>) -> String {
    let names: Vec<&str> = names.map(String::as_str).collect();
    match names.len() {
        0 => "nothing".to_owned(),
        1..=8 => names.join(", "),
        more => format!("{} and {} more", names[..8].join(", "), more - 8),
    }
}

/// A value in at most 60 characters, for messages.
pub fn short(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// Finds operators of other languages, and filters that do not exist, outside quotes.
fn check_words(source: &str) -> Result<(), ExprError> {
    let mut quote = None;
    let mut characters = source.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        let next = characters.peek().map(|it| it.1);
        match (quote, character, next) {
            (Some(_), '\\', _) => {
                characters.next();
            }
            (Some(open), close, _) if open == close => quote = None,
            (Some(_), ..) => {}
            (None, '\'' | '"', _) => quote = Some(character),
            (None, '&', Some('&')) => {
                return Err(ExprError::Operator { found: "&&", instead: "and" });
            }
            (None, '|', Some('|')) => {
                return Err(ExprError::Operator { found: "||", instead: "or" });
            }
            (None, '!', next) if next != Some('=') => {
                return Err(ExprError::Operator { found: "!", instead: "not" });
            }
            (None, '|', _) => {
                let rest = source[at + 1..].trim_start();
                let end = rest
                    .find(|it: char| !it.is_ascii_alphanumeric() && it != '_')
                    .unwrap_or(rest.len());
                if !FILTERS.contains(&&rest[..end]) {
                    return Err(ExprError::Filter(rest[..end].to_owned()));
                }
            }
            (None, ..) => {}
        }
    }
    Ok(())
}

static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    use minijinja::{filters, tests};
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    environment.set_recursion_limit(64);
    environment.add_filter("length", filters::length);
    environment.add_filter("default", filters::default);
    environment.add_filter("min", filters::min);
    environment.add_filter("max", filters::max);
    environment.add_filter("sum", filters::sum);
    environment.add_filter("round", filters::round);
    environment.add_filter("join", filters::join);
    environment.add_filter("first", filters::first);
    environment.add_filter("last", filters::last);
    environment.add_filter("map", filters::map);
    environment.add_filter("select", filters::select);
    environment.add_filter("json", |value: &minijinja::Value| {
        serde_json::to_string(value).map_err(|it| {
            minijinja::Error::new(minijinja::ErrorKind::BadSerialization, it.to_string())
        })
    });
    environment.add_filter("date", |text: &str| civil(text).map(|it| it.date().to_string()));
    environment.add_filter("datetime", |text: &str| civil(text).map(|it| it.to_string()));
    environment.add_test("defined", tests::is_defined);
    environment.add_test("none", tests::is_none);
    environment.add_test("eq", tests::is_eq);
    environment.add_test("ne", tests::is_ne);
    environment.add_test("lt", tests::is_lt);
    environment.add_test("le", tests::is_le);
    environment.add_test("gt", tests::is_gt);
    environment.add_test("ge", tests::is_ge);
    environment.add_test("in", tests::is_in);
    environment
});

/// The part of an instant's text before `Z` or `+01:00`.
fn without_offset(text: &str) -> &str {
    let time = text.find(['T', 't', ' ']).unwrap_or(0);
    let offset = text[time..].find(['Z', 'z', '+', '-']).map(|it| time + it);
    &text[..offset.unwrap_or(text.len())]
}

/// The wall-clock time that an instant's text shows, in the offset it is written with.
fn civil(text: &str) -> Result<jiff::civil::DateTime, minijinja::Error> {
    let wall = match text.parse::<jiff::Timestamp>() {
        Ok(_) => without_offset(text),
        Err(_) => text,
    };
    wall.parse::<jiff::civil::DateTime>().map_err(|_| {
        minijinja::Error::new(
            minijinja::ErrorKind::InvalidOperation,
            format!("`{text}` is neither a date nor an instant"),
        )
    })
}

impl fmt::Debug for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.source)
    }
}

impl TryFrom<String> for Expr {
    type Error = ExprError;
    fn try_from(source: String) -> Result<Self, ExprError> {
        Self::parse(&source)
    }
}

impl From<Expr> for String {
    fn from(expr: Expr) -> Self {
        expr.source.to_string()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn scope() -> Scope {
        Scope::new().with("params", json!({ "mode": "full", "n": 3, "regions": ["a", "b"] })).with(
            "tasks",
            json!({ "load": { "outputs": { "rows": [1, 2, 3] }, "state": "succeeded" } }),
        )
    }

    fn evaluate(source: &str) -> Result<Value, String> {
        let expr = Expr::parse(source).map_err(|it| it.to_string())?;
        expr.evaluate(&scope()).map_err(|it| it.problem)
    }

    #[test]
    fn expressions_compute_over_what_they_are_given() {
        assert_eq!(evaluate("params.mode == 'full' and params.n > 2"), Ok(json!(true)));
        assert_eq!(evaluate("tasks.load.outputs.rows | sum"), Ok(json!(6)));
        assert_eq!(evaluate("params.regions | length * 2"), Ok(json!(4)));
        assert_eq!(evaluate("'2017-11-13T02:30:00+01:00' | date"), Ok(json!("2017-11-13")));
        assert_eq!(evaluate("'2017-11-13T23:30:00.000Z' | date"), Ok(json!("2017-11-13")));
        assert_eq!(evaluate("params.regions | json"), Ok(json!("[\"a\",\"b\"]")));
        assert_eq!(evaluate("tasks.load.outputs.rows | select('gt', 1) | max"), Ok(json!(3)));
        assert_eq!(evaluate("(10 / 4) | round(1)"), Ok(json!(2.5)));
    }

    #[test]
    fn a_name_without_value_is_an_error_that_shows_what_is_there() {
        assert_eq!(
            evaluate("tasks.lod.state"),
            Err("`tasks` has no `lod`; it has load".to_owned())
        );
        assert_eq!(
            evaluate("tasks.load.outputs.row"),
            Err("`tasks.load.outputs` has no `row`; it has rows".to_owned())
        );
        assert_eq!(
            evaluate("parms.n"),
            Err("there is no `parms` here; there are params, tasks".to_owned())
        );
        assert_eq!(evaluate("params.x | default(5)"), Ok(json!(5)));
    }

    #[test]
    fn another_languages_operators_are_answered_with_ours() {
        let help = |source| Expr::parse(source).map_err(|it| format!("{it}; {}", it.help()));
        assert_eq!(help("a && b"), Err("`&&` is not an operator here; write `and`".to_owned()));
        assert_eq!(help("!a"), Err("`!` is not an operator here; write `not`".to_owned()));
        assert_eq!(
            help("a | lenght"),
            Err("there is no filter `lenght`; did you mean `length`?".to_owned())
        );
        assert!(help("a != '&& ||'").is_ok());
    }

    #[test]
    fn no_expression_hangs_or_crashes() {
        for bomb in [
            "[1] * 1000000000",
            "'x' * 1000000000",
            &"(".repeat(1_000),
            &format!("1{}", " + 1".repeat(250)),
            &"not ".repeat(250),
            &format!("{}1{}", "[".repeat(500), "]".repeat(500)),
            &format!("'a'{}", " ~ 'aaaaaaaaaaaaaaa'".repeat(50)),
        ] {
            if let Ok(expr) = Expr::parse(bomb) {
                let _whatever = expr.evaluate(&scope());
            }
        }
        assert_eq!(Expr::parse(&"1+".repeat(600)), Err(ExprError::TooLong(1_200)));
    }

    #[test]
    fn a_condition_is_true_or_false_and_nothing_else() {
        let ask = |source| Expr::parse(source).expect("it parses").is_true(&scope());
        assert_eq!(ask("params.n == 3"), Ok(true));
        assert_eq!(
            ask("params.n").map_err(|it| it.to_string()),
            Err("`params.n`: it is 3, and should be true or false".to_owned())
        );
    }

    #[test]
    fn names_are_known_before_there_are_values() {
        let expr = Expr::parse("tasks.load.outputs.rows | sum > params.n").expect("it parses");
        assert_eq!(expr.names(), ["params.n", "tasks.load.outputs.rows"]);
    }
}
