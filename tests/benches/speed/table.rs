//! The figures as text.

use std::fmt;

use crate::sample::Samples;

/// What a sample is, and how it is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Unit {
    /// Seconds, shown as milliseconds.
    Millis,
    /// Seconds a task, shown as milliseconds.
    MillisATask,
    /// Seconds a task, shown as tasks a second.
    TasksASecond,
    /// Bytes.
    MebiBytes,
    /// A part of one core.
    PercentOfACore,
}

/// One side of one measure.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) what: String,
    pub(crate) unit: Unit,
    pub(crate) samples: Samples,
    /// The median of the bare program, and of the one with a journal.
    pub(crate) bare: [Option<f64>; 2],
}

/// The line above the rows.
pub(crate) fn head() -> String {
    format!(
        "{:<46} {:>9} {:>9} {:>9}  {:<9} {:>7} {:>9}",
        "", "median", "best", "p95", "unit", "x bare", "x journal"
    )
}

impl Row {
    /// Whether it is faster than the bare program, which does less: then it was the machine that was measured.
    fn is_disturbed(&self) -> bool {
        self.bare[0].is_some_and(|bare| self.samples.median() < 0.95 * bare)
    }
}

impl Unit {
    fn show(self, sample: f64) -> String {
        match self {
            Self::Millis | Self::MillisATask => format!("{:.2}", sample * 1e3),
            Self::TasksASecond => format!("{:.0}", 1.0 / sample),
            Self::MebiBytes => format!("{:.1}", sample / 1_048_576.0),
            Self::PercentOfACore => format!("{:.3}", sample * 100.0),
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Millis => "ms",
            Self::MillisATask => "ms/task",
            Self::TasksASecond => "tasks/s",
            Self::MebiBytes => "MiB",
            Self::PercentOfACore => "% of core",
        }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let it = &self.samples;
        let shown = [it.median(), it.best(), it.rank(0.95)].map(|it| self.unit.show(it));
        let [median, best, p95] = &shown;
        let ratio = |bare: Option<f64>| {
            bare.map_or_else(|| "-".to_owned(), |bare| format!("{:.2}", it.median() / bare))
        };
        let [bare, journal] = self.bare.map(ratio);
        let (what, unit) = (&self.what, self.unit.word());
        write!(f, "{what:<46} {median:>9} {best:>9} {p95:>9}  {unit:<9} {bare:>7} {journal:>9}")?;
        if self.is_disturbed() { f.write_str("  disturbed") } else { Ok(()) }
    }
}
