//! Lists of runs, newest first: those that are active from the state, those that have ended from the index.

use shared::id::RunId;
use shared::rpc::RunsFilter;
use shared::snapshot::RunRow;

use crate::driver::Readout;
use crate::store::{Order, Scan};

use super::{HistoryError, read_row};

/// The most runs that one list gives.
const LIMIT_MAX: usize = 1_000;
/// How many of the index are looked at, at the most: a filter that hardly anything passes must not read all history.
const LOOK_MAX: usize = 20_000;
/// How many are looked at between two turns of the driver.
const PAGE: usize = 250;

/// The runs that pass a filter, newest first.
pub(crate) fn list(
    readout: &Readout<'_>,
    filter: &RunsFilter,
) -> Result<Vec<RunRow>, HistoryError> {
    let limit = (filter.limit as usize).clamp(1, LIMIT_MAX);
    let mut rows: Vec<RunRow> = readout
        .state
        .runs
        .values()
        .filter(|it| filter.workflow.as_deref().is_none_or(|name| it.workflow.as_str() == name))
        .map(|it| {
            let workflow = &readout.state.definition(it.id).workflow;
            engine::snapshot::run_row(it, workflow, Some(readout.state))
        })
        .filter(|it| passes(it, filter))
        .collect();
    let (mut page, mut looked, mut ended) = (RunsPage::default(), 0, 0);
    while looked < LOOK_MAX && ended < limit {
        let (more, next) = ended_page(readout, filter, page)?;
        looked += PAGE;
        ended += more.len();
        rows.extend(more);
        match next {
            Some(next) => page = next,
            None => break,
        }
    }
    rows.sort_by_key(|it| std::cmp::Reverse((it.created, it.id)));
    rows.truncate(limit);
    Ok(rows)
}

/// How far a list of ended runs has come.
#[derive(Clone, Default, Debug)]
pub(crate) struct RunsPage {
    after: Option<Vec<u8>>,
}

/// Some of the ended runs that pass a filter, newest first, and where to go on; `None` at the end.
pub(crate) fn ended_page(
    readout: &Readout<'_>,
    filter: &RunsFilter,
    page: RunsPage,
) -> Result<(Vec<RunRow>, Option<RunsPage>), HistoryError> {
    let prefix = match &filter.workflow {
        Some(workflow) => format!("l/{workflow}/"),
        None => "c/".to_owned(),
    };
    let scan = Scan {
        prefix: prefix.as_bytes(),
        order: Order::Descending,
        after: page.after.as_deref(),
        limit: PAGE,
    };
    let found = readout.store.index.scan(scan).map_err(HistoryError::Index)?;
    let mut next = (found.len() == PAGE)
        .then(|| found.last().map(|(last, _)| RunsPage { after: Some(last.clone()) }))
        .flatten();
    let mut rows = Vec::new();
    for (_, id) in found {
        let id = std::str::from_utf8(&id).ok().and_then(|it| it.parse::<RunId>().ok());
        let Some(id) = id.filter(|it| !readout.state.runs.contains_key(it)) else { continue };
        let Some(row) = read_row(&readout.store.index, id)? else { continue };
        if filter.since.is_some_and(|since| row.row.created < since) {
            next = None;
            break;
        }
        if passes(&row.row, filter) {
            rows.push(row.row);
        }
    }
    Ok((rows, next))
}

/// A run that has ended, as a list shows it.
pub(crate) fn ended_row(readout: &Readout<'_>, run: RunId) -> Result<Option<RunRow>, HistoryError> {
    Ok(read_row(&readout.store.index, run)?.map(|it| it.row))
}

fn passes(row: &RunRow, filter: &RunsFilter) -> bool {
    filter.state.as_deref().is_none_or(|state| row.state == state)
        && filter.since.is_none_or(|since| row.created >= since)
}
