//! The run that a person means.

use shared::id::RunId;
use shared::request::{Refusal, RefusalCode};

use crate::driver::Readout;
use crate::store::{Order, Scan};

use super::number_key;

/// The shortest part of an id that names a run.
const PREFIX_MIN: usize = 3;

/// An id, a unique prefix of one, `workflow#412`, `412` where that is unique, or `@latest:WORKFLOW`.
pub(crate) fn find(readout: &Readout<'_>, text: &str) -> Result<RunId, Refusal> {
    let found = if let Some(workflow) = text.strip_prefix("@latest:") {
        let entry = readout.state.library.get(&workflow.into());
        match entry.filter(|it| it.newest > 0) {
            Some(entry) => by_number(readout, entry.newest, Some(workflow)),
            None => return Err(not_found(&format!("there is no run of workflow `{workflow}`"))),
        }
    } else if let Some((workflow, number)) = text.split_once('#') {
        match number.parse() {
            Ok(number) => by_number(readout, number, Some(workflow)),
            Err(_) => Vec::new(),
        }
    } else {
        by_id_or_number(readout, text)
    };
    match found[..] {
        [run] => Ok(run),
        [] => Err(not_found(&format!("there is no run `{text}`"))),
        [..] => {
            let names: Vec<String> = found.iter().take(5).map(ToString::to_string).collect();
            let message =
                format!("`{text}` may be any of {} runs: {}", found.len(), names.join(", "));
            let help = match text.parse::<u64>() {
                Ok(_) => format!("name its workflow: `WORKFLOW#{text}`"),
                Err(_) => "write more of the id".to_owned(),
            };
            Err(Refusal::new(RefusalCode::NotFound, message).help(help))
        }
    }
}

fn not_found(message: &str) -> Refusal {
    Refusal::new(RefusalCode::NotFound, message).help("`runyard runs` lists them")
}

fn by_id_or_number(readout: &Readout<'_>, text: &str) -> Vec<RunId> {
    if let Ok(run) = text.parse::<RunId>() {
        let known = readout.state.runs.contains_key(&run)
            || readout.store.index.get(&super::row_key(run)).is_ok_and(|it| it.is_some());
        return known.then_some(run).into_iter().collect();
    }
    let numbered = text.parse().map_or_else(|_| Vec::new(), |it| by_number(readout, it, None));
    if !numbered.is_empty() || text.len() < PREFIX_MIN {
        return numbered;
    }
    let active = readout.state.runs.keys().filter(|it| it.to_string().starts_with(text)).copied();
    let prefix = format!("r/{text}");
    let ended = scan(readout, prefix.as_bytes())
        .into_iter()
        .filter_map(|(key, _)| std::str::from_utf8(key.get(2..)?).ok()?.parse::<RunId>().ok());
    unique(active.chain(ended))
}

fn by_number(readout: &Readout<'_>, number: u64, workflow: Option<&str>) -> Vec<RunId> {
    let active = readout.state.runs.values().filter(|it| {
        it.number == number && workflow.is_none_or(|name| it.workflow.as_str() == name)
    });
    let active = active.map(|it| it.id);
    let prefix = number_key(number, workflow.unwrap_or_default());
    let ended = scan(readout, &prefix).into_iter().filter_map(|(key, value)| {
        // Of a workflow that was asked for, the whole key: another's name may begin with it.
        let whole = workflow.is_none() || key == prefix;
        whole.then(|| std::str::from_utf8(&value).ok()?.parse::<RunId>().ok())?
    });
    unique(active.chain(ended))
}

fn unique(runs: impl Iterator<Item = RunId>) -> Vec<RunId> {
    runs.collect::<std::collections::BTreeSet<_>>().into_iter().collect()
}

fn scan(readout: &Readout<'_>, prefix: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let scan = Scan { prefix, order: Order::Ascending, after: None, limit: 100 };
    readout.store.index.scan(scan).unwrap_or_default()
}
