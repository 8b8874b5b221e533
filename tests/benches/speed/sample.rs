//! Figures of one thing, measured several times. Smaller is better.

/// Not empty.
#[derive(Clone, PartialEq, Default, Debug)]
pub(crate) struct Samples(Vec<f64>);

impl Samples {
    pub(crate) fn push(&mut self, sample: f64) {
        self.0.push(sample);
    }

    pub(crate) fn median(&self) -> f64 {
        self.rank(0.5)
    }

    pub(crate) fn best(&self) -> f64 {
        self.rank(0.0)
    }

    /// What so large a part of the samples is not above.
    pub(crate) fn rank(&self, part: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let place = (part * (sorted.len().saturating_sub(1)) as f64).round();
        sorted.get(place as usize).copied().unwrap_or(f64::NAN)
    }
}

impl FromIterator<f64> for Samples {
    fn from_iter<T: IntoIterator<Item = f64>>(samples: T) -> Self {
        Self(samples.into_iter().collect())
    }
}
