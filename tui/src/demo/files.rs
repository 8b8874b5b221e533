//! The example workflows, as they are in the repository's `workflows` folder.

/// A file of the examples.
#[derive(Debug)]
pub(super) struct Example {
    /// Where it lies in the folder of workflows.
    pub(super) path: &'static str,
    /// Whether it is a program.
    pub(super) executable: bool,
    /// What is in it.
    pub(super) bytes: &'static [u8],
}

const fn file(path: &'static str, bytes: &'static [u8]) -> Example {
    Example { path, executable: false, bytes }
}

const fn program(path: &'static str, bytes: &'static [u8]) -> Example {
    Example { path, executable: true, bytes }
}

/// Every file of them.
pub(super) const EXAMPLES: &[Example] = &[
    file("approve.yaml", include_bytes!("../../../workflows/approve.yaml")),
    file("data/README.md", include_bytes!("../../../workflows/data/README.md")),
    file(
        "data/superstore-2017-11-12.csv",
        include_bytes!("../../../workflows/data/superstore-2017-11-12.csv"),
    ),
    file("fan-out.yaml", include_bytes!("../../../workflows/fan-out.yaml")),
    file("hello.yaml", include_bytes!("../../../workflows/hello.yaml")),
    file("retail-daily-sales.yaml", include_bytes!("../../../workflows/retail-daily-sales.yaml")),
    file("regions.yaml", include_bytes!("../../../workflows/regions.yaml")),
    file("retry.yaml", include_bytes!("../../../workflows/retry.yaml")),
    file(
        "scripts/awk/check_metrics.awk",
        include_bytes!("../../../workflows/scripts/awk/check_metrics.awk"),
    ),
    file("scripts/awk/common.awk", include_bytes!("../../../workflows/scripts/awk/common.awk")),
    file(
        "scripts/awk/dashboard.awk",
        include_bytes!("../../../workflows/scripts/awk/dashboard.awk"),
    ),
    file("scripts/awk/day.awk", include_bytes!("../../../workflows/scripts/awk/day.awk")),
    file(
        "scripts/awk/exceptions_csv.awk",
        include_bytes!("../../../workflows/scripts/awk/exceptions_csv.awk"),
    ),
    file(
        "scripts/awk/exceptions_html.awk",
        include_bytes!("../../../workflows/scripts/awk/exceptions_html.awk"),
    ),
    file("scripts/awk/index.awk", include_bytes!("../../../workflows/scripts/awk/index.awk")),
    file("scripts/awk/lines.awk", include_bytes!("../../../workflows/scripts/awk/lines.awk")),
    file("scripts/awk/page.awk", include_bytes!("../../../workflows/scripts/awk/page.awk")),
    file(
        "scripts/awk/region_outputs.awk",
        include_bytes!("../../../workflows/scripts/awk/region_outputs.awk"),
    ),
    file("scripts/awk/returns.awk", include_bytes!("../../../workflows/scripts/awk/returns.awk")),
    file(
        "scripts/awk/store_metrics.awk",
        include_bytes!("../../../workflows/scripts/awk/store_metrics.awk"),
    ),
    file("scripts/awk/totals.awk", include_bytes!("../../../workflows/scripts/awk/totals.awk")),
    program(
        "scripts/check_metrics.sh",
        include_bytes!("../../../workflows/scripts/check_metrics.sh"),
    ),
    program("scripts/announce.sh", include_bytes!("../../../workflows/scripts/announce.sh")),
    program("scripts/dashboard.sh", include_bytes!("../../../workflows/scripts/dashboard.sh")),
    program("scripts/day.sh", include_bytes!("../../../workflows/scripts/day.sh")),
    program("scripts/exceptions.sh", include_bytes!("../../../workflows/scripts/exceptions.sh")),
    program("scripts/index.sh", include_bytes!("../../../workflows/scripts/index.sh")),
    file("scripts/lib.sh", include_bytes!("../../../workflows/scripts/lib.sh")),
    program("scripts/retract.sh", include_bytes!("../../../workflows/scripts/retract.sh")),
    program("scripts/returns.sh", include_bytes!("../../../workflows/scripts/returns.sh")),
    program(
        "scripts/store_metrics.sh",
        include_bytes!("../../../workflows/scripts/store_metrics.sh"),
    ),
];

/// The sales of two months, of which the demo delivers one day.
pub(super) const SALES: &[u8] = include_bytes!("../../../workflows/data/superstore-2017-11-12.csv");

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use super::*;

    /// Every file under `folder` but hidden ones, what the retail example makes, and the folder's own description.
    fn files(root: &Path, folder: &Path, found: &mut BTreeMap<String, bool>) {
        for entry in fs::read_dir(folder).expect("the folder of examples is there") {
            let path = entry.expect("it can be listed").path();
            let facts = fs::metadata(&path).expect("it is there");
            let name = path.strip_prefix(root).expect("it is in the folder").display().to_string();
            let hidden = name.starts_with('.') || name.contains("/.");
            if hidden || ["data/pos", "data/dashboards", "README.md"].contains(&name.as_str()) {
                continue;
            }
            if facts.is_dir() {
                files(root, &path, found);
            } else {
                found.insert(name, facts.permissions().mode() & 0o100 != 0);
            }
        }
    }

    #[test]
    fn no_example_file_is_forgotten() {
        let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../workflows"));
        let mut found = BTreeMap::new();
        files(root, root, &mut found);
        let table: BTreeMap<String, bool> =
            EXAMPLES.iter().map(|it| (it.path.to_owned(), it.executable)).collect();
        assert_eq!(table, found);
    }
}
