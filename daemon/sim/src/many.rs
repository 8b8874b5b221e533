//! Many histories, on as many threads as there are processors.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::course::Script;
use crate::play::play_script;
use crate::report::{Failed, Totals};

/// So many seeds are looked at after every step; the others after every sixteenth.
const CLOSELY: u64 = 100;

/// Plays every history of these seeds.
///
/// # Errors
/// The failure of the smallest seed of those that were played until then.
pub fn play_many(seeds: Range<u64>, steps: u64) -> Result<Totals, Box<Failed>> {
    let next = AtomicU64::new(seeds.start);
    let work = || {
        let mut totals = Totals::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                return Ok(totals);
            }
            let look_every = if seed <= CLOSELY { 1 } else { 16 };
            match play_script(&Script { look_every, ..Script::new(seed, steps) }) {
                Ok(it) => totals += it,
                Err(failed) => {
                    next.store(seeds.end, Ordering::Relaxed);
                    return Err(failed);
                }
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let results: Vec<Result<Totals, Box<Failed>>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        threads.into_iter().map(|it| it.join().expect("a history does not panic")).collect()
    });
    let mut totals = Totals::default();
    for result in results {
        totals += result?;
    }
    Ok(totals)
}
