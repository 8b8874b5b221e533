//! A task may read another only if that one has ended before, whatever happens: it needs it, directly or through others.

use std::collections::BTreeMap;

use shared::workflow::Section;

use super::names::Read;
use super::needs::Needs;
use crate::author::Draft;
use crate::problem::Problem;
use crate::report::Report;

/// Checks `reads`. `order` has each task after what it needs.
///
/// Sixty-four tasks that are read are followed at once, one bit each, so a pass over the graph serves many.
pub(super) fn check(
    draft: &Draft,
    needs: &Needs,
    order: &[usize],
    reads: &[Read],
    report: &mut Report<'_>,
) {
    let ends = super::needs::ends(&draft.workflow.tasks);
    let mut by_target: BTreeMap<usize, Vec<&Read>> = BTreeMap::new();
    for read in reads.iter().filter(|it| {
        must_be_needed(draft, it) && needs[it.task].binary_search(&ends[it.read]).is_err()
    }) {
        by_target.entry(ends[read.read]).or_default().push(read);
    }
    let targets: Vec<(usize, Vec<&Read>)> = by_target.into_iter().collect();
    for targets in targets.chunks(64) {
        let mut own = vec![0_u64; needs.len()];
        for (bit, (target, _)) in targets.iter().enumerate() {
            own[*target] = 1 << bit;
        }
        let mut upstream = vec![0_u64; needs.len()];
        for task in order {
            let bits = needs[*task].iter().map(|it| upstream[*it] | own[*it]);
            upstream[*task] = bits.fold(0, |all, it| all | it);
        }
        for (_, reads) in targets {
            for read in reads.iter().filter(|it| upstream[it.task] & own[ends[it.read]] == 0) {
                tell(draft, read, report);
            }
        }
    }
}

fn tell(draft: &Draft, read: &Read, report: &mut Report<'_>) {
    let [one, other] = [read.task, read.read].map(|it| &draft.workflow.tasks[it]);
    let (task, name) = (one.name.to_string(), other.name.to_string());
    let place = report.locate(read.place, &format!("tasks.{name}"));
    let problem = if one.name.as_str().starts_with(&format!("{name}/")) {
        Problem::ReadsAround { task, group: name }
    } else if read.task == read.read {
        Problem::SelfRead(task)
    } else if one.section == other.section {
        Problem::NotUpstream { task, read: name }
    } else {
        Problem::ReadsFinally { task, read: name }
    };
    report.add(place, problem);
}

/// Tasks of `finally` start after all others.
fn must_be_needed(draft: &Draft, read: &Read) -> bool {
    let section = |it: usize| draft.workflow.tasks[it].section;
    section(read.task) == Section::Main || section(read.read) == Section::Finally
}
