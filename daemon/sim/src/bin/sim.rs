//! Plays histories: `sim --seeds 1000 --from 1 --steps 400`, or one: `sim --seed 17`.

use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut out = std::io::stdout().lock();
    match run(&mut out) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            // Nothing is left to do about an output that is closed.
            let _ = writeln!(out, "{problem}");
            ExitCode::FAILURE
        }
    }
}

fn run(out: &mut impl Write) -> Result<(), String> {
    let mut words = std::env::args().skip(1);
    let (mut from, mut seeds, mut steps) = (1, 100, 300);
    while let Some(word) = words.next() {
        let value = words.next().ok_or_else(|| format!("{word} needs a number"))?;
        let value: u64 = value.parse().map_err(|_| format!("`{value}` is not a number"))?;
        match word.as_str() {
            "--seed" => (from, seeds) = (value, 1),
            "--seeds" => seeds = value,
            "--from" => from = value,
            "--steps" => steps = value,
            _ => return Err(format!("there is no {word}: --seed, --seeds, --from, --steps")),
        }
    }
    let mut totals = sim::Totals::default();
    for seed in from..from.saturating_add(seeds) {
        totals += sim::play(seed, steps).map_err(|it| it.to_string())?;
    }
    let days = totals.time.as_secs() / 86_400;
    writeln!(
        out,
        "{} histories, {} runs, {} steps, {} events, {} crashes, {days} days of virtual time",
        totals.histories, totals.runs, totals.steps, totals.events, totals.crashes
    )
    .and_then(|()| {
        writeln!(
            out,
            "{} rolled back, {} rollbacks failed; {} requests done, {} refused",
            totals.rolled_back, totals.rollback_failed, totals.done, totals.refused
        )
    })
    .map_err(|it| it.to_string())
}
