//! Scripts take no templates: what is put into their text could become code. This finds those that someone has written.

use super::reader::Reader;
use crate::problem::Problem;
use crate::yaml::Place;

/// The names that scripts may want to read.
const ROOTS: [&str; 6] = ["params", "tasks", "interval", "run", "trigger", "env"];

/// Checks the text of a script that is written at `place`, or in a file that is named there.
pub(super) fn check(
    script: &str,
    place: Place,
    item: Option<&str>,
    reader: &mut Reader<'_, '_, '_>,
) {
    reader.check_size("the script", script.len(), place);
    if script.contains('\0') {
        reader.report.add(place, Problem::Nul);
    }
    for found in templates(script, item) {
        let place = reader.report.locate(place, found);
        let problem =
            Problem::TemplateInScript { found: found.to_owned(), variable: variable(found) };
        reader.report.add(place, problem);
    }
}

/// Each `{{ … }}` that names a value of ours; all other braces are the script's own.
fn templates<'t>(script: &'t str, item: Option<&str>) -> Vec<&'t str> {
    let mut found = Vec::new();
    let mut rest = script;
    while let Some(open) = rest.find("{{") {
        let inside = &rest[open + 2..];
        let line = inside.lines().next().unwrap_or_default();
        let Some(close) = line.find("}}") else {
            rest = inside;
            continue;
        };
        let expression = inside[..close].trim();
        let end = expression.find(|it: char| !it.is_ascii_alphanumeric() && it != '_');
        let (root, after) = expression.split_at(end.unwrap_or(expression.len()));
        if (ROOTS.contains(&root) && after.starts_with(['.', '['])) || Some(root) == item {
            found.push(&rest[open..open + 2 + close + 2]);
        }
        rest = &inside[close + 2..];
    }
    found
}

/// A name for the variable that carries the value: the last part of its own, in capitals.
fn variable(found: &str) -> String {
    let inside = found.trim_matches(['{', '}', ' ']);
    let path = inside.split(['|', ' ']).next().unwrap_or_default();
    let last = path.split(['.', '[']).rfind(|it| !it.is_empty()).unwrap_or_default();
    let name: String = last.chars().filter(|it| it.is_ascii_alphanumeric() || *it == '_').collect();
    if name.starts_with(|it: char| it.is_ascii_alphabetic()) {
        name.to_uppercase()
    } else {
        "VALUE".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_braces_are_found() {
        let script = "echo {{ params.day }} {{ .Names }} ${x} {{a,b}} {{region}}\n{{ tasks['a-b'].state }} {{ open";
        assert_eq!(
            templates(script, Some("region")),
            ["{{ params.day }}", "{{region}}", "{{ tasks['a-b'].state }}"]
        );
        assert_eq!(variable("{{ params.business_date | date }}"), "BUSINESS_DATE");
        assert_eq!(variable("{{ tasks['a-b'].state }}"), "STATE");
        assert_eq!(variable("{{region}}"), "REGION");
    }
}
