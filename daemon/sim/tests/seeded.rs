//! Deliberate faults: whoever judges the histories must find every one of them, without the engine's own invariant.

use std::panic::{AssertUnwindSafe, catch_unwind};

use engine::faults::{self, Fault};
use sim::Script;
use sim::course::DriverFault;
use sim::play::play_script;
use sim::report::Failed;

/// As many as every change is played with.
const SEEDS: u64 = 500;

fn script(seed: u64, fault: Option<DriverFault>) -> Script {
    Script { asks_engine: false, look_every: 4, fault, ..Script::new(seed, 300) }
}

/// The first seed that finds a fault, and what is said of it. A panic is no judgement of the world, and does not count.
fn find(fault: Option<DriverFault>) -> Option<(Script, Failed)> {
    (1..=SEEDS).find_map(|seed| {
        let script = script(seed, fault);
        let played = catch_unwind(AssertUnwindSafe(|| play_script(&script)));
        match played {
            Ok(Err(failed)) => Some((script, *failed)),
            Ok(Ok(_)) | Err(_) => None,
        }
    })
}

#[test]
fn every_deliberate_fault_is_found_by_who_looks_at_the_world() {
    let of_engine = Fault::ALL.iter().map(|it| (format!("{it:?}"), Some(*it), None));
    let of_driver = DriverFault::ALL.iter().map(|it| (format!("{it:?}"), None, Some(*it)));
    let all: Vec<_> = of_engine.chain(of_driver).collect();
    let half = all.len().div_ceil(2);
    let survivors: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = all
            .chunks(half)
            .map(|part| {
                scope.spawn(move || {
                    let mut survivors = Vec::new();
                    for (name, engine, driver) in part {
                        faults::select(*engine);
                        match find(*driver) {
                            Some((_, it)) => {
                                let (seed, step) = (it.seed, it.step);
                                say(&format!("{name}: seed {seed}, step {step}: {}", it.problem));
                            }
                            None => survivors.push(name.clone()),
                        }
                    }
                    survivors
                })
            })
            .collect();
        threads.into_iter().flat_map(|it| it.join().expect("it does not panic")).collect()
    });
    assert!(survivors.is_empty(), "nobody has found {survivors:?} in {SEEDS} histories");
}

#[test]
fn the_history_of_a_fault_is_made_small() {
    for fault in [Fault::SlotFreedAtStop, Fault::LostIsStartedAgain, Fault::SkippedIsSuccess] {
        faults::select(Some(fault));
        let (script, failed) = find(None).expect("it is found");
        let (kind, before) = (failed.kind(), failed.choices.len());
        let small = sim::shrink::shrink(&script, failed);
        let left = sim::shrink::remaining(&small);
        say(&format!("{fault:?}: {before} choices, {} left\n{}", left.len(), small.1));
        assert_eq!(small.1.kind(), kind);
        assert!(left.len() < 40, "{fault:?}: {} choices are left", left.len());
    }
}

#[expect(clippy::print_stdout, reason = "who looks at the build sees what was found")]
fn say(text: &str) {
    println!("{text}");
}
