//! What a value may look like, and the check of a whole tree against that: keys, types, words, ranges.

use shared::diagnostic::nearest;
use shared::time::parse_duration;

use crate::problem::Problem;
use crate::report::Report;
use crate::yaml::{Node, Place, Value, shorten};

/// A mapping with known keys.
#[derive(Debug)]
pub(crate) struct Mapping {
    /// What it is, for messages: `a task`.
    pub(crate) name: &'static str,
    /// Its keys, in the order in which people read them.
    pub(crate) keys: &'static [Key],
}

/// A key of a mapping.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) shape: Shape,
    /// Its meaning in a line; the default belongs to it. Nothing for one that is not supported yet.
    pub(crate) doc: &'static str,
}

/// What a value may be.
#[derive(Debug)]
pub(crate) enum Shape {
    /// Any scalar, taken as it is written.
    Text,
    /// A text in which `{{ … }}` is replaced.
    Template,
    /// An expression.
    Expr,
    /// A text that follows a rule.
    Name(&'static NameRule),
    /// A whole number in a range.
    Int(i64, i64),
    /// A number in a range.
    Number(f64, f64),
    Bool,
    /// A span of time, at least so many milliseconds.
    Duration(u64),
    /// One of these words. The second tells words that a later version will know.
    Words(fn() -> Vec<&'static str>, fn(&str) -> bool),
    /// One of these words, or what the second takes for an expression.
    WordsOrExpr(fn() -> Vec<&'static str>, fn(&str) -> bool),
    /// A list of these.
    List(&'static Shape),
    /// A mapping with known keys.
    Mapping(&'static Mapping),
    /// A mapping with any names that follow the rule.
    Named(&'static NameRule, &'static Shape),
    /// The first of these that fits the form of the value.
    OneOf(&'static [Shape]),
    Any,
    /// A key, or the form of a value, that a later version will know.
    Later(Form),
}

/// The outer form of a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Form {
    Any,
    Mapping,
}

/// How names of one kind are written.
#[derive(Debug)]
pub(crate) struct NameRule {
    /// `the name of a task`.
    pub(crate) what: &'static str,
    /// What to write.
    pub(crate) help: &'static str,
    /// The same for editors.
    pub(crate) pattern: &'static str,
    pub(crate) fits: fn(&str) -> bool,
    /// Names that a later version will know.
    pub(crate) later: &'static [&'static str],
}

impl Mapping {
    /// Its name without article and quotes.
    pub(crate) fn title(&self) -> &'static str {
        let name = self.name.trim_matches('`');
        name.strip_prefix("a ").or_else(|| name.strip_prefix("an ")).unwrap_or(name)
    }

    /// Its name as a heading.
    pub(crate) fn heading(&self) -> String {
        match self.name.starts_with('`') {
            true => self.name.to_owned(),
            false => format!("A{}", &self.name[1..]),
        }
    }

    /// Where a link to its heading leads.
    pub(crate) fn anchor(&self) -> String {
        self.name.trim_matches('`').replace(' ', "-")
    }

    /// The names of the keys that are supported.
    pub(crate) fn supported(&self) -> impl Iterator<Item = &'static str> {
        self.keys.iter().filter(|it| !it.is_later()).map(|it| it.name)
    }
}

impl Key {
    pub(crate) fn is_later(&self) -> bool {
        matches!(self.shape, Shape::Later(Form::Any))
    }

    /// A mapping without it is incomplete.
    pub(crate) fn is_required(&self) -> bool {
        self.doc.starts_with("Required")
    }
}

impl Shape {
    /// What it is, for messages.
    pub(crate) fn expected(&self) -> String {
        match self {
            Self::Text | Self::Template => "a text".to_owned(),
            Self::Expr => "an expression".to_owned(),
            Self::Name(rule) => rule.what.to_owned(),
            Self::Int(least, most) => {
                format!("a whole number {}", range(*least as f64, *most as f64))
            }
            Self::Number(least, most) => format!("a number {}", range(*least, *most)),
            Self::Bool => "true or false".to_owned(),
            Self::Duration(_) => "a duration such as 30s or 1h30m".to_owned(),
            Self::Words(words, _) => format!("one of {}", words().join(", ")),
            Self::WordsOrExpr(words, _) => {
                format!("one of {}, or an expression", words().join(", "))
            }
            Self::List(item) => match &**item {
                Self::Text | Self::Template => "a list of texts".to_owned(),
                Self::Expr => "a list of expressions".to_owned(),
                Self::Name(rule) => format!("a list, each {}", rule.what),
                Self::Mapping(mapping) => format!("a list, each {}", mapping.name),
                _ => "a list".to_owned(),
            },
            Self::Mapping(mapping) => mapping.keys_in_words(),
            Self::Named(..) => "a mapping from names to values".to_owned(),
            Self::OneOf(shapes) => {
                let known = shapes.iter().filter(|it| !matches!(it, Self::Later(_)));
                known.map(Self::expected).collect::<Vec<_>>().join(", or ")
            }
            Self::Any | Self::Later(_) => "a value".to_owned(),
        }
    }

    /// A value of `key`, as it may be written.
    fn example(&self, key: &str) -> String {
        let value = match self {
            Self::Text | Self::Template | Self::Name(_) | Self::Any | Self::Later(_) => "TEXT",
            Self::Expr => "params.mode == 'full'",
            Self::Int(..) | Self::Number(..) => "1",
            Self::Bool => "true",
            Self::Duration(_) => "30s",
            Self::Words(words, _) | Self::WordsOrExpr(words, _) => {
                words().first().copied().unwrap_or_default()
            }
            Self::List(_) => "[ONE, ANOTHER]",
            Self::Named(..) => "{ NAME: VALUE }",
            Self::Mapping(mapping) => {
                let first =
                    mapping.keys.iter().find(|it| it.is_required()).or(mapping.keys.first());
                let inner = first.map(|it| it.shape.example(it.name)).unwrap_or_default();
                return format!("{key}: {{ {inner} }}");
            }
            Self::OneOf(shapes) => {
                return shapes.first().map(|it| it.example(key)).unwrap_or_default();
            }
        };
        format!("{key}: {value}")
    }

    /// Whether the outer form of `node` is that of this.
    fn accepts(&self, node: &Node) -> bool {
        let value = &node.value;
        match self {
            Self::Text | Self::Template | Self::Expr | Self::Name(_) | Self::Duration(_) => {
                node.text().is_some()
            }
            Self::Words(..) | Self::WordsOrExpr(..) => matches!(value, Value::Text(_)),
            Self::Int(..) => matches!(value, Value::Int(..)),
            Self::Number(..) => matches!(value, Value::Int(..) | Value::Float(..)),
            Self::Bool => matches!(value, Value::Bool(..)),
            Self::List(_) => matches!(value, Value::List(_)),
            Self::Mapping(_) | Self::Named(..) => matches!(value, Value::Map(_)),
            Self::OneOf(shapes) => shapes.iter().any(|it| it.accepts(node)),
            Self::Any | Self::Later(Form::Any) => true,
            Self::Later(Form::Mapping) => matches!(value, Value::Map(_)),
        }
    }
}

impl Mapping {
    fn keys_in_words(&self) -> String {
        let names: Vec<&str> = self.supported().take(4).collect();
        format!("a mapping with keys such as {}", names.join(", "))
    }
}

fn range(least: f64, most: f64) -> String {
    if most >= 1e9 { format!("of at least {least}") } else { format!("from {least} to {most}") }
}

/// Checks `node`, the value of `key`, and everything in it.
pub(crate) fn check(key: &str, node: &Node, shape: &Shape, report: &mut Report<'_>) {
    if report.is_full() {
        return;
    }
    if !shape.accepts(node) {
        return report.add(node.place, wrong_type(key, node, shape));
    }
    let text = node.text().unwrap_or_default();
    match shape {
        Shape::Text | Shape::Template | Shape::Expr | Shape::Bool | Shape::Any => {}
        Shape::Name(rule) => check_name(text, node.place, rule, report),
        Shape::Int(least, most) => {
            if node.int().is_some_and(|it| it < *least || it > *most) {
                out_of_range(key, node, shape, report);
            }
        }
        Shape::Number(least, most) => {
            if node.number().is_some_and(|it| it < *least || it > *most) {
                out_of_range(key, node, shape, report);
            }
        }
        Shape::Duration(least) => match parse_duration(text) {
            Err(_) => report.add(node.place, Problem::BadDuration(shorten(text))),
            Ok(span) if span.as_millis() < u128::from(*least) => {
                let expected = "a duration of at least 1ms".to_owned();
                report.add(node.place, Problem::out_of_range(key, text, expected));
            }
            Ok(_) => {}
        },
        Shape::Words(words, later) => check_word(key, text, node, words(), *later, report),
        Shape::WordsOrExpr(_, is_expression) if is_expression(text) => {}
        Shape::WordsOrExpr(words, _) => check_word(key, text, node, words(), |_| false, report),
        Shape::List(item) => {
            node.items().iter().for_each(|it| check(key, it, item, report));
        }
        Shape::Mapping(mapping) => check_mapping(key, node, mapping, report),
        Shape::Named(rule, shape) => {
            for entry in node.entries() {
                if rule.later.contains(&entry.key.as_str()) {
                    let what = format!("`{}`", entry.key);
                    report.add(entry.place, Problem::NotSupported { what });
                    continue;
                }
                check_name(&entry.key, entry.place, rule, report);
                check(&entry.key, &entry.value, shape, report);
            }
        }
        Shape::OneOf(shapes) => {
            if let Some(shape) = shapes.iter().find(|it| it.accepts(node)) {
                check(key, node, shape, report);
            }
        }
        Shape::Later(_) => {
            let what = format!("{} for `{key}`", node.describe());
            report.add(node.place, Problem::NotSupported { what });
        }
    }
}

fn check_mapping(key: &str, node: &Node, mapping: &Mapping, report: &mut Report<'_>) {
    for entry in node.entries() {
        match mapping.keys.iter().find(|it| it.name == entry.key) {
            Some(known) if known.is_later() => {
                let what = format!("`{}`", entry.key);
                report.add(entry.place, Problem::NotSupported { what });
            }
            Some(known) => check(known.name, &entry.value, &known.shape, report),
            None if report.is_full() => return,
            None => report.add(entry.place, unknown_key(&entry.key, mapping)),
        }
    }
    let is_later = |it: &Key| it.is_later() && node.get(it.name).is_some();
    if mapping.keys.iter().any(is_later) {
        return;
    }
    for required in mapping.keys.iter().filter(|it| it.is_required()) {
        if node.get(required.name).is_none() {
            let mapping = if key.is_empty() { mapping.name.to_owned() } else { format!("`{key}`") };
            report.add(node.place, Problem::MissingKey { mapping, key: required.name });
        }
    }
}

/// A slip of a key that a later version will know is answered with that key too.
fn unknown_key(key: &str, mapping: &Mapping) -> Problem {
    let supported: Vec<&str> = mapping.supported().collect();
    let all = mapping.keys.iter().map(|it| it.name);
    let near_later =
        nearest(key, supported.iter().copied()).is_none() && nearest(key, all.clone()).is_some();
    let known = if near_later { all.collect() } else { supported };
    Problem::UnknownKey { key: shorten(key), mapping: mapping.name, known }
}

fn check_name(text: &str, place: Place, rule: &NameRule, report: &mut Report<'_>) {
    if !(rule.fits)(text) {
        let name = shorten(text);
        report.add(place, Problem::BadName { name, expected: rule.what, rule: rule.help });
    }
}

fn check_word(
    key: &str,
    text: &str,
    node: &Node,
    known: Vec<&'static str>,
    later: fn(&str) -> bool,
    report: &mut Report<'_>,
) {
    if known.contains(&text) {
        return;
    }
    let found = shorten(text);
    report.add(
        node.place,
        if later(text) {
            Problem::NotSupported { what: format!("`{found}` for `{key}`") }
        } else {
            Problem::UnknownWord { key: key.to_owned(), found, known }
        },
    );
}

fn out_of_range(key: &str, node: &Node, shape: &Shape, report: &mut Report<'_>) {
    let found = node.text().unwrap_or_default();
    report.add(node.place, Problem::out_of_range(key, found, shape.expected()));
}

fn wrong_type(key: &str, node: &Node, shape: &Shape) -> Problem {
    let found = node.describe();
    // The file as a whole has no key.
    if key.is_empty() {
        let example = "`tasks: { hello: { run: echo hello } }`".to_owned();
        let (key, expected) = ("the file".to_owned(), "a mapping with the key `tasks`".to_owned());
        return Problem::WrongType { key, found, expected, example };
    }
    let example = format!("`{}`", shape.example(key));
    Problem::WrongType { key: format!("`{key}`"), found, expected: shape.expected(), example }
}
