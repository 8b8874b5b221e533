//! `cargo bench -p e2e --bench console [-- --quick]`: the budgets of the console, measured in a real terminal on a real
//! daemon. Prints one line a measure, beside what it should keep.

use std::error::Error;
use std::fs;
use std::io::{self, Write};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use e2e::pty::{Key, SIZE};
use e2e::{Console, Site, programs};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// A run that is over in the step that starts it.
const TICK: &str = "concurrency: { max_runs: 1000 }\ntasks: { tick: { check: { expr: 1 < 2 } } }\n";
/// How many tasks the large run has.
const LARGE: usize = 10_000;
/// How many consoles stand by.
const CONSOLES: usize = 50;

struct Plan {
    runs: usize,
    keys: usize,
    watched: Duration,
}

fn main() -> Outcome<()> {
    let quick = std::env::args().any(|it| it == "--quick");
    let plan = match quick {
        true => Plan { runs: 1_000, keys: 60, watched: Duration::from_secs(3) },
        false => Plan { runs: 50_000, keys: 400, watched: Duration::from_secs(20) },
    };
    build()?;
    let site = Arc::new(site());
    let mut out = io::stdout().lock();
    let mut say = |what: &str, measured: String, budget: &str| {
        writeln!(out, "{what:<58} {measured:>24}   {budget}").and_then(|()| out.flush())
    };
    let (frame, live) = first_frame(&site);
    say("first frame", millis(frame), "50 ms")?;
    say("first frame with what the daemon says", millis(live), "150 ms")?;
    let took = make_runs(&site, plan.runs);
    say("runs made for the next measures", format!("{} in {:.0?}", plan.runs, took), "")?;
    let keys = keys_under_load(&site, plan.keys);
    say("key to frame, quiet: p50, p99", pair(&keys.quiet), "p99 16 ms")?;
    let what = format!("key to frame, {:.0} changes a second: p50, p99", keys.changes);
    say(&what, pair(&keys.busy), "p99 16 ms")?;
    say("memory of the console", format!("{:.1} MiB", keys.memory), "60 MB")?;
    let (opened, memory) = open_large(&site);
    say("a run of 10,000 tasks opens", millis(opened), "200 ms")?;
    say("memory of the console then", format!("{memory:.1} MiB"), "60 MB")?;
    let (cpu, bytes) = stand_by(&site, plan.watched);
    say("50 consoles that stand by, of one core of the daemon's", format!("{cpu:.2} %"), "2 %")?;
    say("bytes that they write", bytes.to_string(), "0")?;
    Ok(())
}

fn build() -> Outcome<()> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--release", "-p", "daemon", "-p", "runner", "-p", "tui"]);
    match cargo.current_dir(programs::repository()).status()?.success() {
        true => Ok(()),
        false => Err("the programs cannot be built".into()),
    }
}

fn site() -> Site {
    let tasks: String = (0..LARGE)
        .map(|it| match it {
            0 => "  t0: { check: { expr: 1 < 2 } }\n".to_owned(),
            _ => format!("  t{it}: {{ needs: t{}, check: {{ expr: 1 < 2 }} }}\n", it / 2),
        })
        .collect();
    let mut site = Site::empty(&[("tick.yaml", TICK), ("large.yaml", &format!("tasks:\n{tasks}"))]);
    site.start_daemon();
    site
}

fn first_frame(site: &Site) -> (Duration, Duration) {
    let start = Instant::now();
    let console = Console::open(site, SIZE);
    console.until(|it| it.row(0).contains("runyard"), "the first frame");
    let frame = start.elapsed();
    console.shows(" live");
    (frame, start.elapsed())
}

/// As scripts make them, several at once.
fn make_runs(site: &Arc<Site>, count: usize) -> Duration {
    let start = Instant::now();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..count / 4).for_each(|_| drop(site.run(&["tick"]))));
        }
    });
    start.elapsed()
}

struct Keys {
    quiet: Vec<Duration>,
    busy: Vec<Duration>,
    /// A second.
    changes: f64,
    memory: f64,
}

fn keys_under_load(site: &Arc<Site>, count: usize) -> Keys {
    let mut console = Console::open(site, SIZE);
    console.shows(" live");
    console.keys("3");
    console.shows("tick#");
    let quiet = walk(&mut console, count);
    let stop = Arc::new(AtomicBool::new(false));
    let load = {
        let (site, stop) = (Arc::clone(site), Arc::clone(&stop));
        thread::spawn(move || {
            let mut made = 0_u32;
            while !stop.load(Ordering::Relaxed) {
                site.run(&["tick"]);
                made += 1;
            }
            made
        })
    };
    let start = Instant::now();
    let busy = walk(&mut console, count);
    let took = start.elapsed();
    stop.store(true, Ordering::Relaxed);
    let made = load.join().expect("runs are made");
    // A run of one such task is seven events.
    let changes = f64::from(made) * 7.0 / took.as_secs_f64();
    Keys { quiet, busy, changes, memory: memory(console.pid()) }
}

/// From each key until its frame is drawn.
fn walk(console: &mut Console, count: usize) -> Vec<Duration> {
    // Not to the end of the list, where older runs are asked for.
    let key = |at: usize| ["j", "j", "k", "j", "k"][at % 5];
    let mut took: Vec<Duration> = (0..count)
        .map(|at| {
            let start = Instant::now();
            console.keys(key(at)).idle();
            start.elapsed()
        })
        .collect();
    took.sort_unstable();
    took
}

fn open_large(site: &Site) -> (Duration, f64) {
    let run = site.run(&["large"]);
    site.wait_for_end(&run);
    let mut console = Console::open(site, SIZE);
    console.shows(" live");
    console.keys("3g");
    console.shows("large#");
    console.idle();
    let start = Instant::now();
    console.key(Key::Enter);
    console.until(
        |it| it.rows().iter().any(|row| row.contains("t9999") || row.contains("10,000")),
        "it is shown",
    );
    (start.elapsed(), memory(console.pid()))
}

fn stand_by(site: &Site, watched: Duration) -> (f64, usize) {
    let consoles: Vec<Console> = (0..CONSOLES).map(|_| Console::open(site, SIZE)).collect();
    consoles.iter().for_each(|it| drop(it.shows(" live")));
    consoles.iter().for_each(|it| drop(it.idle()));
    let marks: Vec<_> = consoles.iter().map(Console::mark).collect();
    let (before, start) = (cpu(site.pid()), Instant::now());
    thread::sleep(watched);
    let used = cpu(site.pid()).saturating_sub(before).as_secs_f64();
    let share = used / start.elapsed().as_secs_f64() * 100.0;
    let bytes = consoles.iter().zip(marks).map(|(it, mark)| it.bytes_since(mark).len()).sum();
    (share, bytes)
}

fn memory(pid: i32) -> f64 {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = text.lines().find_map(|it| it.strip_prefix("VmRSS:")).unwrap_or_default();
    let kib = line.split_whitespace().next().and_then(|it| it.parse::<f64>().ok());
    kib.unwrap_or(0.0) / 1024.0
}

fn cpu(pid: i32) -> Duration {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let after = text.rsplit(')').next().unwrap_or_default();
    let fields: Vec<u64> = after.split_whitespace().filter_map(|it| it.parse().ok()).collect();
    // Behind the name and the state come ten numbers, then the ticks of a hundredth of a second in user and kernel mode.
    let ticks = fields.get(10..12).map_or(0, |it| it.iter().sum::<u64>());
    Duration::from_millis(ticks * 10)
}

fn millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

fn pair(sorted: &[Duration]) -> String {
    let at = |part: f64| {
        let place = ((sorted.len() as f64 * part) as usize).min(sorted.len().saturating_sub(1));
        sorted.get(place).copied().unwrap_or_default()
    };
    format!("{}, {}", millis(at(0.5)), millis(at(0.99)))
}
