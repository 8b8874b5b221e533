//! What is measured: each gives rows, or why its figures are not valid.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::bare::{self, Keeping};
use crate::graph::Graph;
use crate::product::{self, Daemon};
use crate::sample::Samples;
use crate::table::{Row, Unit};
use crate::{Outcome, Plan};

const SLOTS: usize = 8;
const TRUE: &[&str] = &["/bin/true"];

/// What all measures share.
#[derive(Debug)]
pub(crate) struct Bench {
    pub(crate) plan: Plan,
    pub(crate) daemon: Daemon,
    pub(crate) programs: PathBuf,
    pub(crate) folder: PathBuf,
    folders: usize,
}

/// A measure and its name.
pub(crate) type Measure = (&'static str, fn(&mut Bench) -> Outcome<Vec<Row>>);

/// All measures, in the order of the table.
pub(crate) const ALL: [Measure; 7] = [
    ("chain", |it| it.graph(&Graph::chain(100), Unit::MillisATask)),
    ("fan-out", |it| it.graph(&Graph::fan_out(1000), Unit::TasksASecond)),
    ("layers", |it| it.graph(&Graph::layers(20, 50), Unit::TasksASecond)),
    ("trigger", Bench::trigger),
    ("idle", Bench::idle),
    ("validate", Bench::validate),
    ("client", Bench::client),
];

impl Bench {
    /// Starts the daemon that runs the graphs.
    pub(crate) fn start(plan: Plan, programs: PathBuf, folder: PathBuf) -> Outcome<Self> {
        let graphs = [Graph::chain(100), Graph::fan_out(1000), Graph::layers(20, 50)];
        let mut workflows: Vec<(&str, String)> =
            graphs.iter().map(|it| (it.name, it.to_workflow(TRUE))).collect();
        let stamp = stamp_program(&folder)?;
        let stamp: Vec<&str> = stamp.iter().map(String::as_str).collect();
        workflows.push(("stamp", Graph { name: "stamp", ..Graph::chain(1) }.to_workflow(&stamp)));
        let daemon = Daemon::start(&programs, &folder.join("daemon"), SLOTS, &workflows)?;
        Ok(Self { plan, daemon, programs, folder, folders: 0 })
    }

    fn graph(&mut self, graph: &Graph, unit: Unit) -> Outcome<Vec<Row>> {
        let mut samples = [(); 4].map(|()| Samples::default());
        for _ in 0..self.plan.rounds {
            let plain = self.bare(graph, Keeping::Nowhere)?;
            let took = self.daemon.run(graph.name, graph.len())?;
            let journal = self.bare(graph, Keeping::Journal)?;
            let all = [plain, journal, took.recorded, took.waited];
            for (samples, took) in samples.iter_mut().zip(all) {
                samples.push(took.as_secs_f64() / graph.len() as f64);
            }
        }
        let bare = [Some(samples[0].median()), Some(samples[1].median())];
        let sides = ["bare", "bare, journal", "runyard, created to ended", "runyard run --wait"];
        let rows = sides.into_iter().zip(samples).map(|(side, samples)| {
            let what = format!("{} of {}: {side}", graph.name, graph.len());
            Row { what, unit, samples, bare }
        });
        Ok(rows.collect())
    }

    fn bare(&mut self, graph: &Graph, keeping: Keeping) -> Outcome<Duration> {
        self.folders += 1;
        let dir = self.folder.join(format!("bare-{}", self.folders));
        // Its files stay until the end: some file systems make new ones slowly for seconds after many were deleted.
        Ok(bare::run(graph, TRUE, SLOTS, keeping, &dir)?)
    }

    /// From the start of `runyard run` until the task's own process says what time it is.
    fn trigger(&mut self) -> Outcome<Vec<Row>> {
        let stamp = stamp_program(&self.folder)?;
        let mut samples = [(); 2].map(|()| Samples::default());
        for _ in 0..self.plan.triggers {
            let before = now()?;
            Command::new(&stamp[0]).args(&stamp[1..]).status()?;
            samples[0].push(stamped(&stamp[2], before)?.as_secs_f64());
            let before = now()?;
            self.daemon.ask(&["run", "stamp", "--wait"])?;
            samples[1].push(stamped(&stamp[2], before)?.as_secs_f64());
        }
        let bare = [Some(samples[0].median()), None];
        let sides = ["bare spawn", "runyard run"].into_iter().zip(samples);
        let row = |(side, samples)| Row {
            what: format!("trigger to task: {side}"),
            unit: Unit::Millis,
            samples,
            bare,
        };
        Ok(sides.map(row).collect())
    }

    /// What a daemon that has nothing to do takes: one that was just started, and the one that ran the graphs.
    fn idle(&mut self) -> Outcome<Vec<Row>> {
        let fresh = Daemon::start(&self.programs, &self.folder.join("idle"), SLOTS, &[])?;
        // What a start or an end leaves to be done, such as the sync of an index, is not idleness; and threads that have
        // had nothing to do for ten seconds end, which takes what they used out of the sum.
        std::thread::sleep(Duration::from_secs(12));
        let processes = [
            ("fresh daemon", fresh.pid()),
            ("fresh runner", fresh.runner()?),
            ("used daemon", self.daemon.pid()),
            ("used runner", self.daemon.runner()?),
        ];
        let cpu = || processes.iter().map(|(_, pid)| product::cpu(*pid)).collect();
        let before: Vec<Duration> = {
            let it: Outcome<Vec<_>> = cpu();
            it?
        };
        std::thread::sleep(self.plan.idle);
        let after: Vec<Duration> = {
            let it: Outcome<Vec<_>> = cpu();
            it?
        };
        let mut rows = Vec::new();
        for (place, (what, pid)) in processes.iter().enumerate() {
            let part = after[place].saturating_sub(before[place]).as_secs_f64()
                / self.plan.idle.as_secs_f64();
            let figures = [(product::memory(*pid)?, Unit::MebiBytes), (part, Unit::PercentOfACore)];
            rows.extend(figures.map(|(figure, unit)| Row {
                what: format!("idle: {what}"),
                unit,
                samples: [figure].into_iter().collect(),
                bare: [None, None],
            }));
        }
        Ok(rows)
    }

    fn validate(&mut self) -> Outcome<Vec<Row>> {
        let file = self.folder.join("ladder.yaml");
        fs::write(&file, Graph::ladder(10_000).to_workflow(TRUE))?;
        let validate = || {
            let mut command = Command::new(self.programs.join("runyard"));
            command.arg("validate").arg(&file);
            command
        };
        let cat = || {
            let mut command = Command::new("/bin/cat");
            command.arg(&file);
            command
        };
        self.beside("10,000 tasks", ("cat", &cat), &[("runyard validate", &validate)])
    }

    fn client(&mut self) -> Outcome<Vec<Row>> {
        let (version, status) =
            (|| self.daemon.client(&["--version"]), || self.daemon.client(&["status"]));
        let ours: [(&str, &dyn Fn() -> Command); 2] =
            [("runyard --version", &version), ("runyard status", &status)];
        self.beside("client", ("/bin/true", &|| Command::new("/bin/true")), &ours)
    }

    /// How long programs of ours take beside one that does next to nothing.
    fn beside(
        &self,
        what: &str,
        bare: (&str, &dyn Fn() -> Command),
        ours: &[(&str, &dyn Fn() -> Command)],
    ) -> Outcome<Vec<Row>> {
        let sides: Vec<_> = std::iter::once(bare).chain(ours.iter().copied()).collect();
        let mut samples = vec![Samples::default(); sides.len()];
        for _ in 0..self.plan.rounds {
            for ((name, command), samples) in sides.iter().zip(&mut samples) {
                let before = Instant::now();
                let output = command().stdin(Stdio::null()).output()?;
                if !output.status.success() {
                    let said = String::from_utf8_lossy(&output.stderr).into_owned();
                    return Err(format!("{name}: {}: {said}", output.status).into());
                }
                samples.push(before.elapsed().as_secs_f64());
            }
        }
        let median = samples[0].median();
        let rows = sides.iter().zip(samples).map(|((side, _), samples)| Row {
            what: format!("{what}: {side}"),
            unit: Unit::Millis,
            samples,
            bare: [Some(median), None],
        });
        Ok(rows.collect())
    }
}

/// Writes what time it is to a file, which is there as a whole or not at all. The task of `trigger`.
pub(crate) fn write_stamp(path: &str) -> Outcome<()> {
    let now = now()?;
    let fresh = format!("{path}.new");
    fs::write(&fresh, now.as_nanos().to_string())?;
    Ok(fs::rename(fresh, path)?)
}

/// This very program, as the task that writes the time to a file in `folder`.
fn stamp_program(folder: &Path) -> Outcome<[String; 3]> {
    let text = |it: PathBuf| it.into_os_string().into_string().map_err(|_| "a path is no text");
    Ok([text(std::env::current_exe()?)?, "stamp".to_owned(), text(folder.join("stamp"))?])
}

/// How long after `before` the stamp was written; it is gone then.
fn stamped(path: &str, before: Duration) -> Outcome<Duration> {
    let nanos = fs::read_to_string(path)?.parse::<u64>()?;
    fs::remove_file(path)?;
    Ok(Duration::from_nanos(nanos).checked_sub(before).ok_or("the clock was set back")?)
}

fn now() -> Outcome<Duration> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?)
}
