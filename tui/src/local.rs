//! Workflow files read here, without a daemon.

use std::fs;
use std::path::{Path, PathBuf};

use definition::{Loaded, draw};
use shared::snapshot::Graph;

use crate::args::GraphFormat;
use crate::error::Error;

/// Reads and checks a workflow file.
pub(crate) fn load(file: &Path) -> Result<Loaded, Error> {
    let bytes = fs::read(file).map_err(|source| missing_or(file, source))?;
    let folder = folder_of(file);
    let read_beside =
        |path: &str| fs::read_to_string(folder.join(path)).map_err(|error| error.to_string());
    let (file, folder) = (file.display().to_string(), folder.display().to_string());
    Ok(definition::load_bytes(&file, &folder, &bytes, &read_beside))
}

/// The graph of a workflow file that is valid.
pub(crate) fn graph(file: &Path) -> Result<Graph, Error> {
    let loaded = load(file)?;
    let workflow = loaded.workflow.ok_or_else(|| {
        let file = file.display();
        Error::usage(
            format!("`{file}` is not valid"),
            format!("`runyard validate {file}` says why"),
        )
    })?;
    Ok(definition::graph(&workflow))
}

/// A graph as text, in one of the forms that have lines.
pub(crate) fn draw(graph: &Graph, format: GraphFormat) -> String {
    match format {
        GraphFormat::Dot => draw::dot(graph),
        GraphFormat::Mermaid => draw::mermaid(graph),
        GraphFormat::Text | GraphFormat::Json => draw::text(graph),
    }
}

/// The text of a file; what is no UTF-8 in it is replaced.
pub(crate) fn read(file: &Path) -> Result<String, Error> {
    let bytes = fs::read(file).map_err(|source| missing_or(file, source))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The workflow files that are meant: a file itself, of a folder all in it but its components.
pub(crate) fn files_of(path: &Path) -> Result<Vec<PathBuf>, Error> {
    let facts = fs::metadata(path).map_err(|source| missing_or(path, source))?;
    if !facts.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    collect(path, &mut files)?;
    files.sort();
    if files.is_empty() {
        return Err(Error::not_found(
            format!("the folder `{}` holds no workflow file", path.display()),
            "workflow files end in .yaml",
        ));
    }
    Ok(files)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Error> {
    let doing = || format!("read the folder `{}`", folder.display());
    for entry in fs::read_dir(folder).map_err(Error::system(doing()))? {
        let entry = entry.map_err(Error::system(doing()))?;
        let kind = entry.file_type().map_err(Error::system(doing()))?;
        let path = entry.path();
        // Links are not followed: they may lead in circles.
        if kind.is_dir() && entry.file_name() != "components" {
            collect(&path, files)?;
        } else if kind.is_file() && path.extension().is_some_and(|it| it == "yaml") {
            files.push(path);
        }
    }
    Ok(())
}

fn missing_or(path: &Path, source: std::io::Error) -> Error {
    let path = path.display();
    match source.kind() {
        std::io::ErrorKind::NotFound => {
            Error::not_found(format!("there is no file `{path}`"), "check the path")
        }
        _ => Error::System { doing: format!("read `{path}`"), source },
    }
}

fn folder_of(file: &Path) -> PathBuf {
    let folder = file.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_means_its_workflow_files_but_not_its_components() {
        let folder = tempfile::tempdir().expect("a fresh folder");
        for name in ["b.yaml", "sub/a.yaml", "components/c.yaml", "notes.md"] {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().expect("it has a folder")).expect("a folder");
            fs::write(path, "tasks: {}\n").expect("a file");
        }
        let files = files_of(folder.path()).expect("it is there");
        assert_eq!(files, [folder.path().join("b.yaml"), folder.path().join("sub/a.yaml")]);
        assert_eq!(files_of(Path::new("/nowhere.yaml")).map_err(|it| it.exit_code()), Err(3));
    }
}
