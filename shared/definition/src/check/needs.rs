//! Needs: they exist, stay within their section, and do not go in circles.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use shared::workflow::{Groups, Kind, Section, Task};

use super::Numbers;
use crate::author::Draft;
use crate::near::near_name;
use crate::problem::Problem;
use crate::report::Report;

/// What must have ended before, by number; only what makes sense. The number of a group is its start, which all that is in
/// it waits for; its end, which waits for all of that, has a number of its own behind those of the tasks.
pub(super) type Needs = Vec<Vec<usize>>;

/// The numbers of the ends of groups, and those of all other tasks.
pub(super) fn ends(tasks: &[Task]) -> Vec<usize> {
    let mut next = tasks.len();
    let number = |(number, task): (usize, &Task)| {
        if task.kind != Kind::Group {
            return number;
        }
        next += 1;
        next - 1
    };
    tasks.iter().enumerate().map(number).collect()
}

/// Puts the starts and the ends of groups into the graph.
fn with_groups(tasks: &[Task], groups: &Groups, graph: &mut Needs) {
    let ends = ends(tasks);
    for needs in graph.iter_mut() {
        needs.iter_mut().for_each(|it| *it = ends[*it]);
    }
    let count = ends.iter().filter(|it| **it >= tasks.len()).count();
    graph.resize(tasks.len() + count, Vec::new());
    for (place, end) in (0_u32..).zip(&ends) {
        let number = place as usize;
        graph[number].extend(groups.group(place).map(|it| it as usize));
        if *end >= tasks.len() {
            let members = groups.members(place).iter().map(|it| ends[*it as usize]);
            graph[*end] = members.chain([number]).collect();
            graph[*end].sort_unstable();
        }
        graph[number].sort_unstable();
    }
}

pub(super) fn check(draft: &Draft, numbers: &Numbers<'_>, report: &mut Report<'_>) -> Needs {
    let tasks = &draft.workflow.tasks;
    let mut graph = Needs::with_capacity(tasks.len());
    let groups = Groups::of(tasks);
    for (task, places) in tasks.iter().zip(&draft.places) {
        let mut seen = BTreeSet::new();
        for (need, place) in task.needs.iter().zip(&places.needs) {
            let found = numbers.get(need.as_str()).copied();
            let problem = wrong(task, need.as_str(), found.map(|it| &tasks[it]), numbers, report);
            match problem.or_else(|| of_items(&groups, tasks, task, found?)) {
                Some(problem) => report.add(*place, problem),
                None if found.is_some_and(|it| !seen.insert(it)) => {
                    let (task, need) = (task.name.to_string(), need.to_string());
                    report.add(*place, Problem::DuplicateNeed { task, need });
                }
                None => {}
            }
        }
        graph.push(seen.into_iter().collect());
    }
    // What has been told must not be told again as a cycle.
    for (number, needs) in graph.iter_mut().enumerate() {
        needs.retain(|it| *it != number && tasks[*it].section == tasks[number].section);
    }
    with_groups(tasks, &groups, &mut graph);
    graph
}

/// What runs once an item can be needed within its own item only.
fn of_items(groups: &Groups, tasks: &[Task], task: &Task, need: usize) -> Option<Problem> {
    let need = u32::try_from(need).ok()?;
    let chain = groups.chain(need).filter(|it| *it != need)?;
    let own = groups.place(&task.name).and_then(|it| groups.chain(it));
    let name = |it: u32| tasks[it as usize].name.to_string();
    (own != Some(chain)).then(|| Problem::NeedsInner {
        task: task.name.to_string(),
        need: name(need),
        group: name(chain),
    })
}

fn wrong(
    task: &Task,
    need: &str,
    found: Option<&Task>,
    numbers: &Numbers<'_>,
    report: &Report<'_>,
) -> Option<Problem> {
    let name = || task.name.to_string();
    match found {
        None if report.is_full() => None,
        None => {
            let near = near_name(need, beside(task, numbers).chain(numbers.keys().copied()));
            Some(Problem::UnknownNeed { task: name(), need: need.to_owned(), near })
        }
        Some(found) if found.name == task.name => Some(Problem::SelfNeed(name())),
        Some(found) if found.section != task.section => {
            let section = match found.section {
                Section::Main => "`tasks`",
                Section::Finally => "`finally`",
            };
            Some(Problem::OtherSection { task: name(), need: need.to_owned(), section })
        }
        Some(_) => None,
    }
}

/// The names of the tasks beside a task, as it may write them.
pub(super) fn beside<'n>(
    task: &Task,
    numbers: &'n Numbers<'_>,
) -> impl Iterator<Item = &'n str> + use<'n> {
    let prefix = task.group.as_ref().map(|it| format!("{it}/"));
    numbers.keys().copied().filter_map(move |it| it.strip_prefix(prefix.as_deref()?))
}

/// The tasks such that each comes after what it needs; nothing where there are cycles, which are told.
pub(super) fn order(draft: &Draft, needs: &Needs, report: &mut Report<'_>) -> Option<Vec<usize>> {
    let mut graph: DiGraph<(), ()> = DiGraph::with_capacity(needs.len(), needs.len());
    needs.iter().for_each(|_| _ = graph.add_node(()));
    for (task, needs) in needs.iter().enumerate() {
        for need in needs {
            graph.add_edge(NodeIndex::new(task), NodeIndex::new(*need), ());
        }
    }
    // Kosaraju's, since Tarjan's recurses in petgraph, and a long chain would exhaust the stack.
    let groups = kosaraju_scc(&graph);
    let cycles: Vec<Vec<usize>> = groups
        .iter()
        .filter(|it| it.len() > 1)
        .map(|it| it.iter().map(|it| it.index()).collect())
        .collect();
    cycles.iter().for_each(|it| report_cycle(draft, needs, it, report));
    // Components come in reverse topological order of the edges, which point at what is needed.
    cycles.is_empty().then(|| groups.into_iter().flatten().map(NodeIndex::index).collect())
}

fn report_cycle(draft: &Draft, needs: &Needs, group: &[usize], report: &mut Report<'_>) {
    let Some(cycle) = shortest_cycle(needs, group) else { return };
    let tasks = &draft.workflow.tasks;
    let ends = ends(tasks);
    let task_of = |it: usize| match it < tasks.len() {
        true => it,
        false => ends.iter().position(|end| *end == it).unwrap_or(0),
    };
    let mut cycle: Vec<usize> = cycle.into_iter().map(task_of).collect();
    cycle.dedup();
    let shown = cycle.iter().take(20).map(|it| tasks[*it].name.as_str());
    let mut names: Vec<&str> = shown.collect();
    if cycle.len() > 20 {
        names.push("…");
    }
    names.push(names[0]);
    let need = cycle.get(1).map(|it| &tasks[*it].name);
    let place = tasks[cycle[0]].needs.iter().position(|it| Some(it) == need);
    let places = &draft.places[cycle[0]];
    let place = place.and_then(|it| places.needs.get(it)).unwrap_or(&places.name);
    report.add(*place, Problem::Cycle(names.join(" → ")));
}

/// A shortest way from the first task of a group in file order through needs back to itself.
fn shortest_cycle(needs: &Needs, group: &[usize]) -> Option<Vec<usize>> {
    let members: BTreeSet<usize> = group.iter().copied().collect();
    let start = *members.first()?;
    let mut before = BTreeMap::new();
    let mut queue = VecDeque::from([start]);
    while let Some(task) = queue.pop_front() {
        for need in needs[task].iter().filter(|it| members.contains(it)) {
            if *need == start {
                let mut cycle = vec![task];
                while let Some(previous) = before.get(&cycle[cycle.len() - 1]) {
                    cycle.push(*previous);
                }
                cycle.reverse();
                return Some(cycle);
            }
            if !before.contains_key(need) {
                before.insert(*need, task);
                queue.push_back(*need);
            }
        }
    }
    None
}
