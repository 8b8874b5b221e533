//! Everything that spans two keys: needs and cycles, names in expressions, timeouts and undos that nobody has written.

mod names;
mod needs;
mod rule;
mod upstream;

use std::collections::BTreeMap;

use shared::workflow::Workflow;

use crate::author::Draft;
use crate::problem::Problem;
use crate::report::Report;

/// The number of each task by its name.
pub(crate) type Numbers<'w> = BTreeMap<&'w str, usize>;

/// Checks what `draft` says as a whole.
pub(crate) fn check(draft: &Draft, report: &mut Report<'_>) {
    let numbers = numbers(draft, report);
    if let Some(place) = draft.no_tasks {
        report.add(place, Problem::NoTasks);
    }
    let graph = needs::check(draft, &numbers, report);
    rule::check(draft, report);
    let reads = names::check(draft, &numbers, report);
    if let Some(order) = needs::order(draft, &graph, report) {
        upstream::check(draft, &graph, &order, &reads, report);
    }
    warn_of_timeouts(draft, report);
    let can_be_undone = draft.workflow.tasks.iter().any(|it| it.rollback.is_some());
    if let Some(place) = draft.roll_back.filter(|_| !can_be_undone) {
        report.add(place, Problem::NothingToUndo);
    }
}

fn numbers<'d>(draft: &'d Draft, report: &mut Report<'_>) -> Numbers<'d> {
    let mut numbers = Numbers::new();
    for (number, task) in draft.workflow.tasks.iter().enumerate() {
        if numbers.insert(task.name.as_str(), number).is_some() {
            let problem = Problem::DuplicateTask(task.name.to_string());
            report.add(draft.places[number].name, problem);
        }
    }
    numbers
}

fn warn_of_timeouts(draft: &Draft, report: &mut Report<'_>) {
    let lacking: Vec<usize> =
        (0..draft.places.len()).filter(|it| draft.places[*it].lacks_timeout).collect();
    let Some(first) = lacking.first() else { return };
    let Workflow { tasks, .. } = &draft.workflow;
    let names: Vec<String> =
        lacking.iter().take(3).map(|it| format!("`{}`", tasks[*it].name)).collect();
    let names = match lacking.len() {
        0..=3 => names.join(", "),
        more => format!("{} and {} more", names.join(", "), more - 3),
    };
    report.add(draft.places[*first].name, Problem::NoTimeout(names));
}
