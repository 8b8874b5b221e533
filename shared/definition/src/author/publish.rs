//! What is moved into place.

use shared::expr::Template;
use shared::workflow::{Kind, Publish};

use super::reader::{Reader, Scope, no_text, number};
use crate::problem::Problem;
use crate::yaml::{Node, shorten};

/// How many versions are kept that have been replaced.
const KEEP: u32 = 5;

pub(super) fn read(node: &Node, scope: &Scope, reader: &mut Reader<'_, '_, '_>) -> Kind {
    let from = read_path("from", node, scope, reader);
    if let (Some(from), Some(node)) = (&from, node.get("from")) {
        check_from(from, node, reader);
    }
    Kind::Publish {
        publish: Publish {
            dataset: node.get("dataset").and_then(Node::text).map(str::to_owned),
            from: from.unwrap_or_else(no_text),
            to: read_path("to", node, scope, reader).unwrap_or_else(no_text),
            keep: node.get("keep").and_then(number).unwrap_or(KEEP),
        },
    }
}

fn read_path(
    key: &str,
    node: &Node,
    scope: &Scope,
    reader: &mut Reader<'_, '_, '_>,
) -> Option<Template> {
    let node = node.get(key)?;
    let path = reader.template(node, scope)?;
    if path.source().trim().is_empty() {
        reader.report.add(node.place, Problem::empty(key, "a path"));
    }
    if path.source().contains('\0') {
        reader.report.add(node.place, Problem::Nul);
    }
    Some(path)
}

/// What is moved lies below the run's folder, as far as that is known before there are values.
fn check_from(from: &Template, node: &Node, reader: &mut Reader<'_, '_, '_>) {
    const HELP: &str = "write a path below `$RUNYARD_RUN_DIR`, relative to it";
    let path = literal(from);
    let parts = || path.split('/').filter(|it| !it.is_empty());
    let variable = ["$RUNYARD_RUN_DIR", "${RUNYARD_RUN_DIR"].iter().any(|it| path.starts_with(it));
    let quoted = shorten(from.source());
    let message = if path.trim().is_empty() {
        return;
    } else if path.starts_with('/') || variable {
        format!("`from` is `{quoted}`, and should be relative")
    } else if parts().any(|it| it == "..") {
        format!("`from` is `{quoted}`, and may leave the run's folder")
    } else if parts().all(|it| it == ".") {
        format!("`from` is `{quoted}`, the run's folder itself")
    } else {
        return;
    };
    reader.report.add(node.place, Problem::Conflict(message, HELP));
}

/// The text with `{}` for each expression.
fn literal(template: &Template) -> String {
    let mut text = String::new();
    let mut rest = template.source();
    for expression in template.expressions() {
        let (before, behind) = rest.split_once("{{").unwrap_or((rest, ""));
        text.push_str(before);
        text.push_str("{}");
        let behind = behind.split_once(expression.source()).map_or("", |it| it.1);
        rest = behind.split_once("}}").map_or("", |it| it.1);
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_an_expression_is_no_part_of_a_path() {
        let literal = |text| literal(&Template::parse(text).expect("it is a template"));
        assert_eq!(literal("out/day.csv"), "out/day.csv");
        assert_eq!(literal("{{ params.a / 2 }}/{{'../}}'}}x/.."), "{}/{}x/..");
        assert_eq!(literal("a{{ params.a }}..{{params.a}}"), "a{}..{}");
    }
}
