//! `audit`: what actors did, read from the journal beside the driver, a segment at a time; and what vouches for it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use engine::Stamped;
use serde::de::IgnoredAny;
use shared::audit::{AuditAsk, AuditPage, AuditRow, Verified, VerifyAsk};
use shared::id::{RunId, Seq};
use shared::request::{Refusal, RefusalCode};

use super::Connection;
use super::look::blocking;
use crate::driver::{Readout, with_sources};
use crate::store::{Hash, Reader, Stretch};

/// How many rows one answer holds at the most.
const ROWS_MAX: usize = 500;

impl Connection {
    /// A part of the audit trail: what one segment of the journal holds, or less.
    pub(super) async fn audit_part(&self, ask: AuditAsk) -> Result<AuditPage, Refusal> {
        let reader = self.reader().await?;
        let wanted = ask.clone();
        let (mut rows, read) = blocking(move || part(&reader, &wanted)).await?;
        let runs: BTreeSet<RunId> = rows.iter().filter_map(|it| it.run).collect();
        let names = self.names(runs).await?;
        for row in &mut rows {
            if let Some((label, workflow)) = row.run.and_then(|it| names.get(&it)) {
                row.label = Some(label.clone());
                row.workflow = Some(workflow.clone());
            }
        }
        if let Some(workflow) = &ask.workflow {
            rows.retain(|it| it.workflow.as_ref() == Some(workflow));
        }
        Ok(AuditPage { rows, next: read.more.then_some(Seq(read.last)) })
    }

    /// Verifies the next segment of the journal.
    pub(super) async fn verified(&self, from: Option<VerifyAsk>) -> Result<Verified, Refusal> {
        let reader = self.reader().await?;
        let chain = from.as_ref().map(|it| {
            Hash::from_hex(&it.chain).ok_or_else(|| {
                Refusal::new(RefusalCode::Invalid, format!("`{}` is no hash", it.chain))
            })
        });
        let (after, chain) = (from.map_or(0, |it| it.after.0), chain.transpose()?);
        blocking(move || {
            let read = reader.read::<IgnoredAny>(after, chain, |_| ControlFlow::Continue(()));
            let (read, problem) = match read {
                Ok(read) => (read, None),
                Err(broken) => (broken.read, Some(with_sources(&broken.why))),
            };
            Ok(Verified {
                first: Seq(read.first),
                last: Seq(read.last),
                before: read.before.to_string(),
                chain: read.chain.to_string(),
                records: read.records,
                more: read.more && problem.is_none(),
                problem,
            })
        })
        .await
    }

    async fn reader(&self) -> Result<Reader, Refusal> {
        self.core.inbox.ask(|it| it.store.reader(it.seq.0)).await
    }

    /// What people call runs, and their workflows.
    async fn names(
        &self,
        runs: BTreeSet<RunId>,
    ) -> Result<BTreeMap<RunId, (String, String)>, Refusal> {
        let look = move |it: &Readout<'_>| {
            let name = |run: RunId| {
                let found = match it.state.runs.get(&run) {
                    Some(run) => (run.label(), run.workflow.to_string()),
                    None => {
                        let row = crate::history::ended_row(it, run).ok().flatten()?;
                        (format!("{}#{}", row.workflow, row.number), row.workflow.to_string())
                    }
                };
                Some((run, found))
            };
            runs.into_iter().filter_map(name).collect()
        };
        self.core.inbox.ask(look).await
    }
}

/// The rows that one segment of the journal holds, or the first of them.
fn part(reader: &Reader, ask: &AuditAsk) -> Result<(Vec<AuditRow>, Stretch), Refusal> {
    let mut rows = Vec::new();
    let read = reader.read::<Stamped>(ask.after.0, None, |step| {
        for (seq, stamped) in (step.first_seq..).zip(&step.events) {
            rows.extend(engine::audit::row(Seq(seq), stamped).filter(|it| is_wanted(it, ask)));
        }
        match rows.len() < ROWS_MAX {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        }
    });
    match read {
        Ok(read) => Ok((rows, read)),
        Err(broken) => {
            let refusal = Refusal::new(RefusalCode::Internal, with_sources(&broken.why));
            Err(refusal.help("`runyard audit --verify` says from where to where it is whole"))
        }
    }
}

fn is_wanted(row: &AuditRow, ask: &AuditAsk) -> bool {
    let is_by = |actor: &String| {
        row.actor == *actor || row.actor.strip_prefix("user:") == Some(actor.as_str())
    };
    ask.actor.as_ref().is_none_or(is_by)
        && ask.since.is_none_or(|it| row.at >= it)
        && ask.run.is_none_or(|it| row.run == Some(it))
}
