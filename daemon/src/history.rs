//! Runs as readers find them: the events of those that are active, and all of those that have ended.
//!
//! | key in the index | value |
//! |---|---|
//! | `r/<id>` | the run's row and where the rest is ([`Row`]) |
//! | `c/<created, 8 bytes><id>` | the id, for lists by age |
//! | `l/<workflow>/<created, 8 bytes><id>` | the id, for lists of one workflow |
//! | `n/<number, 8 bytes>/<workflow>` | the id |

mod find;
mod list;

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::describe::run_of;
use engine::input::Archived;
use engine::state::Run;
use engine::{Event, Stamped, State};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use shared::id::{RunId, Seq};
use shared::snapshot::RunRow;
use shared::workflow::Workflow;

use crate::store::{
    ArchiveError, BlobError, Blobs, Hash, Index, IndexError, Put, Store, StoreError, compress,
    decompress,
};

pub(crate) use find::find;
pub(crate) use list::{RunsPage, ended_page, ended_row, list};

/// The most that the archive of one run may unpack to.
const ARCHIVE_BYTES_MAX: usize = 1 << 30;
/// The longest reason that a row holds.
const REASON_BYTES_MAX: usize = 500;

/// See the module.
#[derive(Default, Debug)]
pub(crate) struct History {
    seq: Seq,
    /// The events of each active run, since it was made or taken up again.
    active: BTreeMap<RunId, Vec<(Seq, Stamped)>>,
    /// Of each active run that had ended before, the archive of its earlier events.
    earlier: BTreeMap<RunId, Hash>,
}

/// What the index holds of an ended run.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) row: RunRow,
    /// The blob with its [`Document`].
    document: [u8; 32],
    /// The blob with the version of its workflow.
    workflow: [u8; 32],
}

/// All of an ended run.
#[derive(Serialize, Deserialize)]
struct Document {
    run: Run,
    events: Vec<(Seq, Stamped)>,
    /// The document of its end before it was taken up again: the events that come before these.
    earlier: Option<[u8; 32]>,
}

/// Why an ended run cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HistoryError {
    #[error("the index cannot be read")]
    Index(#[source] IndexError),
    #[error("a part of the run is missing")]
    Blob(#[source] BlobError),
    #[error("a part of the run is damaged")]
    Archive(#[source] ArchiveError),
    #[error("a part of the run cannot be understood")]
    Decode(#[source] rmp_serde::decode::Error),
}

impl History {
    /// The newest event.
    pub(crate) fn seq(&self) -> Seq {
        self.seq
    }

    /// Keeps the events of runs at hand.
    pub(crate) fn take_in(&mut self, first: Seq, events: Vec<Stamped>) {
        for (seq, stamped) in (first.0..).zip(events) {
            self.seq = Seq(seq);
            if let Some(run) = run_of(&stamped.event) {
                self.active.entry(run).or_default().push((Seq(seq), without_bulk(stamped)));
            }
        }
    }

    /// The events of an active run.
    pub(crate) fn active_events(&self, run: RunId) -> Option<&[(Seq, Stamped)]> {
        self.active.get(&run).map(Vec::as_slice)
    }

    /// Lets go of the events of a run whose archive is written.
    pub(crate) fn forget(&mut self, run: RunId) {
        self.active.remove(&run);
        self.earlier.remove(&run);
    }

    /// Puts the runs that ended up to `seq` where ended runs are kept: all of them, or the index says that none was.
    pub(crate) fn archive(
        &mut self,
        blobs: &Blobs,
        index: &mut Index,
        seq: Seq,
        ended: &[Archived],
    ) -> Result<(), StoreError> {
        let mut rows: Vec<Row> = Vec::new();
        for archived in ended {
            let run = archived.run.id;
            let events = self.active.remove(&run).unwrap_or_default();
            let began = matches!(events.first(), Some((_, it)) if is_creation(&it.event));
            let earlier = match self.earlier.remove(&run) {
                Some(hash) => Some(*hash.as_bytes()),
                None if began => None,
                // Taken up again and over at once, maybe more than once.
                None => match rows.iter().rev().find(|it| it.row.id == run) {
                    Some(row) => Some(row.document),
                    None => read_row(index, run).ok().flatten().map(|it| it.document),
                },
            };
            let document = Document { run: archived.run.clone(), events, earlier };
            let put = |bytes: Vec<u8>| blobs.put(&compress(&bytes)).map_err(StoreError::Blobs);
            rows.push(Row {
                row: row_of(&archived.run, &archived.workflow),
                document: *put(encode(&document))?.as_bytes(),
                workflow: *put(encode(&*archived.workflow))?.as_bytes(),
            });
        }
        index.apply(seq.0, rows.iter().flat_map(puts).collect()).map_err(StoreError::Index)
    }

    /// For each active run that had ended before: where its earlier events are.
    pub(crate) fn find_earlier(&mut self, index: &Index, state: &State) {
        let reopened = self.active.iter().filter(|(run, events)| {
            let first = events.first().map(|(_, it)| &it.event);
            state.runs.contains_key(run) && !first.is_some_and(is_creation)
        });
        let reopened: Vec<RunId> = reopened.map(|(run, _)| *run).collect();
        reopened.into_iter().for_each(|run| self.remember_earlier(index, run));
    }

    fn remember_earlier(&mut self, index: &Index, run: RunId) {
        if let Ok(Some(row)) = read_row(index, run)
            && let Some(hash) = Hash::from_slice(&row.document)
        {
            self.earlier.insert(run, hash);
        }
    }

    /// Where an ended run is. Cheap: reading it is for another thread than the driver's.
    pub(crate) fn find_archive(
        &self,
        store: &Store,
        run: RunId,
    ) -> Result<Option<Archive>, HistoryError> {
        let row = read_row(&store.index, run)?;
        let blobs = store.blobs.clone();
        Ok(row.map(|it| Archive { blobs, document: it.document, workflow: it.workflow }))
    }

    /// The events of a run from `after` on, as far as they are at hand, and where the earlier ones are.
    pub(crate) fn find_events(
        &self,
        store: &Store,
        run: RunId,
    ) -> Result<Option<Events>, HistoryError> {
        let blobs = store.blobs.clone();
        if let Some(events) = self.active.get(&run) {
            let earlier = self.earlier.get(&run).map(|it| *it.as_bytes());
            return Ok(Some(Events { blobs, events: events.clone(), earlier }));
        }
        let row = read_row(&store.index, run)?;
        Ok(row.map(|it| Events { blobs, events: Vec::new(), earlier: Some(it.document) }))
    }
}

/// Where an ended run is.
#[derive(Debug)]
pub(crate) struct Archive {
    blobs: Blobs,
    document: [u8; 32],
    workflow: [u8; 32],
}

impl Archive {
    /// The run and its workflow.
    pub(crate) fn read(&self) -> Result<Archived, HistoryError> {
        let document: Document = read_blob(&self.blobs, &self.document)?;
        let workflow: Workflow = read_blob(&self.blobs, &self.workflow)?;
        Ok(Archived { run: document.run, workflow: Arc::new(workflow) })
    }

    /// Its workflow alone.
    pub(crate) fn read_workflow(&self) -> Result<Arc<Workflow>, HistoryError> {
        read_blob(&self.blobs, &self.workflow).map(Arc::new)
    }
}

/// The newest events of a run, and where those before them are.
#[derive(Debug)]
pub(crate) struct Events {
    blobs: Blobs,
    events: Vec<(Seq, Stamped)>,
    earlier: Option<[u8; 32]>,
}

impl Events {
    /// All of them, oldest first.
    pub(crate) fn read(self) -> Result<Vec<(Seq, Stamped)>, HistoryError> {
        let mut parts = vec![self.events];
        let mut next = self.earlier;
        while let Some(hash) = next {
            let document: Document = read_blob(&self.blobs, &hash)?;
            parts.push(document.events);
            next = document.earlier;
        }
        Ok(parts.into_iter().rev().flatten().collect())
    }
}

fn is_creation(event: &Event) -> bool {
    matches!(event, Event::RunCreated(_))
}

/// An event as it is kept for readers: the run that is taken up again is told by its own earlier events.
fn without_bulk(stamped: Stamped) -> Stamped {
    match stamped.event {
        Event::RunReopened { mut run, workflow } => {
            run.tasks.clear();
            let workflow = Workflow { tasks: Vec::new(), ..(*workflow).clone() };
            let event = Event::RunReopened { run, workflow: Arc::new(workflow) };
            Stamped { at: stamped.at, event }
        }
        event => Stamped { at: stamped.at, event },
    }
}

fn row_of(run: &Run, workflow: &Workflow) -> RunRow {
    let mut row = engine::snapshot::run_row(run, workflow, None);
    if let Some(reason) = &mut row.reason
        && reason.len() > REASON_BYTES_MAX
    {
        let end = (0..=REASON_BYTES_MAX).rev().find(|it| reason.is_char_boundary(*it));
        reason.truncate(end.unwrap_or(0));
        reason.push('…');
    }
    row
}

fn puts(row: &Row) -> Vec<Put> {
    let it = &row.row;
    let id = it.id.to_string();
    let created = it.created.0.max(0).to_be_bytes();
    let put = |key: Vec<u8>, value: Vec<u8>| Put { key, value: Some(value) };
    let by_age = [b"c/".as_slice(), &created, id.as_bytes()].concat();
    let by_workflow =
        [b"l/", it.workflow.as_str().as_bytes(), b"/", &created, id.as_bytes()].concat();
    vec![
        put(row_key(it.id), encode(row)),
        put(by_age, id.clone().into_bytes()),
        put(by_workflow, id.clone().into_bytes()),
        put(number_key(it.number, it.workflow.as_str()), id.into_bytes()),
    ]
}

fn row_key(run: RunId) -> Vec<u8> {
    format!("r/{run}").into_bytes()
}

fn number_key(number: u64, workflow: &str) -> Vec<u8> {
    [b"n/".as_slice(), &number.to_be_bytes(), b"/", workflow.as_bytes()].concat()
}

fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    rmp_serde::to_vec_named(value).expect("every form that is kept can be written")
}

fn read_row(index: &Index, run: RunId) -> Result<Option<Row>, HistoryError> {
    let bytes = index.get(&row_key(run)).map_err(HistoryError::Index)?;
    bytes.map(|it| rmp_serde::from_slice(&it).map_err(HistoryError::Decode)).transpose()
}

fn read_blob<T: DeserializeOwned>(blobs: &Blobs, hash: &[u8; 32]) -> Result<T, HistoryError> {
    let hash = Hash::from_slice(hash).expect("a hash has 32 bytes");
    let archive = blobs.get(hash).map_err(HistoryError::Blob)?;
    let bytes = decompress(&archive, ARCHIVE_BYTES_MAX).map_err(HistoryError::Archive)?;
    rmp_serde::from_slice(&bytes).map_err(HistoryError::Decode)
}
