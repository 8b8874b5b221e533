//! Reads the workflows folder. Knows nothing of what the files must hold.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use definition::Source;
use engine::input::Shelf;
use shared::diagnostic::{Diagnostic, Severity};

/// The longest file that is read: one byte more than a workflow file may have, so that a longer one is told.
const FILE_BYTES_MAX: u64 = (1 << 20) + 1;

/// What the folder holds, by path; a folder that is not there holds nothing.
pub(crate) fn read(folder: &Path) -> Vec<Shelf> {
    let mut files = Vec::new();
    collect(folder, 0, &mut files);
    files.sort();
    let mut shelves: Vec<Shelf> = Vec::new();
    for file in files {
        let shelf = read_file(&file);
        // Of two files with one name the first by path counts, and the second is told.
        let twice = shelves.iter().any(|it| name(it) == name(&shelf));
        shelves.push(match twice {
            false => shelf,
            true => Shelf::Broken {
                name: stem(&file).as_str().into(),
                problems: vec![format!(
                    "{}: another file has the workflow `{}` already",
                    file.display(),
                    name(&shelf)
                )],
            },
        });
    }
    shelves
}

fn name(shelf: &Shelf) -> &str {
    match shelf {
        Shelf::Good(workflow) => workflow.name.as_str(),
        Shelf::Broken { name, .. } => name.as_str(),
    }
}

fn collect(folder: &Path, depth: u32, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.flatten().map(|it| it.path()) {
        let hidden = path.file_name().is_some_and(|it| it.to_string_lossy().starts_with('.'));
        let components = depth == 0 && path.file_name().is_some_and(|it| it == "components");
        if hidden || components {
            continue;
        }
        if path.is_dir() && !path.is_symlink() && depth < 8 {
            collect(&path, depth + 1, files);
        } else if path.extension().is_some_and(|it| it == "yaml") && path.is_file() {
            files.push(path);
        }
    }
}

fn stem(file: &Path) -> String {
    file.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

fn read_file(file: &Path) -> Shelf {
    let broken = |problems| Shelf::Broken { name: stem(file).as_str().into(), problems };
    let bytes = match read_regular(file) {
        Ok(bytes) => bytes,
        Err(problem) => {
            return broken(vec![format!("{}: cannot be read: {problem}", file.display())]);
        }
    };
    let loaded = load(file, &bytes);
    match loaded.workflow {
        Some(workflow) => Shelf::Good(Arc::new(workflow)),
        None => broken(errors(&loaded.diagnostics)),
    }
}

/// The beginning of a file. Whatever else a path may lead to, nothing is waited for.
fn read_regular(path: &Path) -> io::Result<Vec<u8>> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
    }
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(FILE_BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A file's workflow, or what is wrong with it.
pub(crate) fn load(file: &Path, bytes: &[u8]) -> definition::Loaded {
    let folder = file.parent().unwrap_or(Path::new("/"));
    let beside = |path: &str| {
        let text = read_regular(&folder.join(path)).map_err(|it| it.to_string())?;
        String::from_utf8(text).map_err(|_| "it is not UTF-8 text".to_owned())
    };
    let (file, folder) = (file.to_string_lossy(), folder.to_string_lossy());
    match std::str::from_utf8(bytes) {
        Ok(text) => definition::load(&Source { file: &file, folder: &folder, text }, &beside),
        Err(_) => definition::load_bytes(&file, &folder, bytes, &beside),
    }
}

/// The errors, a line each.
pub(crate) fn errors(diagnostics: &[Diagnostic]) -> Vec<String> {
    let errors = diagnostics.iter().filter(|it| it.severity == Severity::Error);
    let lines = errors.map(|it| {
        let help = it.help.as_ref().map_or(String::new(), |help| format!(" ({help})"));
        format!("{}:{}:{}: {}{help}", it.file, it.line, it.column, it.message)
    });
    lines.take(20).collect()
}
