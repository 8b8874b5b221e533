//! `audit`: who did what, and whether the journal is as it was written.

use serde::Serialize;
use shared::audit::{AuditAsk, AuditRow, VerifyAsk};
use shared::id::Seq;

use super::{Cx, list};
use crate::args::Audit;
use crate::client::Client;
use crate::error::{Error, Exit};
use crate::format::{View, plural};
use crate::text::{Line, Style};

/// What a whole verification has found.
#[derive(Serialize, Clone, PartialEq, Eq, Debug)]
pub(super) struct Verdict {
    pub(super) ok: bool,
    /// The first event that is kept.
    pub(super) first: Seq,
    /// The last event up to which all is as it was written.
    pub(super) last: Seq,
    /// The hash before the first event.
    pub(super) before: String,
    /// The hash that stands for all up to the last.
    pub(super) chain: String,
    pub(super) records: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) problem: Option<String>,
    /// What that means, and what it does not.
    pub(super) note: &'static str,
}

/// What the verification can vouch for. Without a hash that is kept elsewhere, only so much.
const NOTE: &str = "checked: each record's checksum and number, the chain of SHA-256 hashes, and the files of large events; \
                    whoever can write to the state folder can write a whole new chain: keep the last hash elsewhere, and compare";

pub(super) fn execute(cx: &mut Cx, asked: &Audit) -> Result<Exit, Error> {
    let since = asked.since.as_deref().map(|it| list::since(it, cx.view().now)).transpose()?;
    let client = cx.client()?;
    if asked.verify {
        return verify(cx, &client);
    }
    let run = asked.run.as_deref().map(|it| client.find(it)).transpose()?;
    let (actor, workflow) = (asked.actor.clone(), asked.workflow.clone());
    let mut ask = AuditAsk { after: Seq(0), actor, since, workflow, run };
    loop {
        let page = client.audit(ask.clone())?;
        print(cx, &page.rows)?;
        match page.next {
            Some(next) => ask.after = next,
            None => return Ok(Exit::Done),
        }
    }
}

fn verify(cx: &mut Cx, client: &Client) -> Result<Exit, Error> {
    let mut part = client.verify(None)?;
    let (first, before, mut records) = (part.first, part.before.clone(), part.records);
    while part.more {
        let from = VerifyAsk { after: part.last, chain: part.chain };
        part = client.verify(Some(from))?;
        records += part.records;
    }
    let (last, chain, problem) = (part.last, part.chain, part.problem);
    let ok = problem.is_none();
    let verdict = Verdict { ok, first, last, before, chain, records, problem, note: NOTE };
    cx.answer(&verdict, |it, _| verdict_lines(it))?;
    Ok(if ok { Exit::Done } else { Exit::Failed })
}

pub(super) fn verdict_lines(it: &Verdict) -> Vec<Line> {
    let records = plural(it.records, "record");
    let mut lines = vec![match it.last < it.first {
        true => Line::from("no event is kept"),
        false => {
            format!("events {} to {} ({records}) are as they were written", it.first.0, it.last.0)
                .into()
        }
    }];
    let mut fact = |name: &str, text: &str| {
        lines.push(Line::new().styled(Style::Dim, format!("  {name:<12}")).and(text));
    };
    if it.first.0 > 1 {
        fact("before", &format!("{} (earlier events are kept no more)", it.before));
    }
    fact("last hash", &it.chain);
    if let Some(problem) = &it.problem {
        lines.push(Line::new().styled(Style::Bad, "not as it was written: ").and(problem));
    }
    lines.push(Line::new().styled(Style::Dim, it.note));
    lines
}

fn print(cx: &mut Cx, rows: &[AuditRow]) -> Result<(), Error> {
    if cx.out.json {
        return rows.iter().try_for_each(|it| cx.out.json_line(it));
    }
    let view = cx.view();
    cx.out.lines(rows.iter().map(|it| row_line(it, &view)))
}

/// `2026-03-01 02:30:00 +01:00  user:ada  retail#412  run cancelled by user:ada: wrong day`.
pub(super) fn row_line(row: &AuditRow, view: &View) -> Line {
    let about = row.label.as_deref().or(row.workflow.as_deref());
    let line = Line::new().styled(Style::Dim, view.time(row.at)).and("  ").and(&row.actor);
    match about {
        Some(about) => line.and("  ").styled(Style::Bold, about),
        None => line,
    }
    .and("  ")
    .and(&row.text)
}
