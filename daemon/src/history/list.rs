//! Lists of runs, newest first: those that are active from the state, those that have ended from the index.

use std::collections::BTreeSet;

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
const PAGE: usize = 500;

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
        .map(engine::snapshot::run_row)
        .filter(|it| passes(it, filter))
        .collect();
    let active: BTreeSet<RunId> = readout.state.runs.keys().copied().collect();
    let prefix = match &filter.workflow {
        Some(workflow) => format!("l/{workflow}/"),
        None => "c/".to_owned(),
    };
    let (mut after, mut looked, mut ended): (Option<Vec<u8>>, usize, usize) = (None, 0, 0);
    'pages: while looked < LOOK_MAX {
        let scan = Scan {
            prefix: prefix.as_bytes(),
            order: Order::Descending,
            after: after.as_deref(),
            limit: PAGE,
        };
        let page = readout.store.index.scan(scan).map_err(HistoryError::Index)?;
        let Some((last, _)) = page.last() else { break };
        after = Some(last.clone());
        looked += page.len();
        for (_, id) in page {
            let id = std::str::from_utf8(&id).ok().and_then(|it| it.parse::<RunId>().ok());
            let Some(id) = id.filter(|it| !active.contains(it)) else { continue };
            let Some(row) = read_row(&readout.store.index, id)? else { continue };
            if filter.since.is_some_and(|since| row.row.created < since) {
                break 'pages;
            }
            if passes(&row.row, filter) {
                rows.push(row.row);
                ended += 1;
            }
            if ended >= limit {
                break 'pages;
            }
        }
    }
    rows.sort_by_key(|it| std::cmp::Reverse((it.created, it.id)));
    rows.truncate(limit);
    Ok(rows)
}

fn passes(row: &RunRow, filter: &RunsFilter) -> bool {
    filter.state.as_deref().is_none_or(|state| row.state == state)
        && filter.since.is_none_or(|since| row.created >= since)
}
