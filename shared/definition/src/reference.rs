//! The tables of the reference, for `workflows/README.md`: made from the table of keys, so that they cannot drift.

use std::collections::BTreeSet;

use crate::keys::WORKFLOW;
use crate::shape::{Mapping, Shape};

/// All tables in Markdown, each under a heading, in the order in which a reader meets them.
pub fn reference() -> String {
    let mut tables = Vec::new();
    let mut seen = BTreeSet::new();
    let mut waiting = std::collections::VecDeque::from([&WORKFLOW]);
    while let Some(mapping) = waiting.pop_front() {
        if seen.insert(mapping.title()) {
            tables.push(table(mapping));
            let keys = mapping.keys.iter().filter(|it| !it.is_later());
            keys.for_each(|it| inner(&it.shape, &mut |it| waiting.push_back(it)));
        }
    }
    tables.join("\n")
}

fn table(mapping: &Mapping) -> String {
    let mut text =
        format!("### {}\n\n| key | value | meaning |\n| --- | --- | --- |\n", mapping.heading());
    for key in mapping.keys.iter().filter(|it| !it.is_later()) {
        text.push_str(&format!("| `{}` | {} | {} |\n", key.name, value(&key.shape), key.doc));
    }
    text
}

fn value(shape: &Shape) -> String {
    match shape {
        Shape::Text => "text".to_owned(),
        Shape::Template => "text with `{{ … }}`".to_owned(),
        Shape::Expr => "expression".to_owned(),
        Shape::Name(_) => "name".to_owned(),
        Shape::Int(least, most) if *most >= 1_000_000 => format!("whole number ≥ {least}"),
        Shape::Int(least, most) => format!("whole number {least}–{most}"),
        Shape::Number(least, most) => format!("number {least}–{most}"),
        Shape::Bool => "`true`, `false`".to_owned(),
        Shape::Duration(_) => "duration".to_owned(),
        Shape::Words(words, _) => {
            words().iter().map(|it| format!("`{it}`")).collect::<Vec<_>>().join(", ")
        }
        Shape::WordsOrExpr(words, _) => {
            let words: Vec<String> = words().iter().map(|it| format!("`{it}`")).collect();
            format!("{}; or expression", words.join(", "))
        }
        Shape::List(item) => match value(item) {
            it if it.contains(", ") => format!("list of {it}"),
            it => format!("list of: {it}"),
        },
        Shape::Mapping(mapping) => format!("see [{0}](#{1})", mapping.heading(), mapping.anchor()),
        Shape::Named(_, shape) => format!("names, each with: {}", value(shape)),
        Shape::OneOf(shapes) => {
            let known = shapes.iter().filter(|it| !matches!(it, Shape::Later(_)));
            known.map(value).collect::<Vec<_>>().join("; or ")
        }
        Shape::Any | Shape::Later(_) => "any value".to_owned(),
    }
}

/// Gives the mappings that a value may be.
fn inner(shape: &Shape, found: &mut dyn FnMut(&'static Mapping)) {
    match shape {
        Shape::Mapping(mapping) => found(mapping),
        Shape::List(item) | Shape::Named(_, item) => inner(item, found),
        Shape::OneOf(shapes) => shapes.iter().for_each(|it| inner(it, found)),
        _ => {}
    }
}
