//! Scripts take no templates: what is put into their text could become code. This finds those that someone has written.

use super::reader::{Reader, Scope};
use crate::problem::Problem;
use crate::yaml::Place;

/// The names that scripts may want to read.
const ROOTS: [&str; 6] = ["params", "tasks", "interval", "run", "trigger", "env"];

/// Checks the text of a script of `task` that is written at `place`, or in a file that is named there.
pub(super) fn check(
    script: &str,
    place: Place,
    task: &str,
    scope: &Scope,
    reader: &mut Reader<'_, '_, '_>,
) {
    reader.check_size("the script", script.len(), place);
    if script.contains('\0') {
        reader.report.add(place, Problem::Nul);
    }
    for found in templates(script, scope) {
        let place = reader.report.locate(place, found);
        let variable = match own_output(found, task).filter(|_| scope.undo) {
            Some(output) => format!("RUNYARD_OUTPUT_{}", output.to_ascii_uppercase()),
            None => variable(found),
        };
        let problem = Problem::TemplateInScript { found: found.to_owned(), variable };
        reader.report.add(place, problem);
    }
}

/// Each `{{ … }}` that names a value of ours; all other braces are the script's own.
fn templates<'t>(script: &'t str, scope: &Scope) -> Vec<&'t str> {
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
        let is_ours = ROOTS.contains(&root) || (scope.undo && root == "outputs");
        if (is_ours && after.starts_with(['.', '['])) || Some(root) == scope.item.as_deref() {
            found.push(&rest[open..open + 2 + close + 2]);
        }
        rest = &inside[close + 2..];
    }
    found
}

/// The output that is read of the task itself, which an undo finds in its environment.
fn own_output<'t>(found: &'t str, task: &str) -> Option<&'t str> {
    let path = found.trim_matches(['{', '}', ' ']);
    let rest = path.strip_prefix("tasks").map_or(Some(path), |rest| {
        let names = [format!(".{task}."), format!("['{task}']."), format!("[\"{task}\"].")];
        names.iter().find_map(|it| rest.strip_prefix(it.as_str()))
    })?;
    let name = rest.strip_prefix("outputs.")?;
    let end = name.find(|it: char| !it.is_ascii_alphanumeric() && it != '_');
    Some(&name[..end.unwrap_or(name.len())]).filter(|it| !it.is_empty())
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
        let scope = Scope::of_task(0).with_item(Some("region"));
        assert_eq!(
            templates(script, &scope),
            ["{{ params.day }}", "{{region}}", "{{ tasks['a-b'].state }}"]
        );
        assert_eq!(variable("{{ params.business_date | date }}"), "BUSINESS_DATE");
        assert_eq!(variable("{{ tasks['a-b'].state }}"), "STATE");
        assert_eq!(variable("{{region}}"), "REGION");
    }

    #[test]
    fn an_undo_has_the_outputs_of_its_task_in_its_environment() {
        let script = "echo {{ outputs.id }} {{ outputs }}";
        assert_eq!(templates(script, &Scope::of_task(0)), [""; 0]);
        assert_eq!(templates(script, &Scope::of_task(0).of_undo()), ["{{ outputs.id }}"]);
        let own = |found| own_output(found, "a-b");
        assert_eq!(own("{{ outputs.id | json }}"), Some("id"));
        assert_eq!(own("{{ tasks['a-b'].outputs.id }}"), Some("id"));
        assert_eq!(own("{{ tasks.other.outputs.id }}"), None);
        assert_eq!(own("{{ params.outputs }}"), None);
    }
}
