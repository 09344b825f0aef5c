//! House rules that no compiler checks: layers, sizes, words, phrases, documents.

mod circles;
mod documents;
mod layers;
mod names;
mod phrases;
mod ports;
mod sources;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use tests::{Context, Result, ensure};

/// Returns the root of the workspace.
fn workspace() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../"))
}

/// A file of the project.
#[derive(Debug)]
struct File {
    /// Its path from the root.
    path: PathBuf,
    text: String,
}

/// Returns every text file that git tracks or would add.
fn files() -> Result<Vec<File>> {
    let arguments = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let listed = Command::new("git").args(arguments).current_dir(workspace()).output();
    let listed = listed.context("git lists the files of the project")?;
    ensure!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    let paths = String::from_utf8(listed.stdout)?;
    let read = |path: &str| {
        let text = fs::read_to_string(workspace().join(path)).ok()?;
        Some(File { path: path.into(), text })
    };
    let files: Vec<_> = paths.split_terminator('\0').filter_map(read).collect();
    ensure!(files.len() > 50, "only {} files", files.len());
    Ok(files)
}

/// Returns every file with this extension.
fn files_of(extension: &str) -> Result<Vec<File>> {
    let of = |file: &File| file.path.extension().is_some_and(|found| found == extension);
    Ok(files()?.into_iter().filter(of).collect())
}

/// Fails with a list of what breaks the rule, if it is not empty.
fn none_of(rule: &str, wrong: &[String]) -> Result<()> {
    ensure!(wrong.is_empty(), "{rule}:\n  {}", wrong.join("\n  "));
    Ok(())
}
