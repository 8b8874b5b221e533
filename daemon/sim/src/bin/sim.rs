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
    let (mut from, mut seeds, mut steps, mut shrinks) = (1, 100, 300, 1);
    while let Some(word) = words.next() {
        let value = words.next().ok_or_else(|| format!("{word} needs a number"))?;
        let value: u64 = value.parse().map_err(|_| format!("`{value}` is not a number"))?;
        match word.as_str() {
            "--seed" => (from, seeds) = (value, 1),
            "--seeds" => seeds = value,
            "--from" => from = value,
            "--steps" => steps = value,
            "--shrink" => shrinks = value,
            _ => {
                return Err(format!(
                    "there is no {word}: --seed, --seeds, --from, --steps, --shrink 0"
                ));
            }
        }
    }
    let mut totals = sim::Totals::default();
    let mut first = from;
    while first < from.saturating_add(seeds) {
        let last = first.saturating_add(1_000).min(from.saturating_add(seeds));
        let played = sim::many::play_many(first..last, steps);
        totals += played.map_err(|failed| match shrinks {
            0 => failed.to_string(),
            _ => sim::shrink::story(&sim::Script::new(failed.seed, steps), *failed),
        })?;
        first = last;
        if first < from.saturating_add(seeds) {
            writeln!(out, "{} histories", totals.histories).map_err(|it| it.to_string())?;
        }
    }
    let days = totals.time.as_secs() / 86_400;
    writeln!(
        out,
        "{} histories, {} runs, {} steps, {} events, {} crashes, {} disk faults, {days} days ({:.1} years) of virtual time",
        totals.histories, totals.runs, totals.steps, totals.events, totals.crashes, totals.disk_faults, days as f64 / 365.25
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
