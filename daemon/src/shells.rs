//! All that carries effects out, behind the driver's one seam.

use engine::Effect;
use shared::id::PoolName;

use crate::driver::World;
use crate::executors::local::LocalPools;
use crate::triggers::file::FileWatcher;

/// The pools and the sources.
pub(crate) struct Shells {
    pub(crate) pools: LocalPools,
    pub(crate) files: FileWatcher,
}

impl World for Shells {
    fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::StartAttempt(launch) => self.pools.launch(&launch),
                Effect::StopAttempt(pool, attempt) => self.pools.stop(&pool, attempt),
                Effect::ReleaseAttempt(pool, attempt) => self.pools.release(&pool, attempt),
                Effect::WatchFile(watch) => self.files.watch(watch),
                Effect::StopWatch(attempt) => self.files.stop(attempt),
                // The driver answers by itself.
                Effect::Answer(..) => {}
            }
        }
    }

    fn reconnect(&mut self) {
        self.pools.reconnect();
    }

    fn goes_to(effect: &Effect, pool: &PoolName) -> bool {
        match effect {
            Effect::StartAttempt(launch) => launch.pool == *pool,
            Effect::StopAttempt(it, _) | Effect::ReleaseAttempt(it, _) => it == pool,
            Effect::WatchFile(_) | Effect::StopWatch(_) | Effect::Answer(..) => false,
        }
    }
}

impl Drop for Shells {
    fn drop(&mut self) {
        self.pools.bye();
    }
}
